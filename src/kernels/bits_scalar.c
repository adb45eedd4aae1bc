/* bits_scalar.c: counts and combinations of bit sets, the definition: by words
 * of 64 bits, then by bytes. */
#include <string.h>

#include "kernels/scalar.h"

#define WORD sizeof(uint64_t)

static uint64_t word_at(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Pairs, fours and bytes of bits are added side by side, then all bytes by one
 * product: where there is no instruction, the compiler's own way is a call into
 * its library, which the core does without. */
static unsigned bits_in(uint64_t word) {
#if defined(__wasm__)
    return (unsigned)__builtin_popcountll(word);
#else
    word -= (word >> 1) & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + ((word >> 2) & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)((word * 0x0101010101010101u) >> 56);
#endif
}

#define COUNT(name, op)                                                        \
    uint64_t mdg_##name##_b1_scalar(size_t n, const uint8_t *a,                \
                                    const uint8_t *b) {                        \
        uint64_t count = 0;                                                    \
        size_t i = 0;                                                          \
        for (; n - i >= WORD; i += WORD) {                                     \
            uint64_t word = word_at(a + i) op word_at(b + i);                  \
            count += bits_in(word);                                            \
        }                                                                      \
        for (; i < n; i++) {                                                   \
            count += bits_in((uint64_t)(a[i] op b[i]));                        \
        }                                                                      \
        return count;                                                          \
    }
COUNT(hamming, ^)
COUNT(andcount, &)
COUNT(orcount, |)

uint64_t mdg_popcount_b1_scalar(size_t n, const uint8_t *a) {
    return mdg_orcount_b1_scalar(n, a, a);
}

#define COMBINE(name, op)                                                      \
    void mdg_##name##_b1_scalar(size_t n, const uint8_t *a, const uint8_t *b,  \
                                uint8_t *out) {                                \
        size_t i = 0;                                                          \
        for (; n - i >= WORD; i += WORD) {                                     \
            uint64_t word = word_at(a + i) op word_at(b + i);                  \
            memcpy(out + i, &word, sizeof word);                               \
        }                                                                      \
        for (; i < n; i++) {                                                   \
            out[i] = a[i] op b[i];                                             \
        }                                                                      \
    }
COMBINE(xor, ^)
COMBINE(and, &)
COMBINE(or, |)

void mdg_gather_hamming_b1_scalar(size_t count, const uint32_t *index, size_t n,
                                  const uint8_t *a, size_t lda,
                                  const uint8_t *x, uint32_t *out) {
    for (size_t i = 0; i < count; i++) {
        size_t row = index ? index[i] : i;
        out[i] = (uint32_t)mdg_hamming_b1_scalar(n, a + row * lda, x);
    }
}
