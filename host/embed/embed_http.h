/* embed_http.h: an endpoint, as the files of this room share it. */
#ifndef MDG_EMBED_HTTP_H
#define MDG_EMBED_HTTP_H

#include <curl/curl.h>

#include "embed/embed_open.h"
#include "midge/json.h"

#define MDG_HTTP_BATCH_MAX   2048u
#define MDG_HTTP_SHOWN_BYTES 160u /* of what a server says, in an error */

typedef struct mdg_http {
    const midge_env *env;
    CURL *curl;
    struct curl_slist *headers;
    char *url;
    char *host; /* for errors: never the whole address, which may hold a key */
    char *model;
    char *key; /* NULL: none; wiped when freed */
    int is_local;
    uint32_t dim; /* 0 until it is known */
    uint32_t dimensions;
    uint32_t batch;
    uint32_t timeout_ms;
    uint32_t retries;
    uint32_t wait_max_ms;
    uint64_t response_max_bytes;
    int (*wait)(void *ctx, uint32_t ms);
    void *wait_ctx;
    midge_buf request;
    midge_buf answer;
    /* Of the call that is running. */
    const midge_embed_batch *call;
    size_t n_done;
    int was_cancelled;
} mdg_http;

/* embed_http_setup.c: everything from the options; sends nothing. */
midge_status mdg_http_new(const midge_env *env,
                          const midge_embed_http_options *options,
                          mdg_http **out, midge_error *err);
void mdg_http_free(void *self);

/* embed_http_send.c: posts h->request until there is an answer of 200, which is
 * then in h->answer. */
midge_status mdg_http_send(mdg_http *h, midge_error *err);

/* embed_http_answer.c: the vectors of `count` texts out of h->answer: that of
 * the text n (by "index") to out + place[n] * dim. With h->dim 0 the answer
 * tells the dim, and nothing is written. */
midge_status mdg_http_read_answer(mdg_http *h, size_t count,
                                  const size_t *place, float *out,
                                  midge_error *err);
/* What a server that says no says, for a person: cut, in one line, the key
 * blotted out. */
void mdg_http_complaint(mdg_http *h, char text[MDG_HTTP_SHOWN_BYTES]);

#endif
