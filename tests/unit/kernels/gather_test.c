/* gather_test.c: one vector against the rows of a matrix, all or chosen: each
 * row gives the bits of dot or l2sq, whatever stands beside it, and nothing
 * else is read or written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define N_MAX    130
#define ROWS_MAX 20
#define OUT      40

typedef struct matrix {
    size_t rows, cols, lda;
    float *a, *x;
} matrix;

/* A matrix and a vector without a byte to spare behind their last element. */
static matrix make(size_t rows, size_t cols, size_t lda, uint32_t rarity,
                   uint32_t *seed) {
    matrix m = {.rows = rows, .cols = cols, .lda = lda};
    const size_t size = rows == 0 ? 0 : (rows - 1) * lda + cols;
    m.a = malloc(size * sizeof *m.a + 1);
    m.x = malloc(cols * sizeof *m.x + 1);
    assert_non_null(m.a);
    assert_non_null(m.x);
    if (rarity > 0) {
        fill_corners(seed, size, m.a, rarity);
        fill_corners(seed, cols, m.x, rarity);
    } else {
        fill_plain(seed, size, m.a, 1.0f);
        fill_plain(seed, cols, m.x, 1.0f);
    }
    return m;
}

static void release(matrix m) {
    free(m.a);
    free(m.x);
}

static void prepare(float *want, float *got) {
    for (int i = 0; i < OUT; i++) {
        want[i] = got[i] = 12.0f;
    }
}

static void check_rows(const struct variants *v, matrix m) {
    const mdg_kernels *s = v->table[0];
    float want[OUT], got[OUT];
    for (int i = 0; i < v->count; i++) {
        prepare(want, got);
        for (size_t r = 0; r < m.rows; r++) {
            want[r] = s->dot_f32(m.cols, m.a + r * m.lda, m.x);
        }
        v->table[i]->gemv_f32(m.rows, m.cols, m.a, m.lda, m.x, got);
        assert_true(same_bits(OUT, want, got));
        prepare(want, got);
        for (size_t r = 0; r < m.rows; r++) {
            want[r] = s->l2sq_f32(m.cols, m.a + r * m.lda, m.x);
        }
        v->table[i]->l2sq_rows_f32(m.rows, m.cols, m.a, m.lda, m.x, got);
        assert_true(same_bits(OUT, want, got));
    }
}

static void check_chosen(const struct variants *v, matrix m, size_t count,
                         const uint32_t *index) {
    const mdg_kernels *s = v->table[0];
    float want[OUT], got[OUT];
    for (int i = 0; i < v->count; i++) {
        const mdg_kernels *k = v->table[i];
        prepare(want, got);
        for (size_t r = 0; r < count; r++) {
            want[r] = s->dot_f32(m.cols, m.a + index[r] * m.lda, m.x);
        }
        k->gather_dot_f32(count, index, m.cols, m.a, m.lda, m.x, got);
        assert_true(same_bits(OUT, want, got));
        prepare(want, got);
        for (size_t r = 0; r < count; r++) {
            want[r] = s->l2sq_f32(m.cols, m.a + index[r] * m.lda, m.x);
        }
        k->gather_l2sq_f32(count, index, m.cols, m.a, m.lda, m.x, got);
        assert_true(same_bits(OUT, want, got));
    }
}

static void rows_have_their_own_bits(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 13;
    for (size_t rows = 0; rows <= ROWS_MAX; rows++) {
        for (size_t cols = 0; cols <= N_MAX; cols++) {
            size_t lda = cols + next_random(&seed) % 10;
            matrix m = make(rows, cols, lda, cols % 2 == 0 ? 0 : 300, &seed);
            check_rows(&v, m);
            release(m);
        }
    }
}

static void chosen_rows_have_their_own_bits(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 17;
    for (size_t cols = 0; cols <= N_MAX; cols++) {
        size_t lda = cols + next_random(&seed) % 10;
        matrix m = make(ROWS_MAX, cols, lda, cols % 2 == 0 ? 0 : 300, &seed);
        for (size_t count = 0; count < 22; count++) {
            uint32_t *index = malloc(count * sizeof *index + 1);
            assert_non_null(index);
            for (size_t i = 0; i < count; i++) {
                index[i] = next_random(&seed) % ROWS_MAX;
            }
            check_chosen(&v, m, count, index);
            free(index);
        }
        release(m);
    }
}

/* Rows longer than what is fetched or converted in one piece. */
static void long_rows_have_their_own_bits(void **state) {
    static const uint32_t index[11] = {4, 0, 3, 3, 1, 2, 0, 4, 1, 1, 2};
    struct variants v = variants_here();
    uint32_t seed = 19;
    for (size_t cols = 250; cols < 2000; cols += 173) {
        matrix m = make(5, cols, cols, 0, &seed);
        check_rows(&v, m);
        check_chosen(&v, m, 11, index);
        release(m);
    }
}

/* Every offset of the matrix, the vector and the results from a line. */
static void run_at(const mdg_kernels *k, const float *a, const float *x,
                   float out[4][32], size_t offset) {
    static const uint32_t index[13] = {1, 0, 7, 3, 3, 5, 2, 6, 4, 7, 0, 1, 2};
    for (int i = 0; i < 4 * 32; i++) {
        out[i / 32][i % 32] = 12.0f;
    }
    k->gather_dot_f32(13, index, 77, a, 77, x, out[0] + offset);
    k->gather_l2sq_f32(13, index, 77, a, 77, x, out[1] + offset);
    k->gemv_f32(8, 77, a, 77, x, out[2] + offset);
    k->l2sq_rows_f32(8, 77, a, 77, x, out[3] + offset);
}

static void any_alignment_is_the_same(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 23;
    float a[8 * 77 + 16], x[77 + 16], want[4][32], got[4][32];
    fill_plain(&seed, sizeof a / sizeof *a, a, 1.0f);
    fill_plain(&seed, sizeof x / sizeof *x, x, 1.0f);
    for (size_t offset = 0; offset < 16; offset++) {
        const float *with = x + 15 - offset;
        run_at(v.table[0], a + offset, with, want, offset);
        for (int i = 1; i < v.count; i++) {
            run_at(v.table[i], a + offset, with, got, offset);
            assert_true(same_bits(4 * 32, want[0], got[0]));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_their_own_bits),
        cmocka_unit_test(chosen_rows_have_their_own_bits),
        cmocka_unit_test(long_rows_have_their_own_bits),
        cmocka_unit_test(any_alignment_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
