/* hnsw_repair.c: the graph without its dead rows.
 *
 * As in FreshDiskANN (Singh et al., 2021): a node that links to dead ones gets
 * their neighbours as candidates instead, beside the links it has, and chooses
 * among all. The dead keep their own links until every node has chosen, so a
 * way over several dead rows is followed as well. Nodes write their own list
 * and read the lists of the dead only: a parallel loop, the same for any number
 * of workers.
 */
#include "base/alloc.h"
#include "base/parallel.h"
#include "index/hnsw.h"

#define GRAIN          64u
#define CANDIDATES_MAX 1024u /* of a node */

typedef struct repair {
    midge_index *index;
    uint32_t level;
    uint32_t count; /* nodes of the level */
    unsigned n_workers;
    mdg_pruner *pruners;
    uint32_t *candidates; /* (n_workers, CANDIDATES_MAX) */
    uint32_t *new_of;     /* nodes of upper levels, while they close up */
    size_t new_of_capacity;
} repair;

/* ---- Memory -------------------------------------------------------------- */

static void repair_deinit(repair *r) {
    const midge_env *env = r->index->env;
    for (unsigned i = 0; r->pruners && i < r->n_workers; i++) {
        mdg_pruner_deinit(&r->pruners[i]);
    }
    mdg_release(env, r->pruners, r->n_workers, sizeof *r->pruners);
    mdg_release(env, r->candidates, (size_t)r->n_workers * CANDIDATES_MAX,
                sizeof *r->candidates);
    mdg_release(env, r->new_of, r->new_of_capacity, sizeof *r->new_of);
}

static midge_status repair_init(repair *r, midge_index *index) {
    const midge_env *env = index->env;
    const mdg_graph *g = &index->graph;
    memset(r, 0, sizeof *r);
    r->index = index;
    r->n_workers = mdg_workers(env);
    r->new_of_capacity = (g->n_levels > 0 ? g->upper[0].count : 0) + 1;
    r->pruners = mdg_alloc(env, r->n_workers, sizeof *r->pruners);
    r->candidates = mdg_alloc(env, (size_t)r->n_workers * CANDIDATES_MAX,
                              sizeof *r->candidates);
    r->new_of = mdg_alloc(env, r->new_of_capacity, sizeof *r->new_of);
    for (unsigned i = 0; r->pruners && i < r->n_workers; i++) {
        mdg_pruner_init(&r->pruners[i], index);
    }
    if (!r->pruners || !r->candidates || !r->new_of) {
        return MIDGE_E_NOMEM;
    }
    for (unsigned i = 0; i < r->n_workers; i++) {
        MIDGE_TRY(mdg_pruner_reserve(&r->pruners[i], CANDIDATES_MAX));
    }
    /* Lists that lie in a file's bytes are copied before they change. */
    MIDGE_TRY(mdg_index_reserve(index, index->capacity, NULL));
    for (uint32_t i = 0; i < g->n_levels; i++) {
        MIDGE_TRY(mdg_level_reserve(index, i, 0));
    }
    return MIDGE_OK;
}

/* ---- One node ------------------------------------------------------------ */

static uint32_t row_of(const repair *r, uint32_t node) {
    return r->level == 0 ? node : r->index->graph.upper[r->level - 1].row[node];
}

static uint32_t *links_of(const repair *r, uint32_t node) {
    const mdg_graph *g = &r->index->graph;
    return r->level == 0 ? mdg_links(r->index, node)
                         : mdg_level_links(&g->upper[r->level - 1], g->m, node);
}

static int is_dead(const repair *r, uint32_t node) {
    return mdg_row_dead(r->index, row_of(r, node));
}

static int names_dead(const repair *r, const uint32_t *links) {
    for (uint32_t i = 1; i <= links[0]; i++) {
        if (is_dead(r, links[i])) {
            return 1;
        }
    }
    return 0;
}

static int holds(const uint32_t *list, uint32_t n, uint32_t node) {
    for (uint32_t i = 0; i < n; i++) {
        if (list[i] == node) {
            return 1;
        }
    }
    return 0;
}

/* `list` is filled from the front with what lives, from the back with the dead
 * whose lists are still to be read; a place is free between them. */
typedef struct gathering {
    uint32_t *list;
    uint32_t n_live;
    uint32_t n_dead;
} gathering;

static void gather(const repair *r, gathering *g, const uint32_t *links,
                   uint32_t node) {
    for (uint32_t i = 1; i <= links[0]; i++) {
        uint32_t other = links[i];
        uint32_t *back = g->list + CANDIDATES_MAX - g->n_dead;
        if (g->n_live + g->n_dead == CANDIDATES_MAX || other == node) {
            continue;
        }
        if (is_dead(r, other)) {
            if (!holds(back, g->n_dead, other)) {
                back[-1] = other;
                g->n_dead++;
            }
        } else if (!holds(g->list, g->n_live, other)) {
            g->list[g->n_live++] = other;
        }
    }
}

/* The dead among the links are gone through, and the dead behind them as long
 * as too few that live have been met. */
