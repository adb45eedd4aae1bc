/* nn_fit.h: one network trained by a recipe on some rows. */
#ifndef MDG_NN_FIT_H
#define MDG_NN_FIT_H

#include "ops/nn_recipe.h"

/* Tells the host how training goes. */
typedef struct mdg_nn_watch {
    const midge_op_host *host;
    double from, to; /* share of all the work */
    double start_ms, told_ms;
    size_t n_rows;       /* in an epoch */
    uint32_t max_epochs; /* or units of a cascade */
    int is_cascade;
} mdg_nn_watch;

typedef struct mdg_nn_fit {
    const midge_env *env;
    const mdg_nn_source *source;
    const mdg_nn_recipe *recipe;
    mdg_nn_meaning meaning; /* of plain data; a table's encoder knows its own */
    size_t target;          /* column of a table */
    uint64_t seed;
    mdg_nn_watch watch;
} mdg_nn_fit;

typedef struct mdg_nn_fitted {
    const midge_env *env;
    midge_encoder *encoder; /* of a table, or */
    midge_scaling *inputs;  /* of plain rows; NULL: none */
    midge_scaling *outputs;
    uint32_t n_inputs, n_outputs; /* of plain rows */
    mdg_nn_coding coding;
    mdg_nn_rows train;
    midge_net *net;
    midge_train_result result; /* of a cascade: epochs are units */
    double seconds;
} mdg_nn_fitted;

/* Fits the coding on `train`, and the network, which is validated on `valid`
 * (n_valid may be 0). Asked to end, the network is the best so far, and
 * result.stop says so; MIDGE_E_CANCELLED when there is none yet. */
midge_status mdg_nn_fit_run(mdg_nn_fit *fit, const uint32_t *train,
                            size_t n_train, const uint32_t *valid,
                            size_t n_valid, mdg_nn_fitted *out,
                            midge_error *err);
void mdg_nn_fitted_deinit(mdg_nn_fitted *fitted);
/* Predictions for rows of the source: *y (n_rows, n_outputs) is the caller's
 * to release. */
midge_status mdg_nn_fitted_predict(const mdg_nn_fitted *fitted,
                                   const mdg_nn_rows *rows, float **y,
                                   midge_error *err);

#endif
