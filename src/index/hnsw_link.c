/* hnsw_link.c: linking rows into the graph, in batches, without locks.
 *
 * Rows come in a seeded random order and are taken in batches that grow with
 * the graph. A batch has three phases, each a parallel loop whose shares write
 * to places of their own and read what no share writes:
 *
 *   1. Every row of the batch looks for its neighbours in the graph as it was
 *      before the batch, and chooses its links (hnsw_prune.c). Nothing leads to
 *      a row of the batch yet.
 *   2. The links back are sorted by the node that gets them.
 *   3. Every such node takes its new links, and is pruned once if they are too
 *      many.
 *
 * So the graph does not depend on how many workers there are (Manohar et al.,
 * "ParlayANN: scalable and deterministic parallel graph-based approximate
 * nearest neighbor search algorithms", 2024). That rows of a batch do not see
 * each other costs next to nothing while a batch is a small part of the graph.
 *
 * Invariant: between batches every link names a node that is linked, and nodes
 * of upper levels have their place on the level below.
 */
#include "base/alloc.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "index/hnsw.h"

#define BATCH_SHARE 24u   /* a batch is one of so many linked rows */
#define BATCH_MAX   8192u /* rows; more is not better for any pool */
#define ROW_GRAIN   8u
#define PRUNE_GRAIN 16u

typedef struct linker {
    midge_index *index;
    uint32_t ef;
    unsigned n_workers;
    mdg_walk *walks;     /* (n_workers, MDG_WALKS) */
    mdg_pruner *pruners; /* (n_workers) */
    uint32_t *order;     /* (count) the rows */
    uint32_t count;
    uint8_t *levels;      /* (count) upper levels of order[i] */
    uint32_t *first_node; /* (count) in `nodes` */
    uint32_t *nodes;      /* (n_nodes) of each row, from the lowest upper on */
    uint32_t n_nodes;
    /* The batch. */
    uint32_t begin, end; /* in `order` */
    uint32_t n_linked;   /* in the graph before it */
    uint32_t batch_max;
    mdg_edge *edges, *sorted; /* (batch_max * m) */
    uint32_t n_edges;
    uint32_t *groups; /* (batch_max * m + 1): first edge of each target */
    uint32_t n_groups;
    uint32_t level; /* of the edges */
} linker;

/* ---- Memory -------------------------------------------------------------- */

static void linker_deinit(linker *l) {
    const midge_env *env = l->index->env;
    const size_t n_edges = (size_t)l->batch_max * l->index->graph.m;
    for (unsigned i = 0; l->walks && i < l->n_workers * MDG_WALKS; i++) {
        mdg_walk_deinit(&l->walks[i], env);
    }
    for (unsigned i = 0; l->pruners && i < l->n_workers; i++) {
        mdg_pruner_deinit(&l->pruners[i]);
    }
    mdg_release(env, l->walks, (size_t)l->n_workers * MDG_WALKS,
                sizeof *l->walks);
    mdg_release(env, l->pruners, l->n_workers, sizeof *l->pruners);
    mdg_release(env, l->order, l->count, sizeof *l->order);
    mdg_release(env, l->levels, l->count, sizeof *l->levels);
    mdg_release(env, l->first_node, l->count, sizeof *l->first_node);
    mdg_release(env, l->nodes, l->n_nodes, sizeof *l->nodes);
    mdg_release(env, l->edges, n_edges, sizeof *l->edges);
    mdg_release(env, l->sorted, n_edges, sizeof *l->sorted);
    mdg_release(env, l->groups, n_edges + 1, sizeof *l->groups);
}

