/* features_fit.c: ridge regression on random features, (Z'Z + n lambda I) s =
 * Z't, by Cholesky. When rounding makes the matrix indefinite the penalty grows
 * tenfold and all is done again, at most four times. */
#include "base/alloc.h"
#include "base/fmath.h"
#include "base/rng.h"
#include "model/model.h"

#include <string.h>

#define FIT_ROWS 512
#define TILE     256
#define PAIRS    1024
#define TRIES    4

typedef struct ridge {
    midge_model *model;
    const midge_net_data *data;
    size_t width; /* features and the constant */
    float *gram;  /* (width, width) */
    float *z;     /* (FIT_ROWS, width) */
    float *right; /* (width, n_outputs) */
    float *panel;
    float *column; /* (width) */
} ridge;

static float mean_squared_distance(const midge_model *model,
                                   const midge_net_data *data, uint64_t seed) {
    mdg_rng rng;
    double sum = 0.0;
    size_t n = 0;
    mdg_rng_seed(&rng, mdg_rng_mix(seed, 2));
    for (int p = 0; p < PAIRS; p++) {
        size_t i = mdg_rng_below(&rng, (uint32_t)data->n_rows);
        size_t j = mdg_rng_below(&rng, (uint32_t)data->n_rows);
        if (i != j) {
            sum += (double)model->kernels->l2sq_f32(
                model->n_inputs, data->x + i * model->n_inputs,
                data->x + j * model->n_inputs);
            n++;
        }
    }
    double mean = n > 0 ? sum / (double)n : 0.0;
    return mean > 1e-30 && mean < 1e30 ? (float)mean : 1.0f;
}

/* The lower triangle of Z'Z, and Z't, over blocks of rows in order. */
static void gather(ridge *s) {
    const midge_model *m = s->model;
    size_t w = s->width;
    memset(s->gram, 0, w * w * sizeof *s->gram);
    memset(s->right, 0, w * m->n_outputs * sizeof *s->right);
    for (size_t r = 0; r < s->data->n_rows; r += FIT_ROWS) {
        size_t left = s->data->n_rows - r;
        size_t n = left < FIT_ROWS ? left : FIT_ROWS;
        mdg_features_of(m, n, s->data->x + r * m->n_inputs, s->z);
        mdg_gemm g = {.k = n, .a_row = 1, .a_col = w, .accumulate = 1};
        for (size_t j = 0; j < w; j += TILE) {
            g.m = w - j;
            g.n = w - j < TILE ? w - j : TILE;
            g.a = g.b = s->z + j;
            g.ldb = g.ldc = w;
            g.c = s->gram + j * w + j;
            m->kernels->gemm_f32(&g);
        }
        g.m = w;
        g.n = m->n_outputs;
        g.a = s->z;
        g.b = s->data->t + r * m->n_outputs;
        g.ldb = g.ldc = m->n_outputs;
        g.c = s->right;
        m->kernels->gemm_f32(&g);
    }
}

static midge_status solve(ridge *s, float lambda, midge_error *err) {
    midge_model *m = s->model;
    size_t w = s->width;
    float penalty = lambda * (float)s->data->n_rows;
    int done = 0;
    for (int t = 0; t < TRIES && !done; t++) {
        gather(s);
        for (size_t i = 0; i + 1 < w; i++) { /* not of the constant */
            s->gram[i * w + i] += penalty;
        }
        done = mdg_cholesky(m->kernels, w, s->gram, s->panel);
        penalty =
            penalty > 0.0f ? penalty * 10.0f : 1e-6f * (float)s->data->n_rows;
    }
    if (!done) {
        return midge_fail(err, MIDGE_E_STATE,
                          "the ridge system is not positive definite; a "
                          "larger lambda may help");
    }
    for (size_t o = 0; o < m->n_outputs; o++) {
        for (size_t i = 0; i < w; i++) {
            s->column[i] = s->right[i * m->n_outputs + o];
        }
        mdg_cholesky_solve(m->kernels, w, s->gram, s->column);
        for (size_t i = 0; i < w; i++) {
            float v = s->column[i];
            if (v - v != 0.0f) {
                return midge_fail(err, MIDGE_E_STATE,
                                  "the ridge solution is not finite");
            }
            m->features.solution[i * m->n_outputs + o] = v;
        }
    }
    return MIDGE_OK;
}

static midge_status fit(midge_model *model, const midge_net_data *data,
                        float lambda, midge_error *err) {
    const midge_env *env = model->env;
    size_t w = (size_t)model->features.n + 1;
    size_t n_out = model->n_outputs, n_panel = mdg_cholesky_panel(w);
    ridge s = {model, data, w, NULL, NULL, NULL, NULL, NULL};
    s.gram = mdg_alloc(env, w * w, sizeof(float));
    s.z = mdg_alloc(env, FIT_ROWS * w, sizeof(float));
    s.right = mdg_alloc(env, w * n_out, sizeof(float));
    s.panel = mdg_alloc(env, n_panel, sizeof(float));
    s.column = mdg_alloc(env, w, sizeof(float));
    midge_status status = s.gram && s.z && s.right && s.panel && s.column
                              ? solve(&s, lambda, err)
                              : mdg_model_no_memory(err);
    mdg_release(env, s.column, w, sizeof(float));
    mdg_release(env, s.panel, n_panel, sizeof(float));
    mdg_release(env, s.right, w * n_out, sizeof(float));
    mdg_release(env, s.z, FIT_ROWS * w, sizeof(float));
    mdg_release(env, s.gram, w * w, sizeof(float));
    return status;
}

midge_status midge_model_fit_features(const midge_env *env,
                                      midge_problem problem, uint32_t n_inputs,
                                      uint32_t n_outputs,
                                      const midge_net_data *data,
                                      const midge_features_options *options,
                                      midge_model **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !data || !options || !data->x || !data->t ||
        data->n_rows == 0 || data->n_rows > UINT32_MAX ||
        options->n_features < 1 || options->n_features > MDG_FEATURES_MAX ||
        !(options->gamma > 0.0f && options->gamma < 1e6f) ||
        !(options->lambda >= 0.0f && options->lambda < 1e6f)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "features model: no rows, or n_features, gamma or "
                          "lambda out of bounds");
    }
    midge_model *model;
    MIDGE_TRY(mdg_model_make(env, problem, n_inputs, n_outputs, MIDGE_E_INVALID,
                             &model, err));
    model->family = MIDGE_FAMILY_FEATURES;
    float mean = mean_squared_distance(model, data, options->seed);
    midge_status status =
        mdg_features_draw(model, options->n_features, options->seed,
                          mdg_sqrt_f32(2.0f * options->gamma / mean), err);
    if (status == MIDGE_OK) {
        status = fit(model, data, options->lambda, err);
    }
    if (status != MIDGE_OK) {
        midge_model_free(model);
        return status;
    }
    *out = model;
    return MIDGE_OK;
}
