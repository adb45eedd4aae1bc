/* pq4_vec.c: sums over four-bit codes, and their packing. */
#include "kernels/pq4_pack.h"
#include "kernels/pq4_sums.h"

void NAME(pq4_sums)(size_t m, size_t blocks, const uint8_t *packed,
                    const uint8_t *lut, uint16_t *out) {
    for (size_t b = 0; b < blocks; b++) {
        block_sums(m, packed, lut, out);
        packed += m * HALF;
        out += MDG_PQ4_BLOCK;
    }
}

void NAME(pq4_pack)(size_t n, size_t m, const uint8_t *codes, uint8_t *out) {
    pack_codes(n, m, codes, out);
}
