/* reduce.h: from one or two vectors to a number. The order of the sums is that
 * of kernels.h. */
#ifndef MDG_KERNELS_REDUCE_H
#define MDG_KERNELS_REDUCE_H

#include <stddef.h>
#include <stdint.h>

/* dot: sum of a_i b_i. l2sq: sum of (a_i - b_i)^2. l1: sum of |a_i - b_i|.
 * sum: of x_i. norm: square root of dot(x, x).
 * cosine: what the cosine is made of, in one pass: out[0] = dot(a, b),
 * out[1] = dot(a, a), out[2] = dot(b, b), with the bits of dot.
 * max: the largest element, -infinity for n = 0; NaNs are passed over. Between
 * 0 and -0 the lanes decide, as in a sum. min: the same for the smallest, from
 * infinity. absmax: the largest |x_i|, from 0; NaNs are passed over.
 * argmax: the first i whose x_i is not below any other; NaNs are passed over; n
 * when there is none. */
/* clang-format off */
#define MDG_REDUCE_OPS(X, isa)                                                 \
    X(isa, float, dot_f32, (size_t n, const float *a, const float *b))         \
    X(isa, float, l2sq_f32, (size_t n, const float *a, const float *b))        \
    X(isa, void, cosine_f32, (size_t n, const float *a, const float *b,        \
                              float *out))                                     \
    X(isa, float, l1_f32, (size_t n, const float *a, const float *b))          \
    X(isa, float, sum_f32, (size_t n, const float *x))                         \
    X(isa, float, norm_f32, (size_t n, const float *x))                        \
    X(isa, float, max_f32, (size_t n, const float *x))                         \
    X(isa, float, min_f32, (size_t n, const float *x))                         \
    X(isa, float, absmax_f32, (size_t n, const float *x))                      \
    X(isa, size_t, argmax_f32, (size_t n, const float *x))
/* clang-format on */

#endif
