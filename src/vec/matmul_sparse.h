/* matmul_sparse.h: products with a matrix that turns out to be mostly zeros, as
 * pictures and one-hot columns are. The way of use, with x (rows, cols) and
 * products x B and, for a gradient, transpose(x) D with n columns each:
 *
 *     scratch of mdg_sparse_bytes(rows, cols, 1) bytes, once
 *     mdg_sparse s;
 *     if (mdg_sparse_take(kernels, rows, cols, x, stride, n, scratch, &s)) {
 *         mdg_sparse_matmul(env, kernels, &s, &forward);
 *         mdg_sparse_transpose(&s);
 *         mdg_sparse_matmul(env, kernels, &s, &gradient);
 *     } else {
 *         mdg_matmul(...) with the same mdg_gemm, twice
 *     }
 *
 * Both ways give the same bits, with any number of threads, as long as B and D
 * are finite (kernels/sparse.h). */
#ifndef MDG_MATMUL_SPARSE_H
#define MDG_MATMUL_SPARSE_H

#include "kernels/kernels.h"
#include "midge/env.h"

/* With fewer columns looking costs what it may gain. */
#define MDG_SPARSE_COLUMNS_MIN 64

/* A matrix in somebody's scratch memory. */
typedef struct mdg_sparse {
    size_t rows, cols;
    size_t count; /* elements that are not zero */
    uint32_t *row_start, *column;
    float *value;
    void *rest; /* scratch for the transpose */
} mdg_sparse;

/* Bytes of scratch, a multiple of 64; 0: there is no such size in memory, or
 * cols or rows do not fit 32 bits. `transposed`: room for mdg_sparse_transpose
 * too. */
size_t mdg_sparse_bytes(size_t rows, size_t cols, int transposed);

/* 1 when x is so sparse, and large enough, that products with n columns gain by
 * it: then *out is x, in `scratch` (4-byte aligned, of mdg_sparse_bytes for at
 * least these rows and columns). Else 0, and *out is not to be used; that is
 * known after a look at a small part of a dense x. The answer depends on the
 * numbers in x, its shape and n only, not on the instruction set. */
int mdg_sparse_take(const mdg_kernels *kernels, size_t rows, size_t cols,
                    const float *x, size_t stride, size_t n, void *scratch,
                    mdg_sparse *out);

/* Computes *g with `a` in the place of g->a, which is not read, and neither are
 * g->m and g->k; g->accumulate must be 0. Otherwise as mdg_matmul. */
void mdg_sparse_matmul(const midge_env *env, const mdg_kernels *kernels,
                       const mdg_sparse *a, const mdg_gemm *g);

/* a becomes its transpose, in its own scratch, which was made for that. Its
 * elements before are still in place, but not its row_start: once only. */
void mdg_sparse_transpose(mdg_sparse *a);

#endif
