/* embed_http_send.c: one request until it is answered. What may pass by itself
 * (429, 5xx, a connection that broke, a timeout) is tried again, after a time
 * that doubles or that the server asked for; embedding twice does no harm. */
#include "embed/embed_http.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define FIRST_WAIT_MS 500u

static int sleep_ms(void *ctx, uint32_t ms) {
    struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};
    (void)ctx;
    while (nanosleep(&left, &left) != 0) {
    }
    return 0;
}

/* ---- One attempt --------------------------------------------------------- */

typedef struct attempt {
    CURLcode code;
    long http; /* 0: no answer */
    char text[CURL_ERROR_SIZE];
} attempt;

static void try_once(mdg_http *h, attempt *a) {
    CURL *c = h->curl;
    midge_buf_clear(&h->answer);
    a->text[0] = '\0';
    a->http = 0;
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->text);
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, h->request.data);
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
                           (curl_off_t)h->request.size);
    a->code = curl_easy_perform(c);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, NULL);
    if (a->code == CURLE_OK) {
        (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->http);
    }
    if (h->call && h->call->report) {
        h->call->report->n_requests++;
    }
}

static int may_pass(const attempt *a) {
    switch (a->code) {
    case CURLE_OK:
        return a->http == 429 || a->http == 500 || a->http == 502 ||
               a->http == 503 || a->http == 504;
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return 1;
    default:
        return 0;
    }
}

/* ---- What went wrong ----------------------------------------------------- */

static midge_status fail_redirect(mdg_http *h, long http, midge_error *err) {
    char *to = NULL;
    char host[128] = "another place";
    (void)curl_easy_getinfo(h->curl, CURLINFO_REDIRECT_URL, &to);
    CURLU *url = curl_url();
    char *name = NULL;
    if (url && to && curl_url_set(url, CURLUPART_URL, to, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &name, 0) == CURLUE_OK) {
        (void)snprintf(host, sizeof host, "%s", name);
    }
    curl_free(name);
    curl_url_cleanup(url);
    return midge_fail(err, MIDGE_E_IO,
                      "%s answered %ld and points to %s; redirects are not "
                      "followed: give that url, if it is to be trusted",
                      h->host, http, host);
}

static midge_status fail_transfer(mdg_http *h, const attempt *a,
                                  midge_error *err) {
    const char *why = a->text[0] ? a->text : curl_easy_strerror(a->code);
    if (h->was_cancelled) {
        return midge_fail(err, MIDGE_E_CANCELLED, "cancelled");
    }
    if (h->answer.status == MIDGE_E_LIMIT) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "%s sent an answer of more than %llu bytes", h->host,
                          (unsigned long long)h->response_max_bytes);
    }
    if (h->answer.status != MIDGE_OK) {
        return midge_fail(err, h->answer.status, "no memory for an answer");
    }
    if (a->code == CURLE_OPERATION_TIMEDOUT) {
        return midge_fail(err, MIDGE_E_TIMEOUT,
                          "%s did not answer within %u ms", h->host,
                          h->timeout_ms);
    }
    return midge_fail(err, MIDGE_E_IO, "%s: %s", h->host, why);
}

static midge_status fail_attempt(mdg_http *h, const attempt *a,
                                 midge_error *err) {
    char text[MDG_HTTP_SHOWN_BYTES];
    if (a->code != CURLE_OK) {
        return fail_transfer(h, a, err);
    }
    if (a->http >= 300 && a->http < 400) {
        return fail_redirect(h, a->http, err);
    }
    mdg_http_complaint(h, text);
    return midge_fail(err, MIDGE_E_IO, "%s answered %ld%s%s", h->host, a->http,
                      text[0] ? ": " : "", text);
}

/* ---- Again --------------------------------------------------------------- */

/* How long before the next attempt, `n` of them having failed. */
static uint64_t wait_for(mdg_http *h, const attempt *a, uint32_t n) {
    curl_off_t seconds = 0;
    if (a->code == CURLE_OK) {
        (void)curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &seconds);
    }
    if (seconds > 0) {
        return seconds > INT32_MAX ? (uint64_t)INT32_MAX * 1000
                                   : (uint64_t)seconds * 1000;
    }
    return (uint64_t)FIRST_WAIT_MS << (n - 1 < 10 ? n - 1 : 10);
}

static void log_retry(const mdg_http *h, const attempt *a, uint64_t ms) {
    char text[128];
    if (h->env->log_fn) {
        (void)snprintf(text, sizeof text,
                       "event=embed_retry http=%ld curl=%d wait_ms=%llu",
                       a->http, (int)a->code, (unsigned long long)ms);
        h->env->log_fn(h->env->log_ctx, MIDGE_LOG_WARN, text);
    }
}

midge_status mdg_http_send(mdg_http *h, midge_error *err) {
    attempt a;
    h->was_cancelled = 0;
    for (uint32_t n = 1;; n++) {
        try_once(h, &a);
        if (a.code == CURLE_OK && a.http == 200) {
            return MIDGE_OK;
        }
        if (h->was_cancelled || n > h->retries || !may_pass(&a)) {
            return fail_attempt(h, &a, err);
        }
        uint64_t ms = wait_for(h, &a, n);
        if (ms > h->wait_max_ms) {
            return fail_attempt(h, &a, err);
        }
        log_retry(h, &a, ms);
        if ((h->wait ? h->wait : sleep_ms)(h->wait_ctx, (uint32_t)ms)) {
            return midge_fail(err, MIDGE_E_CANCELLED, "cancelled");
        }
        if (h->call && h->call->report) {
            h->call->report->n_retries++;
        }
    }
}
