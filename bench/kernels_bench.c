/* kernels_bench.c: GFLOP/s or GB/s of every kernel in every variant that this
 * CPU runs. One thread. Variants take turns, so that a change of clock or load
 * meets all alike. Prints one JSON object for each kernel and variant, with the
 * rate of every round; run_kernels.sh makes a table of them.
 *
 *     kernels_bench [ROUNDS]
 */
#define _POSIX_C_SOURCE 199309L

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/kernels.h"
#include "midge/env.h"

#define ROUNDS_MAX 101
#define VARIANTS   4
#define FLOATS     (2048 * 2048)
#define ROUND_NS   1e6 /* a measurement repeats its call for this long */

static float *a, *b, *c, *d;

typedef struct work {
    const char *name;
    void (*run)(const mdg_kernels *k, const struct work *w);
    size_t m, n, k;
    double amount; /* floating-point operations or bytes of one call */
    const char *unit;
    int transposed;
} work;

static volatile float sink;

static void run_dot(const mdg_kernels *k, const work *w) {
    sink = k->dot_f32(w->n, a, b);
}

static void run_l2sq(const mdg_kernels *k, const work *w) {
    sink = k->l2sq_f32(w->n, a, b);
}

static void run_axpy(const mdg_kernels *k, const work *w) {
    k->axpy_f32(w->n, 1e-6f, a, b);
}

static void run_gemv(const mdg_kernels *k, const work *w) {
    k->gemv_f32(w->m, w->n, a, w->n, b, c);
}

static void run_l2sq_rows(const mdg_kernels *k, const work *w) {
    k->l2sq_rows_f32(w->m, w->n, a, w->n, b, c);
}

static void run_exp(const mdg_kernels *k, const work *w) {
    memcpy(c, a, w->n * sizeof *c);
    k->exp_f32(w->n, c);
}

static void run_tanh(const mdg_kernels *k, const work *w) {
    memcpy(c, a, w->n * sizeof *c);
    k->tanh_f32(w->n, c);
}

static void run_cos(const mdg_kernels *k, const work *w) {
    memcpy(c, a, w->n * sizeof *c);
    k->cos_f32(w->n, c);
}

static void run_softmax(const mdg_kernels *k, const work *w) {
    memcpy(c, a, w->n * sizeof *c);
    k->softmax_f32(w->n, c);
}

static void run_adam(const mdg_kernels *k, const work *w) {
    const mdg_adam step = {0.9f, 0.999f, 1e-6f, 1.0f, 1e-8f, 0.0f};
    k->adam_f32(w->n, &step, a, b, c, d);
}

static void run_transpose(const mdg_kernels *k, const work *w) {
    k->transpose_f32(w->m, w->n, a, c);
}

static void run_gemm(const mdg_kernels *k, const work *w) {
    mdg_gemm g = {.m = w->m,
                  .n = w->n,
                  .k = w->k,
                  .a = a,
                  .a_row = w->transposed ? 1 : w->k,
                  .a_col = w->transposed ? w->m : 1,
                  .b = b,
                  .ldb = w->n,
                  .c = c,
                  .ldc = w->n};
    k->gemm_f32(&g);
}

#define GEMM(label, m_, n_, k_, t)                                             \
    {.name = label,                                                            \
     .run = run_gemm,                                                          \
     .m = m_,                                                                  \
     .n = n_,                                                                  \
     .k = k_,                                                                  \
     .amount = 2.0 * m_ * n_ * k_,                                             \
     .unit = "GFLOP/s",                                                        \
     .transposed = t}
#define EACH(label, f, m_, n_, amount_, unit_)                                 \
    {.name = label,                                                            \
     .run = f,                                                                 \
     .m = m_,                                                                  \
     .n = n_,                                                                  \
     .amount = amount_,                                                        \
     .unit = unit_}

