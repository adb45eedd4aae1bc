/* hnsw_reach.c: a way to every row.
 *
 * Choosing links for diversity may leave a row that no list names any more, of
 * many equal vectors nearly all. From the entry's row on the lowest level every
 * row that is reached is marked; one that is not is linked to by one of those
 * it links to itself, if any of them is marked, else by one of the nearest that
 * a walk finds. Where their lists have no room the row is put into a link:
 * t -> v becomes t -> row -> v, and whatever was reached stays so.
 *
 * Invariant: marked rows have a way to them over marked rows.
 */
#include "base/alloc.h"
#include "index/hnsw.h"

typedef struct reach {
    midge_index *index;
    uint8_t *marks; /* bits of rows */
    size_t bytes;
    uint32_t *queue; /* (n_rows) reached, to be looked at */
    uint32_t n_queue;
    mdg_walk walk;
} reach;

static int is_marked(const reach *r, uint32_t row) {
    return r->marks[row >> 3] >> (row & 7) & 1;
}

static void mark(reach *r, uint32_t row) {
    if (!is_marked(r, row)) {
        r->marks[row >> 3] |= (uint8_t)(1u << (row & 7));
        r->queue[r->n_queue++] = row;
    }
}

static void spread(reach *r) {
    while (r->n_queue > 0) {
        const uint32_t *links = mdg_links(r->index, r->queue[--r->n_queue]);
        for (uint32_t i = 1; i <= links[0]; i++) {
            mark(r, links[i]);
        }
    }
}

/* Appends the row to a list that has room, the first first. */
static int append_to(reach *r, const uint32_t *targets, uint32_t n,
                     uint32_t row) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *links = mdg_links(r->index, targets[i]);
        if (links[0] < r->index->graph.m0) {
            links[++links[0]] = row;
            mdg_mark(r->index, targets[i], MDG_CHANGED_LINKS);
            return 1;
        }
    }
    return 0;
}

/* All lists are full: `to` gives its last link. If the row's own list is full
 * as well its last link goes; what it led to is not reached through an unmarked
 * row, or has another way. */
static void splice_into(reach *r, uint32_t to, uint32_t row) {
    const uint32_t m0 = r->index->graph.m0;
    uint32_t *links = mdg_links(r->index, to);
    uint32_t *own = mdg_links(r->index, row);
    uint32_t given = links[m0];
    int there = 0;
    for (uint32_t i = 1; i <= own[0]; i++) {
        there |= own[i] == given;
    }
    if (!there) {
        own[0] += own[0] < m0;
        own[own[0]] = given;
        mdg_mark(r->index, row, MDG_CHANGED_LINKS);
    }
    links[m0] = row;
    mdg_mark(r->index, to, MDG_CHANGED_LINKS);
}

/* The row's own links that are reached; else the nearest that a walk finds. */
static uint32_t find_targets(reach *r, uint32_t row, uint32_t *targets) {
    const midge_index *index = r->index;
    const uint32_t *own = mdg_links(index, row);
    mdg_walk *walk = &r->walk;
    uint32_t n = 0;
    for (uint32_t i = 1; i <= own[0]; i++) {
        targets[n] = own[i];
        n += (uint32_t)is_marked(r, own[i]);
    }
    if (n > 0) {
        return n;
    }
    mdg_scorer_row(mdg_walked(index), row, walk->room, &walk->scorer);
    mdg_walk_enter(walk, 0, mdg_hnsw_entry_row(index),
                   index->options.ef_construction);
    while (mdg_walk_step(walk)) {
    }
    for (; n < walk->buffer.size && n < MDG_WALK_LIST; n++) {
        targets[n] = mdg_key_node(walk->buffer.keys[n]);
    }
    return n;
}

static void attach(reach *r, uint32_t row) {
    uint32_t targets[MDG_WALK_LIST] = {0};
    uint32_t n = find_targets(r, row, targets);
    if (n > 0 && !append_to(r, targets, n, row)) {
        splice_into(r, targets[row % n], row);
    }
    mark(r, row);
    spread(r);
}

midge_status mdg_hnsw_reach(midge_index *index) {
    reach r = {.index = index};
    const uint32_t n = index->n_rows;
    if (index->graph.entry == MDG_NO_NODE) {
        return MIDGE_OK;
    }
    mdg_walk_init(&r.walk, index);
    r.bytes = (size_t)n / 8 + 1;
    r.marks = mdg_alloc_zero(index->env, r.bytes, 1);
    r.queue = mdg_alloc(index->env, n, sizeof *r.queue);
    midge_status status =
        mdg_walk_reserve(&r.walk, index->options.ef_construction, 0);
    if (!r.marks || !r.queue) {
        status = MIDGE_E_NOMEM;
    }
    if (status == MIDGE_OK) {
        mark(&r, mdg_hnsw_entry_row(index));
        spread(&r);
        for (uint32_t row = 0; row < n; row++) {
            if (!mdg_row_dead(index, row) && !is_marked(&r, row)) {
                attach(&r, row);
            }
        }
    }
    mdg_release(index->env, r.marks, r.bytes, 1);
    mdg_release(index->env, r.queue, n, sizeof *r.queue);
    mdg_walk_deinit(&r.walk, index->env);
    return status;
}
