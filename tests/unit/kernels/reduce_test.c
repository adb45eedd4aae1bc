/* reduce_test.c: every variant of the reductions against the definition, for
 * n = 0..130 at every offset of the 16 in a 64-byte line, corners of the format
 * included; and the definition against sums in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define N_MAX   130
#define ROOM    (N_MAX + 32)
#define RESULTS 12

static void reduce(const mdg_kernels *k, size_t n, const float *a,
                   const float *b, float *result) {
    result[0] = k->dot_f32(n, a, b);
    result[1] = k->l2sq_f32(n, a, b);
    result[2] = k->l1_f32(n, a, b);
    result[3] = k->sum_f32(n, a);
    result[4] = k->norm_f32(n, a);
    result[5] = k->max_f32(n, a);
    result[6] = k->min_f32(n, a);
    result[7] = k->absmax_f32(n, a);
    result[8] = (float)k->argmax_f32(n, a);
    k->cosine_f32(n, a, b, result + 9);
}

static void compare(const struct variants *v, size_t n, const float *a,
                    const float *b) {
    float want[RESULTS], got[RESULTS];
    reduce(v->table[0], n, a, b, want);
    for (int i = 1; i < v->count; i++) {
        reduce(v->table[i], n, a, b, got);
        assert_true(same_bits(RESULTS, want, got));
    }
}

static void every_variant_is_the_same(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 3;
    float a[ROOM], b[ROOM];
    for (size_t n = 0; n <= N_MAX; n++) {
        for (size_t offset = 0; offset < 16; offset++) {
            fill_plain(&seed, ROOM, a, 1.0f);
            fill_plain(&seed, ROOM, b, 1.0f);
            compare(&v, n, a + offset, b + 15 - offset);
            fill_corners(&seed, ROOM, a, 20);
            fill_corners(&seed, ROOM, b, 50);
            compare(&v, n, a + offset, b);
            fill_corners(&seed, ROOM, b, 1);
            compare(&v, n, b + offset, a);
        }
    }
}

/* Arrays without a byte to spare: a sanitizer sees what is read beyond. */
static void nothing_else_is_read(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 5;
    for (size_t n = 1; n <= N_MAX; n++) {
        float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
        assert_non_null(a);
        assert_non_null(b);
        fill_plain(&seed, n, a, 1.0f);
        fill_plain(&seed, n, b, 1.0f);
        compare(&v, n, a, b);
        free(a);
        free(b);
    }
}

/* Zeros of both signs: which one is the largest is part of the definition. */
static void extremes_are_the_same_for_zeros(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 7;
    float x[N_MAX];
    for (int repeat = 0; repeat < 200; repeat++) {
        for (size_t i = 0; i < N_MAX; i++) {
            x[i] = next_random(&seed) % 2 == 0 ? 0.0f : -0.0f;
        }
        size_t n = 1 + next_random(&seed) % (N_MAX - 1);
        compare(&v, n, x, x);
        for (int i = 0; i < v.count; i++) {
            assert_int_equal(v.table[i]->argmax_f32(n, x), 0);
        }
    }
}

static void extremes_pass_over_nans(void **state) {
    struct variants v = variants_here();
    float x[40];
    for (int i = 0; i < 40; i++) {
        x[i] = NAN;
    }
    for (int i = 0; i < v.count; i++) {
        const mdg_kernels *k = v.table[i];
        for (size_t n = 0; n <= 40; n++) {
            assert_true(k->max_f32(n, x) == -INFINITY);
            assert_true(k->min_f32(n, x) == INFINITY);
            assert_true(k->absmax_f32(n, x) == 0.0f);
            assert_int_equal(k->argmax_f32(n, x), n);
        }
        for (size_t at = 0; at < 40; at++) {
            x[at] = -2.0f;
            assert_true(k->max_f32(40, x) == -2.0f);
            assert_true(k->min_f32(40, x) == -2.0f);
            assert_true(k->absmax_f32(40, x) == 2.0f);
            assert_int_equal(k->argmax_f32(40, x), at);
            x[at] = -INFINITY;
            assert_true(k->absmax_f32(40, x) == INFINITY);
            assert_int_equal(k->argmax_f32(40, x), at);
            x[at] = NAN;
        }
    }
}

#define LONG 20000

/* Over many pieces: the first of equal ones, wherever they are. */
static void argmax_finds_the_first(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 11;
    static float x[LONG];
    for (int repeat = 0; repeat < 60; repeat++) {
        fill_plain(&seed, LONG, x, 1.0f);
        for (int i = 0; i < 40; i++) {
            x[next_random(&seed) % LONG] = NAN;
        }
        size_t n = LONG - next_random(&seed) % 100;
        size_t first = next_random(&seed) % n;
        x[first] = 2.0f;
        for (int i = 0; i < 5; i++) {
            x[first + next_random(&seed) % (LONG - first)] = 2.0f;
        }
        for (int i = 0; i < v.count; i++) {
            assert_int_equal(v.table[i]->argmax_f32(n, x), first);
        }
    }
    for (size_t i = 0; i < LONG; i++) {
        x[i] = i < 9000 ? NAN : -INFINITY;
    }
    for (int i = 0; i < v.count; i++) {
        assert_int_equal(v.table[i]->argmax_f32(LONG, x), 9000);
    }
}

