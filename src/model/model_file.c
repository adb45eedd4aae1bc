/* model_file.c: model and bundle files; their pages are spec/formats/model.md
 * and bundle.md. Content is nested without frames of its own, so that a large
 * model is checksummed once. */
#include "base/alloc.h"
#include "base/frame.h"
#include "model/predictor.h"

#define MODEL_MAGIC  "MIDGEMOD"
#define BUNDLE_MAGIC "MIDGEBUN"
#define VERSION      1u
#define MODEL_WHAT   "model file"

static midge_status put_net(const midge_model *model, midge_buf *out) {
    midge_buf net;
    midge_buf_init(&net, model->env, 0);
    midge_status status = model->net ? midge_net_write(model->net, &net)
                                     : midge_net_int8_write(model->int8, &net);
    if (status == MIDGE_OK) {
        status = mdg_put_u64(out, net.size);
    }
    if (status == MIDGE_OK) {
        status = midge_buf_append(out, net.data, net.size);
    }
    midge_buf_deinit(&net);
    return status;
}

static midge_status put_knn(const midge_model *model, midge_buf *out) {
    const mdg_knn *knn = &model->knn;
    size_t count = mdg_nearest_count(knn->index);
    MIDGE_TRY(mdg_put_u32(out, knn->k));
    MIDGE_TRY(mdg_put_u32(out, (uint32_t)mdg_nearest_metric(knn->index)));
    MIDGE_TRY(mdg_put_u32(out, (uint32_t)knn->weighted));
    MIDGE_TRY(mdg_put_u32(out, (uint32_t)count));
    MIDGE_TRY(mdg_put_f32s(out, mdg_nearest_rows(knn->index),
                           count * model->n_inputs));
    return mdg_put_f32s(out, knn->targets, count * model->n_outputs);
}

static midge_status put_features(const midge_model *model, midge_buf *out) {
    const mdg_features *f = &model->features;
    MIDGE_TRY(mdg_put_u32(out, f->n));
    MIDGE_TRY(mdg_put_f32(out, f->spread));
    MIDGE_TRY(mdg_put_u64(out, f->seed));
    return mdg_put_f32s(out, f->solution,
                        (size_t)(f->n + 1) * model->n_outputs);
}

static midge_status put_ensemble(const midge_model *model, midge_buf *out) {
    const mdg_ensemble *e = &model->ensemble;
    MIDGE_TRY(mdg_put_u32(out, e->n));
    MIDGE_TRY(mdg_put_f32s(out, e->weights, e->n));
    for (uint32_t i = 0; i < e->n; i++) {
        MIDGE_TRY(mdg_model_put(e->members[i], out));
    }
    return MIDGE_OK;
}

midge_status mdg_model_put(const midge_model *model, midge_buf *out) {
    MIDGE_TRY(mdg_put_u32(out, (uint32_t)model->family));
    MIDGE_TRY(mdg_put_u32(out, (uint32_t)model->problem));
    MIDGE_TRY(mdg_put_u32(out, model->n_inputs));
    MIDGE_TRY(mdg_put_u32(out, model->n_outputs));
    switch (model->family) {
    case MIDGE_FAMILY_NET:
    case MIDGE_FAMILY_INT8:
        return put_net(model, out);
    case MIDGE_FAMILY_KNN:
        return put_knn(model, out);
    case MIDGE_FAMILY_FEATURES:
        return put_features(model, out);
    case MIDGE_FAMILY_ENSEMBLE:
        return put_ensemble(model, out);
    }
    return MIDGE_E_INTERNAL;
}

midge_status midge_model_write(const midge_model *model, midge_buf *out) {
    size_t start;
    midge_status status = mdg_frame_begin(out, MODEL_MAGIC, VERSION, &start);
    if (status == MIDGE_OK) {
        status = mdg_model_put(model, out);
    }
    return mdg_frame_end(out, start, status);
}

