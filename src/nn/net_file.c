/* net_file.c: the network file; spec/formats/net.md is its page, and numbers
 * the checks that are made here. */
#include "base/alloc.h"
#include "base/fmath.h"
#include "base/frame.h"
#include "base/mdg_assert.h"
#include "nn/shape_file.h"

#include <string.h>

#define MAGIC       "MIDGENET"
#define VERSION     2u
#define FRAME_BYTES 24 /* magic, version, n_weights, checksum */

enum {
    FLAG_SHORTCUT = 1,
    FLAG_MASK = 2,
    FLAG_INPUTS = 4,
    FLAG_OUTPUTS = 8,
    FLAGS_KNOWN = 15
};

/* ---- Writing. ------------------------------------------------------------ */

static uint32_t flags_of(const midge_net *net) {
    return (net->shortcut ? FLAG_SHORTCUT : 0u) | (net->mask ? FLAG_MASK : 0u) |
           (net->inputs ? FLAG_INPUTS : 0u) |
           (net->outputs ? FLAG_OUTPUTS : 0u);
}

static size_t mask_bytes(size_t n_weights) {
    return (n_weights + 7) / 8;
}

/* At most 2^27 weights of 5 bytes, 2^17 scalings, 2^28 units: fits 32 bits. */
static size_t file_bytes(const midge_net *net) {
    size_t n = FRAME_BYTES + MDG_SHAPE_BYTES(net->n_layers, net->n_units) +
               net->n_weights * sizeof(float);
    n += net->mask ? mask_bytes(net->n_weights) : 0;
    n += net->inputs ? sizeof(midge_scaling) * mdg_net_inputs(net) : 0;
    n += net->outputs ? sizeof(midge_scaling) * mdg_net_last(net)->n_out : 0;
    return n;
}

static midge_status put_shape(const midge_net *net, midge_buf *out) {
    MIDGE_TRY(mdg_put_u32(out, net->n_layers));
    MIDGE_TRY(mdg_put_u32(out, flags_of(net)));
    MIDGE_TRY(mdg_put_u32(out, mdg_net_inputs(net)));
    for (uint32_t l = 0; l < net->n_layers; l++) {
        MIDGE_TRY(mdg_put_u32(out, net->layers[l].n_out));
    }
    MIDGE_TRY(mdg_put_runs(net->units, net->n_units, out));
    return mdg_put_u64(out, net->n_weights);
}

static midge_status put_mask(const midge_net *net, midge_buf *out) {
    for (size_t at = 0; net->mask && at < net->n_weights; at += 8) {
        uint8_t byte = 0;
        for (size_t i = at; i < at + 8 && i < net->n_weights; i++) {
            byte = (uint8_t)(byte | net->mask[i] << (i - at));
        }
        MIDGE_TRY(midge_buf_append(out, &byte, 1));
    }
    return MIDGE_OK;
}

/* Room is made first, so that a file is appended whole or not at all. */
midge_status midge_net_write(const midge_net *net, midge_buf *out) {
    if (!net || !out) {
        return MIDGE_E_INVALID;
    }
    size_t start;
    MIDGE_TRY(midge_buf_reserve(out, file_bytes(net)));
    MIDGE_TRY(mdg_frame_begin(out, MAGIC, VERSION, &start));
    MIDGE_TRY(put_shape(net, out));
    MIDGE_TRY(put_mask(net, out));
    MIDGE_TRY(mdg_put_scaling(net->inputs, mdg_net_inputs(net), out));
    MIDGE_TRY(mdg_put_scaling(net->outputs, mdg_net_last(net)->n_out, out));
    return mdg_frame_end(out, start,
                         mdg_put_f32s(out, net->weights, net->n_weights));
}

/* ---- Reading. ------------------------------------------------------------ */

static midge_status corrupt(const char *text, midge_error *err) {
    return midge_fail(err, MIDGE_E_CORRUPT, "%s", text);
}

/* Check 6, before there is memory for the weights. */
static int right_length(const mdg_shape_file *p, const mdg_reader *r,
                        uint64_t n_weights) {
    const uint32_t *sizes = p->shape.sizes;
    uint64_t bytes = n_weights * sizeof(float);
    bytes += p->flags & FLAG_MASK ? (n_weights + 7) / 8 : 0;
    bytes += p->flags & FLAG_INPUTS ? sizeof(midge_scaling) * sizes[0] : 0;
    bytes += p->flags & FLAG_OUTPUTS
                 ? sizeof(midge_scaling) * sizes[p->shape.n_layers]
                 : 0;
    return mdg_reader_left(r) == bytes;
}

