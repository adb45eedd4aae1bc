/* columns.c: the columns of an index, their room, and values put and given back
 * as JSON. */
#include "index/columns.h"

#include <string.h>

#include "base/alloc.h"
#include "base/mdg_assert.h"
#include "base/utf8.h"
#include "index/place.h"
#include "index/sorted.h"

void mdg_columns_init(mdg_columns *columns, const midge_env *env,
                      uint64_t seed) {
    memset(columns, 0, sizeof *columns);
    columns->env = env;
    columns->seed = seed;
}

size_t mdg_column_stride(midge_column_kind kind) {
    switch (kind) {
    case MIDGE_META_STRING:
        return sizeof(uint32_t);
    case MIDGE_META_BOOL:
        return 1;
    case MIDGE_META_INT:
    case MIDGE_META_FLOAT:
    case MIDGE_META_SET:
        break;
    }
    return 8;
}

const char *mdg_column_kind_text(midge_column_kind kind) {
    static const char *const texts[] = {"an integer", "a number", "a string",
                                        "a boolean", "a set of strings"};
    return texts[kind];
}

static void release_elements(mdg_column *c, const midge_env *env) {
    if (c->elements_capacity != 0) {
        mdg_release(env, c->elements, (size_t)c->elements_capacity,
                    sizeof *c->elements);
    }
}

static void release_column(mdg_column *c, const midge_env *env) {
    mdg_place_free(env, c->missing, c->missing_capacity, 1);
    mdg_place_free(env, c->of.any, c->capacity, mdg_column_stride(c->kind));
    mdg_dictionary_deinit(&c->words, env);
    release_elements(c, env);
}

void mdg_columns_deinit(mdg_columns *columns) {
    for (uint32_t i = 0; i < columns->count; i++) {
        release_column(&columns->columns[i], columns->env);
    }
    mdg_release(columns->env, columns->columns, columns->count,
                sizeof *columns->columns);
    mdg_columns_init(columns, columns->env, columns->seed);
}

/* ---- Names --------------------------------------------------------------- */

