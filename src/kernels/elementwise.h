/* elementwise.h: vectors changed element by element. */
#ifndef MDG_KERNELS_ELEMENTWISE_H
#define MDG_KERNELS_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

/* axpy: y += a x. scale: out = a x. add, sub, mul: out = a + b, a - b, a b.
 * `out` may be one of the inputs itself, but not overlap it otherwise. */
/* clang-format off */
#define MDG_ELEMENTWISE_OPS(X, isa)                                            \
    X(isa, void, axpy_f32, (size_t n, float a, const float *x, float *y))      \
    X(isa, void, scale_f32, (size_t n, float a, const float *x, float *out))   \
    X(isa, void, add_f32, (size_t n, const float *a, const float *b,           \
                           float *out))                                        \
    X(isa, void, sub_f32, (size_t n, const float *a, const float *b,           \
                           float *out))                                        \
    X(isa, void, mul_f32, (size_t n, const float *a, const float *b,           \
                           float *out))
/* clang-format on */

#endif
