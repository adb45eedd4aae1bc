/* predictor.c: making, freeing and running a model of any family. */
#include "model/predictor.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"

midge_status mdg_model_make(const midge_env *env, midge_family family,
                            midge_problem problem, uint32_t n_inputs,
                            uint32_t n_outputs, midge_model **out) {
    midge_model *model = mdg_alloc_zero(env, 1, sizeof *model);
    *out = model;
    if (!model) {
        return MIDGE_E_NOMEM;
    }
    model->env = env;
    model->kernels = mdg_kernels_select(env->cpu);
    model->family = family;
    model->problem = problem;
    model->n_inputs = n_inputs;
    model->n_outputs = n_outputs;
    return MIDGE_OK;
}

static void free_parts(midge_model *m) {
    size_t count = m->knn.index ? mdg_nearest_count(m->knn.index) : 0;
    mdg_release(m->env, m->knn.targets, count * m->n_outputs, sizeof(float));
    mdg_nearest_free(m->knn.index);
    mdg_features *f = &m->features;
    mdg_release(m->env, f->w, (size_t)m->n_inputs * f->n, sizeof(float));
    mdg_release(m->env, f->b, f->n, sizeof(float));
    mdg_release(m->env, f->solution, (size_t)(f->n + 1) * m->n_outputs,
                sizeof(float));
}

/* Ensembles nest at most MDG_NESTING_MAX deep, so this recursion is bounded. */
void midge_model_free(midge_model *model) {
    if (!model) {
        return;
    }
    midge_net_free(model->net);
    midge_net_int8_free(model->int8);
    free_parts(model);
    mdg_ensemble *e = &model->ensemble;
    for (uint32_t i = 0; i < e->n; i++) {
        midge_model_free(e->members[i]);
    }
    mdg_release(model->env, e->members, e->n, sizeof(midge_model *));
    mdg_release(model->env, e->weights, e->n, sizeof(float));
    mdg_release(model->env, model, 1, sizeof *model);
}

midge_family midge_model_family(const midge_model *model) {
    return model->family;
}

const midge_net *midge_model_net(const midge_model *model) {
    return model->net;
}

midge_problem midge_model_problem(const midge_model *model) {
    return model->problem;
}

uint32_t midge_model_n_inputs(const midge_model *model) {
    return model->n_inputs;
}

uint32_t midge_model_n_outputs(const midge_model *model) {
    return model->n_outputs;
}

uint32_t mdg_model_nesting(const midge_model *model) {
    uint32_t deepest = 0;
    if (model->family != MIDGE_FAMILY_ENSEMBLE) {
        return 0;
    }
    for (uint32_t i = 0; i < model->ensemble.n; i++) {
        uint32_t depth = mdg_model_nesting(model->ensemble.members[i]);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static midge_status check_finite(const char *what, size_t n_rows, size_t width,
                                 const float *values, midge_error *err) {
    for (size_t i = 0; i < n_rows * width; i++) {
        if (values[i] - values[i] != 0.0f) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "row %zu has %s that is not finite", i / width,
                              what);
        }
    }
    return MIDGE_OK;
}

midge_status mdg_model_check(const midge_env *env, uint32_t n_inputs,
                             uint32_t n_outputs, const midge_net_data *data,
                             midge_error *err) {
    size_t cells;
    if (!env || !env->realloc_fn) {
        return midge_fail(err, MIDGE_E_INVALID, "env is missing");
    }
    if (!data || !data->x || !data->t || data->n_rows == 0) {
        return midge_fail(err, MIDGE_E_INVALID, "no rows to learn from");
    }
    if (n_inputs == 0 || n_inputs > MDG_INPUTS_MAX || n_outputs == 0 ||
        n_outputs > MDG_OUTPUTS_MAX ||
        !mdg_multiply_size(data->n_rows, n_inputs, &cells) ||
        !mdg_multiply_size(data->n_rows, n_outputs, &cells)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "%u inputs, %u outputs: from 1 to %u and %u are "
                          "possible",
                          n_inputs, n_outputs, MDG_INPUTS_MAX, MDG_OUTPUTS_MAX);
    }
    MIDGE_TRY(check_finite("an input", data->n_rows, n_inputs, data->x, err));
    return check_finite("a target", data->n_rows, n_outputs, data->t, err);
}

