/* elementwise_f32_scalar.c: vectors element by element, the definition. */
#include "kernels/scalar.h"

void mdg_axpy_f32_scalar(size_t n, float a, const float *x, float *y) {
    for (size_t i = 0; i < n; i++) {
        y[i] += a * x[i];
    }
}

void mdg_scale_f32_scalar(size_t n, float a, const float *x, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = a * x[i];
    }
}

void mdg_add_f32_scalar(size_t n, const float *a, const float *b, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = a[i] + b[i];
    }
}

void mdg_sub_f32_scalar(size_t n, const float *a, const float *b, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = a[i] - b[i];
    }
}

void mdg_mul_f32_scalar(size_t n, const float *a, const float *b, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = a[i] * b[i];
    }
}
