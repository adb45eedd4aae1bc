/* fmath_trig.c: sine and cosine in float. Arguments up to 12000 are reduced by
 * pi/2 in four parts (Cody and Waite 1980), so that the first products are
 * exact; larger ones by the bits of 2/pi. */
#include "base/fmath.h"
#include "base/fmath_bits.h"

#define SPLIT_MAX 12000.0f /* above: 2/pi to 192 bits */

/* x = rest + quadrant pi/2 modulo 2 pi, |rest| <= pi/4 */
typedef struct {
    float rest;
    uint32_t quadrant;
} reduced;

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
static reduced reduce_large(uint32_t u) {
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
    reduced r = {(float)((double)rest * 0x1.921fb54442d18p-62), (uint32_t)q};
    return r;
}

/* For finite a >= 0. */
static reduced reduce(float a) {
    if (a > SPLIT_MAX) {
        return reduce_large(mdg_bits_of_f32(a));
    }
    float t = a * 0.636619772f + MDG_ROUND_F32;
    float nf = t - MDG_ROUND_F32;
    float r = a - nf * 0x1.92p+0f;
    r = r - nf * 0x1.fb4p-12f;
    r = r - nf * 0x1.444p-24f;
    r = r - nf * 0x1.68c234p-39f;
    reduced result = {r, mdg_bits_of_f32(t)};
    return result;
}

float mdg_cos_f32(float x) {
    float a = mdg_abs_f32(x);
    if (!(a < __builtin_inff())) {
        return x - x;
    }
    reduced r = reduce(a);
    return cos_quadrant(r.rest, r.quadrant);
}

/* cos(a - pi/2), with the sign of x */
float mdg_sin_f32(float x) {
    float a = mdg_abs_f32(x);
    if (!(a < __builtin_inff())) {
        return x - x;
    }
    reduced r = reduce(a);
    float y = cos_quadrant(r.rest, r.quadrant - 1u);
    return mdg_f32_of_bits(mdg_bits_of_f32(y) ^
                           (mdg_bits_of_f32(x) & 0x80000000u));
}
