/* pq4_pack.h: the packing of pq4.h, the same for all variants: each vector goes
 * through it once, and there is nothing to gain. */
#ifndef MDG_KERNELS_PQ4_PACK_H
#define MDG_KERNELS_PQ4_PACK_H

#include <string.h>

#include "kernels/pq4.h"

#define HALF (MDG_PQ4_BLOCK / 2)

static inline void pack_codes(size_t n, size_t m, const uint8_t *codes,
                              uint8_t *out) {
    memset(out, 0, MDG_PQ4_BYTES(n, m));
    for (size_t i = 0; i < n; i++) {
        uint8_t *block = out + i / MDG_PQ4_BLOCK * m * HALF;
        for (size_t p = 0; p < m; p++) {
            unsigned code = codes[i * m + p] & 15u;
            unsigned shift = i % MDG_PQ4_BLOCK < HALF ? 0 : 4;
            block[p * HALF + i % HALF] |= (uint8_t)(code << shift);
        }
    }
}

#endif
