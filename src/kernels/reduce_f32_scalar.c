/* reduce_f32_scalar.c: dot, l2sq, sum and max, the definition. */
#include "kernels/scalar.h"

#define LANES 16

static float sum_of_lanes(float *s) {
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int j = 0; j < half; j++) {
            s[j] = s[j] + s[j + half];
        }
    }
    return s[0];
}

float mdg_dot_f32_scalar(size_t n, const float *a, const float *b) {
    float s[LANES] = {0};
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            s[j] += a[i + j] * b[i + j];
        }
    }
    float total = sum_of_lanes(s);
    for (; i < n; i++) {
        total += a[i] * b[i];
    }
    return total;
}

float mdg_l2sq_f32_scalar(size_t n, const float *a, const float *b) {
    float s[LANES] = {0};
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            float d = a[i + j] - b[i + j];
            s[j] += d * d;
        }
    }
    float total = sum_of_lanes(s);
    for (; i < n; i++) {
        float d = a[i] - b[i];
        total += d * d;
    }
    return total;
}

float mdg_sum_f32_scalar(size_t n, const float *x) {
    float s[LANES] = {0};
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            s[j] += x[i + j];
        }
    }
    float total = sum_of_lanes(s);
    for (; i < n; i++) {
        total += x[i];
    }
    return total;
}

/* The lanes matter here too: they decide between 0 and -0. */
float mdg_max_f32_scalar(size_t n, const float *x) {
    float s[LANES];
    for (int j = 0; j < LANES; j++) {
        s[j] = -__builtin_inff();
    }
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            s[j] = x[i + j] > s[j] ? x[i + j] : s[j];
        }
    }
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int j = 0; j < half; j++) {
            s[j] = s[j + half] > s[j] ? s[j + half] : s[j];
        }
    }
    float largest = s[0];
    for (; i < n; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    return largest;
}
