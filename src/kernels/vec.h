/* vec.h: the vocabulary of the *_vec.c files, each of which is compiled once
 * per instruction set with -DMDG_ISA=<name> and that set's flags.
 *
 * VW is the number of float lanes in a register: 16 with AVX-512, 8 with AVX2,
 * else 4. Everything here is a macro or static: an inline function with a
 * linkable copy could reach the scalar caller as AVX code.
 */
#ifndef MDG_KERNELS_VEC_H
#define MDG_KERNELS_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/kernels.h"

#if defined(__AVX512F__)
#define VW 16
#elif defined(__AVX2__)
#define VW 8
#else
#define VW 4
#endif

#define PASTE2(op, isa) mdg_##op##_##isa
#define PASTE(op, isa)  PASTE2(op, isa)
/* NAME(dot_f32) is mdg_dot_f32_avx2 in the AVX2 object. */
#define NAME(op) PASTE(op, MDG_ISA)

#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(4 * VW)));
typedef int32_t vi __attribute__((vector_size(4 * VW)));
typedef uint32_t vu __attribute__((vector_size(4 * VW)));
typedef float vf4 __attribute__((vector_size(16)));
typedef float vf4_any __attribute__((vector_size(16), aligned(4), may_alias));
typedef float vf_any
    __attribute__((vector_size(4 * VW), aligned(4), may_alias));

#define LOAD(p)     ((vf) * (const vf_any *)(p))
#define STORE(p, v) (*(vf_any *)(p) = (v))
/* Not 0 + x, which turns -0 into 0. */
#define SPLAT(x)           ((x) - (vf){0})
#define SELECT(mask, a, b) ((vf)(((vi)(a) & (mask)) | ((vi)(b) & ~(mask))))

/* The vector extensions have no square root; each target has an instruction. */
#if defined(__wasm__)
#define SQRT(v) __builtin_elementwise_sqrt(v)
#elif defined(__aarch64__)
#include <arm_neon.h>
#define SQRT(v) ((vf)vsqrtq_f32((float32x4_t)(v)))
#else
#include <immintrin.h>
#if VW == 16
#define SQRT(v) ((vf)_mm512_sqrt_ps((__m512)(v)))
#elif VW == 8
#define SQRT(v) ((vf)_mm256_sqrt_ps((__m256)(v)))
#else
#define SQRT(v) ((vf)_mm_sqrt_ps((__m128)(v)))
#endif
#endif

/* x < y ? y : x and y < x ? y : x: x where one of them is NaN. */
#if defined(__wasm__)
#define LARGER(x, y)  __builtin_wasm_pmax_f32x4(x, y)
#define SMALLER(x, y) __builtin_wasm_pmin_f32x4(x, y)
#elif defined(__aarch64__)
#define LARGER(x, y)  SELECT((x) < (y), y, x)
#define SMALLER(x, y) SELECT((y) < (x), y, x)
#elif VW == 16
#define LARGER(x, y)  ((vf)_mm512_max_ps((__m512)(y), (__m512)(x)))
#define SMALLER(x, y) ((vf)_mm512_min_ps((__m512)(y), (__m512)(x)))
#elif VW == 8
#define LARGER(x, y)  ((vf)_mm256_max_ps((__m256)(y), (__m256)(x)))
#define SMALLER(x, y) ((vf)_mm256_min_ps((__m256)(y), (__m256)(x)))
#else
#define LARGER(x, y)  ((vf)_mm_max_ps((__m128)(y), (__m128)(x)))
#define SMALLER(x, y) ((vf)_mm_min_ps((__m128)(y), (__m128)(x)))
#endif

MDG_KERNELS_DECLARE(MDG_ISA)

#endif