midge_status mdg_model_finish(midge_model *model, midge_status status,
                              midge_model **out, midge_error *err) {
    if (status == MIDGE_OK) {
        *out = model;
        return MIDGE_OK;
    }
    midge_model_free(model);
    return status == MIDGE_E_NOMEM
               ? midge_fail(err, status, "no memory for a model")
               : status;
}

midge_status midge_model_from_net_take(const midge_env *env,
                                       midge_problem problem, midge_net *net,
                                       midge_model **out) {
    *out = NULL;
    if (!env || !net) {
        midge_net_free(net);
        return MIDGE_E_INVALID;
    }
    midge_status status =
        mdg_model_make(env, MIDGE_FAMILY_NET, problem, midge_net_n_inputs(net),
                       midge_net_n_outputs(net), out);
    if (status != MIDGE_OK) {
        midge_net_free(net);
        return status;
    }
    (*out)->net = net;
    return MIDGE_OK;
}

midge_status midge_model_from_int8_take(const midge_env *env,
                                        midge_problem problem,
                                        midge_net_int8 *net,
                                        midge_model **out) {
    *out = NULL;
    if (!env || !net) {
        midge_net_int8_free(net);
        return MIDGE_E_INVALID;
    }
    midge_status status = mdg_model_make(env, MIDGE_FAMILY_INT8, problem,
                                         midge_net_int8_n_inputs(net),
                                         midge_net_int8_n_outputs(net), out);
    if (status != MIDGE_OK) {
        midge_net_int8_free(net);
        return status;
    }
    (*out)->int8 = net;
    return MIDGE_OK;
}

void mdg_normalise(const midge_model *model, size_t n_rows, float *y) {
    size_t n = model->n_outputs;
    if (model->problem != MIDGE_PROBLEM_CLASSIFY) {
        return;
    }
    for (size_t r = 0; r < n_rows; r++, y += n) {
        float sum = 0.0f;
        for (size_t j = 0; j < n; j++) {
            y[j] = y[j] > 0.0f ? y[j] : 0.0f;
            y[j] = y[j] < 1e30f ? y[j] : 1e30f; /* so that the sum is finite */
            sum += y[j];
        }
        for (size_t j = 0; j < n; j++) {
            y[j] = sum > 0.0f ? y[j] / sum : 1.0f / (float)n;
        }
    }
}

/* ---- one block of rows, by family ---- */

static midge_status predict_net(const midge_model *model, size_t n_rows,
                                const float *x, float *y) {
    size_t bytes = model->net
                       ? midge_net_workspace_bytes(model->net, n_rows)
                       : midge_net_int8_workspace_bytes(model->int8, n_rows);
    void *workspace = mdg_alloc(model->env, bytes, 1);
    if (!workspace) {
        return MIDGE_E_NOMEM;
    }
    midge_status status =
        model->net ? midge_net_run(model->net, n_rows, x, y, workspace)
                   : midge_net_int8_run(model->int8, n_rows, x, y, workspace);
    if (status == MIDGE_OK) {
        mdg_normalise(model, n_rows, y);
    }
    mdg_release(model->env, workspace, bytes, 1);
    return status;
}

/* The mean of the neighbours' targets: equal weights, or 1 / (d + epsilon) with
 * an epsilon that is small beside the distance of the farthest of them. There
 * are k of them, for k is at most the number of rows. When that distance is so
 * large that it overflowed, all weigh the same. */
static void vote(const midge_model *model, const mdg_neighbour *near,
                 float *y) {
    const mdg_knn *knn = &model->knn;
    size_t n = model->n_outputs;
    float farthest = near[knn->k - 1].distance;
    int weighted = knn->weighted && farthest < 1e38f;
    float epsilon = 0.001f * farthest + 1e-12f;
    float sum = 0.0f;
    memset(y, 0, n * sizeof *y);
    for (uint32_t i = 0; i < knn->k; i++) {
        float weight = weighted ? 1.0f / (near[i].distance + epsilon) : 1.0f;
        MDG_KERNEL(model->kernels, axpy_f32)(n, weight,
                                             knn->targets + near[i].row * n, y);
        sum += weight;
    }
    for (size_t j = 0; j < n; j++) {
        y[j] /= sum;
    }
}

