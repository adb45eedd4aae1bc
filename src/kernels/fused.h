/* fused.h: MADD(s, x, b), s + x * b rounded once, where the target has it; for
 * the operations named _fast only. Their files are compiled with
 * -ffp-contract=fast. Without MADD they are the reproducible ones. */
#ifndef MDG_KERNELS_FUSED_H
#define MDG_KERNELS_FUSED_H

#include "kernels/vec.h"

#if defined(__wasm_relaxed_simd__)
#define MADD(s, x, b) __builtin_wasm_relaxed_madd_f32x4(x, b, s)
#elif defined(__FMA__) || defined(__AVX512F__) || defined(__aarch64__)
#define MADD(s, x, b) ((s) + (x) * (b))
#endif

#endif
