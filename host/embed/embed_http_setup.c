/* embed_http_setup.c: an endpoint's options, checked, and a curl handle that
 * does no more than it needs: two protocols, no redirects, no stored cookies or
 * passwords, certificates verified. */
#include "embed/embed_http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midge/version.h"

#define KEY_BYTES_MAX 4096u

/* ---- The address --------------------------------------------------------- */

static char *part_of(CURLU *url, CURLUPart part) {
    char *text = NULL;
    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/* An address, not a name that only begins like one; curl itself makes sure that
 * "localhost" is this machine. */
static int is_local(const char *host) {
    struct in_addr address;
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &address) == 1 &&
            ntohl(address.s_addr) >> 24 == 127);
}

/* ".../v1" becomes ".../v1/embeddings". */
static int complete_path(CURLU *url) {
    char *path = part_of(url, CURLUPART_PATH);
    char whole[1024];
    int fine = path != NULL;
    size_t size = path ? strlen(path) : 0;
    while (size > 0 && path[size - 1] == '/') {
        size--;
    }
    if (size >= 3 && memcmp(path + size - 3, "/v1", 3) == 0) {
        int n =
            snprintf(whole, sizeof whole, "%.*s/embeddings", (int)size, path);
        fine = n > 0 && (size_t)n < sizeof whole &&
               curl_url_set(url, CURLUPART_PATH, whole, 0) == CURLUE_OK;
    }
    curl_free(path);
    return fine;
}

static char *copy_text(const char *text) {
    return text ? strdup(text) : NULL;
}

static midge_status take_url(mdg_http *h, CURLU *url, const char *text,
                             midge_error *err) {
    if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the url is not one, or not http or https");
    }
    char *scheme = part_of(url, CURLUPART_SCHEME);
    char *user = part_of(url, CURLUPART_USER);
    char *password = part_of(url, CURLUPART_PASSWORD);
    char *host = part_of(url, CURLUPART_HOST);
    int is_web =
        scheme && (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);
    int is_plain = scheme && strcmp(scheme, "http") == 0;
    int has_login = user || password;
    h->host = copy_text(host);
    h->is_local = host && is_local(host);
    curl_free(scheme);
    curl_free(user);
    curl_free(password);
    curl_free(host);
    if (!is_web) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the url must begin with https:// or http://");
    }
    if (has_login) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the url has a user or password in it; give the "
                          "name of a variable that holds the key instead");
    }
    if (curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
        !complete_path(url)) {
        return midge_fail(err, MIDGE_E_INVALID, "the url is too long");
    }
    char *whole = part_of(url, CURLUPART_URL);
    h->url = copy_text(whole);
    curl_free(whole);
    if (!h->url || !h->host) {
        return MIDGE_E_NOMEM;
    }
    return is_plain && !h->is_local ? MIDGE_E_UNSUPPORTED : MIDGE_OK;
}

/* MIDGE_E_UNSUPPORTED, without a text: fine, but a key would be seen. */
static midge_status set_url(mdg_http *h, const char *text, midge_error *err) {
    if (!text || text[0] == '\0') {
        return midge_fail(err, MIDGE_E_INVALID, "no url was given");
    }
    CURLU *url = curl_url();
    if (!url) {
        return MIDGE_E_NOMEM;
    }
    midge_status status = take_url(h, url, text, err);
    curl_url_cleanup(url);
    return status;
}

/* ---- The key ------------------------------------------------------------- */

static midge_status set_key(mdg_http *h, const char *variable,
                            midge_error *err) {
    const char *key = getenv(variable);
    if (!key || key[0] == '\0') {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the environment has no %s to take the key from",
                          variable);
    }
    size_t size = strlen(key);
    for (size_t i = 0; i < size; i++) {
        if (key[i] <= ' ' || key[i] > '~' || size > KEY_BYTES_MAX) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "what is in %s cannot be a key: it has spaces, "
                              "ends of lines or other such bytes, or is too "
                              "long",
                              variable);
        }
    }
    h->key = strdup(key);
    return h->key ? MIDGE_OK : MIDGE_E_NOMEM;
}

