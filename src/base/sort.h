/* sort.h: whole numbers in order, and floats as whole numbers of that order. */
#ifndef MDG_SORT_H
#define MDG_SORT_H

#include "base/fmath.h"

#include <stddef.h>

/* Ascending. Heap sort: no memory, no bad case. */
void mdg_sort_u64(uint64_t *items, size_t count);

/* Of two numbers the smaller has the smaller key; -0 comes before 0, a NaN last
 * or (negative) first. */
static inline uint32_t mdg_key_of_f32(float x) {
    uint32_t u = mdg_bits_of_f32(x);
    return u >> 31 ? ~u : u | 0x80000000u;
}
static inline float mdg_f32_of_key(uint32_t key) {
    return mdg_f32_of_bits(key >> 31 ? key & 0x7fffffffu : ~key);
}
static inline uint64_t mdg_key_of_f64(double x) {
    uint64_t u = mdg_bits_of_f64(x);
    return u >> 63 ? ~u : u | (uint64_t)1 << 63;
}
static inline double mdg_f64_of_key(uint64_t key) {
    return mdg_f64_of_bits(key >> 63 ? key & ~((uint64_t)1 << 63) : ~key);
}

#endif
