/* test_ops.c: operations for tests of the pool. */
#include "test_ops.h"

#include <sched.h>
#include <string.h>

atomic_int test_ops_flaky_left;
atomic_int test_ops_waiting;

static midge_status write_int(midge_buf *result, int64_t value) {
    midge_json_writer w;
    midge_json_writer_init(&w, result, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "value");
    midge_json_int(&w, value);
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

static midge_status echo(const midge_env *env, const midge_op_host *host,
                         const midge_json *args, midge_buf *result,
                         midge_error *err) {
    (void)env;
    (void)err;
    host->progress(host->ctx, 0.5, "half");
    return write_int(result, midge_json_get_int(args, "value", -1));
}

/* Two milliseconds, so that a kill often finds a task at work. */
static midge_status slow(const midge_env *env, const midge_op_host *host,
                         const midge_json *args, midge_buf *result,
                         midge_error *err) {
    double end = host->now_ms(host->ctx) + 2;
    (void)env;
    (void)err;
    while (host->now_ms(host->ctx) < end) {
        sched_yield();
    }
    return write_int(result, midge_json_get_int(args, "value", -1));
}

static midge_status blob(const midge_env *env, const midge_op_host *host,
                         const midge_json *args, midge_buf *result,
                         midge_error *err) {
    char ref[72];
    midge_buf back;
    int64_t value = midge_json_get_int(args, "value", -1);
    MIDGE_TRY(host->put_blob(host->ctx, &value, sizeof value, ref, err));
    midge_buf_init(&back, env, 0);
    midge_status status = host->get_blob(host->ctx, ref, &back, err);
    int same = back.size == sizeof value &&
               memcmp(back.data, &value, sizeof value) == 0;
    midge_buf_deinit(&back);
    MIDGE_TRY(status);
    return same ? write_int(result, value)
                : midge_fail(err, MIDGE_E_CORRUPT, "another blob came back");
}

static midge_status junk(const midge_env *env, const midge_op_host *host,
                         const midge_json *args, midge_buf *result,
                         midge_error *err) {
    (void)env;
    (void)host;
    (void)args;
    (void)result;
    return midge_fail(err, MIDGE_E_PARSE, "line 3 is junk");
}

static midge_status flaky(const midge_env *env, const midge_op_host *host,
                          const midge_json *args, midge_buf *result,
                          midge_error *err) {
    (void)env;
    (void)host;
    if (atomic_fetch_sub(&test_ops_flaky_left, 1) > 0) {
        return midge_fail(err, MIDGE_E_IO, "the cable is loose");
    }
    return write_int(result, midge_json_get_int(args, "value", -1));
}

static midge_status wait_op(const midge_env *env, const midge_op_host *host,
                            const midge_json *args, midge_buf *result,
                            midge_error *err) {
    (void)env;
    (void)args;
    (void)result;
    atomic_fetch_add(&test_ops_waiting, 1);
    while (!host->cancelled(host->ctx)) {
        sched_yield();
    }
    atomic_fetch_sub(&test_ops_waiting, 1);
    return midge_fail(err, MIDGE_E_CANCELLED, "cancelled");
}

static midge_status large(const midge_env *env, const midge_op_host *host,
                          const midge_json *args, midge_buf *result,
                          midge_error *err) {
    static const char spaces[4096] = {0};
    char blanks[sizeof spaces];
    (void)env;
    (void)host;
    (void)args;
    (void)err;
    memset(blanks, ' ', sizeof blanks);
    MIDGE_TRY(midge_buf_puts(result, "{"));
    for (int i = 0; i < 100; i++) {
        MIDGE_TRY(midge_buf_append(result, blanks, sizeof blanks));
    }
    return midge_buf_puts(result, "}");
}

static const midge_arg value_arg[] = {
    {.name = "value", .help = "any", .type = MIDGE_ARG_INTEGER}};

#define OP(op_name, fn)                                                        \
    {.name = op_name,                                                          \
     .summary = op_name,                                                       \
     .description = op_name,                                                   \
     .example = "{}",                                                          \
     .args = value_arg,                                                        \
     .n_args = 1,                                                              \
     .doors = MIDGE_OP_TASK,                                                   \
     .run = fn}

const midge_op *test_ops_find(const char *name) {
    static const midge_op ops[] = {
        OP("test.echo", echo),    OP("test.blob", blob),
        OP("test.junk", junk),    OP("test.flaky", flaky),
        OP("test.wait", wait_op), OP("test.large", large),
        OP("test.slow", slow),
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (strcmp(ops[i].name, name) == 0) {
            return &ops[i];
        }
    }
    return NULL;
}
