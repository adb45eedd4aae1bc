/* net_file.c: the network file; spec/formats/net.md is its page, and numbers
 * the checks that are made here. */
#include "base/frame.h"
#include "nn/net.h"

#define MAGIC       "MIDGENET"
#define VERSION     1u
#define FIXED_BYTES 40 /* all but the sizes and the weights */

/* Room is made first, so that a file is appended whole or not at all. */
midge_status midge_net_write(const midge_net *net, midge_buf *out) {
    if (!net || !out) {
        return MIDGE_E_INVALID;
    }
    size_t start;
    MIDGE_TRY(midge_buf_reserve(out, FIXED_BYTES + 4 * (size_t)net->n_layers +
                                         net->n_weights * sizeof(float)));
    MIDGE_TRY(mdg_frame_begin(out, MAGIC, VERSION, &start));
    MIDGE_TRY(mdg_put_u32(out, net->n_layers));
    MIDGE_TRY(mdg_put_u32(out, (uint32_t)net->hidden));
    MIDGE_TRY(mdg_put_u32(out, (uint32_t)net->output));
    MIDGE_TRY(mdg_put_u32(out, net->layers[0].n_in));
    for (uint32_t l = 0; l < net->n_layers; l++) {
        MIDGE_TRY(mdg_put_u32(out, net->layers[l].n_out));
    }
    MIDGE_TRY(mdg_put_u64(out, net->n_weights));
    return mdg_frame_end(out, start,
                         mdg_put_f32s(out, net->weights, net->n_weights));
}

/* Checks 4 to 6: the shape, and that the file has the weights it speaks of. */
static midge_status read_shape(mdg_reader *r, midge_net *shape,
                               midge_error *err) {
    uint32_t sizes[MIDGE_NET_LAYERS_MAX + 1] = {0};
    midge_net_options o = {.sizes = sizes};
    o.n_layers = mdg_get_u32(r);
    o.hidden = (midge_activation)mdg_get_u32(r);
    o.output = (midge_activation)mdg_get_u32(r);
    for (uint32_t i = 0; i <= o.n_layers && i <= MIDGE_NET_LAYERS_MAX; i++) {
        sizes[i] = mdg_get_u32(r);
    }
    uint64_t n_weights = mdg_get_u64(r);
    if (r->failed) {
        return midge_fail(err, MIDGE_E_CORRUPT, "network file cut short");
    }
    MIDGE_TRY(mdg_net_shape(&o, MIDGE_E_CORRUPT, shape, err));
    size_t left = mdg_reader_left(r);
    if (n_weights != shape->n_weights || left % sizeof(float) != 0 ||
        left / sizeof(float) != shape->n_weights) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "the weights do not fit the shape of the network");
    }
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
    midge_net shape;
    MIDGE_TRY(read_shape(&r, &shape, err));
    midge_net *net;
    MIDGE_TRY(mdg_net_make(env, &shape, &net, err));
    mdg_get_f32s(&r, net->weights, net->n_weights);
    if (!mdg_all_finite(net->n_weights, net->weights)) {
        midge_net_free(net);
        return midge_fail(err, MIDGE_E_CORRUPT, "a weight is not finite");
    }
    *out = net;
    return MIDGE_OK;
}
