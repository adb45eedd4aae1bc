/* ops_flow.h: operations run by hand on a host in memory. */
#ifndef OPS_FLOW_H
#define OPS_FLOW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ops_host.h"
#include "test_env.h"

struct flow {
    struct test_env t;
    struct ops_host h;
    midge_arena arena;
    char data[72];
};

static inline void flow_init(struct flow *f) {
    char csv[8192];
    test_env_init(&f->t);
    ops_host_init(&f->h);
    midge_arena_init(&f->arena, &f->t.env, 64 << 20);
    ops_host_csv(csv, sizeof csv);
    assert_int_equal(ops_host_put(&f->h, csv, strlen(csv), f->data, NULL),
                     MIDGE_OK);
}

static inline void flow_deinit(struct flow *f) {
    midge_arena_deinit(&f->arena);
    ops_host_deinit(&f->h);
    assert_int_equal(f->t.held_bytes, 0);
}

static inline midge_status run(struct flow *f, const char *op, const char *args,
                               const midge_json **out, midge_error *err) {
    midge_buf result;
    midge_buf_init(&result, &f->t.env, 0);
    *out = NULL;
    midge_status status =
        midge_op_run(midge_ops_find(op), &f->t.env, &f->h.host, args,
                     strlen(args), &result, err);
    if (status == MIDGE_OK) {
        status =
            midge_json_read(&f->arena, result.data, result.size, out, NULL);
    }
    midge_buf_deinit(&result);
    return status;
}

static inline const midge_json *must(struct flow *f, const char *op,
                                     const char *args) {
    const midge_json *out;
    midge_error err = {.text = ""};
    if (run(f, op, args, &out, &err) != MIDGE_OK) {
        fail_msg("%s: %s", op, err.text);
    }
    return out;
}

static inline const char *text(const midge_json *object, const char *key) {
    return midge_json_get_string(object, key, "");
}

/* The value as JSON text, in the arena. */
static inline const char *dump(struct flow *f, const midge_json *value) {
    midge_buf out;
    midge_json_writer w;
    midge_buf_init(&out, &f->t.env, 0);
    midge_json_writer_init(&w, &out, 0);
    midge_json_value(&w, value);
    assert_int_equal(midge_json_writer_end(&w), MIDGE_OK);
    const char *copy = midge_arena_copy(&f->arena, out.data, out.size);
    midge_buf_deinit(&out);
    assert_non_null(copy);
    return copy;
}

/* snprintf that must fit. */
MIDGE_PRINTF(3, 4)
static inline void print_into(char *text, size_t size, const char *format,
                              ...) {
    va_list list;
    va_start(list, format);
    int n = vsnprintf(text, size, format, list);
    va_end(list);
    assert_true(n > 0 && (size_t)n < size);
}

/* Lets each allocation of an operation fail in turn. */
static inline void sweep(struct flow *f, const char *op, const char *args) {
    for (long n = 1;; n++) {
        struct test_env t;
        midge_buf result;
        test_env_init(&t);
        t.fail_at = n;
        midge_buf_init(&result, &t.env, 0);
        midge_status status =
            midge_op_run(midge_ops_find(op), &t.env, &f->h.host, args,
                         strlen(args), &result, NULL);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        midge_buf_deinit(&result);
        assert_int_equal(t.held_bytes, 0);
        if (t.calls < n) {
            assert_int_equal(status, MIDGE_OK);
            return;
        }
        assert_int_equal(status, MIDGE_E_NOMEM);
    }
}

#endif
