/* fit_knn.c: remembering the rows is all there is to learn. */
#include "model/predictor.h"

#include <string.h>

#include "base/alloc.h"

static midge_status fill(midge_model *model, const midge_net_data *data,
                         const midge_knn_options *options, midge_error *err) {
    size_t count = data->n_rows * model->n_outputs;
    mdg_nearest_by metric =
        options->cosine ? MDG_NEAREST_BY_COSINE : MDG_NEAREST_BY_L2SQ;
    MIDGE_TRY(mdg_nearest_new(model->env, model->n_inputs, metric,
                              &model->knn.index, err));
    float *targets = mdg_alloc(model->env, count, sizeof(float));
    if (!targets) {
        return MIDGE_E_NOMEM;
    }
    midge_status status =
        mdg_nearest_add(model->knn.index, data->n_rows, data->x, err);
    if (status != MIDGE_OK) {
        mdg_release(model->env, targets, count, sizeof(float));
        return status;
    }
    memcpy(targets, data->t, count * sizeof(float));
    model->knn.targets = targets;
    model->knn.k = options->k;
    model->knn.weighted = options->weighted != 0;
    return MIDGE_OK;
}

midge_status midge_model_fit_knn(const midge_env *env, midge_problem problem,
                                 uint32_t n_inputs, uint32_t n_outputs,
                                 const midge_net_data *data,
                                 const midge_knn_options *options,
                                 midge_model **out, midge_error *err) {
    *out = NULL;
    MIDGE_TRY(mdg_model_check(env, n_inputs, n_outputs, data, err));
    if (!options || options->k == 0 || options->k > data->n_rows) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "k is %u, it must be 1 to the %zu rows",
                          options ? options->k : 0, data->n_rows);
    }
    midge_model *model;
    midge_status status = mdg_model_make(env, MIDGE_FAMILY_KNN, problem,
                                         n_inputs, n_outputs, &model);
    if (status == MIDGE_OK) {
        status = fill(model, data, options, err);
    }
    return mdg_model_finish(model, status, out, err);
}
