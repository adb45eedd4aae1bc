/* Golden traces: for each command, exactly which events it comes to. */
#include "swarm_fixture.h"

static midge_task_spec spec(const char *name, const uint32_t *deps,
                            uint32_t n_deps) {
    midge_task_spec s = {.name = text(name),
                         .kind = text("compute"),
                         .deps = deps,
                         .n_deps = n_deps};
    return s;
}

/* a -> b, a -> c, (b, c) -> d */
static void submit_diamond(fixture *f) {
    static const uint32_t on_a[] = {0};
    static const uint32_t on_bc[] = {2, 1};
    midge_task_spec tasks[] = {spec("a", NULL, 0), spec("b", on_a, 1),
                               spec("c", on_a, 1), spec("d", on_bc, 2)};
    fixture_expect(f, cmd_submit("k", tasks, 4),
                   "run.submitted r1\ntask.added t1 a deps=0\n"
                   "task.added t2 b deps=1\ntask.added t3 c deps=1\n"
                   "task.added t4 d deps=2\n");
}

static void join_one(fixture *f, const char *name, uint32_t slots) {
    midge_command c = cmd_join(name, slots, NULL, 0);
    assert_int_equal(fixture_do(f, &c), MIDGE_OK);
}

static void success_wakes_dependents(void **state) {
    fixture f;
    fixture_open(&f);
    fixture_expect(&f, cmd_join("ann", 0, NULL, 0),
                   "agent.joined a1 ann slots=1\n");
    join_one(&f, "bob", 1);
    submit_diamond(&f);
    fixture_expect(&f, cmd_claim(1, 5),
                   "task.leased t1 a1 attempt=1 fence=1 until=30005\n");
    fixture_expect(&f, cmd_claim(1, 5), "");
    fixture_expect(&f, cmd_claim(2, 5), "");
    fixture_expect(&f, cmd_complete(1, 1, "{\"x\": [1,\n2]}"),
                   "task.succeeded t1 {\"x\": [1,\n2]}\ntask.ready t2\n"
                   "task.ready t3\n");
    midge_task_view view;
    assert_int_equal(midge_swarm_task(f.live, 1, &view), 1);
    assert_memory_equal(view.result.data, "{\"x\": [1, 2]}", 13);
    fixture_expect(&f, cmd_claim(1, 6),
                   "task.leased t2 a1 attempt=1 fence=1 until=30006\n");
    fixture_expect(&f, cmd_claim(2, 6),
                   "task.leased t3 a2 attempt=1 fence=1 until=30006\n");
    fixture_expect(&f, cmd_complete(3, 1, ""), "task.succeeded t3 null\n");
    fixture_expect(&f, cmd_complete(2, 1, "1"),
                   "task.succeeded t2 1\ntask.ready t4\n");
    fixture_expect(&f, cmd_claim(0, 7),
                   /* bob has done less */
                   "task.leased t4 a2 attempt=1 fence=1 until=30007\n");
    fixture_expect(&f, cmd_complete(4, 1, "2"),
                   "task.succeeded t4 2\nrun.finished r1 succeeded\n");
    midge_run_view run;
    assert_int_equal(midge_swarm_run(f.live, 1, &run), 1);
    assert_int_equal(run.state, MIDGE_RUN_SUCCEEDED);
    fixture_close(&f);
}

static void failure_skips_what_waits(void **state) {
    fixture f;
    fixture_open(&f);
    join_one(&f, "ann", 1);
    submit_diamond(&f);
    fixture_expect(&f, cmd_claim(1, 0),
                   "task.leased t1 a1 attempt=1 fence=1 until=30000\n");
    fixture_expect(&f, cmd_fail(1, 1, 0, 9),
                   "task.failed t1 attempt=1 'no luck'\ntask.skipped t2\n"
                   "task.skipped t3\ntask.skipped t4\n"
                   "run.finished r1 failed\n");
    fixture_expect(&f, cmd_submit("k", NULL, 0), ""); /* a known key */
    fixture_close(&f);
}

