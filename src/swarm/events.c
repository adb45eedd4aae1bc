/* events.c: the list of events of one decision, and the scratch memory that
 * decisions use; both are kept from one decision to the next. */
#include <string.h>

#include "base/alloc.h"
#include "swarm/state.h"

midge_status midge_events_new(const midge_env *env, midge_events **out) {
    if (!env || !out) {
        return MIDGE_E_INVALID;
    }
    *out = NULL;
    midge_events *events = mdg_alloc_zero(env, 1, sizeof *events);
    if (!events) {
        return MIDGE_E_NOMEM;
    }
    events->env = env;
    *out = events;
    return MIDGE_OK;
}

static void release_ids(const midge_env *env, mdg_ids *ids) {
    mdg_release(env, ids->items, ids->capacity, sizeof *ids->items);
}

void midge_events_free(midge_events *events) {
    if (!events) {
        return;
    }
    const midge_env *env = events->env;
    mdg_release(env, events->items, events->capacity, sizeof *events->items);
    release_ids(env, &events->deps);
    release_ids(env, &events->found);
    release_ids(env, &events->cascade);
    mdg_release(env, events->marks, events->marks_capacity,
                sizeof *events->marks);
    mdg_release(env, events->deltas, events->deltas_capacity,
                sizeof *events->deltas);
    mdg_name_index_release(&events->names, env);
    mdg_release(env, events, 1, sizeof *events);
}

size_t midge_events_count(const midge_events *events) {
    return events->count;
}

const midge_event *midge_events_at(const midge_events *events,
                                   size_t position) {
    return position < events->count ? &events->items[position] : NULL;
}

midge_status mdg_ids_add(const midge_env *env, mdg_ids *ids, uint32_t id) {
    MIDGE_TRY(mdg_grow(env, (void **)&ids->items, &ids->capacity,
                       (uint64_t)ids->count + 1, sizeof *ids->items));
    ids->items[ids->count++] = id;
    return MIDGE_OK;
}

/* Shell sort, gaps (3^k - 1) / 2 (Knuth 5.2.1): no memory, no recursion. */
void mdg_sort_ids(uint32_t *ids, uint32_t count) {
    uint32_t gap = 1;
    while (gap < count / 9) {
        gap = 3 * gap + 1;
    }
    for (; gap > 0; gap /= 3) {
        for (uint32_t i = gap; i < count; i++) {
            uint32_t id = ids[i];
            uint32_t at = i;
            while (at >= gap && ids[at - gap] > id) {
                ids[at] = ids[at - gap];
                at -= gap;
            }
            ids[at] = id;
        }
    }
}

/* Breadth first through the heap; what lies below a task that is not due is not
 * due either. */
midge_status mdg_find_timed(mdg_decision *d, int64_t due_ms, int all) {
    const midge_swarm *swarm = d->swarm;
    const mdg_node *nodes = swarm->nodes;
    mdg_ids *found = &d->events->found;
    found->count = 0;
    if (swarm->timed == 0 || (!all && nodes[swarm->timed].key > due_ms)) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_ids_add(swarm->env, found, swarm->timed));
    for (uint32_t i = 0; i < found->count; i++) {
        uint32_t child = nodes[found->items[i]].child;
        for (; child != 0; child = nodes[child].next) {
            if (all || nodes[child].key <= due_ms) {
                MIDGE_TRY(mdg_ids_add(swarm->env, found, child));
            }
        }
    }
    mdg_sort_ids(found->items, found->count);
    return MIDGE_OK;
}
