/* table_columns.h: what a table is inside; shared by its parsers. */
#ifndef MDG_TABLE_COLUMNS_H
#define MDG_TABLE_COLUMNS_H

#include "base/map.h"
#include "midge/table.h"

typedef struct mdg_column {
    const char *name;
    midge_column_type type;
    float *numbers; /* n_rows; NULL for text */
    int32_t *cells; /* n_rows; NULL for numbers */
    const char **categories;
    size_t n_categories;
    size_t capacity; /* of categories */
    mdg_map map;     /* text -> category + 1, while parsing */
} mdg_column;

struct midge_table {
    const midge_env *env;
    midge_arena arena; /* names and categories */
    size_t n_rows;
    size_t n_columns;
    mdg_column *columns;
    int is_array;
};

midge_status mdg_csv_read(midge_table *table, const char *bytes, size_t size,
                          midge_error *err);
midge_status mdg_npy_read(midge_table *table, const uint8_t *bytes, size_t size,
                          midge_error *err);

/* Makes n_columns empty columns. */
midge_status mdg_table_columns(midge_table *table, size_t n_columns,
                               midge_error *err);
/* A name for every column or an error: empty or twice. */
midge_status mdg_table_check_names(midge_table *table, midge_error *err);
/* Puts the place into err, counted from 1 (0: it does not apply). */
midge_status mdg_place(midge_error *err, midge_status status, size_t line,
                       size_t column);

#endif
