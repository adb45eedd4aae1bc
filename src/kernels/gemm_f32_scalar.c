/* gemm_f32_scalar.c: matrix times matrix, the definition. Eight columns at a
 * time, so that eight sums which do not wait for each other are under way. */
#include "kernels/scalar.h"

#define COLS 8

static void gemm_strip(const mdg_gemm *g, size_t i, size_t j, size_t cols) {
    float s[COLS] = {0};
    float *c = g->c + i * g->ldc + j;
    for (size_t x = 0; g->accumulate != 0 && x < cols; x++) {
        s[x] = c[x];
    }
    const float *a = g->a + i * g->a_row;
    const float *b = g->b + j;
    for (size_t k = 0; k < g->k; k++) {
        for (size_t x = 0; x < cols; x++) {
            s[x] += a[k * g->a_col] * b[k * g->ldb + x];
        }
    }
    for (size_t x = 0; x < cols; x++) {
        c[x] = g->bias != NULL ? s[x] + g->bias[j + x] : s[x];
    }
}

void mdg_gemm_f32_scalar(const mdg_gemm *g) {
    for (size_t i = 0; i < g->m; i++) {
        size_t j = 0;
        for (; g->n - j >= COLS; j += COLS) {
            gemm_strip(g, i, j, COLS);
        }
        if (j < g->n) {
            gemm_strip(g, i, j, g->n - j);
        }
        if (g->activate != NULL) {
            g->activate(g->n, g->c + i * g->ldc);
        }
    }
}
