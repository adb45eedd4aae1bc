/* slab.h: one block of memory, cut into runs of floats that start on 64 bytes.
 * A layout function calls mdg_slab_take for each run, and is called twice:
 * first without a base, to count, then to get the pointers. */
#ifndef MDG_SLAB_H
#define MDG_SLAB_H

#include "midge/env.h"

typedef struct mdg_slab {
    const midge_env *env;
    float *base;
    size_t count; /* floats taken so far */
    int overflow;
} mdg_slab;

float *mdg_slab_take(mdg_slab *slab, size_t rows, size_t columns);
/* After counting: allocates, and starts again. */
midge_status mdg_slab_allocate(mdg_slab *slab, size_t *total);

#endif
