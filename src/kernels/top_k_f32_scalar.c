/* top_k_f32_scalar.c: the k smallest numbers, the definition. */
#include "kernels/scalar.h"
#include "kernels/top_k.h"

size_t mdg_top_k_f32_scalar(size_t n, const float *x, size_t k, float *value,
                            uint32_t *index) {
    if (k == 0) {
        return 0;
    }
    size_t count;
    size_t i = top_k_fill(n, x, k, value, index, &count);
    for (; i < n; i++) {
        if (x[i] < value[0]) {
            top_k_sift(count, value, index, 0, x[i], (uint32_t)i);
        }
    }
    top_k_sort(count, value, index);
    return count;
}
