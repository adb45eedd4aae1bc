/* pool_test.c: claimed, run, recorded; and every way a task can end. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compute/pool.h"
#include "memory/memory_store.h"
#include "midge/os.h"
#include "temp_dir.h"
#include "test_env.h"
#include "test_ops.h"

static midge_env env;
static struct temp_dir dir;
static midge_driver *driver;

static midge_text text(const char *t) {
    return (midge_text){t, (uint32_t)strlen(t)};
}

static void must(midge_command c) {
    midge_error err = {0};
    if (midge_driver_command(driver, &c, NULL, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
}

static int set_up(void **state) {
    (void)state;
    midge_store *store = NULL;
    midge_error err;
    env = midge_os_env();
    temp_dir_make(&dir);
    assert_int_equal(midge_memory_store_new(&env, &store), MIDGE_OK);
    assert_int_equal(midge_driver_open_take(&env, store, &driver, &err),
                     MIDGE_OK);
    must((midge_command){
        .type = MIDGE_COMMAND_JOIN, .name = text("ann"), .slots = 2});
    must((midge_command){
        .type = MIDGE_COMMAND_JOIN, .name = text("bob"), .slots = 2});
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    midge_driver_close(driver);
    temp_dir_remove(&dir);
    return 0;
}

static midge_pool *start_pool(const midge_pool_options *more) {
    midge_pool_options o = more ? *more : (midge_pool_options){0};
    midge_pool *pool = NULL;
    midge_error err = {0};
    o.n_threads = 3;
    o.blob_dir = dir.path;
    o.find = test_ops_find;
    if (midge_pool_start(&env, driver, &o, &pool, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return pool;
}

static void submit_one(const char *kind, const char *input,
                       uint32_t max_attempts) {
    const midge_task_spec task = {.name = text("only"),
                                  .kind = text(kind),
                                  .input = text(input),
                                  .max_attempts = max_attempts,
                                  .backoff_ms = 1};
    must((midge_command){.type = MIDGE_COMMAND_SUBMIT,
                         .name = text("run"),
                         .tasks = &task,
                         .n_tasks = 1});
}

/* What the last look at a task showed; the texts are copied. */
typedef struct seen {
    uint32_t task;
    midge_task_view view;
    char result[256];
    char error[256];
    midge_run_state run_state;
} seen;

static void look(void *ctx, const midge_swarm *swarm) {
    seen *s = ctx;
    midge_run_view run;
    assert_int_equal(midge_swarm_task(swarm, s->task, &s->view), 1);
    snprintf(s->result, sizeof s->result, "%.*s", (int)s->view.result.size,
             s->view.result.data);
    snprintf(s->error, sizeof s->error, "%.*s", (int)s->view.error.size,
             s->view.error.data);
    assert_int_equal(midge_swarm_run(swarm, s->view.run, &run), 1);
    s->run_state = run.state;
}

/* Waits until the task has the state, 30 s at most. */
static seen wait_for(uint32_t task, midge_task_state state) {
    seen s = {.task = task};
    uint64_t seq = 0;
    double end = midge_os_monotonic_ms() + 30000;
    do {
        seq = midge_driver_wait(driver, seq, 100);
        midge_driver_read(driver, look, &s);
    } while (s.view.state != state && midge_os_monotonic_ms() < end);
    if (s.view.state != state) {
        fail_msg("task %u is %s: %s", task, midge_task_state_name(s.view.state),
                 s.error);
    }
    return s;
}