/* The lanes of kernels.h, written out once more in a different way. */
static void dot_follows_the_lanes(void **state) {
    uint32_t seed = 19;
    float a[100], b[100], lane[31];
    fill_plain(&seed, 100, a, 1.0f);
    fill_plain(&seed, 100, b, 1.0f);
    for (size_t j = 0; j < 16; j++) {
        lane[15 + j] = 0.0f;
        for (size_t i = j; i < 96; i += 16) {
            float product = a[i] * b[i];
            lane[15 + j] += product;
        }
    }
    for (size_t half = 8, at = 7, from = 15; half > 0; half /= 2) {
        for (size_t j = 0; j < half; j++) {
            lane[at + j] = lane[from + j] + lane[from + j + half];
        }
        from = at;
        at /= 2;
    }
    float want = lane[0];
    for (size_t i = 96; i < 100; i++) {
        float product = a[i] * b[i];
        want += product;
    }
    float got = mdg_kernels_select(0)->dot_f32(100, a, b);
    assert_true(same_bits(1, &want, &got));
}

static void cosine_has_the_bits_of_dot(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 23;
    float a[200], b[200], out[3];
    fill_plain(&seed, 200, a, 1.0f);
    fill_plain(&seed, 200, b, 1.0f);
    for (int i = 0; i < v.count; i++) {
        const mdg_kernels *k = v.table[i];
        for (size_t n = 0; n <= 200; n++) {
            float want[3] = {k->dot_f32(n, a, b), k->dot_f32(n, a, a),
                             k->dot_f32(n, b, b)};
            k->cosine_f32(n, a, b, out);
            assert_true(same_bits(3, want, out));
        }
    }
}

static void near(double got, double exact, double bound) {
    assert_true(fabs(got - exact) <= bound);
}

/* An element's way to the result: three roundings of its term at most, n / 16
 * sums in its lane, four of the tree, fifteen of the tail. */
static void sums_are_near_those_in_double(void **state) {
    const mdg_kernels *k = mdg_kernels_select(0);
    uint32_t seed = 29;
    static float a[2000], b[2000];
    for (size_t n = 0; n <= 2000; n += 61) {
        double dot = 0, l2sq = 0, l1 = 0, sum = 0, squares = 0;
        double products = 0, sizes = 0;
        fill_plain(&seed, n, a, 3.0f);
        fill_plain(&seed, n, b, 3.0f);
        for (size_t i = 0; i < n; i++) {
            double x = (double)a[i], y = (double)b[i];
            dot += x * y;
            products += fabs(x * y);
            l2sq += (x - y) * (x - y);
            l1 += fabs(x - y);
            sum += x;
            sizes += fabs(x);
            squares += x * x;
        }
        const double part = ((double)n / 16 + 3 + 4 + 15) * 0x1p-24 * 1.001;
        near((double)k->dot_f32(n, a, b), dot, part * products);
        near((double)k->l2sq_f32(n, a, b), l2sq, part * l2sq);
        near((double)k->l1_f32(n, a, b), l1, part * l1);
        near((double)k->sum_f32(n, a), sum, part * sizes);
        near((double)k->norm_f32(n, a), sqrt(squares), part * sqrt(squares));
    }
}

static void extremes_are_those_of_a_loop(void **state) {
    const mdg_kernels *k = mdg_kernels_select(0);
    uint32_t seed = 31;
    float x[N_MAX];
    for (size_t n = 1; n <= N_MAX; n++) {
        fill_plain(&seed, n, x, 1.0f);
        float largest = x[0], smallest = x[0];
        size_t at = 0;
        for (size_t i = 1; i < n; i++) {
            at = x[i] > largest ? i : at;
            largest = fmaxf(largest, x[i]);
            smallest = fminf(smallest, x[i]);
        }
        assert_true(k->max_f32(n, x) == largest);
        assert_true(k->min_f32(n, x) == smallest);
        assert_true(k->absmax_f32(n, x) == fmaxf(largest, -smallest));
        assert_int_equal(k->argmax_f32(n, x), at);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_is_the_same),
        cmocka_unit_test(nothing_else_is_read),
        cmocka_unit_test(extremes_are_the_same_for_zeros),
        cmocka_unit_test(extremes_pass_over_nans),
        cmocka_unit_test(argmax_finds_the_first),
        cmocka_unit_test(dot_follows_the_lanes),
        cmocka_unit_test(cosine_has_the_bits_of_dot),
        cmocka_unit_test(sums_are_near_those_in_double),
        cmocka_unit_test(extremes_are_those_of_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
