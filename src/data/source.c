/* source.c: opening a file of vectors, and handing out its rows. */
#include "data/source.h"

#include <string.h>

#include "base/alloc.h"

#define BATCH_BYTES_MAX ((size_t)4 << 30)

int midge_vector_format_of(const char *name, midge_vector_format *out) {
    static const struct {
        const char *end;
        midge_vector_format format;
    } known[] = {
        {".npy", MIDGE_VECTORS_NPY},     {".fvecs", MIDGE_VECTORS_FVECS},
        {".bvecs", MIDGE_VECTORS_BVECS}, {".ivecs", MIDGE_VECTORS_IVECS},
        {".fbin", MIDGE_VECTORS_FBIN},   {".csv", MIDGE_VECTORS_CSV},
        {".tsv", MIDGE_VECTORS_CSV},     {".jsonl", MIDGE_VECTORS_JSONL},
        {".ndjson", MIDGE_VECTORS_JSONL}};
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t end = strlen(known[i].end);
        if (size > end && memcmp(name + size - end, known[i].end, end) == 0) {
            *out = known[i].format;
            return 1;
        }
    }
    return 0;
}

static int is_text(const midge_vector_source *s) {
    return s->options.format == MIDGE_VECTORS_CSV ||
           s->options.format == MIDGE_VECTORS_JSONL;
}

size_t mdg_source_row_bytes(const midge_vector_source *s) {
    return s->options.bits ? ((size_t)s->dim + 7) / 8
                           : (size_t)s->dim * sizeof(float);
}

midge_status midge_vector_source_new(const midge_env *env, const void *bytes,
                                     size_t size,
                                     const midge_source_options *options,
                                     midge_vector_source **out,
                                     midge_error *err) {
    *out = NULL;
    midge_vector_source *s = mdg_alloc_zero(env, 1, sizeof *s);
    if (!s) {
        return mdg_no_memory("a reader", err);
    }
    s->env = env;
    s->bytes = bytes;
    s->size = size;
    s->options = *options;
    s->options.id = options->id ? options->id : "id";
    s->options.vector = options->vector ? options->vector : "vector";
    midge_arena_init(&s->names, env, 0);
    midge_arena_init(&s->batch, env, BATCH_BYTES_MAX);
    midge_status status = is_text(s) ? mdg_source_text_open(s, err)
                                     : mdg_source_binary_open(s, err);
    if (status != MIDGE_OK) {
        midge_vector_source_free(s);
        return status;
    }
    *out = s;
    return MIDGE_OK;
}

void midge_vector_source_free(midge_vector_source *s) {
    if (!s) {
        return;
    }
    mdg_source_csv_close(s);
    midge_arena_deinit(&s->names);
    midge_arena_deinit(&s->batch);
    mdg_release(s->env, s->vectors, s->vectors_bytes, 1);
    mdg_release(s->env, s, 1, sizeof *s);
}

uint64_t midge_vector_source_count(const midge_vector_source *s) {
    return s->count;
}

uint32_t midge_vector_source_dim(const midge_vector_source *s) {
    return s->dim;
}

int midge_vector_source_has_ids(const midge_vector_source *s,
                                midge_id_type *type) {
    *type = s->id_type;
    return s->has_ids;
}

uint32_t midge_vector_source_n_columns(const midge_vector_source *s) {
    return s->n_columns;
}

const char *midge_vector_source_column(const midge_vector_source *s,
                                       uint32_t column,
                                       midge_column_kind *kind) {
    if (column >= s->n_columns) {
        return NULL;
    }
    *kind = s->columns[column].kind;
    return s->columns[column].name;
}

/* Room for the vectors of a batch, kept from one to the next. */
static midge_status make_room(midge_vector_source *s, size_t count,
                              midge_error *err) {
    size_t wanted;
    if (!mdg_multiply_size(count, mdg_source_row_bytes(s), &wanted)) {
        return midge_fail(err, MIDGE_E_LIMIT, "too many rows at once");
    }
    if (wanted <= s->vectors_bytes) {
        return MIDGE_OK;
    }
    void *fresh = mdg_alloc(s->env, wanted, 1);
    if (!fresh) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu rows", count);
    }
    mdg_release(s->env, s->vectors, s->vectors_bytes, 1);
    s->vectors = fresh;
    s->vectors_bytes = wanted;
    return MIDGE_OK;
}

midge_status midge_vector_source_next(midge_vector_source *s, size_t max,
                                      midge_source_rows *out,
                                      midge_error *err) {
    *out = (midge_source_rows){.first = s->done};
    uint64_t left = s->count - s->done;
    size_t count = left < max ? (size_t)left : max;
    midge_arena_deinit(&s->batch);
    midge_arena_init(&s->batch, s->env, BATCH_BYTES_MAX);
    if (count == 0) {
        return MIDGE_OK;
    }
    MIDGE_TRY(make_room(s, count, err));
    MIDGE_TRY(is_text(s) ? mdg_source_text_next(s, count, out, err)
                         : mdg_source_binary_next(s, count, err));
    out->rows.count = count;
    out->rows.vectors = s->options.text ? NULL : s->vectors;
    s->done += count;
    return MIDGE_OK;
}
