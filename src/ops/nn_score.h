/* nn_score.h: measures of a network, and of knowing nothing, as JSON. */
#ifndef MDG_NN_SCORE_H
#define MDG_NN_SCORE_H

#include "midge/measure.h"
#include "ops/nn_rows.h"

typedef struct mdg_nn_score {
    midge_problem problem;
    midge_classification_measures classes;
    midge_regression_measures numbers;
} mdg_nn_score;

/* Predictions y (n_rows, n_outputs), as mdg_nn_decode leaves them. */
midge_status mdg_nn_score_make(const midge_env *env,
                               const mdg_nn_meaning *meaning,
                               const mdg_nn_rows *rows, const float *y,
                               mdg_nn_score *out, midge_error *err);
/* What the most frequent class of the rows to learn from, or their mean, would
 * be worth on `rows`. `nothing` (n_outputs) receives that prediction. */
midge_status mdg_nn_score_baseline(const midge_env *env,
                                   const mdg_nn_meaning *meaning,
                                   const mdg_nn_rows *learnt,
                                   const mdg_nn_rows *rows, mdg_nn_score *out,
                                   midge_error *err);
/* The number by which runs are compared: accuracy or R2. */
double mdg_nn_score_value(const mdg_nn_score *score);
/* One object. */
void mdg_nn_score_write(const mdg_nn_score *score, midge_json_writer *w);
/* Members "classes" (name, precision, recall, f1, rows) and "confusion" (rows
 * the true class); both null for a regression or above 100 classes. */
midge_status mdg_nn_score_write_classes(const midge_env *env,
                                        const mdg_nn_coding *coding,
                                        const mdg_nn_rows *rows, const float *y,
                                        midge_json_writer *w, midge_error *err);

#endif
