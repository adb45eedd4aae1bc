/* top_k.h: the k best so far as a heap in the caller's two arrays, the worst of
 * them on top: the larger value, of equal values the larger index. A number
 * that comes later must be strictly smaller than the top to take its place. */
#ifndef MDG_KERNELS_TOP_K_H
#define MDG_KERNELS_TOP_K_H

#include <stddef.h>
#include <stdint.h>

static inline int top_k_worse(float v, uint32_t i, float than_v,
                              uint32_t than_i) {
    return v > than_v || (v == than_v && i > than_i);
}

/* (v, i) into the place `at`, or below it, while its children are worse. */
static inline void top_k_sift(size_t count, float *value, uint32_t *index,
                              size_t at, float v, uint32_t i) {
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child +=
            child + 1 < count && top_k_worse(value[child + 1], index[child + 1],
                                             value[child], index[child]);
        if (!top_k_worse(value[child], index[child], v, i)) {
            break;
        }
        value[at] = value[child];
        index[at] = index[child];
        at = child;
    }
    value[at] = v;
    index[at] = i;
}

/* The first k numbers that are no NaN, as a heap. Returns how many elements of
 * x that took; *count is k unless it took all. */
static inline size_t top_k_fill(size_t n, const float *x, size_t k,
                                float *value, uint32_t *index, size_t *count) {
    size_t i = 0, filled = 0;
    for (; i < n && filled < k; i++) {
        if (x[i] == x[i]) {
            value[filled] = x[i];
            index[filled] = (uint32_t)i;
            filled++;
        }
    }
    for (size_t at = filled / 2; at-- > 0;) {
        top_k_sift(filled, value, index, at, value[at], index[at]);
    }
    *count = filled;
    return i;
}

/* From a heap to increasing order. */
static inline void top_k_sort(size_t count, float *value, uint32_t *index) {
    while (count > 1) {
        count--;
        float v = value[count];
        uint32_t i = index[count];
        value[count] = value[0];
        index[count] = index[0];
        top_k_sift(count, value, index, 0, v, i);
    }
}

#endif
