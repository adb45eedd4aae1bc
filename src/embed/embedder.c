/* embedder.c: what every embedder does alike: texts are looked at before the
 * source gets them, vectors before the caller does, and the state is framed. */
#include "midge/embed.h"

#include <string.h>

#include "base/alloc.h"
#include "base/frame.h"
#include "base/utf8.h"

#define MAGIC   "MIDGEEMB"
#define VERSION 1u

struct midge_embedder {
    const midge_env *env;
    const midge_embedder_port *port;
    void *self;
    uint32_t dim;
    char *name;
    size_t name_size; /* with its zero */
};

midge_status midge_embedder_new_take(const midge_env *env,
                                     const midge_embedder_port *port,
                                     void *self, uint32_t dim, const char *name,
                                     midge_embedder **out, midge_error *err) {
    if (out) {
        *out = NULL;
    }
    if (!env || !port || !out || !name || dim == 0 ||
        dim > MIDGE_EMBED_DIM_MAX) {
        if (port) {
            port->free(self);
        }
        return midge_fail(err, MIDGE_E_INVALID,
                          "an embedder needs a source, a name and 1 to 65536 "
                          "dimensions");
    }
    size_t name_size = strlen(name) + 1;
    midge_embedder *e = mdg_alloc_zero(env, 1, sizeof *e);
    char *copy = mdg_alloc(env, name_size, 1);
    if (!e || !copy) {
        mdg_release(env, e, 1, sizeof *e);
        mdg_release(env, copy, name_size, 1);
        port->free(self);
        return mdg_no_memory("an embedder", err);
    }
    memcpy(copy, name, name_size);
    *e = (midge_embedder){env, port, self, dim, copy, name_size};
    *out = e;
    return MIDGE_OK;
}

void midge_embedder_free(midge_embedder *e) {
    if (!e) {
        return;
    }
    e->port->free(e->self);
    mdg_release(e->env, e->name, e->name_size, 1);
    mdg_release(e->env, e, 1, sizeof *e);
}

uint32_t midge_embedder_dim(const midge_embedder *e) {
    return e ? e->dim : 0;
}

const char *midge_embedder_name(const midge_embedder *e) {
    return e ? e->name : "";
}

/* ---- Texts --------------------------------------------------------------- */

static midge_status fail_text(const midge_embed_batch *batch, size_t i,
                              midge_status status, const char *why,
                              midge_error *err) {
    (void)midge_fail(err, status, "text %llu: %s",
                     (unsigned long long)batch->first + i, why);
    if (err) {
        err->line = (int64_t)i + 1;
    }
    return status;
}

static int is_text(const midge_text *text) {
    if (!text->data) {
        return text->size == 0;
    }
    for (size_t i = 0; i < text->size;) {
        size_t step = mdg_utf8_size(text->data + i, text->size - i);
        if (step == 0) {
            return 0;
        }
        i += step;
    }
    return 1;
}

static int is_blank(const midge_text *text) {
    for (size_t i = 0; i < text->size; i++) {
        char c = text->data[i];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return 0;
        }
    }
    return 1;
}

/* All of them, before any work is done. */
static midge_status look_at_texts(const midge_embed_batch *batch,
                                  uint8_t *skipped, midge_error *err) {
    for (size_t i = 0; i < batch->count; i++) {
        if (!is_text(&batch->texts[i])) {
            return fail_text(batch, i, MIDGE_E_INVALID, "is not UTF-8", err);
        }
        skipped[i] = (uint8_t)is_blank(&batch->texts[i]);
        if (skipped[i] && !batch->skipped) {
            return fail_text(batch, i, MIDGE_E_NOT_FOUND,
                             "has no vector: it is blank", err);
        }
    }
    return MIDGE_OK;
}

/* ---- Vectors ------------------------------------------------------------- */

typedef enum looks { LOOKS_WELL, LOOKS_ZERO, LOOKS_INFINITE } looks;

static looks look_at_vector(size_t dim, const float *v) {
    looks found = LOOKS_ZERO;
    for (size_t j = 0; j < dim; j++) {
        if (v[j] - v[j] != 0.0f) {
            return LOOKS_INFINITE;
        }
        found = v[j] != 0.0f ? LOOKS_WELL : found;
    }
    return found;
}

static void fill_nan(size_t dim, float *v) {
    for (size_t j = 0; j < dim; j++) {
        v[j] = __builtin_nanf("");
    }
}

/* Marks the texts without a vector, or fails at the first of them. */
static midge_status look_at_vectors(const midge_embedder *e,
                                    const midge_embed_batch *batch,
                                    uint8_t *skipped, float *out,
                                    midge_error *err) {
    uint64_t n_skipped = 0;
    for (size_t i = 0; i < batch->count; i++) {
        float *v = out + i * e->dim;
        looks found = skipped[i] ? LOOKS_ZERO : look_at_vector(e->dim, v);
        if (found == LOOKS_INFINITE) {
            return fail_text(batch, i, MIDGE_E_INVALID,
                             "has a vector with numbers too large for floats",
                             err);
        }
        skipped[i] = found == LOOKS_ZERO;
        if (!skipped[i]) {
            continue;
        }
        if (!batch->skipped) {
            char why[96] = "has no vector: ";
            size_t at = strlen(why);
            size_t size = strlen(e->port->no_vector);
            size = size < sizeof why - at ? size : sizeof why - at - 1;
            memcpy(why + at, e->port->no_vector, size);
            why[at + size] = '\0';
            return fail_text(batch, i, MIDGE_E_NOT_FOUND, why, err);
        }
        fill_nan(e->dim, v);
        n_skipped++;
    }
    if (batch->report) {
        batch->report->n_skipped += n_skipped;
        batch->report->n_texts += batch->count - n_skipped;
    }
    return MIDGE_OK;
}

