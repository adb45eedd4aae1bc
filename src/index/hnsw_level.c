/* hnsw_level.c: the upper levels, each a small graph of its own, and the end of
 * a graph. */
#include "base/alloc.h"
#include "base/rng.h"
#include "index/hnsw.h"

uint32_t mdg_hnsw_level_of(const midge_index *index, uint32_t row) {
    /* One in m of a level's rows is on the next too. */
    uint64_t bound = UINT64_MAX / index->graph.m;
    uint64_t random = mdg_rng_mix(index->options.seed, row);
    uint32_t level = 0;
    while (random < bound && level < MDG_LEVELS_MAX) {
        level++;
        bound /= index->graph.m;
    }
    return level;
}

static size_t links_bytes(const midge_index *index) {
    return (1 + (size_t)index->graph.m) * sizeof(uint32_t);
}

static void free_arrays(const midge_index *index, mdg_level *level) {
    mdg_place_free(index->env, level->row, level->capacity, sizeof(uint32_t));
    mdg_place_free(index->env, level->down, level->capacity, sizeof(uint32_t));
    mdg_place_free(index->env, level->links, level->capacity,
                   links_bytes(index));
}

midge_status mdg_level_reserve(midge_index *index, uint32_t level,
                               uint32_t more) {
    mdg_level *old = &index->graph.upper[level];
    const uint32_t wanted = old->count + more;
    if (wanted <= old->capacity) {
        return MIDGE_OK;
    }
    mdg_level grown = {old->count, wanted + wanted / 2, NULL, NULL, NULL};
    grown.row = mdg_alloc(index->env, grown.capacity, sizeof(uint32_t));
    grown.down = mdg_alloc(index->env, grown.capacity, sizeof(uint32_t));
    grown.links =
        mdg_alloc_zero(index->env, grown.capacity, links_bytes(index));
    if (!grown.row || !grown.down || !grown.links) {
        mdg_release(index->env, grown.row, grown.capacity, sizeof(uint32_t));
        mdg_release(index->env, grown.down, grown.capacity, sizeof(uint32_t));
        mdg_release(index->env, grown.links, grown.capacity,
                    links_bytes(index));
        return MIDGE_E_NOMEM;
    }
    if (old->count > 0) {
        memcpy(grown.row, old->row, old->count * sizeof(uint32_t));
        memcpy(grown.down, old->down, old->count * sizeof(uint32_t));
        memcpy(grown.links, old->links, old->count * links_bytes(index));
    }
    free_arrays(index, old);
    *old = grown;
    return MIDGE_OK;
}

uint32_t mdg_level_add(midge_index *index, uint32_t level, uint32_t row,
                       uint32_t down) {
    mdg_level *l = &index->graph.upper[level];
    uint32_t node = l->count++;
    l->row[node] = row;
    l->down[node] = down;
    mdg_level_links(l, index->graph.m, node)[0] = 0;
    return node;
}

void mdg_level_free(midge_index *index, uint32_t level) {
    mdg_level *l = &index->graph.upper[level];
    free_arrays(index, l);
    *l = (mdg_level){0, 0, NULL, NULL, NULL};
}

void mdg_hnsw_free(midge_index *index) {
    mdg_graph *g = &index->graph;
    for (uint32_t i = 0; i < MDG_LEVELS_MAX; i++) {
        mdg_level_free(index, i);
    }
    mdg_place_free(index->env, g->links, g->capacity,
                   (1 + (size_t)g->m0) * sizeof(uint32_t));
    g->links = NULL;
    g->capacity = 0;
    g->n_levels = 0;
    g->entry = MDG_NO_NODE;
}
