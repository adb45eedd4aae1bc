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

static void back(mdg_corpus *s, void (*f)(size_t n, const float *x, float *g)) {
    for (size_t n = 0; n < 70; n += 3) {
        mdg_corpus_fill(s, n, s->a, n % 2 == 0 ? 4.0f : 120.0f);
        mdg_corpus_fill(s, n, s->b, 1.0f);
        f(n, s->a, s->b);
        mdg_corpus_add(s, n, s->b);
        mdg_corpus_fill_special(s, n, s->a);
        mdg_corpus_fill(s, n, s->b, 1.0f);
        f(n, s->a, s->b);
        mdg_corpus_add(s, n, s->b);
    }
}

static void log_sum_exp(mdg_corpus *s) {
    for (size_t n = 0; n < 70; n += 3) {
        mdg_corpus_fill(s, n, s->a, n % 2 == 0 ? 4.0f : 120.0f);
        s->b[0] = MDG_KERNEL(s->k, log_sum_exp_f32)(n, s->a);
        mdg_corpus_add(s, 1, s->b);
    }
}

void mdg_corpus_activation(mdg_corpus *s) {
    map(s, MDG_KERNEL(s->k, exp_f32));
    map(s, MDG_KERNEL(s->k, tanh_f32));
    map(s, MDG_KERNEL(s->k, sigmoid_f32));
    map(s, MDG_KERNEL(s->k, cos_f32));
    map(s, MDG_KERNEL(s->k, relu_f32));
    map(s, MDG_KERNEL(s->k, softmax_f32));
    map(s, MDG_KERNEL(s->k, sin_f32));
    map(s, MDG_KERNEL(s->k, gelu_f32));
    map(s, MDG_KERNEL(s->k, silu_f32));
    map(s, MDG_KERNEL(s->k, elliot_f32));
    log_sum_exp(s);
    back(s, MDG_KERNEL(s->k, sigmoid_back_f32));
    back(s, MDG_KERNEL(s->k, tanh_back_f32));
    back(s, MDG_KERNEL(s->k, relu_back_f32));
    back(s, MDG_KERNEL(s->k, elliot_back_f32));
    back(s, MDG_KERNEL(s->k, gelu_back_f32));
    back(s, MDG_KERNEL(s->k, silu_back_f32));
    back(s, MDG_KERNEL(s->k, softmax_back_f32));
}
