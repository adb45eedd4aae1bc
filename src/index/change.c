/* change.c: adding, replacing and deleting rows, and closing their gaps.
 *
 * An addition is all or nothing. What can fail comes first: every row is looked
 * at, room is made, the new rows are written to places of their own and linked.
 * Only then do ids come to mean them, and rows that they replace die.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "index/index_internal.h"

#define AUTO_GRAPH_ROWS 4096u /* fewer are compared as fast as walked */
#define REPAIR_SHARE    5u    /* dead rows in the graph: one of so many */
#define ENCODE_GRAIN    256u
#define F16_MAX         65504.0f

typedef struct addition {
    midge_index *index;
    const midge_rows *rows;
    const midge_add_options *options;
    uint32_t *row_of;   /* (count) the new rows */
    uint32_t *replaced; /* (count) the row with this id; with ids only */
    int built;          /* the graph was made just now */
    midge_error *err;
} addition;

/* ---- Looking at what is given -------------------------------------------- */

static int has_ids(const midge_rows *rows) {
    return rows->ids || rows->keys;
}

static midge_status check_shape(const midge_index *index,
                                const midge_rows *rows, midge_error *err) {
    int text = index->options.id_type == MIDGE_ID_TEXT;
    if (rows->count > 0 && !rows->vectors) {
        return midge_fail(err, MIDGE_E_INVALID, "vectors missing");
    }
    if (text ? !rows->keys || rows->ids : rows->keys != NULL) {
        return midge_fail(err, MIDGE_E_INVALID,
                          text ? "the ids of this index are texts: give keys"
                               : "the ids of this index are numbers, not keys");
    }
    uint64_t total = (uint64_t)index->n_rows + rows->count;
    if (rows->count > MIDGE_INDEX_ROWS_MAX || total > MIDGE_INDEX_ROWS_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT, "more than %u rows",
                          MIDGE_INDEX_ROWS_MAX);
    }
    return MIDGE_OK;
}

static midge_status check_floats(const midge_index *index,
                                 const midge_rows *rows, midge_error *err) {
    const size_t dim = index->options.dim;
    const float *x = rows->vectors;
    int half = index->options.storage == MIDGE_STORAGE_F16;
    for (size_t row = 0; row < rows->count; row++, x += dim) {
        for (size_t i = 0; i < dim; i++) {
            if (x[i] - x[i] != 0.0f) {
                return midge_fail(err, MIDGE_E_INVALID,
                                  "row %zu: value %zu is not finite", row, i);
            }
            if (half && (x[i] > F16_MAX || x[i] < -F16_MAX)) {
                return midge_fail(err, MIDGE_E_INVALID,
                                  "row %zu: value %zu is beyond what 16 bits "
                                  "hold (65504); store f32 or scale the data",
                                  row, i);
            }
        }
    }
    return MIDGE_OK;
}

static midge_status check_bits(const midge_index *index, const midge_rows *rows,
                               midge_error *err) {
    const size_t dim = index->options.dim;
    const size_t bytes = (dim + 7) / 8;
    const uint8_t *x = rows->vectors;
    for (size_t row = 0; dim % 8 != 0 && row < rows->count; row++) {
        if (x[row * bytes + bytes - 1] >> (dim % 8)) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "row %zu has a bit set past its %zu", row, dim);
        }
    }
    return MIDGE_OK;
}

static midge_status check_keys(const midge_rows *rows, midge_error *err) {
    for (size_t i = 0; rows->keys && i < rows->count; i++) {
        size_t size = rows->keys[i].size;
        if (size == 0 || size > MIDGE_INDEX_KEY_MAX) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "row %zu: an id of %zu bytes; 1 to %u", i, size,
                              MIDGE_INDEX_KEY_MAX);
        }
    }
    return MIDGE_OK;
}

static midge_status check_rows(const addition *a) {
    const midge_index *index = a->index;
    MIDGE_TRY(check_shape(index, a->rows, a->err));
    MIDGE_TRY(check_keys(a->rows, a->err));
    return index->options.storage == MIDGE_STORAGE_BINARY
               ? check_bits(index, a->rows, a->err)
               : check_floats(index, a->rows, a->err);
}

