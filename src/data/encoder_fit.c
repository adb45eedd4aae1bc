/* encoder_fit.c: what the given rows say about each column. */
#include "data/encoder.h"

#include <string.h>

#include "base/decimal.h"
#include "base/fmath.h"

#include "data/column_stats.h"

typedef struct fit {
    mdg_sample s;
    const midge_encoder_options *options;
    midge_encoder *e;
    midge_error *err;
} fit;

static int is_usable(double scale) {
    return scale > 1e-30 && scale < 1e30;
}

typedef struct affine { /* (v - centre) / scale */
    float centre, scale;
} affine;

/* Of n columns that share a unit, or of one. */
static affine fit_scale(const fit *f, midge_scale kind, const uint32_t *columns,
                        size_t n) {
    if (kind == MIDGE_SCALE_NONE) {
        return (affine){0.0f, 1.0f};
    }
    mdg_moments m = mdg_moments_of_all(&f->s, columns, n);
    double centre = m.sum / (double)m.count;
    double scale = mdg_sqrt_f64(m.squares / (double)m.count);
    if (kind == MIDGE_SCALE_MIN_MAX) {
        centre = (double)m.least;
        scale = (double)m.most - (double)m.least;
    } else if (kind == MIDGE_SCALE_ROBUST) {
        double quartile = mdg_quantile(&f->s, columns, n, 0.25);
        double spread = mdg_quantile(&f->s, columns, n, 0.75) - quartile;
        centre = mdg_quantile(&f->s, columns, n, 0.5);
        /* Of a column of one value for the most part the deviation must do. */
        scale = is_usable(spread) ? spread / 1.349 : scale;
    }
    return (affine){(float)centre, is_usable(scale) ? (float)scale : 1.0f};
}

static void *get(fit *f, size_t count, size_t size) {
    return midge_arena_alloc(&f->e->arena, count * size);
}

static const char *copy(fit *f, const char *text) {
    return midge_arena_copy(&f->e->arena, text, strlen(text));
}

/* Adds a value to n ascending ones, if it is new; how many there are now. */
static size_t add_value(float *values, size_t n, float v) {
    size_t at = 0;
    while (at < n && values[at] < v) {
        at++;
    }
    if (at < n && values[at] == v) {
        return n;
    }
    memmove(values + at + 1, values + at, (n - at) * sizeof *values);
    values[at] = v == 0.0f ? 0.0f : v; /* no minus zero */
    return n + 1;
}

/* Is a target of numbers classes? Asked of the whole column, not of the rows
 * fitted on, so that every part of a table is the same problem. */
static int is_classes(const midge_table *table, size_t column) {
    const float *numbers = midge_table_numbers(table, column);
    float values[MDG_WHOLE_VALUES_MAX + 1];
    size_t n = 0, count = 0;
    for (size_t r = 0; r < midge_table_n_rows(table); r++) {
        float v = numbers[r];
        if (v != v) {
            continue;
        }
        if (!(v > -16777216.0f && v < 16777216.0f) || v != (float)(int)v) {
            return 0;
        }
        n = add_value(values, n, v);
        if (n > MDG_WHOLE_VALUES_MAX) {
            return 0;
        }
        count++;
    }
    return n == 2 || count >= MDG_ROWS_PER_VALUE * n;
}

static midge_status fit_number_classes(fit *f, const float *values, size_t n) {
    midge_encoder *e = f->e;
    e->problem = MIDGE_PROBLEM_CLASSIFY;
    e->n_classes = (uint32_t)n;
    e->classes = get(f, n, sizeof *e->classes);
    e->values = get(f, n, sizeof *e->values);
    for (size_t i = 0; e->classes && e->values && i < n; i++) {
        char text[MDG_DECIMAL_MAX];
        (void)mdg_decimal_write_f32(values[i], text);
        e->values[i] = values[i];
        e->classes[i] = copy(f, text);
        if (!e->classes[i]) {
            return mdg_encoder_no_memory(f->err);
        }
    }
    return e->classes && e->values ? MIDGE_OK : mdg_encoder_no_memory(f->err);
}

static midge_status constant_target(fit *f) {
    return midge_fail(f->err, MIDGE_E_INVALID,
                      "the target '%.*s' has the same value in every row", 80,
                      f->e->target);
}

