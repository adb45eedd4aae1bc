/* bundle.c: encoder and model in one file; spec/formats/bundle.md. Each part
 * has its own checksum; that of the bundle is over its head. */
#include "base/bytes.h"
#include "model/model.h"

#include <string.h>

#define MAGIC   "MIDGEBUN"
#define VERSION 1u
#define HEAD    28u

static void put_size(char *at, uint64_t size) {
    for (int i = 0; i < 8; i++) {
        at[i] = (char)(uint8_t)(size >> (8 * i));
    }
}

midge_status midge_bundle_write(const midge_encoder *encoder,
                                const midge_model *model, midge_buf *out) {
    if (!encoder || !model || !out) {
        return MIDGE_E_INVALID;
    }
    if (midge_encoder_n_features(encoder) != model->n_inputs ||
        midge_encoder_n_outputs(encoder) != model->n_outputs ||
        midge_encoder_problem(encoder) != model->problem) {
        return MIDGE_E_MISMATCH;
    }
    size_t start = out->size;
    char head[HEAD + 4] = MAGIC;
    head[8] = (char)VERSION;
    MIDGE_TRY(midge_buf_append(out, head, sizeof head));
    MIDGE_TRY(midge_encoder_write(encoder, out));
    size_t middle = out->size;
    MIDGE_TRY(midge_model_write(model, out));
    put_size(head + 12, middle - start - sizeof head);
    put_size(head + 20, out->size - middle);
    uint32_t crc = mdg_crc32c(0, head, HEAD);
    for (size_t i = 0; i < 4; i++) {
        head[HEAD + i] = (char)(uint8_t)(crc >> (8 * i));
    }
    memcpy(out->data + start, head, sizeof head);
    return MIDGE_OK;
}

static midge_status read_head(mdg_reader *r, const void *bytes,
                              uint64_t *encoder, uint64_t *model,
                              midge_error *err) {
    const uint8_t *magic = mdg_get_bytes(r, 8);
    if (!magic || memcmp(magic, MAGIC, 8) != 0) {
        return midge_fail(err, MIDGE_E_PARSE, "not a model of midge learn");
    }
    uint32_t version = mdg_get_u32(r);
    if (!r->failed && version != VERSION) {
        return midge_fail(err, MIDGE_E_VERSION,
                          "version %u of the bundle is not known", version);
    }
    *encoder = mdg_get_u64(r);
    *model = mdg_get_u64(r);
    uint32_t crc = mdg_get_u32(r);
    if (r->failed || crc != mdg_crc32c(0, bytes, HEAD) ||
        *encoder > mdg_reader_left(r) ||
        *model != mdg_reader_left(r) - *encoder) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "the bundle is cut short or damaged");
    }
    return MIDGE_OK;
}

midge_status midge_bundle_read(const midge_env *env, const void *bytes,
                               size_t size, midge_encoder **encoder,
                               midge_model **model, midge_error *err) {
    if (!encoder || !model) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *encoder = NULL;
    *model = NULL;
    if (!env || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    mdg_reader r;
    uint64_t n_encoder = 0, n_model = 0;
    mdg_reader_init(&r, bytes, size);
    MIDGE_TRY(read_head(&r, bytes, &n_encoder, &n_model, err));
    const uint8_t *at = r.bytes + r.at;
    midge_status status =
        midge_encoder_read(env, at, (size_t)n_encoder, encoder, err);
    if (status == MIDGE_OK) {
        status =
            midge_model_read(env, at + n_encoder, (size_t)n_model, model, err);
    }
    if (status == MIDGE_OK &&
        (midge_encoder_n_features(*encoder) != (*model)->n_inputs ||
         midge_encoder_n_outputs(*encoder) != (*model)->n_outputs ||
         midge_encoder_problem(*encoder) != (*model)->problem)) {
        status = midge_fail(err, MIDGE_E_CORRUPT,
                            "encoder and model do not fit together");
    }
    if (status != MIDGE_OK) {
        midge_encoder_free(*encoder);
        midge_model_free(*model);
        *encoder = NULL;
        *model = NULL;
    }
    return status;
}