static void results_flow_along_the_graph(void **state) {
    (void)state;
    const char plan[] =
        "{\"name\":\"r\",\"tasks\":["
        "{\"name\":\"a\",\"kind\":\"test.echo\",\"input\":{\"value\":7}},"
        "{\"name\":\"b\",\"kind\":\"test.blob\",\"after\":[\"a\"],\"input\":"
        "{\"value\":{\"$task\":\"a\",\"path\":\"/value\"}}}]}";
    midge_arena arena;
    midge_command submit;
    midge_error err = {0};
    midge_arena_init(&arena, &env, 1 << 20);
    if (midge_plan_read(&arena, plan, sizeof plan - 1, &submit, &err) !=
        MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    midge_pool *pool = start_pool(NULL);
    must(submit);
    seen s = wait_for(2, MIDGE_TASK_SUCCEEDED);
    assert_string_equal(s.result, "{\"value\":7}");
    assert_int_equal(s.run_state, MIDGE_RUN_SUCCEEDED);
    midge_pool_stop(pool);
    midge_arena_deinit(&arena);
}

static void failures_are_told_apart(void **state) {
    (void)state;
    midge_pool *pool = start_pool(NULL);
    submit_one("test.junk", "{}", 3);
    seen s = wait_for(1, MIDGE_TASK_FAILED);
    assert_int_equal(s.view.attempt, 1); /* would fail again: not retried */
    assert_string_equal(s.error, "line 3 is junk");

    atomic_store(&test_ops_flaky_left, 2);
    submit_one("test.flaky", "{\"value\":5}", 3);
    s = wait_for(2, MIDGE_TASK_SUCCEEDED);
    assert_int_equal(s.view.attempt, 3);

    atomic_store(&test_ops_flaky_left, 1000);
    submit_one("test.flaky", "{}", 2);
    s = wait_for(3, MIDGE_TASK_FAILED);
    assert_int_equal(s.view.attempt, 2);
    assert_string_equal(s.error, "the cable is loose");

    submit_one("test.unheard", "{}", 3);
    s = wait_for(4, MIDGE_TASK_FAILED);
    assert_non_null(strstr(s.error, "test.unheard"));
    submit_one("test.echo", "{\"valeu\":1}", 3);
    s = wait_for(5, MIDGE_TASK_FAILED);
    assert_non_null(strstr(s.error, "valeu"));
    submit_one("test.large", "{}", 3);
    s = wait_for(6, MIDGE_TASK_FAILED);
    assert_int_equal(s.view.attempt, 1);
    midge_pool_stop(pool);
}

static void cancelling_a_run_ends_its_operation(void **state) {
    (void)state;
    midge_pool *pool = start_pool(NULL);
    submit_one("test.wait", "{}", 3);
    wait_for(1, MIDGE_TASK_LEASED);
    must((midge_command){.type = MIDGE_COMMAND_CANCEL, .run = 1});
    submit_one("test.echo", "{\"value\":1}", 1);
    wait_for(2, MIDGE_TASK_SUCCEEDED);
    double end = midge_os_monotonic_ms() + 30000;
    while (atomic_load(&test_ops_waiting) > 0 &&
           midge_os_monotonic_ms() < end) {
        midge_driver_wait(driver, UINT64_MAX, 2);
    }
    assert_int_equal(atomic_load(&test_ops_waiting), 0);
    seen s = wait_for(1, MIDGE_TASK_CANCELLED);
    assert_int_equal(s.run_state, MIDGE_RUN_CANCELLED);
    midge_pool_stop(pool);
}

static void stopping_gives_the_task_back(void **state) {
    (void)state;
    midge_pool *pool = start_pool(NULL);
    submit_one("test.wait", "{}", 1);
    wait_for(1, MIDGE_TASK_LEASED);
    midge_pool_stop(pool);
    seen s = wait_for(1, MIDGE_TASK_READY);
    assert_int_equal(s.view.attempt, 0);
    assert_string_equal(s.error, "");
    must((midge_command){.type = MIDGE_COMMAND_CANCEL, .run = 1});
}

/* An operation far longer than its lease keeps it. */
static void leases_are_renewed(void **state) {
    (void)state;
    /* Long enough for a machine that is busy with other things. */
    const midge_pool_options o = {.lease_ms = 600};
    midge_pool *pool = start_pool(&o);
    submit_one("test.wait", "{}", 1);
    seen s = wait_for(1, MIDGE_TASK_LEASED);
    const uint64_t fence = s.view.fence;
    const int64_t first = s.view.lease_until_ms;
    double end = midge_os_monotonic_ms() + 30000;
    while (s.view.lease_until_ms < first + 1800 &&
           midge_os_monotonic_ms() < end) {
        midge_driver_wait(driver, UINT64_MAX, 20);
        s = wait_for(1, MIDGE_TASK_LEASED);
    }
    assert_int_equal(s.view.fence, fence);
    assert_int_equal(s.view.attempt, 1);
    assert_true(s.view.lease_until_ms >= first + 1800);
    midge_pool_stop(pool);
}

/* The lease is taken away (RECOVER): the operation ends, records nothing, and
 * the task is done by a later lease. */
static void a_lost_lease_ends_the_operation(void **state) {
    (void)state;
    midge_pool *pool = start_pool(NULL);
    submit_one("test.wait", "{}", 3);
    uint64_t fence = wait_for(1, MIDGE_TASK_LEASED).view.fence;
    must((midge_command){.type = MIDGE_COMMAND_RECOVER});
    seen s = {.task = 1};
    uint64_t seq = 0;
    do {
        seq = midge_driver_wait(driver, seq, 1000);
        midge_driver_read(driver, look, &s);
    } while (s.view.fence == fence);
    s = wait_for(1, MIDGE_TASK_LEASED);
    assert_int_equal(s.view.fence, fence + 1);
    assert_int_equal(s.view.attempt, 1);
    midge_pool_stop(pool);
}

typedef struct tally {
    int inside; /* never above 1: notices come one at a time */
    int started;
    int progress;
    int ended;
    int wrong;
} tally;

static void count_notice(void *ctx, const midge_pool_notice *notice) {
    tally *t = ctx;
    t->wrong += t->inside++ != 0;
    t->started += notice->fraction < 0 && !notice->ended;
    t->progress += notice->note && strcmp(notice->note, "half") == 0;
    t->ended += notice->ended && notice->status == MIDGE_OK;
    t->wrong += strcmp(notice->task_name, "only") != 0;
    t->wrong += strcmp(notice->agent_name, "ann") != 0 &&
                strcmp(notice->agent_name, "bob") != 0;
    t->inside--;
}

static void notices_tell_the_story(void **state) {
    (void)state;
    tally t = {0};
    const midge_pool_options o = {.on_notice = count_notice, .ctx = &t};
    midge_pool *pool = start_pool(&o);
    for (uint32_t i = 1; i <= 50; i++) {
        submit_one("test.echo", "{\"value\":1}", 1);
    }
    for (uint32_t i = 1; i <= 50; i++) {
        wait_for(i, MIDGE_TASK_SUCCEEDED);
    }
    midge_pool_stop(pool);
    assert_int_equal(t.wrong, 0);
    assert_int_equal(t.started, 50);
    assert_int_equal(t.progress, 50);
    assert_int_equal(t.ended, 50);
}

static void starting_without_memory_is_clean(void **state) {
    (void)state;
    struct test_env t;
    long n = 0;
    do {
        midge_pool *pool = NULL;
        const midge_pool_options o = {.n_threads = 2, .find = test_ops_find};
        midge_error err = {0};
        test_env_init(&t);
        t.fail_at = ++n;
        midge_status status = midge_pool_start(&t.env, driver, &o, &pool, &err);
        assert_int_equal(status, t.calls < n ? MIDGE_OK : MIDGE_E_NOMEM);
        midge_pool_stop(pool);
        assert_int_equal(t.held_bytes, 0);
    } while (t.calls >= n);
    assert_true(n > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(results_flow_along_the_graph, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(failures_are_told_apart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(cancelling_a_run_ends_its_operation,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopping_gives_the_task_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(leases_are_renewed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lost_lease_ends_the_operation, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(starting_without_memory_is_clean,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_tell_the_story, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
