/* corpus_scan.c: scan.h in the corpus. */
#include "kernels/corpus.h"

static void rows(mdg_corpus *s, size_t cols) {
    uint32_t *index = (uint32_t *)s->d;
    const size_t chosen = cols % 23;
    mdg_corpus_fill(s, 19 * cols, s->a, 1.0f);
    mdg_corpus_fill(s, cols, s->b, 1.0f);
    MDG_KERNEL(s->k, l1_rows_f32)(19, cols, s->a, cols, s->b, s->c);
    mdg_corpus_add(s, 19, s->c);
    for (uint32_t i = 0; i < chosen; i++) {
        index[i] = (i * 7 + 5) % 19;
    }
    MDG_KERNEL(s->k, gather_l1_f32)
    (chosen, index, cols, s->a, cols, s->b, s->c);
    mdg_corpus_add(s, chosen, s->c);
}

static void pick(mdg_corpus *s, size_t n, float scale, float bias) {
    uint32_t *index = (uint32_t *)s->c;
    size_t count =
        MDG_KERNEL(s->k, pick_f32)(n, s->a, scale, bias, s->b, index);
    mdg_corpus_add_word(s, (uint32_t)count);
    mdg_corpus_add_bytes(s, count * sizeof *index, index);
}

void mdg_corpus_scan(mdg_corpus *s) {
    for (size_t cols = 1; cols < 80; cols += 13) {
        rows(s, cols);
    }
    for (size_t n = 0; n < 300; n += 19) {
        mdg_corpus_fill(s, n, s->a, 1.0f);
        mdg_corpus_fill(s, n, s->b, 0.2f);
        pick(s, n, 1.0f, 0.0f);
        pick(s, n, 0.1f, -0.3f);
        mdg_corpus_fill_special(s, n, s->a);
        pick(s, n, 2.0f, 0.5f);
    }
}
