/* corpus.h: one number for all that a table of kernels computes. Each family of
 * operations is a part with a file corpus_<family>.c: it runs its operations on
 * seeded inputs of many sizes and adds every result to the hash. */
#ifndef MDG_KERNELS_CORPUS_H
#define MDG_KERNELS_CORPUS_H

#include "kernels/kernels.h"
#include "midge/selftest.h"

/* X(part, the hash that every variant on every target must give) */
#define MDG_CORPUS_PARTS(X)                                                    \
    X(reduce, 0x16d757bau)                                                     \
    X(elementwise, 0x920caac0u)                                                \
    X(activation, 0xffae9e72u)                                                 \
    X(matrix, 0x72c6ad61u)                                                     \
    X(fmath, 0x145bbba1u)                                                      \
    X(gather, 0xe3ef843fu)                                                     \
    X(half, 0xfd32e1b2u)                                                       \
    X(update, 0x60abb32bu)                                                     \
    X(int8, 0xcd8aaa79u)                                                       \
    X(bits, 0xe4f66661u)                                                       \
    X(pq4, 0x1d31df9cu)                                                        \
    X(scan, 0x8d2ea856u)                                                       \
    X(crc, 0x445ef48fu)                                                        \
    X(sparse, 0xe794d490u)                                                     \
    X(gemm_i8, 0xad34ba9bu)

/* Floats in one of the five arrays. */
#define MDG_CORPUS_FLOATS (MIDGE_SELFTEST_BYTES / 5 / sizeof(float))

/* What a part works with; the arrays hold anything at its start. */
typedef struct mdg_corpus {
    const mdg_kernels *k;
    float *a, *b, *c, *d, *e;
    uint32_t seed;
    uint32_t hash; /* FNV-1a over words */
} mdg_corpus;

/* Results, into the hash. Every NaN counts as the same one. */
void mdg_corpus_add(mdg_corpus *s, size_t n, const float *x);
void mdg_corpus_add_word(mdg_corpus *s, uint32_t word);
void mdg_corpus_add_bytes(mdg_corpus *s, size_t n, const void *bytes);
/* Inputs: uniform in [-range, range); with every other value from the corners
 * of the format; random bytes. */
void mdg_corpus_fill(mdg_corpus *s, size_t n, float *x, float range);
void mdg_corpus_fill_special(mdg_corpus *s, size_t n, float *x);
void mdg_corpus_fill_bytes(mdg_corpus *s, size_t n, void *bytes);

/* The parts, in the order of the list. */
#define MDG_CORPUS_DECLARE(part, expected)                                     \
    void mdg_corpus_##part(mdg_corpus *s);
MDG_CORPUS_PARTS(MDG_CORPUS_DECLARE)
#undef MDG_CORPUS_DECLARE

size_t mdg_corpus_count(void);
const char *mdg_corpus_name(size_t index);
uint32_t mdg_corpus_expected(size_t index);
/* The hash of one part; scratch is MIDGE_SELFTEST_BYTES, aligned as float. */
uint32_t mdg_corpus_run(const mdg_kernels *k, size_t index, void *scratch);

#endif
