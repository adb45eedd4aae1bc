/* model.c: making and running models. Rows go through in blocks, each row by
 * itself: one row gives the bits that it gives in a batch. */
#include "model/model.h"

#include <string.h>

#include "base/alloc.h"

midge_status mdg_model_no_memory(midge_error *err) {
    return midge_fail(err, MIDGE_E_NOMEM, "no memory for the model");
}

midge_status mdg_model_make(const midge_env *env, midge_problem problem,
                            uint32_t n_inputs, uint32_t n_outputs,
                            midge_status bad, midge_model **out,
                            midge_error *err) {
    *out = NULL;
    if ((unsigned)problem > MIDGE_PROBLEM_REGRESS || n_inputs < 1 ||
        n_inputs > MDG_MODEL_UNITS_MAX || n_outputs < 1 ||
        n_outputs > MDG_MODEL_UNITS_MAX ||
        (problem == MIDGE_PROBLEM_CLASSIFY && n_outputs < 2)) {
        return midge_fail(err, bad, "a model of %u inputs and %u outputs",
                          n_inputs, n_outputs);
    }
    midge_model *model = mdg_alloc_zero(env, 1, sizeof *model);
    if (!model) {
        return mdg_model_no_memory(err);
    }
    model->env = env;
    model->kernels = mdg_kernels_select(env->cpu);
    model->problem = problem;
    model->n_inputs = n_inputs;
    model->n_outputs = n_outputs;
    *out = model;
    return MIDGE_OK;
}

void midge_model_free(midge_model *model) {
    if (!model) {
        return;
    }
    const midge_env *env = model->env;
    mdg_features *f = &model->features;
    mdg_ensemble *e = &model->ensemble;
    midge_net_free(model->net);
    if (model->knn.index) {
        mdg_release(env, model->knn.t,
                    midge_index_count(model->knn.index) * model->n_outputs,
                    sizeof(float));
    }
    midge_index_free(model->knn.index);
    mdg_release(env, f->w, (size_t)model->n_inputs * f->n, sizeof(float));
    mdg_release(env, f->b, f->n, sizeof(float));
    mdg_release(env, f->solution, ((size_t)f->n + 1) * model->n_outputs,
                sizeof(float));
    for (uint32_t i = 0; e->members && i < e->n; i++) {
        midge_model_free(e->members[i]);
    }
    mdg_release(env, e->members, e->n, sizeof *e->members);
    mdg_release(env, e->weights, e->n, sizeof(float));
    mdg_release(env, model, 1, sizeof *model);
}

midge_status midge_model_from_net_take(const midge_env *env,
                                       midge_problem problem, midge_net *net,
                                       midge_model **out) {
    if (!out || !env || !net) {
        midge_net_free(net);
        return MIDGE_E_INVALID;
    }
    midge_status status =
        mdg_model_make(env, problem, midge_net_n_inputs(net),
                       midge_net_n_outputs(net), MIDGE_E_INVALID, out, NULL);
    if (status != MIDGE_OK) {
        midge_net_free(net);
        return status;
    }
    (*out)->family = MIDGE_FAMILY_NET;
    (*out)->net = net;
    return MIDGE_OK;
}

midge_status mdg_knn_fill(midge_model *model, const midge_knn_options *options,
                          size_t n_rows, const float *x, const float *t,
                          midge_error *err) {
    mdg_knn *knn = &model->knn;
    size_t count;
    if (!mdg_multiply_size(n_rows, model->n_outputs, &count)) {
        return mdg_model_no_memory(err);
    }
    model->family = MIDGE_FAMILY_KNN;
    knn->options = *options;
    MIDGE_TRY(midge_index_new(model->env, model->n_inputs,
                              options->cosine ? MIDGE_METRIC_COSINE
                                              : MIDGE_METRIC_L2SQ,
                              &knn->index, err));
    MIDGE_TRY(midge_index_add(knn->index, n_rows, x, err));
    knn->t = mdg_alloc(model->env, count, sizeof *knn->t);
    if (!knn->t) {
        return mdg_model_no_memory(err);
    }
    memcpy(knn->t, t, count * sizeof *knn->t);
    return MIDGE_OK;
}

midge_status midge_model_fit_knn(const midge_env *env, midge_problem problem,
                                 uint32_t n_inputs, uint32_t n_outputs,
                                 const midge_net_data *data,
                                 const midge_knn_options *options,
                                 midge_model **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !data || !options || !data->x || !data->t ||
        data->n_rows == 0 || options->k < 1 || options->k > MDG_KNN_K_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "knn model: no rows, or k is not 1 to %d",
                          MDG_KNN_K_MAX);
    }
    midge_model *model;
    MIDGE_TRY(mdg_model_make(env, problem, n_inputs, n_outputs, MIDGE_E_INVALID,
                             &model, err));
    midge_status status =
        mdg_knn_fill(model, options, data->n_rows, data->x, data->t, err);
    if (status != MIDGE_OK) {
        midge_model_free(model);
        return status;
    }
    *out = model;
    return MIDGE_OK;
}

