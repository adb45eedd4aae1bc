#include "base/rng.h"

#include "base/fmath.h"
#include "base/mdg_assert.h"

/* splitmix64 (Steele, Lea, Flood 2014): how xoshiro wants to be seeded. */
static uint64_t splitmix(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

void mdg_rng_seed(mdg_rng *rng, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        rng->s[i] = splitmix(&seed);
    }
}

uint64_t mdg_rng_mix(uint64_t seed, uint64_t stream) {
    uint64_t state = seed;
    uint64_t mixed = splitmix(&state) ^ stream;
    return splitmix(&mixed);
}

uint64_t mdg_rng_next(mdg_rng *rng) {
    uint64_t *s = rng->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* The authors' polynomial for 2^128 steps: the state after them is the sum
 * (xor) of the states after those numbers of steps whose bits are set. */
static void jump(mdg_rng *rng) {
    static const uint64_t polynomial[4] = {
        0x180ec6d33cfd0abau, 0xd5a61266f0c9392cu, 0xa9582618e03fc9aau,
        0x39abdc4529b1661cu};
    mdg_rng sum = {{0, 0, 0, 0}};
    for (int bit = 0; bit < 256; bit++) {
        if ((polynomial[bit / 64] >> (bit % 64) & 1) != 0) {
            for (int i = 0; i < 4; i++) {
                sum.s[i] ^= rng->s[i];
            }
        }
        (void)mdg_rng_next(rng);
    }
    *rng = sum;
}

void mdg_rng_split(mdg_rng *rng, mdg_rng *child) {
    *child = *rng;
    jump(rng);
}

uint32_t mdg_rng_below(mdg_rng *rng, uint32_t bound) {
    mdg_assert(bound != 0);
    uint64_t m = (mdg_rng_next(rng) >> 32) * bound;
    if ((uint32_t)m < bound) {
        uint32_t threshold = (0u - bound) % bound;
        while ((uint32_t)m < threshold) {
            m = (mdg_rng_next(rng) >> 32) * bound;
        }
    }
    return (uint32_t)(m >> 32);
}

float mdg_rng_float(mdg_rng *rng) {
    return (float)(mdg_rng_next(rng) >> 40) * 0x1p-24f;
}

double mdg_rng_double(mdg_rng *rng) {
    return (double)(mdg_rng_next(rng) >> 11) * 0x1p-53;
}

float mdg_rng_normal(mdg_rng *rng) {
    float u, v, s;
    do {
        u = 2.0f * mdg_rng_float(rng) - 1.0f;
        v = 2.0f * mdg_rng_float(rng) - 1.0f;
        s = u * u + v * v;
    } while (s >= 1.0f || s == 0.0f);
    return u * mdg_sqrt_f32(-2.0f * mdg_log_f32(s) / s);
}

void mdg_rng_shuffle(mdg_rng *rng, uint32_t *items, size_t count) {
    mdg_assert(count <= UINT32_MAX);
    for (size_t i = count; i > 1; i--) {
        uint32_t j = mdg_rng_below(rng, (uint32_t)i);
        uint32_t kept = items[i - 1];
        items[i - 1] = items[j];
        items[j] = kept;
    }
}
