/* columns_out.c: values of columns written as JSON, moved to other rows, and
 * counted. */
#include <string.h>

#include "base/alloc.h"
#include "base/mdg_assert.h"
#include "index/columns.h"
#include "index/place.h"
#include "index/sorted.h"

/* ---- Writing ------------------------------------------------------------- */

static void write_set(const mdg_column *c, uint32_t row, midge_json_writer *w) {
    midge_text texts[MDG_COLUMN_SET_MAX];
    uint32_t count = (uint32_t)(c->of.sets[row] & 0xffff);
    if (mdg_never(count > MDG_COLUMN_SET_MAX)) {
        count = MDG_COLUMN_SET_MAX;
    }
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = mdg_dictionary_text(
            &c->words, c->elements[(c->of.sets[row] >> 16) + i]);
    }
    count = mdg_sort_distinct(texts, count, sizeof *texts, mdg_order_text);
    midge_json_begin_array(w);
    for (uint32_t i = 0; i < count; i++) {
        midge_json_string_n(w, texts[i].data, texts[i].size);
    }
    midge_json_end_array(w);
}

static void write_value(const mdg_column *c, uint32_t row,
                        midge_json_writer *w) {
    midge_text text;
    switch (c->kind) {
    case MIDGE_META_INT:
        midge_json_int(w, c->of.ints[row]);
        break;
    case MIDGE_META_FLOAT:
        midge_json_double(w, c->of.floats[row]);
        break;
    case MIDGE_META_BOOL:
        midge_json_bool(w, c->of.bools[row]);
        break;
    case MIDGE_META_STRING:
        text = mdg_dictionary_text(&c->words, c->of.strings[row]);
        midge_json_string_n(w, text.data, text.size);
        break;
    case MIDGE_META_SET:
        write_set(c, row, w);
        break;
    }
}

void mdg_columns_write(const mdg_columns *columns, uint32_t row,
                       midge_json_writer *w) {
    midge_json_begin_object(w);
    for (uint32_t i = 0; row < columns->n_rows && i < columns->count; i++) {
        const mdg_column *c = &columns->columns[i];
        if (!mdg_column_missing(c, row)) {
            midge_json_key(w, c->name);
            write_value(c, row, w);
        }
    }
    midge_json_end_object(w);
}

/* ---- Renumbering --------------------------------------------------------- */

/* Numbers from 0 on for the words of rows that have values. */
static uint32_t mark_words(const mdg_columns *columns, const mdg_column *c,
                           uint32_t *new_of) {
    for (uint32_t i = 0; i < c->words.count; i++) {
        new_of[i] = MDG_NO_WORD;
    }
    for (uint32_t row = 0; row < columns->n_rows; row++) {
        if (mdg_column_missing(c, row)) {
            continue;
        }
        if (c->kind == MIDGE_META_STRING) {
            new_of[c->of.strings[row]] = 0;
        }
    }
    for (uint64_t i = 0; i < c->elements_size; i++) {
        new_of[c->elements[i]] = 0;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->words.count; i++) {
        if (new_of[i] != MDG_NO_WORD) {
            new_of[i] = kept++;
        }
    }
    return kept;
}

static void drop_words(const mdg_columns *columns, mdg_column *c) {
    uint32_t count = c->words.count;
    if (count == 0) {
        return;
    }
    uint32_t *new_of = mdg_alloc(columns->env, count, sizeof *new_of);
    if (!new_of) {
        return;
    }
    if (mark_words(columns, c, new_of) < count) {
        for (uint32_t row = 0; row < columns->n_rows; row++) {
            if (c->kind == MIDGE_META_STRING && !mdg_column_missing(c, row)) {
                c->of.strings[row] = new_of[c->of.strings[row]];
            }
        }
        for (uint64_t i = 0; i < c->elements_size; i++) {
            c->elements[i] = new_of[c->elements[i]];
        }
        mdg_dictionary_keep(&c->words, columns->env, new_of);
    }
    mdg_release(columns->env, new_of, count, sizeof *new_of);
}

