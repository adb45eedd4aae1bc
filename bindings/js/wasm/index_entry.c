/* index_entry.c: what JavaScript calls in midge-index-*.wasm: vectors with
 * metadata, the nearest of them, and the bytes of their file.
 *
 * An index here comes with one searcher, and with the memory of its file when
 * it was opened from one. What a call answers beside its status (numbers,
 * bytes, metadata) lies in `answer`, good until the next call. Metadata come
 * and go as tags.h has them, not as text: JavaScript has a JSON of its own.
 */
#include "midge/index.h"

#include <string.h>

#include "answer.h"
#include "base/alloc.h"
#include "entry.h"
#include "index_numbers.h"
#include "midge/index_image.h"
#include "tags.h"

#ifdef MODULE_THREADS /* midge-index-threads.wasm shares the core's loops */
#include "pool_loop.h"
#define INDEX_ENV (&pool_env)
#else
#define INDEX_ENV (&entry_env)
#endif

typedef struct index_object {
    midge_index *index;
    midge_searcher *searcher; /* made when first asked */
    uint8_t *file;            /* the bytes that it was opened from, or NULL */
    size_t file_bytes;
    midge_index_commit commit;   /* what index_changes wrote last */
    midge_index_written written; /* what index_save wrote last */
} index_object;

/* How ids are answered. */
enum { IDS_DOUBLES = 0, IDS_WORDS = 1, IDS_NONE = 2 };

EXPORT(index_new) index_object *entry_index_new(const index_numbers *numbers);
EXPORT(index_open)
index_object *entry_index_open(uint8_t *file, size_t size, int track);
EXPORT(index_free) void entry_index_free(index_object *o);
EXPORT(index_column_add)
int entry_index_column_add(index_object *o, const char *name, int kind);
EXPORT(index_column_name)
const char *entry_index_column_name(const index_object *o, uint32_t column);
EXPORT(index_column_kind)
int entry_index_column_kind(const index_object *o, uint32_t column);
EXPORT(index_add)
int entry_index_add(index_object *o, size_t count, const void *vectors,
                    const uint64_t *ids, const midge_text *keys,
                    const uint8_t *metadata, int upsert);
EXPORT(index_delete)
int entry_index_delete(index_object *o, size_t count, const uint64_t *ids,
                       const midge_text *keys);
EXPORT(index_compact) int entry_index_compact(index_object *o);
EXPORT(index_info) int entry_index_info(const index_object *o);
EXPORT(index_find)
uint32_t entry_index_find(index_object *o, uint64_t id, const char *key,
                          size_t key_size);
EXPORT(index_vector)
int entry_index_vector(const index_object *o, uint32_t row, void *out);
EXPORT(index_metadata)
int entry_index_metadata(const index_object *o, size_t count,
                         const uint32_t *rows);
EXPORT(index_tune)
int entry_index_tune(index_object *o, double recall, uint32_t k, size_t sample,
                     const void *queries);
EXPORT(filter_new)
midge_filter *entry_filter_new(const index_object *o, const char *text,
                               size_t size);
EXPORT(filter_free) void entry_filter_free(midge_filter *filter);
EXPORT(index_search)
int entry_index_search(index_object *o, const search_numbers *numbers,
                       const void *queries, const midge_filter *filter,
                       int ids);
EXPORT(index_save) int entry_index_save(index_object *o);
EXPORT(index_track) int entry_index_track(index_object *o);
EXPORT(index_changed) int entry_index_changed(const index_object *o);
EXPORT(index_changes) int entry_index_changes(index_object *o);
EXPORT(index_commit)
const midge_index_commit *entry_index_commit(const index_object *o);
EXPORT(index_committed) void entry_index_committed(index_object *o);

/* ---- Answers ------------------------------------------------------------- */

/* `size` bytes to be filled; NULL without memory. */
static void *answer_room(size_t size) {
    midge_buf_clear(&answer);
    if (midge_buf_reserve(&answer, size) != MIDGE_OK) {
        return NULL;
    }
    answer.size = size;
    return answer.data;
}

