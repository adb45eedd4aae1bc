/* bits.h: sets of bits, as bytes. */
#ifndef MDG_KERNELS_BITS_H
#define MDG_KERNELS_BITS_H

#include <stddef.h>
#include <stdint.h>

/* n is in bytes: 8 n bits. Which bit of a byte is which does not matter here.
 *
 * popcount: how many bits are set. hamming: in exactly one of a and b;
 * andcount: in both; orcount: in at least one (Jaccard is 1 - and / or).
 * xor, and, or: out = a op b, byte by byte; out may be a or b.
 *
 * gather_hamming: out_i = hamming(row r_i of A, x) for i < count, where
 * r_i = index[i], or r_i = i if index is NULL; A has rows of n < 2^29 bytes,
 * row stride lda bytes. Rows ahead are fetched early. */
/* clang-format off */
#define MDG_BITS_OPS(X, isa)                                                   \
    X(isa, uint64_t, popcount_b1, (size_t n, const uint8_t *a))                \
    X(isa, uint64_t, hamming_b1, (size_t n, const uint8_t *a,                  \
                                  const uint8_t *b))                           \
    X(isa, uint64_t, andcount_b1, (size_t n, const uint8_t *a,                 \
                                   const uint8_t *b))                          \
    X(isa, uint64_t, orcount_b1, (size_t n, const uint8_t *a,                  \
                                  const uint8_t *b))                           \
    X(isa, void, xor_b1, (size_t n, const uint8_t *a, const uint8_t *b,        \
                          uint8_t *out))                                       \
    X(isa, void, and_b1, (size_t n, const uint8_t *a, const uint8_t *b,        \
                          uint8_t *out))                                       \
    X(isa, void, or_b1, (size_t n, const uint8_t *a, const uint8_t *b,         \
                         uint8_t *out))                                        \
    X(isa, void, gather_hamming_b1, (size_t count, const uint32_t *index,      \
                                     size_t n, const uint8_t *a, size_t lda,   \
                                     const uint8_t *x, uint32_t *out))
/* clang-format on */

#endif
