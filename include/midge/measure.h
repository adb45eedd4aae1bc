/* measure.h: how good predictions are.
 *
 * Sums run in double, in the order of the rows. What is not defined is NaN (R2
 * of constant targets, AUC with one class only), never a made-up number.
 */
#ifndef MIDGE_MEASURE_H
#define MIDGE_MEASURE_H

#include "midge/env.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midge_regression_measures {
    size_t n_rows;
    double mse;  /* mean over rows and outputs of e^2 */
    double rmse; /* its root */
    double mae;  /* mean of |e| */
    double r2; /* 1 - sum e^2 / sum (t - mean t)^2, each output its own mean */
    size_t bit_fail; /* outputs with |e| >= limit */
} midge_regression_measures;

/* y, t: (n_rows, n_outputs). */
MIDGE_API MIDGE_NODISCARD midge_status midge_measure_regression(
    size_t n_rows, uint32_t n_outputs, const float *y, const float *t,
    float bit_fail_limit, midge_regression_measures *out);

typedef struct midge_class_measures {
    double precision; /* NaN: never predicted */
    double recall;    /* NaN: no rows of it */
    double f1;        /* NaN where precision and recall are both undefined; 0
                         where one is or both are 0 */
    size_t n_rows;    /* of the class */
} midge_class_measures;

typedef struct midge_classification_measures {
    size_t n_rows;
    double accuracy;
    double balanced_accuracy; /* mean recall of the classes that have rows */
    double macro_precision;   /* means over the classes that have rows; a */
    double macro_recall;      /* precision or F1 that is undefined there */
    double macro_f1;          /* counts as 0 */
    double log_loss; /* mean of -ln p of the true class, p at least 1e-15 */
    double auc; /* two classes: area under the ROC of class 1, ties count half
                   (Mann-Whitney); more: mean over classes with and without
                   rows of one against the rest */
    double calibration_error; /* of the likeliest class, 15 bins of equal width
                                 (Naeini et al. 2015) */
} midge_classification_measures;

/* p: (n_rows, n_classes), class probabilities; label: (n_rows), the true class,
 * -1 for one that is none of these (counts as predicted wrongly with p = 0).
 * With n_outputs 1 there are two classes and p is that of class 1. `classes`
 * (n_classes) and `confusion` (n_classes, n_classes: rows the true class,
 * columns the predicted) may be NULL; rows labelled -1 are not in them.
 * The predicted class is the first of the largest. Scratch memory from env
 * (AUC sorts): MIDGE_E_NOMEM. */
MIDGE_API MIDGE_NODISCARD midge_status midge_measure_classification(
    const midge_env *env, size_t n_rows, uint32_t n_outputs, const float *p,
    const int32_t *label, midge_classification_measures *out,
    midge_class_measures *classes, uint64_t *confusion);

#ifdef __cplusplus
}
#endif
#endif
