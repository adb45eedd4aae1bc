/* gemm_fast_f32_scalar.c: gemm_fast and gemv_fast, the definition: what they
 * may differ from, and all that a build without vectors has. */
#include "kernels/scalar.h"

void mdg_gemm_fast_f32_scalar(const mdg_gemm *g) {
    mdg_gemm_f32_scalar(g);
}

void mdg_gemv_fast_f32_scalar(size_t rows, size_t cols, const float *a,
                              size_t lda, const float *x, float *y) {
    mdg_gemv_f32_scalar(rows, cols, a, lda, x, y);
}
