/* op_nn_convert.c: nn.convert: a network in another format.
 *
 * A network that leaves its bundle takes the encoder's scaling along, so that
 * it takes the columns' own numbers (and 0 or 1 for each category), and a
 * regression answers in the target's unit.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "ops/nn_file.h"
#include "ops/ops_table.h"

typedef struct conversion {
    const midge_env *env;
    const midge_op_host *host;
    const midge_json *args;
    mdg_nn_file file;
    midge_net *unbundled; /* copy with the encoder's scaling; NULL: file.net */
    uint32_t decimal_point;
    double worst, rms; /* int8: what outputs are off by */
    midge_buf bytes;
} conversion;

static const midge_net *net_of(const conversion *c) {
    return c->unbundled ? c->unbundled : c->file.net;
}

/* ---- The formats --------------------------------------------------------- */

static midge_status to_mnet(conversion *c, midge_error *err) {
    return midge_net_write(net_of(c), &c->bytes) == MIDGE_OK
               ? MIDGE_OK
               : mdg_no_memory("the network's file", err);
}

static midge_status to_fann(conversion *c, midge_error *err) {
    return midge_net_write_fann(net_of(c), c->file.settings, &c->bytes, err);
}

static midge_status to_fixed(conversion *c, midge_error *err) {
    c->decimal_point =
        (uint32_t)midge_json_get_int(c->args, "decimal_point", 0);
    return midge_net_write_fann_fixed(net_of(c), c->file.settings,
                                      &c->decimal_point, &c->bytes, err);
}

static midge_status to_json(conversion *c, midge_error *err) {
    return midge_net_write_json(net_of(c), &c->bytes) == MIDGE_OK
               ? MIDGE_OK
               : mdg_no_memory("the network's file", err);
}

static midge_status to_onnx(conversion *c, midge_error *err) {
    return midge_net_write_onnx(
        net_of(c), midge_json_get_string(c->args, "name", ""), &c->bytes, err);
}

static midge_status to_c(conversion *c, midge_error *err) {
    return midge_net_write_c(
        net_of(c), midge_json_get_string(c->args, "name", ""), &c->bytes, err);
}

static const struct {
    const char *name;
    midge_status (*write)(conversion *c, midge_error *err);
} formats[] = {{"mnet", to_mnet}, {"fann", to_fann}, {"fixed", to_fixed},
               {"json", to_json}, {"onnx", to_onnx}, {"c", to_c}};

static midge_status write_format(conversion *c, const char *to,
                                 midge_error *err) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i].name, to) == 0) {
            return formats[i].write(c, err);
        }
    }
    return midge_fail(
        err, MIDGE_E_INVALID,
        "there is no format '%.*s'; there are: mnet, fann, fixed, "
        "json, onnx, c, int8",
        40, to);
}

/* ---- int8 ---------------------------------------------------------------- */

/* The calibration rows as the network takes them, (*n, n_inputs). */
static midge_status read_rows(conversion *c, mdg_nn_source *source, float **x,
                              size_t *n, midge_error *err) {
    mdg_nn_coding coding;
    const char *ref = midge_json_get_string(c->args, "data", NULL);
    if (!ref) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "int8 needs data: rows by which the ranges of values "
                          "are found");
    }
    MIDGE_TRY(mdg_nn_source_read(c->env, c->host, ref, source, err));
    MIDGE_TRY(mdg_nn_file_coding(&c->file, source, 0, &coding, err));
    *n = mdg_nn_source_n_rows(source);
    const size_t n_in = mdg_nn_file_n_inputs(&c->file);
    *x = mdg_alloc(c->env, *n * n_in, sizeof **x);
    uint32_t *rows = mdg_alloc(c->env, *n, sizeof *rows);
    midge_status status = *x && rows ? MIDGE_OK : mdg_no_memory("rows", err);
    for (size_t i = 0; rows && i < *n; i++) {
        rows[i] = (uint32_t)i;
    }
    if (status == MIDGE_OK && coding.encoder) {
        status = midge_encoder_features(coding.encoder, source->table, rows, *n,
                                        *x, err);
    } else if (status == MIDGE_OK) {
        memcpy(*x, midge_dataset_x(source->plain), *n * n_in * sizeof **x);
        midge_scaling_apply(coding.inputs, n_in, *n, *x);
    }
    mdg_release(c->env, rows, *n, sizeof *rows);
    return status;
}

/* How far the outputs of the two networks are apart. */
static midge_status compare(conversion *c, const midge_net_int8 *net,
                            const float *x, size_t n, midge_error *err) {
    const size_t count = n * mdg_nn_file_n_outputs(&c->file);
    float *y = mdg_alloc(c->env, 2 * count, sizeof *y);
    if (!y) {
        return mdg_no_memory("outputs", err);
    }
    midge_status status = mdg_nn_run(c->env, c->file.net, n, x, y, err);
    if (status == MIDGE_OK) {
        status = mdg_nn_run_int8(c->env, net, n, x, y + count, err);
    }
    double squares = 0.0;
    for (size_t i = 0; status == MIDGE_OK && i < count; i++) {
        double d = (double)y[i] - (double)y[count + i];
        d = d < 0.0 ? -d : d;
        c->worst = d > c->worst ? d : c->worst;
        squares += d * d;
    }
    c->rms = mdg_sqrt_f64(squares / (double)count);
    mdg_release(c->env, y, 2 * count, sizeof *y);
    return status;
}

