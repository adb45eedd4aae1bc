/* ridge.c: blocked Cholesky factorisation and the two triangular solves.
 *
 * Left-looking by columns of BLOCK: first everything to the left of a block
 * column is subtracted from it by one matrix product, then its diagonal block
 * is factored and the rows below are solved against it. Nearly all work is in
 * the product (Golub & Van Loan, Matrix Computations, 4.2).
 */
#include "model/predictor.h"

#include "base/fmath.h"

#define BLOCK 64u

/* A[at:, at:at+n] -= L[at:, :at] L[at:at+n, :at]', with the second factor
 * transposed and negated in scratch (at, n). */
static void subtract_left(const mdg_kernels *kernels, size_t order, float *a,
                          size_t at, size_t n, float *scratch) {
    for (size_t c = 0; c < n; c++) {
        for (size_t k = 0; k < at; k++) {
            scratch[k * n + c] = -a[(at + c) * order + k];
        }
    }
    mdg_gemm g = {.m = order - at,
                  .n = n,
                  .k = at,
                  .a = a + at * order,
                  .a_row = order,
                  .a_col = 1,
                  .b = scratch,
                  .ldb = n,
                  .c = a + at * order + at,
                  .ldc = order,
                  .accumulate = 1};
    MDG_KERNEL(kernels, gemm_f32)(&g);
}

/* Factors the n columns from `at`, whose left part is already subtracted. */
static midge_status factor_block(const mdg_kernels *kernels, size_t order,
                                 float *a, size_t at, size_t n) {
    for (size_t i = at; i < order; i++) {
        float *row = a + i * order + at;
        size_t last = i - at < n ? i - at : n;
        for (size_t j = 0; j < last; j++) {
            const float *above = a + (at + j) * order + at;
            row[j] = (row[j] - MDG_KERNEL(kernels, dot_f32)(j, row, above)) /
                     above[j];
        }
        if (last < n) {
            float left =
                row[last] - MDG_KERNEL(kernels, dot_f32)(last, row, row);
            if (!(left > 0.0f) || left - left != 0.0f) {
                return MIDGE_E_STATE;
            }
            row[last] = mdg_sqrt_f32(left);
        }
    }
    return MIDGE_OK;
}

static void solve_lower(const mdg_kernels *kernels, size_t order,
                        const float *l, size_t m, float *b) {
    for (size_t i = 0; i < order; i++) {
        for (size_t j = 0; j < i; j++) {
            MDG_KERNEL(kernels, axpy_f32)(m, -l[i * order + j], b + j * m,
                                          b + i * m);
        }
        for (size_t c = 0; c < m; c++) {
            b[i * m + c] /= l[i * order + i];
        }
    }
}

static void solve_upper(const mdg_kernels *kernels, size_t order,
                        const float *l, size_t m, float *b) {
    for (size_t i = order; i-- > 0;) {
        for (size_t c = 0; c < m; c++) {
            b[i * m + c] /= l[i * order + i];
        }
        for (size_t j = 0; j < i; j++) {
            MDG_KERNEL(kernels, axpy_f32)(m, -l[i * order + j], b + i * m,
                                          b + j * m);
        }
    }
}

midge_status mdg_ridge_solve(const mdg_kernels *kernels, size_t n, float *a,
                             size_t m, float *b, float penalty,
                             float *scratch) {
    for (size_t i = 0; i + 1 < n; i++) {
        a[i * n + i] += penalty;
    }
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t width = n - at < BLOCK ? n - at : BLOCK;
        if (at > 0) {
            subtract_left(kernels, n, a, at, width, scratch);
        }
        MIDGE_TRY(factor_block(kernels, n, a, at, width));
    }
    solve_lower(kernels, n, a, m, b);
    solve_upper(kernels, n, a, m, b);
    return MIDGE_OK;
}
