/* bits_vec.c: counts and combinations of bit sets. */
#include "kernels/bytes_vec.h"

enum op { FIRST, XOR, AND, OR };

#define APPLY(op, x, y)                                                        \
    ((op) == XOR   ? (x) ^ (y)                                                 \
     : (op) == AND ? (x) & (y)                                                 \
     : (op) == OR  ? (x) | (y)                                                 \
                   : (x))

/* FIRST does not look at b. */
INLINE vb load_both(enum op op, const uint8_t *a, const uint8_t *b) {
    vb x = LOAD_BYTES(a);
    return op == FIRST ? x : APPLY(op, x, LOAD_BYTES(b));
}

/* counts_of(v): the bits of each part of a register; add_counts: those of up to
 * four registers, added part by part, to lanes. SSE has none: its instruction
 * for 64 bits is faster than a table for 16 bytes. */
#if defined(__AVX512VPOPCNTDQ__)
#define REGISTERS
typedef vq parts;
typedef vq lanes;

INLINE parts counts_of(vb v) {
    return (vq)_mm512_popcnt_epi64((__m512i)v);
}

INLINE lanes add_counts(lanes s, parts counts) {
    return s + counts;
}

#elif defined(__wasm__)
#define REGISTERS
typedef vb parts;
typedef vu lanes; /* an object has less than 2^31 bytes, 2^32 bits a lane */

INLINE parts counts_of(vb v) {
    return (vb)wasm_i8x16_popcnt((v128_t)v);
}

INLINE lanes add_counts(lanes s, parts counts) {
    v128_t pairs = wasm_u16x8_extadd_pairwise_u8x16((v128_t)counts);
    /* At most 64: signed too, which is fewer instructions on x86. */
    return s + (vu)wasm_i32x4_extadd_pairwise_i16x8(pairs);
}

#elif defined(__aarch64__)
#define REGISTERS
typedef vb parts;
typedef vq lanes;

INLINE parts counts_of(vb v) {
    return (vb)vcntq_u8((uint8x16_t)v);
}

INLINE lanes add_counts(lanes s, parts counts) {
    uint32x4_t words = vpaddlq_u16(vpaddlq_u8((uint8x16_t)counts));
    return (vq)vpadalq_u32((uint64x2_t)s, words);
}

#elif VW > 4
#define REGISTERS
typedef vb parts;
typedef vq lanes;

/* By a table of the counts of four bits (W. Mula). */
INLINE parts counts_of(vb v) {
    const __m128i of_four =
        _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
#if VW == 16
    const vx table = _mm512_broadcast_i32x4(of_four);
#else
    const vx table = _mm256_broadcastsi128_si256(of_four);
#endif
    vb low = v & 15, high = (vb)((vh)v >> 4) & 15;
    return (vb)X86(shuffle_epi8)(table, (vx)low) +
           (vb)X86(shuffle_epi8)(table, (vx)high);
}

INLINE lanes add_counts(lanes s, parts counts) {
    return s + (vq)X86(sad_epu8)((vx)counts, (vx)(vb){0});
}
#endif

#if VW < 16
INLINE uint64_t word_at(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* In a wasm module small size comes first. */
#if defined(__wasm__)
#define ONE_COPY static __attribute__((noinline))
#else
#define ONE_COPY INLINE
#endif

/* Less than a register. */
ONE_COPY uint64_t count_rest(enum op op, size_t n, const uint8_t *a,
                             const uint8_t *b) {
    uint64_t sum = 0;
    for (; n >= 8; n -= 8, a += 8, b += 8) {
        uint64_t word = APPLY(op, word_at(a), word_at(b));
        sum += (unsigned)__builtin_popcountll(word);
    }
    for (size_t i = 0; i < n; i++) {
        sum += (unsigned)__builtin_popcount(APPLY(op, a[i], b[i]));
    }
    return sum;
}
#endif

#if defined(REGISTERS)
INLINE uint64_t count(enum op op, size_t n, const uint8_t *a,
                      const uint8_t *b) {
    lanes s = {0};
    for (; n >= 4 * VB; n -= 4 * VB, a += 4 * VB, b += 4 * VB) {
        parts four = counts_of(load_both(op, a, b));
#pragma GCC unroll 3
        for (size_t j = 1; j < 4; j++) {
            four += counts_of(load_both(op, a + j * VB, b + j * VB));
        }
        s = add_counts(s, four);
    }
    for (; n >= VB; n -= VB, a += VB, b += VB) {
        s = add_counts(s, counts_of(load_both(op, a, b)));
    }
#if VW == 16
    if (n > 0) {
        vb v = load_part(a, n);
        v = op == FIRST ? v : APPLY(op, v, load_part(b, n));
        s = add_counts(s, counts_of(v));
    }
    return sum_of_quads(s);
#else
#if defined(__wasm__)
    uint64_t sum = sum_of_words(s);
#else
    uint64_t sum = sum_of_quads(s);
#endif
    return n > 0 ? sum + count_rest(op, n, a, b) : sum;
#endif
}
#else
INLINE uint64_t count(enum op op, size_t n, const uint8_t *a,
                      const uint8_t *b) {
    uint64_t s[2] = {0};
    for (; n >= 32; n -= 32, a += 32, b += 32) {
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            uint64_t word = APPLY(op, word_at(a + 8 * j), word_at(b + 8 * j));
            s[j % 2] += (unsigned)__builtin_popcountll(word);
        }
    }
    return s[0] + s[1] + count_rest(op, n, a, b);
}
#endif

uint64_t NAME(popcount_b1)(size_t n, const uint8_t *a) {
    return count(FIRST, n, a, a);
}

uint64_t NAME(hamming_b1)(size_t n, const uint8_t *a, const uint8_t *b) {
    return count(XOR, n, a, b);
}

uint64_t NAME(andcount_b1)(size_t n, const uint8_t *a, const uint8_t *b) {
    return count(AND, n, a, b);
}

uint64_t NAME(orcount_b1)(size_t n, const uint8_t *a, const uint8_t *b) {
    return count(OR, n, a, b);
}

INLINE void combine(enum op op, size_t n, const uint8_t *a, const uint8_t *b,
                    uint8_t *out) {
    for (; n >= 4 * VB; n -= 4 * VB, a += 4 * VB, b += 4 * VB, out += 4 * VB) {
        vb v[4];
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            v[j] = load_both(op, a + j * VB, b + j * VB);
        }
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            STORE_BYTES(out + j * VB, v[j]);
        }
    }
    for (; n >= VB; n -= VB, a += VB, b += VB, out += VB) {
        STORE_BYTES(out, load_both(op, a, b));
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = APPLY(op, a[i], b[i]);
    }
}

void NAME(xor_b1)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out) {
    combine(XOR, n, a, b, out);
}

void NAME(and_b1)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out) {
    combine(AND, n, a, b, out);
}

void NAME(or_b1)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out) {
    combine(OR, n, a, b, out);
}

#define AHEAD 8

void NAME(gather_hamming_b1)(size_t rows, const uint32_t *index, size_t n,
                             const uint8_t *a, size_t lda, const uint8_t *x,
                             uint32_t *out) {
    for (size_t i = 0; i < rows; i++) {
        if (index && i + AHEAD < rows) {
            fetch_row(a + index[i + AHEAD] * lda, n);
        }
        const uint8_t *row = a + row_of(index, i) * lda;
#if defined(__wasm__)
        out[i] = (uint32_t)NAME(hamming_b1)(n, row, x);
#else
        out[i] = (uint32_t)count(XOR, n, row, x);
#endif
    }
}
