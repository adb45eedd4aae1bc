/* activation.h: functions of base/fmath.h over an array, in place, with the
 * bits of mdg_exp_f32 and so on for every element, and their derivatives. */
#ifndef MDG_KERNELS_ACTIVATION_H
#define MDG_KERNELS_ACTIVATION_H

#include <stddef.h>
#include <stdint.h>

/* relu: x > 0 ? x : 0.
 * softmax, one row: x_i = e^(x_i - max) / sum, the sum that of sum_f32.
 * log_sum_exp: log of the sum of e^x_i, as log(sum of e^(x_i - m)) + m, the sum
 * that of sum_f32; m is the largest x_i, or 0 where that is infinite. So it is
 * infinity where an x_i is, -infinity where all are or n = 0, NaN where an x_i
 * is.
 *
 * <name>_back: the gradient of what comes after y = f(x) is turned into that of
 * x, in place: g_i = g_i * f'(x_i). The derivative is computed from y by
 *   sigmoid y (1 - y);  tanh 1 - y y;  elliot (1 - |y|) (1 - |y|);
 *   relu: g_i = y > 0 ? g_i : 0
 * and from x by
 *   gelu mdg_gelu_slope_f32(x);
 *   silu far (1 + a near), where a is x, but at most 110 and at least -110,
 *     e = e^-|a|, d = 1 / (1 + e), and (far, near) = (d, e d), for x < 0
 *     (e d, d): sigmoid(x) and sigmoid(-x).
 * softmax_back, one row: g_i = y_i (g_i - dot(g, y)). */
/* clang-format off */
#define MDG_ACTIVATION_OPS(X, isa)                                             \
    X(isa, void, exp_f32, (size_t n, float *x))                                \
    X(isa, void, tanh_f32, (size_t n, float *x))                               \
    X(isa, void, sigmoid_f32, (size_t n, float *x))                            \
    X(isa, void, sin_f32, (size_t n, float *x))                                \
    X(isa, void, cos_f32, (size_t n, float *x))                                \
    X(isa, void, relu_f32, (size_t n, float *x))                               \
    X(isa, void, gelu_f32, (size_t n, float *x))                               \
    X(isa, void, silu_f32, (size_t n, float *x))                               \
    X(isa, void, elliot_f32, (size_t n, float *x))                             \
    X(isa, void, softmax_f32, (size_t n, float *x))                            \
    X(isa, float, log_sum_exp_f32, (size_t n, const float *x))                 \
    X(isa, void, sigmoid_back_f32, (size_t n, const float *y, float *g))       \
    X(isa, void, tanh_back_f32, (size_t n, const float *y, float *g))          \
    X(isa, void, relu_back_f32, (size_t n, const float *y, float *g))          \
    X(isa, void, elliot_back_f32, (size_t n, const float *y, float *g))        \
    X(isa, void, gelu_back_f32, (size_t n, const float *x, float *g))          \
    X(isa, void, silu_back_f32, (size_t n, const float *x, float *g))          \
    X(isa, void, softmax_back_f32, (size_t n, const float *y, float *g))
/* clang-format on */

#endif