static uint32_t gather_candidates(const repair *r, uint32_t *list,
                                  uint32_t node, uint32_t enough) {
    gathering g = {list, 0, 0};
    gather(r, &g, links_of(r, node), node);
    uint32_t direct = g.n_dead;
    for (uint32_t i = 0; i < g.n_dead; i++) {
        if (i < direct || g.n_live < enough) {
            gather(r, &g, links_of(r, list[CANDIDATES_MAX - 1 - i]), node);
        }
    }
    return g.n_live;
}

static void repair_share(void *arg, size_t begin, size_t end, unsigned worker) {
    const repair *r = arg;
    const mdg_layer layer = mdg_layer_of(r->index, r->level);
    uint32_t *list = r->candidates + (size_t)worker * CANDIDATES_MAX;
    for (size_t i = begin; i < end; i++) {
        uint32_t node = (uint32_t)i;
        uint32_t *links = links_of(r, node);
        if (is_dead(r, node) || !names_dead(r, links)) {
            continue;
        }
        uint32_t n = gather_candidates(r, list, node, layer.m);
        mdg_prune_replace(&r->pruners[worker], &layer, links, node, list, n);
        if (r->level == 0) {
            mdg_mark(r->index, node, MDG_CHANGED_LINKS);
        }
    }
}

/* ---- Levels -------------------------------------------------------------- */

/* Nodes of dead rows go from an upper level, the others close up. */
static void close_level(repair *r, uint32_t at) {
    mdg_graph *g = &r->index->graph;
    mdg_level *level = &g->upper[at];
    uint32_t left = 0;
    for (uint32_t node = 0; node < level->count; node++) {
        int dead = mdg_row_dead(r->index, level->row[node]);
        r->new_of[node] = dead ? MDG_NO_NODE : left++;
    }
    for (uint32_t node = 0; node < level->count; node++) {
        uint32_t to = r->new_of[node];
        if (to == MDG_NO_NODE) {
            continue;
        }
        uint32_t *links = mdg_level_links(level, g->m, node);
        for (uint32_t i = 1; i <= links[0]; i++) {
            links[i] = r->new_of[links[i]];
        }
        level->row[to] = level->row[node];
        level->down[to] = level->down[node];
        memmove(mdg_level_links(level, g->m, to), links,
                (1 + (size_t)g->m) * sizeof *links);
    }
    level->count = left;
    if (at + 1 < g->n_levels) {
        mdg_level *above = &g->upper[at + 1];
        for (uint32_t node = 0; node < above->count; node++) {
            /* Of dead nodes too: they go next. */
            uint32_t down = r->new_of[above->down[node]];
            above->down[node] = down;
        }
    }
}

/* The entry is what it was if it lives, else the first node of the highest
 * level that has any. */
static void choose_entry(repair *r, uint32_t entry_row) {
    mdg_graph *g = &r->index->graph;
    while (g->n_levels > 0 && g->upper[g->n_levels - 1].count == 0) {
        mdg_level_free(r->index, --g->n_levels);
    }
    if (g->n_levels > 0) {
        const mdg_level *top = &g->upper[g->n_levels - 1];
        g->entry = 0;
        for (uint32_t node = 0; node < top->count; node++) {
            g->entry = top->row[node] == entry_row ? node : g->entry;
        }
        return;
    }
    if (!mdg_row_dead(r->index, entry_row)) {
        g->entry = entry_row;
        return;
    }
    g->entry = MDG_NO_NODE;
    for (uint32_t row = 0; row < r->index->n_rows; row++) {
        if (!mdg_row_dead(r->index, row)) {
            g->entry = row;
            return;
        }
    }
}

static void clear_dead(const repair *r) {
    for (uint32_t row = 0; row < r->index->n_rows; row++) {
        uint32_t *links = mdg_links(r->index, row);
        if (links[0] > 0 && mdg_row_dead(r->index, row)) {
            links[0] = 0;
            mdg_mark(r->index, row, MDG_CHANGED_LINKS);
        }
    }
}

static void repair_levels(repair *r) {
    mdg_graph *g = &r->index->graph;
    uint32_t entry_row = mdg_hnsw_entry_row(r->index);
    for (r->level = 0; r->level <= g->n_levels; r->level++) {
        r->count =
            r->level == 0 ? r->index->n_rows : g->upper[r->level - 1].count;
        mdg_parallel_for(r->index->env, r->count, GRAIN, repair_share, r);
    }
    for (uint32_t i = 0; i < g->n_levels; i++) {
        close_level(r, i);
    }
    choose_entry(r, entry_row);
    clear_dead(r);
}

midge_status mdg_hnsw_repair(midge_index *index, midge_error *err) {
    repair r;
    if (index->graph.entry == MDG_NO_NODE) {
        return MIDGE_OK;
    }
    midge_status status = repair_init(&r, index);
    if (status == MIDGE_OK) {
        repair_levels(&r);
        status = mdg_hnsw_reach(index);
    }
    repair_deinit(&r);
    return status == MIDGE_OK
               ? MIDGE_OK
               : midge_fail(err, status, "no memory to repair the graph");
}
