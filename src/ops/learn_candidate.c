/* learn_candidate.c: candidates: made, written, read. */
#include "ops/learn_candidate.h"

#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "ops/learn_score.h"

static midge_status put_model(const mdg_fit *fit, const midge_model *model,
                              char ref[72], midge_error *err) {
    midge_buf bytes;
    midge_buf_init(&bytes, fit->env, 0);
    midge_status status = midge_model_write(model, &bytes);
    if (status == MIDGE_OK) {
        status = fit->host->put_blob(fit->host->ctx, bytes.data, bytes.size,
                                     ref, err);
    } else {
        (void)midge_fail(err, status, "the model could not be written: %s",
                         midge_status_text(status));
    }
    midge_buf_deinit(&bytes);
    return status;
}

static void write_name(const mdg_candidate_head *head, midge_json_writer *w,
                       midge_buf *scratch) {
    char digits[MDG_DECIMAL_MAX];
    midge_buf_clear(scratch);
    (void)midge_buf_puts(scratch, head->agent);
    (void)midge_buf_puts(scratch, "-");
    if (head->round < 0) {
        (void)midge_buf_puts(scratch, "check");
    } else {
        (void)mdg_decimal_write_f64((double)head->round, digits);
        (void)midge_buf_puts(scratch, digits);
    }
    midge_json_key(w, "name");
    midge_json_string_n(w, scratch->data, scratch->size);
}

static void write_head(const mdg_fit *fit, const mdg_config *config,
                       const mdg_candidate_head *head, midge_json_writer *w) {
    midge_buf scratch;
    midge_buf_init(&scratch, fit->env, 4096);
    write_name(head, w, &scratch);
    if (scratch.status != MIDGE_OK && w->status == MIDGE_OK) {
        w->status = scratch.status;
    }
    midge_buf_deinit(&scratch);
    midge_json_key(w, "agent");
    midge_json_string(w, head->agent);
    midge_json_key(w, "pattern");
    midge_json_string(w, head->pattern);
    midge_json_key(w, "round");
    if (head->round < 0) {
        midge_json_null(w);
    } else {
        midge_json_int(w, head->round);
    }
    midge_json_key(w, "family");
    midge_json_string(w, mdg_family_name(config->family));
    midge_json_key(w, "config");
    mdg_config_write(config, w);
}

static void write_measured(const mdg_fit *fit, const mdg_fitted *fitted,
                           double score, double error, midge_json_writer *w) {
    midge_json_key(w, "score");
    midge_json_double(w, score);
    midge_json_key(w, "score_se");
    midge_json_double(w, error);
    midge_json_key(w, "folds");
    midge_json_int(w, fit->n_folds);
    midge_json_key(w, "rows");
    midge_json_int(w, (int64_t)fit->shape.n_rows);
    midge_json_key(w, "seconds");
    midge_json_double(w, fitted->seconds);
    if (fitted->epochs_planned > 0) {
        midge_json_key(w, "epochs_planned");
        midge_json_int(w, fitted->epochs_planned);
        midge_json_key(w, "epochs_done");
        midge_json_int(w, fitted->epochs_done);
        midge_json_key(w, "stopped_early");
        midge_json_bool(w, fitted->epochs_done < fitted->epochs_planned);
    }
}

/* A search that came to nothing is a result too: null, and why. */
static void write_nothing(midge_json_writer *w, const char *why,
                          double seconds) {
    midge_json_key(w, "candidate");
    midge_json_null(w);
    midge_json_key(w, "reason");
    midge_json_string(w, why);
    midge_json_key(w, "seconds");
    midge_json_double(w, seconds);
}

static midge_status write_found(const mdg_fit *fit, const mdg_config *config,
                                const mdg_candidate_head *head,
                                const mdg_fitted *fitted, double *gain,
                                double *score, midge_json_writer *w,
                                midge_error *err) {
    char oof[72];
    char model[72];
    size_t n = fit->shape.n_rows;
    MIDGE_TRY(mdg_rows_put(&fitted->oof, fit->host, oof, err));
    MIDGE_TRY(put_model(fit, fitted->model, model, err));
    mdg_score_gains(fit->shape.problem, n, fit->shape.n_outputs,
                    fitted->oof.part[0], fit->rows->part[MDG_ROWS_T], gain);
    *score = mdg_score_mean(gain, n);
    midge_json_key(w, "candidate");
    midge_json_begin_object(w);
    write_head(fit, config, head, w);
    write_measured(fit, fitted, *score, mdg_score_error(gain, n), w);
    midge_json_key(w, "oof");
    midge_json_string(w, oof);
    midge_json_key(w, "model");
    midge_json_string(w, model);
    midge_json_end_object(w);
    midge_json_key(w, "reason");
    midge_json_null(w);
    return MIDGE_OK;
}

midge_status mdg_candidate_make(const mdg_fit *fit, const mdg_config *config,
                                const mdg_candidate_head *head,
                                midge_json_writer *w, double *gain,
                                double *score, int *found, midge_error *err) {
    mdg_fitted fitted;
    midge_error why = {.text = ""};
    double start = fit->host->now_ms(fit->host->ctx);
    *score = 0.0;
    *found = 0;
    midge_status status = mdg_fit_run(fit, config, &fitted, &why);
    if (status == MIDGE_E_STATE || status == MIDGE_E_TIMEOUT) {
        write_nothing(w, why.text,
                      (fit->host->now_ms(fit->host->ctx) - start) / 1000.0);
        return MIDGE_OK;
    }
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "%s", why.text);
    }
    size_t n = fit->shape.n_rows;
    double *own = gain ? NULL : mdg_alloc(fit->env, n, sizeof *own);
    if (!gain && !own) {
        status = midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    } else {
        status = write_found(fit, config, head, &fitted, gain ? gain : own,
                             score, w, err);
        *found = status == MIDGE_OK;
    }
    mdg_release(fit->env, own, n, sizeof *own);
    mdg_fitted_deinit(&fitted);
    return status;
}

const midge_json *mdg_board_first(const midge_json *board) {
    const midge_json *list = midge_json_get(board, "candidates");
    return list && list->type == MIDGE_JSON_ARRAY ? list->child : NULL;
}

midge_status mdg_candidate_config(const midge_json *candidate, mdg_config *out,
                                  midge_error *err) {
    return mdg_config_read(midge_json_get(candidate, "config"),
                           midge_json_get_string(candidate, "family", ""), out,
                           err);
}