/* ---- reading ---- */

static midge_status damaged(midge_error *err, const char *what) {
    return midge_fail(err, MIDGE_E_CORRUPT, MODEL_WHAT ": %s", what);
}

/* `count` floats that are there, all finite; NULL and a status otherwise. Asks
 * for no more memory than the file is long. */
static midge_status get_floats(const midge_env *env, mdg_reader *r, size_t rows,
                               size_t columns, float **out, midge_error *err) {
    size_t count;
    *out = NULL;
    if (!mdg_multiply_size(rows, columns, &count) ||
        count > mdg_reader_left(r) / sizeof(float)) {
        return damaged(err, "it is shorter than its sizes say");
    }
    float *values = mdg_alloc(env, count, sizeof(float));
    if (!values) {
        return MIDGE_E_NOMEM;
    }
    mdg_get_f32s(r, values, count);
    for (size_t i = 0; i < count; i++) {
        if (values[i] - values[i] != 0.0f) {
            mdg_release(env, values, count, sizeof(float));
            return damaged(err, "a number in it is not finite");
        }
    }
    *out = values;
    return MIDGE_OK;
}

static midge_status read_net(midge_model *model, const uint8_t *bytes,
                             size_t size, midge_error *err) {
    uint32_t n_in, n_out;
    if (model->family == MIDGE_FAMILY_INT8) {
        MIDGE_TRY(
            midge_net_int8_read(model->env, bytes, size, &model->int8, err));
        n_in = midge_net_int8_n_inputs(model->int8);
        n_out = midge_net_int8_n_outputs(model->int8);
    } else {
        MIDGE_TRY(midge_net_read(model->env, bytes, size, &model->net, err));
        n_in = midge_net_n_inputs(model->net);
        n_out = midge_net_n_outputs(model->net);
    }
    return n_in == model->n_inputs && n_out == model->n_outputs
               ? MIDGE_OK
               : damaged(err, "a network in it has another shape");
}

static midge_status get_net(midge_model *model, mdg_reader *r,
                            midge_error *err) {
    uint64_t size = mdg_get_u64(r);
    const uint8_t *bytes =
        size <= mdg_reader_left(r) ? mdg_get_bytes(r, (size_t)size) : NULL;
    if (!bytes) {
        return damaged(err, "a network in it is cut short");
    }
    return read_net(model, bytes, (size_t)size, err);
}

static midge_status get_knn(midge_model *model, mdg_reader *r,
                            midge_error *err) {
    mdg_knn *knn = &model->knn;
    knn->k = mdg_get_u32(r);
    uint32_t metric = mdg_get_u32(r);
    uint32_t weighted = mdg_get_u32(r);
    uint32_t count = mdg_get_u32(r);
    if (r->failed || metric > MDG_NEAREST_BY_COSINE || weighted > 1 ||
        knn->k == 0 || knn->k > count ||
        model->n_inputs > MDG_NEAREST_DIM_MAX) {
        return damaged(err, "the sizes of a k-nearest-neighbour model");
    }
    knn->weighted = (int)weighted;
    float *rows;
    MIDGE_TRY(get_floats(model->env, r, count, model->n_inputs, &rows, err));
    midge_status status = mdg_nearest_new(
        model->env, model->n_inputs, (mdg_nearest_by)metric, &knn->index, err);
    if (status == MIDGE_OK) {
        status = mdg_nearest_add(knn->index, count, rows, err);
    }
    mdg_release(model->env, rows, (size_t)count * model->n_inputs,
                sizeof(float));
    MIDGE_TRY(status);
    return get_floats(model->env, r, count, model->n_outputs, &knn->targets,
                      err);
}