/* Without memory they stay where they are. */
static void drop_elements(const mdg_columns *columns, mdg_column *c) {
    uint64_t size = 0;
    if (c->kind != MIDGE_META_SET) {
        return;
    }
    for (uint32_t row = 0; row < columns->n_rows; row++) {
        size += c->of.sets[row] & 0xffff;
    }
    c->elements_left = c->elements_size - size;
    if (c->elements_left != 0) {
        (void)!mdg_column_reserve_elements(columns, c, 0, 1);
    }
}

/* Makes everything the column's own, so that the rest cannot fail. */
static midge_status own_column(const mdg_columns *columns, mdg_column *c) {
    MIDGE_TRY(mdg_dictionary_own(&c->words, columns->env));
    return c->elements_capacity == 0 && c->elements_size != 0
               ? mdg_column_reserve_elements(columns, c, 0, 1)
               : MIDGE_OK;
}

static void invert(uint8_t *bits, uint32_t n) {
    for (uint32_t i = 0; i < (n + 7) / 8; i++) {
        bits[i] = (uint8_t)~bits[i];
    }
}

/* Bits of rows that have values move: places that nobody moved to have none. */
static void move_values(mdg_mover *mover, mdg_column *c) {
    size_t stride = mdg_column_stride(c->kind);
    mdg_mover_apply(mover, c->of.any, stride);
    invert(c->missing, mover->n_rows);
    mdg_mover_apply_bits(mover, c->missing);
    invert(c->missing, mover->n_rows);
    for (uint32_t row = 0; row < mover->n_rows; row++) {
        if (mdg_column_missing(c, row)) {
            memset((char *)c->of.any + row * stride, 0, stride);
        }
    }
}

midge_status mdg_columns_movable(mdg_columns *columns, uint32_t n_rows) {
    if (columns->n_rows == 0) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_columns_reserve(columns, n_rows));
    for (uint32_t i = 0; i < columns->count; i++) {
        MIDGE_TRY(own_column(columns, &columns->columns[i]));
    }
    return MIDGE_OK;
}

void mdg_columns_renumber(mdg_columns *columns, mdg_mover *mover,
                          uint32_t n_left) {
    if (columns->n_rows == 0) {
        return;
    }
    mdg_assert(columns->n_rows <= mover->n_rows);
    mdg_assert(columns->count == 0 || columns->capacity >= mover->n_rows);
    for (uint32_t i = 0; i < columns->count; i++) {
        move_values(mover, &columns->columns[i]);
    }
    columns->n_rows = n_left;
    for (uint32_t i = 0; i < columns->count; i++) {
        drop_elements(columns, &columns->columns[i]);
        drop_words(columns, &columns->columns[i]);
    }
}

/* ---- Counting ------------------------------------------------------------ */

static uint64_t dictionary_bytes(const mdg_dictionary *words) {
    uint64_t used = words->count ? words->at[words->count] : 0;
    uint64_t places = words->capacity ? words->capacity : words->count;
    return (words->at ? (places + 1) * sizeof *words->at : 0) +
           (words->texts_capacity ? words->texts_capacity : used) +
           (uint64_t)words->table_size * sizeof *words->table;
}

uint64_t mdg_columns_bytes(const mdg_columns *columns) {
    uint64_t bytes = (uint64_t)columns->count * sizeof *columns->columns;
    for (uint32_t i = 0; i < columns->count; i++) {
        const mdg_column *c = &columns->columns[i];
        uint64_t rows = c->capacity ? c->capacity : columns->n_rows;
        uint64_t elements =
            c->elements_capacity ? c->elements_capacity : c->elements_size;
        bytes += rows * mdg_column_stride(c->kind) + (rows + 7) / 8;
        bytes += elements * sizeof *c->elements + dictionary_bytes(&c->words);
    }
    return bytes;
}
