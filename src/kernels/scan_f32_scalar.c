/* scan_f32_scalar.c: scan.h, the definition. */
#include "kernels/scalar.h"

void mdg_l1_rows_f32_scalar(size_t rows, size_t cols, const float *a,
                            size_t lda, const float *x, float *out) {
    for (size_t i = 0; i < rows; i++) {
        out[i] = mdg_l1_f32_scalar(cols, a + i * lda, x);
    }
}

void mdg_gather_l1_f32_scalar(size_t count, const uint32_t *index, size_t cols,
                              const float *a, size_t lda, const float *x,
                              float *out) {
    for (size_t i = 0; i < count; i++) {
        out[i] = mdg_l1_f32_scalar(cols, a + index[i] * lda, x);
    }
}

size_t mdg_pick_f32_scalar(size_t n, const float *x, float scale, float bias,
                           const float *limit, uint32_t *index) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] * scale + bias < limit[i])) {
            index[count++] = (uint32_t)i;
        }
    }
    return count;
}
