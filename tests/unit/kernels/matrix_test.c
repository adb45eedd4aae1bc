/* matrix_test.c: every variant of gemv_t, rank1, spmv and transpose against the
 * definition, and the definition against plain loops in double. gemm and gemv
 * have tests of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define ROWS_MAX 20
#define COLS_MAX 130
#define ROOM     (COLS_MAX + 32)

/* One shape with a random stride, offset and, if asked, corners: whatever lies
 * behind the result must stay. */
static void same_gemv_t(const struct variants *v, size_t rows, size_t cols,
                        uint32_t rarity, uint32_t *seed) {
    static float a[(ROWS_MAX + 1) * (COLS_MAX + 10) + 16];
    float x[ROWS_MAX + 1], start[ROOM], want[ROOM], got[ROOM];
    size_t lda = cols + next_random(seed) % 10;
    size_t offset = next_random(seed) % 16;
    int accumulate = next_random(seed) % 2 == 0;
    fill_corners(seed, rows * lda + 16, a, rarity);
    fill_corners(seed, rows, x, rarity);
    fill_corners(seed, ROOM, start, rarity);
    memcpy(want, start, sizeof want);
    v->table[0]->gemv_t_f32(rows, cols, a + 15 - offset, lda, x, accumulate,
                            want + offset);
    for (int i = 1; i < v->count; i++) {
        memcpy(got, start, sizeof got);
        v->table[i]->gemv_t_f32(rows, cols, a + 15 - offset, lda, x, accumulate,
                                got + offset);
        assert_true(same_bits(ROOM, want, got));
    }
}

static void same_rank1(const struct variants *v, size_t rows, size_t cols,
                       uint32_t rarity, uint32_t *seed) {
    static float start[(ROWS_MAX + 1) * (COLS_MAX + 10) + 16];
    static float want[sizeof start / sizeof *start];
    static float got[sizeof start / sizeof *start];
    float x[ROWS_MAX + 1], y[ROOM];
    const size_t lda = cols + next_random(seed) % 10;
    const size_t count = rows * lda + 16;
    const size_t offset = next_random(seed) % 16;
    const float alpha = random_float(seed, 2.0f);
    fill_corners(seed, count, start, rarity);
    fill_corners(seed, rows, x, rarity);
    fill_corners(seed, ROOM, y, rarity);
    memcpy(want, start, count * sizeof *want);
    v->table[0]->rank1_f32(rows, cols, alpha, x, y + 15 - offset, want + offset,
                           lda);
    for (int i = 1; i < v->count; i++) {
        memcpy(got, start, count * sizeof *got);
        v->table[i]->rank1_f32(rows, cols, alpha, x, y + 15 - offset,
                               got + offset, lda);
        assert_true(same_bits(count, want, got));
    }
}

static void rows_and_columns_are_the_same(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 3;
    for (size_t rows = 0; rows <= ROWS_MAX; rows++) {
        for (size_t cols = 0; cols <= COLS_MAX; cols++) {
            same_gemv_t(&v, rows, cols, 100000, &seed);
            same_gemv_t(&v, rows, cols, 50, &seed);
            same_rank1(&v, rows, cols, cols % 2 == 0 ? 50 : 100000, &seed);
        }
    }
}

static void nothing_else_is_touched(void **state) {
    static float values[ROWS_MAX * COLS_MAX];
    struct variants v = variants_here();
    uint32_t seed = 4;
    fill_plain(&seed, ROWS_MAX * COLS_MAX, values, 1.0f);
    for (size_t rows = 1; rows <= ROWS_MAX; rows += 1 + rows / 8) {
        for (size_t cols = 1; cols <= COLS_MAX; cols++) {
            const size_t bytes = rows * cols * sizeof(float);
            float *a = exact_copy(bytes, values);
            float *out = exact_copy(bytes, values);
            float *x = exact_copy(rows * sizeof *x, values);
            float *y = exact_copy(cols * sizeof *y, values);
            for (int i = 0; i < v.count; i++) {
                const mdg_kernels *k = v.table[i];
                k->gemv_t_f32(rows, cols, a, cols, x, 0, y);
                k->rank1_f32(rows, cols, 0.1f, x, y, a, cols);
                k->transpose_f32(rows, cols, a, out);
            }
            free(a);
            free(out);
            free(x);
            free(y);
        }
    }
}

