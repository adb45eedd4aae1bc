/* gemm_test.c: every variant of gemm against the definition: small shapes at
 * random with strides, a transposed A, a bias, an activation and sums to add
 * to; a few large ones that cross every blocking; and the promise about
 * batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

static float *filled(uint32_t *seed, size_t n, uint32_t rarity) {
    float *x = malloc(n * sizeof *x + 1);
    assert_non_null(x);
    if (rarity > 0) {
        fill_corners(seed, n, x, rarity);
    } else {
        fill_plain(seed, n, x, 1.0f);
    }
    return x;
}

/* An activation that shows how often it was applied, and where. */
static void halve_and_step(size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = 0.5f * x[i] + 1.0f;
    }
}

static size_t span(size_t rows, size_t cols, size_t row, size_t col) {
    return rows == 0 || cols == 0 ? 0 : (rows - 1) * row + (cols - 1) * col + 1;
}

static void compare(const struct variants *v, mdg_gemm g, uint32_t rarity,
                    uint32_t *seed) {
    size_t c_count = span(g.m, g.n, g.ldc, 1);
    float *a = filled(seed, span(g.m, g.k, g.a_row, g.a_col), rarity);
    float *b = filled(seed, span(g.k, g.n, g.ldb, 1), rarity);
    float *bias = g.bias != NULL ? filled(seed, g.n, rarity) : NULL;
    float *start = filled(seed, c_count, 0);
    float *want = filled(seed, c_count, 0);
    float *got = filled(seed, c_count, 0);
    memcpy(want, start, c_count * sizeof *want);
    g.a = a;
    g.b = b;
    g.bias = bias;
    g.c = want;
    v->table[0]->gemm_f32(&g);
    for (int i = 1; i < v->count; i++) {
        memcpy(got, start, c_count * sizeof *got);
        g.c = got;
        v->table[i]->gemm_f32(&g);
        assert_true(same_bits(c_count, want, got));
    }
    free(a);
    free(b);
    free(bias);
    free(start);
    free(want);
    free(got);
}

static void run_shape(const struct variants *v, size_t m, size_t n, size_t k,
                      uint32_t rarity, uint32_t *seed) {
    static const float some = 0.0f;
    mdg_gemm g = {.m = m, .n = n, .k = k};
    size_t slack = next_random(seed) % 3;
    int transposed = next_random(seed) % 2 == 0;
    g.a_row = transposed ? 1 : k + slack;
    g.a_col = transposed ? m + slack : 1;
    g.ldb = n + next_random(seed) % 3;
    g.ldc = n + next_random(seed) % 3;
    g.bias = next_random(seed) % 2 == 0 ? &some : NULL;
    g.activate = next_random(seed) % 2 == 0 ? halve_and_step : NULL;
    g.accumulate = next_random(seed) % 2 == 0;
    compare(v, g, rarity, seed);
}

static void small_shapes_are_the_same(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 23;
    for (int i = 0; i < 6000; i++) {
        size_t m = next_random(&seed) % 41;
        size_t n = next_random(&seed) % 41;
        size_t k = next_random(&seed) % 41;
        run_shape(&v, m, n, k, i % 3 == 0 ? 40 : 0, &seed);
    }
}

static void every_edge_is_the_same(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 29;
    for (size_t m = 0; m <= 18; m++) {
        for (size_t n = 0; n <= 66; n++) {
            run_shape(&v, m, n, m % 6, 0, &seed);
        }
    }
}

static void large_shapes_are_the_same(void **state) {
    static const size_t shape[][3] = {
        {32, 128, 784},  {784, 128, 32},  {32, 10, 128}, {128, 10, 32},
        {100, 100, 600}, {1030, 37, 270}, {7, 65, 1025}, {1, 300, 300},
        {1, 128, 784},   {1, 71, 3},      {0, 5, 3},     {50, 1, 513},
        {29, 33, 0},     {1, 200, 0}};
    struct variants v = variants_here();
    uint32_t seed = 31;
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        for (int repeat = 0; repeat < 4; repeat++) {
            run_shape(&v, shape[i][0], shape[i][1], shape[i][2], 0, &seed);
        }
    }
}

