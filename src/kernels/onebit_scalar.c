/* onebit_scalar.c: vectors by one bit a dimension, the definition. */
#include "kernels/scalar.h"

#define GROUP MDG_ONEBIT_GROUP
#define HALF  (GROUP / 2)

void mdg_butterfly_f32_scalar(size_t n, float *a, float *b) {
    for (size_t i = 0; i < n; i++) {
        float x = a[i];
        float y = b[i];
        a[i] = x + y;
        b[i] = x - y;
    }
}

void mdg_hadamard_f32_scalar(size_t n, float *x) {
    for (size_t h = 1; h < n; h *= 2) {
        for (size_t i = 0; i < n; i += 2 * h) {
            mdg_butterfly_f32_scalar(h, x + i, x + i + h);
        }
    }
}

void mdg_onebit_tables_scalar(size_t n, const float *x, float scale,
                              uint8_t *lut) {
    for (size_t p = 0; p < n / 4; p++, x += 4, lut += 16) {
        for (unsigned c = 0; c < 16; c++) {
            int32_t sum = 64;
            for (unsigned j = 0; j < 4; j++) {
                int32_t w = (int32_t)(x[j] * scale);
                int32_t signed_w = (c >> j & 1) != 0 ? w : -w;
                sum += signed_w > 0 ? signed_w : 0;
            }
            lut[c] = (uint8_t)(sum >> 7);
        }
    }
}

uint32_t mdg_onebit_scan_scalar(size_t m, const uint8_t *codes,
                                const uint8_t *lut, const float *factors,
                                const mdg_onebit_terms *terms, float *out) {
    int32_t sums[GROUP] = {0};
    uint32_t below = 0;
    for (size_t p = 0; p < m; p++, codes += HALF, lut += 16) {
        for (size_t j = 0; j < HALF; j++) {
            sums[j] += lut[codes[j] & 15];
            sums[j + HALF] += lut[codes[j] >> 4];
        }
    }
    for (size_t j = 0; j < GROUP; j++) {
        float known = terms->base + terms->tilt * factors[j];
        float found = terms->scale * (float)sums[j] + terms->shift;
        out[j] = known + factors[GROUP + j] * found;
        below |= (uint32_t)(out[j] < terms->limit) << j;
    }
    return below;
}