/* Into its bundle again, when it came from one. Takes the network. */
static midge_status write_int8_take(conversion *c, midge_net_int8 *net,
                                    midge_error *err) {
    midge_status status;
    if (c->file.encoder) {
        midge_model *model;
        status = midge_model_from_int8_take(
            c->env, midge_encoder_problem(c->file.encoder), net, &model);
        if (status == MIDGE_OK) {
            status = midge_bundle_write(c->file.encoder, model, &c->bytes);
            midge_model_free(model);
        }
    } else {
        status = midge_net_int8_write(net, &c->bytes);
        midge_net_int8_free(net);
    }
    return status == MIDGE_OK ? MIDGE_OK
                              : mdg_no_memory("the network's file", err);
}

static midge_status to_int8(conversion *c, midge_error *err) {
    mdg_nn_source source = {0};
    midge_net_int8 *net = NULL;
    float *x = NULL;
    size_t n = 0;
    double tail = midge_json_get_double(c->args, "tail", 0.0);
    midge_status status = read_rows(c, &source, &x, &n, err);
    if (status == MIDGE_OK) {
        status = midge_net_quantise(c->file.net, n, x, (float)tail, &net, err);
    }
    if (status == MIDGE_OK) {
        status = compare(c, net, x, n, err);
    }
    if (status == MIDGE_OK) {
        status = write_int8_take(c, net, err);
        net = NULL;
    }
    midge_net_int8_free(net);
    mdg_release(c->env, x, n * mdg_nn_file_n_inputs(&c->file), sizeof *x);
    mdg_nn_source_deinit(&source);
    return status;
}

/* ---- Out of a bundle ----------------------------------------------------- */

static midge_status scale(conversion *c, midge_error *err) {
    const midge_encoder *e = c->file.encoder;
    const uint32_t n_in = midge_encoder_n_features(e);
    int regress = midge_encoder_problem(e) == MIDGE_PROBLEM_REGRESS;
    midge_scaling output;
    midge_scaling *inputs = mdg_alloc(c->env, n_in, sizeof *inputs);
    if (!inputs) {
        return mdg_no_memory("scaling", err);
    }
    midge_encoder_scaling(e, inputs, &output);
    midge_status status =
        midge_net_set_scaling(c->unbundled, inputs, regress ? &output : NULL);
    mdg_release(c->env, inputs, n_in, sizeof *inputs);
    return status == MIDGE_OK
               ? MIDGE_OK
               : midge_fail(err, status, "the scaling has no place");
}

static midge_status unbundle(conversion *c, midge_error *err) {
    if (!c->file.encoder) {
        return MIDGE_OK;
    }
    if (midge_net_copy(c->file.net, &c->unbundled) != MIDGE_OK) {
        return mdg_no_memory("a network", err);
    }
    return scale(c, err);
}

/* ---- The answer ---------------------------------------------------------- */

static void put_names(const midge_encoder *e, midge_json_writer *w) {
    const char *category;
    midge_json_key(w, "inputs");
    midge_json_begin_array(w);
    for (uint32_t i = 0; i < midge_encoder_n_features(e); i++) {
        const char *column = midge_encoder_feature(e, i, &category);
        midge_json_begin_array(w);
        midge_json_string(w, column);
        if (category) {
            midge_json_string(w, category);
        }
        midge_json_end_array(w);
    }
    midge_json_end_array(w);
    midge_json_key(w, "outputs");
    midge_json_begin_array(w);
    for (uint32_t i = 0; i < midge_encoder_n_outputs(e); i++) {
        const char *class = midge_encoder_class(e, i);
        midge_json_string(w, class ? class : midge_encoder_target(e));
    }
    midge_json_end_array(w);
}

static midge_status answer(const conversion *c, const char *to, const char *ref,
                           midge_buf *result) {
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "format");
    midge_json_string(&w, to);
    midge_json_key(&w, "bytes");
    midge_json_int(&w, (int64_t)c->bytes.size);
    if (strcmp(to, "fixed") == 0) {
        midge_json_key(&w, "decimal_point");
        midge_json_int(&w, c->decimal_point);
    }
    if (strcmp(to, "int8") == 0) {
        midge_json_key(&w, "bytes_before");
        midge_json_int(&w, (int64_t)c->file.bytes);
        midge_json_key(&w, "difference");
        midge_json_begin_object(&w);
        midge_json_key(&w, "rms");
        midge_json_double(&w, c->rms);
        midge_json_key(&w, "worst");
        midge_json_double(&w, c->worst);
        midge_json_end_object(&w);
    } else if (c->file.encoder) {
        put_names(c->file.encoder, &w);
    }
    midge_json_key(&w, "file");
    midge_json_string(&w, ref);
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

static midge_status run(conversion *c, midge_buf *result, midge_error *err) {
    char ref[72];
    const char *to = midge_json_get_string(c->args, "to", "");
    MIDGE_TRY(mdg_nn_file_read(c->env, c->host,
                               midge_json_get_string(c->args, "model", ""),
                               &c->file, err));
    if (!c->file.net) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED,
                          "this is no single network in floats: it cannot be "
                          "converted");
    }
    if (strcmp(to, "int8") == 0) {
        MIDGE_TRY(to_int8(c, err));
    } else {
        MIDGE_TRY(unbundle(c, err));
        MIDGE_TRY(write_format(c, to, err));
    }
    MIDGE_TRY(c->host->put_blob(c->host->ctx, c->bytes.data, c->bytes.size, ref,
                                err));
    return answer(c, to, ref, result);
}

MDG_OP_FN(nn_convert) {
    conversion c = {.env = env, .host = host, .args = args};
    c.file.env = env;
    midge_buf_init(&c.bytes, env, 0);
    midge_status status = run(&c, result, err);
    midge_buf_deinit(&c.bytes);
    midge_net_free(c.unbundled);
    mdg_nn_file_deinit(&c.file);
    return status;
}
