/* source_text.c: rows of text files, each as a JSON object: lines of JSON as
 * they stand, rows of CSV made into one. The first walk over the file learns
 * what there is; the second hands it out. */
#include "data/source.h"

#include <string.h>

#include "base/alloc.h"

#define ROW_BYTES_MAX ((size_t)256 << 20) /* of one row, parsed */

midge_status mdg_source_fail(midge_error *err, midge_status status,
                             int64_t line, const char *what, const char *name) {
    (void)midge_fail(err, status, "line %lld: %s%s%s", (long long)line, what,
                     name ? " " : "", name ? name : "");
    if (err) {
        err->line = line;
    }
    return status;
}

/* ---- Rows as objects ----------------------------------------------------- */

static int is_blank(const uint8_t *at, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (at[i] != ' ' && at[i] != '\t' && at[i] != '\r') {
            return 0;
        }
    }
    return 1;
}

/* The next line that is not blank; 0 at the end. */
static int next_line(midge_vector_source *s, const char **text, size_t *size) {
    while (s->at < s->size) {
        const uint8_t *from = s->bytes + s->at;
        const uint8_t *end = memchr(from, '\n', s->size - s->at);
        *size = end ? (size_t)(end - from) : s->size - s->at;
        *text = (const char *)from;
        s->at += *size + (end != NULL);
        s->line++;
        if (!is_blank(from, *size)) {
            return 1;
        }
    }
    return 0;
}

static midge_status next_json(midge_vector_source *s, midge_arena *arena,
                              const midge_json **out, midge_error *err) {
    const char *text;
    size_t size;
    midge_error inner = {.text = ""};
    *out = NULL;
    if (!next_line(s, &text, &size)) {
        return MIDGE_OK;
    }
    midge_status status = midge_json_read(arena, text, size, out, &inner);
    if (status != MIDGE_OK) {
        return mdg_source_fail(err, status, s->line, inner.text, NULL);
    }
    if ((*out)->type != MIDGE_JSON_OBJECT) {
        return mdg_source_fail(err, MIDGE_E_PARSE, s->line,
                               "each line must be an object: {\"vector\": "
                               "[...]}",
                               NULL);
    }
    return MIDGE_OK;
}

static midge_status next_object(midge_vector_source *s, midge_arena *arena,
                                const midge_json **out, midge_error *err) {
    return s->options.format == MIDGE_VECTORS_CSV
               ? mdg_source_csv_row(s, arena, out, err)
               : next_json(s, arena, out, err);
}

static void rewind_text(midge_vector_source *s) {
    s->at = 0;
    s->line = 0;
    if (s->options.format == MIDGE_VECTORS_CSV) {
        mdg_source_csv_rewind(s);
    }
}

static int is_reserved(const midge_vector_source *s, const char *key) {
    return strcmp(key, s->options.id) == 0 ||
           strcmp(key, s->options.vector) == 0 ||
           (s->options.text && strcmp(key, s->options.text) == 0);
}

static int is_nested(const midge_json *member) {
    return member->type == MIDGE_JSON_OBJECT &&
           strcmp(member->key, "metadata") == 0;
}

/* ---- The first walk ------------------------------------------------------ */

/* 0 when an index has no such kind. */
static int kind_of(const midge_json *value, midge_column_kind *kind) {
    switch (value->type) {
    case MIDGE_JSON_BOOL:
        *kind = MIDGE_META_BOOL;
        return 1;
    case MIDGE_JSON_INT:
        *kind = MIDGE_META_INT;
        return 1;
    case MIDGE_JSON_DOUBLE:
        *kind = MIDGE_META_FLOAT;
        return 1;
    case MIDGE_JSON_STRING:
        *kind = MIDGE_META_STRING;
        return 1;
    case MIDGE_JSON_ARRAY:
        *kind = MIDGE_META_SET;
        for (const midge_json *j = value->child; j; j = j->next) {
            if (j->type != MIDGE_JSON_STRING) {
                return 0;
            }
        }
        return 1;
    default:
        return 0;
    }
}

static int is_number_kind(midge_column_kind kind) {
    return kind == MIDGE_META_INT || kind == MIDGE_META_FLOAT;
}