int mdg_name_begins(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

int mdg_name_goes_on(char c) {
    return mdg_name_begins(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static int is_name(const char *name, size_t size) {
    if (size == 0 || size > MDG_COLUMN_NAME_MAX || !mdg_name_begins(name[0])) {
        return 0;
    }
    for (size_t at = 0; at < size;) {
        size_t step = mdg_utf8_size(name + at, size - at);
        if (step == 0 || !mdg_name_goes_on(name[at])) {
            return 0;
        }
        at += step;
    }
    return 1;
}

uint32_t mdg_columns_find(const mdg_columns *columns, const char *name,
                          size_t size) {
    for (uint32_t i = 0; i < columns->count; i++) {
        const char *its = columns->columns[i].name;
        if (size <= MDG_COLUMN_NAME_MAX && memcmp(its, name, size) == 0 &&
            its[size] == '\0') {
            return i;
        }
    }
    return MDG_NO_COLUMN;
}

static unsigned char lower(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static unsigned min3(unsigned a, unsigned b, unsigned c) {
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Bytes to insert, leave out, change or exchange with the next one (Damerau;
 * each at most once a place), case aside; up to MDG_COLUMN_NAME_MAX bytes. */
static unsigned edits(const char *a, size_t a_size, const char *b,
                      size_t b_size) {
    unsigned rows[3][MDG_COLUMN_NAME_MAX + 1];
    for (size_t j = 0; j <= b_size; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned differ = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + differ);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                unsigned swapped = rows[(i + 1) % 3][j - 2] + 1;
                row[j] = swapped < row[j] ? swapped : row[j];
            }
        }
    }
    return rows[a_size % 3][b_size];
}

uint32_t mdg_columns_nearest(const mdg_columns *columns, const char *name,
                             size_t size) {
    uint32_t nearest = MDG_NO_COLUMN;
    unsigned least = (unsigned)(size / 3 > 2 ? 3 : size / 3 + 1);
    for (uint32_t i = 0; size <= MDG_COLUMN_NAME_MAX && i < columns->count;
         i++) {
        const char *its = columns->columns[i].name;
        unsigned n = edits(name, size, its, strlen(its));
        if (n < least) {
            least = n;
            nearest = i;
        }
    }
    return nearest;
}

/* ---- Room ---------------------------------------------------------------- */

static midge_status reserve_column(const mdg_columns *columns, mdg_column *c,
                                   uint32_t capacity) {
    uint32_t n = columns->n_rows;
    uint32_t used = (n + 7) / 8;
    uint32_t bytes = capacity / 8 + (capacity % 8 != 0);
    void *missing = c->missing;
    uint32_t before = c->missing_capacity ? c->missing_capacity : used;
    if (bytes > c->missing_capacity) {
        MIDGE_TRY(mdg_place_grow(columns->env, &missing, &c->missing_capacity,
                                 used, bytes, 1, 0));
        c->missing = missing;
        memset(c->missing + before, 0xff, bytes - before);
    }
    if (n % 8 != 0) {
        c->missing[n / 8] = (uint8_t)(c->missing[n / 8] | 0xffu << n % 8);
    }
    return mdg_place_grow(columns->env, &c->of.any, &c->capacity, n, capacity,
                          mdg_column_stride(c->kind), 1);
}

midge_status mdg_columns_reserve(mdg_columns *columns, uint32_t capacity) {
    mdg_assert(capacity >= columns->n_rows);
    for (uint32_t i = 0; i < columns->count; i++) {
        columns->columns[i].elements_wanted = 0;
        if (capacity != 0) {
            MIDGE_TRY(reserve_column(columns, &columns->columns[i], capacity));
        }
    }
    if (capacity > columns->capacity) {
        columns->capacity = capacity;
    }
    return MIDGE_OK;
}

midge_status mdg_columns_add(mdg_columns *columns, const char *name,
                             midge_column_kind kind, midge_error *err) {
    size_t size = strlen(name);
    if (!is_name(name, size)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "\"%s\" is no name of a column: 1 to %u bytes, a "
                          "letter or _, then letters, digits, _ . -",
                          name, MDG_COLUMN_NAME_MAX);
    }
    if ((unsigned)kind > MIDGE_META_SET) {
        return midge_fail(err, MIDGE_E_INVALID, "column %s: unknown kind %u",
                          name, (unsigned)kind);
    }
    if (mdg_columns_find(columns, name, size) != MDG_NO_COLUMN) {
        return midge_fail(err, MIDGE_E_EXISTS, "column %s is there already",
                          name);
    }
    if (columns->count >= MIDGE_INDEX_COLUMNS_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT, "at most %u columns",
                          MIDGE_INDEX_COLUMNS_MAX);
    }
    mdg_column fresh = {.kind = kind};
    memcpy(fresh.name, name, size);
    uint32_t rows = columns->capacity > columns->n_rows ? columns->capacity
                                                        : columns->n_rows;
    const mdg_columns none = {.env = columns->env};
    mdg_column *grown = NULL;
    if (rows == 0 || reserve_column(&none, &fresh, rows) == MIDGE_OK) {
        grown = mdg_resize(columns->env, columns->columns, columns->count,
                           columns->count + 1, sizeof *grown);
    }
    if (!grown) {
        release_column(&fresh, columns->env);
        return mdg_no_memory("a column", err);
    }
    grown[columns->count++] = fresh;
    columns->columns = grown;
    return MIDGE_OK;
}

/* ---- Preparing ----------------------------------------------------------- */

static midge_status no_column(const mdg_columns *columns, const midge_json *m,
                              midge_error *err) {
    uint32_t near = mdg_columns_nearest(columns, m->key, m->key_size);
    if (near != MDG_NO_COLUMN) {
        return midge_fail(err, MIDGE_E_NOT_FOUND,
                          "metadata: no column \"%.*s\"; did you mean \"%s\"?",
                          (int)m->key_size, m->key,
                          columns->columns[near].name);
    }
    return midge_fail(err, MIDGE_E_NOT_FOUND,
                      "metadata: no column \"%.*s\"; columns are added to the "
                      "index before values (midge_index_column_add)",
                      m->key_size > 64 ? 64 : (int)m->key_size, m->key);
}

static const char *json_text(const midge_json *value) {
    static const char *const texts[] = {
        "null",       "true or false",
        "an integer", "a number not written as an integer",
        "a string",   "an array",
        "an object",
    };
    return texts[value->type];
}

