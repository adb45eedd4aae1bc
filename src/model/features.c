/* features.c: random Fourier features (Rahimi & Recht 2007): z = sqrt(2 / D)
 * cos(x W + b), and a constant 1. W and b are drawn again from the seed when a
 * file is read: the same numbers everywhere, so a file holds only the solution.
 */
#include "base/alloc.h"
#include "base/fmath.h"
#include "base/rng.h"
#include "model/model.h"

midge_status mdg_features_draw(midge_model *model, uint32_t n, uint64_t seed,
                               float w_scale, midge_error *err) {
    mdg_features *f = &model->features;
    f->n = n;
    f->seed = seed;
    f->w_scale = w_scale;
    size_t count = (size_t)model->n_inputs * n; /* both below 2^17 */
    f->w = mdg_alloc(model->env, count, sizeof *f->w);
    f->b = mdg_alloc(model->env, n, sizeof *f->b);
    f->solution = mdg_alloc_zero(model->env, ((size_t)n + 1) * model->n_outputs,
                                 sizeof *f->solution);
    if (!f->w || !f->b || !f->solution) {
        return mdg_model_no_memory(err);
    }
    mdg_rng rng;
    mdg_rng_seed(&rng, mdg_rng_mix(seed, 0));
    for (size_t i = 0; i < count; i++) {
        f->w[i] = w_scale * mdg_rng_normal(&rng);
    }
    mdg_rng_seed(&rng, mdg_rng_mix(seed, 1));
    for (size_t i = 0; i < n; i++) {
        f->b[i] = 6.2831853f * mdg_rng_float(&rng);
    }
    return MIDGE_OK;
}

void mdg_features_of(const midge_model *model, size_t n_rows, const float *x,
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
                  .bias = f->b};
    model->kernels->gemm_f32(&g);
    for (size_t r = 0; r < n_rows; r++) {
        float *row = z + r * width;
        model->kernels->cos_f32(f->n, row);
        for (size_t i = 0; i < f->n; i++) {
            row[i] *= scale;
        }
        row[f->n] = 1.0f;
    }
}

midge_status mdg_features_run(const midge_model *model, size_t n_rows,
                              const float *x, float *y) {
    const mdg_features *f = &model->features;
    size_t width = (size_t)f->n + 1;
    float *z = mdg_alloc(model->env, n_rows * width, sizeof *z);
    if (!z) {
        return MIDGE_E_NOMEM;
    }
    mdg_features_of(model, n_rows, x, z);
    mdg_gemm g = {.m = n_rows,
                  .n = model->n_outputs,
                  .k = width,
                  .a = z,
                  .a_row = width,
                  .a_col = 1,
                  .b = f->solution,
                  .ldb = model->n_outputs,
                  .c = y,
                  .ldc = model->n_outputs};
    model->kernels->gemm_f32(&g);
    mdg_release(model->env, z, n_rows * width, sizeof *z);
    return MIDGE_OK;
}
