/* rng.h: xoshiro256** (Blackman & Vigna 2021), seeded by splitmix64. The same
 * numbers everywhere; every user has a stream of its own. */
#ifndef MDG_RNG_H
#define MDG_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct mdg_rng {
    uint64_t s[4];
} mdg_rng;

void mdg_rng_seed(mdg_rng *rng, uint64_t seed);
/* A seed for a named sub-stream: well mixed from both. */
uint64_t mdg_rng_mix(uint64_t seed, uint64_t stream);
/* `child` takes the next 2^128 numbers, and `rng` goes on behind them: however
 * often a generator is split, no two of the parts share a number. A child that
 * is split itself shares its numbers with the later children of its parent:
 * split one of the two only. */
void mdg_rng_split(mdg_rng *rng, mdg_rng *child);
uint64_t mdg_rng_next(mdg_rng *rng);
/* Uniform in [0, bound), unbiased (Lemire 2019); bound >= 1. */
uint32_t mdg_rng_below(mdg_rng *rng, uint32_t bound);
/* Uniform in [0, 1) with 24 bits. */
float mdg_rng_float(mdg_rng *rng);
/* Uniform in [0, 1) with 53 bits. */
double mdg_rng_double(mdg_rng *rng);
/* Standard normal (Marsaglia's polar method over our own log). */
float mdg_rng_normal(mdg_rng *rng);
/* Fisher-Yates; count below 2^32. */
void mdg_rng_shuffle(mdg_rng *rng, uint32_t *items, size_t count);

#endif
