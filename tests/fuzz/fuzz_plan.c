/* fuzz_plan.c: any bytes as a plan. A plan that is read is submitted, claimed
 * and completed until nothing is left; what is decided must apply, and the log
 * replayed must give the same state. */
#include "fuzz_support.h"

enum { EVENTS_MAX = 4096 };

/* Decided events borrow from the state that they are about to change, so they
 * go through their JSON first: that is how a store keeps them. */
static void keep(midge_arena *arena, const midge_event *event,
                 midge_event *kept) {
    midge_buf line;
    midge_buf_init(&line, arena->env, 0);
    FUZZ_CHECK(midge_event_write(event, &line) == MIDGE_OK);
    FUZZ_CHECK(midge_event_read(arena, line.data, line.size, kept, NULL) ==
               MIDGE_OK);
    midge_buf_deinit(&line);
}

static void apply_all(midge_swarm *live, midge_swarm *copy,
                      const midge_events *events, const midge_env *env) {
    static midge_event kept[EVENTS_MAX];
    size_t n = midge_events_count(events);
    FUZZ_CHECK(n <= EVENTS_MAX);
    midge_arena arena;
    midge_arena_init(&arena, env, 0);
    for (size_t i = 0; i < n; i++) {
        keep(&arena, midge_events_at(events, i), &kept[i]);
    }
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(midge_swarm_reserve(live, &kept[i]) == MIDGE_OK);
        midge_swarm_apply(live, &kept[i]);
        FUZZ_CHECK(midge_swarm_replay(copy, &kept[i], NULL) == MIDGE_OK);
    }
    midge_arena_deinit(&arena);
}

static midge_status act(midge_swarm *live, midge_swarm *copy,
                        midge_events *events, const midge_command *command) {
    midge_error err = {0};
    midge_status status = midge_swarm_decide(live, command, events, &err);
    fuzz_check_error(status, &err);
    if (status == MIDGE_OK) {
        midge_env env = midge_os_env();
        apply_all(live, copy, events, &env);
    }
    return status;
}

static void check_same(const midge_swarm *live, const midge_swarm *copy) {
    char a[MIDGE_SHA256_HEX], b[MIDGE_SHA256_HEX];
    FUZZ_CHECK(midge_swarm_hash(live, a) == MIDGE_OK);
    FUZZ_CHECK(midge_swarm_hash(copy, b) == MIDGE_OK);
    FUZZ_CHECK(memcmp(a, b, sizeof a) == 0);
}

static void work_off(midge_swarm *live, midge_swarm *copy,
                     midge_events *events) {
    midge_command join = {.type = MIDGE_COMMAND_JOIN, .now_ms = 2, .slots = 8};
    join.name = (midge_text){"worker", 6};
    FUZZ_CHECK(act(live, copy, events, &join) == MIDGE_OK);
    for (int64_t now = 3; now < 40; now++) {
        midge_command claim = {.type = MIDGE_COMMAND_CLAIM, .now_ms = now};
        if (act(live, copy, events, &claim) != MIDGE_OK ||
            midge_events_count(events) == 0) {
            return;
        }
        const midge_event *lease = midge_events_at(events, 0);
        midge_command done = {.type = MIDGE_COMMAND_COMPLETE, .now_ms = now};
        done.task = lease->task;
        done.agent = lease->agent;
        done.fence = lease->fence;
        done.result = (midge_text){"{}", 2};
        FUZZ_CHECK(act(live, copy, events, &done) == MIDGE_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_arena arena;
    midge_arena_init(&arena, &env, 1u << 24);
    midge_command submit;
    midge_error err = {0};
    midge_status status =
        midge_plan_read(&arena, (const char *)data, size, &submit, &err);
    fuzz_check_error(status, &err);
    if (status == MIDGE_OK) {
        midge_swarm *live = NULL, *copy = NULL;
        midge_events *events = NULL;
        FUZZ_CHECK(midge_swarm_new(&env, &live) == MIDGE_OK);
        FUZZ_CHECK(midge_swarm_new(&env, &copy) == MIDGE_OK);
        FUZZ_CHECK(midge_events_new(&env, &events) == MIDGE_OK);
        submit.now_ms = 1;
        if (act(live, copy, events, &submit) == MIDGE_OK) {
            work_off(live, copy, events);
        }
        check_same(live, copy);
        midge_events_free(events);
        midge_swarm_free(copy);
        midge_swarm_free(live);
    }
    midge_arena_deinit(&arena);
    return 0;
}