static midge_status see_value(midge_vector_source *s, const midge_json *member,
                              midge_error *err) {
    midge_column_kind kind;
    if (member->type == MIDGE_JSON_NULL) {
        return MIDGE_OK;
    }
    if (!kind_of(member, &kind)) {
        return mdg_source_fail(err, MIDGE_E_PARSE, s->line,
                               "metadata are numbers, texts, true, false or "
                               "arrays of texts; not so",
                               member->key);
    }
    for (uint32_t i = 0; i < s->n_columns; i++) {
        mdg_source_column *column = &s->columns[i];
        if (strcmp(column->name, member->key) != 0) {
            continue;
        }
        if (column->kind == kind) {
            return MIDGE_OK;
        }
        if (is_number_kind(kind) && is_number_kind(column->kind)) {
            column->kind = MIDGE_META_FLOAT;
            return MIDGE_OK;
        }
        return mdg_source_fail(
            err, MIDGE_E_PARSE, s->line,
            "of another type than in an earlier line:", column->name);
    }
    if (s->n_columns == MIDGE_INDEX_COLUMNS_MAX) {
        return mdg_source_fail(err, MIDGE_E_LIMIT, s->line,
                               "more than 256 columns; the last is",
                               member->key);
    }
    const char *name =
        midge_arena_copy(&s->names, member->key, member->key_size);
    if (!name) {
        return mdg_no_memory("a name", err);
    }
    s->columns[s->n_columns++] =
        (mdg_source_column){.name = name, .kind = kind, .seen = 1};
    return MIDGE_OK;
}

static midge_status see_id(midge_vector_source *s, const midge_json *id,
                           midge_error *err) {
    int has = id && id->type != MIDGE_JSON_NULL;
    midge_id_type type =
        has && id->type == MIDGE_JSON_STRING ? MIDGE_ID_TEXT : MIDGE_ID_U64;
    if (has && id->type != MIDGE_JSON_STRING &&
        (id->type != MIDGE_JSON_INT || id->integer < 0)) {
        return mdg_source_fail(err, MIDGE_E_PARSE, s->line,
                               "an id is a whole number from 0 on, or a text; "
                               "not so",
                               s->options.id);
    }
    if (s->count == 0) {
        s->has_ids = has;
        s->id_type = type;
    } else if (has != s->has_ids || type != s->id_type) {
        return mdg_source_fail(
            err, MIDGE_E_PARSE, s->line,
            "all rows have an id of one type, or none:", s->options.id);
    }
    return MIDGE_OK;
}

static midge_status see_vector(midge_vector_source *s, const midge_json *row,
                               midge_error *err) {
    const char *name = s->options.text ? s->options.text : s->options.vector;
    const midge_json *value = midge_json_get(row, name);
    if (!value || value->type == MIDGE_JSON_NULL) {
        return mdg_source_fail(err, MIDGE_E_NOT_FOUND, s->line,
                               "there is no member", name);
    }
    if (s->options.text) {
        return value->type == MIDGE_JSON_STRING
                   ? MIDGE_OK
                   : mdg_source_fail(err, MIDGE_E_PARSE, s->line,
                                     "is no text:", name);
    }
    if (value->type != MIDGE_JSON_ARRAY || value->count == 0 ||
        value->count > MIDGE_INDEX_DIM_MAX) {
        return mdg_source_fail(err, MIDGE_E_PARSE, s->line,
                               "a vector is an array of 1 to 65536 numbers; "
                               "not so",
                               name);
    }
    if (s->count > 0 && value->count != s->dim) {
        (void)midge_fail(err, MIDGE_E_PARSE,
                         "line %lld: a vector of %u numbers, the first has %u",
                         (long long)s->line, value->count, s->dim);
        return MIDGE_E_PARSE;
    }
    s->dim = value->count;
    return MIDGE_OK;
}

static midge_status see_members(midge_vector_source *s, const midge_json *row,
                                midge_error *err) {
    for (const midge_json *j = row->child; j; j = j->next) {
        if (is_reserved(s, j->key)) {
            continue;
        }
        if (!is_nested(j)) {
            MIDGE_TRY(see_value(s, j, err));
            continue;
        }
        for (const midge_json *k = j->child; k; k = k->next) {
            MIDGE_TRY(see_value(s, k, err));
        }
    }
    return MIDGE_OK;
}

