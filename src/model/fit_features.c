/* fit_features.c: random Fourier features (Rahimi & Recht 2007) and a ridge
 * solution on them.
 *
 * With the entries of W normal with variance 2 g and b uniform in [0, 2 pi),
 * z(x).z(y) approximates exp(-g |x - y|^2). Here g = gamma / D2, D2 the mean
 * squared distance of two rows, so that gamma means the same for any data.
 * The normal equations are gathered block by block, only below the diagonal.
 */
#include "model/predictor.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "base/rng.h"
#include "vec/matmul.h"

#define PANEL 256u /* columns of the normal matrix at a time */

midge_status mdg_features_draw(midge_model *model) {
    mdg_features *f = &model->features;
    size_t count = (size_t)model->n_inputs * f->n;
    mdg_rng rng;
    f->w = mdg_alloc(model->env, count, sizeof(float));
    f->b = mdg_alloc(model->env, f->n, sizeof(float));
    if (!f->w || !f->b) {
        return MIDGE_E_NOMEM;
    }
    mdg_rng_seed(&rng, f->seed);
    for (size_t i = 0; i < count; i++) {
        f->w[i] = f->spread * mdg_rng_normal(&rng);
    }
    for (uint32_t i = 0; i < f->n; i++) {
        f->b[i] = 6.2831853f * mdg_rng_float(&rng);
    }
    return MIDGE_OK;
}

void mdg_features_map(const midge_model *model, size_t n_rows, const float *x,
                      float *z) {
    const mdg_features *f = &model->features;
    size_t width = (size_t)f->n + 1;
    float scale = mdg_sqrt_f32(2.0f / (float)f->n);
    mdg_gemm g = {.m = n_rows,
                  .n = f->n,
                  .k = model->n_inputs,
                  .a = x,
                  .a_row = model->n_inputs,
                  .a_col = 1,
                  .b = f->w,
                  .ldb = f->n,
                  .c = z,
                  .ldc = width,
                  .bias = f->b,
                  .activate = MDG_KERNEL(model->kernels, cos_f32)};
    mdg_matmul(model->env, model->kernels, &g, MDG_MATMUL_SAME_BITS);
    for (size_t r = 0; r < n_rows; r++, z += width) {
        for (uint32_t i = 0; i < f->n; i++) {
            z[i] *= scale;
        }
        z[f->n] = 1.0f;
    }
}

/* Mean squared distance of two different rows: twice the total variance. */
static double mean_distance(uint32_t n_inputs, const midge_net_data *data) {
    double total = 0.0;
    double n = (double)data->n_rows;
    for (uint32_t c = 0; c < n_inputs; c++) {
        double sum = 0.0;
        double squares = 0.0;
        for (size_t r = 0; r < data->n_rows; r++) {
            double v = (double)data->x[r * n_inputs + c];
            sum += v;
            squares += v * v;
        }
        double variance = squares / n - sum / n * (sum / n);
        total += variance > 0.0 ? variance : 0.0;
    }
    return 2.0 * total;
}

/* What the normal equations are gathered in. */
typedef struct normal {
    size_t width;   /* n + 1 */
    float *a;       /* (width, width) Z'Z, lower part */
    float *b;       /* (width, n_outputs) Z't, becomes the solution */
    float *z;       /* (MDG_BLOCK_ROWS, width) */
    float *scratch; /* (width, 64) */
} normal;

static midge_status make_normal(const midge_model *model, normal *s) {
    const midge_env *env = model->env;
    size_t area;
    s->width = (size_t)model->features.n + 1;
    if (!mdg_multiply_size(s->width, s->width, &area)) {
        return MIDGE_E_LIMIT;
    }
    s->a = mdg_alloc_zero(env, area, sizeof(float));
    s->b = mdg_alloc_zero(env, s->width * model->n_outputs, sizeof(float));
    s->z = mdg_alloc(env, MDG_BLOCK_ROWS * s->width, sizeof(float));
    s->scratch = mdg_alloc(env, 64 * s->width, sizeof(float));
    return s->a && s->b && s->z && s->scratch ? MIDGE_OK : MIDGE_E_NOMEM;
}

static void free_normal(const midge_model *model, normal *s) {
    const midge_env *env = model->env;
    mdg_release(env, s->a, s->width * s->width, sizeof(float));
    mdg_release(env, s->b, s->width * model->n_outputs, sizeof(float));
    mdg_release(env, s->z, MDG_BLOCK_ROWS * s->width, sizeof(float));
    mdg_release(env, s->scratch, 64 * s->width, sizeof(float));
}

