/* ops_host.h: a midge_op_host in memory for tests: blobs in a list, a clock
 * that moves by 1 ms a look. */
#ifndef OPS_HOST_H
#define OPS_HOST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midge/hash.h"
#include "midge/ops.h"

#define OPS_HOST_BLOBS 256

struct ops_host {
    midge_op_host host;
    struct {
        char ref[72];
        char *bytes;
        size_t size;
    } blobs[OPS_HOST_BLOBS];
    int n_blobs;
    double ms;
    int cancel; /* what `cancelled` answers */
};

static inline midge_status ops_host_get(void *ctx, const char *ref,
                                        midge_buf *out, midge_error *err) {
    struct ops_host *h = ctx;
    for (int i = 0; i < h->n_blobs; i++) {
        if (strcmp(h->blobs[i].ref, ref) == 0) {
            return midge_buf_append(out, h->blobs[i].bytes, h->blobs[i].size);
        }
    }
    return midge_fail(err, MIDGE_E_NOT_FOUND, "no blob %s", ref);
}

static inline midge_status ops_host_put(void *ctx, const void *bytes,
                                        size_t size, char ref[72],
                                        midge_error *err) {
    struct ops_host *h = ctx;
    char hex[MIDGE_SHA256_HEX];
    midge_sha256_hex(bytes, size, hex);
    snprintf(ref, 72, "sha256:%s", hex);
    for (int i = 0; i < h->n_blobs; i++) {
        if (strcmp(h->blobs[i].ref, ref) == 0) {
            return MIDGE_OK;
        }
    }
    if (h->n_blobs == OPS_HOST_BLOBS) {
        return midge_fail(err, MIDGE_E_LIMIT, "too many blobs for this test");
    }
    char *copy = malloc(size + 1);
    memcpy(copy, bytes, size);
    memcpy(h->blobs[h->n_blobs].ref, ref, 72);
    h->blobs[h->n_blobs].bytes = copy;
    h->blobs[h->n_blobs++].size = size;
    return MIDGE_OK;
}

static inline double ops_host_now(void *ctx) {
    struct ops_host *h = ctx;
    return h->ms += 1.0;
}

static inline int ops_host_cancelled(void *ctx) {
    return ((struct ops_host *)ctx)->cancel;
}

static inline void ops_host_init(struct ops_host *h) {
    memset(h, 0, sizeof *h);
    h->host = (midge_op_host){.ctx = h,
                              .get_blob = ops_host_get,
                              .put_blob = ops_host_put,
                              .now_ms = ops_host_now,
                              .cancelled = ops_host_cancelled};
}

static inline void ops_host_deinit(struct ops_host *h) {
    while (h->n_blobs > 0) {
        free(h->blobs[--h->n_blobs].bytes);
    }
}

/* 60 rows, two classes apart by x, with a text column, holes and three rows
 * without a target. */
static inline void ops_host_csv(char *out, size_t size) {
    static const char *const colours[] = {"red", "green", "blue"};
    size_t at = (size_t)snprintf(out, size, "x,noise,colour,kind\n");
    for (int i = 0; i < 63; i++) {
        int kind = i % 2;
        at += (size_t)snprintf(out + at, size - at, "%d,", kind * 10 + i % 5);
        at += (size_t)snprintf(out + at, size - at, i % 7 ? "%d," : ",",
                               i * 37 % 11);
        at += (size_t)snprintf(out + at, size - at, "%s,%s\n", colours[i % 3],
                               i >= 60 ? ""
                               : kind  ? "far"
                                       : "near");
    }
}

#endif
