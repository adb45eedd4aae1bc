/* reduce_f32_vec.c: dot, l2sq, sum and max over sixteen virtual lanes. */
#include "kernels/lanes.h"

float NAME(dot_f32)(size_t n, const float *a, const float *b) {
    vf s[REGS] = {{0}};
    const float *end = a + (n - n % LANES);
    for (; a != end; a += LANES, b += LANES) {
#pragma GCC unroll 4
        for (int j = 0; j < REGS; j++) {
            s[j] += LOAD(a + j * VW) * LOAD(b + j * VW);
        }
    }
    float total = sum_of_lanes(s);
    for (size_t i = 0; i < n % LANES; i++) {
        total += a[i] * b[i];
    }
    return total;
}

float NAME(l2sq_f32)(size_t n, const float *a, const float *b) {
    vf s[REGS] = {{0}};
    const float *end = a + (n - n % LANES);
    for (; a != end; a += LANES, b += LANES) {
#pragma GCC unroll 4
        for (int j = 0; j < REGS; j++) {
            vf d = LOAD(a + j * VW) - LOAD(b + j * VW);
            s[j] += d * d;
        }
    }
    float total = sum_of_lanes(s);
    for (size_t i = 0; i < n % LANES; i++) {
        float d = a[i] - b[i];
        total += d * d;
    }
    return total;
}

float NAME(sum_f32)(size_t n, const float *x) {
    vf s[REGS] = {{0}};
    const float *end = x + (n - n % LANES);
    for (; x != end; x += LANES) {
#pragma GCC unroll 4
        for (int j = 0; j < REGS; j++) {
            s[j] += LOAD(x + j * VW);
        }
    }
    float total = sum_of_lanes(s);
    for (size_t i = 0; i < n % LANES; i++) {
        total += x[i];
    }
    return total;
}

float NAME(max_f32)(size_t n, const float *x) {
    vf s[REGS];
#pragma GCC unroll 4
    for (int j = 0; j < REGS; j++) {
        s[j] = SPLAT(-__builtin_inff());
    }
    const float *end = x + (n - n % LANES);
    for (; x != end; x += LANES) {
#pragma GCC unroll 4
        for (int j = 0; j < REGS; j++) {
            vf v = LOAD(x + j * VW);
            s[j] = SELECT(v > s[j], v, s[j]);
        }
    }
    float lane[LANES];
    memcpy(lane, s, sizeof lane);
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int j = 0; j < half; j++) {
            lane[j] = lane[j + half] > lane[j] ? lane[j + half] : lane[j];
        }
    }
    float largest = lane[0];
    for (size_t i = 0; i < n % LANES; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    return largest;
}
