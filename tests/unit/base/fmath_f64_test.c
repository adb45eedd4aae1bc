/* fmath_f64_test.c: the core's double functions against the C library in long
 * double, and the cases of pow that C99's annex F lists. Where long double is
 * no wider than double, the library's own error counts against us.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fmath.h"
#include "base/rng.h"
#include "test_share.h"

#define SAMPLES  400000
#define FNV_BASE 0xcbf29ce484222325u

static const struct {
    const char *name;
    double (*f)(double);
    long double (*oracle)(long double);
    double ulps;
    uint64_t hash;
} functions[] = {
    {"exp", mdg_exp_f64, expl, MDG_EXP_F64_ULPS, 0xf225454d86691eabu},
    {"log", mdg_log_f64, logl, MDG_LOG_F64_ULPS, 0x9362c4b90b00614eu},
    {"log1p", mdg_log1p_f64, log1pl, MDG_LOG1P_F64_ULPS, 0xd8178b8d6b14b1aeu},
    {"tanh", mdg_tanh_f64, tanhl, MDG_TANH_F64_ULPS, 0x7e4abef8b4472d1fu},
    {"sin", mdg_sin_f64, sinl, MDG_SIN_F64_ULPS, 0x2c2739490c1d90fdu},
    {"cos", mdg_cos_f64, cosl, MDG_COS_F64_ULPS, 0x67123ff45159e43au},
    {"erf", mdg_erf_f64, erfl, MDG_ERF_F64_ULPS, 0x0143d8fa86c8b073u},
};
#define FUNCTIONS (sizeof functions / sizeof functions[0])

static double ulps_f64(double got, long double want) {
    if (isnan(want)) {
        return isnan(got) ? 0.0 : INFINITY;
    }
    if (isinf(got) || isinf((double)want)) {
        return got == (double)want ? 0.0 : INFINITY;
    }
    int exponent = 0;
    frexpl(want, &exponent);
    exponent = exponent < -1021 ? -1021 : exponent;
    return (double)(fabsl((long double)got - want) /
                    ldexpl(1.0L, exponent - 53));
}

static uint64_t hash_double(uint64_t hash, double x) {
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return (hash ^ (isnan(x) ? 0x7ff8000000000000u : u)) * 0x100000001b3u;
}

/* All bit patterns, the range where most is happening, the whole range of exp,
 * small numbers of every size, and neighbours of the multiples of pi/2. */
static double sample(mdg_rng *rng, int i) {
    uint64_t u = mdg_rng_next(rng);
    double x = mdg_rng_double(rng) - 0.5;
    switch (i % 5) {
    case 0:
        memcpy(&x, &u, sizeof x);
        return x;
    case 1:
        return x * 8.0;
    case 2:
        return x * 1500.0;
    case 3:
        return ldexp(x, (int)(u % 60) - 50);
    default:
        return (double)(u % 1000000) * 1.57079632679489661923;
    }
}

static void double_functions_hold_their_bounds(void **state) {
    for (size_t k = 0; k < FUNCTIONS; k++) {
        double worst = 0.0;
        uint64_t hash = FNV_BASE;
        mdg_rng rng;
        mdg_rng_seed(&rng, 11);
        for (int i = 0; i < SAMPLES; i++) {
            double x = sample(&rng, i);
            double y = functions[k].f(x);
            if (i % TEST_SHARE == 0) {
                worst = fmax(worst, ulps_f64(y, functions[k].oracle(x)));
            }
            hash = hash_double(hash, y);
        }
        if (!(worst <= functions[k].ulps) || hash != functions[k].hash) {
            fail_msg("%s: %g ulps, hash 0x%016llxu", functions[k].name, worst,
                     (unsigned long long)hash);
        }
    }
}

/* The double nearest to a multiple of pi/2, and the largest. */
static void hard_arguments_of_sin_and_cos(void **state) {
    const double hard[] = {0x1.6ac5b262ca1ffp+849,
                           0x1.fffffffffffffp+1023,
                           0x1.921fb54442d18p+0,
                           0x1.921fb54442d18p+1,
                           0x1.921fb54442d18p-1,
                           0x1.921fb54442d19p-1,
                           0x1p1023,
                           0x1p-1074};
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++) {
        double x = hard[i];
        assert_true(ulps_f64(mdg_sin_f64(x), sinl(x)) <= MDG_SIN_F64_ULPS);
        assert_true(ulps_f64(mdg_cos_f64(x), cosl(x)) <= MDG_COS_F64_ULPS);
        assert_true(mdg_sin_f64(-x) == -mdg_sin_f64(x));
        assert_true(mdg_cos_f64(-x) == mdg_cos_f64(x));
    }
}

