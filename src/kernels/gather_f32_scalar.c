/* gather_f32_scalar.c: one vector against chosen rows, the definition. */
#include "kernels/scalar.h"

void mdg_gather_dot_f32_scalar(size_t count, const uint32_t *index, size_t cols,
                               const float *a, size_t lda, const float *x,
                               float *out) {
    for (size_t i = 0; i < count; i++) {
        out[i] = mdg_dot_f32_scalar(cols, a + index[i] * lda, x);
    }
}

void mdg_gather_l2sq_f32_scalar(size_t count, const uint32_t *index,
                                size_t cols, const float *a, size_t lda,
                                const float *x, float *out) {
    for (size_t i = 0; i < count; i++) {
        out[i] = mdg_l2sq_f32_scalar(cols, a + index[i] * lda, x);
    }
}