static midge_status read_mask(midge_net *net, mdg_reader *r, midge_error *err) {
    const uint8_t *bits = mdg_get_bytes(r, mask_bytes(net->n_weights));
    net->mask = mdg_alloc(net->env, net->n_weights, 1);
    if (!net->mask || mdg_never(!bits)) {
        return mdg_no_memory("the connections of a network", err);
    }
    for (size_t i = 0; i < net->n_weights; i++) {
        net->mask[i] = bits[i / 8] >> i % 8 & 1;
    }
    size_t rest = net->n_weights % 8;
    if ((rest > 0 && bits[net->n_weights / 8] >> rest != 0) ||
        midge_net_n_connections(net) == net->n_weights) {
        return corrupt("the mask of a network is not as it is written", err);
    }
    return MIDGE_OK;
}

static midge_status read_scaling(const midge_net *net, mdg_reader *r, size_t n,
                                 midge_scaling **out, midge_error *err) {
    *out = mdg_alloc(net->env, n, sizeof **out);
    return *out ? mdg_get_scaling(r, n, *out, err)
                : mdg_no_memory("the scaling of a network", err);
}

/* Check 7. */
static midge_status read_weights(midge_net *net, mdg_reader *r,
                                 midge_error *err) {
    mdg_get_f32s(r, net->weights, net->n_weights);
    if (!mdg_all_finite(net->n_weights, net->weights)) {
        return corrupt("a weight is not finite", err);
    }
    for (size_t i = 0; net->mask && i < net->n_weights; i++) {
        if (!net->mask[i] && mdg_bits_of_f32(net->weights[i]) != 0) {
            return corrupt("a connection that does not exist has a weight",
                           err);
        }
    }
    return MIDGE_OK;
}

static midge_status read_rest(uint32_t flags, midge_net *net, mdg_reader *r,
                              midge_error *err) {
    if (flags & FLAG_MASK) {
        MIDGE_TRY(read_mask(net, r, err));
    }
    if (flags & FLAG_INPUTS) {
        MIDGE_TRY(read_scaling(net, r, mdg_net_inputs(net), &net->inputs, err));
    }
    if (flags & FLAG_OUTPUTS) {
        MIDGE_TRY(
            read_scaling(net, r, mdg_net_last(net)->n_out, &net->outputs, err));
    }
    return read_weights(net, r, err);
}

/* Check 4 and, when the shape is known, all others. */
static midge_status read_net(const midge_env *env, mdg_reader *r,
                             mdg_shape_file *p, midge_net **out,
                             midge_error *err) {
    MIDGE_TRY(mdg_get_shape(env, r, FLAGS_KNOWN, p, err));
    p->shape.shortcut = (p->flags & FLAG_SHORTCUT) != 0;
    uint64_t n_weights = mdg_get_u64(r);
    size_t fits;
    MIDGE_TRY(mdg_net_judge(&p->shape, MIDGE_E_CORRUPT, &fits, err));
    if (r->failed || n_weights != fits || !right_length(p, r, n_weights)) {
        return corrupt("the weights do not fit the shape of the network", err);
    }
    midge_net *net;
    MIDGE_TRY(mdg_net_make(env, &p->shape, MIDGE_E_CORRUPT, &net, err));
    midge_status status = net->n_units == p->shape.n_units
                              ? read_rest(p->flags, net, r, err)
                              : corrupt("a run of equal units is cut", err);
    if (status != MIDGE_OK) {
        midge_net_free(net);
        return status;
    }
    *out = net;
    return MIDGE_OK;
}

midge_status midge_net_read(const midge_env *env, const void *bytes,
                            size_t size, midge_net **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    mdg_reader r; /* checks 1 to 3 */
    MIDGE_TRY(
        mdg_frame_open(bytes, size, MAGIC, VERSION, "network file", &r, err));
    mdg_shape_file p;
    midge_status status = read_net(env, &r, &p, out, err);
    mdg_shape_file_deinit(env, &p);
    return status;
}
