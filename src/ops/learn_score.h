/* learn_score.h: how good predictions are, and how sure that is.
 *
 * A score is accuracy (classification: share of rows whose largest output is
 * the class) or R^2 (regression: 1 - squared error / variance). Both are a mean
 * over rows of a "gain": hit or miss, or 1 - squared error / variance; so
 * intervals and comparisons work on gains alone.
 */
#ifndef MDG_LEARN_SCORE_H
#define MDG_LEARN_SCORE_H

#include "base/rng.h"
#include "midge/table.h"

/* gain (n_rows) of predictions y against targets t, both (n_rows, n_outputs).
 * R^2 is taken against the variance of these very rows; when that is 0 every
 * gain is 0. */
void mdg_score_gains(midge_problem problem, size_t n_rows, uint32_t n_outputs,
                     const float *y, const float *t, double *gain);
double mdg_score_mean(const double *gain, size_t n);
/* Standard error of the mean. */
double mdg_score_error(const double *gain, size_t n);

typedef struct mdg_interval {
    double low;
    double high;
} mdg_interval;

/* The middle 95 % of the means of `resamples` bootstrap samples (Efron 1979,
 * percentile method). `scratch` has `resamples` places. */
mdg_interval mdg_score_bootstrap(const double *gain, size_t n,
                                 uint32_t resamples, mdg_rng *rng,
                                 uint64_t *scratch);

/* The class with the largest output; the first one of equals. */
uint32_t mdg_score_class(const float *y, uint32_t n_outputs);

#endif
