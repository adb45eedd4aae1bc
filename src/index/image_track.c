/* image_track.c: what changed since the last commit.
 *
 * Rows are flagged by whoever changes them (MDG_CHANGED_*). Nodes of the upper
 * levels, one in m of the rows, are compared with a copy of what was committed.
 * Words are only ever added between two renumberings, so their number tells.
 * All else stands in the state.
 */
#include <string.h>

#include "base/alloc.h"
#include "index/image.h"

static size_t list_bytes(const midge_index *index) {
    return (1 + (size_t)index->graph.m) * sizeof(uint32_t);
}

static void free_level(const midge_index *index, mdg_level *level) {
    mdg_place_free(index->env, level->row, level->capacity, sizeof(uint32_t));
    mdg_place_free(index->env, level->down, level->capacity, sizeof(uint32_t));
    mdg_place_free(index->env, level->links, level->capacity,
                   list_bytes(index));
    *level = (mdg_level){0, 0, NULL, NULL, NULL};
}

/* Links behind the last one have no meaning, but are copied with the others. */
static midge_status copy_level(const midge_index *index, const mdg_level *from,
                               mdg_level *copy) {
    const size_t bytes = list_bytes(index);
    if (from->count > copy->capacity) {
        const uint32_t capacity = from->count + from->count / 4 + 16;
        free_level(index, copy);
        copy->row = mdg_alloc(index->env, capacity, sizeof(uint32_t));
        copy->down = mdg_alloc(index->env, capacity, sizeof(uint32_t));
        copy->links = mdg_alloc(index->env, capacity, bytes);
        copy->capacity = capacity;
        if (!copy->row || !copy->down || !copy->links) {
            free_level(index, copy);
            return MIDGE_E_NOMEM;
        }
    }
    copy->count = from->count;
    if (from->count > 0) {
        memcpy(copy->row, from->row, from->count * sizeof(uint32_t));
        memcpy(copy->down, from->down, from->count * sizeof(uint32_t));
        memcpy(copy->links, from->links, from->count * bytes);
    }
    return MIDGE_OK;
}

static void put_state(const midge_index *index, uint8_t out[MDG_IMAGE_STATE]) {
    mdg_image_state state;
    mdg_state_of(index, &state);
    mdg_state_put(&state, out);
}

/* The index as it is now is what the file has. */
static midge_status note(midge_index *index) {
    mdg_track *t = index->track;
    t->stale = 1;
    for (uint32_t i = 0; i < MDG_LEVELS_MAX; i++) {
        mdg_level none = {0, 0, NULL, NULL, NULL};
        MIDGE_TRY(copy_level(
            index, i < index->graph.n_levels ? &index->graph.upper[i] : &none,
            &t->levels[i]));
    }
    put_state(index, t->state);
    t->walk = index->options.walk;
    t->n_columns = index->columns.count;
    for (uint32_t i = 0; i < t->n_columns; i++) {
        t->words[i] = index->columns.columns[i].words.count;
    }
    memset(index->changed, 0, index->changed_capacity);
    index->renumbered = 0;
    t->stale = 0;
    return MIDGE_OK;
}

static midge_status begin(midge_index *index) {
    uint32_t capacity = index->capacity > 64 ? index->capacity : 64;
    if (!index->track) {
        index->track = mdg_alloc_zero(index->env, 1, sizeof *index->track);
    }
    if (!index->changed) {
        index->changed = mdg_alloc_zero(index->env, capacity, 1);
        index->changed_capacity = index->changed ? capacity : 0;
    }
    if (!index->track || !index->changed) {
        return MIDGE_E_NOMEM;
    }
    index->track->tracking = 1;
    return note(index);
}

midge_status mdg_track_opened(midge_index *index, const mdg_track *opened,
                              int tracking) {
    index->track = mdg_alloc(index->env, 1, sizeof *index->track);
    if (!index->track) {
        return MIDGE_E_NOMEM;
    }
    *index->track = *opened;
    return tracking ? begin(index) : MIDGE_OK;
}

