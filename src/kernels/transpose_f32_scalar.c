/* transpose_f32_scalar.c: out = x^T, the definition. */
#include "kernels/scalar.h"

void mdg_transpose_f32_scalar(size_t rows, size_t cols, const float *x,
                              float *out) {
    for (size_t j = 0; j < cols; j++) {
        for (size_t i = 0; i < rows; i++) {
            out[j * rows + i] = x[i * cols + j];
        }
    }
}
