/* index_entry.c: what JavaScript calls in midge-index-*.wasm: vectors with
 * metadata, the nearest of them, and the bytes of their file.
 *
 * An index here comes with one searcher, and with the memory of its file when
 * it was opened from one. What a call answers beside its status (rows, bytes,
 * text) lies in `answer`, good until the next call.
 */
#include "midge/index.h"

#include "entry.h"
#include "midge/index_image.h"

typedef struct index_object {
    midge_index *index;
    midge_searcher *searcher; /* made when first asked */
    uint8_t *file;            /* the bytes that it was opened from, or NULL */
    size_t file_bytes;
    midge_index_commit commit; /* what index_commit wrote last */
} index_object;

/* Numbers as JavaScript lays them out: little-endian words, in this order. */
typedef struct index_numbers {
    uint32_t dim, metric, kind, storage, walk, id_type, m, ef_construction, ef;
    uint32_t seed_low, seed_high;
} index_numbers;

typedef struct search_numbers {
    uint32_t count, k, ef, within, exact;
    float radius;
} search_numbers;

static midge_buf answer = {.env = &entry_env};

EXPORT(index_new) index_object *entry_index_new(const index_numbers *numbers);
EXPORT(index_open) index_object *entry_index_open(uint8_t *file, size_t size);
EXPORT(index_free) void entry_index_free(index_object *o);
EXPORT(index_column_add)
int entry_index_column_add(index_object *o, const char *name, int kind);
EXPORT(index_columns) int entry_index_columns(const index_object *o);
EXPORT(index_add)
int entry_index_add(index_object *o, size_t count, const void *vectors,
                    const uint64_t *ids, const midge_text *keys,
                    const char *metadata, size_t metadata_size, int upsert);
EXPORT(index_delete)
int entry_index_delete(index_object *o, size_t count, const uint64_t *ids,
                       const midge_text *keys);
EXPORT(index_compact) int entry_index_compact(index_object *o);
EXPORT(index_info) int entry_index_info(const index_object *o);
EXPORT(index_find)
uint32_t entry_index_find(index_object *o, uint64_t id, const char *key,
                          size_t key_size);
EXPORT(index_id) uint64_t entry_index_id(const index_object *o, uint32_t row);
EXPORT(index_key) int entry_index_key(const index_object *o, uint32_t row);
EXPORT(index_vector)
int entry_index_vector(const index_object *o, uint32_t row, void *out);
EXPORT(index_metadata)
int entry_index_metadata(const index_object *o, uint32_t row);
EXPORT(index_has_row)
int entry_index_has_row(const index_object *o, uint32_t row);
EXPORT(index_tune)
int entry_index_tune(index_object *o, double recall, uint32_t k, size_t sample,
                     const void *queries);
EXPORT(filter_new)
midge_filter *entry_filter_new(const index_object *o, const char *text,
                               size_t size);
EXPORT(filter_free) void entry_filter_free(midge_filter *filter);
EXPORT(index_search)
int entry_index_search(index_object *o, const search_numbers *numbers,
                       const void *queries, const midge_filter *filter);
EXPORT(index_found)
const midge_neighbour *entry_index_found(const index_object *o, size_t query);
EXPORT(index_save) int entry_index_save(index_object *o);
EXPORT(index_changed) int entry_index_changed(const index_object *o);
EXPORT(index_changes) int entry_index_changes(index_object *o);
EXPORT(index_commit)
const midge_index_commit *entry_index_commit(const index_object *o);
EXPORT(index_committed) void entry_index_committed(index_object *o);
EXPORT(answer_data) const void *entry_answer_data(void);
EXPORT(answer_size) size_t entry_answer_size(void);
EXPORT(answer_release) void entry_answer_release(void);

/* ---- Answers ------------------------------------------------------------- */

const void *entry_answer_data(void) {
    return answer.data;
}

size_t entry_answer_size(void) {
    return answer.size;
}

void entry_answer_release(void) {
    midge_buf_deinit(&answer);
    midge_buf_init(&answer, &entry_env, SIZE_MAX);
}

