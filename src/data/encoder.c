/* encoder.c: rows of a table into features and targets, by a fitted encoder. */
#include "data/encoder.h"

#include <string.h>

#include "base/alloc.h"

midge_status mdg_encoder_no_memory(midge_error *err) {
    return mdg_no_memory("the encoder", err);
}

midge_status mdg_encoder_make(const midge_env *env, midge_encoder **out,
                              midge_error *err) {
    *out = mdg_alloc_zero(env, 1, sizeof **out);
    if (!*out) {
        return mdg_encoder_no_memory(err);
    }
    (*out)->env = env;
    (*out)->scale = 1.0f;
    midge_arena_init(&(*out)->arena, env, 0);
    return MIDGE_OK;
}

void midge_encoder_free(midge_encoder *encoder) {
    if (encoder) {
        midge_arena_deinit(&encoder->arena);
        mdg_release(encoder->env, encoder, 1, sizeof *encoder);
    }
}

midge_problem midge_encoder_problem(const midge_encoder *encoder) {
    return encoder->problem;
}

const char *midge_encoder_target(const midge_encoder *encoder) {
    return encoder->target;
}

uint32_t midge_encoder_n_features(const midge_encoder *encoder) {
    return encoder->n_features;
}

uint32_t midge_encoder_n_outputs(const midge_encoder *encoder) {
    return encoder->problem == MIDGE_PROBLEM_CLASSIFY ? encoder->n_classes : 1;
}

const char *midge_encoder_class(const midge_encoder *encoder, uint32_t index) {
    return index < encoder->n_classes ? encoder->classes[index] : NULL;
}

size_t midge_encoder_n_dropped(const midge_encoder *encoder) {
    return encoder->n_dropped;
}

const char *midge_encoder_dropped(const midge_encoder *encoder, size_t index) {
    return index < encoder->n_dropped ? encoder->dropped[index] : NULL;
}

float midge_encoder_unscale(const midge_encoder *encoder, float y) {
    return y * encoder->scale + encoder->centre;
}

const char *midge_encoder_feature(const midge_encoder *encoder, uint32_t index,
                                  const char **category) {
    *category = NULL;
    for (uint32_t i = 0; i < encoder->n_inputs; i++) {
        const mdg_input *in = &encoder->inputs[i];
        uint32_t n = in->type == MIDGE_COLUMN_TEXT ? in->n_categories : 1;
        if (index < n) {
            *category =
                in->type == MIDGE_COLUMN_TEXT ? in->categories[index] : NULL;
            return in->name;
        }
        index -= n;
    }
    return NULL;
}

/* ((v - mean) / deviation + 1) * 1 - 1 */
static midge_scaling scaling_of(float centre, float scale) {
    return (midge_scaling){centre, scale, -1.0f, 1.0f};
}

void midge_encoder_scaling(const midge_encoder *encoder, midge_scaling *inputs,
                           midge_scaling *outputs) {
    for (uint32_t i = 0; inputs && i < encoder->n_inputs; i++) {
        const mdg_input *in = &encoder->inputs[i];
        uint32_t n = in->type == MIDGE_COLUMN_TEXT ? in->n_categories : 1;
        while (n-- > 0) { /* centre 0 and scale 1 for text */
            *inputs++ = scaling_of(in->centre, in->scale);
        }
    }
    if (outputs && encoder->problem == MIDGE_PROBLEM_REGRESS) {
        *outputs = scaling_of(encoder->centre, encoder->scale);
    }
}

/* Where it was when fitted, or by name. */
static midge_status find(const midge_table *table, const char *name,
                         uint32_t position, midge_column_type type,
                         size_t *column, midge_error *err) {
    const char *there = midge_table_column_name(table, position);
    *column = position;
    if (!there || strcmp(there, name) != 0) {
        int64_t found = -1;
        for (size_t c = 0; c < midge_table_n_columns(table); c++) {
            if (strcmp(midge_table_column_name(table, c), name) == 0) {
                found = (int64_t)c;
                break;
            }
        }
        if (found < 0) {
            return midge_fail(err, MIDGE_E_MISMATCH, "no column named '%.*s'",
                              80, name);
        }
        *column = (size_t)found;
    }
    if (midge_table_column_type(table, *column) != type) {
        return midge_fail(err, MIDGE_E_MISMATCH, "column '%.*s' must be %s", 80,
                          name, type == MIDGE_COLUMN_TEXT ? "text" : "numbers");
    }
    return MIDGE_OK;
}

