/* learn_fit.h: training one configuration by k-fold cross-validation. */
#ifndef MDG_LEARN_FIT_H
#define MDG_LEARN_FIT_H

#include "ops/learn_config.h"
#include "ops/learn_rows.h"

typedef struct mdg_fit {
    const midge_env *env;
    const midge_op_host *host;
    mdg_shape shape;
    const mdg_rows *rows; /* training rows: x, t, label */
    uint32_t n_folds;
    uint64_t fold_seed; /* which rows are in which fold */
    uint64_t seed;      /* weights, shuffling, dropout, random features */
    double limit_ms;    /* 0: none */
} mdg_fit;

/* The shape of training rows, and how many folds suit it. */
mdg_shape mdg_fit_shape(const mdg_rows *rows, midge_problem problem);
uint32_t mdg_fit_folds(const mdg_shape *shape);

/* What every operation that trains starts with: reads the problem and the
 * training rows that `args` names, and sets all of `fit` but the two seeds.
 * `rows` is the caller's to deinit. */
midge_status mdg_fit_open(mdg_fit *fit, mdg_rows *rows, const midge_env *env,
                          const midge_op_host *host, const midge_json *args,
                          midge_error *err);

typedef struct mdg_fitted {
    mdg_rows oof; /* out-of-fold predictions for every training row */
    midge_model *model;
    uint32_t epochs_planned; /* of each network; 0 for other families */
    uint32_t epochs_done;    /* the fewest of any fold */
    double seconds;          /* measured with the host's clock */
} mdg_fitted;

/* Trains on all folds but one, predicts that one, for each. The model is the
 * mean of the folds' networks; neighbours and features, which need no
 * held-out rows to be any good, are fitted again on all rows instead.
 * MIDGE_E_STATE: training diverged. MIDGE_E_TIMEOUT: the limit was too short
 * for all folds. MIDGE_E_CANCELLED. In all three err says more. */
midge_status mdg_fit_run(const mdg_fit *fit, const mdg_config *config,
                         mdg_fitted *out, midge_error *err);
void mdg_fitted_deinit(mdg_fitted *fitted);

/* A cheap look: one fold, at most 3000 rows to learn from and 1000 to measure
 * on. `ms` receives the time it took. */
midge_status mdg_fit_screen(const mdg_fit *fit, const mdg_config *config,
                            double *score, double *ms, midge_error *err);

#endif
