/* ops_test.c: the table of operations and the checking of arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ops_host.h"
#include "test_env.h"

static midge_status check(const char *op, const char *json, char *text,
                          midge_error *err) {
    struct test_env t;
    midge_arena arena;
    midge_buf out;
    midge_json_writer w;
    const midge_json *given;
    const midge_json *args;
    test_env_init(&t);
    midge_arena_init(&arena, &t.env, 1 << 20);
    midge_buf_init(&out, &t.env, 0);
    assert_int_equal(midge_json_read(&arena, json, strlen(json), &given, NULL),
                     MIDGE_OK);
    midge_status status =
        midge_op_check(midge_ops_find(op), &arena, given, &args, err);
    if (status == MIDGE_OK && text) {
        midge_json_writer_init(&w, &out, 0);
        midge_json_value(&w, args);
        assert_int_equal(midge_json_writer_end(&w), MIDGE_OK);
        memcpy(text, out.data, out.size);
        text[out.size] = 0;
    } else if (status != MIDGE_OK) {
        assert_null(args);
    }
    midge_buf_deinit(&out);
    midge_arena_deinit(&arena);
    assert_int_equal(t.held_bytes, 0);
    return status;
}

static void table_is_sorted_and_whole(void **state) {
    (void)state;
    assert_true(midge_ops_count() >= 18);
    for (size_t i = 0; i < midge_ops_count(); i++) {
        const midge_op *op = midge_ops_at(i);
        assert_ptr_equal(midge_ops_find(op->name), op);
        assert_true(!(op->doors & MIDGE_OP_TASK) == !op->run);
        assert_true(op->doors != 0 && op->summary[0] && op->description[0]);
        if (i > 0) {
            assert_true(strcmp(midge_ops_at(i - 1)->name, op->name) < 0);
        }
    }
    assert_null(midge_ops_find("nothing"));
    assert_null(midge_ops_find(NULL));
    assert_null(midge_ops_at(midge_ops_count()));
}

static void defaults_are_filled_in(void **state) {
    char text[1024];
    (void)state;
    assert_int_equal(
        check("data.split", "{\"data\":\"d\",\"target\":\"t\"}", text, NULL),
        MIDGE_OK);
    assert_string_equal(text, "{\"data\":\"d\",\"target\":\"t\","
                              "\"test_fraction\":0.2,\"seed\":1}");
    /* null is absent; order is the table's */
    assert_int_equal(check("data.split",
                           "{\"seed\":null,\"test_fraction\":0.5,"
                           "\"target\":\"t\",\"data\":\"d\"}",
                           text, NULL),
                     MIDGE_OK);
    assert_string_equal(text, "{\"data\":\"d\",\"target\":\"t\","
                              "\"test_fraction\":0.5,\"seed\":1}");
}

static void refuses(const char *op, const char *json, const char *why) {
    midge_error err = {.text = ""};
    assert_int_equal(check(op, json, NULL, &err), MIDGE_E_INVALID);
    assert_non_null(strstr(err.text, why));
}

static void wrong_arguments_are_named(void **state) {
    (void)state;
    refuses("data.split", "{\"data\":\"d\"}", "target is missing");
    refuses("data.split", "{\"data\":null,\"target\":\"t\"}",
            "data is missing");
    refuses("data.split", "{\"data\":\"d\",\"target\":\"t\",\"sed\":1}",
            "no argument sed");
    refuses("data.split", "{\"data\":\"d\",\"target\":4}",
            "target must be text");
    refuses("data.split", "{\"data\":\"d\\u0000x\",\"target\":\"t\"}",
            "data must be text");
    refuses("data.split", "{\"data\":\"d\",\"target\":\"t\",\"seed\":1.5}",
            "seed must be a whole number");
    refuses("data.split", "{\"data\":\"d\",\"target\":\"t\",\"seed\":-1}",
            "seed must be at least 0");
    refuses("data.split",
            "{\"data\":\"d\",\"target\":\"t\",\"test_fraction\":0.9}",
            "test_fraction must be at most 0.5");
    refuses("data.split", "[]", "must be an object");
    refuses("learn", "{\"file\":\"f\",\"target\":\"t\",\"json\":1}",
            "json must be true or false");
    refuses("learn.exchange", "{\"found\":{}}", "found must be array");
    refuses("learn.exchange", "{\"found\":[],\"board\":[]}",
            "board must be object");
}

static void a_failed_run_appends_nothing(void **state) {
    struct test_env t;
    struct ops_host h;
    midge_buf out;
    midge_error err;
    const char *args = "{\"data\":\"gone\",\"target\":\"t\"}";
    (void)state;
    test_env_init(&t);
    ops_host_init(&h);
    midge_buf_init(&out, &t.env, 0);
    assert_int_equal(midge_buf_puts(&out, "before"), MIDGE_OK);
    assert_int_equal(midge_op_run(midge_ops_find("data.load"), &t.env, &h.host,
                                  args, strlen(args), &out, &err),
                     MIDGE_E_NOT_FOUND);
    assert_int_equal(midge_op_run(midge_ops_find("status"), &t.env, &h.host,
                                  "{}", 2, &out, &err),
                     MIDGE_E_UNSUPPORTED);
    assert_int_equal(midge_op_run(midge_ops_find("data.load"), &t.env, &h.host,
                                  "{", 1, &out, &err),
                     MIDGE_E_PARSE);
    assert_int_equal(out.size, 6);
    midge_buf_deinit(&out);
    ops_host_deinit(&h);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_sorted_and_whole),
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(a_failed_run_appends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