static int answer_number(uint32_t number) {
    midge_buf_clear(&answer);
    return (int)midge_buf_append(&answer, &number, sizeof number);
}

/* ---- Objects ------------------------------------------------------------- */

static index_object *new_object(void) {
    index_object *o = entry_alloc(sizeof *o);
    if (!o) {
        (void)midge_fail(&entry_error, MIDGE_E_NOMEM, "no memory for an index");
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
    if (o && midge_index_new(&entry_env, &options, &o->index, &entry_error)) {
        entry_index_free(o);
        return NULL;
    }
    return o;
}

/* `file` is taken: it comes from `alloc` and goes with the index, also when it
 * cannot be opened. */
index_object *entry_index_open(uint8_t *file, size_t size) {
    const midge_index_bytes bytes = {.data = file, .size = size};
    index_object *o = new_object();
    if (!o) {
        entry_release(file, size);
        return NULL;
    }
    o->file = file;
    o->file_bytes = size;
    if (midge_index_image_open(&entry_env, &bytes, 1, &o->index,
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

/* `count` objects (or nulls) in a JSON array; `out` has room for them. */
static midge_status read_metadata(midge_arena *arena, const char *text,
                                  size_t size, size_t count,
                                  const midge_json **out) {
    const midge_json *list;
    MIDGE_TRY(midge_json_read(arena, text, size, &list, &entry_error));
    if (list->type != MIDGE_JSON_ARRAY || list->count != count) {
        return midge_fail(&entry_error, MIDGE_E_MISMATCH,
                          "metadata for %u rows, there are %zu", list->count,
                          count);
    }
    for (const midge_json *j = list->child; j; j = j->next) {
        *out++ = j->type == MIDGE_JSON_NULL ? NULL : j;
    }
    return MIDGE_OK;
}

int entry_index_add(index_object *o, size_t count, const void *vectors,
                    const uint64_t *ids, const midge_text *keys,
                    const char *metadata, size_t metadata_size, int upsert) {
    const midge_add_options options = {.upsert = upsert};
    midge_rows rows = {
        .count = count, .vectors = vectors, .ids = ids, .keys = keys};
    midge_arena arena;
    midge_arena_init(&arena, &entry_env, 0);
    midge_status status = MIDGE_OK;
    if (metadata) {
        const midge_json **list =
            midge_arena_alloc(&arena, count * sizeof *list);
        status =
            list ? read_metadata(&arena, metadata, metadata_size, count, list)
                 : midge_fail(&entry_error, MIDGE_E_NOMEM,
                              "no memory for metadata");
        rows.metadata = list;
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
    return answer_number((uint32_t)deleted);
}

int entry_index_compact(index_object *o) {
    return (int)midge_index_compact(o->index, &entry_error);
}

/* Answers {"ef", "recall", "sample", "k"}, also with MIDGE_E_LIMIT. */
int entry_index_tune(index_object *o, double recall, uint32_t k, size_t sample,
                     const void *queries) {
    midge_tune_report report = {.ef = 0};
    midge_json_writer w;
    midge_status status = midge_index_tune(o->index, recall, k, sample, queries,
                                           &report, &entry_error);
    midge_buf_clear(&answer);
    midge_json_writer_init(&w, &answer, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "ef");
    midge_json_int(&w, report.ef);
    midge_json_key(&w, "recall");
    midge_json_double(&w, report.recall);
    midge_json_key(&w, "sample");
    midge_json_int(&w, (int64_t)report.sample);
    midge_json_key(&w, "k");
    midge_json_int(&w, report.k);
    midge_json_end_object(&w);
    return (int)(status == MIDGE_OK ? midge_json_writer_end(&w) : status);
}

/* ---- Looking ------------------------------------------------------------- */

/* Answers [{"name", "kind"}]. */
int entry_index_columns(const index_object *o) {
    midge_json_writer w;
    midge_buf_clear(&answer);
    midge_json_writer_init(&w, &answer, 0);
    midge_json_begin_array(&w);
    for (uint32_t i = 0; i < midge_index_n_columns(o->index); i++) {
        midge_json_begin_object(&w);
        midge_json_key(&w, "name");
        midge_json_string(&w, midge_index_column_name(o->index, i));
        midge_json_key(&w, "kind");
        midge_json_int(&w, midge_index_column_kind(o->index, i));
        midge_json_end_object(&w);
    }
    midge_json_end_array(&w);
    return (int)midge_json_writer_end(&w);
}

static void put(midge_json_writer *w, const char *name, uint64_t value) {
    midge_json_key(w, name);
    midge_json_int(w, (int64_t)value);
}

int entry_index_info(const index_object *o) {
    midge_index_info info;
    midge_json_writer w;
    midge_index_info_get(o->index, &info);
    midge_buf_clear(&answer);
    midge_json_writer_init(&w, &answer, 0);
    midge_json_begin_object(&w);
    put(&w, "dim", info.options.dim);
    put(&w, "metric", info.options.metric);
    put(&w, "kind", info.options.kind);
    put(&w, "storage", info.options.storage);
    put(&w, "walk", info.options.walk);
    put(&w, "idType", info.options.id_type);
    put(&w, "m", info.options.m);
    put(&w, "efConstruction", info.options.ef_construction);
    put(&w, "ef", info.options.ef);
    put(&w, "count", info.count);
    put(&w, "deleted", info.n_deleted);
    put(&w, "hasGraph", (uint64_t)info.has_graph);
    put(&w, "vectorBytes", info.vector_bytes);
    put(&w, "walkBytes", info.walk_bytes);
    put(&w, "graphBytes", info.graph_bytes);
    put(&w, "idBytes", info.id_bytes);
    put(&w, "metadataBytes", info.metadata_bytes);
    midge_json_end_object(&w);
    return (int)midge_json_writer_end(&w);
}

uint32_t entry_index_find(index_object *o, uint64_t id, const char *key,
                          size_t key_size) {
    const midge_text text = {key, key_size};
    return key ? midge_index_find_key(o->index, text)
               : midge_index_find(o->index, id);
}

int entry_index_has_row(const index_object *o, uint32_t row) {
    return midge_index_has_row(o->index, row);
}

uint64_t entry_index_id(const index_object *o, uint32_t row) {
    return midge_index_id(o->index, row);
}

/* Answers the text. */
int entry_index_key(const index_object *o, uint32_t row) {
    midge_text key = midge_index_key(o->index, row);
    midge_buf_clear(&answer);
    return (int)midge_buf_append(&answer, key.data, key.size);
}

int entry_index_vector(const index_object *o, uint32_t row, void *out) {
    return (int)midge_index_vector(o->index, row, out, &entry_error);
}

/* Answers one object. */
int entry_index_metadata(const index_object *o, uint32_t row) {
    midge_json_writer w;
    midge_buf_clear(&answer);
    midge_json_writer_init(&w, &answer, 0);
    MIDGE_TRY(midge_index_metadata(o->index, row, &w, &entry_error));
    return (int)midge_json_writer_end(&w);
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

int entry_index_search(index_object *o, const search_numbers *n,
                       const void *queries, const midge_filter *filter) {
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
    return (int)midge_searcher_run(o->searcher, &query, &entry_error);
}

/* Answers how many they are. */
const midge_neighbour *entry_index_found(const index_object *o, size_t query) {
    size_t count;
    const midge_neighbour *found =
        midge_searcher_found(o->searcher, query, &count);
    (void)answer_number((uint32_t)count);
    return found;
}

/* ---- The file ------------------------------------------------------------ */

static midge_status append(void *ctx, const void *bytes, size_t size) {
    (void)ctx;
    return midge_buf_append(&answer, bytes, size);
}

/* Answers the bytes of a new file; changes are told against it from then on. */
int entry_index_save(index_object *o) {
    const midge_index_writer writer = {.write_fn = append};
    midge_index_written written;
    midge_buf_clear(&answer);
    MIDGE_TRY(
        midge_index_image_write(o->index, &writer, &written, &entry_error));
    return (int)midge_index_track(o->index, &written, &entry_error);
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
