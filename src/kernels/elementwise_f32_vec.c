/* elementwise_f32_vec.c: vectors element by element. Moving pointers cost a
 * wasm engine less than an index. */
#include "kernels/vec.h"

#define STEP ((size_t)2 * VW)

void NAME(axpy_f32)(size_t n, float a, const float *x, float *y) {
    for (; n >= STEP; n -= STEP, x += STEP, y += STEP) {
        STORE(y, LOAD(y) + a * LOAD(x));
        STORE(y + VW, LOAD(y + VW) + a * LOAD(x + VW));
    }
    for (size_t i = 0; i < n; i++) {
        y[i] += a * x[i];
    }
}

void NAME(scale_f32)(size_t n, float a, const float *x, float *out) {
    for (; n >= STEP; n -= STEP, x += STEP, out += STEP) {
        STORE(out, a * LOAD(x));
        STORE(out + VW, a * LOAD(x + VW));
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = a * x[i];
    }
}

#define EACH_OF_TWO(name, sign)                                                \
    void NAME(name)(size_t n, const float *a, const float *b, float *out) {    \
        for (; n >= STEP; n -= STEP, a += STEP, b += STEP, out += STEP) {      \
            vf low = LOAD(a) sign LOAD(b);                                     \
            vf high = LOAD(a + VW) sign LOAD(b + VW);                          \
            STORE(out, low);                                                   \
            STORE(out + VW, high);                                             \
        }                                                                      \
        for (size_t i = 0; i < n; i++) {                                       \
            out[i] = a[i] sign b[i];                                           \
        }                                                                      \
    }
EACH_OF_TWO(add_f32, +)
EACH_OF_TWO(sub_f32, -)
EACH_OF_TWO(mul_f32, *)
