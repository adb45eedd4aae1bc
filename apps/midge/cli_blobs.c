/* cli_blobs.c: an operation run by the command line itself: to check input
 * before a swarm is made for it, and to predict. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_bar.h"
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
    const cli_blobs *blobs = ctx;
    (void)snprintf(ref, 72, "nowhere");
    if (!blobs->stored) {
        return MIDGE_OK;
    }
    midge_buf_clear(blobs->stored);
    return midge_buf_append(blobs->stored, bytes, size) == MIDGE_OK
               ? MIDGE_OK
               : midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu bytes",
                            size);
}

static void progress(void *ctx, double fraction, const char *note) {
    const cli_blobs *blobs = ctx;
    if (blobs->bar) {
        cli_bar_note(blobs->bar, fraction, note ? note : "");
    }
}

static int cancelled(void *ctx) {
    const cli_blobs *blobs = ctx;
    return blobs->interruptible && cli_interrupted();
}

static double now(void *ctx) {
    (void)ctx;
    return midge_os_monotonic_ms();
}

midge_status cli_run_op(cli *c, const char *op, const cli_blobs *blobs,
                        const char *args_json, size_t size,
                        const midge_json **answer, midge_error *err) {
    midge_op_host host = {.ctx = (void *)blobs,
                          .get_blob = get,
                          .put_blob = put,
                          .now_ms = now,
                          .progress = progress,
                          .cancelled = cancelled};
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

static void put_arg(cli *c, const midge_arg *arg, const cli_blobs *blobs,
                    midge_json_writer *w) {
    int is_data = strcmp(arg->name, "data") == 0 && blobs->data;
    int is_model = strcmp(arg->name, "model") == 0 && blobs->model;
    const midge_json *given = midge_json_get(c->args, arg->name);
    if (is_data || is_model) {
        midge_json_key(w, arg->name);
        midge_json_string(w, arg->name);
    } else if (given) {
        midge_json_key(w, arg->name);
        midge_json_value(w, given);
    }
}

static midge_status run_with_threads(cli *c, const char *op,
                                     const cli_blobs *blobs,
                                     const midge_buf *call,
                                     const midge_json **answer,
                                     midge_error *err) {
    const midge_env before = c->env;
    midge_os_pool *pool;
    unsigned threads = (unsigned)midge_json_get_int(c->args, "threads", 0);
    if (midge_os_pool_new(threads, &pool, err) == MIDGE_OK) {
        midge_os_pool_attach(pool, &c->env);
    } else {
        (void)cli_complain(CLI_DONE, "%s; going on with one", err->text);
    }
    midge_status status =
        cli_run_op(c, op, blobs, call->data, call->size, answer, err);
    c->env = before;
    midge_os_pool_free(pool);
    return status;
}

midge_status cli_pass_to_op(cli *c, const char *name, const cli_blobs *blobs,
                            const midge_json **answer, midge_error *err) {
    const midge_op *op = midge_ops_find(name);
    midge_json_writer w;
    midge_buf call;
    *answer = NULL;
    midge_buf_init(&call, &c->env, 0);
    midge_json_writer_init(&w, &call, 0);
    midge_json_begin_object(&w);
    for (size_t i = 0; i < op->n_args; i++) {
        put_arg(c, &op->args[i], blobs, &w);
    }
    midge_json_end_object(&w);
    midge_status status = midge_json_writer_end(&w);
    status = status == MIDGE_OK
                 ? run_with_threads(c, name, blobs, &call, answer, err)
                 : midge_fail(err, status, "out of memory");
    midge_buf_deinit(&call);
    return status;
}