static void retries_back_off_and_end(void **state) {
    fixture f;
    fixture_open(&f);
    join_one(&f, "ann", 1);
    midge_task_spec one = spec("a", NULL, 0);
    one.backoff_ms = 400000;
    midge_command c = cmd_submit("", &one, 1);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    assert_int_equal(midge_swarm_next_due_ms(f.live), INT64_MAX);
    fixture_expect(&f, cmd_claim(1, 0),
                   "task.leased t1 a1 attempt=1 fence=1 until=30000\n");
    assert_int_equal(midge_swarm_next_due_ms(f.live), 30000);
    fixture_expect(&f, cmd(MIDGE_COMMAND_TICK, 29999), "");
    fixture_expect(&f, cmd(MIDGE_COMMAND_TICK, 30000),
                   "task.retried t1 attempt=1 until=430000 'lease expired'\n");
    fixture_expect(&f, cmd_claim(1, 40000), "");
    fixture_expect(&f, cmd(MIDGE_COMMAND_TICK, 430000), "task.ready t1\n");
    fixture_expect(&f, cmd_claim(1, 500000),
                   "task.leased t1 a1 attempt=2 fence=2 until=530000\n");
    fixture_expect(&f, cmd_fail(1, 2, 1, 500001), /* 800 s, capped at 600 s */
                   "task.retried t1 attempt=2 until=1100001 'no luck'\n");
    fixture_expect(&f, cmd(MIDGE_COMMAND_TICK, 2000000), "task.ready t1\n");
    fixture_expect(&f, cmd_claim(1, 2000000),
                   "task.leased t1 a1 attempt=3 fence=3 until=2030000\n");
    fixture_expect(&f, cmd(MIDGE_COMMAND_TICK, 3000000),
                   "task.failed t1 attempt=3 'lease expired'\n"
                   "run.finished r1 failed\n");
    fixture_close(&f);
}

/* Two tasks of a run fail in one TICK and share a dependent: it is skipped
 * once, and the run ends once, after its last task. */
static void one_tick_ends_a_run_once(void **state) {
    fixture f;
    fixture_open(&f);
    join_one(&f, "ann", 2);
    static const uint32_t both[] = {0, 1};
    midge_task_spec tasks[] = {spec("a", NULL, 0), spec("b", NULL, 0),
                               spec("c", both, 2)};
    tasks[0].max_attempts = 1;
    tasks[1].max_attempts = 1;
    midge_command c = cmd_submit("", tasks, 3);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_claim(1, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    fixture_expect(&f, cmd(MIDGE_COMMAND_TICK, 40000),
                   "task.failed t1 attempt=1 'lease expired'\n"
                   "task.skipped t3\n"
                   "task.failed t2 attempt=1 'lease expired'\n"
                   "run.finished r1 failed\n");
    fixture_close(&f);
}

static void a_stale_result_is_rejected(void **state) {
    fixture f;
    fixture_open(&f);
    join_one(&f, "ann", 1);
    submit_diamond(&f);
    midge_command c = cmd_claim(1, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    fixture_expect(&f, cmd(MIDGE_COMMAND_TICK, 30000),
                   "task.retried t1 attempt=1 until=31000 'lease expired'\n");
    c = cmd_complete(1, 1, "1");
    c.agent = 1;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_STALE);
    assert_string_equal(f.trace, "result.rejected t1 a1 fence=1\n");
    fixture_expect(&f, cmd(MIDGE_COMMAND_TICK, 31000), "task.ready t1\n");
    fixture_expect(&f, cmd_claim(1, 31000),
                   "task.leased t1 a1 attempt=2 fence=2 until=61000\n");
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_STALE);
    c = cmd_fail(1, 1, 1, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_STALE);
    c.type = MIDGE_COMMAND_EXTEND;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_STALE);
    c.fence = 2;
    c.now_ms = 60000;
    c.lease_ms = 5;
    fixture_expect(&f, c, "lease.extended t1 until=60005\n");
    c = cmd_complete(99, 1, "1");
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_NOT_FOUND);
    assert_string_equal(f.trace, "");
    fixture_expect(&f, cmd_complete(1, 2, "1"),
                   "task.succeeded t1 1\ntask.ready t2\ntask.ready t3\n");
    c = cmd_complete(1, 2, "1"); /* twice */
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_STALE);
    fixture_close(&f);
}

