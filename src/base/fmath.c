/* fmath.c: exp, log, tanh, sigmoid and cos from polynomials, no libm.
 *
 * Invariants:
 * 1. Every float function is a fixed sequence of single IEEE operations, so all
 *    targets agree to the bit; src/kernels/math_f32_vec.c repeats the sequence
 *    lane by lane. Change both together: the kernels test compares them.
 * 2. Rounding to an integer is done by adding 1.5 * 2^23 (2^52 in double): the
 *    low bits of the sum are then the integer itself.
 * 3. A constant split into parts has as many zero bits at the end as the
 * integer it is multiplied with has bits, so that the first products are exact
 *    (Cody and Waite 1980).
 */
#include "base/fmath.h"

#include <stdint.h>

#include "base/fmath_bits.h"

#define EXP_MAX_F32   89.0f          /* above: infinity */
#define EXP_MIN_F32   (-104.0f)      /* below: 0 */
#define SILU_LAST     110.0f         /* further left the result is 0 */
#define ELLIOT_LAST   3.40282347e38f /* the largest: infinity has a limit */
#define COS_SPLIT_MAX 12000.0f       /* above: 2/pi to 192 bits */

float mdg_exp_f32(float x) {
    x = x > EXP_MAX_F32 ? EXP_MAX_F32 : x;
    x = x < EXP_MIN_F32 ? EXP_MIN_F32 : x;
    mdg_exp_parts e = mdg_exp_split_f32(x, 0.0f);
    return e.p * e.scale * e.rest;
}

float mdg_log_f32(float x) {
    return (float)mdg_log_f64((double)x);
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

/* cos(r + q pi/2) for |r| <= pi/4 */
static float cos_quadrant(float r, uint32_t q) {
    float z = r * r;
    float c = 2.443315711809948e-5f;
    c = c * z - 1.388731625493765e-3f;
    c = c * z + 4.166664568298827e-2f;
    c = (c * z) * z + (1.0f - 0.5f * z);
    float s = -1.9515295891e-4f;
    s = s * z + 8.3321608736e-3f;
    s = s * z - 1.6666654611e-1f;
    s = (s * z) * r + r;
    float y = (q & 1u) != 0 ? s : c;
    return mdg_f32_of_bits(mdg_bits_of_f32(y) ^ (((q + 1u) & 2u) << 30));
}

/* Payne and Hanek: x = m 2^e with an integer m, so only a window of the bits
 * of 2/pi decides x 2/pi modulo 4; the rest are multiples of 4 or too small. */
static float cos_large(uint32_t u) {
    static const uint32_t two_over_pi[8] = {
        0u,          0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
        0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};
    uint64_t m = (u & 0x7fffffu) | 0x800000u;
    /* First bit of the window; bit 32 has weight 1/2, bit 32 - e' would have
     * weight 2 after the product with 2^e, where e = exponent - 150. */
    unsigned first = 30u + (u >> 23) - 150u;
    const uint32_t *w = two_over_pi + first / 32;
    unsigned shift = first % 32;
    uint64_t high = ((uint64_t)w[0] << 32) | w[1];
    uint64_t low = ((uint64_t)w[2] << 32) | w[3];
    if (shift != 0) {
        high = (high << shift) | (low >> (64 - shift));
        low <<= shift;
    }
    uint64_t turns = m * high + ((m * (low >> 32)) >> 32);
    uint64_t q = (turns + ((uint64_t)1 << 61)) >> 62;
    int64_t rest = (int64_t)(turns - (q << 62));
    float r = (float)((double)rest * 0x1.921fb54442d18p-62);
    return cos_quadrant(r, (uint32_t)q);
}

float mdg_cos_f32(float x) {
    uint32_t u = mdg_bits_of_f32(x) & 0x7fffffffu;
    if (u >= 0x7f800000u) {
        return x - x;
    }
    float a = mdg_f32_of_bits(u);
    if (a > COS_SPLIT_MAX) {
        return cos_large(u);
    }
    float t = a * 0.636619772f + MDG_ROUND_F32;
    float nf = t - MDG_ROUND_F32;
    float r = a - nf * 0x1.92p+0f; /* pi/2 in four parts */
    r = r - nf * 0x1.fb4p-12f;
    r = r - nf * 0x1.444p-24f;
    r = r - nf * 0x1.68c234p-39f;
    return cos_quadrant(r, mdg_bits_of_f32(t));
}

/* The Taylor series to r^13: the next term is below 2^-57 for |r| < 0.347. */
double mdg_exp_f64(double x) {
    static const double inverse_factorial[12] = {
        1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0,
        1.0 / 3628800.0,    1.0 / 362880.0,    1.0 / 40320.0,
        1.0 / 5040.0,       1.0 / 720.0,       1.0 / 120.0,
        1.0 / 24.0,         1.0 / 6.0,         0.5};
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    double t = x * 1.4426950408889634 + MDG_ROUND_F64;
    double nf = t - MDG_ROUND_F64;
    uint64_t n = mdg_bits_of_f64(t) - mdg_bits_of_f64(MDG_ROUND_F64);
    double r = x - nf * 6.93147180369123816490e-01;
    r = r - nf * 1.90821492927058770002e-10;
    double p = 0.0;
    for (int i = 0; i < 12; i++) {
        p = p * r + inverse_factorial[i];
    }
    p = (p * (r * r) + r) + 1.0;
    uint64_t half = (uint64_t)((int64_t)n >> 1);
    double y = p * mdg_f64_of_bits((half + 1023u) << 52);
    return y * mdg_f64_of_bits((n - half + 1023u) << 52);
}

/* x = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); with s = f / (2 + f),
 * log(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + 2s^2/3 + 2s^4/5 + ...). */
double mdg_log_f64(double x) {
    uint64_t u = mdg_bits_of_f64(x);
    if (!(x > 0.0)) {
        return x == 0.0 ? -__builtin_inf() : (x - x) / (x - x);
    }
    if (u >= 0x7ff0000000000000u) {
        return x;
    }
    double n = 0.0;
    if (u < 0x0010000000000000u) { /* denormal */
        u = mdg_bits_of_f64(x * 18014398509481984.0);
        n = -54.0;
    }
    /* Move the exponent's boundary from 1 to sqrt(1/2). */
    u += 0x3ff0000000000000u - 0x3fe6a09e667f3bcdu;
    n += (double)((int)(u >> 52) - 1023);
    u = (u & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu;
    double f = mdg_f64_of_bits(u) - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double series = 0.0;
    for (int i = 25; i >= 3; i -= 2) {
        series = series * z + 2.0 / (double)i;
    }
    series = series * z;
    double half_square = 0.5 * f * f;
    double low = s * (half_square + series) + n * 1.90821492927058770002e-10;
    return n * 6.93147180369123816490e-01 - ((half_square - low) - f);
}
