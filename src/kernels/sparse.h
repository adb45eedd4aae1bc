/* sparse.h: products with matrices that are mostly zeros: their elements that
 * are not zero, gathered from a dense matrix, times a dense matrix. */
#ifndef MDG_KERNELS_SPARSE_H
#define MDG_KERNELS_SPARSE_H

#include <stddef.h>
#include <stdint.h>

/* C (m, n) = A (m, k) B (k, n) [+ bias], then `activate` on each element. A is
 * sparse, of compressed rows: the elements e from row_start[i] up to
 * row_start[i + 1] of `column` and `value` are those of row i, in increasing
 * columns below k; row_start has m + 1 entries. B and C are row-major with row
 * strides ldb, ldc. bias (n) and `activate` as in mdg_gemm. C must not overlap
 * what is read.
 *
 * c_ij is the sum over the elements of row i in their order, from 0: the bits
 * of gemm_f32 on the dense A, when B is finite (gemm adds a zero for each
 * element left out; 0 times an infinity would be a NaN there). */
typedef struct mdg_spmm {
    size_t m, n;
    const uint32_t *row_start, *column;
    const float *value;
    const float *b;
    size_t ldb;
    float *c;
    size_t ldc;
    const float *bias;
    void (*activate)(size_t n, float *x);
} mdg_spmm;

/* More elements in `column` and `value` than are asked for. */
#define MDG_COMPRESS_ROOM 16

/* compress: the elements of x (rows, cols), row stride `stride`, that are not
 * zero (-0 is, a NaN is not), as compressed rows. Returns how many they are, or
 * SIZE_MAX as soon as they are more than `limit`; then row_start, column and
 * value hold anything. row_start has rows + 1 entries, column and value have
 * limit + MDG_COMPRESS_ROOM, of which those behind the last hold anything.
 * cols and limit are less than 2^32. */
/* clang-format off */
#define MDG_SPARSE_OPS(X, isa)                                                 \
    X(isa, size_t, compress_f32, (size_t rows, size_t cols, const float *x,    \
                                  size_t stride, size_t limit,                 \
                                  uint32_t *row_start, uint32_t *column,       \
                                  float *value))                               \
    X(isa, void, spmm_csr_f32, (const mdg_spmm *p))
/* clang-format on */

#endif
