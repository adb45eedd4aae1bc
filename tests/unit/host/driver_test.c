/* driver_test.c: answers only what is durable, starts over when the store
 * fails, wakes by time, and lets many threads share a transaction. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "faulty_store.h"
#include "loop/driver.h"
#include "memory/memory_store.h"
#include "midge/os.h"
#include "test_env.h"

static midge_env env;

static midge_text text(const char *t) {
    return (midge_text){t, (uint32_t)strlen(t)};
}

static midge_reply must(midge_driver *d, midge_command c) {
    midge_reply reply;
    midge_error err = {0};
    midge_status status = midge_driver_command(d, &c, &reply, &err);
    if (status != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return reply;
}

static uint32_t join(midge_driver *d, const char *name, uint32_t slots) {
    return must(d, (midge_command){.type = MIDGE_COMMAND_JOIN,
                                   .name = text(name),
                                   .pattern = text("convergent"),
                                   .slots = slots})
        .agent;
}

static midge_reply submit(midge_driver *d, const char *key, uint32_t n,
                          const midge_task_spec *like) {
    midge_task_spec tasks[256];
    char names[256][16];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "t%u", i);
        tasks[i] = *like;
        tasks[i].name = text(names[i]);
    }
    return must(d, (midge_command){.type = MIDGE_COMMAND_SUBMIT,
                                   .name = text("run"),
                                   .key = text(key),
                                   .tasks = tasks,
                                   .n_tasks = n});
}

static midge_reply claim(midge_driver *d, uint32_t agent) {
    return must(d,
                (midge_command){.type = MIDGE_COMMAND_CLAIM, .agent = agent});
}

static midge_command complete(midge_reply held) {
    return (midge_command){.type = MIDGE_COMMAND_COMPLETE,
                           .task = held.task,
                           .fence = held.fence,
                           .result = text("{\"ok\":true}")};
}

static const midge_task_spec plain = {.kind = {"test", 4}, .input = {"{}", 2}};

static void hash_of(void *ctx, const midge_swarm *swarm) {
    assert_int_equal(midge_swarm_hash(swarm, ctx), MIDGE_OK);
}

static midge_driver *open_on(midge_store *store) {
    midge_driver *d = NULL;
    midge_error err = {0};
    if (midge_driver_open_take(&env, store, &d, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return d;
}

static void commands_are_answered(void **state) {
    (void)state;
    midge_store *store = NULL;
    assert_int_equal(midge_memory_store_new(&env, &store), MIDGE_OK);
    midge_driver *d = open_on(store);
    uint32_t agent = join(d, "a", 1);
    assert_int_equal(agent, 1);
    midge_reply run = submit(d, "key", 2, &plain);
    midge_reply same = submit(d, "key", 2, &plain);
    assert_int_equal(run.run, 1);
    assert_int_equal(same.run, 1);
    assert_int_equal(same.seq, 0); /* nothing was recorded */

    midge_reply held = claim(d, 0);
    assert_int_equal(held.task, 1);
    assert_int_equal(held.agent, agent);
    assert_int_equal(claim(d, agent).task, 0); /* no free slot */
    midge_command done = complete(held);
    midge_command next = {.type = MIDGE_COMMAND_CLAIM, .agent = agent};
    midge_reply second;
    midge_error err = {0};
    assert_int_equal(midge_driver_command_pair(d, &done, &next, &second, &err),
                     MIDGE_OK);
    assert_int_equal(second.task, 2);

    /* The old fence again: refused, recorded, and no claim is made. */
    uint64_t before = midge_driver_wait(d, UINT64_MAX, 0);
    midge_reply stale;
    assert_int_equal(midge_driver_command_pair(d, &done, &next, &stale, &err),
                     MIDGE_E_STALE);
    assert_int_equal(stale.seq, before + 1);
    assert_int_equal(stale.task, 0);

    midge_command nobody = {.type = MIDGE_COMMAND_LEAVE, .agent = 9};
    assert_int_equal(midge_driver_command(d, &nobody, NULL, &err),
                     MIDGE_E_NOT_FOUND);
    midge_driver_close(d);
}

/* A task that fails waits for its retry; nobody calls TICK but the driver. */
static void time_wakes_the_driver(void **state) {
    (void)state;
    midge_store *store = NULL;
    assert_int_equal(midge_memory_store_new(&env, &store), MIDGE_OK);
    midge_driver *d = open_on(store);
    midge_task_spec spec = plain;
    spec.backoff_ms = 30;
    join(d, "a", 1);
    submit(d, "", 1, &spec);
    midge_reply held = claim(d, 0);
    midge_reply failed = must(d, (midge_command){.type = MIDGE_COMMAND_FAIL,
                                                 .task = held.task,
                                                 .fence = held.fence,
                                                 .error = text("again"),
                                                 .retryable = 1});
    assert_int_equal(claim(d, 0).task, 0);
    assert_true(midge_driver_wait(d, failed.seq, 20000) > failed.seq);
    midge_reply again = claim(d, 0);
    assert_int_equal(again.task, held.task);
    assert_true(again.fence > held.fence);

    /* An expired lease is noticed in the same way. */
    must(d, (midge_command){.type = MIDGE_COMMAND_EXTEND,
                            .task = again.task,
                            .fence = again.fence,
                            .lease_ms = 30});
    uint64_t seq = midge_driver_wait(d, UINT64_MAX, 0);
    assert_true(midge_driver_wait(d, seq, 20000) > seq);
    midge_command late = complete(again);
    midge_error err;
    assert_int_equal(midge_driver_command(d, &late, NULL, &err), MIDGE_E_STALE);
    midge_driver_close(d);
}

