/* int8_steps.h: what one register of bytes of two vectors adds to their dot
 * product or squared distance, on each instruction set.
 *
 * Sums are kept modulo 2^32, so that nothing can be lost on the way to a result
 * that fits. Where no instruction multiplies bytes, they become 16 bits; no
 * step may saturate. VNNI multiplies unsigned by signed bytes: one factor is
 * moved by 128 (its highest bit flipped), and what that adds, 128 times the sum
 * of the other factors, is counted in t and taken back at the end.
 */
#ifndef MDG_KERNELS_INT8_STEPS_H
#define MDG_KERNELS_INT8_STEPS_H

#include "kernels/bytes_vec.h"

/* The result of all steps is the sum of the lanes of s + scale * t. */
typedef struct sums {
    vu s, t;
} sums;

#if defined(__AVX512VNNI__)
#define DOT_I8_SCALE (-128)
#define DOT_U8_SCALE 128
#define L2SQ_SCALE   128
#define FLIP(v)      ((v) ^ (uint8_t)0x80)
#define ONES         ((vb){0} + (uint8_t)1)
/* s + products of the unsigned bytes of u and the signed ones of v, by fours */
#define ADD_PRODUCTS(s, u, v)                                                  \
    ((vu)_mm512_dpbusd_epi32((vx)(s), (vx)(u), (vx)(v)))

/* t depends on b alone: rows against one b share it. */
INLINE sums step_dot_i8(sums p, const int8_t *a, const int8_t *b) {
    vb x = LOAD_BYTES(a), y = LOAD_BYTES(b);
    return (sums){ADD_PRODUCTS(p.s, FLIP(x), y), ADD_PRODUCTS(p.t, ONES, y)};
}

INLINE sums step_dot_u8(sums p, const uint8_t *a, const uint8_t *b) {
    vb x = LOAD_BYTES(a), y = LOAD_BYTES(b);
    return (sums){ADD_PRODUCTS(p.s, y, FLIP(x)), ADD_PRODUCTS(p.t, y, ONES)};
}

INLINE sums add_squares(sums p, vb d) {
    return (sums){ADD_PRODUCTS(p.s, d, FLIP(d)), ADD_PRODUCTS(p.t, d, ONES)};
}

#else
#define DOT_I8_SCALE 0
#define DOT_U8_SCALE 0
#define L2SQ_SCALE   0
#endif

#if defined(__aarch64__)
INLINE sums step_dot_i8(sums p, const int8_t *a, const int8_t *b) {
    int8x16_t x = vld1q_s8(a), y = vld1q_s8(b);
    int32x4_t s = vreinterpretq_s32_u32((uint32x4_t)p.s);
    s = vpadalq_s16(s, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    s = vpadalq_s16(s, vmull_high_s8(x, y));
    return (sums){(vu)s, p.t};
}

INLINE vu add_products(vu s, uint8x16_t x, uint8x16_t y) {
    uint32x4_t t = (uint32x4_t)s;
    t = vpadalq_u16(t, vmull_u8(vget_low_u8(x), vget_low_u8(y)));
    return (vu)vpadalq_u16(t, vmull_high_u8(x, y));
}

INLINE sums step_dot_u8(sums p, const uint8_t *a, const uint8_t *b) {
    return (sums){add_products(p.s, vld1q_u8(a), vld1q_u8(b)), p.t};
}

INLINE sums add_squares(sums p, vb d) {
    return (sums){add_products(p.s, (uint8x16_t)d, (uint8x16_t)d), p.t};
}

#define DISTANCE_I8(a, b) ((vb)vabdq_s8(vld1q_s8(a), vld1q_s8(b)))
#define DISTANCE_U8(a, b) ((vb)vabdq_u8(vld1q_u8(a), vld1q_u8(b)))

#else
#if defined(__wasm_simd128__)
#define MADD(v, w)      ((vu)wasm_i32x4_dot_i16x8((v128_t)(v), (v128_t)(w)))
#define WIDE_I8(p)      ((vh)wasm_i16x8_load8x8(p))
#define BYTES(op, v, w) ((vb)wasm_##op((v128_t)(v), (v128_t)(w)))
#define MAX_I8(v, w)    BYTES(i8x16_max, v, w)
#define MIN_I8(v, w)    BYTES(i8x16_min, v, w)
#define MAX_U8(v, w)    BYTES(u8x16_max, v, w)
#define MIN_U8(v, w)    BYTES(u8x16_min, v, w)
#else
#define MADD(v, w)      ((vu)X86(madd_epi16)((vx)(v), (vx)(w)))
#define WIDE_I8(p)      ((vh)X86(cvtepi8_epi16)(HALF_REGISTER(p)))
#define BYTES(op, v, w) ((vb)X86(op)((vx)(v), (vx)(w)))
#define MAX_I8(v, w)    BYTES(max_epi8, v, w)
#define MIN_I8(v, w)    BYTES(min_epi8, v, w)
#define MAX_U8(v, w)    BYTES(max_epu8, v, w)
#define MIN_U8(v, w)    BYTES(min_epu8, v, w)
#if VW == 16
#define HALF_REGISTER(p) _mm256_loadu_si256((const void *)(p))
#elif VW == 8
#define HALF_REGISTER(p) _mm_loadu_si128((const void *)(p))
#else
#define HALF_REGISTER(p) _mm_loadl_epi64((const void *)(p))
#endif
#endif

#define DISTANCE_I8(a, b)                                                      \
    (MAX_I8(LOAD_BYTES(a), LOAD_BYTES(b)) -                                    \
     MIN_I8(LOAD_BYTES(a), LOAD_BYTES(b)))
#define DISTANCE_U8(a, b)                                                      \
    (MAX_U8(LOAD_BYTES(a), LOAD_BYTES(b)) -                                    \
     MIN_U8(LOAD_BYTES(a), LOAD_BYTES(b)))
/* Bytes as 16 bits: those at even and at odd places. */
#define EVEN(v) ((vh)(v) & 0xff)
#define ODD(v)  ((vh)(v) >> 8)

#if !defined(__AVX512VNNI__)
INLINE sums step_dot_i8(sums p, const int8_t *a, const int8_t *b) {
    p.s += MADD(WIDE_I8(a), WIDE_I8(b));
    p.s += MADD(WIDE_I8(a + VB / 2), WIDE_I8(b + VB / 2));
    return p;
}

INLINE sums step_dot_u8(sums p, const uint8_t *a, const uint8_t *b) {
    vb x = LOAD_BYTES(a), y = LOAD_BYTES(b);
    p.s += MADD(EVEN(x), EVEN(y));
    p.s += MADD(ODD(x), ODD(y));
    return p;
}

INLINE sums add_squares(sums p, vb d) {
    p.s += MADD(EVEN(d), EVEN(d));
    p.s += MADD(ODD(d), ODD(d));
    return p;
}
#endif
#endif

INLINE sums step_l2sq_i8(sums p, const int8_t *a, const int8_t *b) {
    return add_squares(p, DISTANCE_I8(a, b));
}

INLINE sums step_l2sq_u8(sums p, const uint8_t *a, const uint8_t *b) {
    return add_squares(p, DISTANCE_U8(a, b));
}

#endif
