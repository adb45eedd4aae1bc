/* op_learn_ensemble.c: learn.ensemble, the whole from the parts. */
#include <string.h>

#include "base/alloc.h"
#include "ops/blob_parts.h"
#include "ops/learn_candidate.h"
#include "ops/learn_score.h"
#include "ops/learn_select.h"
#include "ops/ops_table.h"

typedef struct ensemble {
    const midge_env *env;
    const midge_op_host *host;
    const midge_json *critiques;
    midge_problem problem;
    mdg_rows rows;
    mdg_select select;
    const midge_json *candidates[MDG_SELECT_MAX];
    mdg_rows oof[MDG_SELECT_MAX];
    float weight[MDG_SELECT_MAX];
    double score;
    char bundle[72];
} ensemble;

static int is_vetoed(const ensemble *e, const char *name) {
    for (const midge_json *c = e->critiques->child; c; c = c->next) {
        if (midge_json_get_bool(c, "veto", 0) &&
            strcmp(midge_json_get_string(c, "checked", ""), name) == 0) {
            return 1;
        }
    }
    return 0;
}

static midge_status add(ensemble *e, const midge_json *candidate,
                        midge_error *err) {
    uint32_t n = e->select.n_candidates;
    if (n == MDG_SELECT_MAX ||
        is_vetoed(e, midge_json_get_string(candidate, "name", ""))) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_rows_get(&e->oof[n], e->env, e->host,
                           midge_json_get_string(candidate, "oof", ""), 1,
                           err));
    e->candidates[n] = candidate;
    e->select.oof[n] = e->oof[n].part[0];
    e->select.n_candidates++;
    if (e->oof[n].n_rows != e->rows.n_rows ||
        e->oof[n].width[0] != e->rows.width[MDG_ROWS_T]) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "the predictions of %s are of other rows",
                          midge_json_get_string(candidate, "name", ""));
    }
    return MIDGE_OK;
}

/* The critics' candidates first: they are few and must not be crowded out. */
static midge_status collect(ensemble *e, const midge_json *board,
                            midge_error *err) {
    for (const midge_json *c = e->critiques->child; c; c = c->next) {
        const midge_json *own = midge_json_get(c, "candidate");
        if (own && own->type == MIDGE_JSON_OBJECT) {
            MIDGE_TRY(add(e, own, err));
        }
    }
    for (const midge_json *c = mdg_board_first(board); c; c = c->next) {
        MIDGE_TRY(add(e, c, err));
    }
    if (e->select.n_candidates == 0) {
        return midge_fail(err, MIDGE_E_STATE,
                          "no agent found a candidate; the board says why");
    }
    return MIDGE_OK;
}

static midge_status choose(ensemble *e, uint64_t seed, midge_error *err) {
    mdg_select *s = &e->select;
    size_t count = s->n_rows * s->n_outputs;
    mdg_rng rng;
    mdg_rng_seed(&rng, mdg_rng_mix(seed, 5));
    MIDGE_TRY(mdg_select_run(s, &rng, e->weight, err));
    float *y = mdg_alloc(e->env, count, sizeof *y);
    double *gain = mdg_alloc(e->env, s->n_rows, sizeof *gain);
    if (y && gain) {
        mdg_select_mix(s, e->weight, y);
        mdg_score_gains(s->problem, s->n_rows, s->n_outputs, y, s->t, gain);
        e->score = mdg_score_mean(gain, s->n_rows);
    }
    int ok = y && gain;
    mdg_release(e->env, gain, s->n_rows, sizeof *gain);
    mdg_release(e->env, y, count, sizeof *y);
    return ok ? MIDGE_OK : midge_fail(err, MIDGE_E_NOMEM, "out of memory");
}

/* The members with weight, as one model. */
static midge_status build(const ensemble *e, midge_model **out,
                          midge_error *err) {
    midge_model *members[MDG_SELECT_MAX];
    float weights[MDG_SELECT_MAX];
    uint32_t n = 0;
    midge_status status = MIDGE_OK;
    *out = NULL;
    for (uint32_t c = 0; c < e->select.n_candidates; c++) {
        if (e->weight[c] > 0.0f && status == MIDGE_OK) {
            status = mdg_blob_model(
                e->env, e->host,
                midge_json_get_string(e->candidates[c], "model", ""),
                &members[n], err);
            weights[n] = e->weight[c];
            n += status == MIDGE_OK;
        }
    }
    if (status == MIDGE_OK) {
        return midge_model_ensemble_take(e->env, e->problem, members, weights,
                                         n, out, err);
    }
    while (n > 0) {
        midge_model_free(members[--n]);
    }
    return status;
}

