/* quantise_vec.c: floats to bytes and back. */
#include "kernels/bytes_vec.h"

#define GROUP (4 * (size_t)VW) /* floats that become one register of bytes */
/* Adding it rounds to the nearest integer, halves to even, and leaves that in
 * the low bits. */
#define LARGE 0x1.8p23f

INLINE vi nearest(vf v, float least, float largest) {
    v = (vf)((vi)v & (v == v));
    v = LARGER(SMALLER(v, SPLAT(largest)), SPLAT(least));
    return (vi)(v + SPLAT(LARGE)) - (vi)SPLAT(LARGE);
}

/* Four registers of integers of -128..127 to one of bytes, in order. */
INLINE vb narrow(const vi *v) {
#if defined(__wasm__)
    v128_t low = wasm_i16x8_narrow_i32x4((v128_t)v[0], (v128_t)v[1]);
    v128_t high = wasm_i16x8_narrow_i32x4((v128_t)v[2], (v128_t)v[3]);
    return (vb)wasm_i8x16_narrow_i16x8(low, high);
#elif defined(__aarch64__)
    int16x8_t low =
        vcombine_s16(vmovn_s32((int32x4_t)v[0]), vmovn_s32((int32x4_t)v[1]));
    int16x8_t high =
        vcombine_s16(vmovn_s32((int32x4_t)v[2]), vmovn_s32((int32x4_t)v[3]));
    return (vb)vcombine_s8(vmovn_s16(low), vmovn_s16(high));
#else
    vx low = X86(packs_epi32)((vx)v[0], (vx)v[1]);
    vx high = X86(packs_epi32)((vx)v[2], (vx)v[3]);
    vx bytes = X86(packs_epi16)(low, high);
    /* Those instructions work on parts of 16 bytes. */
#if VW == 16
    const vi order = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    bytes = _mm512_permutexvar_epi32((vx)order, bytes);
#elif VW == 8
    const vi order = {0, 4, 1, 5, 2, 6, 3, 7};
    bytes = _mm256_permutevar8x32_epi32(bytes, (vx)order);
#endif
    return (vb)bytes;
#endif
}

/* GROUP floats, limited, to integers plus `more`, which must be bytes. */
INLINE vb bytes_of(const float *x, float factor, float least, float largest,
                   int more) {
    vi v[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        v[j] = nearest(LOAD(x + j * VW) * SPLAT(factor), least, largest) + more;
    }
    return narrow(v);
}

void NAME(f32_to_i8)(size_t n, float factor, const float *x, int8_t *out) {
    for (; n >= GROUP; n -= GROUP, x += GROUP, out += GROUP) {
        STORE_BYTES(out, bytes_of(x, factor, -127.0f, 127.0f, 0));
    }
    if (n > 0) {
        float rest[4 * VW] = {0};
        int8_t bytes[4 * VW];
        memcpy(rest, x, n * sizeof *x);
        NAME(f32_to_i8)(GROUP, factor, rest, bytes);
        memcpy(out, bytes, n);
    }
}

/* Integers of [-zero, 255 - zero] become [-128, 127] and then, with the highest
 * bit flipped, [0, 255]. */
void NAME(f32_to_u8)(size_t n, float factor, uint8_t zero, const float *x,
                     uint8_t *out) {
    const float least = -(float)zero, largest = least + 255.0f;
    const vb flip = (vb){0} + (uint8_t)0x80;
    for (; n >= GROUP; n -= GROUP, x += GROUP, out += GROUP) {
        STORE_BYTES(out,
                    bytes_of(x, factor, least, largest, zero - 128) ^ flip);
    }
    if (n > 0) {
        float rest[4 * VW] = {0};
        uint8_t bytes[4 * VW];
        memcpy(rest, x, n * sizeof *x);
        NAME(f32_to_u8)(GROUP, factor, zero, rest, bytes);
        memcpy(out, bytes, n);
    }
}

/* Bytes of floats_of: more than VW where a load widens to 16 bits. */
#if defined(__wasm__) || defined(__aarch64__)
#define PART ((size_t)16)
#else
#define PART ((size_t)VW)
#endif

INLINE void floats_of(const int8_t *x, float factor, float *out) {
#if VW == 16
    vi v = (vi)_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)x));
#elif VW == 8
    vi v = (vi)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)x));
#elif defined(__SSE2__)
    int32_t bytes;
    memcpy(&bytes, x, sizeof bytes);
    vi v = (vi)_mm_cvtepi8_epi32(_mm_cvtsi32_si128(bytes));
#else
#pragma GCC unroll 2
    for (int j = 0; j < 16; j += 8) {
#if defined(__wasm__)
        v128_t wide = wasm_i16x8_load8x8(x + j);
        vi v = (vi)wasm_i32x4_extend_low_i16x8(wide);
        vi w = (vi)wasm_i32x4_extend_high_i16x8(wide);
#else
        int16x8_t wide = vmovl_s8(vld1_s8(x + j));
        vi v = (vi)vmovl_s16(vget_low_s16(wide));
        vi w = (vi)vmovl_high_s16(wide);
#endif
        STORE(out + j, __builtin_convertvector(v, vf) * SPLAT(factor));
        STORE(out + j + 4, __builtin_convertvector(w, vf) * SPLAT(factor));
    }
#endif
#if defined(__SSE2__)
    STORE(out, __builtin_convertvector(v, vf) * SPLAT(factor));
#endif
}

void NAME(i8_to_f32)(size_t n, float factor, const int8_t *x, float *out) {
    for (; n >= PART; n -= PART, x += PART, out += PART) {
        floats_of(x, factor, out);
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)x[i] * factor;
    }
}
