/* quantise_scalar.c: floats to bytes and back, the definition. */
#include "kernels/scalar.h"

static int nearest(float v, float least, float largest) {
    if (v != v) {
        return 0;
    }
    v = v > largest ? largest : v;
    v = v < least ? least : v;
    /* A float of this size has no bits below 1: the sum is rounded to the
     * nearest integer, halves to even. */
    const float large = 0x1.8p23f;
    return (int)(v + large - large);
}

void mdg_f32_to_i8_scalar(size_t n, float factor, const float *x, int8_t *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = (int8_t)nearest(x[i] * factor, -127.0f, 127.0f);
    }
}

void mdg_f32_to_u8_scalar(size_t n, float factor, uint8_t zero, const float *x,
                          uint8_t *out) {
    const float least = -(float)zero, largest = least + 255.0f;
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint8_t)(nearest(x[i] * factor, least, largest) + zero);
    }
}

void mdg_i8_to_f32_scalar(size_t n, float factor, const int8_t *x, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)x[i] * factor;
    }
}
