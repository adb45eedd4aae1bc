/* Plans as JSON, and the inputs of tasks with results filled in. */
#include "swarm_fixture.h"

static void refuse(const char *plan, const char *why) {
    struct test_env memory;
    midge_arena arena;
    midge_command c;
    midge_error err = {0};
    test_env_init(&memory);
    midge_arena_init(&arena, &memory.env, 1 << 20);
    midge_status status = midge_plan_read(&arena, plan, strlen(plan), &c, &err);
    assert_true(status == MIDGE_E_INVALID || status == MIDGE_E_PARSE);
    if (!strstr(err.text, why)) {
        fail_msg("'%s' does not say '%s'", err.text, why);
    }
    assert_int_equal(c.n_tasks, 0);
    midge_arena_deinit(&arena);
    assert_int_equal(memory.held_bytes, 0);
}

static void plans_are_refused_by_name(void **state) {
    refuse("[]", "JSON object");
    refuse("{\"name\":\"x\"}", "no tasks");
    refuse("{\"tasks\":[]}", "no tasks");
    refuse("{\"tasks\":[{\"name\":\"a\"}]}", "kind");
    refuse("{\"tusks\":[]}", "tusks");
    refuse("{\"tasks\":[{\"name\":\"a\",\"kind\":\"k\",\"color\":1}]}",
           "color");
    refuse("{\"tasks\":[{\"name\":\"a\",\"kind\":\"k\",\"after\":[\"z\"]}]}",
           "'z'");
    refuse("{\"tasks\":[{\"name\":\"a\",\"kind\":\"k\"},"
           "{\"name\":\"a\",\"kind\":\"k\"}]}",
           "twice");
    refuse("{\"tasks\":[{\"name\":\"a\",\"kind\":\"k\",\"after\":[\"a\"]}]}",
           "a -> a");
    refuse("{\"tasks\":[{\"name\":\"z\",\"kind\":\"k\",\"after\":[\"a\"]},"
           "{\"name\":\"a\",\"kind\":\"k\",\"after\":[\"b\"]},"
           "{\"name\":\"b\",\"kind\":\"k\",\"after\":[\"c\"]},"
           "{\"name\":\"c\",\"kind\":\"k\",\"after\":[\"a\"]}]}",
           "cycle: a -> b -> c -> a");
    refuse("{\"tasks\":[{\"name\":\"a\",\"kind\":\"k\",\"priority\":\"x\"}]}",
           "priority");
}

static const char plan[] =
    "{\"name\":\"demo\",\"key\":\"k1\",\"tasks\":["
    "{\"name\":\"use\",\"kind\":\"k\",\"after\":[\"make\"],\"priority\":7,"
    "\"requires\":[\"cpu\"],\"max_attempts\":2,\"backoff_ms\":5,\"input\":"
    "{\"all\":{\"$task\":\"make\"},\"one\":[{\"$task\":\"make\",\"path\":"
    "\"/a~1b/1\"}],\"kept\":{\"$task\":\"make\",\"other\":1}}},"
    "{\"name\":\"make\",\"kind\":\"k\"},"
    "{\"name\":\"lost\",\"kind\":\"k\",\"after\":[\"make\"],"
    "\"input\":{\"$task\":\"make\",\"path\":\"/nothing\"}},"
    "{\"name\":\"early\",\"kind\":\"k\",\"input\":{\"$task\":\"use\"}}]}";

static void submit_plan(fixture *f) {
    midge_arena arena;
    midge_command c;
    midge_error err = {0};
    midge_arena_init(&arena, &f->memory.env, 1 << 20);
    if (midge_plan_read(&arena, plan, sizeof plan - 1, &c, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(c.n_tasks, 4);
    assert_memory_equal(c.tasks[0].name.data, "make", 4);
    assert_memory_equal(c.tasks[1].name.data, "use", 3);
    assert_int_equal(c.tasks[1].n_deps, 1);
    assert_int_equal(c.tasks[1].deps[0], 0);
    assert_int_equal(c.tasks[1].priority, 7);
    assert_int_equal(c.tasks[1].max_attempts, 2);
    assert_int_equal(c.tasks[1].n_capabilities, 1);
    assert_int_equal(fixture_do(f, &c), MIDGE_OK);
    midge_arena_deinit(&arena);
}

static void inputs_get_results(void **state) {
    fixture f;
    midge_buf out;
    fixture_open(&f);
    midge_command c = cmd_join("ann", 4, NULL, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    submit_plan(&f);
    uint32_t use = midge_swarm_find_task(f.live, 1, text("use"));
    midge_buf_init(&out, &f.memory.env, 0);
    assert_int_equal(midge_swarm_task_input(f.live, use, &out, &f.err),
                     MIDGE_E_STATE);
    assert_non_null(strstr(f.err.text, "'make'"));
    c = cmd_claim(1, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_complete(1, 1, "{\"a/b\":[1.50,{\"x\":true}]}");
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    midge_buf_clear(&out);
    assert_int_equal(midge_swarm_task_input(f.live, use, &out, &f.err),
                     MIDGE_OK);
    assert_int_equal(midge_buf_terminate(&out), MIDGE_OK);
    assert_string_equal(out.data, "{\"all\":{\"a/b\":[1.50,{\"x\":true}]},"
                                  "\"one\":[{\"x\":true}],"
                                  "\"kept\":{\"$task\":\"make\",\"other\":1}}");
    midge_buf_clear(&out);
    assert_int_equal(midge_swarm_task_input(
                         f.live, midge_swarm_find_task(f.live, 1, text("lost")),
                         &out, &f.err),
                     MIDGE_E_NOT_FOUND);
    assert_non_null(strstr(f.err.text, "/nothing"));
    midge_buf_deinit(&out);
    fixture_close(&f);
}

static void memory_may_run_out(void **state) {
    midge_status status = MIDGE_E_NOMEM;
    for (long n = 1; status != MIDGE_OK; n++) {
        struct test_env memory;
        midge_arena arena;
        midge_command c;
        test_env_init(&memory);
        memory.fail_at = n;
        midge_arena_init(&arena, &memory.env, 1 << 20);
        status = midge_plan_read(&arena, plan, sizeof plan - 1, &c, NULL);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        midge_arena_deinit(&arena);
        assert_int_equal(memory.held_bytes, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_refused_by_name),
        cmocka_unit_test(inputs_get_results),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
