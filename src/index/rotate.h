/* rotate.h: a fixed rotation that looks random: whatever axes mattered before,
 * after it the length of a vector is spread over all of them.
 *
 * Rounds of signs and a Walsh-Hadamard transform, some n log n steps. Where the
 * size is no power of two the transform covers the first elements in one round
 * and the last in the next, and in between the two halves are turned into each
 * other by 45 degrees (as in a step of Kac's walk). The signs are the same
 * for ever: codes made with them are stored in files. */
#ifndef MDG_ROTATE_H
#define MDG_ROTATE_H

#include "kernels/kernels.h"
#include "midge/env.h"

typedef struct mdg_rotation {
    const mdg_kernels *kernels;
    uint32_t dim;
    uint32_t size; /* of rotated vectors: at least dim */
    uint32_t span; /* of the transform: the largest power of two up to size */
    uint32_t rounds;
    float *factors; /* (rounds, size): signs, and what keeps lengths */
} mdg_rotation;

/* The size of a rotated vector: the next power of two from 64 on, or, when that
 * is far, a multiple of 16. Frozen: blocks of codes in files have it. */
uint32_t mdg_rotation_size(uint32_t dim);
midge_status mdg_rotation_init(mdg_rotation *rotation, const midge_env *env,
                               const mdg_kernels *kernels, uint32_t dim);
void mdg_rotation_deinit(mdg_rotation *rotation, const midge_env *env);
/* out (size) = factor x (dim), rotated. */
void mdg_rotate(const mdg_rotation *rotation, float factor, const float *x,
                float *out);

#endif
