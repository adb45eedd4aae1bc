/* walk.h: one walk over the graph, from its entry to the nearest of a query.
 *
 * A walk goes on in steps: one takes the nearest node not yet looked at and has
 * its neighbours fetched into the caches, the next measures them and has the
 * links of the node that is nearest then fetched. Whoever has several queries
 * (or rows to link) keeps several walks and steps them in turn: while one waits
 * for memory the others compute.
 *
 * What was found lies in one sorted buffer of keys. A key is the distance, as
 * an integer of the same order, above the node, above one bit: has it been
 * looked at? Nodes are below 2^31. So keys are ordered by distance, then by
 * node, and one comparison does it.
 */
#ifndef MDG_WALK_H
#define MDG_WALK_H

#include <string.h>

#include "index/index_internal.h"

/* ---- Keys ---------------------------------------------------------------- */

#define MDG_KEY_LOOKED ((uint64_t)1)

static inline uint64_t mdg_key(float distance, uint32_t node) {
    uint32_t bits;
    memcpy(&bits, &distance, sizeof bits);
    bits ^= (bits >> 31) != 0 ? UINT32_MAX : 0x80000000u;
    return (uint64_t)bits << 32 | (uint64_t)node << 1;
}

static inline uint32_t mdg_key_node(uint64_t key) {
    return (uint32_t)key >> 1;
}

static inline float mdg_key_distance(uint64_t key) {
    uint32_t bits = (uint32_t)(key >> 32);
    float distance;
    bits ^= (bits >> 31) != 0 ? 0x80000000u : UINT32_MAX;
    memcpy(&distance, &bits, sizeof distance);
    return distance;
}

/* ---- The buffer ---------------------------------------------------------- */

typedef struct mdg_buffer {
    uint64_t *keys; /* (limit), ascending */
    uint32_t size;
    uint32_t limit; /* keys kept; room for it is the owner's matter */
    uint32_t next;  /* the first that was not looked at, or size */
} mdg_buffer;

static inline void mdg_buffer_clear(mdg_buffer *b, uint32_t limit) {
    b->size = 0;
    b->limit = limit;
    b->next = 0;
}

/* Is there no room for this key? */
static inline int mdg_buffer_refuses(const mdg_buffer *b, uint64_t key) {
    return b->size == b->limit && key >= b->keys[b->size - 1];
}

/* Where a key belongs. */
static inline uint64_t *mdg_buffer_place(const mdg_buffer *b, uint64_t key) {
    uint64_t *at = b->keys;
    for (uint32_t left = b->size; left > 0;) {
        uint32_t half = left / 2;
        at = at[half] < key ? at + left - half : at;
        left = half;
    }
    return at;
}

static inline void mdg_buffer_put(mdg_buffer *b, uint64_t *at, uint64_t key) {
    uint32_t place = (uint32_t)(at - b->keys);
    b->size += b->size < b->limit;
    memmove(at + 1, at, (size_t)(b->size - 1 - place) * sizeof *at);
    *at = key;
    b->next = place < b->next ? place : b->next;
}

/* Puts a key in its place; the last goes when there are too many. */
static inline void mdg_buffer_insert(mdg_buffer *b, uint64_t key) {
    if (!mdg_buffer_refuses(b, key)) {
        mdg_buffer_put(b, mdg_buffer_place(b, key), key);
    }
}

/* Equal vectors crowd out all others: of one distance so many are enough to be
 * linked to. Bits that differ are whole numbers, often the same for vectors
 * that are not: there only 0 counts. */
#define MDG_EQUAL_MAX 4u

static inline int mdg_key_crowds(midge_metric metric, uint64_t key) {
    return metric != MIDGE_METRIC_HAMMING ||
           key >> 32 == mdg_key(0.0f, 0) >> 32;
}

/* The same, but keys that crowd are refused. */
static inline void
mdg_buffer_insert_distinct(mdg_buffer *b, midge_metric metric, uint64_t key) {
    uint32_t n = 0;
    if (mdg_buffer_refuses(b, key)) {
        return;
    }
    uint64_t *at = mdg_buffer_place(b, key);
    if (mdg_key_crowds(metric, key)) {
        for (uint64_t *i = at; i > b->keys && i[-1] >> 32 == key >> 32; i--) {
            n++;
        }
        for (uint64_t *i = at; i < b->keys + b->size && *i >> 32 == key >> 32;
             i++) {
            n++;
        }
    }
    if (n < MDG_EQUAL_MAX) {
        mdg_buffer_put(b, at, key);
    }
}

/* The nearest that was not looked at (there is one); now it was. */
static inline uint64_t mdg_buffer_take(mdg_buffer *b) {
    uint64_t key = b->keys[b->next];
    b->keys[b->next] |= MDG_KEY_LOOKED;
    do {
        b->next++;
    } while (b->next < b->size && (b->keys[b->next] & MDG_KEY_LOOKED) != 0);
    return key;
}

/* ---- Visited nodes ------------------------------------------------------- */

/* A bit a node, and a log of the words that are not 0: clearing costs as much
 * as was visited, not as much as there is. */
typedef struct mdg_visited {
    uint64_t *words;
    size_t n_words;
    uint32_t *log; /* (log_room) */
    uint32_t n_log;
    uint32_t log_room; /* the last is never logged: full, all is cleared */
} mdg_visited;

/* Visits `count` nodes. Those not visited before are put into `fresh`, which
 * may be `nodes`; returns how many. No branch: nobody could foretell it. */