/* A column of numbers without a value is read as numbers though it was text
 * when fitted: all of it is missing. */
static int all_missing(const midge_table *table, const char *name,
                       size_t *column) {
    for (size_t c = 0; c < midge_table_n_columns(table); c++) {
        if (strcmp(midge_table_column_name(table, c), name) == 0) {
            const float *numbers = midge_table_numbers(table, c);
            size_t n = midge_table_n_rows(table), r = 0;
            while (numbers && r < n && numbers[r] != numbers[r]) {
                r++;
            }
            *column = c;
            return numbers && r == n;
        }
    }
    return 0;
}

midge_status mdg_encoder_refuse(const mdg_input *in, const midge_table *table,
                                size_t column, const uint32_t *rows,
                                size_t n_rows, midge_error *err) {
    const float *numbers = midge_table_numbers(table, column);
    const int32_t *cells = midge_table_categories(table, column);
    for (size_t i = 0; i < n_rows; i++) {
        if (numbers ? numbers[rows[i]] != numbers[rows[i]]
                    : cells[rows[i]] < 0) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "row %u of the data has no '%.*s', and missing "
                              "cells are refused",
                              rows[i] + 1, 80, in->name);
        }
    }
    return MIDGE_OK;
}

static void number_features(const mdg_input *in, const float *numbers,
                            const uint32_t *rows, size_t n_rows, float *x,
                            size_t stride) {
    for (size_t i = 0; i < n_rows; i++) {
        float v = numbers[rows[i]];
        v = v == v ? v : in->fill;
        float z = (v - in->centre) / in->scale;
        /* Far beyond all that was seen: keep it finite. */
        x[i * stride] = z > 1e6f ? 1e6f : z < -1e6f ? -1e6f : z;
    }
}

static void text_features(const midge_table *table, size_t column,
                          const mdg_input *in, const uint32_t *rows,
                          size_t n_rows, float *x, size_t stride) {
    const int32_t *cells = midge_table_categories(table, column);
    for (size_t i = 0; i < n_rows; i++) {
        const char *text =
            cells && cells[rows[i]] >= 0
                ? midge_table_category(table, column, (size_t)cells[rows[i]])
                : NULL;
        for (uint32_t c = 0; c < in->n_categories; c++) {
            x[i * stride + c] =
                text && strcmp(text, in->categories[c]) == 0 ? 1.0f : 0.0f;
        }
    }
}

static midge_status check_rows(const midge_table *table, const uint32_t *rows,
                               size_t n_rows, midge_error *err) {
    for (size_t i = 0; i < n_rows; i++) {
        if (rows[i] >= midge_table_n_rows(table)) {
            return midge_fail(err, MIDGE_E_INVALID, "no row %u in the table",
                              rows[i]);
        }
    }
    return MIDGE_OK;
}

/* Columns of an array are called by their places. Without its target column,
 * those behind it have moved by one: the place of the target in the array that
 * was fitted on, or UINT32_MAX when this table is not of that kind. */
static uint32_t absent_target(const midge_encoder *encoder,
                              const midge_table *table) {
    const char *name = encoder->target;
    uint32_t place = 0;
    if (!midge_table_is_array(table) || name[0] != 'c' ||
        midge_table_n_columns(table) !=
            encoder->n_inputs + encoder->n_dropped) {
        return UINT32_MAX;
    }
    for (const char *c = name + 1; *c; c++) {
        if (*c < '0' || *c > '9' || place > MIDGE_TABLE_COLUMNS_MAX) {
            return UINT32_MAX;
        }
        place = place * 10 + (uint32_t)(*c - '0');
    }
    return place;
}

