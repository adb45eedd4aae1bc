/* fmath_f64.c: exp, log, log1p, tanh and erf in double. The invariants stand in
 * fmath.c. */
#include "base/fmath.h"
#include "base/fmath_bits.h"

#define LN2_HIGH  6.93147180369123816490e-01 /* 32 bits */
#define LN2_LOW   1.90821492927058770002e-10
#define SQRT_HALF 0x3fe6a09e667f3bcdu
#define ONE       0x3ff0000000000000u
#define SMALLEST  0x0010000000000000u /* that is not denormal */
#define TANH_LAST 20.0                /* further out the result is 1 */
#define ERF_LAST  6.0
#define ERF_NEAR  0.85 /* below: a polynomial of its own */

/* e^x - 1 = 2^n q + (2^n - 1), with n and e^r - 1 = q of the reduced r. */
typedef struct {
    double q;
    uint64_t n;
} reduced_exp;

/* The Taylor series to r^13: the next term is below 2^-57 for |r| < 0.347. */
static reduced_exp reduce_exp(double x, double low) {
    static const double inverse_factorial[12] = {
        1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0,
        1.0 / 3628800.0,    1.0 / 362880.0,    1.0 / 40320.0,
        1.0 / 5040.0,       1.0 / 720.0,       1.0 / 120.0,
        1.0 / 24.0,         1.0 / 6.0,         0.5};
    double t = x * 1.4426950408889634 + MDG_ROUND_F64;
    double nf = t - MDG_ROUND_F64;
    double r = x - nf * LN2_HIGH;
    r = r - nf * LN2_LOW;
    r = r + low;
    double p = 0.0;
    for (int i = 0; i < 12; i++) {
        p = p * r + inverse_factorial[i];
    }
    reduced_exp e = {p * (r * r) + r,
                     mdg_bits_of_f64(t) - mdg_bits_of_f64(MDG_ROUND_F64)};
    return e;
}

double mdg_exp_sum_f64(double x, double low) {
    low = x > 710.0 || x < -746.0 ? 0.0 : low;
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    reduced_exp e = reduce_exp(x, low);
    uint64_t half = (uint64_t)((int64_t)e.n >> 1);
    double y = (e.q + 1.0) * mdg_f64_of_bits((half + 1023u) << 52);
    return y * mdg_f64_of_bits((e.n - half + 1023u) << 52);
}

double mdg_exp_f64(double x) {
    return mdg_exp_sum_f64(x, 0.0);
}

/* log(2^n x) + low for a normal x > 0. x = 2^k (1 + f), 1 + f in [sqrt(1/2),
 * sqrt(2)); with s = f / (2 + f), log(1 + f) = 2 atanh(s)
 * = f - f^2/2 + s (f^2/2 + 2s^2/3 + 2s^4/5 + ...). */
static double log_normal(double x, double n, double low) {
    static const double two_over_odd[12] = {
        2.0 / 25.0, 2.0 / 23.0, 2.0 / 21.0, 2.0 / 19.0, 2.0 / 17.0, 2.0 / 15.0,
        2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0,  2.0 / 7.0,  2.0 / 5.0,  2.0 / 3.0};
    /* Move the exponent's boundary from 1 to sqrt(1/2). */
    uint64_t u = mdg_bits_of_f64(x) + (ONE - SQRT_HALF);
    n += (double)((int)(u >> 52) - 1023);
    u = (u & (SMALLEST - 1)) + SQRT_HALF;
    double f = mdg_f64_of_bits(u) - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double series = 0.0;
    for (int i = 0; i < 12; i++) {
        series = series * z + two_over_odd[i];
    }
    series = series * z;
    double half_square = 0.5 * f * f;
    double rest = s * (half_square + series) + (n * LN2_LOW + low);
    return n * LN2_HIGH - ((half_square - rest) - f);
}

double mdg_log_f64(double x) {
    if (!(x > 0.0)) {
        return x == 0.0 ? -__builtin_inf() : (x - x) / (x - x);
    }
    if (!(x < __builtin_inf())) {
        return x;
    }
    if (mdg_bits_of_f64(x) < SMALLEST) {
        return log_normal(x * 18014398509481984.0, -54.0, 0.0);
    }
    return log_normal(x, 0.0, 0.0);
}

/* log(u) + c / u, where u + c = 1 + x exactly (Knuth's sum of two). */
double mdg_log1p_f64(double x) {
    if (!(x > -1.0)) {
        return x == -1.0 ? -__builtin_inf() : (x - x) / (x - x);
    }
    if (x == 0.0 || !(x < __builtin_inf())) {
        return x;
    }
    double u = 1.0 + x;
    double back = u - 1.0;
    double c = (1.0 - (u - back)) + (x - back);
    return log_normal(u, 0.0, c / u);
}

/* With e = e^2a - 1, tanh a = e / (e + 2), which does not cancel near 0. */
double mdg_tanh_f64(double x) {
    double a = mdg_abs_f64(x);
    a = a > TANH_LAST ? TANH_LAST : a;
    reduced_exp r = reduce_exp(a + a, 0.0);
    double power = mdg_f64_of_bits((r.n + 1023u) << 52);
    double e = r.q * power + (power - 1.0);
    return mdg_with_sign_f64(e / (e + 2.0), x);
}

/* e^(a^2) erfc(a) for 0.84 < a < 6: (a + 3) times it, as a polynomial of
 * (a - 3) / (a + 3); Remez with relative weight, 2.9e-18. */
static double erfc_over_exp(double a) {
    static const double c[17] = {
        9.2121167369459704e-9,     1.14890730327094578e-6,
        2.64708668040583829e-6,    -4.83531870002406282e-6,
        -0.0000174636520462809137, 0.0000304139888419852087,
        0.000107562566872952679,   -0.000276779293948729874,
        -0.000548309865364360862,  0.00303406207406482768,
        -0.00121241661796472575,   -0.0268272346264953696,
        0.119527761287085006,      -0.310467261900540075,
        0.590228357104103407,      -0.883394453169883749,
        1.0740069070883397};
    double d = 1.0 / (a + 3.0);
    double u = (a - 3.0) * d;
    double q = c[0];
    for (int i = 1; i < 17; i++) {
        q = q * u + c[i];
    }
    return q * d;
}

double mdg_erf_f64(double x) {
    /* (erf a - a) / a in a^2, Remez with relative weight, 1.6e-19 */
    static const double near_zero[12] = {
        -8.82408442107198538e-10, 1.41844046616810423e-8,
        -1.62996130063007061e-7,  1.64575914123256863e-6,
        -0.000014925444998692735, 0.000120553267362099494,
        -0.000854832689804718313, 0.00522397762384220036,
        -0.0268661706450105488,   0.112837916709546543,
        -0.376126389031837452,    0.128379167095512574};
    double a = mdg_abs_f64(x);
    if (a < ERF_NEAR) {
        double z = a * a;
        double p = 0.0;
        for (int i = 0; i < 12; i++) {
            p = p * z + near_zero[i];
        }
        return mdg_with_sign_f64(p * a + a, x);
    }
    a = a > ERF_LAST ? ERF_LAST : a;
    double y = 1.0 - erfc_over_exp(a) * mdg_exp_f64(-a * a);
    return mdg_with_sign_f64(y, x);
}
