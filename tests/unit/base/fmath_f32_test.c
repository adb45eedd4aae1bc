/* fmath_f32_test.c: the core's float functions against the C library in double,
 * measured in units in the last place of the correctly rounded result. The
 * bounds are those that fmath.h states; a hash over many results is the same on
 * every target.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fmath.h"
#include "test_share.h"

/* Steps through all floats, both signs, every exponent; odd. */
#define STRIDE (TEST_SHARE > 1 ? 20011u : 2003u)

static double sigmoid(double x) {
    return 1.0 / (1.0 + exp(-x));
}

static double gelu(double x) {
    return 0.5 * x * erfc(-x * 0.70710678118654752440);
}

static double gelu_slope(double x) {
    return 0.5 * erfc(-x * 0.70710678118654752440) +
           x * exp(-0.5 * x * x) * 0.39894228040143267794;
}

static double silu(double x) {
    return x / (1.0 + exp(-x));
}

static double elliot(double x) {
    return x / (1.0 + fabs(x));
}

static const struct {
    const char *name;
    float (*f)(float);
    double (*oracle)(double);
    double ulps;
    uint64_t hash; /* of the results' bits, over all floats in steps */
} functions[] = {
    {"exp", mdg_exp_f32, exp, MDG_EXP_F32_ULPS, 0x7ddcb9726f704fc4u},
    {"log", mdg_log_f32, log, MDG_LOG_F32_ULPS, 0x82b3f8bcc4ed95cfu},
    {"log1p", mdg_log1p_f32, log1p, MDG_LOG1P_F32_ULPS, 0xf28768f24925784eu},
    {"tanh", mdg_tanh_f32, tanh, MDG_TANH_F32_ULPS, 0xd25af62b30488f65u},
    {"sigmoid", mdg_sigmoid_f32, sigmoid, MDG_SIGMOID_F32_ULPS,
     0xc3d4d9266466b7f6u},
    {"sin", mdg_sin_f32, sin, MDG_SIN_F32_ULPS, 0xee8d919ca553a302u},
    {"cos", mdg_cos_f32, cos, MDG_COS_F32_ULPS, 0x7c16b941e4a537c8u},
    {"erf", mdg_erf_f32, erf, MDG_ERF_F32_ULPS, 0x9d748c2ed7cba0b2u},
    {"gelu", mdg_gelu_f32, gelu, MDG_GELU_F32_ULPS, 0x9c3d036dab7b48ffu},
    {"silu", mdg_silu_f32, silu, MDG_SILU_F32_ULPS, 0xcac9802ac1aefd7au},
    {"elliot", mdg_elliot_f32, elliot, MDG_ELLIOT_F32_ULPS,
     0xbb4d9fcd174e1887u},
};
#define FUNCTIONS (sizeof functions / sizeof functions[0])

static float float_of(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static double ulps_f32(float got, double want) {
    if (isnan(want)) {
        return isnan(got) ? 0.0 : INFINITY;
    }
    if (isinf(got) || isinf((float)want)) {
        return got == (float)want ? 0.0 : INFINITY;
    }
    int exponent = 0;
    frexp(want, &exponent);
    exponent = exponent < -125 ? -125 : exponent;
    return fabs((double)got - want) / ldexp(1.0, exponent - 24);
}

static void float_functions_hold_their_bounds(void **state) {
    for (size_t k = 0; k < FUNCTIONS; k++) {
        double worst = 0.0;
        for (uint64_t i = 0; i < ((uint64_t)1 << 32); i += STRIDE) {
            float x = float_of((uint32_t)i);
            if (isinf(x)) { /* a test of its own: some oracles have no limit */
                continue;
            }
            double error =
                ulps_f32(functions[k].f(x), functions[k].oracle((double)x));
            worst = error > worst ? error : worst;
        }
        if (!(worst <= functions[k].ulps)) {
            fail_msg("%s: %g ulps", functions[k].name, worst);
        }
    }
}

/* FNV-1a over whole words; which NaN a target makes is its own affair. */
static uint64_t hash_float(uint64_t hash, float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return (hash ^ (isnan(x) ? 0x7fc00000u : u)) * 0x100000001b3u;
}

static void float_functions_have_the_same_bits_everywhere(void **state) {
    for (size_t k = 0; k < FUNCTIONS; k++) {
        uint64_t hash = 0xcbf29ce484222325u;
        for (uint64_t i = 0; i < ((uint64_t)1 << 32); i += 65521u) {
            hash = hash_float(hash, functions[k].f(float_of((uint32_t)i)));
        }
        if (hash != functions[k].hash) {
            fail_msg("%s: 0x%016llxu", functions[k].name,
                     (unsigned long long)hash);
        }
    }
}

static void slope_of_gelu_holds_its_bound(void **state) {
    double worst = 0.0;
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = -1600000; i < 1600000; i++) {
        float x = (float)i * 1e-5f;
        float slope = mdg_gelu_slope_f32(x);
        double error = fabs((double)slope - gelu_slope(x));
        worst = error > worst ? error : worst;
        hash = hash_float(hash, slope);
    }
    assert_true(worst <= MDG_GELU_SLOPE_F32_ERROR);
    if (hash != 0x84ce47054a4cdeebu) {
        fail_msg("0x%016llxu", (unsigned long long)hash);
    }
    assert_true(isnan(mdg_gelu_slope_f32(NAN)));
    assert_true(mdg_gelu_slope_f32(INFINITY) == 1.0f);
    assert_true(mdg_gelu_slope_f32(-INFINITY) == 0.0f);
}