static midge_status reserve_workers(linker *l) {
    const midge_env *env = l->index->env;
    unsigned n = mdg_workers(env);
    l->n_workers = n;
    l->walks = mdg_alloc(env, (size_t)n * MDG_WALKS, sizeof *l->walks);
    l->pruners = mdg_alloc(env, n, sizeof *l->pruners);
    for (unsigned i = 0; l->walks && i < n * MDG_WALKS; i++) {
        mdg_walk_init(&l->walks[i], l->index);
    }
    for (unsigned i = 0; l->pruners && i < n; i++) {
        mdg_pruner_init(&l->pruners[i], l->index);
    }
    if (!l->walks || !l->pruners) {
        return MIDGE_E_NOMEM;
    }
    /* Memory of walks that nothing will run on is not asked for. */
    unsigned walks = l->count < MDG_WALKS ? (unsigned)l->count : MDG_WALKS;
    unsigned workers = l->count <= ROW_GRAIN ? 1 : n;
    for (unsigned i = 0; i < workers; i++) {
        for (unsigned j = 0; j < walks; j++) {
            MIDGE_TRY(mdg_walk_reserve(&l->walks[i * MDG_WALKS + j], l->ef, 0));
        }
    }
    for (unsigned i = 0; i < n; i++) {
        MIDGE_TRY(mdg_pruner_reserve(&l->pruners[i], l->ef));
    }
    return MIDGE_OK;
}

static midge_status reserve_rows(linker *l) {
    const midge_env *env = l->index->env;
    const size_t n_edges = (size_t)l->batch_max * l->index->graph.m;
    l->order = mdg_alloc(env, l->count, sizeof *l->order);
    l->levels = mdg_alloc(env, l->count, sizeof *l->levels);
    l->first_node = mdg_alloc(env, l->count, sizeof *l->first_node);
    l->edges = mdg_alloc(env, n_edges, sizeof *l->edges);
    l->sorted = mdg_alloc(env, n_edges, sizeof *l->sorted);
    l->groups = mdg_alloc(env, n_edges + 1, sizeof *l->groups);
    return l->order && l->levels && l->first_node && l->edges && l->sorted &&
                   l->groups
               ? MIDGE_OK
               : MIDGE_E_NOMEM;
}

/* Puts the rows in order and counts their places on upper levels. */
static midge_status plan(linker *l, const uint32_t *rows) {
    mdg_rng rng;
    memcpy(l->order, rows, l->count * sizeof *rows);
    mdg_rng_seed(&rng, mdg_rng_mix(l->index->options.seed, l->count));
    mdg_rng_shuffle(&rng, l->order, l->count);
    for (uint32_t i = 0; i < l->count; i++) {
        l->levels[i] = (uint8_t)mdg_hnsw_level_of(l->index, l->order[i]);
        l->first_node[i] = l->n_nodes;
        l->n_nodes += l->levels[i];
    }
    l->nodes = mdg_alloc(l->index->env, l->n_nodes, sizeof *l->nodes);
    return l->nodes || l->n_nodes == 0 ? MIDGE_OK : MIDGE_E_NOMEM;
}

static midge_status linker_init(linker *l, midge_index *index, uint32_t count,
                                const uint32_t *rows) {
    memset(l, 0, sizeof *l);
    l->index = index;
    l->count = count;
    l->ef = index->options.ef_construction;
    l->batch_max = count < BATCH_MAX ? count : BATCH_MAX;
    MIDGE_TRY(reserve_rows(l));
    MIDGE_TRY(reserve_workers(l));
    return plan(l, rows);
}

/* ---- Phase 1: searching and choosing ------------------------------------- */

/* The node of order[i] on a level. */
static uint32_t node_of(const linker *l, uint32_t i, uint32_t level) {
    return level == 0 ? l->order[i] : l->nodes[l->first_node[i] + level - 1];
}

static uint32_t *links_of(const linker *l, uint32_t level, uint32_t node) {
    const mdg_graph *g = &l->index->graph;
    return level == 0 ? mdg_links(l->index, node)
                      : mdg_level_links(&g->upper[level - 1], g->m, node);
}

/* On levels that the row is not on only the way down is looked for. */
static uint32_t ef_at(const linker *l, uint32_t i, uint32_t level) {
    return level > l->levels[i] ? MDG_WALK_WAYS : l->ef;
}

static void start_row(const linker *l, mdg_walk *walk, uint32_t i) {
    const midge_index *index = l->index;
    const mdg_graph *g = &index->graph;
    mdg_scorer_row(mdg_walked(index), l->order[i], walk->room, &walk->scorer);
    walk->distinct = 1;
    mdg_walk_enter(walk, g->n_levels, g->entry, ef_at(l, i, g->n_levels));
}

