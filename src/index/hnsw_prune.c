/* hnsw_prune.c: which candidates become links of a node. */
#include "base/alloc.h"
#include "index/hnsw.h"

#define ADD_AT_ONCE 256u /* of the new links of a node */

void mdg_pruner_init(mdg_pruner *pruner, const midge_index *index) {
    memset(pruner, 0, sizeof *pruner);
    pruner->index = index;
}

void mdg_pruner_deinit(mdg_pruner *pruner) {
    const midge_env *env = pruner->index->env;
    mdg_release(env, pruner->room, mdg_scorer_bytes(mdg_walked(pruner->index)),
                1);
    mdg_release(env, pruner->keys, pruner->capacity, sizeof(uint64_t));
}

midge_status mdg_pruner_reserve(mdg_pruner *pruner, uint32_t candidates) {
    const midge_env *env = pruner->index->env;
    uint32_t least = MDG_WALK_LIST + ADD_AT_ONCE;
    candidates = candidates < least ? least : candidates;
    if (!pruner->room) {
        pruner->room =
            mdg_alloc(env, mdg_scorer_bytes(mdg_walked(pruner->index)), 1);
    }
    if (candidates > pruner->capacity) {
        uint64_t *grown = mdg_resize(env, pruner->keys, pruner->capacity,
                                     candidates, sizeof *grown);
        if (!grown) {
            return MIDGE_E_NOMEM;
        }
        pruner->keys = grown;
        pruner->capacity = candidates;
    }
    return pruner->room ? MIDGE_OK : MIDGE_E_NOMEM;
}

static uint32_t row_of(const mdg_layer *layer, uint32_t node) {
    return layer->rows ? layer->rows[node] : node;
}

/* Is a row nearer to one that was chosen than `distance`? Measured in chunks
 * that fill the kernels: most that are left out are so by the first. */
static int is_shadowed(mdg_pruner *pruner, uint32_t row, float distance,
                       uint32_t n_chosen) {
    enum { CHUNK = 8 };
    const midge_index *index = pruner->index;
    mdg_scorer scorer;
    if (n_chosen == 0) {
        return 0;
    }
    mdg_scorer_row(mdg_walked(index), row, pruner->room, &scorer);
    for (uint32_t first = 0; first < n_chosen; first += CHUNK) {
        uint32_t n = n_chosen - first < CHUNK ? n_chosen - first : CHUNK;
        mdg_score(&scorer, n, pruner->rows + first, pruner->distances);
        for (uint32_t i = 0; i < n; i++) {
            if (pruner->distances[i] < distance) {
                return 1;
            }
        }
    }
    return 0;
}

static int is_chosen(const mdg_pruner *pruner, uint32_t n, uint32_t node) {
    for (uint32_t i = 0; i < n; i++) {
        if (pruner->chosen[i] == node) {
            return 1;
        }
    }
    return 0;
}

/* The nearest that were left out, until there are `least`. */
static uint32_t fill(mdg_pruner *pruner, const uint64_t *keys, uint32_t n,
                     uint32_t n_chosen, uint32_t least) {
    for (uint32_t i = 0; i < n && n_chosen < least; i++) {
        uint32_t node = mdg_key_node(keys[i]);
        if (!is_chosen(pruner, n_chosen, node)) {
            pruner->chosen[n_chosen++] = node;
        }
    }
    return n_chosen;
}

uint32_t mdg_prune(mdg_pruner *pruner, const mdg_layer *layer,
                   const uint64_t *keys, uint32_t n, uint32_t max,
                   uint32_t least) {
    const midge_metric metric = pruner->index->options.metric;
    uint32_t n_chosen = 0;
    uint32_t n_equal = 0; /* chosen at the distance of keys[i] */
    for (uint32_t i = 0; i < n && n_chosen < max; i++) {
        uint32_t node = mdg_key_node(keys[i]);
        uint32_t row = row_of(layer, node);
        n_equal = i > 0 && keys[i] >> 32 == keys[i - 1] >> 32 ? n_equal : 0;
        if (n_equal >= MDG_EQUAL_MAX && mdg_key_crowds(metric, keys[i])) {
            continue;
        }
        if (!is_shadowed(pruner, row, mdg_key_distance(keys[i]), n_chosen)) {
            pruner->chosen[n_chosen] = node;
            pruner->rows[n_chosen] = row;
            n_chosen++;
            n_equal++;
        }
    }
    return fill(pruner, keys, n, n_chosen, least);
}

void mdg_prune_store(const mdg_pruner *pruner, uint32_t *links, uint32_t n) {
    links[0] = n;
    memcpy(links + 1, pruner->chosen, n * sizeof *links);
}

/* Keys of nodes, by their distance to the scorer's row. */
static void measure(mdg_pruner *pruner, const mdg_layer *layer,
                    const mdg_scorer *scorer, const uint32_t *nodes, uint32_t n,
                    uint64_t *keys) {
    for (uint32_t first = 0; first < n; first += MDG_WALK_LIST) {
        uint32_t part = n - first < MDG_WALK_LIST ? n - first : MDG_WALK_LIST;
        for (uint32_t i = 0; i < part; i++) {
            pruner->rows[i] = row_of(layer, nodes[first + i]);
        }
        mdg_score(scorer, part, pruner->rows, pruner->distances);
        for (uint32_t i = 0; i < part; i++) {
            keys[first + i] = mdg_key(pruner->distances[i], nodes[first + i]);
        }
    }
}

/* Keys of a node's candidates, in order. */
static void sort_candidates(mdg_pruner *pruner, const mdg_layer *layer,
                            uint32_t node, const uint32_t *old, uint32_t n_old,
                            const uint32_t *more, uint32_t n) {
    const midge_index *index = pruner->index;
    mdg_scorer scorer;
    mdg_scorer_row(mdg_walked(index), row_of(layer, node), pruner->room,
                   &scorer);
    measure(pruner, layer, &scorer, old, n_old, pruner->keys);
    measure(pruner, layer, &scorer, more, n, pruner->keys + n_old);
    mdg_sort_keys(pruner->keys, n_old + n);
}

void mdg_prune_replace(mdg_pruner *pruner, const mdg_layer *layer,
                       uint32_t *links, uint32_t node,
                       const uint32_t *candidates, uint32_t n) {
    sort_candidates(pruner, layer, node, NULL, 0, candidates, n);
    n = mdg_prune(pruner, layer, pruner->keys, n, layer->m, layer->m / 2);
    mdg_prune_store(pruner, links, n);
}

void mdg_prune_add(mdg_pruner *pruner, const mdg_layer *layer, uint32_t *links,
                   uint32_t node, const uint32_t *sources, uint32_t n) {
    for (uint32_t first = 0; first < n; first += ADD_AT_ONCE) {
        uint32_t part = n - first < ADD_AT_ONCE ? n - first : ADD_AT_ONCE;
        if (part <= layer->m - links[0]) {
            memcpy(links + 1 + links[0], sources + first, part * sizeof *links);
            links[0] += part;
        } else {
            uint32_t n_old = links[0];
            sort_candidates(pruner, layer, node, links + 1, n_old,
                            sources + first, part);
            mdg_prune_store(pruner, links,
                            mdg_prune(pruner, layer, pruner->keys, n_old + part,
                                      layer->m, layer->m / 2));
        }
    }
}
