/* micro.h: a graph of near neighbours in a few kilobytes of WebAssembly
 * (midge-hnsw-micro.wasm): floats, numbers as ids, l2sq, cosine and ip.
 *
 * The core's own graph (src/index) takes 25 KB without its files: it links in
 * parallel, steps several walks in turn, repairs, reorders. This is the plain
 * algorithm of Malkov and Yashunin (2016), one row after the other, with the
 * core's distances, keys and buffer, and it reads and writes the core's files
 * (spec/formats/index.md): each opens what the other wrote.
 *
 * Deleted rows stay in the graph and are walked through; save and open with the
 * whole module to have them taken out.
 */
#ifndef MIDGE_WASM_MICRO_H
#define MIDGE_WASM_MICRO_H

#include "index/walk.h"

#define MICRO_LEVELS MDG_LEVELS_MAX

/* Nodes of an upper level; on level 0 a row is its own node. All arrays lie in
 * one block, as those of the rows do. */
typedef struct micro_level {
    uint32_t count;
    uint32_t capacity;
    uint32_t *row;
    uint32_t *down;  /* its node on the level below */
    uint32_t *links; /* (capacity, 1 + m) */
} micro_level;

typedef struct micro {
    uint32_t dim, metric, kind, m, ef_construction, ef;
    uint64_t seed;
    uint64_t next_id;
    uint32_t n;
    uint32_t n_dead;
    uint32_t entry;
    uint32_t n_levels;
    uint32_t stride; /* floats of a record: the vector and its factor */
    uint32_t capacity;
    uint64_t *ids;     /* (capacity), as the next; a multiple of 64 */
    uint64_t *visited; /* bits */
    uint32_t *slots;   /* (2 capacity) rows by their ids: row + 1, 0: none */
    uint32_t *links;   /* (capacity, 1 + 2 m) */
    float *rows;
    uint8_t *dead; /* bits */
    micro_level upper[MICRO_LEVELS];
    uint64_t *keys;         /* of a search, */
    uint32_t keys_capacity; /* one more than its buffer is long */
} micro;

/* What is compared with rows. */
typedef struct micro_query {
    const float *x;
    float factor; /* cosine: 1 / |x| */
} micro_query;

/* Room for more rows; 0 without memory. */
int micro_reserve(micro *o, uint32_t rows);
/* Room for another node of a level; 0 without memory. */
int micro_reserve_level(const micro *o, micro_level *level, uint32_t nodes);
void micro_free(micro *o);
/* The row with an id that is alive, or MDG_NO_NODE. */
uint32_t micro_find(const micro *o, uint64_t id);
/* There is room for it. */
void micro_remember(micro *o, uint32_t row);
/* Rows that are stored but not linked; 0 without memory. */
int micro_link(micro *o, uint32_t row);
/* The k nearest rows that live into o->keys (k at most so many as there are):
 * how many; MDG_NO_NODE without memory. */
uint32_t micro_search(micro *o, const float *x, uint32_t k, uint32_t ef,
                      int exact);
/* Fills the factor of a record. */
void micro_prepare(micro *o, uint32_t row);

/* Bytes of the file, in a block of their own; NULL without memory. */
uint8_t *micro_write(micro *o, size_t *size);
/* MIDGE_E_UNSUPPORTED when it holds what this module has not. */
midge_status micro_read(micro *o, const uint8_t *file, size_t size);

/* Without the formatting of midge_fail: that takes 1.5 KB. */
midge_status micro_fail(midge_status status, const char *text);

static inline int micro_dead(const micro *o, uint32_t row) {
    return o->dead[row >> 3] >> (row & 7) & 1;
}

#endif
