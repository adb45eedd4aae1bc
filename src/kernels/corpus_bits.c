/* corpus_bits.c: bits.h in the corpus. */
#include "kernels/corpus.h"

void mdg_corpus_bits(mdg_corpus *s) {
    const mdg_kernels *k = s->k;
    uint8_t *a = (uint8_t *)s->a, *b = (uint8_t *)s->b, *out = (uint8_t *)s->c;
    for (size_t n = 0; n < 300; n++) {
        mdg_corpus_fill_bytes(s, n + 2, a);
        mdg_corpus_fill_bytes(s, n, b);
        uint32_t count[7] = {(uint32_t)MDG_KERNEL(k, popcount_b1)(n, a),
                             (uint32_t)MDG_KERNEL(k, hamming_b1)(n, a, b),
                             (uint32_t)MDG_KERNEL(k, andcount_b1)(n, a, b),
                             (uint32_t)MDG_KERNEL(k, orcount_b1)(n, a, b)};
        MDG_KERNEL(k, gather_hamming_b1)(3, NULL, n, a, 1, b, count + 4);
        for (int i = 0; i < 7; i++) {
            mdg_corpus_add_word(s, count[i]);
        }
        MDG_KERNEL(k, xor_b1)(n, a, b, out);
        mdg_corpus_add_bytes(s, n, out);
        MDG_KERNEL(k, and_b1)(n, a, b, out);
        mdg_corpus_add_bytes(s, n, out);
        MDG_KERNEL(k, or_b1)(n, a, b, out);
        mdg_corpus_add_bytes(s, n, out);
    }
}
