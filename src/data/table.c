/* table.c: making, asking and freeing a table; the parsers are csv.c and npy.c.
 */
#include "data/npy.h"
#include "data/table_columns.h"

#include <string.h>

#include "base/alloc.h"

midge_status mdg_place(midge_error *err, midge_status status, size_t line,
                       size_t column) {
    if (err) {
        err->line = line ? (int64_t)line : -1;
        err->column = column ? (int64_t)column : -1;
    }
    return status;
}

midge_status mdg_table_columns(midge_table *table, size_t n_columns,
                               midge_error *err) {
    if (n_columns > MIDGE_TABLE_COLUMNS_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "%zu columns: at most %d are allowed", n_columns,
                          MIDGE_TABLE_COLUMNS_MAX);
    }
    table->columns =
        mdg_alloc_zero(table->env, n_columns, sizeof *table->columns);
    if (!table->columns) {
        return mdg_no_memory("the table", err);
    }
    table->n_columns = n_columns;
    for (size_t c = 0; c < n_columns; c++) {
        mdg_map_init(&table->columns[c].map, table->env, 0);
    }
    return MIDGE_OK;
}

static midge_status check_name(mdg_map *seen, const char *name, size_t column,
                               midge_error *err) {
    uint32_t size = (uint32_t)strlen(name);
    if (size == 0) {
        return mdg_place(err,
                         midge_fail(err, MIDGE_E_PARSE,
                                    "line 1: column %zu has no name",
                                    column + 1),
                         1, column + 1);
    }
    if (mdg_map_get(seen, name, size)) {
        return mdg_place(err,
                         midge_fail(err, MIDGE_E_PARSE,
                                    "line 1: column %zu: the name '%.*s' is "
                                    "there twice",
                                    column + 1, 60, name),
                         1, column + 1);
    }
    return mdg_map_put(seen, name, size, 1) == MIDGE_OK
               ? MIDGE_OK
               : mdg_no_memory("the table", err);
}

midge_status mdg_table_check_names(midge_table *table, midge_error *err) {
    mdg_map seen;
    mdg_map_init(&seen, table->env, 0);
    midge_status status = MIDGE_OK;
    for (size_t c = 0; c < table->n_columns && status == MIDGE_OK; c++) {
        status = check_name(&seen, table->columns[c].name, c, err);
    }
    mdg_map_deinit(&seen);
    return status;
}

midge_status midge_table_read(const midge_env *env, const void *bytes,
                              size_t size, midge_table **out,
                              midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    if (size == 0) {
        return midge_fail(err, MIDGE_E_PARSE, "the file is empty");
    }
    if (size > MIDGE_TABLE_BYTES_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "%zu bytes: a table has at most %zu", size,
                          MIDGE_TABLE_BYTES_MAX);
    }
    midge_table *table = mdg_alloc_zero(env, 1, sizeof *table);
    if (!table) {
        return mdg_no_memory("the table", err);
    }
    table->env = env;
    midge_arena_init(&table->arena, env, 0);
    midge_status status = mdg_is_npy(bytes, size)
                              ? mdg_npy_read(table, bytes, size, err)
                              : mdg_csv_read(table, bytes, size, err);
    if (status != MIDGE_OK) {
        midge_table_free(table);
        return status;
    }
    *out = table;
    return MIDGE_OK;
}

void midge_table_free(midge_table *table) {
    if (!table) {
        return;
    }
    const midge_env *env = table->env;
    for (size_t c = 0; c < table->n_columns; c++) {
        mdg_column *column = &table->columns[c];
        mdg_release(env, column->numbers, table->n_rows, sizeof(float));
        mdg_release(env, column->cells, table->n_rows, sizeof(int32_t));
        mdg_release(env, column->categories, column->capacity,
                    sizeof *column->categories);
        mdg_map_deinit(&column->map);
    }
    mdg_release(env, table->columns, table->n_columns, sizeof *table->columns);
    midge_arena_deinit(&table->arena);
    mdg_release(env, table, 1, sizeof *table);
}

size_t midge_table_n_rows(const midge_table *table) {
    return table->n_rows;
}

size_t midge_table_n_columns(const midge_table *table) {
    return table->n_columns;
}

static const mdg_column *column_at(const midge_table *table, size_t column) {
    return column < table->n_columns ? &table->columns[column] : NULL;
}

const char *midge_table_column_name(const midge_table *table, size_t column) {
    const mdg_column *c = column_at(table, column);
    return c ? c->name : NULL;
}

midge_column_type midge_table_column_type(const midge_table *table,
                                          size_t column) {
    const mdg_column *c = column_at(table, column);
    return c ? c->type : MIDGE_COLUMN_NUMBER;
}

/* "-1" is the last column; 0 when it is not such an index. */
static size_t from_end(const char *name) {
    size_t value = 0;
    if (name[0] != '-' || name[1] == '\0' || strlen(name) > 7) {
        return 0;
    }
    for (const char *at = name + 1; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return 0;
        }
        value = value * 10 + (size_t)(*at - '0');
    }
    return value;
}

int64_t midge_table_find_column(const midge_table *table, const char *name) {
    for (size_t c = 0; name && c < table->n_columns; c++) {
        if (strcmp(table->columns[c].name, name) == 0) {
            return (int64_t)c;
        }
    }
    size_t back = name ? from_end(name) : 0;
    return back >= 1 && back <= table->n_columns
               ? (int64_t)(table->n_columns - back)
               : -1;
}

const float *midge_table_numbers(const midge_table *table, size_t column) {
    const mdg_column *c = column_at(table, column);
    return c ? c->numbers : NULL;
}

const int32_t *midge_table_categories(const midge_table *table, size_t column) {
    const mdg_column *c = column_at(table, column);
    return c ? c->cells : NULL;
}

size_t midge_table_n_categories(const midge_table *table, size_t column) {
    const mdg_column *c = column_at(table, column);
    return c ? c->n_categories : 0;
}

const char *midge_table_category(const midge_table *table, size_t column,
                                 size_t category) {
    const mdg_column *c = column_at(table, column);
    return c && category < c->n_categories ? c->categories[category] : NULL;
}

int midge_table_is_array(const midge_table *table) {
    return table->is_array;
}
