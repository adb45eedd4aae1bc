/* dataset_make.c: datasets out of tables, and their scaling. */
#include "data/dataset.h"

#include "base/alloc.h"

/* 0, 1, ... below n; NULL without memory. */
static uint32_t *all_rows(const midge_env *env, size_t n) {
    uint32_t *rows = mdg_alloc(env, n, sizeof *rows);
    for (size_t i = 0; rows && i < n; i++) {
        rows[i] = (uint32_t)i;
    }
    return rows;
}

static midge_status encode(const midge_env *env, const midge_encoder *encoder,
                           const midge_table *table, const uint32_t *rows,
                           size_t n_rows, midge_dataset **out,
                           midge_error *err) {
    midge_dataset *data;
    MIDGE_TRY(mdg_dataset_make(env, n_rows, midge_encoder_n_features(encoder),
                               midge_encoder_n_outputs(encoder), &data, err));
    midge_status status =
        midge_encoder_features(encoder, table, rows, n_rows, data->x, err);
    if (status == MIDGE_OK) {
        status = midge_encoder_targets(encoder, table, rows, n_rows, data->t,
                                       NULL, err);
    }
    if (status != MIDGE_OK) {
        midge_dataset_free(data);
        return status;
    }
    *out = data;
    return MIDGE_OK;
}

midge_status midge_dataset_from_table(const midge_env *env,
                                      const midge_encoder *encoder,
                                      const midge_table *table,
                                      const uint32_t *rows, size_t n_rows,
                                      midge_dataset **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || !encoder || !table) {
        return midge_fail(err, MIDGE_E_INVALID, "an argument is NULL");
    }
    if (rows) {
        return encode(env, encoder, table, rows, n_rows, out, err);
    }
    size_t n = midge_table_n_rows(table);
    uint32_t *all = all_rows(env, n);
    if (!all) {
        return mdg_no_memory("the numbers of rows", err);
    }
    midge_status status = encode(env, encoder, table, all, n, out, err);
    mdg_release(env, all, n, sizeof *all);
    return status;
}

static midge_status fit_columns(const midge_dataset *data, midge_scale kind,
                                float new_min, float new_max,
                                const float *values, uint32_t n_columns,
                                midge_scaling *scaling) {
    for (uint32_t c = 0; scaling && c < n_columns; c++) {
        MIDGE_TRY(midge_scaling_fit(data->env, kind, new_min, new_max,
                                    values + c, n_columns, data->n_rows,
                                    &scaling[c]));
    }
    return MIDGE_OK;
}

midge_status midge_dataset_scale(midge_dataset *data, midge_scale kind,
                                 float new_min, float new_max,
                                 midge_scaling *inputs,
                                 midge_scaling *outputs) {
    if (!data) {
        return MIDGE_E_INVALID;
    }
    MIDGE_TRY(fit_columns(data, kind, new_min, new_max, data->x, data->n_inputs,
                          inputs));
    MIDGE_TRY(fit_columns(data, kind, new_min, new_max, data->t,
                          data->n_outputs, outputs));
    midge_scaling_apply(inputs, data->n_inputs, data->n_rows, data->x);
    midge_scaling_apply(outputs, data->n_outputs, data->n_rows, data->t);
    return MIDGE_OK;
}
