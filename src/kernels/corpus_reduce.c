/* corpus_reduce.c: reduce.h in the corpus. */
#include "kernels/corpus.h"

static void reduce(mdg_corpus *s, size_t n) {
    const float *a = s->a, *b = s->b;
    float *c = s->c;
    c[0] = MDG_KERNEL(s->k, dot_f32)(n, a, b);
    c[1] = MDG_KERNEL(s->k, l2sq_f32)(n, a, b);
    c[2] = MDG_KERNEL(s->k, l1_f32)(n, a, b);
    c[3] = MDG_KERNEL(s->k, sum_f32)(n, a);
    c[4] = MDG_KERNEL(s->k, norm_f32)(n, a);
    c[5] = MDG_KERNEL(s->k, max_f32)(n, a);
    c[6] = MDG_KERNEL(s->k, min_f32)(n, a);
    c[7] = MDG_KERNEL(s->k, absmax_f32)(n, a);
    MDG_KERNEL(s->k, cosine_f32)(n, a, b, c + 8);
    mdg_corpus_add(s, 11, c);
    mdg_corpus_add_word(s, (uint32_t)MDG_KERNEL(s->k, argmax_f32)(n, a));
}

void mdg_corpus_reduce(mdg_corpus *s) {
    for (size_t n = 0; n < 100; n++) {
        mdg_corpus_fill(s, n, s->a, 2.0f);
        mdg_corpus_fill(s, n, s->b, 2.0f);
        reduce(s, n);
        mdg_corpus_fill_special(s, n, s->a);
        reduce(s, n);
    }
}
