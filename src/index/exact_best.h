/* exact_best.h: the k nearest so far, as a heap with the farthest on top. Of
 * equal distances the larger row number is the farther: what is kept does not
 * depend on the order in which rows come. */
#ifndef MDG_EXACT_BEST_H
#define MDG_EXACT_BEST_H

#include <string.h>

#include "midge/index.h"

typedef struct mdg_best {
    midge_neighbour *at; /* (k) */
    uint32_t k;
    uint32_t held;
    float reach; /* what is farther than this is not kept */
} mdg_best;

/* As one number, so that a comparison needs no branch; for distances that are
 * neither NaN nor -0. */
static inline uint64_t mdg_best_key(midge_neighbour one) {
    uint32_t bits;
    memcpy(&bits, &one.distance, sizeof bits);
    bits ^= (bits >> 31) != 0 ? UINT32_MAX : 0x80000000u;
    return (uint64_t)bits << 32 | one.row;
}

static inline int mdg_nearer(midge_neighbour a, midge_neighbour b) {
    return mdg_best_key(a) < mdg_best_key(b);
}

static inline void mdg_best_init(mdg_best *best, midge_neighbour *at,
                                 uint32_t k, float reach) {
    *best = (mdg_best){at, k, 0, reach};
}

/* `one` into the place `i`, or below it while its children are farther. Which
 * of two children goes up cannot be foreseen: no branch decides it. */
static inline void mdg_best_sift(midge_neighbour *at, uint32_t count,
                                 uint32_t i, midge_neighbour one) {
    const uint64_t key = mdg_best_key(one);
    size_t child = 2 * (size_t)i + 1;
    for (; child < count; child = 2 * (size_t)i + 1) {
        const size_t other = child + (child + 1 < count);
        uint64_t farther = mdg_best_key(at[child]);
        const uint64_t second = mdg_best_key(at[other]);
        child = farther < second ? other : child;
        farther = farther < second ? second : farther;
        if (key >= farther) {
            break;
        }
        at[i] = at[child];
        i = (uint32_t)child;
    }
    at[i] = one;
}

/* What overflowed in both directions (a NaN) is as far as can be. */
static inline void mdg_best_offer(mdg_best *best, uint32_t row,
                                  float distance) {
    const float far = __builtin_inff();
    const midge_neighbour one = {row,
                                 distance == distance ? distance + 0.0f : far};
    if (!(one.distance <= best->reach)) {
        return;
    }
    if (best->held < best->k) {
        uint32_t i = best->held++;
        for (; i > 0 && mdg_nearer(best->at[(i - 1) / 2], one);
             i = (i - 1) / 2) {
            best->at[i] = best->at[(i - 1) / 2];
        }
        best->at[i] = one;
    } else if (mdg_nearer(one, best->at[0])) {
        mdg_best_sift(best->at, best->k, 0, one);
    }
    if (best->held == best->k) {
        best->reach = best->at[0].distance;
    }
}

/* Nearest first; then nothing can be offered any more. */
static inline void mdg_best_sort(mdg_best *best) {
    for (uint32_t count = best->held; count > 1;) {
        midge_neighbour last = best->at[--count];
        best->at[count] = best->at[0];
        mdg_best_sift(best->at, count, 0, last);
    }
}

#endif