static midge_status check_members(midge_model **members, const float *weights,
                                  size_t n, midge_problem problem,
                                  uint32_t *depth, midge_error *err) {
    double sum = 0.0;
    *depth = 1;
    if (n < 1 || n > MDG_MEMBERS_MAX || !weights) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "an ensemble has 1 to %d members", MDG_MEMBERS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        const midge_model *m = members[i];
        if (!m || !(weights[i] >= 0.0f && weights[i] < 1e30f)) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "member %zu is missing or its weight is not a "
                              "number from 0 on",
                              i);
        }
        if (m->problem != problem || m->n_inputs != members[0]->n_inputs ||
            m->n_outputs != members[0]->n_outputs) {
            return midge_fail(err, MIDGE_E_MISMATCH,
                              "member %zu is of another shape", i);
        }
        sum += (double)weights[i];
        if (m->ensemble.depth >= *depth) {
            *depth = m->ensemble.depth + 1;
        }
    }
    if (!(sum > 1e-30) || *depth > MDG_DEPTH_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the weights are all 0, or ensembles are nested "
                          "deeper than %d",
                          MDG_DEPTH_MAX);
    }
    return MIDGE_OK;
}

static midge_status make_ensemble(const midge_env *env, midge_problem problem,
                                  midge_model **members, const float *weights,
                                  size_t n, midge_model **out,
                                  midge_error *err) {
    uint32_t depth;
    midge_model *model;
    MIDGE_TRY(check_members(members, weights, n, problem, &depth, err));
    MIDGE_TRY(mdg_model_make(env, problem, members[0]->n_inputs,
                             members[0]->n_outputs, MIDGE_E_INVALID, &model,
                             err));
    mdg_ensemble *e = &model->ensemble;
    model->family = MIDGE_FAMILY_ENSEMBLE;
    e->n = (uint32_t)n;
    e->depth = depth;
    e->weights = mdg_alloc(env, n, sizeof *e->weights);
    midge_model **list = mdg_alloc(env, n, sizeof(midge_model *));
    if (!e->weights || !list) {
        mdg_release(env, list, n, sizeof *list);
        midge_model_free(model);
        return mdg_model_no_memory(err);
    }
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)weights[i];
        list[i] = members[i];
    }
    for (size_t i = 0; i < n; i++) {
        e->weights[i] = (float)((double)weights[i] / sum);
    }
    e->members = list;
    *out = model;
    return MIDGE_OK;
}

midge_status midge_model_ensemble_take(const midge_env *env,
                                       midge_problem problem,
                                       midge_model **members,
                                       const float *weights, size_t n_members,
                                       midge_model **out, midge_error *err) {
    midge_status status = MIDGE_E_INVALID;
    if (out) {
        *out = NULL;
    }
    if (!out || !env || !members) {
        (void)midge_fail(err, status, "an argument is NULL");
    } else {
        status =
            make_ensemble(env, problem, members, weights, n_members, out, err);
    }
    for (size_t i = 0; status != MIDGE_OK && members && i < n_members; i++) {
        midge_model_free(members[i]);
    }
    return status;
}

