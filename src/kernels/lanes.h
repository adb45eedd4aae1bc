/* lanes.h: the sixteen virtual lanes of a reduction as registers, and the fixed
 * tree that folds them: s_j + s_(j+8), then 4, 2, 1 (kernels.h). */
#ifndef MDG_KERNELS_LANES_H
#define MDG_KERNELS_LANES_H

#include "kernels/vec.h"

#define LANES 16
#define REGS  (LANES / VW) /* registers that hold the lanes */

typedef signed char vbytes __attribute__((vector_size(4 * VW)));

#if VW == 16
typedef float vf8 __attribute__((vector_size(32)));
#endif

/* The first two steps: from sixteen lanes to four. */
INLINE vf4 four_of_lanes(const vf *s) {
#if VW == 16
    vf8 h = __builtin_shufflevector(s[0], s[0], 0, 1, 2, 3, 4, 5, 6, 7) +
            __builtin_shufflevector(s[0], s[0], 8, 9, 10, 11, 12, 13, 14, 15);
#elif VW == 8
    vf h = s[0] + s[1];
#endif
#if VW == 4
    return (s[0] + s[2]) + (s[1] + s[3]);
#else
    return __builtin_shufflevector(h, h, 0, 1, 2, 3) +
           __builtin_shufflevector(h, h, 4, 5, 6, 7);
#endif
}

INLINE float sum_of_lanes(const vf *s) {
    vf4 q = four_of_lanes(s);
    vf4 d = q + __builtin_shufflevector(q, q, 2, 3, 2, 3);
    return d[0] + d[1];
}

/* Is a lane of a comparison true? */
INLINE int any_lane(vi mask) {
#if defined(__wasm__)
    return __builtin_wasm_any_true_v128((vbytes)mask);
#elif defined(__aarch64__)
    return vmaxvq_u32((uint32x4_t)mask) != 0;
#elif VW == 16
    return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif VW == 8
    return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#else
    return !_mm_testz_si128((__m128i)mask, (__m128i)mask);
#endif
}

#endif
