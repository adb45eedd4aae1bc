/* op_nn_train.c: nn.train: data in, a network and honest measures out.
 *
 * Everything that is fitted is fitted on the rows to train on: encoders, scales
 * and weights. Validation rows choose the epoch, and so are no measure; test
 * rows are looked at once, at the end. With folds, each row is a test row once.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "base/rng.h"
#include "ops/json_put.h"
#include "ops/learn_config.h"
#include "ops/learn_table.h"
#include "ops/nn_file.h"
#include "ops/nn_fit.h"
#include "ops/nn_score.h"
#include "ops/ops_table.h"

#define ARENA_MAX (SIZE_MAX >> 1) /* the rows of the data bound it */

enum { SEED_SPLIT = 11, SEED_FOLDS, SEED_LAST };
enum { TRAIN, VALIDATION, TEST, PARTS };

typedef struct training {
    const midge_env *env;
    const midge_op_host *host;
    const midge_json *args;
    midge_error *err;
    midge_arena arena; /* lists of rows */
    mdg_nn_source source;
    midge_encoder *probe; /* on all rows: for problem, classes and size only */
    size_t target;
    uint32_t *rows; /* of the source, that have a target */
    size_t n_rows;
    int32_t *labels; /* (n_rows), to stratify by; NULL for a regression */
    mdg_nn_recipe recipe;
    mdg_nn_size size;
    uint32_t *part[PARTS]; /* rows of the source */
    size_t n_part[PARTS];
    mdg_nn_fitted fitted;
    mdg_nn_score score, baseline;
    mdg_nn_score *of_fold; /* (folds) */
    char ref[72];
} training;

static void *get(training *t, size_t count, size_t size) {
    size_t bytes;
    return mdg_multiply_size(count ? count : 1, size, &bytes)
               ? midge_arena_alloc(&t->arena, bytes)
               : NULL;
}

static midge_status no_memory(training *t) {
    return mdg_no_memory("training", t->err);
}

/* ---- The data ------------------------------------------------------------ */

static int has_target(const training *t, size_t row) {
    return !t->source.table ||
           !mdg_learn_table_missing(t->source.table, t->target, row);
}

static midge_status find_rows(training *t) {
    const size_t n = mdg_nn_source_n_rows(&t->source);
    t->rows = get(t, n, sizeof *t->rows);
    if (!t->rows) {
        return no_memory(t);
    }
    for (size_t i = 0; i < n; i++) {
        if (has_target(t, i)) {
            t->rows[t->n_rows++] = (uint32_t)i;
        }
    }
    return t->n_rows > 1
               ? MIDGE_OK
               : midge_fail(t->err, MIDGE_E_INVALID,
                            "%zu rows have a target; there is nothing to learn",
                            t->n_rows);
}

static midge_status find_target(training *t) {
    const char *name = midge_json_get_string(t->args, "target", NULL);
    if (t->source.plain) {
        if (name) {
            return midge_fail(t->err, MIDGE_E_INVALID,
                              "FANN's training data say by themselves what is "
                              "to be learned: no target");
        }
        return midge_dataset_n_outputs(t->source.plain) > 0
                   ? MIDGE_OK
                   : midge_fail(t->err, MIDGE_E_INVALID,
                                "the data have no outputs to be learned");
    }
    int64_t column = name ? midge_table_find_column(t->source.table, name) : -1;
    if (column < 0) {
        return mdg_no_column(t->source.table, name, t->err);
    }
    t->target = (size_t)column;
    return MIDGE_OK;
}

static midge_status look_at_table(training *t) {
    MIDGE_TRY(midge_encoder_fit(t->env, t->source.table, t->target, t->rows,
                                t->n_rows, &t->recipe.encode, &t->probe,
                                t->err));
    t->size.meaning = mdg_nn_meaning_of_encoder(t->probe);
    t->size.n_inputs = midge_encoder_n_features(t->probe);
    if (t->size.meaning.n_classes == 0) {
        return MIDGE_OK;
    }
    float *label = get(t, t->n_rows, sizeof *label);
    t->labels = get(t, t->n_rows, sizeof *t->labels);
    if (!label || !t->labels) {
        return no_memory(t);
    }
    MIDGE_TRY(midge_encoder_targets(t->probe, t->source.table, t->rows,
                                    t->n_rows, NULL, label, t->err));
    for (size_t i = 0; i < t->n_rows; i++) {
        t->labels[i] = (int32_t)label[i];
    }
    return MIDGE_OK;
}

