/* quantise_vec.c: floats to bytes and back. */
#include "kernels/bytes_vec.h"

#define GROUP (4 * (size_t)VW) /* floats that become one register of bytes */
/* Adding it rounds to the nearest integer, halves to even, and leaves that in
 * the low bits. */
#define LARGE 0x1.8p23f

/* Of numbers that are none of them NaN. */
#if defined(__wasm__)
#define MIN(a, b) ((vf)wasm_f32x4_pmin((v128_t)(a), (v128_t)(b)))
#define MAX(a, b) ((vf)wasm_f32x4_pmax((v128_t)(a), (v128_t)(b)))
#elif defined(__aarch64__)
#define MIN(a, b) ((vf)vminq_f32((float32x4_t)(a), (float32x4_t)(b)))
#define MAX(a, b) ((vf)vmaxq_f32((float32x4_t)(a), (float32x4_t)(b)))
#else
#define MIN(a, b) ((vf)X86(min_ps)((vx_float)(a), (vx_float)(b)))
#define MAX(a, b) ((vf)X86(max_ps)((vx_float)(a), (vx_float)(b)))
#if VW == 16
typedef __m512 vx_float;
#elif VW == 8
typedef __m256 vx_float;
#else
typedef __m128 vx_float;
#endif
#endif

INLINE vi nearest(vf v) {
    v = (vf)((vi)v & (v == v));
    v = MAX(MIN(v, SPLAT(127.0f)), SPLAT(-127.0f));
    return (vi)(v + SPLAT(LARGE)) - (vi)SPLAT(LARGE);
}

/* Four registers of integers of -127..127 to one of bytes, in order. */
INLINE vb narrow(const vi *v) {
#if VW == 16
    __m128i part[4];
    for (int j = 0; j < 4; j++) {
        part[j] = _mm512_cvtepi32_epi8((__m512i)v[j]);
    }
    vb out;
    memcpy(&out, part, sizeof out);
    return out;
#elif VW == 8
    __m256i low = _mm256_packs_epi32((__m256i)v[0], (__m256i)v[1]);
    __m256i high = _mm256_packs_epi32((__m256i)v[2], (__m256i)v[3]);
    __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i bytes = _mm256_packs_epi16(low, high);
    return (vb)_mm256_permutevar8x32_epi32(bytes, order);
#elif defined(__wasm__)
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
    __m128i low = _mm_packs_epi32((__m128i)v[0], (__m128i)v[1]);
    __m128i high = _mm_packs_epi32((__m128i)v[2], (__m128i)v[3]);
    return (vb)_mm_packs_epi16(low, high);
#endif
}

INLINE vb bytes_of(const float *x, float factor) {
    vi v[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        v[j] = nearest(LOAD(x + j * VW) * SPLAT(factor));
    }
    return narrow(v);
}

void NAME(f32_to_i8)(size_t n, float factor, const float *x, int8_t *out) {
    for (; n >= GROUP; n -= GROUP, x += GROUP, out += GROUP) {
        STORE_BYTES(out, bytes_of(x, factor));
    }
    if (n > 0) {
        float rest[4 * VW] = {0};
        memcpy(rest, x, n * sizeof *x);
        vb bytes = bytes_of(rest, factor);
        memcpy(out, &bytes, n);
    }
}

/* VW bytes at x as floats. */
INLINE vf floats_at(const int8_t *x) {
#if VW == 16
    __m128i bytes = _mm_loadu_si128((const void *)x);
    return (vf)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
#elif VW == 8
    __m128i bytes = _mm_loadl_epi64((const void *)x);
    return (vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
#elif defined(__SSE2__)
    int32_t bytes;
    memcpy(&bytes, x, sizeof bytes);
    return (vf)_mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(bytes)));
#else
    typedef int8_t part __attribute__((vector_size(4)));
    part bytes;
    memcpy(&bytes, x, sizeof bytes);
    return __builtin_convertvector(bytes, vf);
#endif
}

void NAME(i8_to_f32)(size_t n, float factor, const int8_t *x, float *out) {
    for (; n >= VW; n -= VW, x += VW, out += VW) {
        STORE(out, floats_at(x) * SPLAT(factor));
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)x[i] * factor;
    }
}
