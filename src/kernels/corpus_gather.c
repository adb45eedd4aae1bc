/* corpus_gather.c: gather.h in the corpus. */
#include "kernels/corpus.h"

static void rows(mdg_corpus *s, size_t cols) {
    uint32_t *index = (uint32_t *)s->d;
    const size_t chosen = cols % 23;
    mdg_corpus_fill(s, 19 * cols, s->a, 1.0f);
    mdg_corpus_fill(s, cols, s->b, 1.0f);
    MDG_KERNEL(s->k, l2sq_rows_f32)(19, cols, s->a, cols, s->b, s->c);
    mdg_corpus_add(s, 19, s->c);
    for (uint32_t i = 0; i < chosen; i++) {
        index[i] = (i * 7 + 5) % 19;
    }
    MDG_KERNEL(s->k, gather_dot_f32)
    (chosen, index, cols, s->a, cols, s->b, s->c);
    mdg_corpus_add(s, chosen, s->c);
    MDG_KERNEL(s->k, gather_l2sq_f32)
    (chosen, index, cols, s->a, cols, s->b, s->c);
    mdg_corpus_add(s, chosen, s->c);
}

static void top_k(mdg_corpus *s, size_t n, size_t k) {
    size_t count =
        MDG_KERNEL(s->k, top_k_f32)(n, s->a, k, s->b, (uint32_t *)s->c);
    mdg_corpus_add(s, count, s->b);
    mdg_corpus_add_bytes(s, count * sizeof(uint32_t), s->c);
}

void mdg_corpus_gather(mdg_corpus *s) {
    for (size_t cols = 1; cols < 80; cols += 13) {
        rows(s, cols);
    }
    for (size_t n = 0; n < 200; n += 19) {
        mdg_corpus_fill(s, n, s->a, 1.0f);
        top_k(s, n, n / 5);
        mdg_corpus_fill_special(s, n, s->a);
        top_k(s, n, n % 40);
        top_k(s, n, n + 1);
    }
}