static midge_status get_features(midge_model *model, mdg_reader *r,
                                 midge_error *err) {
    mdg_features *f = &model->features;
    uint32_t n = mdg_get_u32(r);
    f->spread = mdg_get_f32(r);
    f->seed = mdg_get_u64(r);
    if (r->failed || n == 0 || n > MDG_RANDOM_FEATURES_MAX ||
        !(f->spread > 0.0f) || f->spread - f->spread != 0.0f) {
        return damaged(err, "the sizes of a random-feature model");
    }
    if (model->n_inputs > MDG_DRAWN_MAX / n) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "%u inputs times %u random features are more than "
                          "%u",
                          model->n_inputs, n, MDG_DRAWN_MAX);
    }
    f->n = n;
    MIDGE_TRY(get_floats(model->env, r, (size_t)n + 1, model->n_outputs,
                         &f->solution, err));
    return mdg_features_draw(model);
}

static midge_status get_members(const midge_env *env, mdg_reader *r,
                                uint32_t nesting, midge_model **members,
                                uint32_t n, midge_error *err) {
    for (uint32_t i = 0; i < n; i++) {
        midge_status status =
            mdg_model_get(env, r, nesting + 1, &members[i], err);
        if (status != MIDGE_OK) {
            while (i > 0) {
                midge_model_free(members[--i]);
            }
            return status;
        }
    }
    return MIDGE_OK;
}

/* The ensemble is made by the same function that checks new ones. */
static midge_status get_ensemble(const midge_env *env, mdg_reader *r,
                                 uint32_t nesting, midge_problem problem,
                                 midge_model **out, midge_error *err) {
    uint32_t n = mdg_get_u32(r);
    float *weights;
    if (r->failed || n == 0 || n > MDG_MEMBERS_MAX ||
        nesting >= MDG_NESTING_MAX) {
        return damaged(err, "an ensemble has too many members or levels");
    }
    MIDGE_TRY(get_floats(env, r, n, 1, &weights, err));
    midge_model **members = mdg_alloc_zero(env, n, sizeof(midge_model *));
    midge_status status =
        members ? get_members(env, r, nesting, members, n, err) : MIDGE_E_NOMEM;
    if (status == MIDGE_OK) {
        status = midge_model_ensemble_take(env, problem, members, weights, n,
                                           out, err);
    }
    mdg_release(env, members, n, sizeof(midge_model *));
    mdg_release(env, weights, n, sizeof(float));
    return status;
}

static midge_status get_family(midge_model *model, mdg_reader *r,
                               midge_error *err) {
    switch (model->family) {
    case MIDGE_FAMILY_NET:
    case MIDGE_FAMILY_INT8:
        return get_net(model, r, err);
    case MIDGE_FAMILY_KNN:
        return get_knn(model, r, err);
    default:
        return get_features(model, r, err);
    }
}

midge_status mdg_model_get(const midge_env *env, mdg_reader *r,
                           uint32_t nesting, midge_model **out,
                           midge_error *err) {
    uint32_t family = mdg_get_u32(r);
    uint32_t problem = mdg_get_u32(r);
    uint32_t n_inputs = mdg_get_u32(r);
    uint32_t n_outputs = mdg_get_u32(r);
    *out = NULL;
    if (r->failed || family > MIDGE_FAMILY_INT8 ||
        problem > MIDGE_PROBLEM_REGRESS || n_inputs == 0 ||
        n_inputs > MDG_INPUTS_MAX || n_outputs == 0 ||
        n_outputs > MDG_OUTPUTS_MAX) {
        return damaged(err, "its head does not make sense");
    }
    if (family == MIDGE_FAMILY_ENSEMBLE) {
        MIDGE_TRY(
            get_ensemble(env, r, nesting, (midge_problem)problem, out, err));
        if ((*out)->n_inputs == n_inputs && (*out)->n_outputs == n_outputs) {
            return MIDGE_OK;
        }
        midge_model_free(*out);
        *out = NULL;
        return damaged(err, "an ensemble has another shape than its members");
    }
    midge_model *model;
    MIDGE_TRY(mdg_model_make(env, (midge_family)family, (midge_problem)problem,
                             n_inputs, n_outputs, &model));
    midge_status status = get_family(model, r, err);
    if (status != MIDGE_OK) {
        midge_model_free(model);
        return status;
    }
    *out = model;
    return MIDGE_OK;
}

