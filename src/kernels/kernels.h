/* kernels.h: the inner loops, one table of functions per instruction set.
 *
 * Contract of all: pure, no allocation, any n including 0, any alignment of at
 * least the element's, no aliasing between inputs and outputs unless said. The
 * scalar file of an operation is its definition; every other variant gives the
 * same bits (a NaN is a NaN; its sign and payload are not part of the promise).
 *
 * Reductions (dot, l2sq, sums) run over 16 virtual lanes: lane j adds elements
 * j, j + 16, j + 32, ... in order over the full blocks of 16; then lanes are
 * halved pairwise: 8 sums s_j + s_(j+8), 4, 2, 1; then the tail is added in
 * order. Each product is rounded before it is added: no contraction anywhere.
 *
 * gemm does not use lanes: c_ij is the sum over k in increasing order, starting
 * from 0 (or from c_ij when accumulating), so that any blocking gives the same
 * bits, and a batch of one row gives those of that row in a large batch.
 */
#ifndef MDG_KERNELS_H
#define MDG_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* C (m, n) = [C +] A (m, k) B (k, n) [+ bias]. B and C are row-major with row
 * strides ldb, ldc; A has a row and a column stride, so that a transposed A
 * costs nothing. bias (n) may be NULL; it is added after the sum over k. C must
 * not overlap A, B or bias. */
typedef struct mdg_gemm {
    size_t m, n, k;
    const float *a;
    size_t a_row, a_col;
    const float *b;
    size_t ldb;
    float *c;
    size_t ldc;
    const float *bias;
    int accumulate;
} mdg_gemm;

/* One step of Adam over n weights: m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
 * w = w - rate * m / (sqrt(v) * v_scale + epsilon) - decay * w, all right-hand
 * sides with the old w. The caller puts the bias corrections into `rate`
 * and `v_scale`. */
typedef struct mdg_adam {
    float beta1, beta2, rate, v_scale, epsilon, decay;
} mdg_adam;

typedef struct mdg_kernels {
    const char *isa; /* "scalar", "v2", "avx2", "avx512", "simd128" */
    float (*dot_f32)(size_t n, const float *a, const float *b);
    float (*l2sq_f32)(size_t n, const float *a, const float *b);
    float (*sum_f32)(size_t n, const float *x);
    /* The largest element, -infinity for n = 0; NaNs are passed over. */
    float (*max_f32)(size_t n, const float *x);
    /* y += a x */
    void (*axpy_f32)(size_t n, float a, const float *x, float *y);
    /* y_i = dot(row i of A, x); A is (rows, cols) with row stride lda. */
    void (*gemv_f32)(size_t rows, size_t cols, const float *a, size_t lda,
                     const float *x, float *y);
    /* out_i = l2sq(row i of A, x): the same layout. */
    void (*l2sq_rows_f32)(size_t rows, size_t cols, const float *a, size_t lda,
                          const float *x, float *out);
    void (*gemm_f32)(const mdg_gemm *g);
    /* In place, one row: x_i = e^(x_i - max) / sum; sum over virtual lanes. */
    void (*softmax_f32)(size_t n, float *x);
    /* In place, element by element, the bits of mdg_exp_f32 and so on. */
    void (*exp_f32)(size_t n, float *x);
    void (*tanh_f32)(size_t n, float *x);
    void (*sigmoid_f32)(size_t n, float *x);
    void (*cos_f32)(size_t n, float *x);
    void (*relu_f32)(size_t n, float *x); /* x > 0 ? x : 0 */
    void (*adam_f32)(size_t n, const mdg_adam *step, const float *g, float *w,
                     float *m, float *v);
    /* out (cols, rows) = transpose of x (rows, cols), both dense. */
    void (*transpose_f32)(size_t rows, size_t cols, const float *x, float *out);
} mdg_kernels;

/* The best table for these MIDGE_CPU_* bits that is compiled in; never NULL. */
const mdg_kernels *mdg_kernels_select(uint32_t cpu_bits);

#endif
