/* corpus_sparse.c: sparse.h in the corpus. */
#include "kernels/corpus.h"

/* Every other element, or every third, ... is left; none for `every` 0. */
static void product(mdg_corpus *s, size_t m, size_t n, size_t k, size_t every) {
    uint32_t *start = (uint32_t *)s->d;
    uint32_t *column = start + m + 1;
    float *value = s->e;
    mdg_corpus_fill(s, m * k, s->a, 1.0f);
    mdg_corpus_fill(s, k * n, s->b, 1.0f);
    for (size_t i = 0; i < m * k; i++) {
        s->a[i] = every > 0 && i % every == 0 ? s->a[i] : 0.0f;
    }
    const size_t count = MDG_KERNEL(s->k, compress_f32)(m, k, s->a, k, m * k,
                                                        start, column, value);
    mdg_corpus_add_word(s, (uint32_t)count);
    mdg_corpus_add_bytes(s, (m + 1) * sizeof *start, start);
    mdg_corpus_add_bytes(s, count * sizeof *column, column);
    mdg_corpus_add(s, count, value);
    mdg_spmm p = {.m = m,
                  .n = n,
                  .row_start = start,
                  .column = column,
                  .value = value,
                  .b = s->b,
                  .ldb = n,
                  .c = s->c,
                  .ldc = n};
    MDG_KERNEL(s->k, spmm_csr_f32)(&p);
    mdg_corpus_add(s, m * n, s->c);
    p.bias = s->b;
    MDG_KERNEL(s->k, spmm_csr_f32)(&p);
    mdg_corpus_add(s, m * n, s->c);
}

void mdg_corpus_sparse(mdg_corpus *s) {
    for (size_t n = 1; n < 150; n += 7) {
        product(s, 1 + n % 5, n, 40, n % 4);
    }
    product(s, 70, 10, 50, 3); /* more than one block of rows */
    product(s, 0, 5, 3, 1);
    product(s, 3, 5, 0, 1);
}
