/* transpose_f32_vec.c: out = x^T by squares of 4 x 4 in registers, inside bands
 * of 32 rows, so that a cache line of the output is filled while it is near.
 * Every instruction set uses four lanes here: memory is the limit. */
#include "kernels/vec.h"

#define BAND 32

#define LOAD4(p)     (*(const vf4_any *)(p))
#define STORE4(p, v) (*(vf4_any *)(p) = (v))

INLINE void square(const float *x, size_t cols, float *out, size_t rows) {
    vf4 a = LOAD4(x), b = LOAD4(x + cols);
    vf4 c = LOAD4(x + 2 * cols), d = LOAD4(x + 3 * cols);
    vf4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    vf4 ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    vf4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    vf4 cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    STORE4(out, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
    STORE4(out + rows, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
    STORE4(out + 2 * rows,
           __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
    STORE4(out + 3 * rows,
           __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

/* Rows [first, last) of x, column by column. */
static void band(size_t rows, size_t cols, size_t first, size_t last,
                 const float *x, float *out) {
    size_t full = first + (last - first) / 4 * 4;
    size_t j = 0;
    for (; cols - j >= 4; j += 4) {
        for (size_t i = first; i < full; i += 4) {
            square(x + i * cols + j, cols, out + j * rows + i, rows);
        }
        for (size_t i = full; i < last; i++) {
            for (size_t k = j; k < j + 4; k++) {
                out[k * rows + i] = x[i * cols + k];
            }
        }
    }
    for (; j < cols; j++) {
        for (size_t i = first; i < last; i++) {
            out[j * rows + i] = x[i * cols + j];
        }
    }
}

void NAME(transpose_f32)(size_t rows, size_t cols, const float *x, float *out) {
    for (size_t i = 0; i < rows; i += BAND) {
        band(rows, cols, i, rows - i < BAND ? rows : i + BAND, x, out);
    }
}
