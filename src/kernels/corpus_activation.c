/* corpus_activation.c: activation.h in the corpus. */
#include "kernels/corpus.h"

static void map(mdg_corpus *s, void (*f)(size_t n, float *x)) {
    for (size_t n = 0; n < 70; n += 3) {
        mdg_corpus_fill(s, n, s->a, n % 2 == 0 ? 4.0f : 120.0f);
        f(n, s->a);
        mdg_corpus_add(s, n, s->a);
        mdg_corpus_fill_special(s, n, s->a);
        f(n, s->a);
        mdg_corpus_add(s, n, s->a);
    }
}

void mdg_corpus_activation(mdg_corpus *s) {
    map(s, MDG_KERNEL(s->k, exp_f32));
    map(s, MDG_KERNEL(s->k, tanh_f32));
    map(s, MDG_KERNEL(s->k, sigmoid_f32));
    map(s, MDG_KERNEL(s->k, cos_f32));
    map(s, MDG_KERNEL(s->k, relu_f32));
    map(s, MDG_KERNEL(s->k, softmax_f32));
}
