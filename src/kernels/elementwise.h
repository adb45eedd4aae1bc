/* elementwise.h: vectors changed element by element. */
#ifndef MDG_KERNELS_ELEMENTWISE_H
#define MDG_KERNELS_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

/* axpy: y += a x. */
/* clang-format off */
#define MDG_ELEMENTWISE_OPS(X, isa)                                            \
    X(isa, void, axpy_f32, (size_t n, float a, const float *x, float *y))
/* clang-format on */

#endif