/* Bases of every size, near 1 and beside it; powers so that the results fill
 * the doubles, with some over either edge. */
static void pow_holds_its_bound(void **state) {
    double worst = 0.0;
    uint64_t hash = FNV_BASE;
    mdg_rng rng;
    mdg_rng_seed(&rng, 12);
    for (int i = 0; i < SAMPLES; i++) {
        uint64_t u = mdg_rng_next(&rng);
        int exponents[] = {(int)(u % 2098) - 1074, (int)(u % 8) - 4,
                           -(int)(u & 1)};
        double x = ldexp(1.0 + mdg_rng_double(&rng), exponents[i % 3]);
        double l = mdg_log_f64(x);
        double y = (mdg_rng_double(&rng) - 0.5) *
                   ((i & 1) != 0 ? 1500.0 : 20.0) / (l == 0.0 ? 1.0 : l);
        double z = mdg_pow_f64(x, y);
        if (i % TEST_SHARE == 0) {
            worst = fmax(worst, ulps_f64(z, powl(x, y)));
        }
        hash = hash_double(hash, z);
    }
    if (!(worst <= MDG_POW_F64_ULPS) || hash != 0x54036d2368097badu) {
        fail_msg("%g ulps, hash 0x%016llxu", worst, (unsigned long long)hash);
    }
}

/* Whole powers that fit are exact. */
static void pow_of_small_integers_is_exact(void **state) {
    for (int x = -20; x <= 20; x++) {
        double product = 1.0;
        for (int y = 0; y < 12 && fabs(product) < 0x1p53; y++) {
            assert_true(mdg_pow_f64(x, y) == product);
            product *= x;
        }
    }
    assert_true(mdg_pow_f64(2.0, -1074.0) == 0x1p-1074);
    assert_true(mdg_pow_f64(0x1p-1074, 1.0) == 0x1p-1074);
    assert_true(mdg_pow_f64(10.0, 15.0) == 1e15);
}

/* Every pair of these against the C library, zeros with their signs. */
static void pow_has_the_cases_of_annex_f(void **state) {
    const double v[] = {0.0,
                        -0.0,
                        1.0,
                        -1.0,
                        2.0,
                        -2.0,
                        0.5,
                        -0.5,
                        3.0,
                        -3.0,
                        2.5,
                        -2.5,
                        INFINITY,
                        -INFINITY,
                        NAN,
                        0x1p53,
                        -0x1p53,
                        0x1p53 - 1,
                        1.0 - 0x1p-53,
                        0x1p-1074,
                        -0x1p-1074,
                        0x1.fffffffffffffp+1023,
                        -0x1.fffffffffffffp+1023};
    const size_t n = sizeof v / sizeof v[0];
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double want = pow(v[i], v[j]), got = mdg_pow_f64(v[i], v[j]);
            int same = isnan(want) ? isnan(got)
                                   : ulps_f64(got, want) <= 1.0 &&
                                         signbit(got) == signbit(want);
            if (!same) {
                fail_msg("pow(%a, %a) is %a, not %a", v[i], v[j], got, want);
            }
        }
    }
}

static void limits_are_those_of_the_c_library(void **state) {
    const double v[] = {0.0,   -0.0,     1.0,       -1.0,      -2.0,
                        NAN,   INFINITY, -INFINITY, 0x1p-1074, -0x1p-1074,
                        710.0, -746.0,   0x1p-60,   -0x1p-60};
    for (size_t k = 0; k < FUNCTIONS; k++) {
        for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
            double want = (double)functions[k].oracle(v[i]);
            double got = functions[k].f(v[i]);
            int same = isnan(want) ? isnan(got)
                                   : ulps_f64(got, want) <= 1.5 &&
                                         signbit(got) == signbit(want);
            if (!same) {
                fail_msg("%s(%a) is %a, not %a", functions[k].name, v[i], got,
                         want);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(double_functions_hold_their_bounds),
        cmocka_unit_test(hard_arguments_of_sin_and_cos),
        cmocka_unit_test(pow_holds_its_bound),
        cmocka_unit_test(pow_of_small_integers_is_exact),
        cmocka_unit_test(pow_has_the_cases_of_annex_f),
        cmocka_unit_test(limits_are_those_of_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
