/* name_index.c: open addressing, linear probing, at most 3/4 full; removal
 * shifts back what follows (Knuth 6.4 R), so there are no tombstones. */
#include "swarm/name_index.h"

#include <string.h>

#include "base/alloc.h"
#include "base/mdg_assert.h"

void mdg_name_index_put(mdg_name_index *index, uint32_t hash, uint32_t id) {
    mdg_assert(index->count < index->capacity);
    uint32_t mask = index->capacity - 1;
    uint32_t at = hash & mask;
    while (index->places[at].id != 0) {
        at = (at + 1) & mask;
    }
    index->places[at].hash = hash;
    index->places[at].id = id;
    index->count++;
}

midge_status mdg_name_index_reserve(mdg_name_index *index, const midge_env *env,
                                    uint32_t more) {
    uint64_t need = (uint64_t)index->count + more;
    if (need <= (uint64_t)index->capacity * 3 / 4) {
        return MIDGE_OK;
    }
    uint64_t capacity = index->capacity ? index->capacity : 16;
    while (capacity * 3 / 4 < need) {
        capacity *= 2;
    }
    if (capacity > UINT32_MAX) {
        return MIDGE_E_LIMIT;
    }
    mdg_name_index grown = {0};
    grown.places = mdg_alloc_zero(env, (size_t)capacity, sizeof *grown.places);
    if (!grown.places) {
        return MIDGE_E_NOMEM;
    }
    grown.capacity = (uint32_t)capacity;
    for (uint32_t i = 0; i < index->capacity; i++) {
        if (index->places[i].id != 0) {
            mdg_name_index_put(&grown, index->places[i].hash,
                               index->places[i].id);
        }
    }
    mdg_name_index_release(index, env);
    *index = grown;
    return MIDGE_OK;
}

void mdg_name_index_release(mdg_name_index *index, const midge_env *env) {
    mdg_release(env, index->places, index->capacity, sizeof *index->places);
    memset(index, 0, sizeof *index);
}

void mdg_name_index_clear(mdg_name_index *index) {
    if (index->count > 0) {
        memset(index->places, 0, index->capacity * sizeof *index->places);
        index->count = 0;
    }
}

void mdg_name_index_remove(mdg_name_index *index, uint32_t hash, uint32_t id) {
    if (index->capacity == 0) {
        return;
    }
    uint32_t mask = index->capacity - 1;
    uint32_t hole = hash & mask;
    while (index->places[hole].id != id) {
        if (index->places[hole].id == 0) {
            return;
        }
        hole = (hole + 1) & mask;
    }
    index->count--;
    for (uint32_t at = (hole + 1) & mask; index->places[at].id != 0;
         at = (at + 1) & mask) {
        uint32_t home = index->places[at].hash & mask;
        /* It may move back unless its home lies behind the hole. */
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            index->places[hole] = index->places[at];
            hole = at;
        }
    }
    index->places[hole].id = 0;
}

uint32_t mdg_name_index_next(const mdg_name_index *index, uint32_t hash,
                             uint32_t *cursor) {
    if (index->capacity == 0) {
        return 0;
    }
    uint32_t mask = index->capacity - 1;
    for (;;) {
        const mdg_index_place *place = &index->places[(hash + *cursor) & mask];
        ++*cursor;
        if (place->id == 0 || place->hash == hash) {
            return place->id;
        }
    }
}
