/* selftest.c: the corpus behind the promise of equal bits. Freestanding, so
 * that the wasm module runs it in the engine that will compute with it. NaNs
 * are hashed as one value, because their bits are not part of the promise. */
#include "kernels/kernels_corpus.h"

#include <string.h>

#define HASH_START 2166136261u
#define HASH_PRIME 16777619u
/* Floats in one of the five arrays of the scratch. */
#define ARRAY    (MDG_KERNELS_CORPUS_BYTES / 5 / sizeof(float))
#define SPECIALS 12

typedef struct corpus {
    const mdg_kernels *k;
    float *a, *b, *c, *d, *e;
    uint32_t seed;
    uint32_t hash;
} corpus;

static void add_word(corpus *s, float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    u = x != x ? 0x7fc00000u : u;
    s->hash = (s->hash ^ u) * HASH_PRIME;
}

static void add_words(corpus *s, size_t n, const float *x) {
    for (size_t i = 0; i < n; i++) {
        add_word(s, x[i]);
    }
}

static float next_value(corpus *s, float range) {
    s->seed = s->seed * 1664525u + 1013904223u;
    return ((float)(s->seed >> 8) * 0x1p-23f - 1.0f) * range;
}

static void fill(corpus *s, size_t n, float *x, float range) {
    for (size_t i = 0; i < n; i++) {
        x[i] = next_value(s, range);
    }
}

/* Every other value from the corners of the format. */
static void fill_special(corpus *s, size_t n, float *x) {
    static const uint32_t special[SPECIALS] = {
        0x00000000u, 0x80000000u, 0x00000001u, 0x807fffffu,
        0x7f800000u, 0xff800000u, 0x7fc00000u, 0x3f800000u,
        0x42b17218u, 0xc2cff1b5u, 0x4b000001u, 0x7f7fffffu};
    for (size_t i = 0; i < n; i++) {
        x[i] = next_value(s, 100.0f);
        if (i % 2 == 1) {
            memcpy(x + i, special + (s->seed >> 16) % SPECIALS, sizeof *x);
        }
    }
}

static void reductions(corpus *s) {
    for (size_t n = 0; n < 100; n++) {
        fill(s, n, s->a, 2.0f);
        fill(s, n, s->b, 2.0f);
        add_word(s, s->k->dot_f32(n, s->a, s->b));
        add_word(s, s->k->l2sq_f32(n, s->a, s->b));
        add_word(s, s->k->sum_f32(n, s->a));
        add_word(s, s->k->max_f32(n, s->a));
        s->k->axpy_f32(n, 0.7f, s->a, s->b);
        add_words(s, n, s->b);
    }
}

static void rows(corpus *s) {
    for (size_t cols = 1; cols < 80; cols += 13) {
        fill(s, 19 * cols, s->a, 1.0f);
        fill(s, cols, s->b, 1.0f);
        s->k->gemv_f32(19, cols, s->a, cols, s->b, s->c);
        add_words(s, 19, s->c);
        s->k->l2sq_rows_f32(19, cols, s->a, cols, s->b, s->c);
        add_words(s, 19, s->c);
        s->k->transpose_f32(19, cols, s->a, s->c);
        add_words(s, 19 * cols, s->c);
    }
}

static void map(corpus *s, void (*f)(size_t n, float *x)) {
    for (size_t n = 0; n < 70; n += 3) {
        fill(s, n, s->a, n % 2 == 0 ? 4.0f : 120.0f);
        f(n, s->a);
        add_words(s, n, s->a);
        fill_special(s, n, s->a);
        f(n, s->a);
        add_words(s, n, s->a);
    }
}

static void adam(corpus *s) {
    const mdg_adam step = {0.9f, 0.999f, 0.01f, 1.5f, 1e-8f, 1e-4f};
    for (size_t n = 1; n < 70; n += 11) {
        fill(s, n, s->a, 1.0f);
        fill(s, n, s->b, 1.0f);
        memset(s->c, 0, n * sizeof *s->c);
        memset(s->d, 0, n * sizeof *s->d);
        for (int repeat = 0; repeat < 3; repeat++) {
            s->k->adam_f32(n, &step, s->a, s->b, s->c, s->d);
        }
        add_words(s, n, s->b);
        add_words(s, n, s->c);
        add_words(s, n, s->d);
    }
}

static void gemm(corpus *s, size_t m, size_t n, size_t k) {
    fill(s, m * k, s->a, 1.0f);
    fill(s, k * n, s->b, 1.0f);
    fill(s, n, s->e, 1.0f);
    mdg_gemm g = {.m = m,
                  .n = n,
                  .k = k,
                  .a = s->a,
                  .a_row = k,
                  .a_col = 1,
                  .b = s->b,
                  .ldb = n,
                  .c = s->c,
                  .ldc = n,
                  .bias = s->e};
    s->k->gemm_f32(&g);
    add_words(s, m * n, s->c);
    g.a_row = 1; /* the same numbers as a transposed A */
    g.a_col = m;
    g.bias = NULL;
    g.accumulate = 1;
    s->k->gemm_f32(&g);
    add_words(s, m * n, s->c);
}

uint32_t mdg_kernels_corpus(const mdg_kernels *k, void *scratch,
                            size_t scratch_bytes) {
    float *x = scratch;
    if (scratch_bytes < MDG_KERNELS_CORPUS_BYTES) {
        return 0;
    }
    corpus s = {.k = k,
                .a = x,
                .b = x + ARRAY,
                .c = x + 2 * ARRAY,
                .d = x + 3 * ARRAY,
                .e = x + 4 * ARRAY,
                .seed = 2026,
                .hash = HASH_START};
    reductions(&s);
    rows(&s);
    map(&s, k->exp_f32);
    map(&s, k->tanh_f32);
    map(&s, k->sigmoid_f32);
    map(&s, k->cos_f32);
    map(&s, k->relu_f32);
    map(&s, k->softmax_f32);
    adam(&s);
    for (size_t n = 1; n < 75; n += 6) {
        gemm(&s, 1 + n / 4, n, 80 - n);
        gemm(&s, n, 75 - n, 7);
    }
    gemm(&s, 17, 10, 300); /* more than one block of k */
    gemm(&s, 0, 5, 3);
    gemm(&s, 3, 5, 0);
    return s.hash;
}

uint32_t midge_selftest(const midge_env *env, void *scratch, const char **isa) {
    const mdg_kernels *k = mdg_kernels_select(env->cpu);
    if (isa) {
        *isa = k->isa;
    }
    return mdg_kernels_corpus(k, scratch, MIDGE_SELFTEST_BYTES);
}
