/* gemm_fast_test.c: every variant of gemm_fast and gemv_fast against sums in
 * double, within the bound that matrix.h states; nothing beside the results is
 * written. A double holds the product of two floats exactly, and its own sums
 * are better than the bound by 2^29. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

static float *filled(uint32_t *seed, size_t n) {
    float *x = malloc(n * sizeof *x + 1);
    assert_non_null(x);
    fill_plain(seed, n, x, 1.0f);
    return x;
}

static void negate(size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = -x[i];
    }
}

/* What c_ij was, what it should be, and the bound on the difference. */
static void check_element(const mdg_gemm *g, const float *before, size_t i,
                          size_t j) {
    double exact = g->accumulate != 0 ? (double)before[i * g->ldc + j] : 0.0;
    exact += g->bias != NULL ? (double)g->bias[j] : 0.0;
    double size = fabs(g->accumulate != 0 ? before[i * g->ldc + j] : 0.0f);
    size += g->bias != NULL ? fabs((double)g->bias[j]) : 0.0;
    for (size_t k = 0; k < g->k; k++) {
        double product = (double)g->a[i * g->a_row + k * g->a_col] *
                         (double)g->b[k * g->ldb + j];
        exact += product;
        size += fabs(product);
    }
    exact = g->activate != NULL ? -exact : exact;
    const double k = (double)g->k;
    double bound = (k + 2.0) * 0x1p-24 * size * (1.0 + k * 0x1p-23);
    assert_true(fabs((double)g->c[i * g->ldc + j] - exact) <= bound);
}

static void check_gemm(const mdg_kernels *kernels, mdg_gemm g, uint32_t *seed) {
    const size_t c_count = g.m * g.ldc;
    float *before = filled(seed, c_count);
    float *c = filled(seed, c_count);
    memcpy(c, before, c_count * sizeof *c);
    g.c = c;
    kernels->gemm_fast_f32(&g);
    for (size_t i = 0; i < g.m; i++) {
        for (size_t j = 0; j < g.n; j++) {
            check_element(&g, before, i, j);
        }
        const size_t beside = i * g.ldc + g.n;
        assert_true(same_bits(g.ldc - g.n, before + beside, c + beside));
    }
    free(before);
    free(c);
}

static void run_shape(const struct variants *v, size_t m, size_t n, size_t k,
                      uint32_t *seed) {
    mdg_gemm g = {.m = m, .n = n, .k = k};
    size_t slack = next_random(seed) % 3;
    int transposed = next_random(seed) % 2 == 0;
    g.a_row = transposed ? 1 : k + slack;
    g.a_col = transposed ? m + slack : 1;
    g.ldb = n + next_random(seed) % 3;
    g.ldc = n + next_random(seed) % 3;
    g.activate = next_random(seed) % 2 == 0 ? negate : NULL;
    g.accumulate = next_random(seed) % 2 == 0;
    float *a = filled(seed, (m + slack) * (k + slack));
    float *b = filled(seed, k * g.ldb);
    float *bias = filled(seed, n);
    g.a = a;
    g.b = b;
    g.bias = next_random(seed) % 2 == 0 ? bias : NULL;
    for (int i = 0; i < v->count; i++) {
        check_gemm(v->table[i], g, seed);
    }
    free(a);
    free(b);
    free(bias);
}

static void small_products_keep_the_bound(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 3;
    for (int i = 0; i < 2000; i++) {
        size_t m = next_random(&seed) % 33;
        size_t n = next_random(&seed) % 70;
        run_shape(&v, m, n, next_random(&seed) % 20, &seed);
    }
}

static void large_products_keep_the_bound(void **state) {
    static const size_t shape[][3] = {
        {32, 40, 784}, {530, 35, 32}, {17, 10, 1100}, {1, 300, 300},
        {29, 33, 0},   {3, 5, 4000},  {1, 200, 0}};
    struct variants v = variants_here();
    uint32_t seed = 5;
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        for (int repeat = 0; repeat < 3; repeat++) {
            run_shape(&v, shape[i][0], shape[i][1], shape[i][2], &seed);
        }
    }
}

static void check_gemv(const mdg_kernels *kernels, size_t rows, size_t cols,
                       const float *a, size_t lda, const float *x) {
    enum { ROOM = 48 };
    float y[ROOM + 1];
    for (size_t i = 0; i <= ROOM; i++) {
        y[i] = 12.0f;
    }
    kernels->gemv_fast_f32(rows, cols, a, lda, x, y);
    for (size_t i = 0; i < rows; i++) {
        double exact = 0.0, size = 0.0;
        for (size_t j = 0; j < cols; j++) {
            double product = (double)a[i * lda + j] * (double)x[j];
            exact += product;
            size += fabs(product);
        }
        double bound = ((double)cols + 2.0) * 0x1p-24 * size;
        assert_true(fabs((double)y[i] - exact) <= bound);
    }
    assert_true(y[rows] == 12.0f);
}

static void vectors_keep_the_bound(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 7;
    for (size_t cols = 0; cols <= 130; cols++) {
        const size_t rows = next_random(&seed) % 20;
        const size_t lda = cols + next_random(&seed) % 3;
        float *a = filled(&seed, rows * lda);
        float *x = filled(&seed, cols);
        for (int i = 0; i < v.count; i++) {
            check_gemv(v.table[i], rows, cols, a, lda, x);
        }
        free(a);
        free(x);
    }
}

/* A number that is none, or has no bound, is not lost in the sums. */
static void infinity_and_nan_arrive(void **state) {
    enum { M = 7, N = 21, K = 40 };
    float a[M * K], b[K * N], c[M * N], y[M];
    struct variants v = variants_here();
    uint32_t seed = 11;
    fill_plain(&seed, M * K, a, 1.0f);
    fill_plain(&seed, K * N, b, 1.0f);
    a[3 * K + 5] = INFINITY;
    a[4 * K + 39] = NAN;
    mdg_gemm g = {.m = M, .n = N, .k = K, .a = a, .b = b, .c = c};
    g.a_row = K;
    g.a_col = 1;
    g.ldb = N;
    g.ldc = N;
    for (int i = 0; i < v.count; i++) {
        v.table[i]->gemm_fast_f32(&g);
        v.table[i]->gemv_fast_f32(M, K, a, K, b, y);
        for (size_t r = 0; r < M; r++) {
            for (size_t j = 0; j < N; j++) {
                assert_true(!isinf(c[r * N + j]) == (r != 3));
                assert_true(!isnan(c[r * N + j]) == (r != 4));
            }
            assert_true(!isinf(y[r]) == (r != 3));
            assert_true(!isnan(y[r]) == (r != 4));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_products_keep_the_bound),
        cmocka_unit_test(large_products_keep_the_bound),
        cmocka_unit_test(vectors_keep_the_bound),
        cmocka_unit_test(infinity_and_nan_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
