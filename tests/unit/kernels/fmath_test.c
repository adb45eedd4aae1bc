/* fmath_test.c: the core's float functions against the C library in double,
 * measured in units in the last place of the correctly rounded result. The
 * bounds are those that fmath.h states. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fmath.h"

/* Steps through all floats, both signs, every exponent; a prime. */
#define STRIDE 2003u

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

static double worst_f32(float (*f)(float), double (*oracle)(double)) {
    double worst = 0.0;
    for (uint64_t i = 0; i < ((uint64_t)1 << 32); i += STRIDE) {
        uint32_t u = (uint32_t)i;
        float x;
        memcpy(&x, &u, sizeof x);
        if (isinf(x)) { /* a test of its own: some oracles have no limit */
            continue;
        }
        double error = ulps_f32(f(x), oracle((double)x));
        worst = error > worst ? error : worst;
    }
    return worst;
}

static void float_functions_hold_their_bounds(void **state) {
    assert_true(worst_f32(mdg_exp_f32, exp) < MDG_EXP_F32_ULPS);
    assert_true(worst_f32(mdg_log_f32, log) < MDG_LOG_F32_ULPS);
    assert_true(worst_f32(mdg_tanh_f32, tanh) < MDG_TANH_F32_ULPS);
    assert_true(worst_f32(mdg_sigmoid_f32, sigmoid) < MDG_SIGMOID_F32_ULPS);
    assert_true(worst_f32(mdg_cos_f32, cos) < MDG_COS_F32_ULPS);
    assert_true(worst_f32(mdg_erf_f32, erf) < MDG_ERF_F32_ULPS);
    assert_true(worst_f32(mdg_gelu_f32, gelu) < MDG_GELU_F32_ULPS);
    assert_true(worst_f32(mdg_silu_f32, silu) < MDG_SILU_F32_ULPS);
    assert_true(worst_f32(mdg_elliot_f32, elliot) < MDG_ELLIOT_F32_ULPS);
}

static void slope_of_gelu_holds_its_bound(void **state) {
    double worst = 0.0;
    for (int i = -1600000; i < 1600000; i++) {
        float x = (float)i * 1e-5f;
        double error = fabs((double)mdg_gelu_slope_f32(x) - gelu_slope(x));
        worst = error > worst ? error : worst;
    }
    assert_true(worst < MDG_GELU_SLOPE_F32_ERROR);
    assert_true(isnan(mdg_gelu_slope_f32(NAN)));
    assert_true(mdg_gelu_slope_f32(INFINITY) == 1.0f);
    assert_true(mdg_gelu_slope_f32(-INFINITY) == 0.0f);
}

static void assert_zero_with_sign(float x, int negative) {
    assert_true(x == 0.0f);
    assert_int_equal(signbit(x) != 0, negative);
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
    float (*const odd_at_zero[])(float) = {mdg_erf_f32, mdg_gelu_f32,
                                           mdg_silu_f32, mdg_elliot_f32};
    for (size_t i = 0; i < 4; i++) {
        assert_zero_with_sign(odd_at_zero[i](0.0f), 0);
        assert_zero_with_sign(odd_at_zero[i](-0.0f), 1);
        assert_true(isnan(odd_at_zero[i](NAN)));
    }
}

/* Where cosine is used, and near its zeros, more densely. */
static void cos_is_good_in_its_range(void **state) {
    double worst = 0.0;
    for (int i = -1300000; i < 1300000; i++) {
        float x = (float)i * 0.01f;
        double error = ulps_f32(mdg_cos_f32(x), cos((double)x));
        worst = error > worst ? error : worst;
    }
    for (int i = 0; i < 4000; i++) {
        float x = (float)((i + 0.5) * 3.14159265358979323846);
        double error = ulps_f32(mdg_cos_f32(x), cos((double)x));
        worst = error > worst ? error : worst;
    }
    assert_true(worst < MDG_COS_F32_ULPS);
}

static double ulps_f64(double got, long double want) {
    int exponent = 0;
    frexpl(want, &exponent);
    exponent = exponent < -1021 ? -1021 : exponent;
    return (double)(fabsl((long double)got - want) /
                    ldexpl(1.0L, exponent - 53));
}

static void double_functions_hold_their_bounds(void **state) {
    double worst_exp = 0.0, worst_log = 0.0;
    for (int i = -7450000; i < 7097000; i += 3) {
        double x = (double)i * 1e-4;
        double error = ulps_f64(mdg_exp_f64(x), expl((long double)x));
        worst_exp = error > worst_exp ? error : worst_exp;
    }
    for (int i = 1; i < 1000000; i++) {
        double x = (double)i * 3e-6;
        double error = ulps_f64(mdg_log_f64(x), logl((long double)x));
        worst_log = error > worst_log ? error : worst_log;
        x = ldexp(1.0 + x, i % 2000 - 1000);
        error = ulps_f64(mdg_log_f64(x), logl((long double)x));
        worst_log = error > worst_log ? error : worst_log;
    }
    assert_true(worst_exp < MDG_EXP_F64_ULPS);
    assert_true(worst_log < MDG_LOG_F64_ULPS);
}

static void limits_are_those_of_the_c_library(void **state) {
    assert_true(mdg_exp_f64(INFINITY) == INFINITY);
    assert_true(mdg_exp_f64(-INFINITY) == 0.0);
    assert_true(isnan(mdg_exp_f64(NAN)));
    assert_true(mdg_exp_f64(0.0) == 1.0);
    assert_true(mdg_log_f64(0.0) == -INFINITY);
    assert_true(mdg_log_f64(INFINITY) == INFINITY);
    assert_true(isnan(mdg_log_f64(-1.0)));
    assert_true(isnan(mdg_log_f64(NAN)));
    assert_true(mdg_log_f64(1.0) == 0.0);
    assert_true(ulps_f64(mdg_log_f64(0x1p-1074), logl(0x1p-1074L)) < 1.0);
    assert_true(mdg_exp_f32(INFINITY) == INFINITY);
    assert_true(mdg_exp_f32(-INFINITY) == 0.0f);
    assert_true(mdg_exp_f32(0.0f) == 1.0f);
    assert_true(mdg_tanh_f32(INFINITY) == 1.0f);
    assert_true(mdg_tanh_f32(-INFINITY) == -1.0f);
    assert_true(signbit(mdg_tanh_f32(-0.0f)));
    assert_true(mdg_sigmoid_f32(-INFINITY) == 0.0f);
    assert_true(mdg_sigmoid_f32(INFINITY) == 1.0f);
    assert_true(isnan(mdg_cos_f32(INFINITY)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float_functions_hold_their_bounds),
        cmocka_unit_test(slope_of_gelu_holds_its_bound),
        cmocka_unit_test(activations_have_their_limits),
        cmocka_unit_test(cos_is_good_in_its_range),
        cmocka_unit_test(double_functions_hold_their_bounds),
        cmocka_unit_test(limits_are_those_of_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