static midge_status run(midge_embedder *e, const midge_embed_batch *batch,
                        uint8_t *skipped, float *out, midge_error *err) {
    midge_embed_batch inner = *batch;
    inner.skipped = skipped;
    MIDGE_TRY(look_at_texts(batch, skipped, err));
    MIDGE_TRY(e->port->embed(e->self, &inner, out, err));
    return look_at_vectors(e, batch, skipped, out, err);
}

static midge_status no_memory(midge_status status, midge_error *err) {
    return status == MIDGE_E_NOMEM
               ? midge_fail(err, status, "no memory to embed texts")
               : status;
}

midge_status midge_embedder_embed(midge_embedder *e,
                                  const midge_embed_batch *batch, float *out,
                                  midge_error *err) {
    if (!e || !batch || (batch->count > 0 && (!batch->texts || !out))) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "embedder, texts or out "
                          "missing");
    }
    if (batch->count == 0) {
        return MIDGE_OK;
    }
    uint8_t *own = NULL;
    uint8_t *skipped = batch->skipped;
    if (!skipped) {
        skipped = own = mdg_alloc(e->env, batch->count, 1);
        if (!own) {
            return no_memory(MIDGE_E_NOMEM, err);
        }
    }
    midge_status status = run(e, batch, skipped, out, err);
    mdg_release(e->env, own, batch->count, 1);
    return no_memory(status, err);
}

midge_status midge_embedder_fit(midge_embedder *e, size_t count,
                                const midge_text *texts, int *fitted,
                                midge_error *err) {
    int ignored;
    fitted = fitted ? fitted : &ignored;
    *fitted = 0;
    if (!e || (count > 0 && !texts)) {
        return midge_fail(err, MIDGE_E_INVALID, "embedder or texts missing");
    }
    midge_embed_batch all = {.count = count, .texts = texts};
    for (size_t i = 0; i < count; i++) {
        if (!is_text(&texts[i])) {
            return fail_text(&all, i, MIDGE_E_INVALID, "is not UTF-8", err);
        }
    }
    if (!e->port->fit) {
        return MIDGE_OK;
    }
    return no_memory(e->port->fit(e->self, count, texts, fitted, err), err);
}

/* ---- State --------------------------------------------------------------- */

static midge_status put_state(const midge_embedder *e, midge_buf *out) {
    midge_buf part;
    size_t kind_size = strlen(e->port->kind);
    midge_buf_init(&part, e->env, (size_t)16 << 20);
    midge_status status = e->port->state_write(e->self, &part);
    if (status == MIDGE_OK) {
        (void)mdg_put_u32(out, (uint32_t)kind_size);
        (void)midge_buf_append(out, e->port->kind, kind_size);
        (void)mdg_put_u32(out, e->dim);
        (void)mdg_put_u32(out, (uint32_t)part.size);
        (void)midge_buf_append(out, part.data, part.size);
        status = out->status;
    }
    midge_buf_deinit(&part);
    return status;
}

midge_status midge_embedder_state_write(const midge_embedder *e,
                                        midge_buf *out) {
    if (!e || !out) {
        return MIDGE_E_INVALID;
    }
    size_t start;
    MIDGE_TRY(mdg_frame_begin(out, MAGIC, VERSION, &start));
    return mdg_frame_end(out, start, put_state(e, out));
}

midge_status midge_embedder_state_read(midge_embedder *e, const void *bytes,
                                       size_t size, midge_error *err) {
    if (!e || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "embedder or bytes missing");
    }
    mdg_reader r;
    MIDGE_TRY(
        mdg_frame_open(bytes, size, MAGIC, VERSION, "embedder state", &r, err));
    uint32_t kind_size = mdg_get_u32(&r);
    const uint8_t *kind = mdg_get_bytes(&r, kind_size);
    uint32_t dim = mdg_get_u32(&r);
    uint32_t part_size = mdg_get_u32(&r);
    const uint8_t *part = mdg_get_bytes(&r, part_size);
    if (!kind || !part || r.failed || mdg_reader_left(&r) != 0) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "the sizes in the state of an embedder do not add "
                          "up");
    }
    int shown = kind_size < 20 ? (int)kind_size : 20;
    if (kind_size != strlen(e->port->kind) ||
        memcmp(kind, e->port->kind, kind_size) != 0) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "the index was made with an embedder \"%.*s\", and "
                          "this one is \"%s\"",
                          shown, (const char *)kind, e->port->kind);
    }
    if (dim != e->dim) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "the index was made with %u dimensions, and the "
                          "embedder has %u",
                          dim, e->dim);
    }
    return e->port->state_read(e->self, part, part_size, err);
}
