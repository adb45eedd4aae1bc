/* fmath_bits.h: what the files fmath*.c share: signs, and e^x before its power
 * of two is applied. For these files alone. */
#ifndef MDG_FMATH_BITS_H
#define MDG_FMATH_BITS_H

#include "base/fmath.h"

#define MDG_ROUND_F32 12582912.0f        /* 1.5 * 2^23 */
#define MDG_ROUND_F64 6755399441055744.0 /* 1.5 * 2^52 */

static inline float mdg_abs_f32(float x) {
    return mdg_f32_of_bits(mdg_bits_of_f32(x) & 0x7fffffffu);
}

static inline float mdg_with_sign_f32(float x, float sign_of) {
    return mdg_f32_of_bits(mdg_bits_of_f32(x) |
                           (mdg_bits_of_f32(sign_of) & 0x80000000u));
}

static inline double mdg_abs_f64(double x) {
    return mdg_f64_of_bits(mdg_bits_of_f64(x) & 0x7fffffffffffffffu);
}

static inline double mdg_with_sign_f64(double x, double sign_of) {
    return mdg_f64_of_bits(mdg_bits_of_f64(x) |
                           (mdg_bits_of_f64(sign_of) & 0x8000000000000000u));
}

/* e^(x + low) for a low below half an ulp of x. */
double mdg_exp_sum_f64(double x, double low);

/* e^x = p * scale * rest, both powers of two: one factor alone could not reach
 * 2^-150. What else is multiplied in goes before rest, so that a denormal
 * result is rounded once. */
typedef struct mdg_exp_parts {
    float p, scale, rest;
} mdg_exp_parts;

/* e^(x + low) for -160 < x < 90 and a low below half an ulp of x; NaN gives p
 * NaN. */
static inline mdg_exp_parts mdg_exp_split_f32(float x, float low) {
    float t = x * 1.44269504f + MDG_ROUND_F32;
    float nf = t - MDG_ROUND_F32;
    uint32_t n = mdg_bits_of_f32(t) - mdg_bits_of_f32(MDG_ROUND_F32);
    float r = x - nf * 0.693359375f; /* 10 bits of log 2 */
    r = r - nf * -2.12194440e-4f;
    r = r + low;
    /* (e^r - 1 - r) / r^2, interpolated at Chebyshev nodes on |r| < 0.347 */
    float p = 1.3926268e-3f;
    p = p * r + 8.3632466e-3f;
    p = p * r + 4.1666554e-2f;
    p = p * r + 1.6666577e-1f;
    p = p * r + 0.5f;
    p = (p * (r * r) + r) + 1.0f;
    uint32_t half = (uint32_t)((int32_t)n >> 1);
    mdg_exp_parts e = {p, mdg_f32_of_bits((half + 127u) << 23),
                       mdg_f32_of_bits((n - half + 127u) << 23)};
    return e;
}

#endif