static midge_status fit_number_target(fit *f, size_t column) {
    mdg_moments m = mdg_moments_of(&f->s, column);
    if (m.least == m.most) {
        return constant_target(f);
    }
    if (is_classes(f->s.table, column)) {
        const float *numbers = midge_table_numbers(f->s.table, column);
        float values[MDG_WHOLE_VALUES_MAX + 1];
        size_t n = 0;
        for (size_t i = 0; i < f->s.n_rows; i++) {
            n = add_value(values, n, numbers[f->s.rows[i]]);
        }
        return fit_number_classes(f, values, n);
    }
    f->e->problem = MIDGE_PROBLEM_REGRESS;
    uint32_t place = (uint32_t)column;
    affine a = fit_scale(f, f->options->target_scale, &place, 1);
    f->e->centre = a.centre;
    f->e->scale = a.scale;
    return MIDGE_OK;
}

/* Categories of the column that occur in the rows, into the arena, in the order
 * of the table; *n counts all of them, more than max are not copied. */
static midge_status used_categories(fit *f, size_t column, size_t max,
                                    const char ***out, size_t *n) {
    size_t n_all = midge_table_n_categories(f->s.table, column);
    const int32_t *cells = midge_table_categories(f->s.table, column);
    uint8_t *used = get(f, n_all + 1, 1);
    *out = NULL;
    *n = 0;
    if (!used) {
        return mdg_encoder_no_memory(f->err);
    }
    memset(used, 0, n_all + 1);
    for (size_t i = 0; i < f->s.n_rows; i++) {
        used[cells[f->s.rows[i]] + 1] = 1;
    }
    for (size_t c = 1; c <= n_all; c++) {
        *n += used[c];
    }
    if (*n == 0 || *n > max) {
        return MIDGE_OK;
    }
    *out = get(f, *n, sizeof **out);
    size_t at = 0;
    for (size_t c = 0; *out && c < n_all; c++) {
        if (used[c + 1]) {
            (*out)[at] = copy(f, midge_table_category(f->s.table, column, c));
            if (!(*out)[at++]) {
                return mdg_encoder_no_memory(f->err);
            }
        }
    }
    return *out ? MIDGE_OK : mdg_encoder_no_memory(f->err);
}

static midge_status fit_text_target(fit *f, size_t column) {
    size_t n;
    MIDGE_TRY(used_categories(f, column, MDG_CLASSES_MAX, &f->e->classes, &n));
    if (n < 2) {
        return constant_target(f);
    }
    if (n > MDG_CLASSES_MAX) {
        return midge_fail(f->err, MIDGE_E_LIMIT,
                          "the target '%.*s' has %zu classes: at most %d", 80,
                          f->e->target, n, MDG_CLASSES_MAX);
    }
    f->e->problem = MIDGE_PROBLEM_CLASSIFY;
    f->e->n_classes = (uint32_t)n;
    return MIDGE_OK;
}

static midge_status fit_target(fit *f, size_t column) {
    const float *numbers = midge_table_numbers(f->s.table, column);
    const int32_t *cells = midge_table_categories(f->s.table, column);
    f->e->target = copy(f, midge_table_column_name(f->s.table, column));
    f->e->target_type = midge_table_column_type(f->s.table, column);
    if (!f->e->target) {
        return mdg_encoder_no_memory(f->err);
    }
    for (size_t i = 0; i < f->s.n_rows; i++) {
        uint32_t r = f->s.rows[i];
        if (r >= midge_table_n_rows(f->s.table) ||
            (numbers ? numbers[r] != numbers[r] : cells[r] < 0)) {
            return midge_fail(f->err, MIDGE_E_INVALID,
                              "row %u of the data has no '%.*s'", r + 1, 80,
                              f->e->target);
        }
    }
    return numbers ? fit_number_target(f, column) : fit_text_target(f, column);
}

/* What stands in for a missing cell; NaN: nothing does. */
static midge_status fit_fill(fit *f, mdg_input *in, const mdg_moments *m) {
    switch (f->options->missing) {
    case MIDGE_MISSING_MEDIAN:
        in->fill = m ? (float)mdg_quantile(&f->s, &in->position, 1, 0.5) : 0.0f;
        return MIDGE_OK;
    case MIDGE_MISSING_REFUSE:
        in->fill = mdg_f32_of_bits(0x7fc00000u);
        return mdg_encoder_refuse(in, f->s.table, in->position, f->s.rows,
                                  f->s.n_rows, f->err);
    default:
        in->fill = m ? (float)(m->sum / (double)m->count) : 0.0f;
        return MIDGE_OK;
    }
}

static midge_status fit_number(fit *f, mdg_input *in, uint32_t *features) {
    mdg_moments m = mdg_moments_of(&f->s, in->position);
    if (m.count == 0 || m.least == m.most) {
        return MIDGE_OK;
    }
    if (!midge_table_is_array(f->s.table)) { /* else see share_scale */
        affine a = fit_scale(f, f->options->scale, &in->position, 1);
        in->centre = a.centre;
        in->scale = a.scale;
    }
    *features = 1;
    return fit_fill(f, in, &m);
}

