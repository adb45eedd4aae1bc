/* activation_f32_scalar.c: activations and their derivatives over an array, the
 * definition. */
#include "base/fmath.h"
#include "kernels/scalar_lanes.h"

#define SILU_LAST 110.0f /* further out the slope is 0 or 1 */

#define EACH(name, f)                                                          \
    void mdg_##name##_scalar(size_t n, float *x) {                             \
        for (size_t i = 0; i < n; i++) {                                       \
            x[i] = f(x[i]);                                                    \
        }                                                                      \
    }
EACH(exp_f32, mdg_exp_f32)
EACH(tanh_f32, mdg_tanh_f32)
EACH(sigmoid_f32, mdg_sigmoid_f32)
EACH(sin_f32, mdg_sin_f32)
EACH(cos_f32, mdg_cos_f32)
EACH(gelu_f32, mdg_gelu_f32)
EACH(silu_f32, mdg_silu_f32)
EACH(elliot_f32, mdg_elliot_f32)

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

float mdg_log_sum_exp_f32_scalar(size_t n, const float *x) {
    float largest = mdg_max_f32_scalar(n, x);
    float shift = __builtin_fabsf(largest) < __builtin_inff() ? largest : 0.0f;
    float s[LANES] = {0};
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            s[j] += mdg_exp_f32(x[i + j] - shift);
        }
    }
    float total = sum_of_lanes(s);
    for (; i < n; i++) {
        total += mdg_exp_f32(x[i] - shift);
    }
    return mdg_log_f32(total) + shift;
}

static float sigmoid_slope(float y) {
    return y * (1.0f - y);
}

static float tanh_slope(float y) {
    return 1.0f - y * y;
}

static float elliot_slope(float y) {
    float rest = 1.0f - __builtin_fabsf(y);
    return rest * rest;
}

static float silu_slope(float x) {
    float a = x > SILU_LAST ? SILU_LAST : x;
    a = a < -SILU_LAST ? -SILU_LAST : a;
    float e = mdg_exp_f32(-__builtin_fabsf(a));
    float d = 1.0f / (1.0f + e);
    float far = x < 0.0f ? e * d : d;
    float near = x < 0.0f ? d : e * d;
    return far * (1.0f + a * near);
}

#define EACH_BACK(name, slope)                                                 \
    void mdg_##name##_scalar(size_t n, const float *y, float *g) {             \
        for (size_t i = 0; i < n; i++) {                                       \
            g[i] = g[i] * slope(y[i]);                                         \
        }                                                                      \
    }
EACH_BACK(sigmoid_back_f32, sigmoid_slope)
EACH_BACK(tanh_back_f32, tanh_slope)
EACH_BACK(elliot_back_f32, elliot_slope)
EACH_BACK(gelu_back_f32, mdg_gelu_slope_f32)
EACH_BACK(silu_back_f32, silu_slope)

void mdg_relu_back_f32_scalar(size_t n, const float *y, float *g) {
    for (size_t i = 0; i < n; i++) {
        g[i] = y[i] > 0.0f ? g[i] : 0.0f;
    }
}

void mdg_softmax_back_f32_scalar(size_t n, const float *y, float *g) {
    float mean = mdg_dot_f32_scalar(n, g, y);
    for (size_t i = 0; i < n; i++) {
        g[i] = y[i] * (g[i] - mean);
    }
}
