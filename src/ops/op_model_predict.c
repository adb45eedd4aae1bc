/* op_model_predict.c: model.predict, a learned model at work. */
#include "base/alloc.h"
#include "ops/blob_parts.h"
#include "ops/learn_config.h"
#include "ops/learn_score.h"
#include "ops/ops_table.h"

typedef struct prediction {
    const midge_env *env;
    midge_encoder *encoder;
    midge_model *model;
    midge_table *table;
    size_t n_rows;
    uint32_t *rows;
    float *x;
    float *y;
} prediction;

static midge_status load(prediction *p, const midge_op_host *host,
                         const midge_json *args, midge_error *err) {
    MIDGE_TRY(mdg_blob_bundle(p->env, host,
                              midge_json_get_string(args, "model", ""),
                              &p->encoder, &p->model, err));
    return mdg_blob_table(p->env, host, midge_json_get_string(args, "data", ""),
                          &p->table, err);
}

static midge_status run(prediction *p, midge_error *err) {
    uint32_t n_in = midge_encoder_n_features(p->encoder);
    uint32_t n_out = midge_encoder_n_outputs(p->encoder);
    size_t n = midge_table_n_rows(p->table);
    size_t count;
    p->n_rows = n;
    if (mdg_multiply_size(n, n_in, &count)) {
        p->x = mdg_alloc(p->env, count, sizeof *p->x);
    }
    p->y = mdg_alloc(p->env, n * n_out, sizeof *p->y);
    p->rows = mdg_alloc(p->env, n, sizeof *p->rows);
    if (!p->x || !p->y || !p->rows) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu rows", n);
    }
    for (size_t i = 0; i < n; i++) {
        p->rows[i] = (uint32_t)i;
    }
    MIDGE_TRY(
        midge_encoder_features(p->encoder, p->table, p->rows, n, p->x, err));
    return midge_model_predict(p->model, n, p->x, p->y, err);
}

static void write_classes(const prediction *p, midge_json_writer *w) {
    uint32_t n_out = midge_encoder_n_outputs(p->encoder);
    midge_json_key(w, "values");
    midge_json_begin_array(w);
    for (size_t i = 0; i < p->n_rows; i++) {
        uint32_t c = mdg_score_class(p->y + i * n_out, n_out);
        midge_json_string(w, midge_encoder_class(p->encoder, c));
    }
    midge_json_end_array(w);
    midge_json_key(w, "probabilities");
    midge_json_begin_array(w);
    for (size_t i = 0; i < p->n_rows; i++) {
        const float *y = p->y + i * n_out;
        midge_json_float(w, y[mdg_score_class(y, n_out)]);
    }
    midge_json_end_array(w);
}

static void write_numbers(const prediction *p, midge_json_writer *w) {
    midge_json_key(w, "values");
    midge_json_begin_array(w);
    for (size_t i = 0; i < p->n_rows; i++) {
        midge_json_float(w, midge_encoder_unscale(p->encoder, p->y[i]));
    }
    midge_json_end_array(w);
    midge_json_key(w, "probabilities");
    midge_json_null(w);
}

static midge_status write_answer(const prediction *p, midge_buf *result) {
    midge_problem problem = midge_encoder_problem(p->encoder);
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "problem");
    midge_json_string(&w, mdg_problem_name(problem));
    midge_json_key(&w, "target");
    midge_json_string(&w, midge_encoder_target(p->encoder));
    midge_json_key(&w, "rows");
    midge_json_int(&w, (int64_t)p->n_rows);
    if (problem == MIDGE_PROBLEM_CLASSIFY) {
        write_classes(p, &w);
    } else {
        write_numbers(p, &w);
    }
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

MDG_OP_FN(model_predict) {
    prediction p = {.env = env};
    midge_status status = load(&p, host, args, err);
    if (status == MIDGE_OK) {
        status = run(&p, err);
    }
    if (status == MIDGE_OK) {
        status = write_answer(&p, result);
    }
    if (p.encoder) {
        size_t n = p.n_rows;
        mdg_release(env, p.rows, n, sizeof *p.rows);
        mdg_release(env, p.y, n * midge_encoder_n_outputs(p.encoder),
                    sizeof *p.y);
        mdg_release(env, p.x, n * midge_encoder_n_features(p.encoder),
                    sizeof *p.x);
    }
    midge_table_free(p.table);
    midge_model_free(p.model);
    midge_encoder_free(p.encoder);
    return status;
}