/* The column of the table that input `in` is made from. */
static midge_status input_column(const mdg_input *in, const midge_table *table,
                                 uint32_t absent, size_t *column,
                                 midge_error *err) {
    if (in->position > absent && in->position <= midge_table_n_columns(table)) {
        *column = in->position - 1;
        return MIDGE_OK;
    }
    if (in->type == MIDGE_COLUMN_TEXT && all_missing(table, in->name, column)) {
        return MIDGE_OK;
    }
    return find(table, in->name, in->position, in->type, column, err);
}

midge_status midge_encoder_features(const midge_encoder *encoder,
                                    const midge_table *table,
                                    const uint32_t *rows, size_t n_rows,
                                    float *x, midge_error *err) {
    if (!encoder || !table || (n_rows > 0 && (!rows || !x))) {
        return midge_fail(err, MIDGE_E_INVALID, "an argument is NULL");
    }
    MIDGE_TRY(check_rows(table, rows, n_rows, err));
    uint32_t absent = absent_target(encoder, table);
    const size_t width = encoder->n_features;
    for (uint32_t i = 0; i < encoder->n_inputs; i++) {
        const mdg_input *in = &encoder->inputs[i];
        size_t column;
        MIDGE_TRY(input_column(in, table, absent, &column, err));
        if (in->fill != in->fill) {
            MIDGE_TRY(mdg_encoder_refuse(in, table, column, rows, n_rows, err));
        }
        if (in->type == MIDGE_COLUMN_TEXT) {
            text_features(table, column, in, rows, n_rows, x, width);
            x += in->n_categories;
        } else {
            number_features(in, midge_table_numbers(table, column), rows,
                            n_rows, x, width);
            x++;
        }
    }
    return MIDGE_OK;
}

/* The class of a row, -1 for one that was not there when fitted. */
static int64_t class_of(const midge_encoder *e, const midge_table *table,
                        size_t column, uint32_t row) {
    const float *numbers = midge_table_numbers(table, column);
    const int32_t *cells = midge_table_categories(table, column);
    const char *text =
        numbers ? NULL
                : midge_table_category(table, column, (size_t)cells[row]);
    for (uint32_t c = 0; c < e->n_classes; c++) {
        if (numbers ? numbers[row] == e->values[c]
                    : strcmp(text, e->classes[c]) == 0) {
            return c;
        }
    }
    return -1;
}

static void put_target(const midge_encoder *e, const midge_table *table,
                       size_t column, uint32_t row, float *t, float *label) {
    if (e->problem == MIDGE_PROBLEM_REGRESS) {
        float v = midge_table_numbers(table, column)[row];
        if (t) {
            *t = (v - e->centre) / e->scale;
        }
        if (label) {
            *label = v;
        }
        return;
    }
    int64_t c = class_of(e, table, column, row);
    for (uint32_t k = 0; t && k < e->n_classes; k++) {
        t[k] = c == (int64_t)k ? 1.0f : 0.0f;
    }
    if (label) {
        *label = (float)c;
    }
}

midge_status midge_encoder_targets(const midge_encoder *encoder,
                                   const midge_table *table,
                                   const uint32_t *rows, size_t n_rows,
                                   float *t, float *label, midge_error *err) {
    if (!encoder || !table || (n_rows > 0 && !rows)) {
        return midge_fail(err, MIDGE_E_INVALID, "an argument is NULL");
    }
    MIDGE_TRY(check_rows(table, rows, n_rows, err));
    size_t column;
    MIDGE_TRY(find(table, encoder->target, UINT32_MAX, encoder->target_type,
                   &column, err));
    const float *numbers = midge_table_numbers(table, column);
    const int32_t *cells = midge_table_categories(table, column);
    size_t n_outputs = midge_encoder_n_outputs(encoder);
    for (size_t i = 0; i < n_rows; i++) {
        if (numbers ? numbers[rows[i]] != numbers[rows[i]]
                    : cells[rows[i]] < 0) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "row %u of the data has no '%.*s'", rows[i] + 1,
                              80, encoder->target);
        }
        put_target(encoder, table, column, rows[i],
                   t ? t + i * n_outputs : NULL, label ? label + i : NULL);
    }
    return MIDGE_OK;
}
