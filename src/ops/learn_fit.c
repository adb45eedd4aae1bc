/* learn_fit.c: the training of one model, out-of-fold predictions.
 *
 * With a time limit, one epoch is measured first and the number of epochs
 * chosen to fit: a cosine learning rate that is cut off is worth less than a
 * shorter one that ends. The callback's deadline is the second line of defence.
 */
#include "ops/learn_fit.h"

#include <string.h>

#include "base/alloc.h"
#include "ops/learn_folds.h"
#include "ops/learn_score.h"

#define SCREEN_TRAIN_MAX 3000u
#define SCREEN_VALID_MAX 1000u

mdg_shape mdg_fit_shape(const mdg_rows *rows, midge_problem problem) {
    return (mdg_shape){problem, rows->n_rows, rows->width[MDG_ROWS_X],
                       rows->width[MDG_ROWS_T]};
}

uint32_t mdg_fit_folds(const mdg_shape *shape) {
    return shape->n_rows >= 4000 ? 3 : shape->n_rows >= 10 ? 5 : 2;
}

static midge_status no_memory(midge_error *err) {
    return midge_fail(err, MIDGE_E_NOMEM, "out of memory while fitting");
}

/* ---- One model ----------------------------------------------------------- */

typedef struct watch {
    const mdg_fit *fit;
    double deadline_ms; /* 0: none */
    double from;        /* share of the work before and after this training */
    double to;
    uint32_t epochs;
    int cancelled;
} watch;

static int is_cancelled(const mdg_fit *fit) {
    return fit->host->cancelled && fit->host->cancelled(fit->host->ctx);
}

static int watch_epoch(void *ctx, const midge_net_progress *progress) {
    watch *w = ctx;
    const midge_op_host *host = w->fit->host;
    if (host->progress) {
        double done = (double)progress->epoch / (double)w->epochs;
        host->progress(host->ctx, w->from + (w->to - w->from) * done, NULL);
    }
    w->cancelled = is_cancelled(w->fit);
    return w->cancelled ||
           (w->deadline_ms > 0.0 && host->now_ms(host->ctx) > w->deadline_ms);
}

static midge_status new_net(const mdg_fit *fit, const mdg_config *config,
                            uint64_t seed, midge_net **out, midge_error *err) {
    uint32_t sizes[MDG_HIDDEN_MAX + 2];
    sizes[0] = fit->shape.n_inputs;
    for (uint32_t l = 0; l < config->n_hidden; l++) {
        sizes[l + 1] = config->hidden[l];
    }
    sizes[config->n_hidden + 1] = fit->shape.n_outputs;
    midge_net_options options = {
        .n_layers = config->n_hidden + 1,
        .sizes = sizes,
        .hidden = config->activation,
        .output = fit->shape.problem == MIDGE_PROBLEM_CLASSIFY
                      ? MIDGE_ACT_SOFTMAX
                      : MIDGE_ACT_LINEAR,
        .seed = seed,
    };
    return midge_net_new(fit->env, &options, out, err);
}

static midge_train_options
train_options(const mdg_fit *fit, const mdg_config *config, uint64_t seed) {
    midge_train_options o = midge_train_defaults(MIDGE_TRAIN_ADAMW);
    o.loss = fit->shape.problem == MIDGE_PROBLEM_CLASSIFY
                 ? MIDGE_LOSS_CROSS_ENTROPY
                 : MIDGE_LOSS_MSE;
    o.max_epochs = config->epochs;
    o.batch_size = config->batch;
    o.learning_rate = config->rate;
    o.schedule = MIDGE_SCHEDULE_COSINE;
    o.final_learning_rate = config->rate * 0.01f;
    o.weight_decay = config->decay;
    o.dropout = config->dropout;
    o.input_dropout = config->input_dropout;
    o.patience = 0;
    o.seed = seed;
    return o;
}