midge_family midge_model_family(const midge_model *model) {
    return model->family;
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

/* Classes: outputs cut to [0, 1], then divided by their sum. */
static void make_probabilities(size_t n_rows, size_t n_outputs, float *y) {
    for (size_t r = 0; r < n_rows; r++) {
        float *row = y + r * n_outputs, sum = 0.0f;
        for (size_t j = 0; j < n_outputs; j++) {
            row[j] = row[j] > 0.0f ? (row[j] < 1.0f ? row[j] : 1.0f) : 0.0f;
            sum += row[j];
        }
        for (size_t j = 0; j < n_outputs; j++) {
            row[j] = sum > 0.0f ? row[j] / sum : 1.0f / (float)n_outputs;
        }
    }
}

static midge_status run_net(const midge_model *m, size_t n, const float *x,
                            float *y) {
    size_t bytes = midge_net_workspace_bytes(m->net, n);
    bytes = bytes < 64 ? 64 : bytes; /* so that it is aligned */
    void *workspace = mdg_alloc(m->env, bytes, 1);
    if (!workspace) {
        return MIDGE_E_NOMEM;
    }
    midge_status status = midge_net_run(m->net, n, x, y, workspace);
    mdg_release(m->env, workspace, bytes, 1);
    return status;
}

/* The votes of one row's neighbours. Weighted: 1 / (d + epsilon) with epsilon a
 * thousandth of the farthest neighbour's distance. */
static void vote(const midge_model *m, const midge_neighbour *near, uint32_t k,
                 float *y) {
    uint32_t n = 0;
    float total = 0.0f;
    memset(y, 0, m->n_outputs * sizeof *y);
    while (n < k && near[n].row != UINT32_MAX) {
        n++;
    }
    float epsilon = n > 0 ? 1e-3f * near[n - 1].distance + 1e-12f : 0.0f;
    for (uint32_t i = 0; i < n; i++) {
        /* Rounding can make a cosine distance a little less than 0. */
        float d = near[i].distance > 0.0f ? near[i].distance : 0.0f;
        float w = m->knn.options.weighted && epsilon > 0.0f
                      ? 1.0f / (d + epsilon)
                      : 1.0f;
        const float *t = m->knn.t + (size_t)near[i].row * m->n_outputs;
        for (size_t j = 0; j < m->n_outputs; j++) {
            y[j] += w * t[j];
        }
        total += w;
    }
    for (size_t j = 0; n > 0 && j < m->n_outputs; j++) {
        y[j] /= total;
    }
}

static midge_status run_knn(const midge_model *m, size_t n, const float *x,
                            float *y) {
    size_t count = midge_index_count(m->knn.index);
    uint32_t k = m->knn.options.k;
    k = count < k ? (uint32_t)count : k;
    midge_neighbour *near = mdg_alloc(m->env, n * k, sizeof *near);
    if (!near) {
        return MIDGE_E_NOMEM;
    }
    midge_status status = midge_index_search(m->knn.index, n, x, k, near);
    for (size_t r = 0; status == MIDGE_OK && r < n; r++) {
        vote(m, near + r * k, k, y + r * m->n_outputs);
    }
    mdg_release(m->env, near, n * k, sizeof *near);
    return status;
}

static midge_status run(const midge_model *m, size_t n, const float *x,
                        float *y);

static midge_status run_ensemble(const midge_model *m, size_t n, const float *x,
                                 float *y) {
    size_t count = n * m->n_outputs;
    float *part = mdg_alloc(m->env, count, sizeof *part);
    midge_status status = part ? MIDGE_OK : MIDGE_E_NOMEM;
    memset(y, 0, count * sizeof *y);
    for (uint32_t i = 0; status == MIDGE_OK && i < m->ensemble.n; i++) {
        status = run(m->ensemble.members[i], n, x, part);
        if (status == MIDGE_OK) {
            m->kernels->axpy_f32(count, m->ensemble.weights[i], part, y);
        }
    }
    mdg_release(m->env, part, count, sizeof *part);
    return status;
}

static midge_status run(const midge_model *m, size_t n, const float *x,
                        float *y) {
    midge_status status = MIDGE_E_INTERNAL;
    switch (m->family) {
    case MIDGE_FAMILY_NET:
        status = run_net(m, n, x, y);
        break;
    case MIDGE_FAMILY_KNN:
        status = run_knn(m, n, x, y);
        break;
    case MIDGE_FAMILY_FEATURES:
        status = mdg_features_run(m, n, x, y);
        break;
    case MIDGE_FAMILY_ENSEMBLE:
        status = run_ensemble(m, n, x, y);
        break;
    }
    if (status == MIDGE_OK && m->problem == MIDGE_PROBLEM_CLASSIFY) {
        make_probabilities(n, m->n_outputs, y);
    }
    return status;
}

midge_status midge_model_predict(const midge_model *model, size_t n_rows,
                                 const float *x, float *y, midge_error *err) {
    if (!model || (n_rows > 0 && (!x || !y))) {
        return midge_fail(err, MIDGE_E_INVALID, "an argument is NULL");
    }
    size_t width = model->n_inputs;
    for (size_t i = 0; i < n_rows * width; i++) {
        if (x[i] - x[i] != 0.0f) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "row %zu: a value is not finite", i / width);
        }
    }
    for (size_t r = 0; r < n_rows; r += MDG_RUN_ROWS) {
        size_t n = n_rows - r < MDG_RUN_ROWS ? n_rows - r : MDG_RUN_ROWS;
        midge_status status =
            run(model, n, x + r * width, y + r * model->n_outputs);
        if (status != MIDGE_OK) {
            return midge_fail(err, status, "prediction: %s",
                              midge_status_text(status));
        }
    }
    return MIDGE_OK;
}