/* a += z'z below the diagonal, b += z't, for n rows. */
static void add_rows(const midge_model *model, normal *s, size_t n,
                     const float *t) {
    size_t w = s->width;
    mdg_gemm g = {.n = model->n_outputs,
                  .m = w,
                  .k = n,
                  .a = s->z,
                  .a_row = 1,
                  .a_col = w,
                  .b = t,
                  .ldb = model->n_outputs,
                  .c = s->b,
                  .ldc = model->n_outputs,
                  .accumulate = 1};
    mdg_matmul(model->env, model->kernels, &g, MDG_MATMUL_SAME_BITS);
    g.ldb = w;
    g.ldc = w;
    for (size_t c = 0; c < w; c += PANEL) {
        g.n = w - c < PANEL ? w - c : PANEL;
        g.m = w - c;
        g.a = s->z + c;
        g.b = s->z + c;
        g.c = s->a + c * w + c;
        mdg_matmul(model->env, model->kernels, &g, MDG_MATMUL_SAME_BITS);
    }
}

static midge_status solve(midge_model *model, const midge_net_data *data,
                          float lambda, normal *s, midge_error *err) {
    MIDGE_TRY(make_normal(model, s));
    for (size_t r = 0; r < data->n_rows; r += MDG_BLOCK_ROWS) {
        size_t left = data->n_rows - r;
        size_t n = left < MDG_BLOCK_ROWS ? left : MDG_BLOCK_ROWS;
        mdg_features_map(model, n, data->x + r * model->n_inputs, s->z);
        add_rows(model, s, n, data->t + r * model->n_outputs);
    }
    if (mdg_ridge_solve(model->kernels, s->width, s->a, model->n_outputs, s->b,
                        lambda * (float)data->n_rows, s->scratch)) {
        return midge_fail(err, MIDGE_E_STATE,
                          "the normal equations are singular in single "
                          "precision: raise lambda above %g",
                          (double)lambda);
    }
    model->features.solution = s->b;
    s->b = NULL;
    return MIDGE_OK;
}

static midge_status check(uint32_t n_inputs, const midge_features_options *o,
                          midge_error *err) {
    if (!o || o->n_features == 0 || o->n_features > MDG_RANDOM_FEATURES_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "n_features is %u, it must be 1 to %u",
                          o ? o->n_features : 0, MDG_RANDOM_FEATURES_MAX);
    }
    if (n_inputs > MDG_DRAWN_MAX / o->n_features) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "%u inputs times %u random features are more than "
                          "%u",
                          n_inputs, o->n_features, MDG_DRAWN_MAX);
    }
    if (!(o->gamma > 0.0f) || !(o->gamma < 1e6f) || !(o->lambda > 0.0f) ||
        !(o->lambda < 1e6f)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "gamma and lambda must be above 0 and below 1e6");
    }
    return MIDGE_OK;
}

static midge_status fit(midge_model *model, const midge_net_data *data,
                        const midge_features_options *o, midge_error *err) {
    double distance = mean_distance(model->n_inputs, data);
    if (!(distance > 0.0)) {
        return midge_fail(err, MIDGE_E_INVALID, "all rows are the same");
    }
    model->features.n = o->n_features;
    model->features.seed = o->seed;
    model->features.spread =
        (float)mdg_sqrt_f64(2.0 * (double)o->gamma / distance);
    MIDGE_TRY(mdg_features_draw(model));
    normal s = {0};
    midge_status status = solve(model, data, o->lambda, &s, err);
    free_normal(model, &s);
    return status;
}

midge_status midge_model_fit_features(const midge_env *env,
                                      midge_problem problem, uint32_t n_inputs,
                                      uint32_t n_outputs,
                                      const midge_net_data *data,
                                      const midge_features_options *options,
                                      midge_model **out, midge_error *err) {
    *out = NULL;
    MIDGE_TRY(mdg_model_check(env, n_inputs, n_outputs, data, err));
    MIDGE_TRY(check(n_inputs, options, err));
    midge_model *model;
    midge_status status = mdg_model_make(env, MIDGE_FAMILY_FEATURES, problem,
                                         n_inputs, n_outputs, &model);
    if (status == MIDGE_OK) {
        status = fit(model, data, options, err);
    }
    return mdg_model_finish(model, status, out, err);
}
