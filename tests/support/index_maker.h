/* index_maker.h: indexes for tests of files: rows that a seed decides, every
 * kind of column, and a comparison of two indexes by all that can be asked of
 * them. */
#ifndef INDEX_MAKER_H
#define INDEX_MAKER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midge/buf.h"
#include "midge/index.h"

#define MAKER_DIM_MAX 256u

static inline uint64_t maker_mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The vector of an id: for Hamming bits, else small whole numbers, which every
 * storage holds nearly, and f32 and f16 exactly. */
static inline void maker_vector(uint64_t id, uint32_t dim, int bits,
                                void *out) {
    float *x = out;
    uint8_t *b = out;
    for (uint32_t i = 0; i < (bits ? (dim + 7) / 8 : dim); i++) {
        uint64_t r = maker_mix(id * 1000003 + i);
        if (bits) {
            b[i] = (uint8_t)r;
        } else {
            x[i] = (float)(r % 201) - 100.0f;
        }
    }
    if (bits && dim % 8 != 0) {
        b[dim / 8] = (uint8_t)(b[dim / 8] & ((1u << dim % 8) - 1));
    }
}

static inline size_t maker_key(uint64_t id, char out[32]) {
    return (size_t)snprintf(out, 32, "key-%llu%s", (unsigned long long)id,
                            id % 3 ? "" : "-\xc3\xa9");
}

static inline midge_status maker_columns(midge_index *index) {
    static const struct {
        const char *name;
        midge_column_kind kind;
    } columns[] = {{"year", MIDGE_META_INT},
                   {"score", MIDGE_META_FLOAT},
                   {"lang", MIDGE_META_STRING},
                   {"draft", MIDGE_META_BOOL},
                   {"tags", MIDGE_META_SET}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        MIDGE_TRY(midge_index_column_add(index, columns[i].name,
                                         columns[i].kind, NULL));
    }
    return MIDGE_OK;
}

/* The metadata of an id, at a version; some members are left out. */
static inline size_t maker_metadata(uint64_t id, uint32_t version, char *out,
                                    size_t size) {
    static const char *const langs[] = {"en", "de", "fr", "\xc3\xa9", ""};
    uint64_t r = maker_mix(id + 77 * version);
    int n = snprintf(out, size, "{\"year\":%d,\"draft\":%s",
                     1900 + (int)(r % 200), r >> 8 & 1 ? "true" : "false");
    if (r >> 9 & 1) {
        n += snprintf(out + n, size - (size_t)n, ",\"lang\":\"%s\"",
                      langs[(r >> 10) % 5]);
    }
    if (r >> 13 & 1) {
        n += snprintf(out + n, size - (size_t)n, ",\"score\":%g",
                      (double)(r >> 20 & 1023) / 16);
    }
    if (r >> 14 & 1) {
        n += snprintf(out + n, size - (size_t)n,
                      ",\"tags\":[\"t%u\",\"u%u\",\"w%u\"]",
                      (unsigned)(r >> 30 & 15), (unsigned)(r >> 34 & 7),
                      (unsigned)(r >> 40 & 255));
    }
    n += snprintf(out + n, size - (size_t)n, "}");
    return (size_t)n;
}

/* Adds (or replaces) one row for each id, with version as given. */
static inline midge_status maker_put(const midge_env *env, midge_index *index,
                                     size_t count, const uint64_t *ids,
                                     uint32_t version, int metadata,
                                     midge_error *err) {
    midge_index_info info;
    midge_index_info_get(index, &info);
    const midge_index_options *o = &info.options;
    const int bits = o->metric == MIDGE_METRIC_HAMMING;
    const size_t bytes = bits ? (o->dim + 7) / 8 : o->dim * sizeof(float);
    midge_rows rows = {.count = count};
    char *vectors = malloc(count * bytes + 1);
    char(*keys)[32] = malloc(count * sizeof *keys + 1);
    midge_text *texts = malloc(count * sizeof *texts + 1);
    const midge_json **objects = malloc(count * sizeof *objects + 1);
    midge_arena arena;
    midge_arena_init(&arena, env, 0);
    midge_status status = MIDGE_OK;
    for (size_t i = 0; status == MIDGE_OK && i < count; i++) {
        char text[256];
        const midge_json *json = NULL;
        maker_vector(ids[i] * 100003 + version, o->dim, bits,
                     vectors + i * bytes);
        texts[i] = (midge_text){keys[i], maker_key(ids[i], keys[i])};
        size_t size = maker_metadata(ids[i], version, text, sizeof text);
        status = midge_json_read(&arena, text, size, &json, err);
        objects[i] = json;
    }
    rows.vectors = vectors;
    rows.ids = o->id_type == MIDGE_ID_U64 ? ids : NULL;
    rows.keys = o->id_type == MIDGE_ID_TEXT ? texts : NULL;
    rows.metadata = metadata ? objects : NULL;
    const midge_add_options add = {.upsert = 1};
    if (status == MIDGE_OK) {
        status = midge_index_add(index, &rows, &add, err);
    }
    midge_arena_deinit(&arena);
    free(vectors);
    free(keys);
    free(texts);
    free(objects);
    return status;
}

static inline midge_status maker_delete(midge_index *index, size_t count,
                                        const uint64_t *ids, size_t *n,
                                        midge_error *err) {
    midge_index_info info;
    midge_index_info_get(index, &info);
    if (info.options.id_type == MIDGE_ID_U64) {
        return midge_index_delete(index, count, ids, NULL, n, err);
    }
    char(*keys)[32] = malloc(count * sizeof *keys + 1);
    midge_text *texts = malloc(count * sizeof *texts + 1);
    for (size_t i = 0; i < count; i++) {
        texts[i] = (midge_text){keys[i], maker_key(ids[i], keys[i])};
    }
    midge_status status = midge_index_delete(index, count, NULL, texts, n, err);
    free(keys);
    free(texts);
    return status;
}

/* The row of an id, or MIDGE_INDEX_NO_ROW. */
static inline uint32_t maker_find(midge_index *index, uint64_t id) {
    midge_index_info info;
    char key[32];
    midge_index_info_get(index, &info);
    if (info.options.id_type == MIDGE_ID_U64) {
        return midge_index_find(index, id);
    }
    return midge_index_find_key(index, (midge_text){key, maker_key(id, key)});
}

#endif
