/* gemm_i8_scalar.c: matrix times matrix of bytes, the definition. */
#include "kernels/scalar.h"

void mdg_gemm_i8_scalar(const mdg_gemm_i8 *g) {
    for (size_t i = 0; i < g->m; i++) {
        const uint8_t *a = g->a + i * g->lda;
        for (size_t j = 0; j < g->n; j++) {
            const int8_t *b = g->b + mdg_gemm_i8_at(g->k, 0, j);
            int32_t sum = g->offset[j];
            for (size_t k = 0; k < g->k; k++) {
                sum += a[k] * b[k / 4 * 64 + k % 4];
            }
            g->c[i * g->ldc + j] = (float)sum * g->factor[j] + g->bias[j];
        }
    }
}
