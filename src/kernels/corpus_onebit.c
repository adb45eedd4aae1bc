/* corpus_onebit.c: onebit.h in the corpus. */
#include "kernels/corpus.h"

#define PARTS_MAX 40

static void rotations(mdg_corpus *s) {
    for (size_t n = 1; n <= 1024; n *= 2) {
        mdg_corpus_fill(s, n, s->a, 8.0f);
        MDG_KERNEL(s->k, hadamard_f32)(n, s->a);
        mdg_corpus_add(s, n, s->a);
    }
    for (size_t n = 0; n < 40; n++) {
        mdg_corpus_fill(s, n, s->a, 8.0f);
        mdg_corpus_fill(s, n, s->b, 8.0f);
        MDG_KERNEL(s->k, butterfly_f32)(n, s->a, s->b);
        mdg_corpus_add(s, n, s->a);
        mdg_corpus_add(s, n, s->b);
    }
}

static void scan(mdg_corpus *s, size_t m, const uint8_t *lut) {
    const mdg_onebit_terms terms = {3.0f, 0.5f, 0.01f, -1.0f, 4.0f};
    uint8_t *codes = (uint8_t *)s->c;
    mdg_corpus_fill_bytes(s, m * 16, codes);
    mdg_corpus_fill(s, 64, s->d, 2.0f);
    uint32_t below =
        MDG_KERNEL(s->k, onebit_scan)(m, codes, lut, s->d, &terms, s->e);
    mdg_corpus_add(s, MDG_ONEBIT_GROUP, s->e);
    mdg_corpus_add_word(s, below);
}

void mdg_corpus_onebit(mdg_corpus *s) {
    uint8_t *lut = (uint8_t *)s->b;
    rotations(s);
    for (size_t m = 0; m <= PARTS_MAX; m++) {
        mdg_corpus_fill(s, 4 * m, s->a, 1.0f);
        MDG_KERNEL(s->k, onebit_tables)
        (4 * m, s->a, MDG_ONEBIT_TOP / 4.0f, lut);
        mdg_corpus_add_bytes(s, 16 * m, lut);
        scan(s, m, lut);
    }
    /* Sums past 16 bits. */
    mdg_corpus_fill_bytes(s, 16 * 600, lut);
    scan(s, 600, lut);
}
