/* corpus_int8.c: int8.h in the corpus. */
#include "kernels/corpus.h"

#define ROWS 9

static void corpus_pairs(mdg_corpus *s, size_t n) {
    const mdg_kernels *k = s->k;
    const void *a = s->a, *b = s->b;
    uint32_t out[7] = {(uint32_t)MDG_KERNEL(k, dot_i8)(n, a, b),
                       MDG_KERNEL(k, dot_u8)(n, a, b),
                       MDG_KERNEL(k, l2sq_i8)(n, a, b),
                       MDG_KERNEL(k, l2sq_u8)(n, a, b)};
    MDG_KERNEL(k, cosine_i8)(n, a, b, (int32_t *)out + 4);
    for (int i = 0; i < 7; i++) {
        mdg_corpus_add_word(s, out[i]);
    }
}

static void corpus_rows(mdg_corpus *s, size_t n) {
    static const uint32_t index[ROWS] = {3, 0, 8, 8, 1, 7, 5, 2, 6};
    const mdg_kernels *k = s->k;
    const void *a = s->a, *x = s->b;
    uint32_t out[4][ROWS];
    MDG_KERNEL(k, gather_dot_i8)
    (ROWS, index, n, a, n, x, (int32_t *)out[0]);
    MDG_KERNEL(k, gather_dot_u8)(ROWS, NULL, n, a, n, x, out[1]);
    MDG_KERNEL(k, gather_l2sq_i8)(ROWS, NULL, n, a, n, x, out[2]);
    MDG_KERNEL(k, gather_l2sq_u8)(ROWS, index, n, a, n, x, out[3]);
    for (int i = 0; i < 4 * ROWS; i++) {
        mdg_corpus_add_word(s, out[i / ROWS][i % ROWS]);
    }
}

void mdg_corpus_int8(mdg_corpus *s) {
    for (size_t n = 0; n < 150; n++) {
        mdg_corpus_fill_bytes(s, ROWS * n, s->a);
        mdg_corpus_fill_bytes(s, n, s->b);
        corpus_pairs(s, n);
        corpus_rows(s, n);
    }
    for (size_t n = 0; n < 80; n++) {
        mdg_corpus_fill_special(s, n, s->a);
        MDG_KERNEL(s->k, f32_to_i8)(n, 3.7f, s->a, (int8_t *)s->b);
        mdg_corpus_add_bytes(s, n, s->b);
        MDG_KERNEL(s->k, i8_to_f32)(n, 0.3f, (int8_t *)s->b, s->c);
        mdg_corpus_add(s, n, s->c);
    }
}
