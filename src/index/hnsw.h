/* hnsw.h: what the hnsw_*.c files share. */
#ifndef MDG_HNSW_H
#define MDG_HNSW_H

#include "index/walk.h"

/* ---- hnsw_prune.c: which candidates become links ------------------------- */

/* One per worker. */
typedef struct mdg_pruner {
    const midge_index *index;
    void *room; /* of a scorer */
    uint64_t *keys;
    uint32_t capacity;              /* of keys */
    uint32_t chosen[MDG_WALK_LIST]; /* nodes */
    uint32_t rows[MDG_WALK_LIST];   /* theirs */
    float distances[MDG_WALK_LIST];
} mdg_pruner;

void mdg_pruner_init(mdg_pruner *pruner, const midge_index *index);
void mdg_pruner_deinit(mdg_pruner *pruner);
/* Room for `candidates` keys. */
midge_status mdg_pruner_reserve(mdg_pruner *pruner, uint32_t candidates);

/* Chooses at most `max` of the n candidates, keys in ascending order of their
 * distance to the node that gets the links, into `chosen`; returns how many. A
 * candidate is left out when it is nearer to one that was chosen than to the
 * node: the way leads over that one then (Malkov and Yashunin, algorithm 4). If
 * fewer than `least` are chosen the nearest of those left out are added. */
uint32_t mdg_prune(mdg_pruner *pruner, const mdg_layer *layer,
                   const uint64_t *keys, uint32_t n, uint32_t max,
                   uint32_t least);
/* Links `node` to `sources` too: behind its links while there is room, else to
 * the best of all. */
void mdg_prune_add(mdg_pruner *pruner, const mdg_layer *layer, uint32_t *links,
                   uint32_t node, const uint32_t *sources, uint32_t n);
/* Chooses the links of `node` among the candidates (any order, none twice; no
 * more than were reserved). */
void mdg_prune_replace(mdg_pruner *pruner, const mdg_layer *layer,
                       uint32_t *links, uint32_t node,
                       const uint32_t *candidates, uint32_t n);
/* Writes the chosen as the links of a node. */
void mdg_prune_store(const mdg_pruner *pruner, uint32_t *links, uint32_t n);

/* ---- hnsw_sort.c --------------------------------------------------------- */

void mdg_sort_keys(uint64_t *keys, uint32_t n);

typedef struct mdg_edge {
    uint32_t to, from;
} mdg_edge;
/* By `to`, those with the same as they came. Returns where they are then, in
 * one of the two. */
mdg_edge *mdg_sort_edges(mdg_edge *edges, mdg_edge *room, uint32_t n);

/* ---- hnsw_level.c: upper levels ------------------------------------------ */

/* On how many upper levels a row is: as good as random, and always the same. */
uint32_t mdg_hnsw_level_of(const midge_index *index, uint32_t row);
/* Room for `more` nodes on upper[level]. */
midge_status mdg_level_reserve(midge_index *index, uint32_t level,
                               uint32_t more);
/* A new node without links (there is room). */
uint32_t mdg_level_add(midge_index *index, uint32_t level, uint32_t row,
                       uint32_t down);
void mdg_level_free(midge_index *index, uint32_t level);

/* ---- hnsw_order.c -------------------------------------------------------- */

/* The row that the entry stands for; there is one. */
uint32_t mdg_hnsw_entry_row(const midge_index *index);

/* ---- hnsw_reach.c -------------------------------------------------------- */

/* Links to rows that no way leads to from the entry, until there are none. */
midge_status mdg_hnsw_reach(midge_index *index);

#endif
