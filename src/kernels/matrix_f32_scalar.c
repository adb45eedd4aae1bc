/* matrix_f32_scalar.c: products with the transpose of a matrix, updates of rank
 * one and sparse rows, the definition. */
#include "kernels/scalar.h"

void mdg_gemv_t_f32_scalar(size_t rows, size_t cols, const float *a, size_t lda,
                           const float *x, int accumulate, float *y) {
    for (size_t j = 0; accumulate == 0 && j < cols; j++) {
        y[j] = 0.0f;
    }
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < cols; j++) {
            y[j] += x[i] * a[i * lda + j];
        }
    }
}

void mdg_rank1_f32_scalar(size_t rows, size_t cols, float alpha, const float *x,
                          const float *y, float *a, size_t lda) {
    for (size_t i = 0; i < rows; i++) {
        float factor = alpha * x[i];
        for (size_t j = 0; j < cols; j++) {
            a[i * lda + j] += factor * y[j];
        }
    }
}

void mdg_spmv_csr_f32_scalar(size_t rows, const uint32_t *row_start,
                             const uint32_t *column, const float *value,
                             const float *x, float *y) {
    for (size_t i = 0; i < rows; i++) {
        float s[4] = {0};
        const size_t first = row_start[i];
        for (size_t k = first; k < row_start[i + 1]; k++) {
            s[(k - first) % 4] += value[k] * x[column[k]];
        }
        y[i] = (s[0] + s[2]) + (s[1] + s[3]);
    }
}
