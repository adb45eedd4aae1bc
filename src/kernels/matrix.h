/* matrix.h: matrices, row-major, with row strides. */
#ifndef MDG_KERNELS_MATRIX_H
#define MDG_KERNELS_MATRIX_H

#include <stddef.h>
#include <stdint.h>

/* C (m, n) = [C +] A (m, k) B (k, n) [+ bias], then `activate` on each element.
 * B and C are row-major with row strides ldb, ldc; A has a row and a column
 * stride, so that a transposed A costs nothing. bias (n) may be NULL; it is
 * added after the sum over k. `activate` may be NULL; it is a function of
 * activation.h that works element by element, called on pieces of C while
 * they are in cache, once for each element. C must not overlap A, B or bias.
 *
 * gemm does not use lanes: c_ij is the sum over k in increasing order, starting
 * from 0 (or from c_ij when accumulating), so that any blocking gives the same
 * bits, and a batch of one row gives those of that row in a large batch.
 *
 * gemm_fast and gemv_fast may add in another order and may round a product and
 * its sum once (fused multiply-add): the bits differ between variants. Before
 * `activate`, with k products and no overflow, |c - exact| is at most
 * (k + 2) 2^-24 (|c_before| + sum |a| |b| + |bias|) (1 + k 2^-23), and 2^-149
 * more for each product that is less than 2^-126. Only who asks for them by
 * name gets them. */
typedef struct mdg_gemm {
    size_t m, n, k;
    const float *a;
    size_t a_row, a_col;
    const float *b;
    size_t ldb;
    float *c;
    size_t ldc;
    const float *bias;
    void (*activate)(size_t n, float *x);
    int accumulate;
} mdg_gemm;

/* gemv: y_i = dot(row i of A, x); A is (rows, cols) with row stride lda.
 * gemv_fast: the same within the bounds above.
 * gemv_t: y = [y +] transpose(A) x: y_j is the sum over rows i in increasing
 * order of x_i a_ij, from 0, or from y_j when accumulating.
 * rank1: A += alpha x transpose(y): a_ij = a_ij + (alpha x_i) y_j.
 * spmv_csr: y = A x for a sparse A of compressed rows: the elements k from
 * row_start[i] up to row_start[i + 1] of `column` and `value` are those of row
 * i, so row_start has rows + 1 entries. y_i is the sum over four lanes: lane j
 * adds value[k] x[column[k]] for the row's elements j, j + 4, j + 8, ... in
 * order, from 0; then (s_0 + s_2) + (s_1 + s_3). y must not overlap x.
 * transpose: out (cols, rows) = transpose of x (rows, cols), both dense. */
/* clang-format off */
#define MDG_MATRIX_OPS(X, isa)                                                 \
    X(isa, void, gemv_f32, (size_t rows, size_t cols, const float *a,          \
                            size_t lda, const float *x, float *y))             \
    X(isa, void, gemm_f32, (const mdg_gemm *g))                                \
    X(isa, void, gemm_fast_f32, (const mdg_gemm *g))                           \
    X(isa, void, gemv_fast_f32, (size_t rows, size_t cols, const float *a,     \
                                 size_t lda, const float *x, float *y))        \
    X(isa, void, gemv_t_f32, (size_t rows, size_t cols, const float *a,        \
                              size_t lda, const float *x, int accumulate,      \
                              float *y))                                       \
    X(isa, void, rank1_f32, (size_t rows, size_t cols, float alpha,            \
                             const float *x, const float *y, float *a,         \
                             size_t lda))                                      \
    X(isa, void, spmv_csr_f32, (size_t rows, const uint32_t *row_start,        \
                                const uint32_t *column, const float *value,    \
                                const float *x, float *y))                     \
    X(isa, void, transpose_f32, (size_t rows, size_t cols, const float *x,     \
                                 float *out))
/* clang-format on */

#endif
