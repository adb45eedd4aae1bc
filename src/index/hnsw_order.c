/* hnsw_order.c: rows renumbered so that neighbours lie near each other.
 *
 * A walk goes from neighbour to neighbour: when their numbers are near, so are
 * their vectors, links and bits of what was visited, and fewer pages and lines
 * of memory are touched (Coleman et al., "Graph reordering for cache-efficient
 * near neighbor search", 2022). The order is breadth-first from the entry.
 */
#include "base/alloc.h"
#include "index/hnsw.h"

uint32_t mdg_hnsw_entry_row(const midge_index *index) {
    const mdg_graph *g = &index->graph;
    return g->n_levels > 0 ? g->upper[g->n_levels - 1].row[g->entry] : g->entry;
}

static int is_linked(const midge_index *index, uint32_t row) {
    return !mdg_row_dead(index, row) &&
           (mdg_links(index, row)[0] > 0 || row == mdg_hnsw_entry_row(index));
}

typedef struct ordering {
    const midge_index *index;
    uint32_t *order;
    uint32_t count;
    uint8_t *seen;
} ordering;

static void append(ordering *o, uint32_t row) {
    uint8_t bit = (uint8_t)(1u << (row & 7));
    if ((o->seen[row >> 3] & bit) == 0 && is_linked(o->index, row)) {
        o->seen[row >> 3] |= bit;
        o->order[o->count++] = row;
    }
}

midge_status mdg_hnsw_order(const midge_index *index, uint32_t *order,
                            uint32_t *count) {
    const size_t bytes = (size_t)index->n_rows / 8 + 1;
    ordering o = {index, order, 0, NULL};
    *count = 0;
    if (index->graph.entry == MDG_NO_NODE) {
        return MIDGE_OK;
    }
    o.seen = mdg_alloc_zero(index->env, bytes, 1);
    if (!o.seen) {
        return MIDGE_E_NOMEM;
    }
    append(&o, mdg_hnsw_entry_row(index));
    uint32_t row = 0;
    for (uint32_t i = 0; row < index->n_rows; i++) {
        while (i == o.count && row < index->n_rows) {
            append(&o, row++); /* what no way leads to */
        }
        if (i < o.count) {
            const uint32_t *links = mdg_links(index, order[i]);
            for (uint32_t j = 1; j <= links[0]; j++) {
                append(&o, links[j]);
            }
        }
    }
    *count = o.count;
    mdg_release(index->env, o.seen, bytes, 1);
    return MIDGE_OK;
}

/* Nodes of upper levels keep their numbers; dead rows are in no list. */
void mdg_hnsw_renumber(midge_index *index, mdg_mover *mover) {
    mdg_graph *g = &index->graph;
    for (uint32_t row = 0; row < index->n_rows; row++) {
        uint32_t *links = mdg_links(index, row);
        for (uint32_t j = 1; j <= links[0]; j++) {
            links[j] = mover->new_of[links[j]];
        }
    }
    mdg_mover_apply(mover, g->links, (1 + (size_t)g->m0) * sizeof *g->links);
    for (uint32_t i = 0; i < g->n_levels; i++) {
        mdg_level *level = &g->upper[i];
        for (uint32_t node = 0; node < level->count; node++) {
            level->row[node] = mover->new_of[level->row[node]];
            if (i == 0) {
                level->down[node] = level->row[node];
            }
        }
    }
    if (g->n_levels == 0 && g->entry != MDG_NO_NODE) {
        g->entry = mover->new_of[g->entry];
    }
}
