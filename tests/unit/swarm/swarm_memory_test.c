/* Every allocation fails once: the answer is MIDGE_E_NOMEM, the state is what
 * it was, and nothing leaks. And the limits. */
#include "swarm_fixture.h"

static midge_text cans[] = {{"cpu", 3}, {"gpu", 3}};
static const uint32_t first[] = {0};
static const midge_task_spec plan[] = {
    {.name = {"a", 1},
     .kind = {"k", 1},
     .input = {"{\"x\":[1,2,3]}", 13},
     .capabilities = cans,
     .n_capabilities = 2,
     .max_attempts = 1},
    {.name = {"b", 1}, .kind = {"k", 1}, .deps = first, .n_deps = 1},
    {.name = {"c", 1}, .kind = {"k", 1}},
    {.name = {"d", 1}, .kind = {"k", 1}},
};

static midge_status run(midge_swarm *swarm, midge_events *events,
                        midge_command command) {
    char before[MIDGE_SHA256_HEX];
    char after[MIDGE_SHA256_HEX];
    assert_int_equal(midge_swarm_hash(swarm, before), MIDGE_OK);
    midge_status status = midge_swarm_decide(swarm, &command, events, NULL);
    for (size_t i = 0; status == MIDGE_OK && i < midge_events_count(events);
         i++) {
        status = midge_swarm_reserve(swarm, midge_events_at(events, i));
    }
    if (status != MIDGE_OK) {
        assert_int_equal(status, MIDGE_E_NOMEM);
        assert_int_equal(midge_swarm_hash(swarm, after), MIDGE_OK);
        assert_string_equal(before, after);
        check_invariants(swarm);
        return status;
    }
    for (size_t i = 0; i < midge_events_count(events); i++) {
        midge_swarm_apply(swarm, midge_events_at(events, i));
    }
    return MIDGE_OK;
}

static midge_status scenario(const midge_env *env) {
    midge_swarm *swarm = NULL;
    midge_events *events = NULL;
    midge_status status = midge_swarm_new(env, &swarm);
    if (status == MIDGE_OK) {
        status = midge_events_new(env, &events);
    }
    midge_command steps[] = {cmd_join("ann", 4, cans, 2),
                             cmd_submit("key", plan, 4),
                             cmd_claim(1, 0),
                             cmd_claim(1, 0),
                             cmd_claim(1, 0),
                             cmd_complete(3, 1, "{\"y\":1}"),
                             cmd_fail(4, 1, 1, 0),
                             cmd(MIDGE_COMMAND_TICK, 100000),
                             cmd_join("bob", 1, cans, 1),
                             cmd(MIDGE_COMMAND_RECOVER, 0)};
    size_t n_steps = sizeof steps / sizeof steps[0];
    for (size_t i = 0; status == MIDGE_OK && i < n_steps; i++) {
        status = run(swarm, events, steps[i]);
    }
    midge_swarm_free(swarm);
    midge_events_free(events);
    return status;
}

static void every_allocation_may_fail(void **state) {
    struct test_env memory;
    long n = 0;
    midge_status status = MIDGE_E_NOMEM;
    while (status != MIDGE_OK) {
        test_env_init(&memory);
        memory.fail_at = ++n;
        status = scenario(&memory.env);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        assert_int_equal(memory.held_bytes, 0);
    }
    assert_true(n > 20);
}

static void capabilities_are_limited(void **state) {
    fixture f;
    char names[65][8];
    midge_text can[65];
    fixture_open(&f);
    for (uint32_t i = 0; i < 65; i++) {
        snprintf(names[i], sizeof names[i], "c%02u", i % 100);
        can[i] = text(names[i]);
    }
    midge_command c = cmd_join("a", 1, can, 65);
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_LIMIT);
    c = cmd_join("a", 1, can, 64);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_join("b", 1, can + 64, 1);
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_LIMIT);
    c = cmd_join("b", 1, can + 3, 5);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    midge_task_spec task = {.name = {"t", 1},
                            .kind = {"k", 1},
                            .capabilities = can + 64,
                            .n_capabilities = 1};
    c = cmd_submit("", &task, 1);
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_LIMIT);
    fixture_close(&f);
}

static void texts_are_limited(void **state) {
    static char big[MIDGE_SWARM_VALUE_MAX + 1];
    fixture f;
    fixture_open(&f);
    memset(big, 'x', sizeof big);
    midge_command c = cmd_join("a", 1, NULL, 0);
    c.name.data = big;
    c.name.size = MIDGE_SWARM_NAME_MAX + 1;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_LIMIT);
    c.name.size = MIDGE_SWARM_NAME_MAX;
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c.slots = 100000;
    c.name.size = 5;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_LIMIT);
    big[0] = '"';
    big[MIDGE_SWARM_VALUE_MAX - 1] = '"';
    midge_task_spec task = {.name = {"t", 1},
                            .kind = {"k", 1},
                            .input = {big, MIDGE_SWARM_VALUE_MAX + 1}};
    c = cmd_submit("", &task, 1);
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_LIMIT);
    task.input.size = MIDGE_SWARM_VALUE_MAX;
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_claim(1, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_complete(1, 1, "1");
    c.result.data = big;
    c.result.size = sizeof big;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_LIMIT);
    memset(big, '[', 200);
    c.result.size = 200;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_LIMIT); /* depth */
    c = cmd_claim(1, 0);
    c.lease_ms = -1;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_INVALID);
    c.type = (midge_command_type)99;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_INVALID);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(capabilities_are_limited),
        cmocka_unit_test(texts_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