static midge_status look_at_plain(training *t) {
    t->size.meaning = mdg_nn_meaning_of_plain(t->source.plain);
    t->size.n_inputs = midge_dataset_n_inputs(t->source.plain);
    if (t->size.meaning.n_classes == 0) {
        return MIDGE_OK;
    }
    t->labels = get(t, t->n_rows, sizeof *t->labels);
    if (!t->labels) {
        return no_memory(t);
    }
    for (size_t i = 0; i < t->n_rows; i++) {
        t->labels[i] =
            mdg_nn_class(&t->size.meaning, midge_dataset_t(t->source.plain) +
                                               i * t->size.meaning.n_outputs);
    }
    return MIDGE_OK;
}

static midge_status open_data(training *t) {
    MIDGE_TRY(mdg_nn_recipe_begin(t->args, &t->recipe, t->err));
    MIDGE_TRY(mdg_nn_source_read(t->env, t->host,
                                 midge_json_get_string(t->args, "data", ""),
                                 &t->source, t->err));
    MIDGE_TRY(find_target(t));
    MIDGE_TRY(find_rows(t));
    MIDGE_TRY(t->source.plain ? look_at_plain(t) : look_at_table(t));
    t->size.n_rows = t->n_rows;
    return mdg_nn_recipe_finish(t->args, &t->size, &t->recipe, t->err);
}

/* ---- Parts --------------------------------------------------------------- */

/* Deals `n` of the usable rows (`which`, places in t->rows) out to the parts.
 */
static midge_status deal(training *t, const uint32_t *which, size_t n,
                         double validation, double test, uint64_t seed) {
    uint8_t *part = get(t, n, sizeof *part);
    const int32_t *all = t->labels;
    int32_t *labels = all ? get(t, n, sizeof *labels) : NULL;
    if (!part || (all && !labels)) {
        return no_memory(t);
    }
    for (size_t i = 0; all && i < n; i++) {
        labels[i] = all[which[i]];
    }
    MIDGE_TRY(
        midge_split(t->env, n, labels, validation, test, seed, part, t->err));
    for (int p = 0; p < PARTS; p++) {
        t->n_part[p] = 0;
        t->part[p] = get(t, n, sizeof **t->part);
        if (!t->part[p]) {
            return no_memory(t);
        }
    }
    for (size_t i = 0; i < n; i++) {
        t->part[part[i]][t->n_part[part[i]]++] = t->rows[which[i]];
    }
    return MIDGE_OK;
}

/* All places but those of `fold`; of that fold: with `inside`. */
static midge_status choose(training *t, const uint32_t *fold, uint32_t f,
                           int inside, uint32_t **out, size_t *n) {
    *out = get(t, t->n_rows, sizeof **out);
    *n = 0;
    for (size_t i = 0; *out && i < t->n_rows; i++) {
        if (!fold || (fold[i] == f) == inside) {
            (*out)[(*n)++] = (uint32_t)i;
        }
    }
    return *out ? MIDGE_OK : no_memory(t);
}

/* ---- Training ------------------------------------------------------------ */

static midge_status train(training *t, uint64_t seed, double from, double to) {
    mdg_nn_fit fit = {
        .env = t->env,
        .source = &t->source,
        .recipe = &t->recipe,
        .meaning = t->size.meaning,
        .target = t->target,
        .seed = seed,
        .watch = {.host = t->host, .from = from, .to = to},
    };
    return mdg_nn_fit_run(&fit, t->part[TRAIN], t->n_part[TRAIN],
                          t->part[VALIDATION], t->n_part[VALIDATION],
                          &t->fitted, t->err);
}

static midge_status measure(training *t, const uint32_t *rows, size_t n,
                            mdg_nn_score *score, mdg_nn_score *baseline) {
    mdg_nn_rows held;
    float *y = NULL;
    const mdg_nn_coding *coding = &t->fitted.coding;
    MIDGE_TRY(
        mdg_nn_rows_make(t->env, &t->source, coding, rows, n, &held, t->err));
    midge_status status = mdg_nn_fitted_predict(&t->fitted, &held, &y, t->err);
    if (status == MIDGE_OK) {
        status = mdg_nn_score_make(t->env, &coding->meaning, &held, y, score,
                                   t->err);
    }
    if (status == MIDGE_OK) {
        status =
            mdg_nn_score_baseline(t->env, &coding->meaning, &t->fitted.train,
                                  &held, baseline, t->err);
    }
    mdg_release(t->env, y, n * coding->meaning.n_outputs, sizeof *y);
    mdg_nn_rows_deinit(&held);
    return status;
}

