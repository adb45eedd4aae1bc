/* corpus_matrix.c: matrix.h in the corpus. */
#include "kernels/corpus.h"

static void rows(mdg_corpus *s) {
    for (size_t cols = 1; cols < 80; cols += 13) {
        mdg_corpus_fill(s, 19 * cols, s->a, 1.0f);
        mdg_corpus_fill(s, cols, s->b, 1.0f);
        MDG_KERNEL(s->k, gemv_f32)(19, cols, s->a, cols, s->b, s->c);
        mdg_corpus_add(s, 19, s->c);
        MDG_KERNEL(s->k, transpose_f32)(19, cols, s->a, s->c);
        mdg_corpus_add(s, 19 * cols, s->c);
    }
}

static void transposed(mdg_corpus *s) {
    for (size_t cols = 1; cols < 80; cols += 13) {
        mdg_corpus_fill(s, 19 * cols, s->a, 1.0f);
        mdg_corpus_fill(s, 19, s->b, 1.0f);
        mdg_corpus_fill(s, cols, s->c, 1.0f);
        MDG_KERNEL(s->k, rank1_f32)(19, cols, 0.7f, s->b, s->c, s->a, cols);
        mdg_corpus_add(s, 19 * cols, s->a);
        for (int accumulate = 0; accumulate < 2; accumulate++) {
            MDG_KERNEL(s->k, gemv_t_f32)(19, cols, s->a, cols, s->b, accumulate,
                                         s->c);
            mdg_corpus_add(s, cols, s->c);
        }
    }
}

/* Rows of 0, 1, 2, ... elements. */
static void sparse(mdg_corpus *s) {
    enum { ROWS = 24, ELEMENTS = ROWS * (ROWS - 1) / 2, COLS = 101 };
    uint32_t start[ROWS + 1], column[ELEMENTS];
    unsigned char byte[ELEMENTS];
    mdg_corpus_fill_bytes(s, ELEMENTS, byte);
    mdg_corpus_fill(s, ELEMENTS, s->a, 1.0f);
    mdg_corpus_fill(s, COLS, s->b, 1.0f);
    for (uint32_t i = 0; i <= ROWS; i++) {
        start[i] = i * (i > 0 ? i - 1 : 0) / 2;
    }
    for (size_t i = 0; i < ELEMENTS; i++) {
        column[i] = byte[i] % COLS;
    }
    MDG_KERNEL(s->k, spmv_csr_f32)(ROWS, start, column, s->a, s->b, s->c);
    mdg_corpus_add(s, ROWS, s->c);
}

static void gemm(mdg_corpus *s, size_t m, size_t n, size_t k) {
    mdg_corpus_fill(s, m * k, s->a, 1.0f);
    mdg_corpus_fill(s, k * n, s->b, 1.0f);
    mdg_corpus_fill(s, n, s->e, 1.0f);
    mdg_gemm g = {.m = m,
                  .n = n,
                  .k = k,
                  .a = s->a,
                  .a_row = k,
                  .a_col = 1,
                  .b = s->b,
                  .ldb = n,
                  .c = s->c,
                  .ldc = n,
                  .bias = s->e};
    MDG_KERNEL(s->k, gemm_f32)(&g);
    mdg_corpus_add(s, m * n, s->c);
    g.a_row = 1; /* the same numbers as a transposed A */
    g.a_col = m;
    g.bias = NULL;
    g.accumulate = 1;
    MDG_KERNEL(s->k, gemm_f32)(&g);
    mdg_corpus_add(s, m * n, s->c);
}

void mdg_corpus_matrix(mdg_corpus *s) {
    rows(s);
    for (size_t n = 1; n < 75; n += 6) {
        gemm(s, 1 + n / 4, n, 80 - n);
        gemm(s, n, 75 - n, 7);
    }
    gemm(s, 17, 10, 300); /* more than one block of k */
    gemm(s, 0, 5, 3);
    gemm(s, 3, 5, 0);
    transposed(s);
    sparse(s);
}