static inline uint32_t mdg_visit(mdg_visited *v, uint32_t count,
                                 const uint32_t *nodes, uint32_t *fresh) {
    uint64_t *words = v->words;
    uint32_t *log = v->log;
    const uint32_t last = v->log_room - 1;
    uint32_t n_log = v->n_log;
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = nodes[i];
        uint64_t word = words[node >> 6];
        log[n_log] = node >> 6;
        n_log += (uint32_t)(word == 0) & (uint32_t)(n_log < last);
        fresh[n] = node;
        n += (uint32_t)(~(word >> (node & 63)) & 1);
        words[node >> 6] = word | (uint64_t)1 << (node & 63);
    }
    v->n_log = n_log;
    return n;
}

void mdg_visited_clear(mdg_visited *v);
/* Room for `nodes`; all clear. MIDGE_E_NOMEM leaves it as it was. */
midge_status mdg_visited_reserve(const midge_env *env, mdg_visited *v,
                                 size_t nodes);
void mdg_visited_free(const midge_env *env, mdg_visited *v);

/* ---- Levels -------------------------------------------------------------- */

/* A level as a walk sees it. */
typedef struct mdg_layer {
    const uint32_t *links; /* (nodes, 1 + m) */
    const uint32_t *rows;  /* of nodes; NULL: they are the same */
    uint32_t m;
} mdg_layer;

/* Level 0 is the lowest, level i the i-th upper one. */
static inline mdg_layer mdg_layer_of(const midge_index *index, uint32_t level) {
    const mdg_graph *g = &index->graph;
    return level == 0 ? (mdg_layer){g->links, NULL, g->m0}
                      : (mdg_layer){g->upper[level - 1].links,
                                    g->upper[level - 1].row, g->m};
}

static inline const uint32_t *mdg_layer_links(const mdg_layer *layer,
                                              uint32_t node) {
    return layer->links + (size_t)node * (1 + layer->m);
}

/* ---- The walk ------------------------------------------------------------ */

#define MDG_WALK_LIST (2 * MIDGE_INDEX_M_MAX)
/* Walks that a worker steps in turn, at most. In wasm what fetches is a load,
 * which a core does not run past for long: there one walk is 10 % faster. */
#ifdef __wasm__
#define MDG_WALKS 1u
#else
#define MDG_WALKS 4u
#endif
/* Nodes of an upper level that a walk goes down from: from a wrong cluster
 * there is no way back below. With 4 the same recall costs a tenth more. */
#define MDG_WALK_WAYS 2u

/* Does a row count as found? */
typedef int (*mdg_pass_fn)(const void *ctx, uint32_t row);

typedef struct mdg_walk {
    const midge_index *index;
    mdg_scorer scorer;
    void *room; /* of the scorer */
    mdg_layer layer;
    uint32_t level;
    mdg_buffer buffer;
    uint32_t keys_capacity;
    mdg_visited visited;
    /* Only with `pass`: the rows that do, while `buffer` leads the way. The
     * walk ends when `found` is full and nothing nearer is left. */
    mdg_pass_fn pass;
    const void *pass_ctx;
    mdg_buffer found;
    uint32_t found_capacity;
    /* Once so many are nearer (in `buffer`; with `pass` in `found`) a node is
     * looked at only when its key is not above `reach`. */
    uint32_t window;
    uint64_t reach;
    /* Fetched, but not measured. */
    uint32_t n_list;
    uint32_t list[MDG_WALK_LIST]; /* nodes */
    uint32_t rows[MDG_WALK_LIST];
    float distances[MDG_WALK_LIST];
    uint64_t n_distances;
    uint64_t n_steps;
    size_t item;  /* what it walks for */
    int distinct; /* for links: not more than a few of the same distance */
    midge_status status; /* MIDGE_E_CORRUPT ends the walk */
    midge_error *err;
} mdg_walk;

void mdg_walk_init(mdg_walk *walk, const midge_index *index);
void mdg_walk_deinit(mdg_walk *walk, const midge_env *env);
/* Room for buffers of these sizes (found 0: none) and for all nodes of the
 * index; the scorer's room too. */
midge_status mdg_walk_reserve(mdg_walk *walk, uint32_t ef, uint32_t found);
/* Starts at the graph's entry (there is one), with the scorer as it is. On
 * upper levels the nearest MDG_WALK_WAYS are looked for. `ef`: on level 0. */
void mdg_walk_start(mdg_walk *walk, uint32_t ef);
/* Starts on `level` from one of its nodes. */
void mdg_walk_enter(mdg_walk *walk, uint32_t level, uint32_t node, uint32_t ef);
/* One step; 0 when this level is done. */
int mdg_walk_step(mdg_walk *walk);
/* To the level below, from the nearest nodes found here. */
void mdg_walk_down(mdg_walk *walk, uint32_t ef);

/* Steps n walks in turn until all items from `begin` to below `end` are done:
 * `start` begins the walk of an item, `finish` is called when a level is done
 * and returns 1 when the walk goes on (on another level). */
typedef struct mdg_turns {
    void *ctx;
    unsigned worker;
    void (*start)(const struct mdg_turns *turns, mdg_walk *walk, size_t item);
    int (*finish)(const struct mdg_turns *turns, mdg_walk *walk);
} mdg_turns;
void mdg_walk_turns(const mdg_turns *turns, mdg_walk *walks, size_t n,
                    size_t begin, size_t end);

#endif