/* For every n: the n-th append fails, its commands fail, and the state is what
 * a replay of the store gives; then all goes on. */
static void a_failed_append_is_forgotten(void **state) {
    (void)state;
    for (uint64_t n = 1; n <= 6; n++) {
        faulty_store *faulty = faulty_store_new(&env);
        midge_driver *d = open_on(&faulty->port);
        faulty->fail_at = faulty->appends + n;
        const midge_command join_command = {
            .type = MIDGE_COMMAND_JOIN, .name = text("a"), .slots = 4};
        const midge_command submit_command = {
            .type = MIDGE_COMMAND_SUBMIT,
            .name = text("r"),
            .key = text("k"),
            .tasks = &(midge_task_spec){.name = text("t"),
                                        .kind = text("test"),
                                        .input = text("{}")},
            .n_tasks = 1};
        const midge_command claim_command = {.type = MIDGE_COMMAND_CLAIM};
        const midge_command *steps[] = {&join_command, &submit_command,
                                        &claim_command};
        midge_reply reply = {0};
        int failures = 0;
        for (size_t i = 0; i < 3;) {
            midge_error err = {0};
            midge_status status =
                midge_driver_command(d, steps[i], &reply, &err);
            if (status == MIDGE_OK) {
                i++;
                continue;
            }
            failures++;
            assert_int_equal(status, MIDGE_E_IO);
            assert_string_equal(err.text, "the disk is full");
            assert_int_equal(reply.seq, 0);
            assert_true(faulty_store_matches(faulty, d));
        }
        assert_int_equal(failures, n <= 3 ? 1 : 0);
        assert_int_equal(reply.task, 1);
        assert_true(faulty_store_matches(faulty, d));
        midge_driver_close(d);
    }
}

/* The state cannot even be read again: every command fails, until it can. */
static void a_store_that_is_gone_comes_back(void **state) {
    (void)state;
    faulty_store *faulty = faulty_store_new(&env);
    midge_driver *d = open_on(&faulty->port);
    join(d, "a", 1);
    const midge_command c = {.type = MIDGE_COMMAND_JOIN, .name = text("b")};
    midge_reply reply;
    faulty->fail_at = faulty->appends + 1;
    faulty->fail_each = 1;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(midge_driver_command(d, &c, &reply, NULL), MIDGE_E_IO);
    }
    midge_error why = {0};
    assert_true(midge_driver_failing(d, &why) >= 3);
    assert_int_equal(why.status, MIDGE_E_IO);
    faulty->fail_each = 0;
    assert_int_equal(midge_driver_command(d, &c, &reply, NULL), MIDGE_OK);
    assert_int_equal(reply.agent, 2);
    assert_int_equal(midge_driver_failing(d, NULL), 0);
    assert_true(faulty_store_matches(faulty, d));
    midge_driver_close(d);
}

static void opening_releases_leases(void **state) {
    (void)state;
    faulty_store *faulty = faulty_store_new(&env);
    faulty->keep = 1; /* close leaves the memory: a "file" */
    midge_driver *d = open_on(&faulty->port);
    join(d, "a", 1);
    submit(d, "", 1, &plain);
    midge_reply held = claim(d, 0);
    char before[MIDGE_SHA256_HEX];
    midge_driver_read(d, hash_of, before);
    midge_driver_close(d);

    d = open_on(&faulty->port);
    char after[MIDGE_SHA256_HEX];
    midge_driver_read(d, hash_of, after);
    assert_string_not_equal(before, after);
    midge_reply again = claim(d, 0);
    assert_int_equal(again.task, held.task);
    assert_int_equal(again.fence, held.fence + 1);
    faulty->keep = 0;
    midge_driver_close(d);
}

#define THREADS 8
#define TASKS   200u

typedef struct crowd {
    midge_driver *driver;
    uint32_t done[THREADS];
} crowd;

typedef struct one {
    crowd *crowd;
    unsigned me;
} one;

/* Works until no task is left; waits for others' leases to end well. */
static void *work(void *ctx) {
    one *o = ctx;
    midge_driver *d = o->crowd->driver;
    const midge_command claim_command = {.type = MIDGE_COMMAND_CLAIM};
    midge_reply held;
    if (midge_driver_command(d, &claim_command, &held, NULL) != MIDGE_OK) {
        return NULL;
    }
    while (held.task != 0) {
        midge_command done = complete(held);
        if (midge_driver_command_pair(d, &done, &claim_command, &held, NULL) !=
            MIDGE_OK) {
            return NULL;
        }
        o->crowd->done[o->me]++;
    }
    return NULL;
}