static void owners_go_and_attempts_come_back(void **state) {
    fixture f;
    fixture_open(&f);
    join_one(&f, "ann", 2);
    join_one(&f, "bob", 2);
    midge_task_spec tasks[] = {spec("a", NULL, 0), spec("b", NULL, 0)};
    midge_command c = cmd_submit("", tasks, 2);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_claim(1, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_claim(2, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd(MIDGE_COMMAND_LEAVE, 0);
    c.agent = 1;
    fixture_expect(&f, c,
                   "task.released t1 a1 attempt=0 fence=1\nagent.left a1\n");
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_NOT_FOUND);
    c = cmd_claim(1, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_NOT_FOUND);
    fixture_expect(&f, cmd_claim(2, 0),
                   "task.leased t1 a2 attempt=1 fence=2 until=30000\n");
    fixture_expect(&f, cmd(MIDGE_COMMAND_RECOVER, 0),
                   "task.released t1 a2 attempt=0 fence=2\n"
                   "task.released t2 a2 attempt=0 fence=1\n");
    c = cmd_join("bob", 1, NULL, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_EXISTS);
    fixture_expect(&f, cmd_join("ann", 3, NULL, 0),
                   "agent.joined a3 ann slots=3\n");
    assert_int_equal(midge_swarm_find_agent(f.live, text("ann")), 3);
    fixture_close(&f);
}

static void cancelling_ends_everything(void **state) {
    fixture f;
    fixture_open(&f);
    join_one(&f, "ann", 1);
    submit_diamond(&f);
    midge_command c = cmd_claim(1, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    fixture_expect(&f, cmd_complete(1, 1, "1"),
                   "task.succeeded t1 1\ntask.ready t2\ntask.ready t3\n");
    c = cmd_claim(1, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd(MIDGE_COMMAND_CANCEL, 0);
    c.run = 1;
    fixture_expect(&f, c,
                   "task.cancelled t2\ntask.cancelled t3\ntask.cancelled t4\n"
                   "run.finished r1 cancelled\n");
    fixture_expect(&f, c, "");
    c.run = 2;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_NOT_FOUND);
    c = cmd_complete(2, 1, "1");
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_STALE);
    fixture_expect(&f, cmd_claim(1, 0), "");
    assert_int_equal(midge_swarm_next_due_ms(f.live), INT64_MAX);
    fixture_close(&f);
}

static void claims_match_and_order(void **state) {
    fixture f;
    fixture_open(&f);
    midge_text gpu[] = {text("cpu"), text("gpu")};
    midge_task_spec tasks[] = {spec("low", NULL, 0), spec("high", NULL, 0),
                               spec("gpu", NULL, 0), spec("also", NULL, 0)};
    tasks[1].priority = 5;
    tasks[2].priority = 9;
    tasks[2].capabilities = gpu + 1;
    tasks[2].n_capabilities = 1;
    midge_command c = cmd_submit("", tasks, 4);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_join("plain", 1, gpu, 1);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    fixture_expect(&f, cmd_claim(0, 0),
                   "task.leased t2 a1 attempt=1 fence=1 until=30000\n");
    c = cmd_join("able", 1, gpu, 2);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_join("wide", 3, NULL, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    fixture_expect(&f, cmd_claim(0, 0),
                   "task.leased t3 a2 attempt=1 fence=1 until=30000\n");
    fixture_expect(&f, cmd_claim(0, 0), /* most free slots */
                   "task.leased t1 a3 attempt=1 fence=1 until=30000\n");
    fixture_expect(&f, cmd_claim(3, 0),
                   "task.leased t4 a3 attempt=1 fence=1 until=30000\n");
    fixture_expect(&f, cmd_claim(0, 0), "");
    fixture_close(&f);
}

/* The fixture compares the live state with one that only saw the log. */
static void blanks_around_values_are_not_kept(void **state) {
    fixture f;
    midge_task_view view;
    fixture_open(&f);
    midge_task_spec task = spec("a", NULL, 0);
    task.input = text("\n {\"x\": 1} \t");
    midge_command c = cmd_submit("", &task, 1);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_join("ann", 1, NULL, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = cmd_claim(0, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    c = (midge_command){.type = MIDGE_COMMAND_COMPLETE,
                        .task = 1,
                        .fence = 1,
                        .result = text(" [1]\n")};
    assert_int_equal(fixture_do(&f, &c), MIDGE_OK);
    assert_int_equal(midge_swarm_task(f.live, 1, &view), 1);
    assert_int_equal(view.result.size, 3);
    assert_int_equal(view.input.size, 8);
    fixture_close(&f);
}

static void bad_submissions_are_named(void **state) {
    fixture f;
    fixture_open(&f);
    static const uint32_t self[] = {0};
    static const uint32_t twice[] = {0, 0};
    midge_task_spec tasks[] = {spec("a", self, 1), spec("b", NULL, 0)};
    midge_command c = cmd_submit("", tasks, 1);
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_INVALID);
    assert_non_null(strstr(f.err.text, "'a'"));
    tasks[0] = spec("b", NULL, 0);
    c.n_tasks = 2;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_INVALID);
    assert_non_null(strstr(f.err.text, "'b' appears twice"));
    tasks[1] = spec("c", twice, 2);
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_INVALID);
    tasks[1] = spec("c", NULL, 0);
    tasks[1].input = text("{\"a\":1");
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_INVALID);
    assert_non_null(strstr(f.err.text, "not JSON"));
    tasks[1] = spec("\xff", NULL, 0);
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_INVALID);
    c.n_tasks = 0;
    assert_int_equal(fixture_do(&f, &c), MIDGE_E_INVALID);
    assert_int_equal(midge_swarm_last_seq(f.live), 0);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success_wakes_dependents),
        cmocka_unit_test(failure_skips_what_waits),
        cmocka_unit_test(retries_back_off_and_end),
        cmocka_unit_test(one_tick_ends_a_run_once),
        cmocka_unit_test(a_stale_result_is_rejected),
        cmocka_unit_test(owners_go_and_attempts_come_back),
        cmocka_unit_test(cancelling_ends_everything),
        cmocka_unit_test(claims_match_and_order),
        cmocka_unit_test(blanks_around_values_are_not_kept),
        cmocka_unit_test(bad_submissions_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