/* ---- Ids ----------------------------------------------------------------- */

static midge_status find_id(mdg_ids *ids, const uint8_t *dead,
                            const midge_rows *rows, size_t i, uint32_t *row) {
    return rows->keys ? mdg_ids_find_key(ids, dead, rows->keys[i], row)
                      : mdg_ids_find_number(ids, dead, rows->ids[i], row);
}

static void set_id(mdg_ids *ids, const midge_rows *rows, size_t i,
                   uint32_t row) {
    if (rows->keys) {
        mdg_ids_set_key(ids, row, rows->keys[i]);
    } else {
        mdg_ids_set_number(ids, row, rows->ids ? rows->ids[i] : ids->next);
    }
}

static midge_status exists(const midge_rows *rows, size_t i, const char *where,
                           midge_error *err) {
    if (rows->keys) {
        return midge_fail(err, MIDGE_E_EXISTS, "row %zu: id %.*s is %s", i,
                          (int)rows->keys[i].size, rows->keys[i].data, where);
    }
    return midge_fail(err, MIDGE_E_EXISTS, "row %zu: id %llu is %s", i,
                      (unsigned long long)rows->ids[i], where);
}

static uint64_t text_bytes(const midge_rows *rows) {
    uint64_t sum = 0;
    for (size_t i = 0; rows->keys && i < rows->count; i++) {
        sum += rows->keys[i].size;
    }
    return sum;
}

/* No id may stand twice among the new rows. */
static midge_status check_distinct(const addition *a) {
    const midge_rows *rows = a->rows;
    mdg_ids seen;
    mdg_ids_init(&seen, a->index->env, a->index->options.id_type, 0);
    midge_status status =
        mdg_ids_reserve(&seen, (uint32_t)rows->count, text_bytes(rows), 1);
    if (status != MIDGE_OK) {
        (void)midge_fail(a->err, status, "no memory for ids");
    }
    for (size_t i = 0; status == MIDGE_OK && i < rows->count; i++) {
        uint32_t row;
        status = find_id(&seen, NULL, rows, i, &row);
        if (status == MIDGE_OK && row != MIDGE_INDEX_NO_ROW) {
            status = exists(rows, i, "there twice", a->err);
        } else {
            set_id(&seen, rows, i, (uint32_t)i);
        }
    }
    mdg_ids_deinit(&seen);
    return status;
}

static midge_status find_replaced(const addition *a) {
    midge_index *index = a->index;
    for (size_t i = 0; i < a->rows->count; i++) {
        midge_status status =
            find_id(&index->ids, index->dead, a->rows, i, &a->replaced[i]);
        if (status != MIDGE_OK) {
            return midge_fail(a->err, status, "no memory for ids");
        }
        if (a->replaced[i] != MIDGE_INDEX_NO_ROW &&
            !(a->options && a->options->upsert)) {
            return exists(a->rows, i, "in the index already", a->err);
        }
    }
    return check_distinct(a);
}

/* ---- Writing rows -------------------------------------------------------- */

static midge_status make_room(const addition *a) {
    midge_index *index = a->index;
    const midge_rows *rows = a->rows;
    if (!has_ids(rows) && UINT64_MAX - index->ids.next < rows->count) {
        return midge_fail(a->err, MIDGE_E_LIMIT,
                          "no number is left above the largest id");
    }
    uint64_t grow =
        rows->count > index->n_free ? rows->count - index->n_free : 0;
    uint64_t wanted = index->n_rows + grow;
    if (wanted > index->capacity && index->capacity > 0) {
        uint64_t half_more = index->capacity + (uint64_t)index->capacity / 2;
        wanted = wanted < half_more ? half_more : wanted;
    }
    wanted = wanted > MIDGE_INDEX_ROWS_MAX ? MIDGE_INDEX_ROWS_MAX : wanted;
    MIDGE_TRY(mdg_index_reserve(index, (uint32_t)wanted, a->err));
    midge_status status =
        mdg_ids_reserve(&index->ids, index->capacity, text_bytes(rows),
                        has_ids(rows) || index->n_dead > 0);
    if (status != MIDGE_OK) {
        return midge_fail(a->err, status, "no memory for ids");
    }
    for (size_t i = 0; rows->metadata && i < rows->count; i++) {
        midge_error inner = {.text = ""};
        status =
            mdg_columns_prepare(&index->columns, rows->metadata[i], &inner);
        if (status != MIDGE_OK) {
            return midge_fail(a->err, status, "row %zu: %s", i, inner.text);
        }
    }
    return MIDGE_OK;
}

