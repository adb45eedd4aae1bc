/* nn_fit.c: coding, network, training. */
#include "ops/nn_fit.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "ops/learn_text.h"
#include "ops/nn_file.h"

#define TELL_MS 50.0

enum { SEED_WEIGHTS = 1, SEED_TRAINING = 2 };

/* ---- Telling ------------------------------------------------------------- */

static void put_loss(midge_buf *note, const char *what, double loss) {
    (void)midge_buf_puts(note, what);
    mdg_text_fixed(note, loss, loss < 0.1 ? 5 : 3);
}

/* "epoch 12/500, loss 0.123, validation 0.130, 81234 rows/s" */
static void tell(mdg_nn_watch *w, const midge_net_progress *p, double now) {
    char text[200] = {0};
    midge_buf note = {.data = text, .capacity = sizeof text - 1};
    double seconds = (now - w->start_ms) / 1000.0;
    note.max_bytes = note.capacity;
    (void)midge_buf_puts(&note, w->is_cascade ? "unit " : "epoch ");
    mdg_text_int(&note, p->epoch);
    (void)midge_buf_puts(&note, "/");
    mdg_text_int(&note, w->max_epochs);
    put_loss(&note, ", loss ", p->train_loss);
    if (p->valid_loss == p->valid_loss) {
        put_loss(&note, ", validation ", p->valid_loss);
    }
    if (seconds > 0.0 && !w->is_cascade) {
        (void)midge_buf_puts(&note, ", ");
        mdg_text_int(&note, (int64_t)((double)w->n_rows * p->epoch / seconds));
        (void)midge_buf_puts(&note, " rows/s");
    }
    w->host->progress(w->host->ctx,
                      w->from + (w->to - w->from) * p->epoch / w->max_epochs,
                      text);
}

static int on_epoch(void *ctx, const midge_net_progress *progress) {
    mdg_nn_watch *w = ctx;
    double now = w->host->now_ms(w->host->ctx);
    if (w->host->progress && now - w->told_ms >= TELL_MS) {
        w->told_ms = now;
        tell(w, progress, now);
    }
    return 0;
}

static int is_cancelled(void *ctx) {
    const mdg_nn_watch *w = ctx;
    return w->host->cancelled && w->host->cancelled(w->host->ctx);
}

static double now_ms(void *ctx) {
    const mdg_nn_watch *w = ctx;
    return w->host->now_ms(w->host->ctx);
}

/* ---- Coding -------------------------------------------------------------- */

static int is_symmetric(midge_activation a) {
    return a == MIDGE_ACT_SIGMOID_SYMMETRIC ||
           a == MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE ||
           a == MIDGE_ACT_GAUSSIAN_SYMMETRIC ||
           a == MIDGE_ACT_ELLIOT_SYMMETRIC ||
           a == MIDGE_ACT_LINEAR_PIECE_SYMMETRIC ||
           a == MIDGE_ACT_SIN_SYMMETRIC || a == MIDGE_ACT_COS_SYMMETRIC;
}

/* Scalings of plain rows: fitted on a copy, which is thrown away. */
static midge_status fit_plain(const mdg_nn_fit *fit, const uint32_t *train,
                              size_t n_train, mdg_nn_fitted *out,
                              midge_error *err) {
    const mdg_nn_recipe *r = fit->recipe;
    midge_dataset *plain = fit->source->plain, *copy;
    if (r->encode.scale == MIDGE_SCALE_NONE) {
        return MIDGE_OK;
    }
    out->n_inputs = midge_dataset_n_inputs(plain);
    out->n_outputs = midge_dataset_n_outputs(plain);
    int targets = fit->meaning.problem == MIDGE_PROBLEM_REGRESS;
    out->inputs = mdg_alloc(fit->env, out->n_inputs, sizeof *out->inputs);
    if (targets) {
        out->outputs =
            mdg_alloc(fit->env, out->n_outputs, sizeof *out->outputs);
    }
    if (!out->inputs || (targets && !out->outputs)) {
        return mdg_no_memory("scaling", err);
    }
    MIDGE_TRY(midge_dataset_pick(plain, train, n_train, &copy, err));
    midge_status status = midge_dataset_scale(copy, r->encode.scale, 0.0f, 1.0f,
                                              out->inputs, NULL);
    if (status == MIDGE_OK && targets) {
        float low = is_symmetric(r->output) ? -1.0f : 0.0f;
        status = midge_dataset_scale(copy, r->encode.target_scale, low, 1.0f,
                                     NULL, out->outputs);
    }
    midge_dataset_free(copy);
    return status == MIDGE_OK
               ? MIDGE_OK
               : midge_fail(err, status, "the data could not be scaled");
}

static midge_status fit_coding(const mdg_nn_fit *fit, const uint32_t *train,
                               size_t n_train, mdg_nn_fitted *out,
                               midge_error *err) {
    if (fit->source->plain) {
        MIDGE_TRY(fit_plain(fit, train, n_train, out, err));
        out->coding =
            (mdg_nn_coding){NULL, out->inputs, out->outputs, fit->meaning};
        return MIDGE_OK;
    }
    MIDGE_TRY(midge_encoder_fit(fit->env, fit->source->table, fit->target,
                                train, n_train, &fit->recipe->encode,
                                &out->encoder, err));
    out->coding.encoder = out->encoder;
    out->coding.meaning = mdg_nn_meaning_of_encoder(out->encoder);
    return MIDGE_OK;
}

/* ---- Network ------------------------------------------------------------- */

