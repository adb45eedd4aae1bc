/* activation.h: functions of base/fmath.h over an array, in place, with the
 * bits of mdg_exp_f32 and so on for every element. */
#ifndef MDG_KERNELS_ACTIVATION_H
#define MDG_KERNELS_ACTIVATION_H

#include <stddef.h>
#include <stdint.h>

/* relu: x > 0 ? x : 0. softmax, one row: x_i = e^(x_i - max) / sum, the sum
 * over virtual lanes. */
/* clang-format off */
#define MDG_ACTIVATION_OPS(X, isa)                                             \
    X(isa, void, exp_f32, (size_t n, float *x))                                \
    X(isa, void, tanh_f32, (size_t n, float *x))                               \
    X(isa, void, sigmoid_f32, (size_t n, float *x))                            \
    X(isa, void, cos_f32, (size_t n, float *x))                                \
    X(isa, void, relu_f32, (size_t n, float *x))                               \
    X(isa, void, softmax_f32, (size_t n, float *x))
/* clang-format on */

#endif