midge_status mdg_source_text_open(midge_vector_source *s, midge_error *err) {
    midge_arena arena;
    const midge_json *row = NULL;
    if (s->options.format == MIDGE_VECTORS_CSV) {
        MIDGE_TRY(mdg_source_csv_open(s, err));
    }
    midge_status status;
    rewind_text(s);
    do {
        midge_arena_init(&arena, s->env, ROW_BYTES_MAX);
        status = next_object(s, &arena, &row, err);
        if (status == MIDGE_OK && row) {
            status = see_id(s, midge_json_get(row, s->options.id), err);
        }
        if (status == MIDGE_OK && row) {
            status = see_vector(s, row, err);
        }
        if (status == MIDGE_OK && row) {
            status = see_members(s, row, err);
            s->count++;
        }
        midge_arena_deinit(&arena);
    } while (status == MIDGE_OK && row);
    if (status == MIDGE_OK && s->count == 0) {
        status = midge_fail(err, MIDGE_E_NOT_FOUND, "there are no rows");
    }
    rewind_text(s);
    return status;
}

/* ---- The second walk ----------------------------------------------------- */

static midge_status take_bit(midge_vector_source *s, uint8_t *out, size_t j,
                             const midge_json *value, midge_error *err) {
    if (value->type != MIDGE_JSON_INT || value->integer < 0 ||
        value->integer > 1) {
        return mdg_source_fail(err, MIDGE_E_PARSE, s->line,
                               "bits are 0 or 1 in", s->options.vector);
    }
    if (value->integer) {
        out[j / 8] = (uint8_t)(out[j / 8] | 1u << (j % 8));
    }
    return MIDGE_OK;
}

static midge_status take_vector(midge_vector_source *s, size_t i,
                                const midge_json *row, midge_error *err) {
    const midge_json *list = midge_json_get(row, s->options.vector);
    size_t bytes = mdg_source_row_bytes(s);
    uint8_t *out = (uint8_t *)s->vectors + i * bytes;
    size_t j = 0;
    memset(out, 0, bytes);
    for (const midge_json *v = list->child; v; v = v->next, j++) {
        if (s->options.bits) {
            MIDGE_TRY(take_bit(s, out, j, v, err));
            continue;
        }
        float value = (float)v->number;
        if ((v->type != MIDGE_JSON_INT && v->type != MIDGE_JSON_DOUBLE) ||
            value - value != 0.0f) {
            return mdg_source_fail(err, MIDGE_E_PARSE, s->line,
                                   "not a finite number in", s->options.vector);
        }
        ((float *)s->vectors)[i * s->dim + j] = value;
    }
    return MIDGE_OK;
}

/* A copy in the batch's arena: rows are parsed into one that goes with them. */
static midge_json *copy_value(midge_vector_source *s, const midge_json *from) {
    midge_json *copy = midge_arena_alloc(&s->batch, sizeof *copy);
    if (!copy) {
        return NULL;
    }
    *copy = *from;
    copy->next = NULL;
    copy->child = NULL;
    if (from->key) {
        copy->key = midge_arena_copy(&s->batch, from->key, from->key_size);
    }
    if (from->string) {
        copy->string = midge_arena_copy(&s->batch, from->string, from->count);
    }
    if ((from->key && !copy->key) || (from->string && !copy->string)) {
        return NULL;
    }
    midge_json **tail = &copy->child;
    for (const midge_json *j = from->child; j; j = j->next) { /* of a set */
        *tail = copy_value(s, j);
        if (!*tail) {
            return NULL;
        }
        tail = &(*tail)->next;
    }
    return copy;
}

