/* elementwise_f32_vec.c: vectors element by element. */
#include "kernels/vec.h"

void NAME(axpy_f32)(size_t n, float a, const float *x, float *y) {
    size_t i = 0;
    for (; n - i >= 2 * VW; i += 2 * VW) {
        STORE(y + i, LOAD(y + i) + a * LOAD(x + i));
        STORE(y + i + VW, LOAD(y + i + VW) + a * LOAD(x + i + VW));
    }
    for (; i < n; i++) {
        y[i] += a * x[i];
    }
}

void NAME(scale_f32)(size_t n, float a, const float *x, float *out) {
    size_t i = 0;
    for (; n - i >= 2 * VW; i += 2 * VW) {
        STORE(out + i, a * LOAD(x + i));
        STORE(out + i + VW, a * LOAD(x + i + VW));
    }
    for (; i < n; i++) {
        out[i] = a * x[i];
    }
}

#define EACH_OF_TWO(name, sign)                                                \
    void NAME(name)(size_t n, const float *a, const float *b, float *out) {    \
        size_t i = 0;                                                          \
        for (; n - i >= 2 * VW; i += 2 * VW) {                                 \
            STORE(out + i, LOAD(a + i) sign LOAD(b + i));                      \
            STORE(out + i + VW, LOAD(a + i + VW) sign LOAD(b + i + VW));       \
        }                                                                      \
        for (; i < n; i++) {                                                   \
            out[i] = a[i] sign b[i];                                           \
        }                                                                      \
    }
EACH_OF_TWO(add_f32, +)
EACH_OF_TWO(sub_f32, -)
EACH_OF_TWO(mul_f32, *)
