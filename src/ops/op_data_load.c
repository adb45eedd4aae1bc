/* op_data_load.c: data.load, what a table has to teach. */
#include "ops/learn_config.h"
#include "ops/learn_table.h"
#include "ops/ops_table.h"

#define COLUMNS_SHOWN 64u

static void write_column(const midge_table *table, size_t column,
                         midge_json_writer *w) {
    int number = midge_table_column_type(table, column) == MIDGE_COLUMN_NUMBER;
    size_t n_rows = midge_table_n_rows(table);
    int64_t missing = 0;
    for (size_t row = 0; row < n_rows; row++) {
        missing += mdg_learn_table_missing(table, column, row);
    }
    midge_json_begin_object(w);
    midge_json_key(w, "name");
    midge_json_string(w, midge_table_column_name(table, column));
    midge_json_key(w, "type");
    midge_json_string(w, number ? "number" : "text");
    midge_json_key(w, "missing");
    midge_json_int(w, missing);
    if (!number) {
        midge_json_key(w, "categories");
        midge_json_int(w, (int64_t)midge_table_n_categories(table, column));
    }
    midge_json_end_object(w);
}

static void write_answer(const mdg_learn_table *t, midge_json_writer *w) {
    size_t rows = midge_table_n_rows(t->table);
    size_t columns = midge_table_n_columns(t->table);
    midge_problem problem = midge_encoder_problem(t->probe);
    midge_json_begin_object(w);
    midge_json_key(w, "rows");
    midge_json_int(w, (int64_t)rows);
    midge_json_key(w, "rows_used");
    midge_json_int(w, (int64_t)t->n_rows);
    midge_json_key(w, "rows_without_target");
    midge_json_int(w, (int64_t)(rows - t->n_rows));
    midge_json_key(w, "problem");
    midge_json_string(w, mdg_problem_name(problem));
    midge_json_key(w, "target");
    midge_json_string(w, midge_table_column_name(t->table, t->target));
    midge_json_key(w, "classes");
    if (problem == MIDGE_PROBLEM_CLASSIFY) {
        midge_json_int(w, midge_encoder_n_outputs(t->probe));
    } else {
        midge_json_null(w);
    }
    midge_json_key(w, "n_columns");
    midge_json_int(w, (int64_t)columns);
    midge_json_key(w, "columns");
    midge_json_begin_array(w);
    for (size_t c = 0; c < columns && c < COLUMNS_SHOWN; c++) {
        write_column(t->table, c, w);
    }
    midge_json_end_array(w);
    mdg_write_dropped(t->probe, w);
    midge_json_end_object(w);
}

MDG_OP_FN(data_load) {
    mdg_learn_table t;
    MIDGE_TRY(mdg_learn_table_init(&t, env, host, args, err));
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    write_answer(&t, &w);
    mdg_learn_table_deinit(&t);
    return midge_json_writer_end(&w);
}
