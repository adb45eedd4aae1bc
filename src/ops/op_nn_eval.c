/* op_nn_eval.c: nn.eval: a network, or a model of any family, measured on rows
 * whose targets are known. */
#include "base/alloc.h"
#include "ops/learn_config.h"
#include "ops/nn_file.h"
#include "ops/nn_score.h"
#include "ops/ops_table.h"

typedef struct evaluation {
    const midge_env *env;
    mdg_nn_file file;
    mdg_nn_source source;
    mdg_nn_coding coding;
    mdg_nn_rows rows;
    uint32_t *chosen;
    size_t n_all; /* room in chosen */
    size_t n;
    float *y;
    size_t n_y;
} evaluation;

static int has_target(const evaluation *e, int64_t target, size_t row) {
    const float *numbers;
    if (target < 0) {
        return 1;
    }
    numbers = midge_table_numbers(e->source.table, (size_t)target);
    return numbers ? numbers[row] == numbers[row]
                   : midge_table_categories(e->source.table,
                                            (size_t)target)[row] >= 0;
}

/* Rows without a target are left out, and counted. */
static midge_status choose_rows(evaluation *e, midge_error *err) {
    const midge_encoder *encoder = e->coding.encoder;
    int64_t target =
        encoder ? midge_table_find_column(e->source.table,
                                          midge_encoder_target(encoder))
                : -1;
    if (encoder && target < 0) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "the data have no column '%.*s', which the model "
                          "was learned to predict",
                          80, midge_encoder_target(encoder));
    }
    e->n_all = mdg_nn_source_n_rows(&e->source);
    e->chosen = mdg_alloc(e->env, e->n_all, sizeof *e->chosen);
    if (!e->chosen) {
        return mdg_no_memory("the numbers of rows", err);
    }
    for (size_t i = 0; i < e->n_all; i++) {
        if (has_target(e, target, i)) {
            e->chosen[e->n++] = (uint32_t)i;
        }
    }
    return e->n > 0 ? MIDGE_OK
                    : midge_fail(err, MIDGE_E_INVALID, "no row has a target");
}

static midge_status run(evaluation *e, const midge_op_host *host,
                        const midge_json *args, midge_error *err) {
    MIDGE_TRY(mdg_nn_file_read(
        e->env, host, midge_json_get_string(args, "model", ""), &e->file, err));
    MIDGE_TRY(mdg_nn_source_read(e->env, host,
                                 midge_json_get_string(args, "data", ""),
                                 &e->source, err));
    MIDGE_TRY(mdg_nn_file_coding(&e->file, &e->source, 1, &e->coding, err));
    MIDGE_TRY(choose_rows(e, err));
    MIDGE_TRY(mdg_nn_rows_make(e->env, &e->source, &e->coding, e->chosen, e->n,
                               &e->rows, err));
    e->n_y = e->n * mdg_nn_file_n_outputs(&e->file);
    e->y = mdg_alloc(e->env, e->n_y, sizeof *e->y);
    if (!e->y) {
        return mdg_no_memory("predictions", err);
    }
    MIDGE_TRY(mdg_nn_file_run(&e->file, e->n, midge_dataset_x(e->rows.data),
                              e->y, err));
    mdg_nn_decode(&e->coding, e->n, e->y);
    return MIDGE_OK;
}

static midge_status write_answer(const evaluation *e, midge_buf *result,
                                 midge_error *err) {
    midge_json_writer w;
    mdg_nn_score score;
    const mdg_nn_meaning *m = &e->coding.meaning;
    MIDGE_TRY(mdg_nn_score_make(e->env, m, &e->rows, e->y, &score, err));
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "problem");
    midge_json_string(&w, mdg_problem_name(m->problem));
    midge_json_key(&w, "target");
    if (e->coding.encoder) {
        midge_json_string(&w, midge_encoder_target(e->coding.encoder));
    } else {
        midge_json_null(&w);
    }
    midge_json_key(&w, "left_out");
    midge_json_int(&w, (int64_t)(e->n_all - e->n));
    midge_json_key(&w, "measures");
    mdg_nn_score_write(&score, &w);
    MIDGE_TRY(mdg_nn_score_write_classes(e->env, &e->coding, &e->rows, e->y, &w,
                                         err));
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

MDG_OP_FN(nn_eval) {
    evaluation e = {.env = env};
    midge_status status = run(&e, host, args, err);
    if (status == MIDGE_OK) {
        status = write_answer(&e, result, err);
    }
    mdg_release(env, e.y, e.n_y, sizeof *e.y);
    mdg_release(env, e.chosen, e.n_all, sizeof *e.chosen);
    mdg_nn_rows_deinit(&e.rows);
    mdg_nn_source_deinit(&e.source);
    mdg_nn_file_deinit(&e.file);
    return status;
}
