/* int8_scalar.c: dot, l2sq and cosine of bytes, the definition. */
#include "kernels/scalar.h"

int32_t mdg_dot_i8_scalar(size_t n, const int8_t *a, const int8_t *b) {
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

uint32_t mdg_dot_u8_scalar(size_t n, const uint8_t *a, const uint8_t *b) {
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (uint32_t)(a[i] * b[i]);
    }
    return sum;
}

uint32_t mdg_l2sq_i8_scalar(size_t n, const int8_t *a, const int8_t *b) {
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        int d = a[i] - b[i];
        sum += (uint32_t)(d * d);
    }
    return sum;
}

uint32_t mdg_l2sq_u8_scalar(size_t n, const uint8_t *a, const uint8_t *b) {
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        int d = a[i] - b[i];
        sum += (uint32_t)(d * d);
    }
    return sum;
}

void mdg_cosine_i8_scalar(size_t n, const int8_t *a, const int8_t *b,
                          int32_t *out) {
    out[0] = mdg_dot_i8_scalar(n, a, b);
    out[1] = mdg_dot_i8_scalar(n, a, a);
    out[2] = mdg_dot_i8_scalar(n, b, b);
}

#define GATHER(op, type, result)                                               \
    void mdg_gather_##op##_scalar(size_t count, const uint32_t *index,         \
                                  size_t cols, const type *a, size_t lda,      \
                                  const type *x, result *out) {                \
        for (size_t i = 0; i < count; i++) {                                   \
            size_t row = index ? index[i] : i;                                 \
            out[i] = mdg_##op##_scalar(cols, a + row * lda, x);                \
        }                                                                      \
    }
GATHER(dot_i8, int8_t, int32_t)
GATHER(dot_u8, uint8_t, uint32_t)
GATHER(l2sq_i8, int8_t, uint32_t)
GATHER(l2sq_u8, uint8_t, uint32_t)
