/* embed_open.h: embedders of the outside world: word vectors in a file, and any
 * endpoint that speaks OpenAI's /v1/embeddings. What they do is in
 * midge/embed.h; midge_embedder_free frees them. */
#ifndef MIDGE_EMBED_OPEN_H
#define MIDGE_EMBED_OPEN_H

#include "midge/embed.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Word vectors of the file `path`, which is mapped while it is read. With
 * `frequencies_path` (else NULL) the frequencies of that file. `options` may be
 * NULL; its `frequencies` must be NULL, its name is the file's when NULL.
 * Errors as midge_embedder_words_new, and MIDGE_E_NOT_FOUND, MIDGE_E_IO; all
 * name the file. A compressed file is refused with the command that unpacks it.
 */
MIDGE_NODISCARD midge_status midge_embed_open_words(
    const midge_env *env, const char *path, const char *frequencies_path,
    const midge_words_options *options, midge_embedder **out, midge_error *err);

typedef struct midge_embed_http_options {
    /* "http://localhost:11434/v1/embeddings". A path that ends with /v1 gets
     * /embeddings behind it. No user or password in it; http and https only. */
    const char *url;
    const char *model;
    /* NAME of the environment variable that holds the key, sent as a bearer
     * token; NULL: none is sent. The key is never logged and never in an error.
     * It is not sent over http but to this machine, unless plain_key is 1. */
    const char *key_variable;
    int plain_key;
    uint32_t dimensions; /* asked of the endpoint; 0: the model's own */
    /* The dim that the index has; an endpoint that answers with another is
     * MIDGE_E_MISMATCH. With 0 (and dimensions 0) opening sends one request,
     * the text "dimension", to learn it; else opening sends nothing. */
    uint32_t expect_dim;
    uint32_t batch;      /* texts in a request, to 2048; 0: 64 */
    uint32_t timeout_ms; /* of one request; 0: 60000 */
    /* A request is sent again so often after 429, 500, 502, 503, 504, a
     * connection that broke or a timeout: after 0.5 s, 1 s, 2 s, ..., or after
     * what Retry-After says; -1: 4. A wait of more than wait_max_ms (0: 60000)
     * is not begun: the request has failed. */
    int retries;
    uint32_t wait_max_ms;
    uint64_t response_max_bytes; /* 0: 64 MiB */
    /* Waits; non-zero ends the work with MIDGE_E_CANCELLED. NULL: sleeps. */
    int (*wait)(void *ctx, uint32_t ms);
    void *wait_ctx;
} midge_embed_http_options;

#define MIDGE_EMBED_HTTP_DEFAULTS                                              \
    {NULL, NULL, NULL, 0, 0, 0, 0, 0, -1, 0, 0, NULL, NULL}

/* An endpoint. TLS certificates are verified; redirects are not followed (err
 * says where one points to). MIDGE_E_INVALID names the option that is wrong or
 * the variable that is not set. */
MIDGE_NODISCARD midge_status midge_embed_open_http(
    const midge_env *env, const midge_embed_http_options *options,
    midge_embedder **out, midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
