/* slab.c: cutting one block of memory into runs of floats. */
#include "nn/slab.h"
#include "base/alloc.h"

float *mdg_slab_take(mdg_slab *slab, size_t rows, size_t columns) {
    size_t n;
    if (!mdg_multiply_size(rows, columns, &n) || n > SIZE_MAX / 8 ||
        slab->count > SIZE_MAX / 8) {
        slab->overflow = 1;
        return NULL;
    }
    size_t at = slab->count;
    slab->count = at + (n + 15) / 16 * 16;
    return slab->base ? slab->base + at : NULL;
}

midge_status mdg_slab_allocate(mdg_slab *slab, size_t *total) {
    *total = 0;
    if (slab->overflow) {
        return MIDGE_E_NOMEM;
    }
    slab->base = mdg_alloc(slab->env, slab->count, sizeof(float));
    if (!slab->base) {
        return MIDGE_E_NOMEM;
    }
    *total = slab->count;
    slab->count = 0;
    return MIDGE_OK;
}
