/* embed_http.c: an endpoint that speaks OpenAI's /v1/embeddings, behind the
 * port of embedders: texts go out some at a time, in order. */
#include "embed/embed_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request is not made longer than that by more texts. */
#define REQUEST_BYTES ((size_t)4 << 20)

/* ---- A request ----------------------------------------------------------- */

static midge_status write_request(mdg_http *h, const midge_text *texts,
                                  const size_t *place, size_t count) {
    midge_json_writer w;
    midge_buf_clear(&h->request);
    midge_json_writer_init(&w, &h->request, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "model");
    midge_json_string(&w, h->model);
    midge_json_key(&w, "input");
    midge_json_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        midge_json_string_n(&w, texts[place[i]].data, texts[place[i]].size);
    }
    midge_json_end_array(&w);
    midge_json_key(&w, "encoding_format");
    midge_json_string(&w, "float");
    if (h->dimensions) {
        midge_json_key(&w, "dimensions");
        midge_json_int(&w, h->dimensions);
    }
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

/* The next texts that go together, from *at on; returns how many. */
static size_t choose(const mdg_http *h, const midge_embed_batch *batch,
                     size_t *at, size_t *place) {
    size_t n = 0;
    size_t bytes = 0;
    for (; *at < batch->count && n < h->batch; ++*at) {
        size_t size = batch->texts[*at].size;
        if (batch->skipped[*at]) {
            continue;
        }
        if (n > 0 && size > REQUEST_BYTES - bytes) {
            break;
        }
        bytes += size < REQUEST_BYTES - bytes ? size : REQUEST_BYTES - bytes;
        place[n++] = *at;
    }
    return n;
}

/* Says which texts the error is about. */
static midge_status name_texts(midge_status status,
                               const midge_embed_batch *batch,
                               const size_t *place, size_t count,
                               midge_error *err) {
    if (!err || status == MIDGE_OK || status == MIDGE_E_CANCELLED) {
        return status;
    }
    midge_error inner = *err;
    unsigned long long first = batch->first + place[0];
    unsigned long long last = batch->first + place[count - 1];
    if (first == last) {
        return midge_fail(err, status, "text %llu: %s", first, inner.text);
    }
    return midge_fail(err, status, "texts %llu to %llu: %s", first, last,
                      inner.text);
}

static midge_status embed_some(mdg_http *h, const midge_embed_batch *batch,
                               const size_t *place, size_t count, float *out,
                               midge_error *err) {
    midge_status status = write_request(h, batch->texts, place, count);
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "no room for a request");
    }
    status = mdg_http_send(h, err);
    if (status == MIDGE_OK) {
        status = mdg_http_read_answer(h, count, place, out, err);
    }
    return name_texts(status, batch, place, count, err);
}

static midge_status embed_all(mdg_http *h, const midge_embed_batch *batch,
                              size_t *place, float *out, midge_error *err) {
    size_t at = 0;
    size_t n;
    while ((n = choose(h, batch, &at, place)) > 0) {
        MIDGE_TRY(embed_some(h, batch, place, n, out, err));
        h->n_done = at;
        if (batch->progress &&
            batch->progress(batch->progress_ctx, at, batch->count)) {
            return midge_fail(err, MIDGE_E_CANCELLED, "cancelled");
        }
    }
    return MIDGE_OK;
}

static midge_status embed(void *self, const midge_embed_batch *batch,
                          float *out, midge_error *err) {
    mdg_http *h = self;
    size_t *place = malloc(MDG_HTTP_BATCH_MAX * sizeof *place);
    if (!place) {
        return MIDGE_E_NOMEM;
    }
    h->call = batch;
    h->n_done = 0;
    midge_status status = embed_all(h, batch, place, out, err);
    h->call = NULL;
    free(place);
    return status;
}

/* ---- State --------------------------------------------------------------- */

static midge_status state_write(const void *self, midge_buf *out) {
    const mdg_http *h = self;
    midge_json_writer w;
    midge_json_writer_init(&w, out, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "model");
    midge_json_string(&w, h->model);
    midge_json_key(&w, "dimensions");
    midge_json_int(&w, h->dimensions);
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

static midge_status state_read(void *self, const void *bytes, size_t size,
                               midge_error *err) {
    const mdg_http *h = self;
    midge_arena arena;
    const midge_json *root = NULL;
    midge_arena_init(&arena, h->env, size * 64 + 4096);
    midge_status status = midge_json_read(&arena, bytes, size, &root, NULL);
    const char *model = midge_json_get_string(root, "model", NULL);
    int64_t dimensions = midge_json_get_int(root, "dimensions", -1);
    if (status == MIDGE_E_NOMEM) {
        status = midge_fail(err, status, "no memory for a state");
    } else if (status != MIDGE_OK || !model || dimensions < 0) {
        status = midge_fail(err, MIDGE_E_CORRUPT,
                            "the state of an embedder names no model");
    } else if (strcmp(model, h->model) != 0) {
        status = midge_fail(err, MIDGE_E_MISMATCH,
                            "the index was made with the model %s, not %s",
                            model, h->model);
    } else if (dimensions != (int64_t)h->dimensions) {
        status = midge_fail(err, MIDGE_E_MISMATCH,
                            "the index was made with %lld dimensions asked "
                            "for, not %u",
                            (long long)dimensions, h->dimensions);
    }
    midge_arena_deinit(&arena);
    return status;
}

/* ---- The port ------------------------------------------------------------ */

static const midge_embedder_port http_port = {
    .kind = "http",
    .no_vector = "it is blank",
    .embed = embed,
    .state_write = state_write,
    .state_read = state_read,
    .free = mdg_http_free,
};

/* One text, to see whether all is well and what the dim is. */
static midge_status probe(mdg_http *h, midge_error *err) {
    static const midge_text text = {"dimension", 9};
    static const size_t place = 0;
    midge_status status = write_request(h, &text, &place, 1);
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "no room for a request");
    }
    MIDGE_TRY(mdg_http_send(h, err));
    return mdg_http_read_answer(h, 1, &place, NULL, err);
}

midge_status midge_embed_open_http(const midge_env *env,
                                   const midge_embed_http_options *options,
                                   midge_embedder **out, midge_error *err) {
    char name[256];
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || !options) {
        return midge_fail(err, MIDGE_E_INVALID, "env or options missing");
    }
    mdg_http *h;
    MIDGE_TRY(mdg_http_new(env, options, &h, err));
    midge_status status = h->dim == 0 ? probe(h, err) : MIDGE_OK;
    if (status != MIDGE_OK) {
        mdg_http_free(h);
        return status;
    }
    (void)snprintf(name, sizeof name, "%s at %s (%u dimensions)", h->model,
                   h->host, h->dim);
    return midge_embedder_new_take(env, &http_port, h, h->dim, name, out, err);
}
