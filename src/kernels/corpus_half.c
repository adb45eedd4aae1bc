/* corpus_half.c: half.h in the corpus. */
#include "kernels/corpus.h"

/* Floats to halves and back to floats. */
static void convert(mdg_corpus *s, size_t n, const float *x) {
    uint16_t *half = (uint16_t *)s->d;
    MDG_KERNEL(s->k, f32_to_f16)(n, x, half);
    mdg_corpus_add_bytes(s, n * sizeof *half, half);
    MDG_KERNEL(s->k, f16_to_f32)(n, half, s->e);
    mdg_corpus_add(s, n, s->e);
    MDG_KERNEL(s->k, f32_to_bf16)(n, x, half);
    mdg_corpus_add_bytes(s, n * sizeof *half, half);
    MDG_KERNEL(s->k, bf16_to_f32)(n, half, s->e);
    mdg_corpus_add(s, n, s->e);
}

/* Any bits are a number of either format. */
static void compare(mdg_corpus *s, size_t n, const uint16_t *a,
                    const uint16_t *b) {
    s->c[0] = MDG_KERNEL(s->k, dot_f16)(n, a, b);
    s->c[1] = MDG_KERNEL(s->k, l2sq_f16)(n, a, b);
    s->c[2] = MDG_KERNEL(s->k, dot_bf16)(n, a, b);
    s->c[3] = MDG_KERNEL(s->k, l2sq_bf16)(n, a, b);
    mdg_corpus_add(s, 4, s->c);
}

static void gather(mdg_corpus *s, size_t cols, const uint16_t *a) {
    static const uint32_t index[9] = {3, 0, 8, 8, 5, 1, 2, 7, 4};
    mdg_corpus_fill(s, cols, s->b, 1.0f);
    MDG_KERNEL(s->k, gather_dot_f16)(9, index, cols, a, cols, s->b, s->c);
    MDG_KERNEL(s->k, gather_l2sq_f16)(9, index, cols, a, cols, s->b, s->c + 9);
    mdg_corpus_add(s, 18, s->c);
}

void mdg_corpus_half(mdg_corpus *s) {
    uint16_t *half = (uint16_t *)s->d;
    for (size_t n = 0; n < 100; n += 3) {
        mdg_corpus_fill(s, n, s->a, n % 2 == 0 ? 2.0f : 1e-4f);
        convert(s, n, s->a);
        mdg_corpus_fill_special(s, n, s->a);
        convert(s, n, s->a);
        mdg_corpus_fill_bytes(s, 4 * n, half);
        compare(s, n, half, half + n);
        mdg_corpus_fill(s, 9 * n, s->a, 2.0f);
        MDG_KERNEL(s->k, f32_to_f16)(9 * n, s->a, half);
        compare(s, n, half, half + n);
        gather(s, n, half);
    }
}
