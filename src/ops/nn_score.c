/* nn_score.c: measures by the room of that name, written as JSON. */
#include "ops/nn_score.h"

#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "ops/json_put.h"

#define BIT_FAIL_LIMIT 0.35f /* FANN's */
#define CLASSES_SHOWN  100u

midge_status mdg_nn_score_make(const midge_env *env,
                               const mdg_nn_meaning *meaning,
                               const mdg_nn_rows *rows, const float *y,
                               mdg_nn_score *out, midge_error *err) {
    const size_t n = midge_dataset_n_rows(rows->data);
    memset(out, 0, sizeof *out);
    out->problem = meaning->problem;
    midge_status status =
        rows->label
            ? midge_measure_classification(env, n, meaning->n_outputs, y,
                                           rows->label, &out->classes, NULL,
                                           NULL)
            : midge_measure_regression(n, meaning->n_outputs, y, rows->truth,
                                       BIT_FAIL_LIMIT, &out->numbers);
    if (status == MIDGE_E_NOMEM) {
        return mdg_no_memory("measures", err);
    }
    return status == MIDGE_OK
               ? MIDGE_OK
               : midge_fail(err, MIDGE_E_STATE,
                            "the network's outputs are not finite");
}

/* Shares of the classes, or means, of the rows to learn from. */
static void know_nothing(const mdg_nn_meaning *meaning, const mdg_nn_rows *from,
                         double *mean) {
    const size_t n = midge_dataset_n_rows(from->data);
    const uint32_t n_out = meaning->n_outputs;
    memset(mean, 0, n_out * sizeof *mean);
    for (size_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n_out; j++) {
            int32_t c = from->label ? from->label[i] : 0;
            mean[j] += !from->label ? (double)from->truth[i * n_out + j]
                       : n_out == 1 ? c == 1
                                    : c == (int32_t)j;
        }
    }
    for (uint32_t j = 0; j < n_out; j++) {
        mean[j] /= (double)n;
    }
}

midge_status mdg_nn_score_baseline(const midge_env *env,
                                   const mdg_nn_meaning *meaning,
                                   const mdg_nn_rows *learnt,
                                   const mdg_nn_rows *rows, mdg_nn_score *out,
                                   midge_error *err) {
    const size_t n = midge_dataset_n_rows(rows->data);
    const uint32_t n_out = meaning->n_outputs;
    double *mean = mdg_alloc(env, n_out, sizeof *mean);
    float *y = mdg_alloc(env, n * n_out, sizeof *y);
    midge_status status = MIDGE_E_NOMEM;
    if (mean && y) {
        know_nothing(meaning, learnt, mean);
        for (size_t i = 0; i < n * n_out; i++) {
            y[i] = (float)mean[i % n_out];
        }
        status = mdg_nn_score_make(env, meaning, rows, y, out, err);
    } else {
        (void)mdg_no_memory("a baseline", err);
    }
    mdg_release(env, y, n * n_out, sizeof *y);
    mdg_release(env, mean, n_out, sizeof *mean);
    return status;
}

double mdg_nn_score_value(const mdg_nn_score *score) {
    return score->problem == MIDGE_PROBLEM_CLASSIFY ? score->classes.accuracy
                                                    : score->numbers.r2;
}

void mdg_nn_score_write(const mdg_nn_score *score, midge_json_writer *w) {
    const midge_classification_measures *c = &score->classes;
    const midge_regression_measures *r = &score->numbers;
    midge_json_begin_object(w);
    midge_json_key(w, "rows");
    if (score->problem == MIDGE_PROBLEM_CLASSIFY) {
        midge_json_int(w, (int64_t)c->n_rows);
        mdg_put_number(w, "accuracy", c->accuracy);
        mdg_put_number(w, "balanced_accuracy", c->balanced_accuracy);
        mdg_put_number(w, "macro_precision", c->macro_precision);
        mdg_put_number(w, "macro_recall", c->macro_recall);
        mdg_put_number(w, "macro_f1", c->macro_f1);
        mdg_put_number(w, "log_loss", c->log_loss);
        mdg_put_number(w, "auc", c->auc);
        mdg_put_number(w, "calibration_error", c->calibration_error);
    } else {
        midge_json_int(w, (int64_t)r->n_rows);
        mdg_put_number(w, "rmse", r->rmse);
        mdg_put_number(w, "mae", r->mae);
        mdg_put_number(w, "r2", r->r2);
        mdg_put_number(w, "mse", r->mse);
        midge_json_key(w, "bit_fail");
        midge_json_int(w, (int64_t)r->bit_fail);
    }
    midge_json_end_object(w);
}

/* Classes of plain data have no names: their numbers. */
static void put_class_name(const mdg_nn_coding *coding, uint32_t c,
                           midge_json_writer *w) {
    char text[MDG_DECIMAL_MAX];
    if (coding->encoder) {
        midge_json_string(w, midge_encoder_class(coding->encoder, c));
        return;
    }
    (void)mdg_decimal_write_f64((double)c, text);
    midge_json_string(w, text);
}

static void put_classes(const mdg_nn_coding *coding,
                        const midge_class_measures *classes,
                        const uint64_t *confusion, midge_json_writer *w) {
    const uint32_t k = coding->meaning.n_classes;
    midge_json_key(w, "classes");
    midge_json_begin_array(w);
    for (uint32_t c = 0; c < k; c++) {
        midge_json_begin_object(w);
        midge_json_key(w, "name");
        put_class_name(coding, c, w);
        mdg_put_number(w, "precision", classes[c].precision);
        mdg_put_number(w, "recall", classes[c].recall);
        mdg_put_number(w, "f1", classes[c].f1);
        midge_json_key(w, "rows");
        midge_json_int(w, (int64_t)classes[c].n_rows);
        midge_json_end_object(w);
    }
    midge_json_end_array(w);
    midge_json_key(w, "confusion");
    midge_json_begin_array(w);
    for (uint32_t c = 0; c < k; c++) {
        midge_json_begin_array(w);
        for (uint32_t d = 0; d < k; d++) {
            midge_json_int(w, (int64_t)confusion[c * k + d]);
        }
        midge_json_end_array(w);
    }
    midge_json_end_array(w);
}

midge_status mdg_nn_score_write_classes(const midge_env *env,
                                        const mdg_nn_coding *coding,
                                        const mdg_nn_rows *rows, const float *y,
                                        midge_json_writer *w,
                                        midge_error *err) {
    const uint32_t k = coding->meaning.n_classes;
    midge_class_measures classes[CLASSES_SHOWN];
    midge_classification_measures all;
    if (k == 0 || k > CLASSES_SHOWN) {
        midge_json_key(w, "classes");
        midge_json_null(w);
        midge_json_key(w, "confusion");
        midge_json_null(w);
        return MIDGE_OK;
    }
    uint64_t *confusion = mdg_alloc(env, (size_t)k * k, sizeof *confusion);
    midge_status status = confusion ? midge_measure_classification(
                                          env, midge_dataset_n_rows(rows->data),
                                          coding->meaning.n_outputs, y,
                                          rows->label, &all, classes, confusion)
                                    : MIDGE_E_NOMEM;
    if (status == MIDGE_OK) {
        put_classes(coding, classes, confusion, w);
    } else {
        (void)mdg_no_memory("measures", err);
    }
    mdg_release(env, confusion, (size_t)k * k, sizeof *confusion);
    return status;
}
