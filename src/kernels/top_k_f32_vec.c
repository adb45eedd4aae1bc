/* top_k_f32_vec.c: the k smallest numbers. Most numbers are larger than the
 * worst of the best so far: a block of them is passed over by one branch. */
#include "kernels/lanes.h"
#include "kernels/top_k.h"

size_t NAME(top_k_f32)(size_t n, const float *x, size_t k, float *value,
                       uint32_t *index) {
    if (k == 0) {
        return 0;
    }
    size_t count;
    size_t i = top_k_fill(n, x, k, value, index, &count);
    while (i < n) {
        size_t end = n;
        for (; n - i >= LANES; i += LANES) {
            vi below = {0};
#pragma GCC unroll 4
            for (int j = 0; j < REGS; j++) {
                below |= LOAD(x + i + j * VW) < SPLAT(value[0]);
            }
            if (any_lane(below)) {
                end = i + LANES;
                break;
            }
        }
        for (; i < end; i++) {
            if (x[i] < value[0]) {
                top_k_sift(count, value, index, 0, x[i], (uint32_t)i);
            }
        }
    }
    top_k_sort(count, value, index);
    return count;
}
