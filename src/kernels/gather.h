/* gather.h: one vector against many rows, and the best of many numbers. */
#ifndef MDG_KERNELS_GATHER_H
#define MDG_KERNELS_GATHER_H

#include <stddef.h>
#include <stdint.h>

/* l2sq_rows: out_i = l2sq(row i of A, x); A is (rows, cols), row stride lda. */
/* clang-format off */
#define MDG_GATHER_OPS(X, isa)                                                 \
    X(isa, void, l2sq_rows_f32, (size_t rows, size_t cols, const float *a,     \
                                 size_t lda, const float *x, float *out))
/* clang-format on */

#endif
