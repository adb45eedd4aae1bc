/* onebit_test.c: rotations against sums in double, tables and scans against
 * sums over signs, for every variant; and that variants agree to the bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define N_MAX   256
#define M_MAX   700
#define GROUP   MDG_ONEBIT_GROUP
#define FACTORS (2 * GROUP)

static float uniform(uint32_t *seed) {
    return (float)(next_random(seed) >> 8) * 0x1p-15f - 1.0f;
}

static void fill(uint32_t *seed, size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = uniform(seed);
    }
}

/* H has the sign of the parity of the bits that row and column share. */
static void hadamard_is_the_matrix(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 11;
    float x[N_MAX], y[N_MAX];
    for (size_t n = 1; n <= N_MAX; n *= 2) {
        fill(&seed, n, x);
        for (int i = 0; i < v.count; i++) {
            memcpy(y, x, n * sizeof *y);
            v.table[i]->hadamard_f32(n, y);
            for (size_t r = 0; r < n; r++) {
                double sum = 0;
                for (size_t c = 0; c < n; c++) {
                    sum += __builtin_parityll(r & c) ? -x[c] : x[c];
                }
                assert_true(__builtin_fabs(sum - y[r]) <= 1e-4);
            }
        }
    }
}

static void butterflies_are_sums_and_differences(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 13;
    float a[70], b[70], x[71], y[71];
    for (size_t n = 0; n < 70; n++) {
        fill(&seed, 70, a);
        fill(&seed, 70, b);
        for (int i = 0; i < v.count; i++) {
            memcpy(x + 1, a, sizeof a);
            memcpy(y + 1, b, sizeof b);
            v.table[i]->butterfly_f32(n, x + 1, y + 1);
            for (size_t j = 0; j < 70; j++) {
                assert_true(x[1 + j] == (j < n ? a[j] + b[j] : a[j]));
                assert_true(y[1 + j] == (j < n ? a[j] - b[j] : b[j]));
            }
        }
    }
}

/* An entry is what its signs leave of the four numbers, to one step. */
static void tables_are_sums_over_signs(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 17;
    float x[80];
    uint8_t *lut = malloc(16 * 20), *first = malloc(16 * 20);
    for (size_t m = 0; m <= 20; m++) {
        fill(&seed, 4 * m, x);
        const float scale = MDG_ONEBIT_TOP / 4.0f;
        for (int i = 0; i < v.count; i++) {
            v.table[i]->onebit_tables(4 * m, x, scale, lut);
            if (i == 0) {
                memcpy(first, lut, 16 * m);
            }
            assert_memory_equal(first, lut, m > 0 ? 16 * m : 1);
            for (size_t e = 0; e < 16 * m; e++) {
                double sum = 0;
                for (size_t j = 0; j < 4; j++) {
                    double one = x[e / 16 * 4 + j];
                    one = e % 16 >> j & 1 ? one : -one;
                    sum += one > 0 ? one : 0;
                }
                assert_true(__builtin_fabs(sum * 255 / 4 - lut[e]) < 0.55);
            }
        }
    }
    free(lut);
    free(first);
}

static void largest_entry_is_255(void **state) {
    struct variants v = variants_here();
    const float x[4] = {1.0f, 1.0f, 1.0f, -1.0f};
    uint8_t lut[16];
    for (int i = 0; i < v.count; i++) {
        v.table[i]->onebit_tables(4, x, MDG_ONEBIT_TOP / 4.0f, lut);
        assert_int_equal(lut[7], 255);
        assert_int_equal(lut[8], 0);
    }
}

static void check_scan(const mdg_kernels *k, size_t m, const uint8_t *codes,
                       const uint8_t *lut, const float *factors) {
    const mdg_onebit_terms t = {3.0f, 0.5f, 0.0625f, -2.0f, 3.5f};
    float *out = malloc(GROUP * sizeof *out);
    uint32_t below = k->onebit_scan(m, codes, lut, factors, &t, out);
    for (size_t j = 0; j < GROUP; j++) {
        uint32_t sum = 0;
        for (size_t p = 0; p < m; p++) {
            sum += lut[16 * p + (codes[16 * p + j % 16] >> j / 16 * 4 & 15)];
        }
        float known = t.base + t.tilt * factors[j];
        float want =
            known + factors[GROUP + j] * (t.scale * (float)sum + t.shift);
        assert_true(want == out[j]);
        assert_int_equal(below >> j & 1, want < t.limit);
    }
    free(out);
}

static void scans_are_sums_over_codes(void **state) {
    struct variants v = variants_here();
    static const size_t sizes[] = {0,  1,   2,   3,   4,   5,   7,   15,   16,
                                   17, 255, 256, 257, 258, 512, 513, M_MAX};
    uint32_t seed = 19;
    float factors[FACTORS];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t m = sizes[s];
        uint8_t *codes = malloc(16 * m + 1), *lut = malloc(16 * m + 1);
        for (size_t i = 0; i < 16 * m; i++) {
            codes[i] = (uint8_t)(next_random(&seed) >> 6);
            lut[i] = m > 500 ? 255 : (uint8_t)(next_random(&seed) >> 6);
        }
        fill(&seed, FACTORS, factors);
        for (int i = 0; i < v.count; i++) {
            check_scan(v.table[i], m, codes, lut, factors);
        }
        free(codes);
        free(lut);
    }
}

/* What is infinite or no number is below no limit. */
static void only_numbers_are_below(void **state) {
    struct variants v = variants_here();
    const mdg_onebit_terms t = {0.0f, 1.0f, 1.0f, 0.0f, __builtin_inff()};
    float factors[FACTORS] = {0}, out[GROUP];
    factors[1] = __builtin_inff();
    factors[30] = __builtin_nanf("");
    factors[31] = -__builtin_inff();
    for (int i = 0; i < v.count; i++) {
        uint32_t below =
            v.table[i]->onebit_scan(0, NULL, NULL, factors, &t, out);
        assert_int_equal(below, 0xffffffffu ^ (1u << 1) ^ (1u << 30));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hadamard_is_the_matrix),
        cmocka_unit_test(butterflies_are_sums_and_differences),
        cmocka_unit_test(tables_are_sums_over_signs),
        cmocka_unit_test(largest_entry_is_255),
        cmocka_unit_test(scans_are_sums_over_codes),
        cmocka_unit_test(only_numbers_are_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
