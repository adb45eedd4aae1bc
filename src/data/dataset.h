/* dataset.h: what a dataset is inside. */
#ifndef MDG_DATA_DATASET_H
#define MDG_DATA_DATASET_H

#include "midge/nn_data.h"

struct midge_dataset {
    const midge_env *env;
    size_t n_rows;
    uint32_t n_inputs;
    uint32_t n_outputs;
    float *x; /* (n_rows, n_inputs) */
    float *t; /* (n_rows, n_outputs); NULL when that is nothing */
};

/* Memory for rows that the caller fills with finite numbers. */
midge_status mdg_dataset_make(const midge_env *env, size_t n_rows,
                              uint32_t n_inputs, uint32_t n_outputs,
                              midge_dataset **out, midge_error *err);

#endif