static midge_status fit_text(fit *f, mdg_input *in, uint32_t *features) {
    size_t n;
    MIDGE_TRY(used_categories(f, in->position, MDG_CATEGORIES_MAX,
                              &in->categories, &n));
    size_t missing = 0;
    const int32_t *cells = midge_table_categories(f->s.table, in->position);
    for (size_t i = 0; i < f->s.n_rows; i++) {
        missing += cells[f->s.rows[i]] < 0;
    }
    if (n > MDG_CATEGORIES_MAX || n + (missing > 0) < 2) {
        return MIDGE_OK;
    }
    in->n_categories = (uint32_t)n;
    *features = (uint32_t)n;
    return fit_fill(f, in, NULL);
}

/* Fills in; *features is 0 for a column that is left out. */
static midge_status fit_input(fit *f, size_t column, mdg_input *in,
                              uint32_t *features) {
    memset(in, 0, sizeof *in);
    in->position = (uint32_t)column;
    in->type = midge_table_column_type(f->s.table, column);
    in->scale = 1.0f;
    in->name = copy(f, midge_table_column_name(f->s.table, column));
    *features = 0;
    if (!in->name) {
        return mdg_encoder_no_memory(f->err);
    }
    return in->type == MIDGE_COLUMN_NUMBER ? fit_number(f, in, features)
                                           : fit_text(f, in, features);
}

/* The columns of an array share a unit: one centre and scale for all. */
static midge_status share_scale(fit *f) {
    midge_encoder *e = f->e;
    uint32_t *columns = get(f, e->n_inputs, sizeof *columns);
    if (!columns) {
        return mdg_encoder_no_memory(f->err);
    }
    for (uint32_t i = 0; i < e->n_inputs; i++) {
        columns[i] = e->inputs[i].position;
    }
    affine a = fit_scale(f, f->options->scale, columns, e->n_inputs);
    for (uint32_t i = 0; i < e->n_inputs; i++) {
        e->inputs[i].centre = a.centre;
        e->inputs[i].scale = a.scale;
    }
    return MIDGE_OK;
}

static midge_status fit_inputs(fit *f, size_t target) {
    midge_encoder *e = f->e;
    size_t n = midge_table_n_columns(f->s.table);
    e->inputs = get(f, n, sizeof *e->inputs);
    e->dropped = get(f, n, sizeof *e->dropped);
    if (!e->inputs || !e->dropped) {
        return mdg_encoder_no_memory(f->err);
    }
    for (size_t c = 0; c < n; c++) {
        uint32_t features;
        mdg_input *in = &e->inputs[e->n_inputs];
        if (c == target) {
            continue;
        }
        MIDGE_TRY(fit_input(f, c, in, &features));
        if (features > 0) {
            e->n_inputs++;
            e->n_features += features;
        } else {
            e->dropped[e->n_dropped++] = in->name;
        }
    }
    if (e->n_features == 0) {
        return midge_fail(f->err, MIDGE_E_INVALID,
                          "no column but the target can be used: all are "
                          "constant or have too many categories");
    }
    if (midge_table_is_array(f->s.table)) {
        MIDGE_TRY(share_scale(f));
    }
    return MIDGE_OK;
}

static midge_status check_options(const midge_encoder_options *options,
                                  midge_error *err) {
    if (options->scale > MIDGE_SCALE_ROBUST ||
        options->target_scale > MIDGE_SCALE_ROBUST ||
        options->missing > MIDGE_MISSING_REFUSE) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "an encoder has no such scale, or no such way with "
                          "missing cells");
    }
    return MIDGE_OK;
}

midge_status midge_encoder_fit(const midge_env *env, const midge_table *table,
                               size_t target_column, const uint32_t *rows,
                               size_t n_rows,
                               const midge_encoder_options *options,
                               midge_encoder **out, midge_error *err) {
    static const midge_encoder_options defaults = MIDGE_ENCODER_DEFAULTS;
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !table || !rows || n_rows == 0) {
        return midge_fail(err, MIDGE_E_INVALID, "no rows to fit on");
    }
    if (target_column >= midge_table_n_columns(table)) {
        return midge_fail(err, MIDGE_E_INVALID, "no such target column");
    }
    options = options ? options : &defaults;
    MIDGE_TRY(check_options(options, err));
    fit f = {{table, rows, n_rows}, options, NULL, err};
    MIDGE_TRY(mdg_encoder_make(env, &f.e, err));
    midge_status status = fit_target(&f, target_column);
    if (status == MIDGE_OK) {
        status = fit_inputs(&f, target_column);
    }
    if (status != MIDGE_OK) {
        midge_encoder_free(f.e);
        return status;
    }
    *out = f.e;
    return MIDGE_OK;
}