/* Links copies of the row's metadata members behind `tail`. */
static midge_status copy_members(midge_vector_source *s, const midge_json *from,
                                 int nested, midge_json ***tail,
                                 uint32_t *count) {
    for (const midge_json *j = from->child; j; j = j->next) {
        if (!nested && is_reserved(s, j->key)) {
            continue;
        }
        if (!nested && is_nested(j)) {
            MIDGE_TRY(copy_members(s, j, 1, tail, count));
            continue;
        }
        **tail = copy_value(s, j);
        if (!**tail) {
            return MIDGE_E_NOMEM;
        }
        *tail = &(**tail)->next;
        ++*count;
    }
    return MIDGE_OK;
}

static midge_status take_metadata(midge_vector_source *s, const midge_json *row,
                                  const midge_json **out) {
    midge_json *object = midge_arena_alloc(&s->batch, sizeof *object);
    if (!object) {
        return MIDGE_E_NOMEM;
    }
    *object = (midge_json){.type = MIDGE_JSON_OBJECT};
    midge_json **tail = &object->child;
    *out = object;
    return copy_members(s, row, 0, &tail, &object->count);
}

typedef struct batch_arrays {
    uint64_t *ids;
    midge_text *keys;
    midge_text *texts;
    const midge_json **metadata;
} batch_arrays;

static midge_status make_arrays(midge_vector_source *s, size_t count,
                                batch_arrays *a) {
    midge_arena *arena = &s->batch;
    a->metadata = midge_arena_alloc(arena, count * sizeof *a->metadata);
    a->ids = midge_arena_alloc(arena, count * sizeof *a->ids);
    a->keys = midge_arena_alloc(arena, count * sizeof *a->keys);
    a->texts = midge_arena_alloc(arena, count * sizeof *a->texts);
    return a->metadata && a->ids && a->keys && a->texts ? MIDGE_OK
                                                        : MIDGE_E_NOMEM;
}

static midge_status copy_text(midge_vector_source *s, const midge_json *value,
                              midge_text *out) {
    out->data = midge_arena_copy(&s->batch, value->string, value->count);
    out->size = value->count;
    return out->data ? MIDGE_OK : MIDGE_E_NOMEM;
}

static midge_status take_row(midge_vector_source *s, size_t i,
                             const batch_arrays *a, const midge_json *row,
                             midge_error *err) {
    const midge_json *id = midge_json_get(row, s->options.id);
    midge_status status = MIDGE_OK;
    if (s->has_ids && s->id_type == MIDGE_ID_TEXT) {
        status = copy_text(s, id, &a->keys[i]);
    } else if (s->has_ids) {
        a->ids[i] = (uint64_t)id->integer;
    }
    if (status == MIDGE_OK && s->options.text) {
        status =
            copy_text(s, midge_json_get(row, s->options.text), &a->texts[i]);
    } else if (status == MIDGE_OK) {
        MIDGE_TRY(take_vector(s, i, row, err));
    }
    if (status == MIDGE_OK) {
        status = take_metadata(s, row, &a->metadata[i]);
    }
    return status == MIDGE_OK ? status
                              : midge_fail(err, status, "no memory for a row");
}

static midge_status read_row(midge_vector_source *s, size_t i,
                             const batch_arrays *a, midge_error *err) {
    midge_arena arena;
    const midge_json *row;
    midge_arena_init(&arena, s->env, ROW_BYTES_MAX);
    midge_status status = next_object(s, &arena, &row, err);
    if (status == MIDGE_OK) {
        status = row ? take_row(s, i, a, row, err)
                     : midge_fail(err, MIDGE_E_INTERNAL, "a row is gone");
    }
    midge_arena_deinit(&arena);
    return status;
}

midge_status mdg_source_text_next(midge_vector_source *s, size_t count,
                                  midge_source_rows *out, midge_error *err) {
    batch_arrays a;
    if (make_arrays(s, count, &a) != MIDGE_OK) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu rows", count);
    }
    for (size_t i = 0; i < count; i++) {
        MIDGE_TRY(read_row(s, i, &a, err));
    }
    out->texts = s->options.text ? a.texts : NULL;
    out->rows.metadata = s->n_columns > 0 ? a.metadata : NULL;
    if (s->has_ids && s->id_type == MIDGE_ID_TEXT) {
        out->rows.keys = a.keys;
    } else if (s->has_ids) {
        out->rows.ids = a.ids;
    }
    return MIDGE_OK;
}
