/* corpus_elementwise.c: elementwise.h in the corpus. */
#include "kernels/corpus.h"

static void change(mdg_corpus *s, size_t n) {
    MDG_KERNEL(s->k, axpy_f32)(n, 0.7f, s->a, s->b);
    mdg_corpus_add(s, n, s->b);
    MDG_KERNEL(s->k, scale_f32)(n, -1.3f, s->a, s->c);
    mdg_corpus_add(s, n, s->c);
    MDG_KERNEL(s->k, add_f32)(n, s->a, s->b, s->c);
    mdg_corpus_add(s, n, s->c);
    MDG_KERNEL(s->k, sub_f32)(n, s->a, s->b, s->c);
    mdg_corpus_add(s, n, s->c);
    MDG_KERNEL(s->k, mul_f32)(n, s->a, s->b, s->b);
    mdg_corpus_add(s, n, s->b);
}

void mdg_corpus_elementwise(mdg_corpus *s) {
    for (size_t n = 0; n < 100; n++) {
        mdg_corpus_fill(s, n, s->a, 2.0f);
        mdg_corpus_fill(s, n, s->b, 2.0f);
        change(s, n);
        mdg_corpus_fill_special(s, n, s->a);
        change(s, n);
    }
}
