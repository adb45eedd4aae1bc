/* activation_test.c: every variant of the activations and of their derivatives
 * against the definition; the definition against arithmetic in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/fmath.h"
#include "kernel_values.h"
#include "variants.h"

#define N_MAX 130
#define ROOM  (N_MAX + 32)

typedef void map_fn(size_t n, float *x);
typedef void back_fn(size_t n, const float *y, float *g);

static void same_map(map_fn *scalar, map_fn *other, uint32_t rarity) {
    uint32_t seed = 7;
    float input[ROOM], want[ROOM], got[ROOM];
    for (size_t n = 0; n <= N_MAX; n++) {
        for (size_t offset = 0; offset < 16; offset++) {
            fill_corners(&seed, ROOM, input, rarity);
            memcpy(want, input, sizeof want);
            memcpy(got, input, sizeof got);
            scalar(n, want + offset);
            other(n, got + offset);
            assert_true(same_bits(ROOM, want, got));
        }
    }
}

static void maps_are_the_same(void **state) {
    struct variants v = variants_here();
    const mdg_kernels *s = v.table[0];
    for (int i = 1; i < v.count; i++) {
        const mdg_kernels *k = v.table[i];
        for (uint32_t rarity = 1; rarity < 100; rarity += 49) {
            same_map(s->exp_f32, k->exp_f32, rarity);
            same_map(s->tanh_f32, k->tanh_f32, rarity);
            same_map(s->sigmoid_f32, k->sigmoid_f32, rarity);
            same_map(s->sin_f32, k->sin_f32, rarity);
            same_map(s->cos_f32, k->cos_f32, rarity);
            same_map(s->relu_f32, k->relu_f32, rarity);
            same_map(s->gelu_f32, k->gelu_f32, rarity);
            same_map(s->silu_f32, k->silu_f32, rarity);
            same_map(s->elliot_f32, k->elliot_f32, rarity);
            same_map(s->softmax_f32, k->softmax_f32, rarity);
        }
        same_map(s->softmax_f32, k->softmax_f32, 100000);
    }
}

static void touch_all(const mdg_kernels *k, size_t n, const float *y,
                      float *x) {
    map_fn *const map[] = {k->exp_f32,    k->tanh_f32, k->sigmoid_f32,
                           k->sin_f32,    k->cos_f32,  k->relu_f32,
                           k->gelu_f32,   k->silu_f32, k->elliot_f32,
                           k->softmax_f32};
    back_fn *const back[] = {k->sigmoid_back_f32, k->tanh_back_f32,
                             k->relu_back_f32,    k->elliot_back_f32,
                             k->gelu_back_f32,    k->silu_back_f32,
                             k->softmax_back_f32};
    for (size_t i = 0; i < sizeof map / sizeof *map; i++) {
        map[i](n, x);
    }
    for (size_t i = 0; i < sizeof back / sizeof *back; i++) {
        back[i](n, y, x);
    }
    (void)k->log_sum_exp_f32(n, y);
}

static void nothing_else_is_touched(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 5;
    float values[N_MAX];
    fill_corners(&seed, N_MAX, values, 20);
    for (int i = 0; i < v.count; i++) {
        for (size_t n = 1; n <= N_MAX; n++) {
            float *x = exact_copy(n * sizeof *x, values);
            float *y = exact_copy(n * sizeof *y, values);
            touch_all(v.table[i], n, y, x);
            free(x);
            free(y);
        }
    }
}

#define BLOCK 500
#define MAPS  8

/* Maps, and the two derivatives that are computed from x. */
static void same_block(const struct variants *v, const float *input) {
    float want[BLOCK], got[BLOCK];
    for (int f = 0; f < MAPS + 2; f++) {
        for (int i = 0; i < v->count; i++) {
            const mdg_kernels *k = v->table[i];
            map_fn *map[MAPS] = {k->exp_f32,  k->tanh_f32,  k->sigmoid_f32,
                                 k->sin_f32,  k->cos_f32,   k->gelu_f32,
                                 k->silu_f32, k->elliot_f32};
            back_fn *back[2] = {k->gelu_back_f32, k->silu_back_f32};
            float *out = i == 0 ? want : got;
            memcpy(out, input, sizeof want);
            if (f < MAPS) {
                map[f](BLOCK, out);
            } else {
                for (size_t j = 0; j < BLOCK; j++) {
                    out[j] = 1.0f;
                }
                back[f - MAPS](BLOCK, input, out);
            }
            assert_true(i == 0 || same_bits(BLOCK, want, got));
        }
    }
}