static const work works[] = {
    EACH("dot 768", run_dot, 1, 768, 2.0 * 768, "GFLOP/s"),
    EACH("l2sq 768", run_l2sq, 1, 768, 3.0 * 768, "GFLOP/s"),
    EACH("gemv 64x768", run_gemv, 64, 768, 2.0 * 64 * 768, "GFLOP/s"),
    EACH("l2sq_rows 64x128", run_l2sq_rows, 64, 128, 3.0 * 64 * 128, "GFLOP/s"),
    EACH("axpy 768", run_axpy, 1, 768, 2.0 * 768, "GFLOP/s"),
    EACH("exp 4096", run_exp, 1, 4096, 4096, "G/s"),
    EACH("tanh 4096", run_tanh, 1, 4096, 4096, "G/s"),
    EACH("cos 4096", run_cos, 1, 4096, 4096, "G/s"),
    EACH("softmax 10", run_softmax, 1, 10, 10, "G/s"),
    EACH("adam 100000", run_adam, 1, 100000, 28.0 * 100000, "GB/s"),
    EACH("transpose 1000x784", run_transpose, 1000, 784, 8.0 * 784000, "GB/s"),
    GEMM("gemm 32x128x784", 32, 128, 784, 0),
    GEMM("gemm 784x128x32 A^T", 784, 128, 32, 1),
    GEMM("gemm 32x10x128", 32, 10, 128, 0),
    GEMM("gemm 1x128x784", 1, 128, 784, 0),
    GEMM("gemm 512x512x512", 512, 512, 512, 0),
    GEMM("gemm 1000x256x784", 1000, 256, 784, 0),
    GEMM("gemm 2048x2048x256 A^T", 2048, 2048, 256, 1),
};

/* The CPU's time, not the wall's: other programs then disturb less. */
static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double ns_per_call(const mdg_kernels *k, const work *w) {
    long calls = 0;
    double start = now_ns(), spent = 0.0;
    do {
        for (int i = 0; i < (w->amount < 1e6 ? 100 : 1); i++, calls++) {
            w->run(k, w);
        }
        spent = now_ns() - start;
    } while (spent < ROUND_NS);
    return spent / (double)calls;
}

static int variants_here(const mdg_kernels **table) {
    int count = 0;
    table[count++] = mdg_kernels_select(0);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        table[count++] = mdg_kernels_select(MIDGE_CPU_V2);
    }
    if (__builtin_cpu_supports("avx2")) {
        table[count++] = mdg_kernels_select(MIDGE_CPU_AVX2);
    }
    if (__builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        table[count++] = mdg_kernels_select(MIDGE_CPU_AVX512);
    }
#endif
    return count;
}

static void measure(const work *w, const mdg_kernels **table, int count,
                    int rounds) {
    static double ns[VARIANTS][ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        for (int v = 0; v < count; v++) {
            ns[v][i] = ns_per_call(table[v], w);
        }
    }
    for (int v = 0; v < count; v++) {
        printf("{\"kernel\":\"%s\",\"isa\":\"%s\",\"unit\":\"%s\","
               "\"rates\":[",
               w->name, table[v]->isa, w->unit);
        for (int i = 0; i < rounds; i++) {
            printf("%s%.4g", i > 0 ? "," : "", w->amount / ns[v][i]);
        }
        printf("]}\n");
    }
    fflush(stdout);
}

int main(int argc, char **argv) {
    const mdg_kernels *table[VARIANTS];
    int count = variants_here(table);
    int rounds = argc > 1 ? atoi(argv[1]) : 11;
    rounds = rounds < 1 || rounds > ROUNDS_MAX ? 11 : rounds;
    float **arrays[4] = {&a, &b, &c, &d};
    for (int i = 0; i < 4; i++) {
        *arrays[i] = malloc(FLOATS * sizeof(float));
        if (*arrays[i] == NULL) {
            return 1;
        }
        for (size_t j = 0; j < FLOATS; j++) {
            (*arrays[i])[j] = (float)(j * 7919 % 1000) * 1e-3f;
        }
    }
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        measure(&works[i], table, count, rounds);
    }
    return 0;
}
