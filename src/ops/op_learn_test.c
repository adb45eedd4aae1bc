/* op_learn_test.c: learn.test, the only operation that sees the test rows.
 *
 * Every agent is represented by the candidate that was best out of fold, so the
 * choice was made before these rows were looked at. "Best single" is then the
 * highest score on the test rows themselves: a hard bar for the ensemble, since
 * that agent is picked with the answers known.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "ops/blob_parts.h"
#include "ops/learn_candidate.h"
#include "ops/learn_score.h"
#include "ops/ops_table.h"

#define AGENTS_MAX 64u

typedef struct entry {
    const midge_json *candidate;
    double score;
    mdg_interval interval;
} entry;

typedef struct final_test {
    const midge_env *env;
    const midge_op_host *host;
    midge_problem problem;
    mdg_rows rows;
    uint32_t resamples;
    uint64_t seed;
    float *y;          /* predictions of one model */
    double *gain;      /* of the model at hand */
    double *gain_best; /* of the best single agent */
    double *gain_all;  /* of the ensemble */
    uint64_t *scratch; /* resamples */
    entry entries[AGENTS_MAX];
    uint32_t n_entries;
    uint32_t best;
    double score; /* of the ensemble */
    mdg_interval interval;
    double rmse;
    mdg_interval difference;
} final_test;

/* ---- Who is tested ------------------------------------------------------- */

static void enter(final_test *t, const midge_json *candidate) {
    const char *agent = midge_json_get_string(candidate, "agent", "");
    double score = midge_json_get_double(candidate, "score", 0.0);
    for (uint32_t i = 0; i < t->n_entries; i++) {
        const midge_json *other = t->entries[i].candidate;
        if (strcmp(midge_json_get_string(other, "agent", ""), agent) == 0) {
            if (score > midge_json_get_double(other, "score", 0.0)) {
                t->entries[i].candidate = candidate;
            }
            return;
        }
    }
    if (t->n_entries < AGENTS_MAX) {
        t->entries[t->n_entries++].candidate = candidate;
    }
}

static void enter_all(final_test *t, const midge_json *args) {
    const midge_json *critiques = midge_json_get(args, "critiques");
    const midge_json *c = mdg_board_first(midge_json_get(args, "board"));
    for (; c; c = c->next) {
        enter(t, c);
    }
    for (c = critiques->child; c; c = c->next) {
        const midge_json *own = midge_json_get(c, "candidate");
        if (own && own->type == MIDGE_JSON_OBJECT) {
            enter(t, own);
        }
    }
}

/* ---- Measuring ----------------------------------------------------------- */

/* Fills t->y and t->gain. */
static midge_status predict(final_test *t, const midge_model *model,
                            midge_error *err) {
    if (midge_model_n_inputs(model) != t->rows.width[MDG_ROWS_X] ||
        midge_model_n_outputs(model) != t->rows.width[MDG_ROWS_T]) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "a model does not fit the test rows");
    }
    MIDGE_TRY(midge_model_predict(model, t->rows.n_rows,
                                  t->rows.part[MDG_ROWS_X], t->y, err));
    mdg_score_gains(t->problem, t->rows.n_rows, t->rows.width[MDG_ROWS_T], t->y,
                    t->rows.part[MDG_ROWS_T], t->gain);
    return MIDGE_OK;
}

static mdg_interval interval_of(final_test *t, const double *gain) {
    mdg_rng rng;
    mdg_rng_seed(&rng, mdg_rng_mix(t->seed, 6));
    return mdg_score_bootstrap(gain, t->rows.n_rows, t->resamples, &rng,
                               t->scratch);
}

static midge_status test_agent(final_test *t, uint32_t i, midge_error *err) {
    entry *e = &t->entries[i];
    const char *ref = midge_json_get_string(e->candidate, "model", "");
    midge_model *model;
    midge_status status = mdg_blob_model(t->env, t->host, ref, &model, err);
    if (status == MIDGE_OK) {
        status = predict(t, model, err);
    }
    midge_model_free(model);
    MIDGE_TRY(status);
    e->score = mdg_score_mean(t->gain, t->rows.n_rows);
    e->interval = interval_of(t, t->gain);
    if (i == 0 || e->score > t->entries[t->best].score) {
        t->best = i;
        memcpy(t->gain_best, t->gain, t->rows.n_rows * sizeof *t->gain);
    }
    return MIDGE_OK;
}

/* Root mean squared error in the target's own unit. */
static double rmse_of(const final_test *t, const midge_encoder *encoder) {
    double sum = 0.0;
    for (size_t i = 0; i < t->rows.n_rows; i++) {
        double d = (double)midge_encoder_unscale(encoder, t->y[i]) -
                   (double)t->rows.part[MDG_ROWS_LABEL][i];
        sum += d * d;
    }
    return mdg_sqrt_f64(sum / (double)t->rows.n_rows);
}

