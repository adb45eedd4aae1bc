/* rotate.c: a fixed rotation that looks random (rotate.h). */
#include "index/rotate.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "base/rng.h"

#define SIZE_STEP  16u
#define SIZE_LEAST 64u
/* A power of two is taken when it is larger by such a share at most: the codes
 * have more bits then, and the rotation a round less. */
#define POWER_SHARE 4u
#define SEED        0x6d69646765726f74u
/* So many rounds make one axis look like noise; with overlapping spans it takes
 * one more, and a step that turns the halves into each other. */
#define ROUNDS         3u
#define ROUNDS_OVERLAP 4u
#define TURN_AFTER     1u
#define HALF_TURN      0.70710678118654752f /* 1 / sqrt(2) */

uint32_t mdg_rotation_size(uint32_t dim) {
    uint32_t size = (dim + SIZE_STEP - 1) / SIZE_STEP * SIZE_STEP;
    uint32_t power = SIZE_LEAST;
    size = size < SIZE_LEAST ? SIZE_LEAST : size;
    while (power < size) {
        power *= 2;
    }
    return power - size <= size / POWER_SHARE ? power : size;
}

/* Elements that the transform of a round begins at. */
static uint32_t first_of(const mdg_rotation *r, uint32_t round) {
    return round % 2 == 0 ? 0 : r->size - r->span;
}

static void fill_factors(mdg_rotation *r) {
    const float inside = 1.0f / mdg_sqrt_f32((float)r->span);
    mdg_rng rng;
    mdg_rng_seed(&rng, SEED);
    for (uint32_t round = 0; round < r->rounds; round++) {
        const uint32_t first = first_of(r, round);
        const float turn =
            r->span != r->size && round == TURN_AFTER + 1 ? HALF_TURN : 1.0f;
        float *factors = r->factors + (size_t)round * r->size;
        for (uint32_t i = 0; i < r->size; i++) {
            float f = i >= first && i - first < r->span ? inside * turn : turn;
            factors[i] = (mdg_rng_next(&rng) >> 63) != 0 ? -f : f;
        }
    }
}

midge_status mdg_rotation_init(mdg_rotation *r, const midge_env *env,
                               const mdg_kernels *kernels, uint32_t dim) {
    r->kernels = kernels;
    r->dim = dim;
    r->size = mdg_rotation_size(dim);
    r->span = SIZE_LEAST;
    while (r->span * 2 <= r->size) {
        r->span *= 2;
    }
    r->rounds = r->span == r->size ? ROUNDS : ROUNDS_OVERLAP;
    r->factors = mdg_alloc(env, (size_t)r->rounds * r->size, sizeof(float));
    if (!r->factors) {
        return MIDGE_E_NOMEM;
    }
    fill_factors(r);
    return MIDGE_OK;
}

void mdg_rotation_deinit(mdg_rotation *r, const midge_env *env) {
    mdg_release(env, r->factors, (size_t)r->rounds * r->size, sizeof(float));
    r->factors = NULL;
}

void mdg_rotate(const mdg_rotation *r, float factor, const float *x,
                float *out) {
    const mdg_kernels *k = r->kernels;
    MDG_KERNEL(k, scale_f32)(r->dim, factor, x, out);
    memset(out + r->dim, 0, (r->size - r->dim) * sizeof *out);
    for (uint32_t round = 0; round < r->rounds; round++) {
        const float *factors = r->factors + (size_t)round * r->size;
        MDG_KERNEL(k, mul_f32)(r->size, out, factors, out);
        MDG_KERNEL(k, hadamard_f32)(r->span, out + first_of(r, round));
        if (r->span != r->size && round == TURN_AFTER) {
            uint32_t half = r->size / 2;
            MDG_KERNEL(k, butterfly_f32)(half, out, out + half);
        }
    }
}