static void encode_share(void *arg, size_t begin, size_t end, unsigned worker) {
    (void)worker;
    const addition *a = arg;
    midge_index *index = a->index;
    size_t bytes = index->options.storage == MIDGE_STORAGE_BINARY
                       ? ((size_t)index->options.dim + 7) / 8
                       : (size_t)index->options.dim * sizeof(float);
    for (size_t i = begin; i < end; i++) {
        const char *vector = (const char *)a->rows->vectors + i * bytes;
        mdg_vectors_set(&index->rows, a->row_of[i], vector);
        if (index->codes.data) {
            mdg_vectors_set(&index->codes, a->row_of[i], vector);
        }
    }
}

/* The new rows live from here on, but no id means them yet. */
static void write_rows(const addition *a) {
    midge_index *index = a->index;
    const size_t count = a->rows->count;
    for (size_t i = 0; i < count; i++) {
        uint32_t row = index->n_free > 0 ? index->free_rows[--index->n_free]
                                         : index->n_rows++;
        a->row_of[i] = row;
        if (mdg_row_dead(index, row)) {
            index->dead[row >> 3] ^= (uint8_t)(1u << (row & 7));
            index->n_dead--;
        }
        mdg_columns_set(&index->columns, row,
                        a->rows->metadata ? a->rows->metadata[i] : NULL);
        mdg_mark(index, row, MDG_CHANGED_ROW | MDG_CHANGED_DEAD);
    }
    mdg_parallel_for(index->env, count, ENCODE_GRAIN, encode_share, (void *)a);
}

static void bury(midge_index *index, uint32_t row) {
    index->dead[row >> 3] |= (uint8_t)(1u << (row & 7));
    index->n_dead++;
    mdg_mark(index, row, MDG_CHANGED_DEAD);
}

/* ---- The graph ----------------------------------------------------------- */

static int wants_graph(const midge_index *index) {
    switch (index->options.kind) {
    case MIDGE_INDEX_FLAT:
        return 0;
    case MIDGE_INDEX_HNSW:
        return 1;
    default:
        return index->n_rows - index->n_dead >= AUTO_GRAPH_ROWS;
    }
}

/* Numbers rows so that neighbours lie near each other. Losing the order to a
 * lack of memory costs speed only. */
static void put_in_order(midge_index *index) {
    uint32_t n = index->n_rows;
    uint32_t n_ordered;
    uint32_t *order = mdg_alloc(index->env, n, sizeof *order);
    uint32_t *new_of = mdg_alloc(index->env, n, sizeof *new_of);
    if (order && new_of &&
        mdg_hnsw_order(index, order, &n_ordered) == MIDGE_OK &&
        n_ordered == n) {
        for (uint32_t i = 0; i < n; i++) {
            new_of[order[i]] = i;
        }
        (void)!mdg_index_renumber(index, new_of, n, NULL);
    }
    mdg_release(index->env, order, n, sizeof *order);
    mdg_release(index->env, new_of, n, sizeof *new_of);
}

