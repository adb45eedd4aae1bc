/* gemm_fast_f32_vec.c: matrix times matrix, where a product need not be rounded
 * before it is added: one instruction instead of two, and tiles as tall as the
 * registers allow. */
#include "kernels/fused.h"

#if !defined(MADD)
void NAME(gemm_fast_f32)(const mdg_gemm *g) {
    NAME(gemm_f32)(g);
}
#else

#if VW == 16
#define ROWS 14
#elif VW == 8
#define ROWS 6
#elif defined(__aarch64__)
#define ROWS 8
#else
#define ROWS 4
#endif
#define K_BLOCK 256

#include "kernels/gemm_tiles.h"

void NAME(gemm_fast_f32)(const mdg_gemm *g) {
    gemm(g);
}
#endif
