/* place.h: arrays that have an element for each row: how they grow, and how
 * their elements move when rows get new numbers; and bits of rows. */
#ifndef MDG_PLACE_H
#define MDG_PLACE_H

#include "midge/index.h"

/* Bits that are set. The compiler's own builtin may be a call to its library,
 * which the core does not have. */
static inline uint32_t mdg_bits_set(uint64_t x) {
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (uint32_t)(x * 0x0101010101010101u >> 56);
}

/* Makes room for `wanted` elements of `stride` bytes, the first `used` of which
 * are kept; new ones are zero when `zeroed`. An array with data and capacity 0
 * lies in memory of somebody else and is copied; of one without data nothing is
 * kept, and all is new. On failure nothing changed. */
midge_status mdg_place_grow(const midge_env *env, void **data,
                            uint32_t *capacity, uint32_t used, uint32_t wanted,
                            size_t stride, int zeroed);
void mdg_place_free(const midge_env *env, void *data, uint32_t capacity,
                    size_t stride);

/* Moves elements to their new places, new_of[row], without memory for a second
 * array; elements of rows that go (UINT32_MAX) are lost. */
typedef struct mdg_mover {
    const midge_env *env;
    const uint32_t *new_of; /* (n_rows), no number twice */
    uint32_t n_rows;
    size_t stride_max;
    uint8_t *taken; /* bits of rows whose element has been taken up */
    uint8_t *hands; /* two elements */
} mdg_mover;

midge_status mdg_mover_init(mdg_mover *mover, const midge_env *env,
                            const uint32_t *new_of, uint32_t n_rows,
                            size_t stride_max);
void mdg_mover_deinit(mdg_mover *mover);
/* stride <= stride_max. Cannot fail. */
void mdg_mover_apply(mdg_mover *mover, void *data, size_t stride);
/* The same for bits, as in midge_index.dead. */
void mdg_mover_apply_bits(mdg_mover *mover, uint8_t *bits);

#endif