/* A graph of all rows that live. */
static midge_status build_graph(midge_index *index, midge_progress_fn progress,
                                void *ctx, midge_error *err) {
    uint32_t n = index->n_rows;
    uint32_t count = 0;
    uint32_t *rows = mdg_alloc(index->env, n, sizeof *rows);
    if (!rows) {
        return mdg_no_memory("a graph", err);
    }
    for (uint32_t row = 0; row < n; row++) {
        if (!mdg_row_dead(index, row)) {
            rows[count++] = row;
        }
    }
    index->has_graph = 1;
    midge_status status = mdg_index_reserve(index, index->capacity, err);
    if (status == MIDGE_OK) {
        status = mdg_hnsw_link(index, count, rows, progress, ctx, err);
    }
    mdg_release(index->env, rows, n, sizeof *rows);
    if (status != MIDGE_OK) { /* as it was: without a graph */
        mdg_hnsw_free(index);
        index->has_graph = 0;
    }
    return status;
}

static midge_status link_rows(addition *a) {
    midge_index *index = a->index;
    midge_progress_fn progress = a->options ? a->options->progress : NULL;
    void *ctx = a->options ? a->options->progress_ctx : NULL;
    if (!index->has_graph && !wants_graph(index)) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_walk_choose(index, a->err));
    if (index->has_graph) {
        return mdg_hnsw_link(index, a->rows->count, a->row_of, progress, ctx,
                             a->err);
    }
    a->built = 1;
    return build_graph(index, progress, ctx, a->err);
}

midge_status mdg_index_collect_free(midge_index *index) {
    void *rows = index->free_rows;
    midge_status status =
        mdg_place_grow(index->env, &rows, &index->free_capacity, index->n_free,
                       index->n_dead, sizeof *index->free_rows, 0);
    index->free_rows = rows;
    MIDGE_TRY(status);
    index->n_free = 0;
    for (uint32_t row = index->n_rows; row-- > 0;) {
        if (mdg_row_dead(index, row)) {
            index->free_rows[index->n_free++] = row;
        }
    }
    return MIDGE_OK;
}

/* Dead rows slow the walk: before they are many the graph is mended. Without a
 * graph they are free at once. What lacks memory here is done another time. */
static void tidy(midge_index *index) {
    uint32_t held = index->n_dead - index->n_free;
    if (held == 0 ||
        (index->has_graph && held < index->n_rows / REPAIR_SHARE)) {
        return;
    }
    if (!index->has_graph || mdg_hnsw_repair(index, NULL) == MIDGE_OK) {
        (void)!mdg_index_collect_free(index);
    }
}

/* ---- Adding -------------------------------------------------------------- */

static midge_status run_addition(addition *a) {
    midge_index *index = a->index;
    const size_t count = a->rows->count;
    if (has_ids(a->rows)) {
        MIDGE_TRY(find_replaced(a));
    }
    MIDGE_TRY(make_room(a));
    write_rows(a);
    index->generation++;
    midge_status status = link_rows(a);
    if (status != MIDGE_OK) {
        for (size_t i = 0; i < count; i++) {
            bury(index, a->row_of[i]);
        }
        mdg_ids_skip(&index->ids, index->n_rows);
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (has_ids(a->rows) && a->replaced[i] != MIDGE_INDEX_NO_ROW) {
            mdg_ids_drop(&index->ids, a->replaced[i]);
            bury(index, a->replaced[i]);
        }
        set_id(&index->ids, a->rows, i, a->row_of[i]);
    }
    if (a->built) {
        put_in_order(index);
    }
    tidy(index);
    return MIDGE_OK;
}

midge_status midge_index_add(midge_index *index, const midge_rows *rows,
                             const midge_add_options *options,
                             midge_error *err) {
    if (!index || !rows) {
        return midge_fail(err, MIDGE_E_INVALID, "index or rows missing");
    }
    addition a = {.index = index, .rows = rows, .options = options, .err = err};
    MIDGE_TRY(check_rows(&a));
    if (rows->count == 0) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_image_need_all(index, err));
    a.row_of = mdg_alloc(index->env, rows->count, sizeof *a.row_of);
    a.replaced = mdg_alloc(index->env, rows->count, sizeof *a.replaced);
    midge_status status =
        a.row_of && a.replaced
            ? run_addition(&a)
            : midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu rows",
                         rows->count);
    mdg_release(index->env, a.row_of, rows->count, sizeof *a.row_of);
    mdg_release(index->env, a.replaced, rows->count, sizeof *a.replaced);
    return status;
}