/* The model that fills the rest of the file. */
static midge_status get_last(const midge_env *env, mdg_reader *r,
                             midge_model **out, midge_error *err) {
    midge_status status = mdg_model_get(env, r, 0, out, err);
    if (status == MIDGE_OK && mdg_reader_left(r) != 0) {
        midge_model_free(*out);
        *out = NULL;
        return damaged(err, "there is more in it than the model");
    }
    return status == MIDGE_E_NOMEM
               ? midge_fail(err, status, "no memory for the model")
               : status;
}

midge_status midge_model_read(const midge_env *env, const void *bytes,
                              size_t size, midge_model **out,
                              midge_error *err) {
    mdg_reader r;
    *out = NULL;
    if (!env || !env->realloc_fn || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    MIDGE_TRY(
        mdg_frame_open(bytes, size, MODEL_MAGIC, VERSION, MODEL_WHAT, &r, err));
    return get_last(env, &r, out, err);
}

/* ---- bundle: an encoder and its model ---- */

static midge_status put_bundle(const midge_encoder *encoder,
                               const midge_model *model, midge_buf *out) {
    midge_buf bytes;
    midge_buf_init(&bytes, model->env, 0);
    midge_status status = midge_encoder_write(encoder, &bytes);
    if (status == MIDGE_OK) {
        status = mdg_put_u64(out, bytes.size);
    }
    if (status == MIDGE_OK) {
        status = midge_buf_append(out, bytes.data, bytes.size);
    }
    midge_buf_deinit(&bytes);
    MIDGE_TRY(status);
    return mdg_model_put(model, out);
}

midge_status midge_bundle_write(const midge_encoder *encoder,
                                const midge_model *model, midge_buf *out) {
    size_t start;
    midge_status status = mdg_frame_begin(out, BUNDLE_MAGIC, VERSION, &start);
    if (status == MIDGE_OK) {
        status = put_bundle(encoder, model, out);
    }
    return mdg_frame_end(out, start, status);
}

static midge_status get_bundle(const midge_env *env, mdg_reader *r,
                               midge_encoder **encoder, midge_model **model,
                               midge_error *err) {
    uint64_t size = mdg_get_u64(r);
    const uint8_t *bytes =
        size <= mdg_reader_left(r) ? mdg_get_bytes(r, (size_t)size) : NULL;
    if (!bytes) {
        return damaged(err, "the encoder is cut short");
    }
    MIDGE_TRY(midge_encoder_read(env, bytes, (size_t)size, encoder, err));
    MIDGE_TRY(get_last(env, r, model, err));
    if (midge_model_n_inputs(*model) != midge_encoder_n_features(*encoder) ||
        midge_model_n_outputs(*model) != midge_encoder_n_outputs(*encoder) ||
        midge_model_problem(*model) != midge_encoder_problem(*encoder)) {
        return damaged(err, "encoder and model do not fit together");
    }
    return MIDGE_OK;
}

midge_status midge_bundle_read(const midge_env *env, const void *bytes,
                               size_t size, midge_encoder **encoder,
                               midge_model **model, midge_error *err) {
    mdg_reader r;
    *encoder = NULL;
    *model = NULL;
    if (!env || !env->realloc_fn || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    MIDGE_TRY(mdg_frame_open(bytes, size, BUNDLE_MAGIC, VERSION, MODEL_WHAT, &r,
                             err));
    midge_status status = get_bundle(env, &r, encoder, model, err);
    if (status != MIDGE_OK) {
        midge_encoder_free(*encoder);
        midge_model_free(*model);
        *encoder = NULL;
        *model = NULL;
    }
    return status;
}
