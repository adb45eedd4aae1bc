/* sparse_f32_scalar.c: sparse rows, the definition. */
#include "kernels/scalar.h"

size_t mdg_compress_f32_scalar(size_t rows, size_t cols, const float *x,
                               size_t stride, size_t limit, uint32_t *row_start,
                               uint32_t *column, float *value) {
    size_t n = 0;
    row_start[0] = 0;
    for (size_t i = 0; i < rows; i++, x += stride) {
        for (size_t j = 0; j < cols; j++) {
            column[n] = (uint32_t)j;
            value[n] = x[j];
            n += x[j] != 0.0f;
            if (n > limit) {
                return SIZE_MAX;
            }
        }
        row_start[i + 1] = (uint32_t)n;
    }
    return n;
}

/* Columns j, j + 1, ... of row i, some at a time: sums that do not wait for
 * each other. */
#define COLS 8

static void strip(const mdg_spmm *p, size_t i, size_t j, size_t cols) {
    float s[COLS] = {0};
    float *c = p->c + i * p->ldc + j;
    for (size_t e = p->row_start[i]; e < p->row_start[i + 1]; e++) {
        const float *b = p->b + p->column[e] * p->ldb + j;
        for (size_t x = 0; x < cols; x++) {
            s[x] += p->value[e] * b[x];
        }
    }
    for (size_t x = 0; x < cols; x++) {
        c[x] = p->bias != NULL ? s[x] + p->bias[j + x] : s[x];
    }
}

void mdg_spmm_csr_f32_scalar(const mdg_spmm *p) {
    for (size_t i = 0; i < p->m; i++) {
        size_t j = 0;
        for (; p->n - j >= COLS; j += COLS) {
            strip(p, i, j, COLS);
        }
        if (j < p->n) {
            strip(p, i, j, p->n - j);
        }
        if (p->activate != NULL) {
            p->activate(p->n, p->c + i * p->ldc);
        }
    }
}