/* Trains on all folds but `f`, and is measured on that one. */
static midge_status run_fold(training *t, const uint32_t *fold, uint32_t f) {
    const double parts = t->recipe.folds + 1.0; /* the last one trains on all */
    const uint64_t seed = mdg_rng_mix(t->recipe.seed, SEED_LAST + f);
    uint32_t *places, *test;
    size_t n, n_test;
    mdg_nn_score baseline;
    MIDGE_TRY(choose(t, fold, f, 1, &test, &n_test));
    for (size_t i = 0; i < n_test; i++) {
        test[i] = t->rows[test[i]];
    }
    MIDGE_TRY(choose(t, fold, f, 0, &places, &n));
    MIDGE_TRY(deal(t, places, n, t->recipe.validation, 0.0, seed));
    MIDGE_TRY(train(t, seed, f / parts, (f + 1.0) / parts));
    if (t->fitted.result.stop == MIDGE_STOP_CANCELLED) {
        return midge_fail(t->err, MIDGE_E_CANCELLED, "asked to end");
    }
    MIDGE_TRY(measure(t, test, n_test, &t->of_fold[f], &baseline));
    mdg_nn_fitted_deinit(&t->fitted);
    return MIDGE_OK;
}

static midge_status run_folds(training *t) {
    const uint32_t k = t->recipe.folds;
    uint32_t *fold = get(t, t->n_rows, sizeof *fold);
    t->of_fold = get(t, k, sizeof *t->of_fold);
    if (!fold || !t->of_fold) {
        return no_memory(t);
    }
    MIDGE_TRY(midge_k_fold(t->env, t->n_rows, t->labels, k,
                           mdg_rng_mix(t->recipe.seed, SEED_FOLDS), fold,
                           t->err));
    for (uint32_t f = 0; f < k; f++) {
        MIDGE_TRY(run_fold(t, fold, f));
    }
    return MIDGE_OK;
}

static midge_status run(training *t) {
    uint32_t *all;
    size_t n;
    MIDGE_TRY(open_data(t));
    if (t->recipe.folds > 0) {
        MIDGE_TRY(run_folds(t));
    }
    MIDGE_TRY(choose(t, NULL, 0, 1, &all, &n));
    MIDGE_TRY(deal(t, all, n, t->recipe.validation, t->recipe.test,
                   mdg_rng_mix(t->recipe.seed, SEED_SPLIT)));
    double k = t->recipe.folds;
    MIDGE_TRY(train(t, t->recipe.seed, k / (k + 1.0), 1.0));
    int held = t->n_part[TEST] > 0;
    return measure(t, t->part[held ? TEST : TRAIN],
                   t->n_part[held ? TEST : TRAIN], &t->score, &t->baseline);
}

/* ---- The model ----------------------------------------------------------- */

static midge_status write_bundle(training *t, midge_buf *out) {
    midge_model *model;
    midge_net *net = t->fitted.net;
    t->fitted.net = NULL;
    midge_status status =
        midge_model_from_net_take(t->env, t->size.meaning.problem, net, &model);
    if (status != MIDGE_OK) {
        return midge_fail(t->err, status, "the network is no model");
    }
    status = midge_bundle_write(t->fitted.encoder, model, out);
    midge_model_free(model);
    return status == MIDGE_OK ? MIDGE_OK
                              : mdg_no_memory("the model file", t->err);
}

static midge_status store(training *t) {
    midge_buf bytes;
    midge_buf_init(&bytes, t->env, 0);
    midge_status status = MIDGE_OK;
    if (t->fitted.encoder) {
        status = write_bundle(t, &bytes);
    } else if (midge_net_write(t->fitted.net, &bytes) != MIDGE_OK) {
        status = mdg_no_memory("the model file", t->err);
    }
    if (status == MIDGE_OK) {
        status = t->host->put_blob(t->host->ctx, bytes.data, bytes.size, t->ref,
                                   t->err);
    }
    midge_buf_deinit(&bytes);
    return status;
}

/* ---- The answer ---------------------------------------------------------- */

static void write_data(const training *t, midge_json_writer *w) {
    const midge_encoder *e = t->fitted.encoder;
    mdg_put_text(w, "problem", mdg_problem_name(t->size.meaning.problem));
    midge_json_key(w, "target");
    if (e) {
        midge_json_string(w, midge_encoder_target(e));
        mdg_write_classes(e, w);
        mdg_write_dropped(e, w);
    } else {
        midge_json_null(w);
    }
    mdg_put_int(w, "rows", mdg_nn_source_n_rows(&t->source));
    mdg_put_int(w, "train_rows", t->n_part[TRAIN]);
    mdg_put_int(w, "validation_rows", t->n_part[VALIDATION]);
    mdg_put_int(w, "test_rows", t->n_part[TEST]);
    mdg_put_int(w, "features", midge_dataset_n_inputs(t->fitted.train.data));
}

