/* nn_recipe.h: how a network is made and trained, out of the arguments of
 * nn.train; what they leave open is chosen by the size of the data. */
#ifndef MDG_NN_RECIPE_H
#define MDG_NN_RECIPE_H

#include "ops/nn_rows.h"

#define MDG_NN_HIDDEN_MAX 16u
#define MDG_NN_FEW_ROWS   20u /* below: none are held out, unless asked for */

typedef struct mdg_nn_recipe {
    midge_encoder_options encode;
    uint32_t n_hidden;
    uint32_t hidden[MDG_NN_HIDDEN_MAX];
    midge_activation activation;
    midge_activation output;
    midge_init init;
    midge_train_options train;
    uint32_t cascade; /* units to add at most; 0: a layered network */
    uint32_t folds;   /* 0: one split */
    double validation;
    double test;
    uint64_t seed;
} mdg_nn_recipe;

/* What the data are like. */
typedef struct mdg_nn_size {
    mdg_nn_meaning meaning;
    size_t n_rows;
    uint32_t n_inputs;
} mdg_nn_size;

/* What must be known before the data are encoded: `encode`, and how outputs of
 * a regression are bounded. */
midge_status mdg_nn_recipe_begin(const midge_json *args, mdg_nn_recipe *out,
                                 midge_error *err);
/* The rest. */
midge_status mdg_nn_recipe_finish(const midge_json *args,
                                  const mdg_nn_size *size, mdg_nn_recipe *out,
                                  midge_error *err);

#endif