static midge_status fit_net(const mdg_fit *fit, const mdg_config *config,
                            const mdg_part *p, uint64_t seed, watch *w,
                            uint32_t *epochs_done, midge_model **out,
                            midge_error *err) {
    midge_net *net;
    MIDGE_TRY(new_net(fit, config, mdg_rng_mix(seed, 1), &net, err));
    midge_train_options options =
        train_options(fit, config, mdg_rng_mix(seed, 2));
    midge_net_data data = {p->n_rows, p->x, p->t};
    midge_train_result result = {0};
    w->epochs = config->epochs;
    options.on_epoch = watch_epoch;
    options.ctx = w;
    midge_status status =
        midge_net_train(net, &data, NULL, &options, &result, err);
    if (status == MIDGE_OK && w->cancelled) {
        status = midge_fail(err, MIDGE_E_CANCELLED, "asked to end");
    }
    if (status != MIDGE_OK) {
        midge_net_free(net);
        return status;
    }
    *epochs_done = result.epochs;
    return midge_model_from_net_take(fit->env, fit->shape.problem, net, out);
}

/* One model of the configuration's family on the rows of `p`. */
static midge_status fit_one(const mdg_fit *fit, const mdg_config *config,
                            const mdg_part *p, uint64_t seed, watch *w,
                            uint32_t *epochs_done, midge_model **out,
                            midge_error *err) {
    midge_net_data data = {p->n_rows, p->x, p->t};
    *out = NULL;
    if (is_cancelled(fit)) {
        return midge_fail(err, MIDGE_E_CANCELLED, "asked to end");
    }
    if (config->family == MIDGE_FAMILY_KNN) {
        uint32_t most = (uint32_t)p->n_rows;
        midge_knn_options options = {config->k < most ? config->k : most,
                                     config->cosine, config->weighted};
        return midge_model_fit_knn(fit->env, fit->shape.problem, p->n_inputs,
                                   p->n_outputs, &data, &options, out, err);
    }
    if (config->family == MIDGE_FAMILY_FEATURES) {
        midge_features_options options = {config->n_features, config->gamma,
                                          config->lambda, seed};
        return midge_model_fit_features(fit->env, fit->shape.problem,
                                        p->n_inputs, p->n_outputs, &data,
                                        &options, out, err);
    }
    return fit_net(fit, config, p, seed, w, epochs_done, out, err);
}

/* ---- All folds ----------------------------------------------------------- */

typedef struct run_state {
    const mdg_fit *fit;
    mdg_config config;
    mdg_folds folds;
    mdg_fitted *out;
    midge_model *models[16];
    uint32_t n_models;
    double start_ms;
} run_state;

static double now(const mdg_fit *fit) {
    return fit->host->now_ms(fit->host->ctx);
}

/* Predicts the rows of `p`, each into its own row of `oof`. */
static midge_status predict_fold(const midge_model *model, const mdg_part *p,
                                 mdg_rows *oof, midge_error *err) {
    size_t count = p->n_rows * p->n_outputs;
    float *y = mdg_alloc(p->env, count, sizeof *y);
    if (!y) {
        return no_memory(err);
    }
    midge_status status = midge_model_predict(model, p->n_rows, p->x, y, err);
    for (size_t i = 0; status == MIDGE_OK && i < p->n_rows; i++) {
        memcpy(oof->part[0] + (size_t)p->rows[i] * p->n_outputs,
               y + i * p->n_outputs, p->n_outputs * sizeof *y);
    }
    mdg_release(p->env, y, count, sizeof *y);
    return status;
}

/* Trains on the rows outside of `fold`, predicts those inside. */
static midge_status run_fold(run_state *s, uint32_t fold, midge_error *err) {
    const mdg_fit *fit = s->fit;
    mdg_part train = {0};
    mdg_part held = {0};
    double step = 1.0 / (double)fit->n_folds;
    watch w = {fit, 0.0, step * fold, step * (fold + 1), 1, 0};
    if (fit->limit_ms > 0.0) {
        w.deadline_ms = s->start_ms + fit->limit_ms * step * (fold + 1);
    }
    uint32_t epochs = 0;
    midge_model *model = NULL;
    MIDGE_TRY(mdg_part_init(&train, &s->folds, fold, 0, SIZE_MAX, err));
    midge_status status =
        fit_one(fit, &s->config, &train, mdg_rng_mix(fit->seed, fold), &w,
                &epochs, &model, err);
    mdg_part_deinit(&train);
    if (status != MIDGE_OK) {
        return status;
    }
    s->models[s->n_models++] = model;
    s->out->epochs_done = fold == 0 || epochs < s->out->epochs_done
                              ? epochs
                              : s->out->epochs_done;
    MIDGE_TRY(mdg_part_init(&held, &s->folds, fold, 1, SIZE_MAX, err));
    status = predict_fold(model, &held, &s->out->oof, err);
    mdg_part_deinit(&held);
    return status;
}