/* What gemm gives for the transposed matrix, to the bit. */
static void gemv_t_has_the_bits_of_gemm(void **state) {
    enum { ROWS = 37, COLS = 53 };
    struct variants v = variants_here();
    uint32_t seed = 5;
    float a[ROWS * COLS], x[ROWS], want[COLS], got[COLS];
    fill_plain(&seed, ROWS * COLS, a, 1.0f);
    fill_plain(&seed, ROWS, x, 1.0f);
    fill_plain(&seed, COLS, want, 1.0f);
    memcpy(got, want, sizeof got);
    for (int i = 0; i < v.count; i++) {
        for (int accumulate = 0; accumulate < 2; accumulate++) {
            mdg_gemm g = {.m = 1, .n = COLS, .k = ROWS, .a_row = ROWS};
            g.a = x;
            g.a_col = 1;
            g.b = a;
            g.ldb = COLS;
            g.c = want;
            g.ldc = COLS;
            g.accumulate = accumulate;
            v.table[i]->gemm_f32(&g);
            v.table[i]->gemv_t_f32(ROWS, COLS, a, COLS, x, accumulate, got);
            assert_true(same_bits(COLS, want, got));
        }
    }
}

/* Sums of n products: each rounding errs by at most 2^-24 of a partial sum,
 * which is at most the sum of the absolute values (n + 1 roundings). */
static void sums_are_near_the_truth(void **state) {
    enum { ROWS = 40, COLS = 31 };
    const mdg_kernels *k = mdg_kernels_select(0);
    uint32_t seed = 7;
    float a[ROWS * COLS], x[ROWS], y[COLS], updated[ROWS * COLS];
    fill_plain(&seed, ROWS * COLS, a, 1.0f);
    fill_plain(&seed, ROWS, x, 1.0f);
    k->gemv_t_f32(ROWS, COLS, a, COLS, x, 0, y);
    for (size_t j = 0; j < COLS; j++) {
        double want = 0.0, size = 0.0;
        for (size_t i = 0; i < ROWS; i++) {
            double term = (double)x[i] * (double)a[i * COLS + j];
            want += term;
            size += fabs(term);
        }
        assert_true(fabs((double)y[j] - want) <= (ROWS + 1) * 0x1p-24 * size);
    }
    memcpy(updated, a, sizeof a);
    k->rank1_f32(ROWS, COLS, 0.7f, x, y, updated, COLS);
    for (size_t i = 0; i < ROWS * COLS; i++) {
        double step = (double)0.7f * (double)x[i / COLS] * (double)y[i % COLS];
        double size = fabs((double)a[i]) + fabs(step);
        assert_true(fabs((double)updated[i] - (double)a[i] - step) <=
                    3 * 0x1p-24 * size);
    }
}

enum { SPARSE_ROWS = 60, SPARSE_COLS = 300, SPARSE_MAX = 60 * 130 };

typedef struct {
    uint32_t start[SPARSE_ROWS + 1];
    uint32_t column[SPARSE_MAX];
    float value[SPARSE_MAX], x[SPARSE_COLS];
} sparse;

/* Rows of 0 to 129 elements, short ones more often; the first starts at `at`.
 */
static void fill_sparse(uint32_t *seed, uint32_t at, uint32_t rarity,
                        sparse *m) {
    m->start[0] = at;
    for (int i = 0; i < SPARSE_ROWS; i++) {
        uint32_t limit = i % 3 == 0 ? 130 : 10;
        m->start[i + 1] = m->start[i] + next_random(seed) % limit;
    }
    for (size_t k = 0; k < m->start[SPARSE_ROWS]; k++) {
        m->column[k] = next_random(seed) % SPARSE_COLS;
    }
    fill_corners(seed, SPARSE_MAX, m->value, rarity);
    fill_corners(seed, SPARSE_COLS, m->x, rarity);
}