static midge_status store(ensemble *e, const char *encoder_ref,
                          midge_error *err) {
    midge_model *model;
    midge_encoder *encoder = NULL;
    midge_buf bytes;
    midge_buf_init(&bytes, e->env, 0);
    midge_status status = build(e, &model, err);
    if (status == MIDGE_OK) {
        status = mdg_blob_encoder(e->env, e->host, encoder_ref, &encoder, err);
    }
    if (status == MIDGE_OK) {
        status = midge_bundle_write(encoder, model, &bytes);
        if (status != MIDGE_OK) {
            (void)midge_fail(err, status, "the model could not be written: %s",
                             midge_status_text(status));
        }
    }
    if (status == MIDGE_OK) {
        status = e->host->put_blob(e->host->ctx, bytes.data, bytes.size,
                                   e->bundle, err);
    }
    midge_buf_deinit(&bytes);
    midge_encoder_free(encoder);
    midge_model_free(model);
    return status;
}

static void write_member(const midge_json *candidate, float weight,
                         midge_json_writer *w) {
    static const char *const copied[] = {"name", "agent", "pattern", "family"};
    midge_json_begin_object(w);
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        midge_json_key(w, copied[i]);
        midge_json_string(w, midge_json_get_string(candidate, copied[i], ""));
    }
    midge_json_key(w, "weight");
    midge_json_float(w, weight);
    midge_json_end_object(w);
}

static midge_status write_answer(const ensemble *e, double seconds,
                                 midge_buf *result) {
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "bundle");
    midge_json_string(&w, e->bundle);
    midge_json_key(&w, "members");
    midge_json_begin_array(&w);
    for (uint32_t c = 0; c < e->select.n_candidates; c++) {
        if (e->weight[c] > 0.0f) {
            write_member(e->candidates[c], e->weight[c], &w);
        }
    }
    midge_json_end_array(&w);
    midge_json_key(&w, "candidates");
    midge_json_int(&w, e->select.n_candidates);
    midge_json_key(&w, "oof_score");
    midge_json_double(&w, e->score);
    midge_json_key(&w, "vetoed");
    midge_json_begin_array(&w);
    for (const midge_json *c = e->critiques->child; c; c = c->next) {
        if (midge_json_get_bool(c, "veto", 0)) {
            midge_json_string(&w, midge_json_get_string(c, "checked", ""));
        }
    }
    midge_json_end_array(&w);
    midge_json_key(&w, "seconds");
    midge_json_double(&w, seconds);
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

static midge_status work(ensemble *e, const midge_json *args, midge_buf *result,
                         midge_error *err) {
    double start = e->host->now_ms(e->host->ctx);
    e->select.env = e->env;
    e->select.problem = e->problem;
    e->select.n_rows = e->rows.n_rows;
    e->select.n_outputs = e->rows.width[MDG_ROWS_T];
    e->select.t = e->rows.part[MDG_ROWS_T];
    MIDGE_TRY(collect(e, midge_json_get(args, "board"), err));
    MIDGE_TRY(choose(e, (uint64_t)midge_json_get_int(args, "seed", 1), err));
    MIDGE_TRY(store(e, midge_json_get_string(args, "encoder", ""), err));
    return write_answer(e, (e->host->now_ms(e->host->ctx) - start) / 1000.0,
                        result);
}

MDG_OP_FN(learn_ensemble) {
    ensemble *e = mdg_alloc_zero(env, 1, sizeof *e); /* large for a stack */
    if (!e) {
        return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    }
    e->env = env;
    e->host = host;
    e->critiques = midge_json_get(args, "critiques");
    midge_status status = mdg_problem_read(
        midge_json_get_string(args, "problem", ""), &e->problem, err);
    if (status == MIDGE_OK) {
        status = mdg_rows_get(&e->rows, env, host,
                              midge_json_get_string(args, "train", ""), 3, err);
    }
    if (status == MIDGE_OK) {
        status = work(e, args, result, err);
    }
    for (uint32_t c = 0; c < e->select.n_candidates; c++) {
        mdg_rows_deinit(&e->oof[c]);
    }
    mdg_rows_deinit(&e->rows);
    mdg_release(env, e, 1, sizeof *e);
    return status;
}
