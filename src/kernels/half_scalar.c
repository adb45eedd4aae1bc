/* half_scalar.c: vectors of 16-bit floats, the definition. */
#include "kernels/half_bits.h"
#include "kernels/scalar_lanes.h"

void mdg_f32_to_f16_scalar(size_t n, const float *x, uint16_t *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = f16_of_f32(x[i]);
    }
}

void mdg_f16_to_f32_scalar(size_t n, const uint16_t *x, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = f32_of_f16(x[i]);
    }
}

void mdg_f32_to_bf16_scalar(size_t n, const float *x, uint16_t *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = bf16_of_f32(x[i]);
    }
}

void mdg_bf16_to_f32_scalar(size_t n, const uint16_t *x, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = f32_of_bf16(x[i]);
    }
}

typedef float widen(uint16_t h);

static inline float dot(size_t n, const uint16_t *a, const uint16_t *b,
                        widen *f32_of) {
    float s[LANES] = {0};
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            s[j] += f32_of(a[i + j]) * f32_of(b[i + j]);
        }
    }
    float total = sum_of_lanes(s);
    for (; i < n; i++) {
        total += f32_of(a[i]) * f32_of(b[i]);
    }
    return total;
}

static inline float l2sq(size_t n, const uint16_t *a, const uint16_t *b,
                         widen *f32_of) {
    float s[LANES] = {0};
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            float d = f32_of(a[i + j]) - f32_of(b[i + j]);
            s[j] += d * d;
        }
    }
    float total = sum_of_lanes(s);
    for (; i < n; i++) {
        float d = f32_of(a[i]) - f32_of(b[i]);
        total += d * d;
    }
    return total;
}

float mdg_dot_f16_scalar(size_t n, const uint16_t *a, const uint16_t *b) {
    return dot(n, a, b, f32_of_f16);
}

float mdg_l2sq_f16_scalar(size_t n, const uint16_t *a, const uint16_t *b) {
    return l2sq(n, a, b, f32_of_f16);
}

float mdg_dot_bf16_scalar(size_t n, const uint16_t *a, const uint16_t *b) {
    return dot(n, a, b, f32_of_bf16);
}

float mdg_l2sq_bf16_scalar(size_t n, const uint16_t *a, const uint16_t *b) {
    return l2sq(n, a, b, f32_of_bf16);
}

/* A stored row and a vector of floats. */
static float dot_with_floats(size_t n, const uint16_t *a, const float *x) {
    float s[LANES] = {0};
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            s[j] += f32_of_f16(a[i + j]) * x[i + j];
        }
    }
    float total = sum_of_lanes(s);
    for (; i < n; i++) {
        total += f32_of_f16(a[i]) * x[i];
    }
    return total;
}

static float l2sq_from_floats(size_t n, const uint16_t *a, const float *x) {
    float s[LANES] = {0};
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            float d = f32_of_f16(a[i + j]) - x[i + j];
            s[j] += d * d;
        }
    }
    float total = sum_of_lanes(s);
    for (; i < n; i++) {
        float d = f32_of_f16(a[i]) - x[i];
        total += d * d;
    }
    return total;
}

void mdg_gather_dot_f16_scalar(size_t count, const uint32_t *index, size_t cols,
                               const uint16_t *a, size_t lda, const float *x,
                               float *out) {
    for (size_t i = 0; i < count; i++) {
        out[i] = dot_with_floats(cols, a + index[i] * lda, x);
    }
}

void mdg_gather_l2sq_f16_scalar(size_t count, const uint32_t *index,
                                size_t cols, const uint16_t *a, size_t lda,
                                const float *x, float *out) {
    for (size_t i = 0; i < count; i++) {
        out[i] = l2sq_from_floats(cols, a + index[i] * lda, x);
    }
}