static midge_status prepare_word(const mdg_columns *columns, mdg_column *c,
                                 const midge_json *value, midge_error *err) {
    if (value->count > MDG_COLUMN_STRING_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "metadata: %s has a string of %u bytes, at most %u",
                          c->name, value->count, MDG_COLUMN_STRING_MAX);
    }
    midge_text text = {value->string, value->count};
    midge_status status =
        mdg_dictionary_put(&c->words, columns->env, columns->seed, text);
    return status == MIDGE_OK
               ? status
               : midge_fail(err, status, "metadata: no room for %s", c->name);
}

/* What is in use, one run behind the other. */
static uint64_t gather(const mdg_columns *columns, const mdg_column *c,
                       uint32_t *to) {
    uint64_t size = 0;
    for (uint32_t row = 0; row < columns->n_rows; row++) {
        uint64_t count = c->of.sets[row] & 0xffff;
        if (count != 0) {
            memcpy(to + size, c->elements + (c->of.sets[row] >> 16),
                   (size_t)count * sizeof *to);
        }
        c->of.sets[row] = size << 16 | count;
        size += count;
    }
    return size;
}

midge_status mdg_column_reserve_elements(const mdg_columns *columns,
                                         mdg_column *c, uint64_t more,
                                         int tight) {
    uint64_t keep = c->elements_size - c->elements_left;
    int gathers = tight || c->elements_left > keep;
    uint64_t wanted = (gathers ? keep : c->elements_size) + more;
    uint64_t capacity = tight ? wanted + 1 : wanted + wanted / 2 + 16;
    if (wanted >> 46 != 0 || capacity > PTRDIFF_MAX / sizeof *c->elements) {
        return MIDGE_E_LIMIT;
    }
    uint32_t *fresh = mdg_alloc(columns->env, (size_t)capacity, sizeof *fresh);
    if (!fresh) {
        return MIDGE_E_NOMEM;
    }
    if (gathers) {
        c->elements_size = gather(columns, c, fresh);
        c->elements_left = 0;
    } else if (c->elements_size != 0) {
        memcpy(fresh, c->elements, (size_t)c->elements_size * sizeof *fresh);
    }
    release_elements(c, columns->env);
    c->elements = fresh;
    c->elements_capacity = capacity;
    return MIDGE_OK;
}

static midge_status prepare_set(const mdg_columns *columns, mdg_column *c,
                                const midge_json *value, midge_error *err) {
    int is_array = value->type == MIDGE_JSON_ARRAY;
    uint32_t count = is_array ? value->count : 1;
    if (count > MDG_COLUMN_SET_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "metadata: %s has a set of %u elements, at most %u",
                          c->name, count, MDG_COLUMN_SET_MAX);
    }
    for (const midge_json *e = is_array ? value->child : value; e;
         e = is_array ? e->next : NULL) {
        if (e->type != MIDGE_JSON_STRING) {
            return midge_fail(err, MIDGE_E_MISMATCH,
                              "metadata: %s is a set of strings, and an "
                              "element is %s",
                              c->name, json_text(e));
        }
        MIDGE_TRY(prepare_word(columns, c, e, err));
    }
    c->elements_wanted += count;
    if (c->elements_capacity < c->elements_size + c->elements_wanted) {
        midge_status status =
            mdg_column_reserve_elements(columns, c, c->elements_wanted, 0);
        if (status != MIDGE_OK) {
            return midge_fail(err, status, "metadata: no room for %s", c->name);
        }
    }
    return MIDGE_OK;
}

static midge_status prepare_value(const mdg_columns *columns, mdg_column *c,
                                  const midge_json *value, midge_error *err) {
    static const uint8_t fits[] = {
        [MIDGE_META_INT] = 1u << MIDGE_JSON_INT,
        [MIDGE_META_FLOAT] = 1u << MIDGE_JSON_INT | 1u << MIDGE_JSON_DOUBLE,
        [MIDGE_META_STRING] = 1u << MIDGE_JSON_STRING,
        [MIDGE_META_BOOL] = 1u << MIDGE_JSON_BOOL,
        [MIDGE_META_SET] = 1u << MIDGE_JSON_STRING | 1u << MIDGE_JSON_ARRAY,
    };
    if (!(fits[c->kind] >> value->type & 1)) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "metadata: %s is %s, and this value is %s", c->name,
                          mdg_column_kind_text(c->kind), json_text(value));
    }
    if (c->kind == MIDGE_META_FLOAT && value->number - value->number != 0.0) {
        return midge_fail(err, MIDGE_E_INVALID, "metadata: %s is not finite",
                          c->name);
    }
    if (c->kind == MIDGE_META_STRING) {
        return prepare_word(columns, c, value, err);
    }
    return c->kind == MIDGE_META_SET ? prepare_set(columns, c, value, err)
                                     : MIDGE_OK;
}

