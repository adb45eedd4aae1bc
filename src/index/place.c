/* place.c: growing arrays of rows, and moving their elements. */
#include "index/place.h"

#include <string.h>

#include "base/alloc.h"

midge_status mdg_place_grow(const midge_env *env, void **data,
                            uint32_t *capacity, uint32_t used, uint32_t wanted,
                            size_t stride, int zeroed) {
    void *fresh;
    if (wanted <= *capacity || stride == 0) {
        return MIDGE_OK;
    }
    used = *data ? used : 0;
    if (*data && *capacity == 0) {
        fresh = mdg_alloc(env, wanted, stride);
        if (fresh) {
            memcpy(fresh, *data, used * stride);
        }
    } else {
        fresh = mdg_resize(env, *data, *capacity, wanted, stride);
    }
    if (!fresh) {
        return MIDGE_E_NOMEM;
    }
    if (zeroed) {
        memset((char *)fresh + used * stride, 0, (wanted - used) * stride);
    }
    *data = fresh;
    *capacity = wanted;
    return MIDGE_OK;
}

void mdg_place_free(const midge_env *env, void *data, uint32_t capacity,
                    size_t stride) {
    if (capacity > 0) {
        mdg_release(env, data, capacity, stride);
    }
}

/* ---- Moving -------------------------------------------------------------- */

static size_t bits_bytes(uint32_t n_rows) {
    return ((size_t)n_rows + 7) / 8;
}

midge_status mdg_mover_init(mdg_mover *mover, const midge_env *env,
                            const uint32_t *new_of, uint32_t n_rows,
                            size_t stride_max) {
    *mover = (mdg_mover){.env = env,
                         .new_of = new_of,
                         .n_rows = n_rows,
                         .stride_max = stride_max};
    mover->taken = mdg_alloc(env, bits_bytes(n_rows) + 1, 1);
    mover->hands = mdg_alloc(env, 2, stride_max);
    if (!mover->taken || !mover->hands) {
        mdg_mover_deinit(mover);
        return MIDGE_E_NOMEM;
    }
    return MIDGE_OK;
}

void mdg_mover_deinit(mdg_mover *mover) {
    mdg_release(mover->env, mover->taken, bits_bytes(mover->n_rows) + 1, 1);
    mdg_release(mover->env, mover->hands, 2, mover->stride_max);
    mover->taken = NULL;
    mover->hands = NULL;
}

static int take(mdg_mover *mover, uint32_t row) {
    uint8_t bit = (uint8_t)(1u << (row & 7));
    int was = mover->taken[row >> 3] & bit;
    mover->taken[row >> 3] |= bit;
    return !was;
}

/* From `row` on, puts each element where it belongs and takes up what lay
 * there, until a place held nothing that is still wanted. */
static void follow(mdg_mover *mover, uint8_t *data, size_t stride,
                   uint32_t row) {
    uint8_t *held = mover->hands;
    uint8_t *next = mover->hands + mover->stride_max;
    memcpy(held, data + (size_t)row * stride, stride);
    while (row != UINT32_MAX) {
        uint32_t to = mover->new_of[row];
        uint8_t *place = data + (size_t)to * stride;
        int wanted = to < mover->n_rows && mover->new_of[to] != UINT32_MAX &&
                     take(mover, to);
        if (wanted) {
            memcpy(next, place, stride);
        }
        memcpy(place, held, stride);
        uint8_t *swap = held;
        held = next;
        next = swap;
        row = wanted ? to : UINT32_MAX;
    }
}

void mdg_mover_apply(mdg_mover *mover, void *data, size_t stride) {
    if (!data || stride == 0) {
        return;
    }
    memset(mover->taken, 0, bits_bytes(mover->n_rows) + 1);
    for (uint32_t row = 0; row < mover->n_rows; row++) {
        if (mover->new_of[row] != UINT32_MAX && mover->new_of[row] != row &&
            take(mover, row)) {
            follow(mover, data, stride, row);
        }
    }
}

/* `taken` serves as the second array of bits. */
void mdg_mover_apply_bits(mdg_mover *mover, uint8_t *bits) {
    if (!bits) {
        return;
    }
    memset(mover->taken, 0, bits_bytes(mover->n_rows) + 1);
    for (uint32_t row = 0; row < mover->n_rows; row++) {
        uint32_t to = mover->new_of[row];
        if (to != UINT32_MAX && (bits[row >> 3] >> (row & 7) & 1)) {
            (void)take(mover, to);
        }
    }
    memcpy(bits, mover->taken, bits_bytes(mover->n_rows));
}