static midge_status make_net(const mdg_nn_fit *fit, mdg_nn_fitted *out,
                             midge_error *err) {
    const mdg_nn_recipe *r = fit->recipe;
    uint32_t sizes[MDG_NN_HIDDEN_MAX + 2];
    sizes[0] = midge_dataset_n_inputs(out->train.data);
    memcpy(sizes + 1, r->hidden, sizeof r->hidden);
    sizes[r->n_hidden + 1] = out->coding.meaning.n_outputs;
    midge_net_options options = {
        .n_layers = r->n_hidden + 1,
        .sizes = sizes,
        .hidden = r->activation,
        .output = r->output,
        .shortcut = r->cascade > 0,
        .init = r->init,
        .seed = mdg_rng_mix(fit->seed, SEED_WEIGHTS),
    };
    return midge_net_new(fit->env, &options, &out->net, err);
}

static midge_status grow(const mdg_nn_fit *fit,
                         const midge_train_options *train, mdg_nn_fitted *out,
                         midge_error *err) {
    midge_net_data rows = midge_dataset_view(out->train.data);
    midge_cascade_options o = midge_cascade_defaults();
    midge_cascade_result result;
    o.max_units = fit->recipe->cascade;
    o.train = *train;
    MIDGE_TRY(midge_net_cascade(out->net, &rows, &o, &result, err));
    out->result.epochs = result.units;
    out->result.best_epoch = result.units;
    out->result.train_loss = out->result.train_mse = result.mse;
    out->result.valid_loss = (double)__builtin_nanf("");
    out->result.stop = result.stop;
    return MIDGE_OK;
}

static midge_status train(mdg_nn_fit *fit, const mdg_nn_rows *valid,
                          mdg_nn_fitted *out, midge_error *err) {
    midge_train_options o = fit->recipe->train;
    midge_net_data rows = midge_dataset_view(out->train.data), held;
    mdg_nn_watch *w = &fit->watch;
    w->start_ms = w->told_ms = w->host->now_ms(w->host->ctx);
    w->n_rows = rows.n_rows;
    w->is_cascade = fit->recipe->cascade > 0;
    w->max_epochs = w->is_cascade ? fit->recipe->cascade : o.max_epochs;
    o.seed = mdg_rng_mix(fit->seed, SEED_TRAINING);
    o.on_epoch = on_epoch;
    o.cancelled = is_cancelled;
    o.now_ms = now_ms;
    o.ctx = w;
    if (!valid->data) {
        o.patience = 0;
    } else {
        held = midge_dataset_view(valid->data);
    }
    midge_status status =
        w->is_cascade
            ? grow(fit, &o, out, err)
            : midge_net_train(out->net, &rows, valid->data ? &held : NULL, &o,
                              &out->result, err);
    out->seconds = (w->host->now_ms(w->host->ctx) - w->start_ms) / 1000.0;
    if (status == MIDGE_OK && out->result.stop == MIDGE_STOP_CANCELLED &&
        out->result.epochs == 0) {
        return midge_fail(err, MIDGE_E_CANCELLED, "asked to end");
    }
    return status;
}

static midge_status run(mdg_nn_fit *fit, const uint32_t *chosen, size_t n,
                        const uint32_t *valid, size_t n_valid,
                        mdg_nn_fitted *out, midge_error *err) {
    mdg_nn_rows held = {0};
    MIDGE_TRY(fit_coding(fit, chosen, n, out, err));
    MIDGE_TRY(mdg_nn_rows_make(fit->env, fit->source, &out->coding, chosen, n,
                               &out->train, err));
    MIDGE_TRY(make_net(fit, out, err));
    if (n_valid > 0) {
        MIDGE_TRY(mdg_nn_rows_make(fit->env, fit->source, &out->coding, valid,
                                   n_valid, &held, err));
    }
    midge_status status = train(fit, &held, out, err);
    mdg_nn_rows_deinit(&held);
    if (status == MIDGE_OK && fit->source->plain) {
        status = midge_net_set_scaling(out->net, out->inputs, out->outputs);
    }
    return status;
}

midge_status mdg_nn_fit_run(mdg_nn_fit *fit, const uint32_t *train_rows,
                            size_t n_train, const uint32_t *valid,
                            size_t n_valid, mdg_nn_fitted *out,
                            midge_error *err) {
    memset(out, 0, sizeof *out);
    out->env = fit->env;
    midge_status status =
        run(fit, train_rows, n_train, valid, n_valid, out, err);
    if (status != MIDGE_OK) {
        mdg_nn_fitted_deinit(out);
    }
    return status;
}

void mdg_nn_fitted_deinit(mdg_nn_fitted *f) {
    midge_net_free(f->net);
    mdg_nn_rows_deinit(&f->train);
    mdg_release(f->env, f->inputs, f->n_inputs, sizeof *f->inputs);
    mdg_release(f->env, f->outputs, f->n_outputs, sizeof *f->outputs);
    midge_encoder_free(f->encoder);
    memset(f, 0, sizeof *f);
}

midge_status mdg_nn_fitted_predict(const mdg_nn_fitted *fitted,
                                   const mdg_nn_rows *rows, float **y,
                                   midge_error *err) {
    const size_t n = midge_dataset_n_rows(rows->data);
    const size_t n_out = fitted->coding.meaning.n_outputs;
    *y = mdg_alloc(fitted->env, n * n_out, sizeof **y);
    if (!*y) {
        return mdg_no_memory("predictions", err);
    }
    midge_status status = mdg_nn_run(fitted->env, fitted->net, n,
                                     midge_dataset_x(rows->data), *y, err);
    if (status != MIDGE_OK) {
        mdg_release(fitted->env, *y, n * n_out, sizeof **y);
        *y = NULL;
        return status;
    }
    mdg_nn_decode(&fitted->coding, n, *y);
    return MIDGE_OK;
}
