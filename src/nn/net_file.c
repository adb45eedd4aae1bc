/* net_file.c: the network file; spec/formats/net.md is its page, and numbers
 * the checks that are made here. */
#include "base/bytes.h"
#include "nn/net.h"

#include <string.h>

#define MAGIC      "MIDGENET"
#define MAGIC_SIZE 8
#define VERSION    1u
#define HEAD_SIZE  24
#define CRC_SIZE   4

/* Room is made first, so that a file is appended whole or not at all. */
midge_status midge_net_write(const midge_net *net, midge_buf *out) {
    if (!net || !out) {
        return MIDGE_E_INVALID;
    }
    size_t start = out->size;
    MIDGE_TRY(
        midge_buf_reserve(out, HEAD_SIZE + 4 * (size_t)(net->n_layers + 1) + 8 +
                                   net->n_weights * sizeof(float) + CRC_SIZE));
    MIDGE_TRY(midge_buf_append(out, MAGIC, MAGIC_SIZE));
    MIDGE_TRY(mdg_put_u32(out, VERSION));
    MIDGE_TRY(mdg_put_u32(out, net->n_layers));
    MIDGE_TRY(mdg_put_u32(out, (uint32_t)net->hidden));
    MIDGE_TRY(mdg_put_u32(out, (uint32_t)net->output));
    MIDGE_TRY(mdg_put_u32(out, net->layers[0].n_in));
    for (uint32_t l = 0; l < net->n_layers; l++) {
        MIDGE_TRY(mdg_put_u32(out, net->layers[l].n_out));
    }
    MIDGE_TRY(mdg_put_u64(out, net->n_weights));
    MIDGE_TRY(mdg_put_f32s(out, net->weights, net->n_weights));
    uint32_t crc = mdg_crc32c(0, out->data + start, out->size - start);
    return mdg_put_u32(out, crc);
}

/* Checks 1 to 3: is it a network file, of a version we know, undamaged. */
static midge_status check_whole(const void *bytes, size_t size,
                                midge_error *err) {
    mdg_reader r;
    mdg_reader_init(&r, bytes, size);
    const uint8_t *magic = mdg_get_bytes(&r, MAGIC_SIZE);
    if (!magic || memcmp(magic, MAGIC, MAGIC_SIZE) != 0) {
        return midge_fail(err, MIDGE_E_PARSE, "not a network file");
    }
    uint32_t version = mdg_get_u32(&r);
    if (!r.failed && version != VERSION) {
        return midge_fail(err, MIDGE_E_VERSION,
                          "version %u of the network file is not known",
                          version);
    }
    if (r.failed || mdg_reader_left(&r) < CRC_SIZE) {
        return midge_fail(err, MIDGE_E_CORRUPT, "network file cut short");
    }
    mdg_reader end;
    mdg_reader_init(&end, (const uint8_t *)bytes + size - CRC_SIZE, CRC_SIZE);
    if (mdg_get_u32(&end) != mdg_crc32c(0, bytes, size - CRC_SIZE)) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "checksum of the network file does not fit");
    }
    return MIDGE_OK;
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
        left / sizeof(float) != shape->n_weights + 1) {
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
    MIDGE_TRY(check_whole(bytes, size, err));
    mdg_reader r;
    mdg_reader_init(&r, bytes, size);
    (void)mdg_get_bytes(&r, MAGIC_SIZE + sizeof(uint32_t));
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
