/* quant_file.c: the file of a network of bytes; spec/formats/net_int8.md is its
 * page, and numbers the checks that are made here. */
#include "nn/quant.h"

#include "base/alloc.h"
#include "base/frame.h"
#include "nn/shape_file.h"

#define MAGIC       "MIDGENI8"
#define VERSION     1u
#define FRAME_BYTES 16 /* magic, version, checksum */

enum { FLAG_INPUTS = 1, FLAG_OUTPUTS = 2, FLAGS_KNOWN = 3 };

static uint64_t layer_bytes(uint64_t n_in, uint64_t n_out) {
    return 8 + 8 * n_out + n_in * n_out;
}

/* ---- Writing. ------------------------------------------------------------ */

/* At most 2^27 weights, 2^28 units: fits 32 bits. */
static size_t file_bytes(const midge_net_int8 *net) {
    size_t n = FRAME_BYTES + MDG_SHAPE_BYTES(net->n_layers, net->n_units);
    n += net->inputs ? sizeof(midge_scaling) * net->layers[0].n_in : 0;
    n += net->outputs ? sizeof(midge_scaling) * mdg_int8_last(net)->n_out : 0;
    for (uint32_t i = 0; i < net->n_layers; i++) {
        n += (size_t)layer_bytes(net->layers[i].n_in, net->layers[i].n_out);
    }
    return n;
}

static midge_status put_shape(const midge_net_int8 *net, midge_buf *out) {
    MIDGE_TRY(mdg_put_u32(out, net->n_layers));
    MIDGE_TRY(mdg_put_u32(out, (net->inputs ? FLAG_INPUTS : 0u) |
                                   (net->outputs ? FLAG_OUTPUTS : 0u)));
    MIDGE_TRY(mdg_put_u32(out, net->layers[0].n_in));
    for (uint32_t i = 0; i < net->n_layers; i++) {
        MIDGE_TRY(mdg_put_u32(out, net->layers[i].n_out));
    }
    return mdg_put_runs(net->units, net->n_units, out);
}

static midge_status put_layer(const mdg_layer_int8 *l, midge_buf *out) {
    MIDGE_TRY(mdg_put_f32(out, l->step));
    MIDGE_TRY(mdg_put_u32(out, l->zero));
    MIDGE_TRY(mdg_put_f32s(out, l->weight_step, l->n_out));
    MIDGE_TRY(mdg_put_f32s(out, l->bias, l->n_out));
    for (size_t i = 0; i < l->n_in; i++) {
        for (size_t j = 0; j < l->n_out; j++) {
            MIDGE_TRY(midge_buf_append(
                out, &l->weights[mdg_gemm_i8_at(l->n_in, i, j)], 1));
        }
    }
    return MIDGE_OK;
}

static midge_status put_net(const midge_net_int8 *net, midge_buf *out) {
    MIDGE_TRY(put_shape(net, out));
    MIDGE_TRY(mdg_put_scaling(net->inputs, net->layers[0].n_in, out));
    MIDGE_TRY(mdg_put_scaling(net->outputs, mdg_int8_last(net)->n_out, out));
    for (uint32_t i = 0; i < net->n_layers; i++) {
        MIDGE_TRY(put_layer(&net->layers[i], out));
    }
    return MIDGE_OK;
}

midge_status midge_net_int8_write(const midge_net_int8 *net, midge_buf *out) {
    if (!net || !out) {
        return MIDGE_E_INVALID;
    }
    size_t start;
    MIDGE_TRY(midge_buf_reserve(out, file_bytes(net)));
    MIDGE_TRY(mdg_frame_begin(out, MAGIC, VERSION, &start));
    return mdg_frame_end(out, start, put_net(net, out));
}

/* ---- Reading. ------------------------------------------------------------ */

static midge_status corrupt(const char *text, midge_error *err) {
    return midge_fail(err, MIDGE_E_CORRUPT, "%s", text);
}

