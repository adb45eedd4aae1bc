/* rows_f32_vec.c: one vector against the rows of a matrix, all or chosen. */
#include "kernels/rows.h"

#define SAME(x) (x)
ROWS_OF(dot_rows, float, LOAD, SAME, ROW_PRODUCT, FOUR_TIMES)
ROWS_OF(l2sq_rows, float, LOAD, SAME, ROW_SQUARE, TWICE)
GATHER_OF(gather_dot_f32, float, dot_rows)
GATHER_OF(gather_l2sq_f32, float, l2sq_rows)

#define MATRIX_OF(name, one, rows_of)                                          \
    void NAME(name)(size_t rows, size_t cols, const float *a, size_t lda,      \
                    const float *x, float *out) {                              \
        for (; rows >= ROWS; rows -= ROWS, out += ROWS) {                      \
            const float *row[ROWS];                                            \
            EACH_ROW {                                                         \
                row[r] = a;                                                    \
                a += lda;                                                      \
            }                                                                  \
            rows_of(cols, row, x, out);                                        \
        }                                                                      \
        for (; rows > 0; rows--, a += lda) {                                   \
            *out++ = NAME(one)(cols, a, x);                                    \
        }                                                                      \
    }
MATRIX_OF(gemv_f32, dot_f32, dot_rows)
MATRIX_OF(l2sq_rows_f32, l2sq_f32, l2sq_rows)