/* Dead rows still lead the way, but are not linked to. */
static uint32_t drop_dead(const linker *l, const mdg_walk *walk,
                          uint64_t *keys) {
    const mdg_buffer *b = &walk->buffer;
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->size; i++) {
        uint32_t node = mdg_key_node(b->keys[i]);
        uint32_t row = walk->layer.rows ? walk->layer.rows[node] : node;
        keys[n] = b->keys[i];
        n += !mdg_row_dead(l->index, row);
    }
    if (n == 0) { /* rather they than nobody */
        memcpy(keys, b->keys, b->size * sizeof *keys);
        n = b->size;
    }
    return n;
}

/* The level is done: chooses links there, if the row is on it. 0 at the end. */
static int finish_level(const linker *l, mdg_walk *walk, mdg_pruner *pruner,
                        uint32_t i) {
    if (walk->level <= l->levels[i]) {
        uint32_t n = drop_dead(l, walk, pruner->keys);
        const uint32_t m = l->index->graph.m;
        n = mdg_prune(pruner, &walk->layer, pruner->keys, n, m, m / 2);
        mdg_prune_store(
            pruner, links_of(l, walk->level, node_of(l, i, walk->level)), n);
    }
    if (walk->level == 0) {
        mdg_mark(l->index, l->order[i], MDG_CHANGED_LINKS);
        return 0;
    }
    mdg_walk_down(walk, ef_at(l, i, walk->level - 1));
    return 1;
}

static void start_item(const mdg_turns *turns, mdg_walk *walk, size_t item) {
    start_row(turns->ctx, walk, (uint32_t)item);
}

static int finish_item(const mdg_turns *turns, mdg_walk *walk) {
    const linker *l = turns->ctx;
    return finish_level(l, walk, &l->pruners[turns->worker],
                        (uint32_t)walk->item);
}

static void search_share(void *arg, size_t begin, size_t end, unsigned worker) {
    const linker *l = arg;
    const mdg_turns turns = {arg, worker, start_item, finish_item};
    mdg_walk_turns(&turns, l->walks + (size_t)worker * MDG_WALKS, MDG_WALKS,
                   l->begin + begin, l->begin + end);
}

/* ---- Phase 2: links back, sorted by their target ------------------------- */

static void collect_edges(linker *l) {
    l->n_edges = 0;
    for (uint32_t i = l->begin; i < l->end; i++) {
        if (l->levels[i] < l->level) {
            continue;
        }
        uint32_t node = node_of(l, i, l->level);
        const uint32_t *links = links_of(l, l->level, node);
        for (uint32_t j = 1; j <= links[0]; j++) {
            l->edges[l->n_edges++] = (mdg_edge){links[j], node};
        }
    }
}

static void sort_edges(linker *l) {
    mdg_edge *sorted = mdg_sort_edges(l->edges, l->sorted, l->n_edges);
    l->sorted = sorted == l->edges ? l->sorted : l->edges;
    l->edges = sorted;
}

static void group_edges(linker *l) {
    l->n_groups = 0;
    for (uint32_t i = 0; i < l->n_edges; i++) {
        if (i == 0 || l->edges[i].to != l->edges[i - 1].to) {
            l->groups[l->n_groups++] = i;
        }
    }
    l->groups[l->n_groups] = l->n_edges;
}

/* ---- Phase 3: targets take their links ----------------------------------- */

static void take_share(void *arg, size_t begin, size_t end, unsigned worker) {
    const linker *l = arg;
    const mdg_layer layer = mdg_layer_of(l->index, l->level);
    uint32_t sources[64];
    for (size_t g = begin; g < end; g++) {
        uint32_t node = l->edges[l->groups[g]].to;
        uint32_t *links = links_of(l, l->level, node);
        for (uint32_t e = l->groups[g]; e < l->groups[g + 1];) {
            uint32_t n = 0;
            while (n < 64 && e < l->groups[g + 1]) {
                sources[n++] = l->edges[e++].from;
            }
            mdg_prune_add(&l->pruners[worker], &layer, links, node, sources, n);
        }
        if (l->level == 0) {
            mdg_mark(l->index, node, MDG_CHANGED_LINKS);
        }
    }
}