/* In the range where they are used, and near their zeros, more densely. */
static void sin_and_cos_are_good_in_their_range(void **state) {
    double worst = 0.0;
    for (int i = -1300000; i < 1300000; i += TEST_SHARE) {
        float x = (float)i * 0.01f;
        worst = fmax(worst, ulps_f32(mdg_cos_f32(x), cos((double)x)));
        worst = fmax(worst, ulps_f32(mdg_sin_f32(x), sin((double)x)));
    }
    for (int i = 0; i < 8000; i++) {
        float x = (float)(i * 1.57079632679489661923);
        worst = fmax(worst, ulps_f32(mdg_cos_f32(x), cos((double)x)));
        worst = fmax(worst, ulps_f32(mdg_sin_f32(x), sin((double)x)));
    }
    assert_true(worst <= MDG_COS_F32_ULPS && worst <= MDG_SIN_F32_ULPS);
}

static void pow_is_rounded_as_from_double(void **state) {
    double worst = 0.0;
    uint64_t hash = 0xcbf29ce484222325u;
    uint32_t u = 1;
    for (int i = 0; i < 300000; i++) {
        u = u * 1664525u + 1013904223u;
        float x = float_of(u & 0x7fffffffu);
        u = u * 1664525u + 1013904223u;
        /* so that the results fill the floats, with some over either edge */
        double l = mdg_log_f64((double)x);
        float y = (float)(((double)u * 0x1p-32 - 0.5) * 215.0 / l);
        if (!isfinite(x) || !isfinite(y) || x == 0.0f) {
            continue;
        }
        float z = mdg_pow_f32(x, y);
        worst = fmax(worst, ulps_f32(z, pow((double)x, (double)y)));
        hash = hash_float(hash, z);
    }
    assert_true(worst <= MDG_POW_F32_ULPS);
    if (hash != 0xc4e14bb8b2c98ef6u) {
        fail_msg("0x%016llxu", (unsigned long long)hash);
    }
    assert_true(mdg_pow_f32(-2.0f, 3.0f) == -8.0f);
    assert_true(isnan(mdg_pow_f32(-2.0f, 0.5f)));
    assert_true(mdg_pow_f32(NAN, 0.0f) == 1.0f);
}

static void assert_zero_with_sign(float x, int negative) {
    assert_true(x == 0.0f);
    assert_int_equal(signbit(x) != 0, negative);
}

static void limits_are_those_of_the_c_library(void **state) {
    assert_true(mdg_exp_f32(INFINITY) == INFINITY);
    assert_true(mdg_exp_f32(-INFINITY) == 0.0f);
    assert_true(mdg_exp_f32(0.0f) == 1.0f);
    assert_true(mdg_log_f32(INFINITY) == INFINITY);
    assert_true(mdg_log_f32(-0.0f) == -INFINITY);
    assert_true(isnan(mdg_log_f32(-1.0f)));
    assert_true(mdg_log1p_f32(INFINITY) == INFINITY);
    assert_true(mdg_log1p_f32(-1.0f) == -INFINITY);
    assert_true(isnan(mdg_log1p_f32(-INFINITY)));
    assert_true(mdg_tanh_f32(INFINITY) == 1.0f);
    assert_true(mdg_tanh_f32(-INFINITY) == -1.0f);
    assert_true(mdg_sigmoid_f32(-INFINITY) == 0.0f);
    assert_true(mdg_sigmoid_f32(INFINITY) == 1.0f);
    assert_true(isnan(mdg_cos_f32(INFINITY)));
    assert_true(isnan(mdg_sin_f32(-INFINITY)));
}

static void activations_have_their_limits(void **state) {
    assert_true(mdg_erf_f32(INFINITY) == 1.0f);
    assert_true(mdg_erf_f32(-INFINITY) == -1.0f);
    assert_true(mdg_elliot_f32(INFINITY) == 1.0f);
    assert_true(mdg_elliot_f32(-INFINITY) == -1.0f);
    assert_true(mdg_gelu_f32(INFINITY) == INFINITY);
    assert_true(mdg_silu_f32(INFINITY) == INFINITY);
    assert_zero_with_sign(mdg_gelu_f32(-INFINITY), 1);
    assert_zero_with_sign(mdg_silu_f32(-INFINITY), 1);
}

static void zero_keeps_its_sign_and_nan_stays(void **state) {
    float (*const odd[])(float) = {mdg_log1p_f32, mdg_tanh_f32, mdg_sin_f32,
                                   mdg_erf_f32,   mdg_gelu_f32, mdg_silu_f32,
                                   mdg_elliot_f32};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_zero_with_sign(odd[i](0.0f), 0);
        assert_zero_with_sign(odd[i](-0.0f), 1);
    }
    for (size_t k = 0; k < FUNCTIONS; k++) {
        assert_true(isnan(functions[k].f(NAN)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float_functions_hold_their_bounds),
        cmocka_unit_test(float_functions_have_the_same_bits_everywhere),
        cmocka_unit_test(slope_of_gelu_holds_its_bound),
        cmocka_unit_test(sin_and_cos_are_good_in_their_range),
        cmocka_unit_test(pow_is_rounded_as_from_double),
        cmocka_unit_test(limits_are_those_of_the_c_library),
        cmocka_unit_test(activations_have_their_limits),
        cmocka_unit_test(zero_keeps_its_sign_and_nan_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
