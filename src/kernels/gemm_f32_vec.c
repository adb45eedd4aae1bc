/* gemm_f32_vec.c: matrix times matrix with the bits of the definition: a
 * product is rounded before it is added. */
#include "kernels/vec.h"

/* Sums, loads of B, one splat and one product must fit the registers; two
 * operations per sum and step hide the latency from eight sums on. */
#if VW == 16
#define ROWS 12
#elif defined(__aarch64__)
#define ROWS 8
#elif VW == 8
#define ROWS 6
#else
#define ROWS 4
#endif
#define K_BLOCK       256 /* the panel stays in L1 */
#define MADD(s, x, b) ((s) + (x) * (b))

#include "kernels/gemm_tiles.h"

void NAME(gemm_f32)(const mdg_gemm *g) {
    gemm(g);
}