static void link_back(linker *l) {
    for (l->level = 0; l->level <= l->index->graph.n_levels; l->level++) {
        collect_edges(l);
        sort_edges(l);
        group_edges(l);
        mdg_parallel_for(l->index->env, l->n_groups, PRUNE_GRAIN, take_share,
                         l);
    }
}

/* ---- Batches ------------------------------------------------------------- */

/* Gives the rows of the batch their nodes on upper levels. */
static midge_status place_nodes(linker *l) {
    for (uint32_t level = 0; level < MDG_LEVELS_MAX; level++) {
        uint32_t more = 0;
        for (uint32_t i = l->begin; i < l->end; i++) {
            more += l->levels[i] > level;
        }
        if (more == 0) {
            return MIDGE_OK;
        }
        MIDGE_TRY(mdg_level_reserve(l->index, level, more));
        for (uint32_t i = l->begin; i < l->end; i++) {
            if (l->levels[i] > level) {
                uint32_t down = node_of(l, i, level);
                l->nodes[l->first_node[i] + level] =
                    mdg_level_add(l->index, level, l->order[i], down);
            }
        }
    }
    return MIDGE_OK;
}

/* A row above all others is a batch of its own, and the new entry. */
static int rises(const linker *l, uint32_t i) {
    const mdg_graph *g = &l->index->graph;
    return g->entry == MDG_NO_NODE || l->levels[i] > g->n_levels;
}

static void choose_batch(linker *l) {
    uint32_t size = l->n_linked / BATCH_SHARE;
    size = size < 1 ? 1 : size > l->batch_max ? l->batch_max : size;
    l->end = l->begin + 1;
    while (!rises(l, l->begin) && l->end < l->count &&
           l->end - l->begin < size && !rises(l, l->end)) {
        l->end++;
    }
}

static midge_status run_batch(linker *l) {
    midge_index *index = l->index;
    mdg_graph *g = &index->graph;
    const int rising = rises(l, l->begin);
    MIDGE_TRY(place_nodes(l));
    for (uint32_t i = l->begin; i < l->end; i++) {
        mdg_links(index, l->order[i])[0] = 0;
    }
    if (g->entry != MDG_NO_NODE) {
        mdg_parallel_for(index->env, l->end - l->begin, ROW_GRAIN, search_share,
                         l);
        link_back(l);
    }
    if (g->entry == MDG_NO_NODE) {
        mdg_mark(l->index, l->order[l->begin], MDG_CHANGED_LINKS);
    }
    if (rising) {
        g->n_levels = l->levels[l->begin];
        g->entry = node_of(l, l->begin, g->n_levels);
    }
    return MIDGE_OK;
}

static midge_status run_batches(linker *l, midge_progress_fn progress,
                                void *ctx) {
    while (l->begin < l->count) {
        choose_batch(l);
        MIDGE_TRY(run_batch(l));
        l->n_linked += l->end - l->begin;
        l->begin = l->end;
        if (progress && progress(ctx, l->end, l->count)) {
            return MIDGE_E_CANCELLED;
        }
    }
    return MIDGE_OK;
}

/* Whether a way leads to every row is looked at whenever the graph has grown by
 * some eighth: that costs little beside linking. */
static int is_due(const linker *l) {
    uint32_t step = 1;
    while (step <= l->n_linked / 16) {
        step *= 2;
    }
    return l->n_linked / step != (l->n_linked - l->count) / step;
}

midge_status mdg_hnsw_link(midge_index *index, size_t count,
                           const uint32_t *rows, midge_progress_fn progress,
                           void *progress_ctx, midge_error *err) {
    linker l;
    if (count == 0) {
        return MIDGE_OK;
    }
    midge_status status = linker_init(&l, index, (uint32_t)count, rows);
    if (status == MIDGE_OK) {
        l.n_linked = index->n_rows - index->n_dead - (uint32_t)count;
        status = run_batches(&l, progress, progress_ctx);
    }
    if (status == MIDGE_OK && is_due(&l)) {
        status = mdg_hnsw_reach(index);
    }
    linker_deinit(&l);
    if (status == MIDGE_E_NOMEM) {
        return midge_fail(err, status, "no memory to link %zu rows", count);
    }
    return status == MIDGE_OK ? MIDGE_OK
                              : midge_fail(err, status, "linking was ended");
}
