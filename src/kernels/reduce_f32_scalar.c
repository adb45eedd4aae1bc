/* reduce_f32_scalar.c: from vectors to a number, the definition. */
#include "base/fmath.h"
#include "kernels/scalar_lanes.h"

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

/* The lanes of the three sums do not touch: three dot products. */
void mdg_cosine_f32_scalar(size_t n, const float *a, const float *b,
                           float *out) {
    out[0] = mdg_dot_f32_scalar(n, a, b);
    out[1] = mdg_dot_f32_scalar(n, a, a);
    out[2] = mdg_dot_f32_scalar(n, b, b);
}

float mdg_l1_f32_scalar(size_t n, const float *a, const float *b) {
    float s[LANES] = {0};
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            s[j] += __builtin_fabsf(a[i + j] - b[i + j]);
        }
    }
    float total = sum_of_lanes(s);
    for (; i < n; i++) {
        total += __builtin_fabsf(a[i] - b[i]);
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

float mdg_norm_f32_scalar(size_t n, const float *x) {
    return mdg_sqrt_f32(mdg_dot_f32_scalar(n, x, x));
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

float mdg_min_f32_scalar(size_t n, const float *x) {
    float s[LANES];
    for (int j = 0; j < LANES; j++) {
        s[j] = __builtin_inff();
    }
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            s[j] = x[i + j] < s[j] ? x[i + j] : s[j];
        }
    }
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int j = 0; j < half; j++) {
            s[j] = s[j + half] < s[j] ? s[j + half] : s[j];
        }
    }
    float smallest = s[0];
    for (; i < n; i++) {
        smallest = x[i] < smallest ? x[i] : smallest;
    }
    return smallest;
}

float mdg_absmax_f32_scalar(size_t n, const float *x) {
    float largest = 0.0f;
    for (size_t i = 0; i < n; i++) {
        float size = __builtin_fabsf(x[i]);
        largest = size > largest ? size : largest;
    }
    return largest;
}

size_t mdg_argmax_f32_scalar(size_t n, const float *x) {
    size_t best = n;
    for (size_t i = 0; i < n; i++) {
        if (x[i] == x[i] && (best == n || x[i] > x[best])) {
            best = i;
        }
    }
    return best;
}