static midge_status no_memory(void) {
    return mdg_no_memory("an answer", &entry_error);
}

/* ---- Objects ------------------------------------------------------------- */

static index_object *new_object(void) {
    index_object *o = entry_alloc(sizeof *o);
    if (!o) {
        (void)mdg_no_memory("an index", &entry_error);
        return NULL;
    }
    *o = (index_object){.index = NULL};
    return o;
}

void entry_index_free(index_object *o) {
    midge_searcher_free(o->searcher);
    midge_index_free(o->index);
    entry_release(o->file, o->file_bytes);
    entry_release(o, sizeof *o);
}

index_object *entry_index_new(const index_numbers *n) {
    const midge_index_options options = {.dim = n->dim,
                                         .metric = (midge_metric)n->metric,
                                         .kind = (midge_index_kind)n->kind,
                                         .storage = (midge_storage)n->storage,
                                         .walk = (midge_walk)n->walk,
                                         .id_type = (midge_id_type)n->id_type,
                                         .m = n->m,
                                         .ef_construction = n->ef_construction,
                                         .ef = n->ef,
                                         .seed = (uint64_t)n->seed_high << 32 |
                                                 n->seed_low};
    index_object *o = new_object();
    if (o && midge_index_new(INDEX_ENV, &options, &o->index, &entry_error)) {
        entry_index_free(o);
        return NULL;
    }
    return o;
}

/* `file` is taken: it comes from `alloc` and goes with the index, also when it
 * cannot be opened. */
index_object *entry_index_open(uint8_t *file, size_t size, int track) {
    const midge_index_bytes bytes = {.data = file, .size = size};
    index_object *o = new_object();
    if (!o) {
        entry_release(file, size);
        return NULL;
    }
    o->file = file;
    o->file_bytes = size;
    if (midge_index_image_open(INDEX_ENV, &bytes, track, &o->index,
                               &entry_error)) {
        entry_index_free(o);
        return NULL;
    }
    return o;
}

/* ---- Changes ------------------------------------------------------------- */

int entry_index_column_add(index_object *o, const char *name, int kind) {
    return (int)midge_index_column_add(o->index, name, (midge_column_kind)kind,
                                       &entry_error);
}

int entry_index_add(index_object *o, size_t count, const void *vectors,
                    const uint64_t *ids, const midge_text *keys,
                    const uint8_t *metadata, int upsert) {
    const midge_add_options options = {.upsert = upsert};
    midge_rows rows = {
        .count = count, .vectors = vectors, .ids = ids, .keys = keys};
    midge_arena arena;
    midge_arena_init(&arena, &entry_env, ANSWER_BYTES_MAX);
    midge_status status = MIDGE_OK;
    if (metadata) {
        rows.metadata = tags_read(&arena, metadata, count);
        status =
            rows.metadata ? MIDGE_OK : mdg_no_memory("metadata", &entry_error);
    }
    if (status == MIDGE_OK) {
        status = midge_index_add(o->index, &rows, &options, &entry_error);
    }
    midge_arena_deinit(&arena);
    return (int)status;
}

/* Answers how many there were. */
int entry_index_delete(index_object *o, size_t count, const uint64_t *ids,
                       const midge_text *keys) {
    size_t deleted;
    MIDGE_TRY(
        midge_index_delete(o->index, count, ids, keys, &deleted, &entry_error));
    return answer_bytes(&deleted, sizeof deleted);
}

int entry_index_compact(index_object *o) {
    return (int)midge_index_compact(o->index, &entry_error);
}

/* Answers ef, recall, sample and k as doubles, also with MIDGE_E_LIMIT. */
int entry_index_tune(index_object *o, double recall, uint32_t k, size_t sample,
                     const void *queries) {
    midge_tune_report report = {.ef = 0};
    midge_status status = midge_index_tune(o->index, recall, k, sample, queries,
                                           &report, &entry_error);
    const double numbers[] = {report.ef, report.recall, (double)report.sample,
                              report.k};
    int answered = answer_bytes(numbers, sizeof numbers);
    return status ? (int)status : answered;
}