/* With a limit: as many epochs as fit, by the time that one takes. */
static midge_status choose_epochs(run_state *s, midge_error *err) {
    const mdg_fit *fit = s->fit;
    if (fit->limit_ms <= 0.0 || s->config.family != MIDGE_FAMILY_NET) {
        return MIDGE_OK;
    }
    mdg_part train;
    MIDGE_TRY(mdg_part_init(&train, &s->folds, 0, 0, SIZE_MAX, err));
    mdg_config one = s->config;
    one.epochs = 1;
    watch w = {fit, 0.0, 0.0, 0.0, 1, 0};
    uint32_t epochs;
    midge_model *model;
    double before = now(fit);
    midge_status status =
        fit_one(fit, &one, &train, fit->seed, &w, &epochs, &model, err);
    double took = now(fit) - before;
    midge_model_free(model);
    mdg_part_deinit(&train);
    if (status == MIDGE_OK && took > 0.0) {
        double room = (fit->limit_ms - took) / (took * fit->n_folds);
        if (room < (double)s->config.epochs) {
            s->config.epochs = room < 1.0 ? 1 : (uint32_t)room;
        }
    }
    return status;
}

/* Fails when the folds to come will not fit into the limit. */
static midge_status check_time(const run_state *s, uint32_t folds_done,
                               midge_error *err) {
    const mdg_fit *fit = s->fit;
    double used = now(fit) - s->start_ms;
    if (fit->limit_ms <= 0.0 || s->config.family == MIDGE_FAMILY_NET ||
        used / folds_done * (fit->n_folds + 1) <= fit->limit_ms * 1.2) {
        return MIDGE_OK;
    }
    return midge_fail(err, MIDGE_E_TIMEOUT,
                      "the time limit is too short: %u of %u folds took %u ms",
                      folds_done, fit->n_folds, (unsigned)used);
}

static midge_status run_folds(run_state *s, midge_error *err) {
    for (uint32_t fold = 0; fold < s->fit->n_folds; fold++) {
        MIDGE_TRY(run_fold(s, fold, err));
        MIDGE_TRY(check_time(s, fold + 1, err));
    }
    return MIDGE_OK;
}

/* The model to use: the mean of the networks, or one fitted on all rows. */
static midge_status final_model(run_state *s, midge_error *err) {
    const mdg_fit *fit = s->fit;
    if (s->config.family == MIDGE_FAMILY_NET) {
        float weights[16];
        uint32_t n = s->n_models;
        for (uint32_t i = 0; i < n; i++) {
            weights[i] = 1.0f;
        }
        s->n_models = 0;
        return midge_model_ensemble_take(fit->env, fit->shape.problem,
                                         s->models, weights, n, &s->out->model,
                                         err);
    }
    mdg_part all = {fit->env,
                    NULL,
                    fit->shape.n_rows,
                    fit->rows->part[MDG_ROWS_X],
                    fit->rows->part[MDG_ROWS_T],
                    fit->shape.n_inputs,
                    fit->shape.n_outputs};
    watch w = {fit, 1.0, 1.0, 1.0, 1, 0};
    uint32_t epochs;
    return fit_one(fit, &s->config, &all, fit->seed, &w, &epochs,
                   &s->out->model, err);
}