static void wipe(char *text) {
    if (text) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

/* ---- Curl ---------------------------------------------------------------- */

static size_t take_bytes(char *bytes, size_t size, size_t count, void *ctx) {
    mdg_http *h = ctx;
    size_t n = size * count;
    return midge_buf_append(&h->answer, bytes, n) == MIDGE_OK ? n : 0;
}

static int may_go_on(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c,
                     curl_off_t d) {
    mdg_http *h = ctx;
    const midge_embed_batch *call = h->call;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    if (call && call->progress &&
        call->progress(call->progress_ctx, h->n_done, call->count)) {
        h->was_cancelled = 1;
    }
    return h->was_cancelled;
}

static int add_header(mdg_http *h, const char *text) {
    struct curl_slist *more = curl_slist_append(h->headers, text);
    h->headers = more ? more : h->headers;
    return more != NULL;
}

static midge_status set_headers(mdg_http *h) {
    int fine = add_header(h, "Content-Type: application/json") &&
               add_header(h, "Accept: application/json") &&
               add_header(h, "Expect:");
    if (fine && h->key) {
        static const char form[] = "Authorization: Bearer ";
        size_t size = sizeof form + strlen(h->key);
        char *text = malloc(size);
        if (!text) {
            return MIDGE_E_NOMEM;
        }
        (void)snprintf(text, size, "%s%s", form, h->key);
        fine = add_header(h, text);
        wipe(text);
    }
    return fine ? MIDGE_OK : MIDGE_E_NOMEM;
}

static midge_status set_curl(mdg_http *h, midge_error *err) {
    CURL *c = h->curl;
    long connect_ms = h->timeout_ms < 10000 ? (long)h->timeout_ms : 10000;
    int bad = curl_easy_setopt(c, CURLOPT_URL, h->url) ||
              curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") ||
              curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) ||
              curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) ||
              curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) ||
              curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) ||
              curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)h->timeout_ms) ||
              curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) ||
              curl_easy_setopt(c, CURLOPT_USERAGENT, "midge/" MIDGE_VERSION) ||
              curl_easy_setopt(c, CURLOPT_HTTPHEADER, h->headers) ||
              curl_easy_setopt(c, CURLOPT_POST, 1L) ||
              curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_bytes) ||
              curl_easy_setopt(c, CURLOPT_WRITEDATA, h) ||
              curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L) ||
              curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, may_go_on) ||
              curl_easy_setopt(c, CURLOPT_XFERINFODATA, h);
    /* What is said to this machine goes through no proxy. */
    if (h->is_local) {
        bad = bad || curl_easy_setopt(c, CURLOPT_PROXY, "");
    }
    return bad ? midge_fail(err, MIDGE_E_INTERNAL, "libcurl lacks an option")
               : MIDGE_OK;
}

/* ---- All of it ----------------------------------------------------------- */

static midge_status set_numbers(mdg_http *h, const midge_embed_http_options *o,
                                midge_error *err) {
    h->dimensions = o->dimensions;
    h->dim = o->dimensions ? o->dimensions : o->expect_dim;
    h->batch = o->batch ? o->batch : 64;
    h->timeout_ms = o->timeout_ms ? o->timeout_ms : 60000;
    h->retries = o->retries < 0 ? 4 : (uint32_t)o->retries;
    h->wait_max_ms = o->wait_max_ms ? o->wait_max_ms : 60000;
    h->response_max_bytes =
        o->response_max_bytes ? o->response_max_bytes : (uint64_t)64 << 20;
    if (h->batch > MDG_HTTP_BATCH_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a batch of %u texts; at most %u", h->batch,
                          MDG_HTTP_BATCH_MAX);
    }
    if (h->dim > MIDGE_EMBED_DIM_MAX) {
        return midge_fail(err, MIDGE_E_INVALID, "%u dimensions; at most %u",
                          h->dim, MIDGE_EMBED_DIM_MAX);
    }
    if (h->timeout_ms > INT32_MAX || h->response_max_bytes > SIZE_MAX / 64) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the timeout or the bytes of an answer are too "
                          "many");
    }
    if (o->expect_dim && o->dimensions && o->expect_dim != o->dimensions) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "%u dimensions are asked for, and %u are wanted",
                          o->dimensions, o->expect_dim);
    }
    return MIDGE_OK;
}

static midge_status set_all(mdg_http *h, const midge_embed_http_options *o,
                            midge_error *err) {
    MIDGE_TRY(set_numbers(h, o, err));
    if (!o->model || o->model[0] == '\0') {
        return midge_fail(err, MIDGE_E_INVALID, "no model was named");
    }
    midge_status status = set_url(h, o->url, err);
    if (status == MIDGE_E_UNSUPPORTED && o->key_variable && !o->plain_key) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a key would go to %s over http, where others can "
                          "read it; use https",
                          h->host);
    }
    if (status != MIDGE_OK && status != MIDGE_E_UNSUPPORTED) {
        return status;
    }
    if (o->key_variable) {
        MIDGE_TRY(set_key(h, o->key_variable, err));
    }
    h->model = strdup(o->model);
    h->wait = o->wait;
    h->wait_ctx = o->wait_ctx;
    if (!h->model || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return MIDGE_E_NOMEM;
    }
    h->curl = curl_easy_init();
    if (!h->curl) {
        return MIDGE_E_NOMEM;
    }
    MIDGE_TRY(set_headers(h));
    return set_curl(h, err);
}

midge_status mdg_http_new(const midge_env *env,
                          const midge_embed_http_options *options,
                          mdg_http **out, midge_error *err) {
    *out = NULL;
    mdg_http *h = calloc(1, sizeof *h);
    if (!h) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for an endpoint");
    }
    h->env = env;
    midge_status status = set_all(h, options, err);
    midge_buf_init(&h->request, env, 0);
    midge_buf_init(&h->answer, env, (size_t)h->response_max_bytes);
    if (status != MIDGE_OK) {
        mdg_http_free(h);
        return status == MIDGE_E_NOMEM
                   ? midge_fail(err, status, "no memory for an endpoint")
                   : status;
    }
    *out = h;
    return MIDGE_OK;
}

void mdg_http_free(void *self) {
    mdg_http *h = self;
    if (!h) {
        return;
    }
    for (struct curl_slist *at = h->headers; at; at = at->next) {
        explicit_bzero(at->data, strlen(at->data)); /* one holds the key */
    }
    if (h->curl) {
        curl_easy_cleanup(h->curl);
        curl_global_cleanup();
    }
    curl_slist_free_all(h->headers);
    midge_buf_deinit(&h->request);
    midge_buf_deinit(&h->answer);
    wipe(h->key);
    free(h->url);
    free(h->host);
    free(h->model);
    free(h);
}
