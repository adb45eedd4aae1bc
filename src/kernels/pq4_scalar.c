/* pq4_scalar.c: sums over four-bit codes and their packing, the definition. */
#include <string.h>

#include "kernels/pq4_pack.h"
#include "kernels/scalar.h"

void mdg_pq4_pack_scalar(size_t n, size_t m, const uint8_t *codes,
                         uint8_t *out) {
    pack_codes(n, m, codes, out);
}

void mdg_pq4_sums_scalar(size_t m, size_t blocks, const uint8_t *packed,
                         const uint8_t *lut, uint16_t *out) {
    memset(out, 0, blocks * MDG_PQ4_BLOCK * sizeof *out);
    for (size_t b = 0; b < blocks; b++, out += MDG_PQ4_BLOCK) {
        for (size_t p = 0; p < m; p++, packed += HALF) {
            for (size_t j = 0; j < HALF; j++) {
                const uint8_t *table = lut + p * 16;
                out[j] += table[packed[j] & 15];
                out[j + HALF] += table[packed[j] >> 4];
            }
        }
    }
}