/* Every exponent, both signs. */
static void maps_are_the_same_over_all_floats(void **state) {
    struct variants v = variants_here();
    float input[BLOCK];
    size_t count = 0;
    for (uint64_t i = 0; i < ((uint64_t)1 << 32); i += 21283) {
        uint32_t u = (uint32_t)i;
        memcpy(input + count, &u, sizeof u);
        count++;
        if (count == BLOCK) {
            same_block(&v, input);
            count = 0;
        }
    }
}

/* Where the last part of pi/2 decides the result, and where a function changes
 * from one formula to another. */
static void maps_are_the_same_where_it_is_close(void **state) {
    struct variants v = variants_here();
    float input[BLOCK];
    for (int i = 0; i + BLOCK < 3800; i += BLOCK) {
        for (int j = 0; j < BLOCK; j++) {
            input[j] = (float)((i + j + 0.5) * 3.14159265358979323846);
        }
        same_block(&v, input);
        for (int j = 0; j < BLOCK; j++) {
            input[j] = (float)((i + j - 1900) * 0.06);
        }
        same_block(&v, input);
    }
}

static void same_back(back_fn *scalar, back_fn *other, uint32_t rarity) {
    uint32_t seed = 9;
    float y[ROOM], want[ROOM], got[ROOM];
    for (size_t n = 0; n <= N_MAX; n++) {
        for (size_t offset = 0; offset < 16; offset++) {
            fill_corners(&seed, ROOM, y, rarity);
            fill_corners(&seed, ROOM, want, rarity);
            memcpy(got, want, sizeof got);
            scalar(n, y + 15 - offset, want + offset);
            other(n, y + 15 - offset, got + offset);
            assert_true(same_bits(ROOM, want, got));
        }
    }
}

static void derivatives_are_the_same(void **state) {
    struct variants v = variants_here();
    const mdg_kernels *s = v.table[0];
    for (int i = 1; i < v.count; i++) {
        const mdg_kernels *k = v.table[i];
        for (uint32_t rarity = 1; rarity < 100; rarity += 49) {
            same_back(s->sigmoid_back_f32, k->sigmoid_back_f32, rarity);
            same_back(s->tanh_back_f32, k->tanh_back_f32, rarity);
            same_back(s->relu_back_f32, k->relu_back_f32, rarity);
            same_back(s->elliot_back_f32, k->elliot_back_f32, rarity);
            same_back(s->gelu_back_f32, k->gelu_back_f32, rarity);
            same_back(s->silu_back_f32, k->silu_back_f32, rarity);
            same_back(s->softmax_back_f32, k->softmax_back_f32, rarity);
        }
        same_back(s->softmax_back_f32, k->softmax_back_f32, 100000);
    }
}

static void log_sum_exp_is_the_same(void **state) {
    struct variants v = variants_here();
    static const uint32_t rarities[] = {1, 20, 100000};
    uint32_t seed = 11;
    float x[ROOM];
    for (size_t r = 0; r < sizeof rarities / sizeof *rarities; r++) {
        for (size_t n = 0; n <= N_MAX; n++) {
            for (size_t offset = 0; offset < 16; offset++) {
                fill_corners(&seed, ROOM, x, rarities[r]);
                float want = v.table[0]->log_sum_exp_f32(n, x + offset);
                for (int i = 1; i < v.count; i++) {
                    float got = v.table[i]->log_sum_exp_f32(n, x + offset);
                    assert_true(same_bits(1, &want, &got));
                }
            }
        }
    }
}

