/* pq4.h: sums over four-bit codes by lookup tables in registers (product
 * quantisation; Andre, Kermarrec, Le Scouarnec, "Cache locality is not enough",
 * VLDB 2015, "fast scan").
 *
 * A vector is m codes c_0..c_(m-1), each 0..15: which of 16 centroids is near
 * in each of its m parts. A query is m tables of 16 small numbers; its distance
 * to a vector is the sum of the entries that the codes pick.
 *
 * Packed codes are blocks of MDG_PQ4_BLOCK vectors, the last one padded with
 * code 0; a block is m groups of 16 bytes, one for each part; byte j of a group
 * holds the code of the block's vector j in its low four bits, that of vector
 * j + 16 in its high ones. */
#ifndef MDG_KERNELS_PQ4_H
#define MDG_KERNELS_PQ4_H

#include <stddef.h>
#include <stdint.h>

#define MDG_PQ4_BLOCK 32  /* vectors of a block */
#define MDG_PQ4_MAX   257 /* parts, at most: 257 * 255 fits in 16 bits */

/* The room for n vectors of m codes, packed. */
#define MDG_PQ4_BYTES(n, m)                                                    \
    (((n) + MDG_PQ4_BLOCK - 1) / MDG_PQ4_BLOCK * (m) * 16)

/* pq4_pack: codes, (n, m), one a byte (its high bits are ignored), to
 * MDG_PQ4_BYTES(n, m) bytes at out.
 * pq4_sums: out[32 b + j] = the sum over the parts p of lut[16 p + code p of
 * vector j of block b], for `blocks` blocks; m <= MDG_PQ4_MAX. The sums of
 * padding are written too. */
/* clang-format off */
#define MDG_PQ4_OPS(X, isa)                                                    \
    X(isa, void, pq4_pack, (size_t n, size_t m, const uint8_t *codes,          \
                            uint8_t *out))                                     \
    X(isa, void, pq4_sums, (size_t m, size_t blocks, const uint8_t *packed,    \
                            const uint8_t *lut, uint16_t *out))
/* clang-format on */

#endif