/* ---- Deleting ------------------------------------------------------------ */

midge_status midge_index_delete(midge_index *index, size_t count,
                                const uint64_t *ids, const midge_text *keys,
                                size_t *n_deleted, midge_error *err) {
    size_t found = 0;
    if (n_deleted) {
        *n_deleted = 0;
    }
    if (!index || (count > 0 && !ids == !keys) ||
        (keys && index->options.id_type != MIDGE_ID_TEXT) ||
        (ids && index->options.id_type != MIDGE_ID_U64)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "ids that fit the index are missing");
    }
    MIDGE_TRY(mdg_image_need_all(index, err));
    const midge_rows rows = {.count = count, .ids = ids, .keys = keys};
    for (size_t i = 0; i < count; i++) {
        uint32_t row;
        midge_status status = find_id(&index->ids, index->dead, &rows, i, &row);
        if (status != MIDGE_OK) { /* of the first only: nothing was deleted */
            return midge_fail(err, status, "no memory for ids");
        }
        if (row != MIDGE_INDEX_NO_ROW) {
            mdg_ids_drop(&index->ids, row);
            bury(index, row);
            found++;
        }
    }
    if (n_deleted) {
        *n_deleted = found;
    }
    index->generation++;
    tidy(index);
    return MIDGE_OK;
}

/* ---- Renumbering --------------------------------------------------------- */

static size_t widest(const midge_index *index) {
    size_t most = index->rows.row_bytes;
    const size_t others[] = {index->codes.row_bytes, sizeof(uint64_t),
                             (1 + (size_t)index->graph.m0) * sizeof(uint32_t)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        most = others[i] > most ? others[i] : most;
    }
    return most;
}

midge_status mdg_index_renumber(midge_index *index, const uint32_t *new_of,
                                uint32_t n_left, midge_error *err) {
    mdg_mover mover;
    if (mdg_ids_movable(&index->ids, index->n_rows) != MIDGE_OK ||
        mdg_columns_movable(&index->columns, index->n_rows) != MIDGE_OK ||
        mdg_mover_init(&mover, index->env, new_of, index->n_rows,
                       widest(index)) != MIDGE_OK) {
        return mdg_no_memory("moving rows", err);
    }
    if (index->has_graph) {
        mdg_hnsw_renumber(index, &mover);
    }
    mdg_mover_apply(&mover, index->rows.data, index->rows.row_bytes);
    mdg_mover_apply(&mover, index->codes.data, index->codes.row_bytes);
    mdg_mover_apply_bits(&mover, index->dead);
    mdg_ids_renumber(&index->ids, &mover, n_left);
    mdg_columns_renumber(&index->columns, &mover, n_left);
    mdg_mover_deinit(&mover);
    index->n_rows = n_left;
    index->renumbered = 1;
    index->generation++;
    return MIDGE_OK;
}

midge_status midge_index_compact(midge_index *index, midge_error *err) {
    if (!index) {
        return midge_fail(err, MIDGE_E_INVALID, "index missing");
    }
    MIDGE_TRY(mdg_image_need_all(index, err));
    if (index->n_dead == 0) {
        return MIDGE_OK;
    }
    if (index->has_graph) {
        MIDGE_TRY(mdg_hnsw_repair(index, err));
    }
    uint32_t n = index->n_rows;
    uint32_t n_left = 0;
    uint32_t *new_of = mdg_alloc(index->env, n, sizeof *new_of);
    if (!new_of) {
        return mdg_no_memory("moving rows", err);
    }
    for (uint32_t row = 0; row < n; row++) {
        new_of[row] = mdg_row_dead(index, row) ? UINT32_MAX : n_left++;
    }
    midge_status status = mdg_index_renumber(index, new_of, n_left, err);
    mdg_release(index->env, new_of, n, sizeof *new_of);
    if (status == MIDGE_OK) {
        index->n_dead = 0;
        index->n_free = 0;
    }
    return status;
}
