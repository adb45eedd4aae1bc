/* base_entry.c: what JavaScript calls in midge-vectors-*.wasm and
 * midge-kernels-*.wasm beside their operations (kernels_exports.h): what the
 * base room offers to those who compute with vectors. */
#include "base/rng.h"
#include "entry.h"
#include "kernels/kernels.h"

EXPORT(isa) const char *entry_isa(void);
EXPORT(rng_seed) void entry_rng_seed(mdg_rng *rng, uint64_t seed);
EXPORT(rng_mix) uint64_t entry_rng_mix(uint64_t seed, uint64_t stream);
EXPORT(rng_next) uint64_t entry_rng_next(mdg_rng *rng);
EXPORT(rng_below) uint32_t entry_rng_below(mdg_rng *rng, uint32_t bound);
EXPORT(rng_double) double entry_rng_double(mdg_rng *rng);
EXPORT(rng_uniform) void entry_rng_uniform(mdg_rng *rng, size_t n, float *out);
EXPORT(rng_normal) void entry_rng_normal(mdg_rng *rng, size_t n, float *out);
EXPORT(rng_shuffle)
void entry_rng_shuffle(mdg_rng *rng, uint32_t *items, size_t n);

const char *entry_isa(void) {
    return mdg_kernels_select(entry_env.cpu)->isa;
}

void entry_rng_seed(mdg_rng *rng, uint64_t seed) {
    mdg_rng_seed(rng, seed);
}

uint64_t entry_rng_mix(uint64_t seed, uint64_t stream) {
    return mdg_rng_mix(seed, stream);
}

uint64_t entry_rng_next(mdg_rng *rng) {
    return mdg_rng_next(rng);
}

uint32_t entry_rng_below(mdg_rng *rng, uint32_t bound) {
    return mdg_rng_below(rng, bound);
}

double entry_rng_double(mdg_rng *rng) {
    return mdg_rng_double(rng);
}

void entry_rng_uniform(mdg_rng *rng, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = mdg_rng_float(rng);
    }
}

void entry_rng_normal(mdg_rng *rng, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = mdg_rng_normal(rng);
    }
}

void entry_rng_shuffle(mdg_rng *rng, uint32_t *items, size_t n) {
    mdg_rng_shuffle(rng, items, n);
}