static void log_sum_exp_at_its_limits(void **state) {
    struct variants v = variants_here();
    const float none[3] = {-INFINITY, -INFINITY, -INFINITY};
    const float one[3] = {1.0f, INFINITY, -INFINITY};
    const float some[3] = {-INFINITY, 2.5f, -INFINITY};
    const float no_number[3] = {1.0f, NAN, INFINITY};
    const float large[2] = {3e38f, 3e38f};
    const float low[2] = {-1000.0f, -1000.0f};
    for (int i = 0; i < v.count; i++) {
        const mdg_kernels *k = v.table[i];
        assert_true(k->log_sum_exp_f32(0, none) == -INFINITY);
        assert_true(k->log_sum_exp_f32(3, none) == -INFINITY);
        assert_true(k->log_sum_exp_f32(3, one) == INFINITY);
        assert_true(k->log_sum_exp_f32(3, some) == 2.5f);
        assert_true(isnan(k->log_sum_exp_f32(3, no_number)));
        assert_true(k->log_sum_exp_f32(2, large) == 3e38f);
        assert_true(fabs((double)k->log_sum_exp_f32(2, low) + 1000.0 -
                         0.693147180559945) < 1e-4);
    }
}

/* The budget: the exponentials err by 1.1 ulps and the sum of n positive terms
 * by less than n / 16 + 20, in the logarithm as an absolute error; then the two
 * roundings of the result. */
static void log_sum_exp_is_near_the_truth(void **state) {
    uint32_t seed = 13;
    float x[N_MAX];
    for (size_t n = 1; n <= N_MAX; n++) {
        fill_plain(&seed, n, x, n % 2 == 0 ? 5.0f : 80.0f);
        double largest = -INFINITY, total = 0.0;
        for (size_t i = 0; i < n; i++) {
            largest = x[i] > largest ? (double)x[i] : largest;
        }
        for (size_t i = 0; i < n; i++) {
            total += exp((double)x[i] - largest);
        }
        double want = log(total) + largest;
        double got = mdg_kernels_select(0)->log_sum_exp_f32(n, x);
        double budget = 0x1p-24 * (2.0 * 160.0 + 2.2 + (double)n / 16.0 + 20.0);
        assert_true(fabs(got - want) <= budget + 0x1p-23 * fabs(want));
    }
}

static double sigmoid_of(double x) {
    return 1.0 / (1.0 + exp(-x));
}
static double gelu_of(double x) {
    return 0.5 * x * erfc(-x / sqrt(2.0));
}
static double silu_of(double x) {
    return x * sigmoid_of(x);
}
static double elliot_of(double x) {
    return x / (1.0 + fabs(x));
}

/* The derivative by central differences; h suits functions of size 1. */
static double slope_of(double (*f)(double), double x) {
    const double h = 1e-5;
    return (f(x + h) - f(x - h)) / (2.0 * h);
}

/* From x directly, or from y = f(x) rounded to float. */
static void check_slope(double (*f)(double), back_fn *back, int from_x,
                        double budget) {
    for (int i = -2000; i <= 2000; i++) {
        float x = (float)i * 0.01f + 0.003f;
        float given = from_x ? x : (float)f((double)x);
        float g = 1.0f;
        back(1, &given, &g);
        assert_true(fabs((double)g - slope_of(f, (double)x)) <= budget);
        float twice = -2.0f;
        back(1, &given, &twice);
        assert_true(twice == -2.0f * g);
    }
}

static void derivatives_are_slopes(void **state) {
    const mdg_kernels *k = mdg_kernels_select(0);
    check_slope(sigmoid_of, k->sigmoid_back_f32, 0, 2e-7);
    check_slope(tanh, k->tanh_back_f32, 0, 4e-7);
    check_slope(elliot_of, k->elliot_back_f32, 0, 4e-7);
    check_slope(gelu_of, k->gelu_back_f32, 1, 4e-7);
    check_slope(silu_of, k->silu_back_f32, 1, 4e-7);
}

