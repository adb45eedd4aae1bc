/* matrix_f32_vec.c: products with the transpose of a matrix, updates of rank
 * one and sparse rows. */
#include "kernels/vec.h"

/* Rows of A that pass over y at once. */
#define ROWS 4

/* y_j += x_0 a_0j + ..., one after the other. */
INLINE void add_rows(size_t cols, const float *a, size_t lda, const float *x,
                     float *y) {
    const float x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
    const float *b = a + lda, *c = b + lda, *d = c + lda;
    size_t j = 0;
    for (; cols - j >= VW; j += VW) {
        vf s = LOAD(y + j) + x0 * LOAD(a + j);
        s += x1 * LOAD(b + j);
        s += x2 * LOAD(c + j);
        s += x3 * LOAD(d + j);
        STORE(y + j, s);
    }
    for (; j < cols; j++) {
        float s = y[j] + x0 * a[j];
        s += x1 * b[j];
        s += x2 * c[j];
        s += x3 * d[j];
        y[j] = s;
    }
}

void NAME(gemv_t_f32)(size_t rows, size_t cols, const float *a, size_t lda,
                      const float *x, int accumulate, float *y) {
    if (accumulate == 0 && cols > 0) {
        memset(y, 0, cols * sizeof *y);
    }
    size_t i = 0;
    for (; rows - i >= ROWS; i += ROWS) {
        add_rows(cols, a + i * lda, lda, x + i, y);
    }
    for (; i < rows; i++) {
        NAME(axpy_f32)(cols, x[i], a + i * lda, y);
    }
}

void NAME(rank1_f32)(size_t rows, size_t cols, float alpha, const float *x,
                     const float *y, float *a, size_t lda) {
    for (size_t i = 0; i < rows; i++) {
        NAME(axpy_f32)(cols, alpha * x[i], y, a + i * lda);
    }
}

/* Gathering instructions are slower than four loads where this was measured.
 * The lanes of the last elements are named: an index that varies would put the
 * register in memory. */
void NAME(spmv_csr_f32)(size_t rows, const uint32_t *row_start,
                        const uint32_t *column, const float *value,
                        const float *x, float *y) {
    for (size_t i = 0; i < rows; i++) {
        const size_t n = row_start[i + 1] - row_start[i];
        const uint32_t *c = column + row_start[i];
        const float *v = value + row_start[i];
        vf4 s = {0};
        for (const float *end = v + n / 4 * 4; v != end; v += 4, c += 4) {
            vf4 at = {x[c[0]], x[c[1]], x[c[2]], x[c[3]]};
            s += *(const vf4_any *)v * at;
        }
        if (n % 4 > 0) {
            s[0] += v[0] * x[c[0]];
        }
        if (n % 4 > 1) {
            s[1] += v[1] * x[c[1]];
        }
        if (n % 4 > 2) {
            s[2] += v[2] * x[c[2]];
        }
        vf4 d = s + __builtin_shufflevector(s, s, 2, 3, 2, 3);
        y[i] = d[0] + d[1];
    }
}
