/* learn_table.c: what data.load and data.split have in common. */
#include "ops/learn_table.h"
#include "ops/blob_parts.h"

#include <string.h>

#include "base/alloc.h"

#define ROWS_MIN    20u
#define CLASSES_MAX 100u
#define DROPPED_MAX 100u
#define NAMES_SHOWN 12u
#define NAME_BYTES  200u

int mdg_learn_table_missing(const midge_table *table, size_t column,
                            size_t row) {
    const float *numbers = midge_table_numbers(table, column);
    if (numbers) {
        return numbers[row] != numbers[row];
    }
    return midge_table_categories(table, column)[row] < 0;
}

midge_status mdg_no_column(const midge_table *table, const char *name,
                           midge_error *err) {
    char list[NAME_BYTES];
    size_t at = 0;
    size_t n = midge_table_n_columns(table);
    size_t c = 0;
    for (; c < n && c < NAMES_SHOWN; c++) {
        const char *column = midge_table_column_name(table, c);
        size_t size = strlen(column);
        if (at + size + 3 > sizeof list - 8) {
            break;
        }
        memcpy(list + at, c ? ", " : "", c ? 2 : 0);
        at += c ? 2 : 0;
        memcpy(list + at, column, size);
        at += size;
    }
    memcpy(list + at, c < n ? ", ..." : "", c < n ? 6 : 1);
    return midge_fail(err, MIDGE_E_NOT_FOUND, "%s%s%s; there are: %s",
                      name ? "no column named '" : "a table needs a target",
                      name ? name : "", name ? "'" : "", list);
}

static midge_status find_rows(mdg_learn_table *t, midge_error *err) {
    size_t n = midge_table_n_rows(t->table);
    t->rows = mdg_alloc(t->env, n, sizeof *t->rows);
    if (!t->rows) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu rows", n);
    }
    t->rows_capacity = n;
    for (size_t row = 0; row < n; row++) {
        if (!mdg_learn_table_missing(t->table, t->target, row)) {
            t->rows[t->n_rows++] = (uint32_t)row;
        }
    }
    if (t->n_rows < ROWS_MIN) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "%zu rows have a target; at least %u are needed",
                          t->n_rows, ROWS_MIN);
    }
    return MIDGE_OK;
}

static midge_status load(mdg_learn_table *t, const midge_op_host *host,
                         const midge_json *op_args, midge_error *err) {
    const char *name = midge_json_get_string(op_args, "target", "");
    MIDGE_TRY(mdg_blob_table(t->env, host,
                             midge_json_get_string(op_args, "data", ""),
                             &t->table, err));
    int64_t column = midge_table_find_column(t->table, name);
    if (column < 0) {
        return mdg_no_column(t->table, name, err);
    }
    t->target = (size_t)column;
    MIDGE_TRY(find_rows(t, err));
    return midge_encoder_fit(t->env, t->table, t->target, t->rows, t->n_rows,
                             NULL, &t->probe, err);
}

midge_status mdg_learn_table_init(mdg_learn_table *t, const midge_env *env,
                                  const midge_op_host *host,
                                  const midge_json *op_args, midge_error *err) {
    memset(t, 0, sizeof *t);
    t->env = env;
    midge_status status = load(t, host, op_args, err);
    if (status != MIDGE_OK) {
        mdg_learn_table_deinit(t);
    }
    return status;
}

void mdg_learn_table_deinit(mdg_learn_table *t) {
    midge_encoder_free(t->probe);
    mdg_release(t->env, t->rows, t->rows_capacity, sizeof *t->rows);
    midge_table_free(t->table);
    memset(t, 0, sizeof *t);
}

void mdg_write_classes(const midge_encoder *encoder, midge_json_writer *w) {
    midge_json_key(w, "classes");
    if (midge_encoder_problem(encoder) != MIDGE_PROBLEM_CLASSIFY) {
        midge_json_null(w);
        return;
    }
    uint32_t n = midge_encoder_n_outputs(encoder);
    midge_json_begin_array(w);
    for (uint32_t c = 0; c < n && c < CLASSES_MAX; c++) {
        midge_json_string(w, midge_encoder_class(encoder, c));
    }
    midge_json_end_array(w);
}

void mdg_write_dropped(const midge_encoder *encoder, midge_json_writer *w) {
    size_t n = midge_encoder_n_dropped(encoder);
    midge_json_key(w, "n_dropped");
    midge_json_int(w, (int64_t)n);
    midge_json_key(w, "dropped");
    midge_json_begin_array(w);
    for (size_t i = 0; i < n && i < DROPPED_MAX; i++) {
        midge_json_string(w, midge_encoder_dropped(encoder, i));
    }
    midge_json_end_array(w);
}