midge_status mdg_fit_run(const mdg_fit *fit, const mdg_config *config,
                         mdg_fitted *out, midge_error *err) {
    memset(out, 0, sizeof *out);
    if (fit->n_folds < 2 || fit->n_folds > 16 ||
        fit->n_folds > fit->shape.n_rows) {
        return midge_fail(err, MIDGE_E_INVALID, "%u folds of %zu rows",
                          fit->n_folds, fit->shape.n_rows);
    }
    run_state s = {.fit = fit, .config = *config, .out = out};
    s.start_ms = now(fit);
    MIDGE_TRY(mdg_folds_init(&s.folds, fit, err));
    out->epochs_planned =
        config->family == MIDGE_FAMILY_NET ? config->epochs : 0;
    midge_status status = mdg_rows_init(&out->oof, fit->env, fit->shape.n_rows,
                                        1, &fit->shape.n_outputs, err);
    if (status == MIDGE_OK) {
        status = choose_epochs(&s, err);
    }
    if (status == MIDGE_OK) {
        status = run_folds(&s, err);
    }
    if (status == MIDGE_OK) {
        status = final_model(&s, err);
    }
    while (s.n_models > 0) {
        midge_model_free(s.models[--s.n_models]);
    }
    mdg_folds_deinit(&s.folds);
    out->seconds = (now(fit) - s.start_ms) / 1000.0;
    if (status != MIDGE_OK) {
        mdg_fitted_deinit(out);
    }
    return status;
}

void mdg_fitted_deinit(mdg_fitted *fitted) {
    midge_model_free(fitted->model);
    mdg_rows_deinit(&fitted->oof);
    memset(fitted, 0, sizeof *fitted);
}

/* ---- A cheap look -------------------------------------------------------- */

static midge_status score_part(const mdg_fit *fit, const midge_model *model,
                               const mdg_part *held, double *score,
                               midge_error *err) {
    size_t count = held->n_rows * held->n_outputs;
    float *y = mdg_alloc(fit->env, count, sizeof *y);
    double *gain = mdg_alloc(fit->env, held->n_rows, sizeof *gain);
    midge_status status =
        y && gain ? midge_model_predict(model, held->n_rows, held->x, y, err)
                  : no_memory(err);
    if (status == MIDGE_OK) {
        mdg_score_gains(fit->shape.problem, held->n_rows, held->n_outputs, y,
                        held->t, gain);
        *score = mdg_score_mean(gain, held->n_rows);
    }
    mdg_release(fit->env, gain, held->n_rows, sizeof *gain);
    mdg_release(fit->env, y, count, sizeof *y);
    return status;
}

midge_status mdg_fit_screen(const mdg_fit *fit, const mdg_config *config,
                            double *score, double *ms, midge_error *err) {
    *score = 0.0;
    *ms = 0.0;
    double start = now(fit);
    mdg_folds folds;
    mdg_part train = {0};
    mdg_part held = {0};
    midge_model *model = NULL;
    watch w = {fit, 0.0, 0.0, 0.0, 1, 0};
    uint32_t epochs;
    MIDGE_TRY(mdg_folds_init(&folds, fit, err));
    midge_status status =
        mdg_part_init(&train, &folds, 0, 0, SCREEN_TRAIN_MAX, err);
    if (status == MIDGE_OK) {
        status = mdg_part_init(&held, &folds, 0, 1, SCREEN_VALID_MAX, err);
    }
    if (status == MIDGE_OK) {
        status =
            fit_one(fit, config, &train, fit->seed, &w, &epochs, &model, err);
    }
    if (status == MIDGE_OK) {
        status = score_part(fit, model, &held, score, err);
    }
    *ms = now(fit) - start;
    midge_model_free(model);
    mdg_part_deinit(&held);
    mdg_part_deinit(&train);
    mdg_folds_deinit(&folds);
    return status;
}

midge_status mdg_fit_open(mdg_fit *fit, mdg_rows *rows, const midge_env *env,
                          const midge_op_host *host, const midge_json *args,
                          midge_error *err) {
    midge_problem problem;
    memset(fit, 0, sizeof *fit);
    MIDGE_TRY(mdg_problem_read(midge_json_get_string(args, "problem", ""),
                               &problem, err));
    MIDGE_TRY(mdg_rows_get(rows, env, host,
                           midge_json_get_string(args, "train", ""), 3, err));
    fit->env = env;
    fit->host = host;
    fit->rows = rows;
    fit->shape = mdg_fit_shape(rows, problem);
    fit->n_folds = mdg_fit_folds(&fit->shape);
    fit->limit_ms = 1000.0 * midge_json_get_double(args, "limit_seconds", 0.0);
    return MIDGE_OK;
}