static midge_status predict_knn(const midge_model *model, size_t n_rows,
                                const float *x, float *y) {
    size_t places = n_rows * model->knn.k;
    mdg_neighbour *near = mdg_alloc(model->env, places, sizeof *near);
    if (!near) {
        return MIDGE_E_NOMEM;
    }
    midge_status status =
        mdg_nearest_search(model->knn.index, n_rows, x, model->knn.k, near);
    for (size_t r = 0; r < n_rows && status == MIDGE_OK; r++) {
        vote(model, near + r * model->knn.k, y + r * model->n_outputs);
    }
    if (status == MIDGE_OK) {
        mdg_normalise(model, n_rows, y);
    }
    mdg_release(model->env, near, places, sizeof *near);
    return status;
}

static midge_status predict_features(const midge_model *model, size_t n_rows,
                                     const float *x, float *y) {
    size_t width = model->features.n + 1;
    float *z = mdg_alloc(model->env, n_rows * width, sizeof *z);
    if (!z) {
        return MIDGE_E_NOMEM;
    }
    mdg_features_map(model, n_rows, x, z);
    mdg_gemm g = {.m = n_rows,
                  .n = model->n_outputs,
                  .k = width,
                  .a = z,
                  .a_row = width,
                  .a_col = 1,
                  .b = model->features.solution,
                  .ldb = model->n_outputs,
                  .c = y,
                  .ldc = model->n_outputs};
    MDG_KERNEL(model->kernels, gemm_f32)(&g);
    mdg_normalise(model, n_rows, y);
    mdg_release(model->env, z, n_rows * width, sizeof *z);
    return MIDGE_OK;
}

static midge_status predict_block(const midge_model *model, size_t n_rows,
                                  const float *x, float *y);

static midge_status predict_ensemble(const midge_model *model, size_t n_rows,
                                     const float *x, float *y) {
    const mdg_ensemble *e = &model->ensemble;
    size_t count = n_rows * model->n_outputs;
    float *part = mdg_alloc(model->env, count, sizeof *part);
    midge_status status = part ? MIDGE_OK : MIDGE_E_NOMEM;
    memset(y, 0, count * sizeof *y);
    for (uint32_t i = 0; i < e->n && status == MIDGE_OK; i++) {
        status = predict_block(e->members[i], n_rows, x, part);
        if (status == MIDGE_OK) {
            MDG_KERNEL(model->kernels, axpy_f32)(count, e->weights[i], part, y);
        }
    }
    mdg_release(model->env, part, count, sizeof *part);
    return status;
}

static midge_status predict_block(const midge_model *model, size_t n_rows,
                                  const float *x, float *y) {
    switch (model->family) {
    case MIDGE_FAMILY_NET:
    case MIDGE_FAMILY_INT8:
        return predict_net(model, n_rows, x, y);
    case MIDGE_FAMILY_KNN:
        return predict_knn(model, n_rows, x, y);
    case MIDGE_FAMILY_FEATURES:
        return predict_features(model, n_rows, x, y);
    case MIDGE_FAMILY_ENSEMBLE:
        return predict_ensemble(model, n_rows, x, y);
    }
    return MIDGE_E_INTERNAL;
}

midge_status midge_model_predict(const midge_model *model, size_t n_rows,
                                 const float *x, float *y, midge_error *err) {
    if (!model || (n_rows > 0 && (!x || !y))) {
        return midge_fail(err, MIDGE_E_INVALID, "model, x or y missing");
    }
    MIDGE_TRY(check_finite("an input", n_rows, model->n_inputs, x, err));
    for (size_t r = 0; r < n_rows; r += MDG_BLOCK_ROWS) {
        size_t left = n_rows - r;
        size_t n = left < MDG_BLOCK_ROWS ? left : MDG_BLOCK_ROWS;
        midge_status status = predict_block(model, n, x + r * model->n_inputs,
                                            y + r * model->n_outputs);
        if (status != MIDGE_OK) {
            return midge_fail(err, status, "prediction: %s",
                              midge_status_text(status));
        }
    }
    return MIDGE_OK;
}