static void relu_lets_pass_what_was_positive(void **state) {
    const float y[5] = {1.0f, 0.0f, -0.0f, 0x1p-149f, NAN};
    const float want[5] = {3.0f, 0.0f, 0.0f, 3.0f, 0.0f};
    struct variants v = variants_here();
    for (int i = 0; i < v.count; i++) {
        float g[5] = {3.0f, 3.0f, 3.0f, 3.0f, 3.0f};
        v.table[i]->relu_back_f32(5, y, g);
        assert_true(same_bits(5, want, g));
    }
}

/* silu has finite slopes even where x is infinite. */
static void slopes_have_their_limits(void **state) {
    const float x[4] = {INFINITY, -INFINITY, 3e38f, -3e38f};
    struct variants v = variants_here();
    for (int i = 0; i < v.count; i++) {
        float gelu[4] = {1.0f, 1.0f, 1.0f, 1.0f};
        float silu[4] = {1.0f, 1.0f, 1.0f, 1.0f};
        v.table[i]->gelu_back_f32(4, x, gelu);
        v.table[i]->silu_back_f32(4, x, silu);
        for (int j = 0; j < 4; j++) {
            assert_true(gelu[j] == (j % 2 == 0 ? 1.0f : 0.0f));
            assert_true(silu[j] == (j % 2 == 0 ? 1.0f : 0.0f));
        }
    }
}

/* g against the derivative of sum_j d_j softmax_j(x) in double. */
static void softmax_goes_back_along_its_slope(void **state) {
    enum { N = 23 };
    uint32_t seed = 17;
    const mdg_kernels *k = mdg_kernels_select(0);
    float x[N], d[N], y[N], g[N];
    fill_plain(&seed, N, x, 3.0f);
    fill_plain(&seed, N, d, 1.0f);
    memcpy(y, x, sizeof y);
    memcpy(g, d, sizeof g);
    k->softmax_f32(N, y);
    k->softmax_back_f32(N, y, g);
    for (int i = 0; i < N; i++) {
        double value[2] = {0.0, 0.0};
        for (int side = 0; side < 2; side++) {
            double total = 0.0, sum = 0.0;
            for (int j = 0; j < N; j++) {
                double h = j == i ? (side == 0 ? 1e-5 : -1e-5) : 0.0;
                double e = exp((double)x[j] + h);
                total += e;
                sum += e * (double)d[j];
            }
            value[side] = sum / total;
        }
        assert_true(fabs((value[0] - value[1]) / 2e-5 - (double)g[i]) < 1e-6);
    }
}

static void softmax_adds_up_to_one(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 19;
    float x[N_MAX];
    for (size_t n = 1; n <= N_MAX; n++) {
        fill_plain(&seed, n, x, 50.0f);
        v.table[v.count - 1]->softmax_f32(n, x);
        double total = 0.0;
        for (size_t i = 0; i < n; i++) {
            assert_true(x[i] >= 0.0f && x[i] <= 1.0f);
            total += (double)x[i];
        }
        assert_true(fabs(total - 1.0) < 1e-5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_the_same),
        cmocka_unit_test(nothing_else_is_touched),
        cmocka_unit_test(maps_are_the_same_over_all_floats),
        cmocka_unit_test(maps_are_the_same_where_it_is_close),
        cmocka_unit_test(derivatives_are_the_same),
        cmocka_unit_test(log_sum_exp_is_the_same),
        cmocka_unit_test(log_sum_exp_at_its_limits),
        cmocka_unit_test(log_sum_exp_is_near_the_truth),
        cmocka_unit_test(derivatives_are_slopes),
        cmocka_unit_test(relu_lets_pass_what_was_positive),
        cmocka_unit_test(slopes_have_their_limits),
        cmocka_unit_test(softmax_goes_back_along_its_slope),
        cmocka_unit_test(softmax_adds_up_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