static void write_network(const training *t, midge_json_writer *w) {
    const midge_net *net = t->fitted.net;
    midge_json_key(w, "layers");
    midge_json_begin_array(w);
    midge_json_int(w, midge_net_n_inputs(net));
    for (uint32_t l = 0; l < midge_net_n_layers(net); l++) {
        midge_layer layer;
        if (midge_net_layer(net, l, &layer) == MIDGE_OK) {
            midge_json_int(w, layer.n_out);
        }
    }
    midge_json_end_array(w);
    mdg_put_int(w, "connections", midge_net_n_connections(net));
    midge_json_key(w, "units");
    if (t->recipe.cascade > 0) {
        midge_json_int(w, t->fitted.result.epochs);
    } else {
        midge_json_null(w);
    }
    mdg_put_text(w, "activation",
                 t->recipe.cascade > 0
                     ? "mixed"
                     : midge_activation_name(t->recipe.activation));
    mdg_put_text(w, "output_activation",
                 midge_activation_name(t->recipe.output));
}

static void write_training(const training *t, midge_json_writer *w) {
    const midge_train_result *r = &t->fitted.result;
    mdg_put_text(w, "trainer", midge_trainer_name(t->recipe.train.trainer));
    mdg_put_text(w, "loss", midge_loss_name(t->recipe.train.loss));
    mdg_put_int(w, "epochs", r->epochs);
    mdg_put_int(w, "best_epoch", r->best_epoch);
    mdg_put_text(w, "stop", midge_stop_name(r->stop));
    mdg_put_number(w, "train_loss", r->train_loss);
    mdg_put_number(w, "validation_loss", r->valid_loss);
    mdg_put_number(w, "seconds", t->fitted.seconds);
}

static void write_folds(const training *t, midge_json_writer *w) {
    const uint32_t k = t->recipe.folds;
    double sum = 0.0, squares = 0.0;
    midge_json_key(w, "folds");
    if (k == 0) {
        midge_json_null(w);
        return;
    }
    for (uint32_t f = 0; f < k; f++) {
        sum += mdg_nn_score_value(&t->of_fold[f]);
    }
    for (uint32_t f = 0; f < k; f++) {
        double d = mdg_nn_score_value(&t->of_fold[f]) - sum / k;
        squares += d * d;
    }
    midge_json_begin_object(w);
    mdg_put_text(w, "metric",
                 t->size.meaning.n_classes > 0 ? "accuracy" : "r2");
    mdg_put_number(w, "mean", sum / k);
    mdg_put_number(w, "deviation", mdg_sqrt_f64(squares / (k - 1.0)));
    midge_json_key(w, "measures");
    midge_json_begin_array(w);
    for (uint32_t f = 0; f < k; f++) {
        mdg_nn_score_write(&t->of_fold[f], w);
    }
    midge_json_end_array(w);
    midge_json_end_object(w);
}

static void write_measures(const training *t, midge_json_writer *w) {
    mdg_put_text(w, "measured_on", t->n_part[TEST] > 0 ? "test" : "train");
    midge_json_key(w, "measures");
    mdg_nn_score_write(&t->score, w);
    midge_json_key(w, "baseline");
    mdg_nn_score_write(&t->baseline, w);
}

static void free_all(training *t) {
    mdg_nn_fitted_deinit(&t->fitted);
    midge_encoder_free(t->probe);
    mdg_nn_source_deinit(&t->source);
    midge_arena_deinit(&t->arena);
}

MDG_OP_FN(nn_train) {
    training t = {.env = env, .host = host, .args = args, .err = err};
    midge_json_writer w;
    t.fitted.env = env;
    midge_arena_init(&t.arena, env, ARENA_MAX);
    midge_json_writer_init(&w, result, 0);
    midge_status status = run(&t);
    if (status == MIDGE_OK) {
        midge_json_begin_object(&w);
        write_data(&t, &w);
        write_network(&t, &w);
        write_training(&t, &w);
        write_measures(&t, &w);
        write_folds(&t, &w);
        status = store(&t); /* gives the network away: behind its description */
    }
    if (status == MIDGE_OK) {
        mdg_put_text(
            &w, "format",
            mdg_nn_kind_name(t.fitted.encoder ? MDG_NN_BUNDLE : MDG_NN_NET));
        mdg_put_text(&w, "model", t.ref);
        midge_json_end_object(&w);
        status = midge_json_writer_end(&w);
    }
    free_all(&t);
    return status;
}
