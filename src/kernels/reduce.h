/* reduce.h: from one or two vectors to a number. The order of the sums is that
 * of kernels.h. */
#ifndef MDG_KERNELS_REDUCE_H
#define MDG_KERNELS_REDUCE_H

#include <stddef.h>
#include <stdint.h>

/* dot: sum of a_i b_i. l2sq: sum of (a_i - b_i)^2. sum: of x_i.
 * max: the largest element, -infinity for n = 0; NaNs are passed over. Between
 * 0 and -0 the lanes decide, as in a sum. */
/* clang-format off */
#define MDG_REDUCE_OPS(X, isa)                                                 \
    X(isa, float, dot_f32, (size_t n, const float *a, const float *b))         \
    X(isa, float, l2sq_f32, (size_t n, const float *a, const float *b))        \
    X(isa, float, sum_f32, (size_t n, const float *x))                         \
    X(isa, float, max_f32, (size_t n, const float *x))
/* clang-format on */

#endif
