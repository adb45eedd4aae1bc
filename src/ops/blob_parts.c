/* blob_parts.c: the same three steps four times: fetch, read, let go. What is
 * read is told by the one member of `part` that is set. */
#include "ops/blob_parts.h"

typedef struct part {
    midge_table **table;
    midge_encoder **encoder;
    midge_model **model; /* with an encoder: a bundle */
} part;

static midge_status read_part(const midge_env *env, const midge_buf *bytes,
                              const part *p, midge_error *err) {
    if (p->table) {
        return midge_table_read(env, bytes->data, bytes->size, p->table, err);
    }
    if (!p->model) {
        return midge_encoder_read(env, bytes->data, bytes->size, p->encoder,
                                  err);
    }
    return p->encoder
               ? midge_bundle_read(env, bytes->data, bytes->size, p->encoder,
                                   p->model, err)
               : midge_model_read(env, bytes->data, bytes->size, p->model, err);
}

static midge_status get(const midge_env *env, const midge_op_host *host,
                        const char *ref, const part *p, midge_error *err) {
    midge_buf bytes;
    midge_buf_init(&bytes, env, 0);
    midge_status status = host->get_blob(host->ctx, ref, &bytes, err);
    if (status == MIDGE_OK) {
        status = read_part(env, &bytes, p, err);
    }
    midge_buf_deinit(&bytes);
    return status;
}

midge_status mdg_blob_table(const midge_env *env, const midge_op_host *host,
                            const char *ref, midge_table **out,
                            midge_error *err) {
    *out = NULL;
    return get(env, host, ref, &(part){.table = out}, err);
}

midge_status mdg_blob_encoder(const midge_env *env, const midge_op_host *host,
                              const char *ref, midge_encoder **out,
                              midge_error *err) {
    *out = NULL;
    return get(env, host, ref, &(part){.encoder = out}, err);
}

midge_status mdg_blob_model(const midge_env *env, const midge_op_host *host,
                            const char *ref, midge_model **out,
                            midge_error *err) {
    *out = NULL;
    return get(env, host, ref, &(part){.model = out}, err);
}

midge_status mdg_blob_bundle(const midge_env *env, const midge_op_host *host,
                             const char *ref, midge_encoder **encoder,
                             midge_model **model, midge_error *err) {
    *encoder = NULL;
    *model = NULL;
    return get(env, host, ref, &(part){.encoder = encoder, .model = model},
               err);
}
