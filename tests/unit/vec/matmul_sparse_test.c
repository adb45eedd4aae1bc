/* matmul_sparse_test.c: which matrices are taken as sparse, and that their
 * products, forward and transposed, shared or not, have the bits of gemm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "midge/os.h"
#include "vec/matmul_sparse.h"

typedef struct cutter {
    size_t shares;
} cutter;

/* Shares of changing size, from the last to the first. */
static void cut_in_reverse(void *ctx, size_t count, size_t grain,
                           midge_range_fn body, void *arg) {
    cutter *c = ctx;
    size_t end = count;
    while (end > 0) {
        size_t share = (end - 1) % (grain + c->shares % 3) + 1;
        body(arg, end - share, end, (unsigned)(c->shares % 3));
        end -= share;
        c->shares++;
    }
}

static float next(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) * 0x1p-23f - 1.0f;
}

/* `percent` of 100 are not zero. */
static float *filled(size_t n, unsigned percent, uint32_t seed) {
    float *x = malloc(n * sizeof *x + 1);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        const float chosen = next(&seed) * 50.0f + 50.0f;
        x[i] = chosen < (float)percent ? next(&seed) : 0.0f;
    }
    return x;
}

static void step(size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = 0.5f * x[i] + 1.0f;
    }
}

static void products(const midge_env *env, size_t rows, size_t cols, size_t n,
                     unsigned percent) {
    const mdg_kernels *k = mdg_kernels_select(env->cpu);
    float *x = filled(rows * cols, percent, 1), *b = filled(cols * n, 100, 2);
    float *d = filled(rows * n, 100, 3), *bias = filled(n, 100, 4);
    const size_t room = (rows > cols ? rows : cols) * n;
    float *want = filled(room, 100, 5), *got = filled(room, 100, 5);
    const size_t bytes = mdg_sparse_bytes(rows, cols, 1);
    void *scratch = malloc(bytes);
    mdg_sparse s;
    assert_int_equal(mdg_sparse_take(k, rows, cols, x, cols, n, scratch, &s),
                     1);
    mdg_gemm g = {.m = rows,
                  .n = n,
                  .k = cols,
                  .a = x,
                  .a_row = cols,
                  .a_col = 1,
                  .b = b,
                  .ldb = n,
                  .c = want,
                  .ldc = n,
                  .bias = bias,
                  .activate = step};
    k->gemm_f32(&g);
    g.c = got;
    mdg_sparse_matmul(env, k, &s, &g);
    assert_memory_equal(want, got, rows * n * sizeof *got);
    mdg_gemm h = {.m = cols,
                  .n = n,
                  .k = rows,
                  .a = x,
                  .a_row = 1,
                  .a_col = cols,
                  .b = d,
                  .ldb = n,
                  .c = want,
                  .ldc = n};
    k->gemm_f32(&h);
    h.c = got;
    mdg_sparse_transpose(&s);
    assert_int_equal(s.rows, cols);
    mdg_sparse_matmul(env, k, &s, &h);
    assert_memory_equal(want, got, cols * n * sizeof *got);
    free(x);
    free(b);
    free(d);
    free(bias);
    free(want);
    free(got);
    free(scratch);
}

static void products_have_the_bits_of_gemm(void **state) {
    midge_env env = midge_os_env();
    cutter c = {0};
    for (int shared = 0; shared < 2; shared++) {
        products(&env, 1, 784, 128, 19);
        products(&env, 1, 65, 3, 0);
        products(&env, 32, 784, 128, 19);
        products(&env, 33, 100, 10, 5);
        products(&env, 300, 300, 130, 30);
        env.parallel_fn = cut_in_reverse;
        env.parallel_ctx = &c;
        env.workers = 3;
    }
    assert_true(c.shares > 4);
}

static int taken(size_t rows, size_t cols, size_t n, unsigned percent) {
    float *x = filled(rows * cols, percent, 7);
    void *scratch = malloc(mdg_sparse_bytes(rows, cols, 0));
    mdg_sparse s;
    const int answer = mdg_sparse_take(mdg_kernels_select(0), rows, cols, x,
                                       cols, n, scratch, &s);
    free(x);
    free(scratch);
    return answer;
}

static void few_zeros_are_not_taken(void **state) {
    for (size_t rows = 1; rows < 400; rows += 1 + rows / 2) {
        assert_int_equal(taken(rows, 200, 128, 100), 0);
        assert_int_equal(taken(rows, 200, 128, 70), 0);
        assert_int_equal(taken(rows, 200, 128, 10), 1);
        assert_int_equal(taken(rows, 20, 128, 10), 0); /* small */
    }
    assert_int_equal(taken(32, 784, 128, 33), 1);
    assert_int_equal(taken(32, 784, 10, 33), 0);
    assert_int_equal(taken(0, 784, 10, 33), 0);
}

/* The first rows are sparse, all others dense: found out later. */
static void all_rows_are_counted(void **state) {
    enum { ROWS = 100, COLS = 100 };
    float *x = filled(ROWS * COLS, 100, 9);
    void *scratch = malloc(mdg_sparse_bytes(ROWS, COLS, 0));
    mdg_sparse s;
    for (size_t i = 0; i < 8; i++) {
        memset(x + i * (ROWS / 8) * COLS, 0, COLS * sizeof *x);
    }
    assert_int_equal(mdg_sparse_take(mdg_kernels_select(0), ROWS, COLS, x, COLS,
                                     128, scratch, &s),
                     0);
    free(x);
    free(scratch);
}

static void sizes_without_memory_are_none(void **state) {
    assert_int_equal(mdg_sparse_bytes(UINT32_MAX, 1, 0), 0);
    assert_int_equal(mdg_sparse_bytes(SIZE_MAX / 2, 3, 1), 0);
    assert_int_equal(mdg_sparse_bytes(1 << 16, 1 << 16, 1), 0);
    assert_true(mdg_sparse_bytes(32, 784, 1) > mdg_sparse_bytes(32, 784, 0));
    assert_int_equal(mdg_sparse_bytes(32, 784, 1) % 64, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_have_the_bits_of_gemm),
        cmocka_unit_test(few_zeros_are_not_taken),
        cmocka_unit_test(all_rows_are_counted),
        cmocka_unit_test(sizes_without_memory_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
