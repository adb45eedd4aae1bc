/* image_check.c: numbers that were read from a file lead to something that is
 * there. A checksum tells of damage; whoever writes a file on purpose also
 * writes its checksums, so nothing is believed because of them.
 */
#include <string.h>

#include "index/image.h"

static midge_status outside(uint32_t kind, uint32_t which, uint64_t record,
                            midge_error *err) {
    char name[MDG_SECTION_NAME];
    return midge_fail(err, MIDGE_E_CORRUPT,
                      "%s: record %llu leads outside, or has no meaning",
                      mdg_section_name(kind, which, name),
                      (unsigned long long)record);
}

/* ---- Rows ---------------------------------------------------------------- */

static midge_status check_dead(const midge_index *index, midge_error *err) {
    const uint32_t n = index->n_rows;
    const size_t bytes = ((size_t)n + 7) / 8;
    if (n == 0) {
        return index->n_dead == 0 ? MIDGE_OK
                                  : outside(MDG_SECTION_DEAD, 0, 0, err);
    }
    if (n % 8 != 0 && index->dead[bytes - 1] >> (n % 8) != 0) {
        return outside(MDG_SECTION_DEAD, 0, bytes - 1, err);
    }
    if (MDG_KERNEL(index->kernels, popcount_b1)(bytes, index->dead) !=
        index->n_dead) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "dead: not as many rows as the state says");
    }
    return MIDGE_OK;
}

static midge_status check_keys(midge_index *index, midge_error *err) {
    mdg_ids *ids = &index->ids;
    uint64_t sum = 0;
    if (ids->type != MIDGE_ID_TEXT) {
        return MIDGE_OK;
    }
    for (uint32_t row = 0; row < ids->n_rows; row++) {
        uint64_t at = ids->text_at[row];
        uint32_t size = ids->text_size[row];
        if (size > MIDGE_INDEX_KEY_MAX || at > ids->texts_size ||
            size > ids->texts_size - at) {
            return outside(MDG_SECTION_KEY_AT, 0, row, err);
        }
        sum += size;
    }
    /* Keys that share bytes would not fit when they are gathered. */
    if (sum > ids->texts_size) {
        return outside(MDG_SECTION_KEY_SIZE, 0, 0, err);
    }
    ids->texts_dropped = ids->texts_size - sum;
    return MIDGE_OK;
}

/* ---- Levels -------------------------------------------------------------- */

/* A node stands above the node of the same row, so no level has more of them
 * than the one below. */
static midge_status check_level(const midge_index *index, uint32_t i,
                                midge_error *err) {
    const mdg_graph *g = &index->graph;
    const mdg_level *level = &g->upper[i];
    const mdg_level *below = i > 0 ? &g->upper[i - 1] : NULL;
    const uint32_t n_below = below ? below->count : index->n_rows;
    if (level->count == 0 || level->count > n_below) {
        return outside(MDG_SECTION_LEVEL_ROWS, i, level->count, err);
    }
    for (uint32_t node = 0; node < level->count; node++) {
        const uint32_t row = level->row[node];
        const uint32_t down = level->down[node];
        if (row >= index->n_rows) {
            return outside(MDG_SECTION_LEVEL_ROWS, i, node, err);
        }
        if (down >= n_below || (below ? below->row[down] : down) != row) {
            return outside(MDG_SECTION_LEVEL_DOWN, i, node, err);
        }
        if (!mdg_check_list(mdg_level_links(level, g->m, node), g->m,
                            level->count)) {
            return outside(MDG_SECTION_LEVEL_LINKS, i, node, err);
        }
    }
    return MIDGE_OK;
}

static midge_status check_entry(const midge_index *index, midge_error *err) {
    const mdg_graph *g = &index->graph;
    const mdg_level *top = g->n_levels ? &g->upper[g->n_levels - 1] : NULL;
    int good;
    if (top) {
        good = g->entry < top->count;
    } else {
        good = g->entry == MDG_NO_NODE || g->entry < index->n_rows;
    }
    if (!index->has_graph) {
        good = g->n_levels == 0 && g->entry == MDG_NO_NODE;
    }
    return good ? MIDGE_OK
                : midge_fail(err, MIDGE_E_CORRUPT,
                             "state: the entry of the graph is not there");
}

/* ---- Columns ------------------------------------------------------------- */

midge_status mdg_check_words(const mdg_column *column, uint32_t which,
                             uint64_t words_bytes, midge_error *err) {
    const mdg_dictionary *words = &column->words;
    uint64_t before = 0;
    for (uint32_t i = 0; words->count > 0 && i <= words->count; i++) {
        uint64_t at = words->at[i];
        if (at < before || (i == 0 && at != 0) || at > words_bytes ||
            at - before > MDG_COLUMN_STRING_MAX) {
            return outside(MDG_SECTION_WORD_AT, which, i, err);
        }
        before = at;
    }
    return before == words_bytes
               ? MIDGE_OK
               : outside(MDG_SECTION_WORD_AT, which, words->count, err);
}

static midge_status check_elements(const mdg_column *c, uint32_t which,
                                   midge_error *err) {
    for (uint64_t i = 0; i < c->elements_size; i++) {
        if (c->elements[i] >= c->words.count) {
            return outside(MDG_SECTION_ELEMENTS, which, i, err);
        }
    }
    return MIDGE_OK;
}

static int value_ok(const mdg_column *c, uint32_t row, uint64_t *in_sets) {
    switch (c->kind) {
    case MIDGE_META_STRING:
        return c->of.strings[row] < c->words.count ||
               mdg_column_missing(c, row);
    case MIDGE_META_BOOL:
        return c->of.bools[row] <= 1;
    case MIDGE_META_FLOAT:
        return c->of.floats[row] - c->of.floats[row] == 0.0;
    case MIDGE_META_SET: {
        uint64_t at = c->of.sets[row] >> 16;
        uint64_t count = c->of.sets[row] & 0xffff;
        *in_sets += count;
        return count <= MDG_COLUMN_SET_MAX && at <= c->elements_size &&
               count <= c->elements_size - at;
    }
    default:
        return 1;
    }
}

static midge_status check_values(midge_index *index, uint32_t which,
                                 midge_error *err) {
    mdg_column *c = &index->columns.columns[which];
    const uint32_t n = index->n_rows;
    uint64_t in_sets = 0;
    if (n % 8 != 0 && c->missing[n / 8] >> (n % 8) != 0xff >> (n % 8)) {
        return outside(MDG_SECTION_MISSING, which, n / 8, err);
    }
    for (uint32_t row = 0; row < n; row++) {
        if (!value_ok(c, row, &in_sets)) {
            return outside(MDG_SECTION_VALUES, which, row, err);
        }
    }
    if (in_sets > c->elements_size) {
        return outside(MDG_SECTION_VALUES, which, n, err);
    }
    c->elements_left = c->elements_size - in_sets;
    return MIDGE_OK;
}

/* ---- All ----------------------------------------------------------------- */

midge_status mdg_check_columns(midge_index *index, midge_error *err) {
    for (uint32_t i = 0; i < index->columns.count; i++) {
        MIDGE_TRY(check_elements(&index->columns.columns[i], i, err));
        MIDGE_TRY(check_values(index, i, err));
    }
    return MIDGE_OK;
}

midge_status mdg_check_parts(midge_index *index, midge_error *err) {
    MIDGE_TRY(check_dead(index, err));
    MIDGE_TRY(check_keys(index, err));
    for (uint32_t i = 0; i < index->graph.n_levels; i++) {
        MIDGE_TRY(check_level(index, i, err));
    }
    return check_entry(index, err);
}
