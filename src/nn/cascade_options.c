/* cascade_options.c: the defaults of cascade-correlation, FANN's where it has
 * any. */
#include "midge/nn_train.h"

midge_cascade_options midge_cascade_defaults(void) {
    return (midge_cascade_options){
        .max_units = 30,
        .train = midge_train_defaults(MIDGE_TRAIN_RPROP),
        .output_change_fraction = 0.01f,
        .output_stagnation_epochs = 12,
        .min_out_epochs = 50,
        .max_out_epochs = 150,
        .candidate_change_fraction = 0.01f,
        .candidate_stagnation_epochs = 12,
        .min_cand_epochs = 50,
        .max_cand_epochs = 150,
        .weight_multiplier = 0.4f,
        .candidate_limit = 1000.0f,
        .n_groups = 2,
    };
}
