/* net_file.c: the network file; spec/formats/net.md is its page, and numbers
 * the checks that are made here. */
#include "base/alloc.h"
#include "base/fmath.h"
#include "base/frame.h"
#include "base/mdg_assert.h"
#include "nn/net.h"

#include <string.h>

#define MAGIC   "MIDGENET"
#define VERSION 2u
#define FIXED_BYTES                                                            \
    40 /* what every file has, beside runs, sizes and weights                  \
        */
#define RUN_BYTES 12

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
    size_t n = FIXED_BYTES + sizeof(uint32_t) * net->n_layers +
               (size_t)RUN_BYTES * net->n_units +
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
    MIDGE_TRY(mdg_put_u32(out, net->n_units));
    for (uint32_t i = 0; i < net->n_units; i++) {
        MIDGE_TRY(mdg_put_u32(out, net->units[i].count));
        MIDGE_TRY(mdg_put_u32(out, (uint32_t)net->units[i].activation));
        MIDGE_TRY(mdg_put_f32(out, net->units[i].steepness));
    }
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

static midge_status put_scaling(const midge_scaling *s, size_t n,
                                midge_buf *out) {
    for (size_t i = 0; s && i < n; i++) {
        const float v[] = {s[i].mean, s[i].deviation, s[i].new_min,
                           s[i].factor};
        MIDGE_TRY(mdg_put_f32s(out, v, 4));
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
    MIDGE_TRY(put_scaling(net->inputs, mdg_net_inputs(net), out));
    MIDGE_TRY(put_scaling(net->outputs, mdg_net_last(net)->n_out, out));
    return mdg_frame_end(out, start,
                         mdg_put_f32s(out, net->weights, net->n_weights));
}

/* ---- Reading. ------------------------------------------------------------ */

static midge_status corrupt(const char *text, midge_error *err) {
    return midge_fail(err, MIDGE_E_CORRUPT, "%s", text);
}

typedef struct parts {
    mdg_reader *r;
    uint32_t flags;
    mdg_shape shape;
    mdg_units *units; /* room for the runs, and behind them for the sizes */
    size_t room;
} parts;

/* The runs, layer by layer; a run that is too long for its layer is left for
 * the judge. */
static void read_runs(parts *p, const uint32_t *sizes) {
    uint32_t layer = 0;
    uint32_t covered = 0;
    for (uint32_t i = 0; i < p->shape.n_units; i++) {
        mdg_units *u = &p->units[i];
        u->first = covered;
        u->count = mdg_get_u32(p->r);
        u->activation = (midge_activation)mdg_get_u32(p->r);
        u->steepness = mdg_get_f32(p->r);
        covered += u->count;
        if (layer < p->shape.n_layers && covered >= sizes[layer + 1]) {
            layer++;
            covered = 0;
        }
    }
}

/* Check 4, but for what the judge of shapes sees. Memory for the shape is at
 * most twice what the file takes for it. */
static midge_status read_shape(const midge_env *env, parts *p,
                               midge_error *err) {
    mdg_reader *r = p->r;
    uint32_t n = mdg_get_u32(r);
    p->flags = mdg_get_u32(r);
    size_t sizes_at = r->at;
    if (n < 1 || n > MIDGE_NET_LAYERS_MAX || p->flags > FLAGS_KNOWN ||
        !mdg_get_bytes(r, ((size_t)n + 1) * sizeof(uint32_t))) {
        return corrupt("the head of a network file makes no sense", err);
    }
    p->shape.n_layers = n;
    p->shape.shortcut = (p->flags & FLAG_SHORTCUT) != 0;
    p->shape.n_units = mdg_get_u32(r);
    if (p->shape.n_units > mdg_reader_left(r) / RUN_BYTES) {
        return corrupt("network file cut short", err);
    }
    p->room = (size_t)p->shape.n_units + n / 4 + 1;
    p->units = mdg_alloc(env, p->room, sizeof *p->units);
    if (!p->units) {
        return mdg_no_memory("a network", err);
    }
    uint32_t *sizes = (uint32_t *)(void *)(p->units + p->shape.n_units);
    mdg_reader head = *r;
    head.at = sizes_at;
    for (uint32_t i = 0; i <= n; i++) {
        sizes[i] = mdg_get_u32(&head);
    }
    p->shape.sizes = sizes;
    p->shape.units = p->units;
    read_runs(p, sizes);
    return MIDGE_OK;
}

/* Check 6, before there is memory for the weights. */
static int right_length(const parts *p, uint64_t n_weights) {
    const uint32_t *sizes = p->shape.sizes;
    uint64_t bytes = n_weights * sizeof(float);
    bytes += p->flags & FLAG_MASK ? (n_weights + 7) / 8 : 0;
    bytes += p->flags & FLAG_INPUTS ? sizeof(midge_scaling) * sizes[0] : 0;
    bytes += p->flags & FLAG_OUTPUTS
                 ? sizeof(midge_scaling) * sizes[p->shape.n_layers]
                 : 0;
    return mdg_reader_left(p->r) == bytes;
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
    midge_scaling *s = mdg_alloc(net->env, n, sizeof *s);
    *out = s;
    if (!s) {
        return mdg_no_memory("the scaling of a network", err);
    }
    for (size_t i = 0; i < n; i++) {
        s[i].mean = mdg_get_f32(r);
        s[i].deviation = mdg_get_f32(r);
        s[i].new_min = mdg_get_f32(r);
        s[i].factor = mdg_get_f32(r);
    }
    return mdg_scaling_good(n, s)
               ? MIDGE_OK
               : corrupt("a scaling is not finite, or 0", err);
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

static midge_status read_rest(const parts *p, midge_net *net,
                              midge_error *err) {
    if (p->flags & FLAG_MASK) {
        MIDGE_TRY(read_mask(net, p->r, err));
    }
    if (p->flags & FLAG_INPUTS) {
        MIDGE_TRY(
            read_scaling(net, p->r, mdg_net_inputs(net), &net->inputs, err));
    }
    if (p->flags & FLAG_OUTPUTS) {
        MIDGE_TRY(read_scaling(net, p->r, mdg_net_last(net)->n_out,
                               &net->outputs, err));
    }
    return read_weights(net, p->r, err);
}

static midge_status read_net(const midge_env *env, parts *p, midge_net **out,
                             midge_error *err) {
    MIDGE_TRY(read_shape(env, p, err));
    uint64_t n_weights = mdg_get_u64(p->r);
    size_t fits;
    MIDGE_TRY(mdg_net_judge(&p->shape, MIDGE_E_CORRUPT, &fits, err));
    if (p->r->failed || n_weights != fits || !right_length(p, n_weights)) {
        return corrupt("the weights do not fit the shape of the network", err);
    }
    midge_net *net;
    MIDGE_TRY(mdg_net_make(env, &p->shape, MIDGE_E_CORRUPT, &net, err));
    midge_status status = net->n_units == p->shape.n_units
                              ? read_rest(p, net, err)
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
    parts p = {.r = &r};
    midge_status status = read_net(env, &p, out, err);
    mdg_release(env, p.units, p.room, sizeof *p.units);
    return status;
}