/* Check 6. */
static int right_length(const mdg_shape_file *p, const mdg_reader *r) {
    const uint32_t *sizes = p->shape.sizes;
    uint64_t bytes =
        p->flags & FLAG_INPUTS ? sizeof(midge_scaling) * sizes[0] : 0;
    bytes += p->flags & FLAG_OUTPUTS
                 ? sizeof(midge_scaling) * sizes[p->shape.n_layers]
                 : 0;
    for (uint32_t i = 0; i < p->shape.n_layers; i++) {
        bytes += layer_bytes(sizes[i], sizes[i + 1]);
    }
    return mdg_reader_left(r) == bytes;
}

static int good_step(float step) {
    return step >= MDG_STEP_MIN && step - step == 0.0f;
}

/* Check 7, for one layer. */
static midge_status get_layer(mdg_reader *r, mdg_layer_int8 *l,
                              midge_error *err) {
    l->step = mdg_get_f32(r);
    const uint32_t zero = mdg_get_u32(r);
    l->zero = (uint8_t)zero;
    mdg_get_f32s(r, l->weight_step, l->n_out);
    mdg_get_f32s(r, l->bias, l->n_out);
    int good =
        good_step(l->step) && zero <= 255 && mdg_all_finite(l->n_out, l->bias);
    for (size_t j = 0; j < l->n_out; j++) {
        good &= good_step(l->weight_step[j]);
    }
    const uint8_t *bytes = mdg_get_bytes(r, (size_t)l->n_in * l->n_out);
    for (size_t i = 0; bytes && i < l->n_in; i++) {
        for (size_t j = 0; j < l->n_out; j++) {
            const int8_t q = (int8_t)*bytes++;
            good &= q != -128;
            l->weights[mdg_gemm_i8_at(l->n_in, i, j)] = q;
        }
    }
    return good
               ? MIDGE_OK
               : corrupt("a number of a quantised layer is out of bounds", err);
}

static midge_status get_rest(mdg_reader *r, midge_net_int8 *net,
                             midge_error *err) {
    if (net->inputs) {
        MIDGE_TRY(mdg_get_scaling(r, net->layers[0].n_in, net->inputs, err));
    }
    if (net->outputs) {
        MIDGE_TRY(
            mdg_get_scaling(r, mdg_int8_last(net)->n_out, net->outputs, err));
    }
    for (uint32_t i = 0; i < net->n_layers; i++) {
        MIDGE_TRY(get_layer(r, &net->layers[i], err));
    }
    mdg_int8_finish(net);
    return MIDGE_OK;
}

/* Neighbours of a layer must differ, or a network would have many files. */
static int runs_differ(const mdg_shape *s) {
    for (uint32_t i = 1; i < s->n_units; i++) {
        if (s->units[i].first > 0 &&
            s->units[i].activation == s->units[i - 1].activation &&
            s->units[i].steepness == s->units[i - 1].steepness) {
            return 0;
        }
    }
    return 1;
}

static midge_status read_net(const midge_env *env, mdg_reader *r,
                             mdg_shape_file *p, midge_net_int8 **out,
                             midge_error *err) {
    size_t n_weights;
    MIDGE_TRY(mdg_get_shape(env, r, FLAGS_KNOWN, p, err));
    MIDGE_TRY(mdg_net_judge(&p->shape, MIDGE_E_CORRUPT, &n_weights, err));
    if (!runs_differ(&p->shape)) {
        return corrupt("a run of equal units is cut", err);
    }
    if (!right_length(p, r)) {
        return corrupt("the weights do not fit the shape of the network", err);
    }
    midge_net_int8 *net;
    if (mdg_int8_make(env, &p->shape, p->flags & FLAG_INPUTS,
                      p->flags & FLAG_OUTPUTS, &net) != MIDGE_OK) {
        return mdg_no_memory("a quantised network", err);
    }
    midge_status status = get_rest(r, net, err);
    if (status != MIDGE_OK) {
        midge_net_int8_free(net);
        return status;
    }
    *out = net;
    return MIDGE_OK;
}

midge_status midge_net_int8_read(const midge_env *env, const void *bytes,
                                 size_t size, midge_net_int8 **out,
                                 midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    mdg_reader r; /* checks 1 to 3 */
    MIDGE_TRY(mdg_frame_open(bytes, size, MAGIC, VERSION,
                             "quantised network file", &r, err));
    mdg_shape_file p;
    midge_status status = read_net(env, &r, &p, out, err);
    mdg_shape_file_deinit(env, &p);
    return status;
}