static void sparse_rows_are_the_same(void **state) {
    static sparse m;
    struct variants v = variants_here();
    uint32_t seed = 11;
    float want[SPARSE_ROWS + 1], got[SPARSE_ROWS + 1];
    for (int repeat = 0; repeat < 60; repeat++) {
        fill_sparse(&seed, (uint32_t)repeat % 7, repeat % 2 == 0 ? 40 : 100000,
                    &m);
        size_t rows = (size_t)repeat;
        want[rows] = -3.0f;
        v.table[0]->spmv_csr_f32(rows, m.start, m.column, m.value, m.x, want);
        for (int i = 1; i < v.count; i++) {
            got[rows] = -3.0f;
            v.table[i]->spmv_csr_f32(rows, m.start, m.column, m.value, m.x,
                                     got);
            assert_true(same_bits(rows + 1, want, got));
        }
    }
}

static void sparse_rows_are_near_the_truth(void **state) {
    static sparse m;
    uint32_t seed = 13;
    float y[SPARSE_ROWS];
    fill_sparse(&seed, 3, 100000, &m);
    mdg_kernels_select(0)->spmv_csr_f32(SPARSE_ROWS, m.start, m.column, m.value,
                                        m.x, y);
    for (size_t i = 0; i < SPARSE_ROWS; i++) {
        double want = 0.0, size = 0.0;
        for (size_t k = m.start[i]; k < m.start[i + 1]; k++) {
            double term = (double)m.value[k] * (double)m.x[m.column[k]];
            want += term;
            size += fabs(term);
        }
        /* at most 33 elements in a lane, and two more roundings */
        assert_true(fabs((double)y[i] - want) <= 36 * 0x1p-24 * size);
    }
}

static void transpose_moves_each_element(void **state) {
    struct variants v = variants_here();
    static float x[40 * 40 + 16], out[40 * 40 + 17];
    for (size_t i = 0; i < 40 * 40 + 16; i++) {
        x[i] = (float)i;
    }
    for (int i = 0; i < v.count; i++) {
        for (size_t rows = 0; rows < 40; rows++) {
            for (size_t cols = 0; cols < 40; cols++) {
                const float *from = x + (rows + cols) % 16;
                float *to = out + rows % 16;
                to[rows * cols] = -1.0f;
                v.table[i]->transpose_f32(rows, cols, from, to);
                for (size_t j = 0; j < rows * cols; j++) {
                    assert_true(to[j % cols * rows + j / cols] == from[j]);
                }
                assert_true(to[rows * cols] == -1.0f);
            }
        }
    }
}

/* Larger than the bands of the variants. */
static void transpose_twice_is_nothing(void **state) {
    enum { ROWS = 201, COLS = 147 };
    static float x[ROWS * COLS], once[ROWS * COLS], twice[ROWS * COLS];
    struct variants v = variants_here();
    uint32_t seed = 17;
    fill_corners(&seed, ROWS * COLS, x, 10);
    for (int i = 0; i < v.count; i++) {
        v.table[i]->transpose_f32(ROWS, COLS, x, once);
        assert_true(same_bits(1, x + COLS, once + 1));
        v.table[i]->transpose_f32(COLS, ROWS, once, twice);
        assert_memory_equal(x, twice, sizeof x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_columns_are_the_same),
        cmocka_unit_test(nothing_else_is_touched),
        cmocka_unit_test(gemv_t_has_the_bits_of_gemm),
        cmocka_unit_test(sums_are_near_the_truth),
        cmocka_unit_test(sparse_rows_are_the_same),
        cmocka_unit_test(sparse_rows_are_near_the_truth),
        cmocka_unit_test(transpose_moves_each_element),
        cmocka_unit_test(transpose_twice_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