static void count_succeeded(void *ctx, const midge_swarm *swarm) {
    midge_run_view run;
    assert_int_equal(midge_swarm_run(swarm, 1, &run), 1);
    *(uint32_t *)ctx = run.n_by_state[MIDGE_TASK_SUCCEEDED];
}

static void many_threads_share_batches(void **state) {
    (void)state;
    faulty_store *faulty = faulty_store_new(&env);
    midge_driver *d = open_on(&faulty->port);
    crowd c = {.driver = d};
    one ones[THREADS];
    pthread_t threads[THREADS];
    join(d, "a", THREADS);
    submit(d, "", TASKS, &plain);
    for (unsigned i = 0; i < THREADS; i++) {
        ones[i] = (one){&c, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &ones[i]), 0);
    }
    uint32_t total = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        total += c.done[i];
    }
    uint32_t succeeded = 0;
    midge_driver_read(d, count_succeeded, &succeeded);
    assert_int_equal(total, TASKS);
    assert_int_equal(succeeded, TASKS);
    assert_true(faulty_store_matches(faulty, d));
    midge_driver_stats stats;
    midge_driver_get_stats(d, &stats);
    assert_int_equal(stats.events, midge_driver_wait(d, UINT64_MAX, 0));
    assert_true(stats.batches <= stats.commands);
    midge_driver_close(d);
}

static void batches_can_be_limited(void **state) {
    (void)state;
    midge_store *store = NULL;
    assert_int_equal(midge_memory_store_new(&env, &store), MIDGE_OK);
    midge_driver *d = open_on(store);
    midge_driver_limit_batch(d, 1);
    join(d, "a", 1);
    submit(d, "", 3, &plain);
    midge_driver_stats stats;
    midge_driver_get_stats(d, &stats);
    assert_int_equal(stats.batches, 2);
    assert_int_equal(stats.commands, 2);
    assert_int_equal(stats.events, 1 + 1 + 3);
    midge_driver_close(d);
}

/* One allocation fails, any one: a clean status, nothing held at the end, and
 * the command works when it is tried again. */
static void every_allocation_may_fail(void **state) {
    (void)state;
    const midge_task_spec task = {
        .name = text("t"), .kind = text("test"), .input = text("{}")};
    const midge_command steps[] = {
        {.type = MIDGE_COMMAND_JOIN, .name = text("a")},
        {.type = MIDGE_COMMAND_SUBMIT,
         .name = text("r"),
         .tasks = &task,
         .n_tasks = 1},
        {.type = MIDGE_COMMAND_CLAIM, .lease_ms = 1000000}};
    struct test_env t;
    long n = 0;
    do {
        midge_store *store = NULL;
        midge_driver *d = NULL;
        test_env_init(&t);
        t.fail_at = ++n;
        midge_status status = midge_memory_store_new(&t.env, &store);
        if (status == MIDGE_OK) {
            status = midge_driver_open_take(&t.env, store, &d, NULL);
        }
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        for (size_t i = 0; d && i < 3; i++) {
            status = midge_driver_command(d, &steps[i], NULL, NULL);
            if (status == MIDGE_E_NOMEM) {
                status = midge_driver_command(d, &steps[i], NULL, NULL);
            }
            assert_int_equal(status, MIDGE_OK);
        }
        midge_driver_close(d);
        assert_int_equal(t.held_bytes, 0);
    } while (t.calls >= n);
    assert_true(n > 20);
}

static void *wait_long(void *ctx) {
    midge_driver_wait(ctx, UINT64_MAX - 1, -1);
    return NULL;
}

static void waiting_ends_by_wake_and_by_time(void **state) {
    (void)state;
    midge_store *store = NULL;
    assert_int_equal(midge_memory_store_new(&env, &store), MIDGE_OK);
    midge_driver *d = open_on(store);
    pthread_t thread;
    assert_int_equal(midge_driver_wait(d, 0, 5), 0);
    assert_int_equal(pthread_create(&thread, NULL, wait_long, d), 0);
    struct timespec at;
    do {
        midge_driver_wake(d);
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += 2000000;
        at.tv_sec += at.tv_nsec / 1000000000;
        at.tv_nsec %= 1000000000;
    } while (pthread_timedjoin_np(thread, NULL, &at) != 0);
    midge_driver_close(d);
}

static int set_up_env(void **state) {
    (void)state;
    env = midge_os_env();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_answered),
        cmocka_unit_test(time_wakes_the_driver),
        cmocka_unit_test(a_failed_append_is_forgotten),
        cmocka_unit_test(a_store_that_is_gone_comes_back),
        cmocka_unit_test(opening_releases_leases),
        cmocka_unit_test(many_threads_share_batches),
        cmocka_unit_test(batches_can_be_limited),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(waiting_ends_by_wake_and_by_time),
    };
    return cmocka_run_group_tests(tests, set_up_env, NULL);
}
