/* corpus_elementwise.c: elementwise.h in the corpus. */
#include "kernels/corpus.h"

void mdg_corpus_elementwise(mdg_corpus *s) {
    for (size_t n = 0; n < 100; n++) {
        mdg_corpus_fill(s, n, s->a, 2.0f);
        mdg_corpus_fill(s, n, s->b, 2.0f);
        MDG_KERNEL(s->k, axpy_f32)(n, 0.7f, s->a, s->b);
        mdg_corpus_add(s, n, s->b);
    }
}