/* ---- Looking ------------------------------------------------------------- */

/* NULL when there is no such column. */
const char *entry_index_column_name(const index_object *o, uint32_t column) {
    return midge_index_column_name(o->index, column);
}

int entry_index_column_kind(const index_object *o, uint32_t column) {
    return (int)midge_index_column_kind(o->index, column);
}

/* Answers doubles, in the order of INFO in src/index_options.ts. */
int entry_index_info(const index_object *o) {
    midge_index_info i;
    midge_index_image_info file;
    midge_index_info_get(o->index, &i);
    midge_index_image_info_get(o->index, &file);
    const double numbers[] = {i.options.dim,
                              i.options.metric,
                              i.options.kind,
                              i.options.storage,
                              i.options.walk,
                              i.options.id_type,
                              i.options.m,
                              i.options.ef_construction,
                              i.options.ef,
                              (double)i.count,
                              (double)i.n_deleted,
                              i.has_graph,
                              (double)i.vector_bytes,
                              (double)i.walk_bytes,
                              (double)i.graph_bytes,
                              (double)i.id_bytes,
                              (double)i.metadata_bytes,
                              (double)file.length,
                              (double)file.base_length,
                              file.frames,
                              file.heal};
    return answer_bytes(numbers, sizeof numbers);
}

uint32_t entry_index_find(index_object *o, uint64_t id, const char *key,
                          size_t key_size) {
    const midge_text text = {key, key_size};
    return key ? midge_index_find_key(o->index, text)
               : midge_index_find(o->index, id);
}

int entry_index_vector(const index_object *o, uint32_t row, void *out) {
    return (int)midge_index_vector(o->index, row, out, &entry_error);
}

/* Answers an object for each row. */
int entry_index_metadata(const index_object *o, size_t count,
                         const uint32_t *rows) {
    midge_json_writer w;
    midge_buf_clear(&answer);
    midge_json_writer_init(&w, &answer, 0);
    for (size_t i = 0; i < count; i++) {
        MIDGE_TRY(midge_index_metadata(o->index, rows[i], &w, &entry_error));
    }
    return answer.status ? (int)no_memory() : 0;
}

/* ---- Searching ----------------------------------------------------------- */

midge_filter *entry_filter_new(const index_object *o, const char *text,
                               size_t size) {
    midge_filter *filter;
    (void)!midge_filter_new(o->index, text, size, &filter, &entry_error);
    return filter;
}

void entry_filter_free(midge_filter *filter) {
    midge_filter_free(filter);
}

/* The places of (count, k) results in the answer; behind them how many each
 * query has, and the texts of text ids, each after its size. */
typedef struct results {
    size_t k;
    uint64_t *ids; /* or doubles */
    float *distances;
    uint32_t *rows;
    uint32_t *counts;
} results;

static midge_status put_id(uint64_t *at, uint64_t id, int form) {
    const double number = (double)id;
    if (form == IDS_DOUBLES && id >= ID_EXACT) {
        return midge_fail(&entry_error, MIDGE_E_LIMIT,
                          "an id is 2^53 or more: open the index with ids: "
                          "\"bigint\"");
    }
    if (form == IDS_DOUBLES) {
        memcpy(at, &number, sizeof number);
    } else {
        *at = id;
    }
    return MIDGE_OK;
}

static midge_status put_query(const index_object *o, const results *r,
                              size_t query, int form) {
    size_t count;
    const midge_neighbour *found =
        midge_searcher_found(o->searcher, query, &count);
    r->counts[query] = (uint32_t)count;
    for (size_t i = 0; i < r->k; i++) {
        const size_t at = query * r->k + i;
        const int there = i < count;
        r->distances[at] = there ? found[i].distance : __builtin_inff();
        r->rows[at] = there ? found[i].row : MIDGE_INDEX_NO_ROW;
        if (form != IDS_NONE) {
            MIDGE_TRY(put_id(&r->ids[at],
                             there ? midge_index_id(o->index, found[i].row) : 0,
                             form));
        }
    }
    return MIDGE_OK;
}

