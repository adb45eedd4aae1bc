/* half_bits.h: one number from f32 to binary16 or bfloat16 and back, in integer
 * steps. */
#ifndef MDG_KERNELS_HALF_BITS_H
#define MDG_KERNELS_HALF_BITS_H

#include "base/fmath.h"

/* bits / 2^shift to the nearest, ties to even. */
static inline uint32_t round_shift(uint32_t bits, uint32_t shift) {
    uint32_t odd = bits >> shift & 1;
    return (bits + (1u << (shift - 1)) - 1 + odd) >> shift;
}

static inline uint16_t f16_of_f32(float x) {
    uint32_t bits = mdg_bits_of_f32(x);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) { /* NaN */
        return (uint16_t)(sign | 0x7e00u | (size >> 13 & 0x1ffu));
    }
    if (size >= 0x47800000u) { /* 2^16 */
        return (uint16_t)(sign | 0x7c00u);
    }
    if (size >= 0x38800000u) { /* 2^-14: the exponent loses 112 */
        return (uint16_t)(sign | round_shift(size - 0x38000000u, 13));
    }
    if (size < 0x33000000u) { /* less than half of the least denormal */
        return (uint16_t)sign;
    }
    uint32_t exponent = size >> 23; /* 102 .. 112 */
    uint32_t mantissa = (size & 0x7fffffu) | 0x800000u;
    return (uint16_t)(sign | round_shift(mantissa, 126 - exponent));
}

static inline float f32_of_f16(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t size = (uint32_t)(h & 0x7fffu) << 13;
    if (size > 0x0f800000u) { /* NaN */
        return mdg_f32_of_bits(sign | 0x7fc00000u | size);
    }
    if (size == 0x0f800000u) {
        return mdg_f32_of_bits(sign | 0x7f800000u);
    }
    if (size < 0x00800000u) { /* denormal: a multiple of 2^-24 */
        float x = (float)(h & 0x7fffu) * 0x1p-24f;
        return mdg_f32_of_bits(sign | mdg_bits_of_f32(x));
    }
    return mdg_f32_of_bits(sign | (size + 0x38000000u));
}

static inline uint16_t bf16_of_f32(float x) {
    uint32_t bits = mdg_bits_of_f32(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return (uint16_t)(bits >> 16 | 0x40u);
    }
    return (uint16_t)round_shift(bits, 16);
}

static inline float f32_of_bf16(uint16_t h) {
    return mdg_f32_of_bits((uint32_t)h << 16);
}

#endif
