/* cli_blobs.c: an operation run by the command line itself: to check input
 * before a swarm is made for it, and to predict. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "midge/os.h"

static midge_status get(void *ctx, const char *ref, midge_buf *out,
                        midge_error *err) {
    const cli_blobs *blobs = ctx;
    const midge_buf *from = strcmp(ref, "data") == 0    ? blobs->data
                            : strcmp(ref, "model") == 0 ? blobs->model
                                                        : NULL;
    if (!from) {
        return midge_fail(err, MIDGE_E_NOT_FOUND, "no blob %s", ref);
    }
    return midge_buf_append(out, from->data, from->size);
}

static midge_status put(void *ctx, const void *bytes, size_t size, char ref[72],
                        midge_error *err) {
    (void)ctx;
    (void)bytes;
    (void)size;
    (void)err;
    (void)snprintf(ref, 72, "nowhere");
    return MIDGE_OK;
}

static double now(void *ctx) {
    (void)ctx;
    return midge_os_monotonic_ms();
}

midge_status cli_run_op(cli *c, const char *op, const cli_blobs *blobs,
                        const char *args_json, size_t size,
                        const midge_json **answer, midge_error *err) {
    midge_op_host host = {
        .ctx = (void *)blobs, .get_blob = get, .put_blob = put, .now_ms = now};
    midge_buf result;
    *answer = NULL;
    midge_buf_init(&result, &c->env, 0);
    midge_status status = midge_op_run(midge_ops_find(op), &c->env, &host,
                                       args_json, size, &result, err);
    if (status == MIDGE_OK) {
        status =
            midge_json_read(&c->arena, result.data, result.size, answer, err);
    }
    midge_buf_deinit(&result);
    return status;
}
