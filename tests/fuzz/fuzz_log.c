/* fuzz_log.c: any bytes as an event log, one event of JSON a line. An event
 * that is read is written and read back; the replay takes what fits and refuses
 * the rest without a change of state. */
#include "fuzz_support.h"

static void round_trip(const midge_env *env, const midge_event *event) {
    midge_buf first, second;
    midge_buf_init(&first, env, 0);
    midge_buf_init(&second, env, 0);
    midge_arena arena;
    midge_arena_init(&arena, env, 0);
    midge_event again;
    FUZZ_CHECK(midge_event_write(event, &first) == MIDGE_OK);
    FUZZ_CHECK(midge_event_read(&arena, first.data, first.size, &again, NULL) ==
               MIDGE_OK);
    FUZZ_CHECK(midge_event_write(&again, &second) == MIDGE_OK);
    FUZZ_CHECK(first.size == second.size &&
               memcmp(first.data, second.data, first.size) == 0);
    midge_arena_deinit(&arena);
    midge_buf_deinit(&first);
    midge_buf_deinit(&second);
}

static void take_line(const midge_env *env, midge_swarm *swarm,
                      const char *line, size_t size) {
    midge_arena arena;
    midge_arena_init(&arena, env, 1u << 24);
    midge_event event;
    midge_error err = {0};
    midge_status status = midge_event_read(&arena, line, size, &event, &err);
    fuzz_check_error(status, &err);
    if (status == MIDGE_OK) {
        round_trip(env, &event);
        char before[MIDGE_SHA256_HEX], after[MIDGE_SHA256_HEX];
        FUZZ_CHECK(midge_swarm_hash(swarm, before) == MIDGE_OK);
        status = midge_swarm_replay(swarm, &event, &err);
        fuzz_check_error(status, &err);
        FUZZ_CHECK(midge_swarm_hash(swarm, after) == MIDGE_OK);
        FUZZ_CHECK(status == MIDGE_OK ||
                   memcmp(before, after, sizeof before) == 0);
    }
    midge_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_swarm *swarm = NULL;
    FUZZ_CHECK(midge_swarm_new(&env, &swarm) == MIDGE_OK);
    const char *at = (const char *)data;
    const char *end = at + size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        take_line(&env, swarm, at, (size_t)(stop - at));
        at = stop + 1;
    }
    midge_swarm_free(swarm);
    return 0;
}