/* A row alone gives the bits that it has in a batch. */
static void a_row_does_not_see_its_batch(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 37;
    enum { M = 33, N = 21, K = 300 };
    static float a[M * K], b[K * N], c[M * N], one[N];
    fill_plain(&seed, M * K, a, 1.0f);
    fill_plain(&seed, K * N, b, 1.0f);
    for (int i = 0; i < v.count; i++) {
        mdg_gemm g = {.m = M,
                      .n = N,
                      .k = K,
                      .a = a,
                      .a_row = K,
                      .a_col = 1,
                      .b = b,
                      .ldb = N,
                      .c = c,
                      .ldc = N};
        v.table[i]->gemm_f32(&g);
        g.m = 1;
        g.c = one;
        for (size_t r = 0; r < M; r++) {
            g.a = a + r * K;
            v.table[i]->gemm_f32(&g);
            assert_true(same_bits(N, c + r * N, one));
        }
    }
}

/* Every offset of A, B and C from a cache line; nothing beside C is written. */
static void any_alignment_is_the_same(void **state) {
    enum { M = 15, N = 37, K = 9, ROOM = 1024, OUTSIDE = 77 };
    static float a[ROOM], b[ROOM], start[ROOM], want[ROOM], got[ROOM];
    struct variants v = variants_here();
    uint32_t seed = 43;
    fill_plain(&seed, ROOM, a, 1.0f);
    fill_plain(&seed, ROOM, b, 1.0f);
    fill_plain(&seed, ROOM, start, 1.0f);
    for (size_t offset = 0; offset < 16; offset++) {
        mdg_gemm g = {.m = M, .n = N, .k = K, .a_row = K, .a_col = 1};
        g.a = a + offset;
        g.b = b + (offset * 5) % 16;
        g.ldb = N;
        g.ldc = N + 1;
        g.activate = halve_and_step;
        memcpy(want, start, sizeof want);
        g.c = want + OUTSIDE + (offset * 3) % 16;
        v.table[0]->gemm_f32(&g);
        for (int i = 1; i < v.count; i++) {
            memcpy(got, start, sizeof got);
            g.c = got + (g.c - want);
            v.table[i]->gemm_f32(&g);
            g.c = want + (g.c - got);
            assert_true(same_bits(ROOM, want, got));
        }
    }
}

/* The definition itself against sums in double. */
static void the_definition_multiplies(void **state) {
    uint32_t seed = 41;
    enum { M = 9, N = 11, K = 50 };
    float a[M * K], b[K * N], c[M * N], bias[N];
    fill_plain(&seed, M * K, a, 1.0f);
    fill_plain(&seed, K * N, b, 1.0f);
    fill_plain(&seed, N, bias, 1.0f);
    for (size_t i = 0; i < M * N; i++) {
        c[i] = 2.0f;
    }
    mdg_gemm g = {.m = M,
                  .n = N,
                  .k = K,
                  .a = a,
                  .a_row = 1,
                  .a_col = M,
                  .b = b,
                  .ldb = N,
                  .c = c,
                  .ldc = N,
                  .bias = bias,
                  .activate = halve_and_step,
                  .accumulate = 1};
    mdg_kernels_select(0)->gemm_f32(&g);
    for (size_t i = 0; i < M; i++) {
        for (size_t j = 0; j < N; j++) {
            double want = 2.0 + (double)bias[j];
            for (size_t k = 0; k < K; k++) {
                want += (double)a[k * M + i] * (double)b[k * N + j];
            }
            want = 0.5 * want + 1.0;
            assert_true(fabs(want - (double)c[i * N + j]) < 1e-5);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_shapes_are_the_same),
        cmocka_unit_test(every_edge_is_the_same),
        cmocka_unit_test(large_shapes_are_the_same),
        cmocka_unit_test(any_alignment_is_the_same),
        cmocka_unit_test(a_row_does_not_see_its_batch),
        cmocka_unit_test(the_definition_multiplies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
