/* math_f32_scalar.c: exp, tanh, sigmoid, cos, relu and softmax over an array,
 * the definition. */
#include "base/fmath.h"
#include "kernels/scalar.h"

void mdg_exp_f32_scalar(size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = mdg_exp_f32(x[i]);
    }
}

void mdg_tanh_f32_scalar(size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = mdg_tanh_f32(x[i]);
    }
}

void mdg_sigmoid_f32_scalar(size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = mdg_sigmoid_f32(x[i]);
    }
}

void mdg_cos_f32_scalar(size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = mdg_cos_f32(x[i]);
    }
}

void mdg_relu_f32_scalar(size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = x[i] > 0.0f ? x[i] : 0.0f;
    }
}

void mdg_softmax_f32_scalar(size_t n, float *x) {
    float largest = mdg_max_f32_scalar(n, x);
    for (size_t i = 0; i < n; i++) {
        x[i] = mdg_exp_f32(x[i] - largest);
    }
    float total = mdg_sum_f32_scalar(n, x);
    for (size_t i = 0; i < n; i++) {
        x[i] = x[i] / total;
    }
}
