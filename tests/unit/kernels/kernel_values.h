/* kernel_values.h: inputs for kernel tests and the comparison of their bits. */
#ifndef TEST_KERNEL_VALUES_H
#define TEST_KERNEL_VALUES_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static inline float random_float(uint32_t *seed, float range) {
    return ((float)next_random(seed) * 0x1p-23f - 1.0f) * range;
}

static inline void fill_plain(uint32_t *seed, size_t n, float *x, float range) {
    for (size_t i = 0; i < n; i++) {
        x[i] = random_float(seed, range);
    }
}

/* About one value in `rarity` is a corner of the format. */
static inline void fill_corners(uint32_t *seed, size_t n, float *x,
                                uint32_t rarity) {
    static const float corner[] = {
        0.0f,        -0.0f,          0x1p-149f, -0x1p-149f,
        0x1.8p-130f, INFINITY,       -INFINITY, NAN,
        0x1p-126f,   3.4028235e38f,  88.72283f, -103.9f,
        12000.5f,    -1e30f,         0.625f,    12000.0f,
        1.0f,        -3.4028235e38f, -88.0f,    1e-10f};
    fill_plain(seed, n, x, 30.0f);
    for (size_t i = 0; i < n; i++) {
        if (next_random(seed) % rarity == 0) {
            x[i] = corner[next_random(seed) % (sizeof corner / sizeof *corner)];
        }
    }
}

/* A copy without a byte to spare, to be freed: a sanitizer sees what is touched
 * beyond. */
static inline void *exact_copy(size_t bytes, const void *from) {
    void *copy = malloc(bytes);
    if (bytes > 0 && !copy) {
        abort();
    }
    if (bytes > 0) {
        memcpy(copy, from, bytes);
    }
    return copy;
}

/* Equal bits, or both NaN. */
static inline int same_bits(size_t n, const float *x, const float *y) {
    for (size_t i = 0; i < n; i++) {
        if (memcmp(x + i, y + i, sizeof *x) != 0 &&
            !(isnan(x[i]) && isnan(y[i]))) {
            return 0;
        }
    }
    return 1;
}

#endif
