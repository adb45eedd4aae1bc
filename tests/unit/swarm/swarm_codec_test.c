/* Events as JSON: what is written reads back the same, for every type and odd
 * texts; what is damaged is refused. */
#include "swarm_fixture.h"

static const uint32_t deps[] = {1, 5, 4294967295u};
static const midge_text odd[] = {{"a\"\\\n\t\x01", 6},
                                 {"\xe2\x82\xac\xf0\x9f\x98\x80", 7},
                                 {"nul\0nul", 7},
                                 {"", 0}};

static midge_event full(midge_event_type type) {
    midge_event e = {.type = type,
                     .run = 4294967295u,
                     .task = 2,
                     .agent = 3,
                     .attempt = 4,
                     .max_attempts = 5,
                     .slots = 6,
                     .priority = INT32_MIN,
                     .run_state = MIDGE_RUN_CANCELLED,
                     .seq = INT64_MAX,
                     .fence = 9,
                     .at_ms = -INT64_MAX,
                     .until_ms = INT64_MAX,
                     .backoff_ms = -1,
                     .name = odd[0],
                     .key = odd[1],
                     .kind = odd[2],
                     .pattern = odd[3],
                     .input = {"{\"a\":[1.0,1e3,\"}\\\"]\"]}", 22},
                     .result = {"\"]\"", 3},
                     .error = odd[0],
                     .deps = deps,
                     .n_deps = 3,
                     .capabilities = odd,
                     .n_capabilities = 4};
    return e;
}

static void write_line(struct test_env *memory, const midge_event *e,
                       midge_buf *out) {
    midge_buf_init(out, &memory->env, 0);
    assert_int_equal(midge_event_write(e, out), MIDGE_OK);
    for (size_t i = 0; i < out->size; i++) {
        assert_true((unsigned char)out->data[i] >= 0x20); /* one line */
    }
}

static void every_type_comes_back(void **state) {
    for (int type = 0; type < MIDGE_EVENT_TYPES; type++) {
        struct test_env memory;
        midge_arena arena;
        midge_event back;
        midge_buf first;
        midge_buf again;
        midge_error err;
        midge_event e = full((midge_event_type)type);
        test_env_init(&memory);
        midge_arena_init(&arena, &memory.env, 1 << 20);
        write_line(&memory, &e, &first);
        if (midge_event_read(&arena, first.data, first.size, &back, &err) !=
            MIDGE_OK) {
            fail_msg("%s: %.*s", err.text, (int)first.size, first.data);
        }
        assert_int_equal(back.type, type);
        assert_int_equal(back.seq, e.seq);
        assert_int_equal(back.at_ms, e.at_ms);
        write_line(&memory, &back, &again);
        assert_int_equal(first.size, again.size);
        assert_memory_equal(first.data, again.data, first.size);
        midge_buf_deinit(&first);
        midge_buf_deinit(&again);
        midge_arena_deinit(&arena);
        assert_int_equal(memory.held_bytes, 0);
    }
}

static void values_keep_their_spelling(void **state) {
    struct test_env memory;
    midge_arena arena;
    midge_event back;
    midge_buf line;
    midge_event e = full(MIDGE_EVENT_TASK_ADDED);
    test_env_init(&memory);
    midge_arena_init(&arena, &memory.env, 1 << 20);
    write_line(&memory, &e, &line);
    assert_int_equal(
        midge_event_read(&arena, line.data, line.size, &back, NULL), MIDGE_OK);
    assert_int_equal(back.input.size, e.input.size);
    assert_memory_equal(back.input.data, e.input.data, e.input.size);
    assert_int_equal(back.name.size, odd[0].size);
    assert_memory_equal(back.name.data, odd[0].data, odd[0].size);
    assert_int_equal(back.kind.size, 7);
    assert_memory_equal(back.kind.data, "nul\0nul", 7);
    assert_int_equal(back.n_deps, 3);
    assert_memory_equal(back.deps, deps, sizeof deps);
    assert_int_equal(back.n_capabilities, 4);
    assert_int_equal(back.priority, INT32_MIN);
    midge_buf_deinit(&line);
    midge_arena_deinit(&arena);
}

/* Cut anywhere, or with any one byte changed: refused or read, never worse. */
static void damage_is_survived(void **state) {
    for (int type = 0; type < MIDGE_EVENT_TYPES; type++) {
        struct test_env memory;
        midge_buf line;
        midge_event e = full((midge_event_type)type);
        midge_event back;
        test_env_init(&memory);
        write_line(&memory, &e, &line);
        for (size_t i = 0; i < line.size; i++) {
            midge_arena arena;
            midge_arena_init(&arena, &memory.env, 1 << 20);
            assert_int_not_equal(
                midge_event_read(&arena, line.data, i, &back, NULL), MIDGE_OK);
            char kept = line.data[i];
            line.data[i] = (char)(kept ^ (1 << (i % 7)));
            midge_status status =
                midge_event_read(&arena, line.data, line.size, &back, NULL);
            assert_true(status == MIDGE_OK || status == MIDGE_E_PARSE ||
                        status == MIDGE_E_LIMIT);
            line.data[i] = kept;
            midge_arena_deinit(&arena);
        }
        midge_buf_deinit(&line);
        assert_int_equal(memory.held_bytes, 0);
    }
}

static void refuse(const char *line) {
    struct test_env memory;
    midge_arena arena;
    midge_event back;
    midge_error err = {0};
    test_env_init(&memory);
    midge_arena_init(&arena, &memory.env, 1 << 20);
    assert_int_equal(midge_event_read(&arena, line, strlen(line), &back, &err),
                     MIDGE_E_PARSE);
    assert_true(err.text[0] != 0);
    midge_arena_deinit(&arena);
}

static void strange_events_are_refused(void **state) {
    refuse("[]");
    refuse("{\"type\":\"task.unheard\",\"seq\":1}");
    refuse("{\"type\":7}");
    refuse("{\"type\":\"agent.left\",\"seq\":1,\"at_ms\":0}");
    refuse("{\"type\":\"agent.left\",\"seq\":-1,\"at_ms\":0,\"agent\":1}");
    refuse("{\"type\":\"agent.left\",\"seq\":1,\"at_ms\":0,\"agent\":1.5}");
    refuse("{\"type\":\"agent.left\",\"seq\":1,\"at_ms\":0,\"agent\":1,"
           "\"task\":1}");
    refuse("{\"type\":\"run.finished\",\"seq\":1,\"at_ms\":0,\"run\":1,"
           "\"run_state\":\"happy\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(values_keep_their_spelling),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(strange_events_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
