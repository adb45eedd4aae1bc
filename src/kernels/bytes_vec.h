/* bytes_vec.h: registers of bytes, for the *_vec.c files on bytes and bits. */
#ifndef MDG_KERNELS_BYTES_VEC_H
#define MDG_KERNELS_BYTES_VEC_H

#include "kernels/vec.h"

#define VB ((size_t)4 * VW) /* bytes in a register */

typedef uint8_t vb __attribute__((vector_size(4 * VW)));
typedef int8_t vb_signed __attribute__((vector_size(4 * VW)));
typedef uint16_t vh __attribute__((vector_size(4 * VW)));
typedef int16_t vh_signed __attribute__((vector_size(4 * VW)));
typedef uint64_t vq __attribute__((vector_size(4 * VW)));
typedef uint8_t vb_any
    __attribute__((vector_size(4 * VW), aligned(1), may_alias));

typedef uint32_t vu4 __attribute__((vector_size(16)));
typedef uint64_t vq2 __attribute__((vector_size(16)));
#if VW == 16
typedef uint32_t vu8 __attribute__((vector_size(32)));
typedef uint64_t vq4 __attribute__((vector_size(32)));
#endif

#define LOAD_BYTES(p)     ((vb) * (const vb_any *)(p))
#define STORE_BYTES(p, v) (*(vb_any *)(p) = (vb)(v))

/* X86(madd_epi16) is the intrinsic for registers of this width. */
#if VW == 16
typedef __m512i vx;
#define X86(op) _mm512_##op
#elif VW == 8
typedef __m256i vx;
#define X86(op) _mm256_##op
#elif defined(__SSE2__)
typedef __m128i vx;
#define X86(op) _mm_##op
#endif

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

#if VW == 16
/* The first n < 64 bytes at p, and zeros. */
INLINE vb load_part(const void *p, size_t n) {
    return (vb)_mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p);
}
#endif

/* The row of a gather: without an index they follow each other. */
INLINE size_t row_of(const uint32_t *index, size_t i) {
    return index ? index[i] : i;
}

/* Rows ahead of a gather, into cache: those of a group later. The processor
 * itself sees where a row goes on after its first lines. */
INLINE void fetch_row(const void *row, size_t size) {
#if !defined(__wasm__)
    const uint8_t *line = row;
    const uint8_t *end = line + (size < 512 ? size : 512);
    for (; line < end; line += 64) {
        __builtin_prefetch(line);
    }
#endif
}

/* The sum of the 32-bit lanes, modulo 2^32. */
INLINE uint32_t sum_of_words(vu v) {
#if VW == 16
    vu8 h = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
            __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
#elif VW == 8
    vu h = v;
#endif
#if VW == 4
    vu4 q = v;
#else
    vu4 q = __builtin_shufflevector(h, h, 0, 1, 2, 3) +
            __builtin_shufflevector(h, h, 4, 5, 6, 7);
#endif
    q += __builtin_shufflevector(q, q, 2, 3, 0, 1);
    return q[0] + q[1];
}

/* The sum of the 64-bit lanes. */
INLINE uint64_t sum_of_quads(vq v) {
#if VW == 16
    vq4 h = __builtin_shufflevector(v, v, 0, 1, 2, 3) +
            __builtin_shufflevector(v, v, 4, 5, 6, 7);
#elif VW == 8
    vq h = v;
#endif
#if VW == 4
    vq2 q = v;
#else
    vq2 q = __builtin_shufflevector(h, h, 0, 1) +
            __builtin_shufflevector(h, h, 2, 3);
#endif
    return q[0] + q[1];
}

#endif
