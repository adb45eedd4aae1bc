/* corpus_gemm_i8.c: gemm_i8.h in the corpus. */
#include "kernels/corpus.h"

#include <string.h>

static void product(mdg_corpus *s, size_t m, size_t n, size_t k) {
    const size_t depth = MDG_GEMM_I8_DEPTH(k), cols = MDG_GEMM_I8_COLS(n);
    int8_t *b = (int8_t *)s->b;
    int32_t *offset = (int32_t *)s->d;
    unsigned char byte;
    mdg_corpus_fill_bytes(s, m * depth, s->a);
    memset(b, 0, depth * cols);
    for (size_t i = 0; i < k * n; i++) {
        mdg_corpus_fill_bytes(s, 1, &byte);
        b[mdg_gemm_i8_at(k, i / n, i % n)] = (int8_t)(byte - 128);
    }
    for (size_t j = 0; j < cols; j++) {
        mdg_corpus_fill_bytes(s, 1, &byte);
        offset[j] = (byte - 100) * 1000;
    }
    mdg_corpus_fill(s, 2 * cols, s->e, 0.01f);
    const mdg_gemm_i8 g = {.m = m,
                           .n = n,
                           .k = k,
                           .a = (const uint8_t *)s->a,
                           .lda = depth,
                           .b = b,
                           .offset = offset,
                           .factor = s->e,
                           .bias = s->e + cols,
                           .c = s->c,
                           .ldc = n};
    MDG_KERNEL(s->k, gemm_i8)(&g);
    mdg_corpus_add(s, m * n, s->c);
}

void mdg_corpus_gemm_i8(mdg_corpus *s) {
    for (size_t n = 1; n < 140; n += 9) {
        product(s, n % 15, n, 3 * n % 100);
    }
    product(s, 3, 20, 0);
    for (size_t n = 0; n < 80; n++) {
        mdg_corpus_fill_special(s, n, s->a);
        MDG_KERNEL(s->k, f32_to_u8)(n, 2.3f, (uint8_t)(3 * n), s->a,
                                    (uint8_t *)s->b);
        mdg_corpus_add_bytes(s, n, s->b);
    }
}
