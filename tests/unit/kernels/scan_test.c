/* scan_test.c: rows by absolute differences give the bits of l1, whatever
 * stands beside them; the numbers that reach their limits are those that the
 * comparison names, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define N_MAX    130
#define ROWS_MAX 20

static void check_rows(const struct variants *v, size_t rows, size_t cols,
                       size_t lda, uint32_t rarity, uint32_t *seed) {
    float want[ROWS_MAX + 1], got[ROWS_MAX + 1];
    uint32_t index[ROWS_MAX];
    const size_t size = rows == 0 ? 0 : (rows - 1) * lda + cols;
    float *a = malloc(size * sizeof *a + 1), *x = malloc(cols * sizeof *x + 1);
    fill_corners(seed, size, a, rarity);
    fill_corners(seed, cols, x, rarity);
    for (int i = 0; i < v->count; i++) {
        const mdg_kernels *k = v->table[i];
        for (size_t r = 0; r < rows; r++) {
            want[r] = v->table[0]->l1_f32(cols, a + r * lda, x);
        }
        want[rows] = got[rows] = 12.0f;
        k->l1_rows_f32(rows, cols, a, lda, x, got);
        assert_true(same_bits(rows + 1, want, got));
        for (size_t r = 0; r < rows; r++) {
            index[r] = next_random(seed) % (uint32_t)rows;
            want[r] = v->table[0]->l1_f32(cols, a + index[r] * lda, x);
        }
        k->gather_l1_f32(rows, index, cols, a, lda, x, got);
        assert_true(same_bits(rows + 1, want, got));
    }
    free(a);
    free(x);
}

static void rows_give_the_bits_of_l1(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 3;
    for (size_t cols = 0; cols <= N_MAX; cols++) {
        check_rows(&v, cols % (ROWS_MAX + 1), cols, cols, 1000, &seed);
        check_rows(&v, ROWS_MAX, cols, cols + 5, 9, &seed);
    }
}

static void check_pick(const struct variants *v, size_t n, const float *x,
                       float scale, float bias, const float *limit) {
    uint32_t index[4 * N_MAX + 1];
    for (int i = 0; i < v->count; i++) {
        index[n] = 77;
        size_t count = v->table[i]->pick_f32(n, x, scale, bias, limit, index);
        size_t at = 0;
        assert_true(count <= n);
        for (uint32_t j = 0; j < n; j++) {
            volatile float product = x[j] * scale;
            if (!(product + bias < limit[j])) {
                assert_true(at < count && index[at] == j);
                at++;
            }
        }
        assert_true(at == count);
        assert_true(index[n] == 77);
    }
}

static void picked_is_what_reaches_its_limit(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 5;
    float x[4 * N_MAX + 1], limit[4 * N_MAX + 1];
    for (size_t n = 0; n <= 4 * N_MAX; n++) {
        const size_t offset = n % 2;
        fill_corners(&seed, n, x + (n < 4 * N_MAX ? offset : 0), 50);
        fill_corners(&seed, n, limit, 60);
        const float *from = x + (n < 4 * N_MAX ? offset : 0);
        check_pick(&v, n, from, 1.0f, 0.0f, limit);
        check_pick(&v, n, from, 0.37f, -2.5f, limit);
        check_pick(&v, n, from, NAN, 0.0f, limit);
        for (size_t i = 0; i < n; i++) { /* few, and at the limit itself */
            limit[i] = i % 97 == n % 97 ? from[i] : from[i] + 1.0f;
        }
        check_pick(&v, n, from, 1.0f, 0.0f, limit);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_the_bits_of_l1),
        cmocka_unit_test(picked_is_what_reaches_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
