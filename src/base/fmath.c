/* fmath.c: exp, log, tanh, sigmoid, silu and elliot in float, no libm. Of the
 * others of fmath.h, fmath_erf.c has erf and gelu, fmath_trig.c sine and
 * cosine, fmath_f64.c and fmath_trig_f64.c the doubles, fmath_pow.c powers.
 *
 * Invariants of them all:
 * 1. Every function is a fixed sequence of single IEEE operations, so all
 *    targets agree to the bit; src/kernels/activation_f32_vec.c repeats that of
 *    many float functions lane by lane. Change both together: the kernels test
 *    compares them.
 * 2. Rounding to an integer is done by adding 1.5 * 2^23 (2^52 in double): the
 *    low bits of the sum are then the integer itself.
 * 3. A constant split into parts has as many zero bits at the end as the
 * integer it is multiplied with has bits, so that the first products are exact
 *    (Cody and Waite 1980).
 */
#include "base/fmath.h"

#include <stdint.h>

#include "base/fmath_bits.h"

#define EXP_MAX_F32 89.0f          /* above: infinity */
#define EXP_MIN_F32 (-104.0f)      /* below: 0 */
#define SILU_LAST   110.0f         /* further left the result is 0 */
#define ELLIOT_LAST 3.40282347e38f /* the largest: infinity has a limit */

float mdg_exp_f32(float x) {
    x = x > EXP_MAX_F32 ? EXP_MAX_F32 : x;
    x = x < EXP_MIN_F32 ? EXP_MIN_F32 : x;
    mdg_exp_parts e = mdg_exp_split_f32(x, 0.0f);
    return e.p * e.scale * e.rest;
}

float mdg_log_f32(float x) {
    return (float)mdg_log_f64((double)x);
}

/* log(1 + x) = log(u) + c / u, where u + c = 1 + x exactly (Knuth's sum of two,
 * which asks not which is larger). u = 2^n (1 + f), 1 + f in [sqrt(1/2),
 * sqrt(2)). Straight lines: the limits are selected at the end. */
float mdg_log1p_f32(float x) {
    float u = 1.0f + x;
    float back = u - 1.0f;
    float c = (1.0f - (u - back)) + (x - back);
    uint32_t bits = mdg_bits_of_f32(u) + (0x3f800000u - 0x3f3504f3u);
    float n = (float)((int32_t)(bits >> 23) - 127);
    float f = mdg_f32_of_bits((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    float z = f * f;
    /* (log(1 + f) - f + f^2/2) / f^3, Remez with relative weight, 7.5e-10 */
    float p = 6.746625544e-2f;
    p = p * f - 1.167563159e-1f;
    p = p * f + 1.188815317e-1f;
    p = p * f - 1.240558984e-1f;
    p = p * f + 1.421955402e-1f;
    p = p * f - 1.666799605e-1f;
    p = p * f + 2.000211859e-1f;
    p = p * f - 2.500000959e-1f;
    p = p * f + 3.333331260e-1f;
    float y = (p * z) * f + (n * -2.12194440e-4f + c / u);
    y = (y - 0.5f * z) + f;
    y = y + n * 0.693359375f;
    y = u > 0.0f ? y : -__builtin_inff();
    y = u < __builtin_inff() ? y : u; /* NaN too */
    y = x < -1.0f ? __builtin_nanf("") : y;
    return x == 0.0f ? x : y; /* the sign of zero */
}

/* A polynomial near 0, where 1 - 2 / (e^2x + 1) would cancel. Both sides are
 * computed and one is selected, as the lanes of a vector do. */
float mdg_tanh_f32(float x) {
    float a = mdg_f32_of_bits(mdg_bits_of_f32(x) & 0x7fffffffu);
    float z = a * a;
    float p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    p = (p * z) * a + a;
    float q = 1.0f - 2.0f / (mdg_exp_f32(a + a) + 1.0f);
    float y = a < 0.625f ? p : q;
    return mdg_f32_of_bits(mdg_bits_of_f32(y) |
                           (mdg_bits_of_f32(x) & 0x80000000u));
}

/* With e^-|x| both tails keep their relative precision. */
float mdg_sigmoid_f32(float x) {
    float e = mdg_exp_f32(mdg_f32_of_bits(mdg_bits_of_f32(x) | 0x80000000u));
    float top = x < 0.0f ? e : 1.0f;
    return top / (1.0f + e);
}

/* x e^-|x| / (1 + e^-|x|) on the left, the power of two last; both sides meet
 * in one division. */
float mdg_silu_f32(float x) {
    float a = mdg_abs_f32(x);
    a = a > SILU_LAST ? SILU_LAST : a;
    mdg_exp_parts e = mdg_exp_split_f32(-a, 0.0f);
    float top = x < 0.0f ? e.p * -a : x;
    float y = top / (1.0f + e.p * e.scale * e.rest);
    y = y * (x < 0.0f ? e.scale : 1.0f);
    return y * (x < 0.0f ? e.rest : 1.0f);
}

float mdg_elliot_f32(float x) {
    float a = mdg_abs_f32(x);
    a = a > ELLIOT_LAST ? ELLIOT_LAST : a;
    return mdg_with_sign_f32(a / (1.0f + a), x);
}
