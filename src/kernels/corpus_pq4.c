/* corpus_pq4.c: pq4.h in the corpus. */
#include "kernels/corpus.h"

#define VECTORS 70
#define BLOCKS  3

void mdg_corpus_pq4(mdg_corpus *s) {
    uint8_t *codes = (uint8_t *)s->a, *lut = (uint8_t *)s->b;
    uint8_t *packed = (uint8_t *)s->c;
    uint16_t *sums = (uint16_t *)s->d;
    for (size_t m = 0; m < 20; m++) {
        mdg_corpus_fill_bytes(s, VECTORS * m, codes);
        mdg_corpus_fill_bytes(s, 16 * m, lut);
        MDG_KERNEL(s->k, pq4_pack)(VECTORS, m, codes, packed);
        mdg_corpus_add_bytes(s, MDG_PQ4_BYTES(VECTORS, m), packed);
        MDG_KERNEL(s->k, pq4_sums)(m, BLOCKS, packed, lut, sums);
        for (int i = 0; i < BLOCKS * MDG_PQ4_BLOCK; i++) {
            mdg_corpus_add_word(s, sums[i]);
        }
    }
}
