/* op_learn_critique.c: learn.critique, was the leader only lucky?
 *
 * The leader is the best of several, so its score is biased upward. The same
 * configuration is trained again from another seed on other folds; the two
 * scores are compared row by row (paired: each row was predicted once by each,
 * never by a model trained on it).
 */
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "ops/learn_candidate.h"
#include "ops/learn_score.h"
#include "ops/ops_table.h"

#define VETO_ERRORS 2.0 /* standard errors */

typedef struct critique {
    mdg_fit fit;
    const midge_json *leader;
    const char *agent;
    double *before; /* gains, n_rows each */
    double *after;
} critique;

static midge_status gains_before(critique *c, midge_error *err) {
    mdg_rows oof;
    const mdg_shape *shape = &c->fit.shape;
    MIDGE_TRY(mdg_rows_get(&oof, c->fit.env, c->fit.host,
                           midge_json_get_string(c->leader, "oof", ""), 1,
                           err));
    midge_status status = MIDGE_OK;
    if (oof.n_rows != shape->n_rows || oof.width[0] != shape->n_outputs) {
        status = midge_fail(err, MIDGE_E_MISMATCH,
                            "the leader's predictions are of other rows");
    } else {
        mdg_score_gains(shape->problem, shape->n_rows, shape->n_outputs,
                        oof.part[0], c->fit.rows->part[MDG_ROWS_T], c->before);
    }
    mdg_rows_deinit(&oof);
    return status;
}

/* Standard error of the mean of before - after; `before` is overwritten. */
static double drop_error(critique *c) {
    size_t n = c->fit.shape.n_rows;
    for (size_t i = 0; i < n; i++) {
        c->before[i] -= c->after[i];
    }
    return mdg_score_error(c->before, n);
}

static void write_verdict(critique *c, double after, midge_json_writer *w) {
    double before = mdg_score_mean(c->before, c->fit.shape.n_rows);
    double error = drop_error(c);
    midge_json_key(w, "score_before");
    midge_json_double(w, before);
    midge_json_key(w, "score_after");
    midge_json_double(w, after);
    midge_json_key(w, "drop");
    midge_json_double(w, before - after);
    midge_json_key(w, "standard_error");
    midge_json_double(w, error);
    midge_json_key(w, "veto");
    midge_json_bool(w, before - after > VETO_ERRORS * error);
}

static void write_unknown(midge_json_writer *w) {
    static const char *const keys[] = {"score_before", "score_after", "drop",
                                       "standard_error"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        midge_json_key(w, keys[i]);
        midge_json_null(w);
    }
    midge_json_key(w, "veto");
    midge_json_bool(w, 0);
}

static midge_status judge(critique *c, midge_json_writer *w, midge_error *err) {
    mdg_config config;
    double after;
    int found;
    mdg_candidate_head head = {c->agent, "critical", -1};
    MIDGE_TRY(mdg_candidate_config(c->leader, &config, err));
    MIDGE_TRY(gains_before(c, err));
    midge_json_key(w, "checked");
    midge_json_string(w, midge_json_get_string(c->leader, "name", ""));
    MIDGE_TRY(mdg_candidate_make(&c->fit, &config, &head, w, c->after, &after,
                                 &found, err));
    if (found) {
        write_verdict(c, after, w);
    } else {
        write_unknown(w);
    }
    return MIDGE_OK;
}

/* There was nobody to re-test. */
static void write_idle(midge_json_writer *w) {
    midge_json_key(w, "checked");
    midge_json_null(w);
    midge_json_key(w, "candidate");
    midge_json_null(w);
    midge_json_key(w, "reason");
    midge_json_string(w, "there is no candidate in that place");
    write_unknown(w);
}

static midge_status work(critique *c, midge_buf *result, midge_error *err) {
    size_t n = c->fit.shape.n_rows;
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "agent");
    midge_json_string(&w, c->agent);
    midge_status status = MIDGE_OK;
    if (c->leader) {
        c->before = mdg_alloc(c->fit.env, n, sizeof(double));
        c->after = mdg_alloc(c->fit.env, n, sizeof(double));
        status = c->before && c->after
                     ? judge(c, &w, err)
                     : midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    } else {
        write_idle(&w);
    }
    mdg_release(c->fit.env, c->before, n, sizeof(double));
    mdg_release(c->fit.env, c->after, n, sizeof(double));
    MIDGE_TRY(status);
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

MDG_OP_FN(learn_critique) {
    mdg_rows rows;
    critique c = {.agent = midge_json_get_string(args, "agent", "")};
    MIDGE_TRY(mdg_fit_open(&c.fit, &rows, env, host, args, err));
    uint64_t seed = (uint64_t)midge_json_get_int(args, "seed", 1);
    int64_t place = midge_json_get_int(args, "place", 1);
    c.leader = mdg_board_first(midge_json_get(args, "board"));
    while (c.leader && --place > 0) {
        c.leader = c.leader->next;
    }
    c.fit.fold_seed = mdg_rng_mix(seed, 3);
    c.fit.seed = mdg_rng_mix(seed, 4);
    midge_status status = work(&c, result, err);
    mdg_rows_deinit(&rows);
    return status;
}
