/* sparse_test.c: compressed rows against plain loops, and their product against
 * gemm on the dense matrix, bit for bit, in every variant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define M_MAX 80
#define N_MAX 150
#define K_MAX 90
#define A_MAX (M_MAX * (K_MAX + 3))
#define GUARD (-12345.0f)

typedef struct csr {
    uint32_t start[M_MAX + 1];
    uint32_t column[A_MAX + MDG_COMPRESS_ROOM];
    float value[A_MAX + MDG_COMPRESS_ROOM];
} csr;

/* About `percent` of 100 are not zero; of the zeros some are negative. */
static void fill_few(uint32_t *seed, size_t n, float *x, uint32_t percent) {
    fill_corners(seed, n, x, 1000000);
    for (size_t i = 0; i < n; i++) {
        if (next_random(seed) % 100 >= percent) {
            x[i] = next_random(seed) % 4 == 0 ? -0.0f : 0.0f;
        }
    }
}

static void is_compressed(size_t rows, size_t cols, const float *x,
                          size_t stride, size_t count, const csr *c) {
    size_t n = 0;
    assert_int_equal(c->start[0], 0);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < cols; j++) {
            if (x[i * stride + j] != 0.0f) {
                assert_int_equal(c->column[n], j);
                assert_true(same_bits(1, c->value + n, x + i * stride + j));
                n++;
            }
        }
        assert_int_equal(c->start[i + 1], n);
    }
    assert_int_equal(count, n);
}

static void what_is_not_zero_is_kept(void **state) {
    static float x[A_MAX + 16];
    static csr c;
    struct variants v = variants_here();
    uint32_t seed = 3;
    for (size_t cols = 0; cols <= K_MAX; cols++) {
        const uint32_t percent = next_random(&seed) % 101;
        const size_t stride = cols + cols % 4;
        const size_t rows = cols % 7;
        fill_few(&seed, A_MAX + 16, x, percent);
        x[cols / 2] = cols % 2 == 0 ? NAN : 0x1p-149f;
        for (int i = 0; i < v.count; i++) {
            const float *from = x + cols % 16;
            size_t count =
                v.table[i]->compress_f32(rows, cols, from, stride, rows * cols,
                                         c.start, c.column, c.value);
            is_compressed(rows, cols, from, stride, count, &c);
        }
    }
}

/* Every limit below the count is refused, and nothing is touched that is not
 * said to be. */
static void a_limit_is_kept(void **state) {
    enum { ROWS = 3, COLS = 37 };
    float x[ROWS * COLS];
    struct variants v = variants_here();
    uint32_t seed = 5;
    fill_few(&seed, ROWS * COLS, x, 60);
    size_t there = 0;
    for (size_t i = 0; i < ROWS * COLS; i++) {
        there += x[i] != 0.0f;
    }
    for (size_t limit = 0; limit <= ROWS * COLS; limit++) {
        const size_t room = limit + MDG_COMPRESS_ROOM;
        float *from = exact_copy(sizeof x, x);
        uint32_t *start = malloc((ROWS + 1) * sizeof *start);
        uint32_t *column = malloc(room * sizeof *column);
        float *value = malloc(room * sizeof *value);
        for (int i = 0; i < v.count; i++) {
            size_t count = v.table[i]->compress_f32(
                ROWS, COLS, from, COLS, limit, start, column, value);
            assert_true(count == (limit < there ? SIZE_MAX : there));
        }
        free(from);
        free(start);
        free(column);
        free(value);
    }
}

static void halve_and_step(size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = 0.5f * x[i] + 1.0f;
    }
}

/* One product in each variant against gemm's definition. */
static void is_gemm(const struct variants *v, size_t m, size_t n, size_t k,
                    uint32_t percent, uint32_t *seed) {
    static float a[A_MAX], b[(K_MAX + 1) * (N_MAX + 2) + 16], bias[N_MAX + 16];
    static float want[M_MAX * (N_MAX + 2) + 16], got[M_MAX * (N_MAX + 2) + 16];
    static csr c;
    const size_t lda = k + next_random(seed) % 3;
    const size_t ldb = n + next_random(seed) % 3;
    const size_t ldc = n + next_random(seed) % 3;
    const size_t offset = next_random(seed) % 16;
    const size_t room = m * ldc + 16;
    fill_few(seed, m * lda, a, percent);
    fill_plain(seed, k * ldb + 16, b, 2.0f);
    fill_plain(seed, n + 16, bias, 2.0f);
    mdg_gemm g = {.m = m, .n = n, .k = k, .a = a, .a_row = lda, .a_col = 1};
    g.b = b + offset;
    g.ldb = ldb;
    g.c = want + 16 - offset;
    g.ldc = ldc;
    g.bias = next_random(seed) % 2 == 0 ? bias + offset / 2 : NULL;
    g.activate = next_random(seed) % 2 == 0 ? halve_and_step : NULL;
    for (size_t i = 0; i < room; i++) {
        want[i] = GUARD;
    }
    mdg_kernels_select(0)->gemm_f32(&g);
    for (int i = 0; i < v->count; i++) {
        v->table[i]->compress_f32(m, k, a, lda, m * k, c.start, c.column,
                                  c.value);
        mdg_spmm p = {.m = m, .n = n, .row_start = c.start};
        p.column = c.column;
        p.value = c.value;
        p.b = g.b;
        p.ldb = ldb;
        p.c = got + 16 - offset;
        p.ldc = ldc;
        p.bias = g.bias;
        p.activate = g.activate;
        for (size_t j = 0; j < room; j++) {
            got[j] = GUARD;
        }
        v->table[i]->spmm_csr_f32(&p);
        assert_true(same_bits(room, want, got));
    }
}

static void products_have_the_bits_of_gemm(void **state) {
    static const uint32_t percents[] = {0, 3, 20, 50, 100};
    struct variants v = variants_here();
    uint32_t seed = 7;
    for (size_t n = 0; n <= N_MAX; n++) {
        for (size_t i = 0; i < 5; i++) {
            is_gemm(&v, i == 0 ? 1 : next_random(&seed) % 12, n,
                    next_random(&seed) % K_MAX, percents[i], &seed);
        }
    }
    for (size_t n = 1; n <= N_MAX; n += 29) {
        is_gemm(&v, M_MAX, n, K_MAX, 20, &seed);
    }
}

/* Nothing beside B, bias and C is read or written, whatever the width. */
static void nothing_else_is_touched(void **state) {
    enum { M = 3, K = 7 };
    static float values[K * N_MAX];
    struct variants v = variants_here();
    uint32_t seed = 11;
    csr c;
    fill_plain(&seed, K * N_MAX, values, 1.0f);
    for (size_t n = 1; n <= N_MAX; n++) {
        float *b = exact_copy(K * n * sizeof *b, values);
        float *bias = exact_copy(n * sizeof *bias, values);
        float *out = exact_copy(M * n * sizeof *out, values);
        for (int i = 0; i < v.count; i++) {
            v.table[i]->compress_f32(M, K, values, K, M * K, c.start, c.column,
                                     c.value);
            mdg_spmm p = {.m = M, .n = n, .row_start = c.start};
            p.column = c.column;
            p.value = c.value;
            p.b = b;
            p.ldb = n;
            p.c = out;
            p.ldc = n;
            p.bias = bias;
            v.table[i]->spmm_csr_f32(&p);
        }
        free(b);
        free(bias);
        free(out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_zero_is_kept),
        cmocka_unit_test(a_limit_is_kept),
        cmocka_unit_test(products_have_the_bits_of_gemm),
        cmocka_unit_test(nothing_else_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
