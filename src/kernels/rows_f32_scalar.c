/* rows_f32_scalar.c: one vector against the rows of a matrix, the definition.
 */
#include "kernels/scalar.h"

void mdg_gemv_f32_scalar(size_t rows, size_t cols, const float *a, size_t lda,
                         const float *x, float *y) {
    for (size_t i = 0; i < rows; i++) {
        y[i] = mdg_dot_f32_scalar(cols, a + i * lda, x);
    }
}

void mdg_l2sq_rows_f32_scalar(size_t rows, size_t cols, const float *a,
                              size_t lda, const float *x, float *out) {
    for (size_t i = 0; i < rows; i++) {
        out[i] = mdg_l2sq_f32_scalar(cols, a + i * lda, x);
    }
}
