/* op_learn_report.c: learn.report, what was done and what came of it.
 *
 * Every number is copied from the result of the task that measured it. What
 * was not measured is null here, with a reason.
 */
#include <string.h>

#include "ops/learn_candidate.h"
#include "ops/learn_report.h"
#include "ops/ops_table.h"

static void copy_member(midge_json_writer *w, const char *key,
                        const midge_json *from, const char *from_key) {
    const midge_json *value = midge_json_get(from, from_key);
    midge_json_key(w, key);
    if (value) {
        midge_json_value(w, value);
    } else {
        midge_json_null(w);
    }
}

static int is_of(const midge_json *candidate, const char *agent) {
    return strcmp(midge_json_get_string(candidate, "agent", ""), agent) == 0;
}

/* Seconds of all searches and critiques of an agent, also of those that came to
 * nothing. */
static double seconds_of(const mdg_report *r, const char *agent) {
    double sum = 0.0;
    const midge_json *failed = midge_json_get(r->board, "failed");
    for (const midge_json *f = failed ? failed->child : NULL; f; f = f->next) {
        sum += is_of(f, agent) ? midge_json_get_double(f, "seconds", 0.0) : 0.0;
    }
    for (const midge_json *c = mdg_board_first(r->board); c; c = c->next) {
        sum += is_of(c, agent) ? midge_json_get_double(c, "seconds", 0.0) : 0.0;
    }
    for (const midge_json *c = r->critiques->child; c; c = c->next) {
        const midge_json *own = midge_json_get(c, "candidate");
        const midge_json *timed = own && own->child ? own : c;
        sum += is_of(c, agent) ? midge_json_get_double(timed, "seconds", 0.0)
                               : 0.0;
    }
    return sum;
}

/* Why an agent has no score. */
static const char *why_no_score(const mdg_report *r, const char *agent,
                                const char *pattern) {
    if (strcmp(pattern, "systems") == 0) {
        return "its work is the ensemble: see test.score";
    }
    const midge_json *failed = midge_json_get(r->board, "failed");
    for (const midge_json *f = failed ? failed->child : NULL; f; f = f->next) {
        if (is_of(f, agent)) {
            return midge_json_get_string(f, "reason", "its search failed");
        }
    }
    for (const midge_json *c = r->critiques->child; c; c = c->next) {
        if (is_of(c, agent)) {
            return midge_json_get_string(c, "reason", "its critique failed");
        }
    }
    return "it found no candidate that stayed on the board";
}

static void write_agent(const mdg_report *r, const midge_json *agent,
                        midge_json_writer *w) {
    const char *name = midge_json_get_string(agent, "name", "");
    const char *pattern = midge_json_get_string(agent, "pattern", "");
    const midge_json *tested = mdg_report_tested(r, name);
    int systems = strcmp(pattern, "systems") == 0;
    midge_json_begin_object(w);
    copy_member(w, "name", agent, "name");
    copy_member(w, "pattern", agent, "pattern");
    copy_member(w, "family", tested, "family");
    copy_member(w, "score", tested, "score");
    copy_member(w, "low", tested, "low");
    copy_member(w, "high", tested, "high");
    copy_member(w, "oof_score", tested, "oof_score");
    copy_member(w, "candidate", tested, "name");
    midge_json_key(w, "seconds");
    midge_json_double(
        w, systems ? midge_json_get_double(r->ensemble, "seconds", 0.0)
                   : seconds_of(r, name));
    midge_json_key(w, "reason");
    if (tested) {
        midge_json_null(w);
    } else {
        midge_json_string(w, why_no_score(r, name, pattern));
    }
    midge_json_end_object(w);
}

static void write_best_single(const mdg_report *r, midge_json_writer *w) {
    const midge_json *best = midge_json_get(r->test, "best_single");
    midge_json_key(w, "best_single");
    midge_json_begin_object(w);
    copy_member(w, "agent", best, "agent");
    copy_member(w, "pattern", best, "pattern");
    copy_member(w, "family", best, "family");
    copy_member(w, "score", best, "score");
    copy_member(w, "low", best, "low");
    copy_member(w, "high", best, "high");
    midge_json_end_object(w);
}

static void write_critiques(const mdg_report *r, midge_json_writer *w) {
    static const char *const copied[] = {
        "agent", "checked",        "score_before", "score_after",
        "drop",  "standard_error", "veto",         "reason"};
    midge_json_key(w, "critiques");
    midge_json_begin_array(w);
    for (const midge_json *c = r->critiques->child; c; c = c->next) {
        midge_json_begin_object(w);
        for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
            copy_member(w, copied[i], c, copied[i]);
        }
        midge_json_end_object(w);
    }
    midge_json_end_array(w);
    midge_json_key(w, "critiques_reason");
    if (r->critiques->count > 0) {
        midge_json_null(w);
    } else {
        midge_json_string(w, "no agent with the pattern critical: it is the "
                             "fourth");
    }
}

