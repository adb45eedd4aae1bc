/* corpus_update.c: update.h in the corpus. */
#include "kernels/corpus.h"

#include <string.h>

static void adam(mdg_corpus *s) {
    const mdg_adam step = {0.9f, 0.999f, 0.01f, 1.5f, 1e-8f, 1e-4f};
    for (size_t n = 1; n < 70; n += 11) {
        mdg_corpus_fill(s, n, s->a, 1.0f);
        mdg_corpus_fill(s, n, s->b, 1.0f);
        memset(s->c, 0, n * sizeof *s->c);
        memset(s->d, 0, n * sizeof *s->d);
        for (int repeat = 0; repeat < 3; repeat++) {
            MDG_KERNEL(s->k, adam_f32)(n, &step, s->a, s->b, s->c, s->d);
        }
        mdg_corpus_add(s, n, s->b);
        mdg_corpus_add(s, n, s->c);
        mdg_corpus_add(s, n, s->d);
    }
}

static void sgd(mdg_corpus *s) {
    const mdg_sgd step = {0.01f, 0.9f, 1e-4f};
    for (size_t n = 1; n < 70; n += 11) {
        mdg_corpus_fill(s, n, s->a, 1.0f);
        mdg_corpus_fill(s, n, s->b, 1.0f);
        mdg_corpus_fill(s, n, s->c, 1.0f);
        MDG_KERNEL(s->k, sgd_f32)(n, &step, s->a, s->b, s->c);
        mdg_corpus_add(s, n, s->b);
        mdg_corpus_add(s, n, s->c);
    }
}

void mdg_corpus_update(mdg_corpus *s) {
    adam(s);
    sgd(s);
}
