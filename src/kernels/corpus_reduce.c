/* corpus_reduce.c: reduce.h in the corpus. */
#include "kernels/corpus.h"

void mdg_corpus_reduce(mdg_corpus *s) {
    for (size_t n = 0; n < 100; n++) {
        mdg_corpus_fill(s, n, s->a, 2.0f);
        mdg_corpus_fill(s, n, s->b, 2.0f);
        s->c[0] = MDG_KERNEL(s->k, dot_f32)(n, s->a, s->b);
        s->c[1] = MDG_KERNEL(s->k, l2sq_f32)(n, s->a, s->b);
        s->c[2] = MDG_KERNEL(s->k, sum_f32)(n, s->a);
        s->c[3] = MDG_KERNEL(s->k, max_f32)(n, s->a);
        mdg_corpus_add(s, 4, s->c);
    }
}
