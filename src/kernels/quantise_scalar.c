/* quantise_scalar.c: floats to bytes and back, the definition. */
#include "kernels/scalar.h"

static int8_t nearest(float v) {
    if (v != v) {
        return 0;
    }
    v = v > 127.0f ? 127.0f : v;
    v = v < -127.0f ? -127.0f : v;
    /* A float of this size has no bits below 1: the sum is rounded to the
     * nearest integer, halves to even. */
    const float large = 0x1.8p23f;
    return (int8_t)(v + large - large);
}

void mdg_f32_to_i8_scalar(size_t n, float factor, const float *x, int8_t *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = nearest(x[i] * factor);
    }
}

void mdg_i8_to_f32_scalar(size_t n, float factor, const int8_t *x, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)x[i] * factor;
    }
}