static void put_keys(const index_object *o, size_t query) {
    size_t count;
    const midge_neighbour *found =
        midge_searcher_found(o->searcher, query, &count);
    for (size_t i = 0; i < count; i++) {
        const midge_text key = midge_index_key(o->index, found[i].row);
        const uint32_t size = (uint32_t)key.size;
        (void)midge_buf_append(&answer, &size, sizeof size);
        (void)midge_buf_append(&answer, key.data, key.size);
    }
}

static midge_status answer_results(const index_object *o, size_t count,
                                   size_t k, int form) {
    const size_t each = form == IDS_NONE ? 8 : 16;
    const uint64_t bytes = ((uint64_t)k * each + 4) * count;
    uint8_t *at = bytes < ANSWER_BYTES_MAX ? answer_room((size_t)bytes) : NULL;
    if (!at && bytes > 0) {
        return no_memory();
    }
    results r = {.k = k, .ids = (uint64_t *)(void *)at};
    r.distances = (float *)(void *)(at + k * count * (each - 8));
    r.rows = (uint32_t *)(void *)(r.distances + k * count);
    r.counts = r.rows + k * count;
    for (size_t i = 0; i < count; i++) {
        MIDGE_TRY(put_query(o, &r, i, form));
    }
    for (size_t i = 0; i < count && form == IDS_NONE; i++) {
        put_keys(o, i);
    }
    return answer.status ? no_memory() : MIDGE_OK;
}

/* Answers ids (none when they are texts), distances, rows, counts, texts. k
 * must not be more than there are rows. */
int entry_index_search(index_object *o, const search_numbers *n,
                       const void *queries, const midge_filter *filter,
                       int ids) {
    const midge_query query = {.count = n->count,
                               .vectors = queries,
                               .k = n->k,
                               .ef = n->ef,
                               .within = (int)n->within,
                               .radius = n->radius,
                               .exact = (int)n->exact,
                               .filter = filter};
    if (!o->searcher) {
        MIDGE_TRY(midge_searcher_new(o->index, &o->searcher, &entry_error));
    }
    MIDGE_TRY(midge_searcher_run(o->searcher, &query, &entry_error));
    return (int)answer_results(o, n->count, n->k, ids);
}

/* ---- The file ------------------------------------------------------------ */

static midge_status append(void *ctx, const void *bytes, size_t size) {
    (void)ctx;
    return midge_buf_append(&answer, bytes, size);
}

/* Answers the bytes of a new file. Room for them is made at once: growing would
 * take twice as much. */
int entry_index_save(index_object *o) {
    const midge_index_writer writer = {.write_fn = append};
    midge_index_info i;
    midge_index_info_get(o->index, &i);
    midge_buf_deinit(&answer);
    (void)midge_buf_reserve(&answer, (size_t)(i.vector_bytes + i.walk_bytes +
                                              i.graph_bytes + i.id_bytes +
                                              i.metadata_bytes + 65536));
    midge_buf_clear(&answer);
    return (int)midge_index_image_write(o->index, &writer, &o->written,
                                        &entry_error);
}

/* What index_save answered is in the file: changes are told against it. */
int entry_index_track(index_object *o) {
    return (int)midge_index_track(o->index, &o->written, &entry_error);
}

int entry_index_changed(const index_object *o) {
    return midge_index_changed(o->index);
}

/* Answers the frame of what changed; where it goes is in index_commit.
 * MIDGE_E_STATE when only a new file can tell it. */
int entry_index_changes(index_object *o) {
    midge_buf_clear(&answer);
    return (int)midge_index_changes_write(o->index, &answer, &o->commit,
                                          &entry_error);
}

const midge_index_commit *entry_index_commit(const index_object *o) {
    return &o->commit;
}

/* The frame and the slot of index_changes are in the file. */
void entry_index_committed(index_object *o) {
    midge_index_changes_done(o->index, &o->commit);
}
