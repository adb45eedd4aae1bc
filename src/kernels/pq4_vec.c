/* pq4_vec.c: sums over four-bit codes; a register holds the codes and the
 * tables of VB / 16 parts.
 *
 * Entries are bytes, sums have 16 bits. A register of entries is added as if
 * each pair of bytes were one number, low + 256 high, and the high ones are
 * added once more by themselves: what the low ones sum to is the difference,
 * modulo 2^16, and there it fits.
 */
#include "kernels/bytes_vec.h"
#include "kernels/pq4_pack.h"

typedef uint8_t vb16 __attribute__((vector_size(16)));
typedef uint16_t vh8 __attribute__((vector_size(16)));

/* table[index], 16 entries in each 16 bytes, indices below 16 */
INLINE vb lookup(vb table, vb index) {
#if defined(__wasm__)
    return (vb)wasm_i8x16_swizzle((v128_t)table, (v128_t)index);
#elif defined(__aarch64__)
    return (vb)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)index);
#else
    return (vb)X86(shuffle_epi8)((vx)table, (vx)index);
#endif
}

/* The 16-byte parts of a register, added. */
INLINE vh8 sum_of_parts(vh v) {
    vh8 part[VB / 16];
    memcpy(part, &v, sizeof v);
    vh8 sum = part[0];
    for (size_t j = 1; j < VB / 16; j++) {
        sum += part[j];
    }
    return sum;
}

/* The sums of 16 vectors, in order: those at even places and at odd ones. */
INLINE void store_sums(vh pairs, vh high, uint16_t *out) {
    vh8 odd = sum_of_parts(high);
    vh8 even = sum_of_parts(pairs) - (odd << 8);
    vh8 first = __builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
    vh8 second = __builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15);
    memcpy(out, &first, sizeof first);
    memcpy(out + 8, &second, sizeof second);
}

typedef struct sums {
    vh pairs[2], high[2]; /* of vectors 0 to 15, 16 to 31 */
} sums;

INLINE void add_entries(sums *s, vb codes, vb table) {
    vb index[2] = {codes & 15, (vb)((vh)codes >> 4) & 15};
#pragma GCC unroll 2
    for (int j = 0; j < 2; j++) {
        vh entries = (vh)lookup(table, index[j]);
        s->pairs[j] += entries;
        s->high[j] += entries >> 8;
    }
}

/* The groups that do not fill a register. Beside them zeros: entries of 0. */
INLINE void add_rest(sums *s, size_t bytes, const uint8_t *packed,
                     const uint8_t *lut) {
    uint8_t codes[VB] = {0}, table[VB] = {0};
    for (size_t j = 0; j < bytes && j < VB; j += 16) {
        memcpy(codes + j, packed + j, 16);
        memcpy(table + j, lut + j, 16);
    }
    add_entries(s, LOAD_BYTES(codes), LOAD_BYTES(table));
}

void NAME(pq4_sums)(size_t m, size_t blocks, const uint8_t *packed,
                    const uint8_t *lut, uint16_t *out) {
    const size_t bytes = m * HALF;
    for (size_t b = 0; b < blocks; b++, packed += bytes) {
        sums s = {{{0}}, {{0}}};
        size_t i = 0;
        for (; bytes - i >= VB; i += VB) {
            add_entries(&s, LOAD_BYTES(packed + i), LOAD_BYTES(lut + i));
        }
        if (VB > HALF && i < bytes) {
            add_rest(&s, bytes - i, packed + i, lut + i);
        }
        store_sums(s.pairs[0], s.high[0], out);
        store_sums(s.pairs[1], s.high[1], out + HALF);
        out += MDG_PQ4_BLOCK;
    }
}

void NAME(pq4_pack)(size_t n, size_t m, const uint8_t *codes, uint8_t *out) {
    pack_codes(n, m, codes, out);
}
