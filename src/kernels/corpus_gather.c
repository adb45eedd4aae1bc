/* corpus_gather.c: gather.h in the corpus. */
#include "kernels/corpus.h"

void mdg_corpus_gather(mdg_corpus *s) {
    for (size_t cols = 1; cols < 80; cols += 13) {
        mdg_corpus_fill(s, 19 * cols, s->a, 1.0f);
        mdg_corpus_fill(s, cols, s->b, 1.0f);
        MDG_KERNEL(s->k, l2sq_rows_f32)(19, cols, s->a, cols, s->b, s->c);
        mdg_corpus_add(s, 19, s->c);
    }
}
