/* dropout.c: masks of inverted dropout (Srivastava et al. 2014): what is kept
 * is scaled up while training, so that running a network needs no factor. */
#include "nn/pass.h"

#define STEPS 65536u

void mdg_dropout_init(mdg_dropout *d, float p, uint64_t seed) {
    mdg_rng_seed(&d->rng, seed);
    d->threshold = (uint32_t)(p * (float)STEPS + 0.5f);
    if (d->threshold >= STEPS) { /* p just below 1 must still keep something */
        d->threshold = STEPS - 1;
    }
    d->scale = (float)STEPS / (float)(STEPS - d->threshold);
}

void mdg_dropout_fill(mdg_dropout *d, size_t n, float *mask) {
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint64_t bits = mdg_rng_next(&d->rng);
        for (size_t j = 0; j < 4; j++) {
            uint32_t draw = (uint32_t)(bits >> (16 * j)) & (STEPS - 1);
            mask[i + j] = draw < d->threshold ? 0.0f : d->scale;
        }
    }
    uint64_t bits = i < n ? mdg_rng_next(&d->rng) : 0;
    for (; i < n; i++, bits >>= 16) {
        uint32_t draw = (uint32_t)bits & (STEPS - 1);
        mask[i] = draw < d->threshold ? 0.0f : d->scale;
    }
}