static midge_status test_ensemble(final_test *t, const char *ref,
                                  midge_error *err) {
    midge_encoder *encoder;
    midge_model *model;
    midge_status status =
        mdg_blob_bundle(t->env, t->host, ref, &encoder, &model, err);
    if (status == MIDGE_OK) {
        status = predict(t, model, err);
    }
    if (status == MIDGE_OK) {
        size_t n = t->rows.n_rows;
        t->score = mdg_score_mean(t->gain, n);
        t->interval = interval_of(t, t->gain);
        t->rmse =
            t->problem == MIDGE_PROBLEM_REGRESS ? rmse_of(t, encoder) : 0.0;
        memcpy(t->gain_all, t->gain, n * sizeof *t->gain);
        for (size_t i = 0; i < n; i++) { /* paired: the same resampled rows */
            t->gain[i] = t->gain_all[i] - t->gain_best[i];
        }
        t->difference = interval_of(t, t->gain);
    }
    midge_model_free(model);
    midge_encoder_free(encoder);
    return status;
}

/* ---- The answer ---------------------------------------------------------- */

static void write_interval(midge_json_writer *w, mdg_interval interval) {
    midge_json_key(w, "low");
    midge_json_double(w, interval.low);
    midge_json_key(w, "high");
    midge_json_double(w, interval.high);
}

static void write_entry(const entry *e, midge_json_writer *w) {
    static const char *const copied[] = {"agent", "name", "pattern", "family"};
    midge_json_begin_object(w);
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        midge_json_key(w, copied[i]);
        midge_json_string(w,
                          midge_json_get_string(e->candidate, copied[i], ""));
    }
    midge_json_key(w, "score");
    midge_json_double(w, e->score);
    write_interval(w, e->interval);
    midge_json_key(w, "oof_score");
    midge_json_double(w, midge_json_get_double(e->candidate, "score", 0.0));
    midge_json_end_object(w);
}

static void write_test(const final_test *t, midge_json_writer *w) {
    midge_json_key(w, "test");
    midge_json_begin_object(w);
    midge_json_key(w, "score");
    midge_json_double(w, t->score);
    write_interval(w, t->interval);
    midge_json_key(w, "n");
    midge_json_int(w, (int64_t)t->rows.n_rows);
    midge_json_key(w, "metric");
    midge_json_string(w, t->problem == MIDGE_PROBLEM_CLASSIFY ? "accuracy"
                                                              : "R^2");
    if (t->problem == MIDGE_PROBLEM_REGRESS) {
        midge_json_key(w, "rmse");
        midge_json_double(w, t->rmse);
    }
    midge_json_end_object(w);
}

static midge_status write_answer(const final_test *t, midge_buf *result) {
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    write_test(t, &w);
    midge_json_key(&w, "agents");
    midge_json_begin_array(&w);
    for (uint32_t i = 0; i < t->n_entries; i++) {
        write_entry(&t->entries[i], &w);
    }
    midge_json_end_array(&w);
    midge_json_key(&w, "best_single");
    write_entry(&t->entries[t->best], &w);
    midge_json_key(&w, "difference");
    midge_json_begin_object(&w);
    midge_json_key(&w, "value");
    midge_json_double(&w, t->score - t->entries[t->best].score);
    write_interval(&w, t->difference);
    midge_json_end_object(&w);
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

static midge_status work(final_test *t, const midge_json *args,
                         midge_buf *result, midge_error *err) {
    size_t n = t->rows.n_rows;
    size_t outputs = n * t->rows.width[MDG_ROWS_T];
    midge_status status = MIDGE_OK;
    t->y = mdg_alloc(t->env, outputs, sizeof *t->y);
    t->gain = mdg_alloc(t->env, n, sizeof(double));
    t->gain_best = mdg_alloc(t->env, n, sizeof(double));
    t->gain_all = mdg_alloc(t->env, n, sizeof(double));
    t->scratch = mdg_alloc(t->env, t->resamples, sizeof *t->scratch);
    enter_all(t, args);
    if (!t->y || !t->gain || !t->gain_best || !t->gain_all || !t->scratch) {
        status = midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    } else if (t->n_entries == 0) {
        status = midge_fail(err, MIDGE_E_INVALID, "there is no candidate");
    }
    for (uint32_t i = 0; status == MIDGE_OK && i < t->n_entries; i++) {
        status = test_agent(t, i, err);
    }
    if (status == MIDGE_OK) {
        const midge_json *ensemble = midge_json_get(args, "ensemble");
        status = test_ensemble(t, midge_json_get_string(ensemble, "bundle", ""),
                               err);
    }
    if (status == MIDGE_OK) {
        status = write_answer(t, result);
    }
    mdg_release(t->env, t->scratch, t->resamples, sizeof *t->scratch);
    mdg_release(t->env, t->gain_all, n, sizeof(double));
    mdg_release(t->env, t->gain_best, n, sizeof(double));
    mdg_release(t->env, t->gain, n, sizeof(double));
    mdg_release(t->env, t->y, outputs, sizeof *t->y);
    return status;
}

MDG_OP_FN(learn_test) {
    final_test t = {.env = env, .host = host};
    t.resamples = (uint32_t)midge_json_get_int(args, "resamples", 1000);
    t.seed = (uint64_t)midge_json_get_int(args, "seed", 1);
    MIDGE_TRY(mdg_problem_read(midge_json_get_string(args, "problem", ""),
                               &t.problem, err));
    MIDGE_TRY(mdg_rows_get(&t.rows, env, host,
                           midge_json_get_string(args, "test", ""), 3, err));
    midge_status status = work(&t, args, result, err);
    mdg_rows_deinit(&t.rows);
    return status;
}