void mdg_track_free(midge_index *index) {
    if (!index->track) {
        return;
    }
    for (uint32_t i = 0; i < MDG_LEVELS_MAX; i++) {
        free_level(index, &index->track->levels[i]);
    }
    mdg_release(index->env, index->track, 1, sizeof *index->track);
    index->track = NULL;
}

midge_status midge_index_track(midge_index *index,
                               const midge_index_written *written,
                               midge_error *err) {
    if (!index || !written || written->length == 0) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "an index and its image are needed");
    }
    if (begin(index) != MIDGE_OK) {
        return mdg_no_memory("what changed", err);
    }
    mdg_track *t = index->track;
    t->slot = (mdg_slot){written->sequence, written->length, written->chain,
                         written->chain, 0};
    t->base_length = written->length;
    t->heal = 0;
    t->slot_damaged = 0;
    return MIDGE_OK;
}

int mdg_level_changed(const midge_index *index, uint32_t level, uint32_t node) {
    const mdg_level *now = &index->graph.upper[level];
    const mdg_level *then = &index->track->levels[level];
    if (node >= then->count || now->row[node] != then->row[node] ||
        now->down[node] != then->down[node]) {
        return 1;
    }
    const uint32_t *a = mdg_level_links(now, index->graph.m, node);
    const uint32_t *b = mdg_level_links(then, index->graph.m, node);
    return a[0] != b[0] || memcmp(a, b, (1 + (size_t)a[0]) * sizeof *a) != 0;
}

/* Eight flags at a time: of a million rows few changed. */
uint32_t mdg_track_next(const midge_index *index, uint32_t row,
                        unsigned flags) {
    const uint32_t n = index->n_rows;
    while (row < n) {
        uint64_t eight;
        if (row % 8 == 0 && n - row >= 8) {
            memcpy(&eight, index->changed + row, sizeof eight);
            if (eight == 0) {
                row += 8;
                continue;
            }
        }
        if (index->changed[row] & flags) {
            return row;
        }
        row++;
    }
    return n;
}

static int any_row(const midge_index *index) {
    return mdg_track_next(index, 0, UINT8_MAX) < index->n_rows;
}

static int any_level(const midge_index *index) {
    for (uint32_t i = 0; i < index->graph.n_levels; i++) {
        const mdg_level *level = &index->graph.upper[i];
        if (level->count != index->track->levels[i].count) {
            return 1;
        }
        for (uint32_t node = 0; node < level->count; node++) {
            if (mdg_level_changed(index, i, node)) {
                return 1;
            }
        }
    }
    return 0;
}

int mdg_track_needs_image(const midge_index *index) {
    const mdg_track *t = index->track;
    mdg_image_state then;
    mdg_state_get(&then, t->state);
    return t->stale || index->renumbered || index->n_rows < then.n_rows ||
           then.has_graph != (uint32_t)(index->has_graph != 0) ||
           t->walk != index->options.walk ||
           t->n_columns != index->columns.count;
}

int midge_index_changed(const midge_index *index) {
    uint8_t state[MDG_IMAGE_STATE];
    if (!index || !index->track || !index->track->tracking) {
        return 0;
    }
    put_state(index, state);
    return mdg_track_needs_image(index) ||
           memcmp(state, index->track->state, sizeof state) != 0 ||
           any_row(index) || any_level(index);
}

void midge_index_changes_done(midge_index *index,
                              const midge_index_commit *commit) {
    mdg_track *t = index->track;
    t->slot.sequence = commit->sequence;
    t->slot.length = commit->length;
    t->slot.chain = commit->chain;
    t->slot.frames = commit->frames;
    t->heal = 0;
    t->slot_damaged = 0;
    /* Without memory for the copies the next commit is an image (stale). */
    (void)!note(index);
}

void midge_index_image_info_get(const midge_index *index,
                                midge_index_image_info *info) {
    memset(info, 0, sizeof *info);
    if (!index || !index->track) {
        return;
    }
    const mdg_track *t = index->track;
    info->sequence = t->slot.sequence;
    info->length = t->slot.length;
    info->base_length = t->base_length;
    info->frames = t->slot.frames;
    info->heal = t->heal;
    info->slot_at = mdg_slot_at(t->slot.sequence);
    mdg_slot_put(&t->slot, info->slot);
}
