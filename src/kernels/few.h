/* few.h: the elements that do not fill a register. load_few reads the first n
 * of x, 0 < n < VW, and no others, behind them those of `pad`; store_few writes
 * them. */
#ifndef MDG_KERNELS_FEW_H
#define MDG_KERNELS_FEW_H

#include "kernels/vec.h"

/* A module for the web pays for every copy of a function. */
#if defined(__wasm__)
#define SHARED static __attribute__((noinline, unused))
#else
#define SHARED INLINE
#endif

#define NONE ((vf){0})

#if VW == 16
INLINE vf load_few(size_t n, const float *x, vf pad) {
    return (vf)_mm512_mask_loadu_ps((__m512)pad, (__mmask16)((1u << n) - 1u),
                                    x);
}

INLINE void store_few(size_t n, float *x, vf v) {
    _mm512_mask_storeu_ps(x, (__mmask16)((1u << n) - 1u), (__m512)v);
}
#elif VW == 8
INLINE __m256i first(size_t n) {
    const vi lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return (__m256i)(lane < (int32_t)n);
}

INLINE vf load_few(size_t n, const float *x, vf pad) {
    __m256 v = _mm256_maskload_ps(x, first(n));
    return (vf)_mm256_blendv_ps((__m256)pad, v, (__m256)first(n));
}

INLINE void store_few(size_t n, float *x, vf v) {
    _mm256_maskstore_ps(x, first(n), (__m256)v);
}
#else
SHARED vf load_few(size_t n, const float *x, vf pad) {
    vf v = pad;
    v[0] = x[0];
    if (n > 1) {
        v[1] = x[1];
    }
    if (n > 2) {
        v[2] = x[2];
    }
    return v;
}

SHARED void store_few(size_t n, float *x, vf v) {
    x[0] = v[0];
    if (n > 1) {
        x[1] = v[1];
    }
    if (n > 2) {
        x[2] = v[2];
    }
}
#endif

#endif