midge_status mdg_columns_prepare(mdg_columns *columns, const midge_json *object,
                                 midge_error *err) {
    if (!object) {
        return MIDGE_OK;
    }
    if (object->type != MIDGE_JSON_OBJECT) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "metadata: an object is needed, this is %s",
                          json_text(object));
    }
    for (const midge_json *m = object->child; m; m = m->next) {
        uint32_t i = mdg_columns_find(columns, m->key, m->key_size);
        if (i == MDG_NO_COLUMN) {
            return no_column(columns, m, err);
        }
        if (m->type != MIDGE_JSON_NULL) {
            MIDGE_TRY(prepare_value(columns, &columns->columns[i], m, err));
        }
    }
    return MIDGE_OK;
}

/* ---- Setting ------------------------------------------------------------- */

static uint32_t word_of(const mdg_columns *columns, const mdg_column *c,
                        const midge_json *value) {
    midge_text text = {value->string, value->count};
    uint32_t word = mdg_dictionary_find(&c->words, columns->seed, text);
    mdg_assert(word != MDG_NO_WORD);
    return word;
}

static void set_elements(const mdg_columns *columns, mdg_column *c,
                         uint32_t row, const midge_json *value) {
    uint64_t at = c->elements_size;
    uint32_t count = 0;
    int is_array = value->type == MIDGE_JSON_ARRAY;
    mdg_assert(c->elements_capacity - at >= (is_array ? value->count : 1));
    for (const midge_json *e = is_array ? value->child : value; e;
         e = is_array ? e->next : NULL) {
        c->elements[at + count++] = word_of(columns, c, e);
    }
    c->elements_wanted -= count;
    if (count > 0) {
        count = mdg_sort_distinct(c->elements + at, count, sizeof *c->elements,
                                  mdg_order_u32);
    }
    c->elements_size += count;
    c->of.sets[row] = at << 16 | count;
}

static void set_value(const mdg_columns *columns, mdg_column *c, uint32_t row,
                      const midge_json *value) {
    switch (c->kind) {
    case MIDGE_META_INT:
        c->of.ints[row] = value->integer;
        break;
    case MIDGE_META_FLOAT:
        c->of.floats[row] = value->number;
        break;
    case MIDGE_META_BOOL:
        c->of.bools[row] = value->integer != 0;
        break;
    case MIDGE_META_STRING:
        c->of.strings[row] = word_of(columns, c, value);
        break;
    case MIDGE_META_SET:
        set_elements(columns, c, row, value);
        break;
    }
    c->missing[row >> 3] = (uint8_t)(c->missing[row >> 3] & ~(1u << (row & 7)));
}

static void clear_value(mdg_column *c, uint32_t row) {
    size_t stride = mdg_column_stride(c->kind);
    if (c->kind == MIDGE_META_SET) {
        c->elements_left += c->of.sets[row] & 0xffff;
    }
    memset((char *)c->of.any + (size_t)row * stride, 0, stride);
    c->missing[row >> 3] = (uint8_t)(c->missing[row >> 3] | 1u << (row & 7));
}

void mdg_columns_set(mdg_columns *columns, uint32_t row,
                     const midge_json *object) {
    mdg_assert(columns->count == 0 || row < columns->capacity);
    for (uint32_t i = 0; i < columns->count; i++) {
        clear_value(&columns->columns[i], row);
    }
    if (row >= columns->n_rows) {
        columns->n_rows = row + 1;
    }
    for (const midge_json *m = object ? object->child : NULL; m; m = m->next) {
        uint32_t i = mdg_columns_find(columns, m->key, m->key_size);
        if (m->type != MIDGE_JSON_NULL && !mdg_never(i == MDG_NO_COLUMN)) {
            set_value(columns, &columns->columns[i], row, m);
        }
    }
}