/* All searches, best first: without blobs. */
static void write_candidates(const mdg_report *r, midge_json_writer *w) {
    static const char *const copied[] = {
        "name",  "agent",    "pattern", "round",   "family",       "config",
        "score", "score_se", "folds",   "seconds", "stopped_early"};
    midge_json_key(w, "candidates");
    midge_json_begin_array(w);
    for (const midge_json *c = mdg_board_first(r->board); c; c = c->next) {
        midge_json_begin_object(w);
        for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
            copy_member(w, copied[i], c, copied[i]);
        }
        midge_json_end_object(w);
    }
    midge_json_end_array(w);
    copy_member(w, "failed", r->board, "failed");
}

static void write_data(const mdg_report *r, midge_json_writer *w) {
    midge_json_key(w, "data");
    midge_json_begin_object(w);
    midge_json_key(w, "name");
    midge_json_string(w, r->title);
    copy_member(w, "columns", r->load, "n_columns");
    copy_member(w, "rows_without_target", r->load, "rows_without_target");
    copy_member(w, "train_rows", r->split, "n_train");
    copy_member(w, "test_rows", r->split, "n_test");
    copy_member(w, "features", r->split, "n_features");
    copy_member(w, "classes", r->split, "classes");
    copy_member(w, "dropped", r->split, "dropped");
    midge_json_end_object(w);
}

static void write_ensemble(const mdg_report *r, midge_json_writer *w) {
    midge_json_key(w, "ensemble");
    midge_json_begin_object(w);
    copy_member(w, "members", r->ensemble, "members");
    copy_member(w, "candidates", r->ensemble, "candidates");
    copy_member(w, "oof_score", r->ensemble, "oof_score");
    copy_member(w, "vetoed", r->ensemble, "vetoed");
    copy_member(w, "minus_best_single", r->test, "difference");
    midge_json_end_object(w);
}

static void write_report(const mdg_report *r, midge_json_writer *w) {
    midge_json_begin_object(w);
    copy_member(w, "problem", r->load, "problem");
    copy_member(w, "target", r->load, "target");
    copy_member(w, "rows", r->load, "rows");
    copy_member(w, "test", r->test, "test");
    write_best_single(r, w);
    midge_json_key(w, "agents");
    midge_json_begin_array(w);
    for (const midge_json *a = r->agents->child; a; a = a->next) {
        write_agent(r, a, w);
    }
    midge_json_end_array(w);
    write_ensemble(r, w);
    write_critiques(r, w);
    write_candidates(r, w);
    write_data(r, w);
    midge_json_key(w, "seed");
    midge_json_int(w, r->seed);
    midge_json_end_object(w);
}

static midge_status store_markdown(const mdg_report *r, const midge_env *env,
                                   const midge_op_host *host, char ref[72],
                                   midge_error *err) {
    midge_buf text;
    midge_buf_init(&text, env, 0);
    mdg_report_markdown(r, &text);
    midge_status status =
        text.status == MIDGE_OK
            ? host->put_blob(host->ctx, text.data, text.size, ref, err)
            : midge_fail(err, text.status, "no memory for the report");
    midge_buf_deinit(&text);
    return status;
}

const midge_json *mdg_report_tested(const mdg_report *r, const char *agent) {
    const midge_json *list = midge_json_get(r->test, "agents");
    for (const midge_json *e = list ? list->child : NULL; e; e = e->next) {
        if (is_of(e, agent)) {
            return e;
        }
    }
    return NULL;
}

MDG_OP_FN(learn_report) {
    mdg_report r = {
        .title = midge_json_get_string(args, "title", ""),
        .agents = midge_json_get(args, "agents"),
        .load = midge_json_get(args, "load"),
        .split = midge_json_get(args, "split"),
        .board = midge_json_get(args, "board"),
        .critiques = midge_json_get(args, "critiques"),
        .ensemble = midge_json_get(args, "ensemble"),
        .test = midge_json_get(args, "test"),
        .seed = midge_json_get_int(args, "seed", 1),
    };
    if (!midge_json_get(r.test, "test") ||
        !midge_json_get(r.ensemble, "bundle")) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "test or ensemble is no result of its operation");
    }
    char markdown[72];
    MIDGE_TRY(store_markdown(&r, env, host, markdown, err));
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "markdown");
    midge_json_string(&w, markdown);
    copy_member(&w, "bundle", r.ensemble, "bundle");
    midge_json_key(&w, "report");
    write_report(&r, &w);
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}
