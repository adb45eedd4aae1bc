/* learn_table.h: a table out of a blob, its target column, the rows that have a
 * target, and what kind of problem it is. */
#ifndef MDG_LEARN_TABLE_H
#define MDG_LEARN_TABLE_H

#include "midge/ops.h"
#include "midge/table.h"

typedef struct mdg_learn_table {
    const midge_env *env;
    midge_table *table;
    midge_encoder *probe; /* fitted on all usable rows: only for problem,
                             classes and dropped columns, never for features */
    size_t target;
    uint32_t *rows; /* those with a target */
    size_t n_rows;
    size_t rows_capacity;
} mdg_learn_table;

/* `op_args` has "data" and "target". After a failure nothing is to undo. */
midge_status mdg_learn_table_init(mdg_learn_table *t, const midge_env *env,
                                  const midge_op_host *host,
                                  const midge_json *op_args, midge_error *err);
/* MIDGE_E_NOT_FOUND: "no column named 'x'; there are: a, b, c, ..."; with a
 * NULL name that one is needed. */
midge_status mdg_no_column(const midge_table *table, const char *name,
                           midge_error *err);
void mdg_learn_table_deinit(mdg_learn_table *t);
int mdg_learn_table_missing(const midge_table *table, size_t column,
                            size_t row);

/* Members "classes_named" style lists shared by load and split: key and an
 * array of the first `most` texts. */
void mdg_write_classes(const midge_encoder *encoder, midge_json_writer *w);
void mdg_write_dropped(const midge_encoder *encoder, midge_json_writer *w);

#endif
