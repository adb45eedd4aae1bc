/* store_test.c: what every store promises, on each store there is; then what
 * only SQLite has: projections, queries, and files it must refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "faulty_store.h"
#include "memory/memory_store.h"
#include "midge/os.h"
#include "projection_compare.h"
#include "sqlite/sqlite_store.h"
#include "temp_dir_test.h"
#include "test_env.h"

static midge_env env;

static midge_text text(const char *t) {
    return (midge_text){t, (uint32_t)strlen(t)};
}

static midge_store *open_sqlite(void) {
    midge_store *store = NULL;
    midge_error err = {0};
    if (midge_sqlite_open(&env, temp_dir_file(&dir, "swarm.db"),
                          MIDGE_DURABLE_NORMAL, &store, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return store;
}

static midge_store *open_memory(void) {
    midge_store *store = NULL;
    assert_int_equal(midge_memory_store_new(&env, &store), MIDGE_OK);
    return store;
}

/* ---- the conformance suite ---- */

static midge_event joined(uint64_t seq) {
    return (midge_event){.type = MIDGE_EVENT_AGENT_JOINED,
                         .seq = seq,
                         .at_ms = 1000 + (int64_t)seq,
                         .agent = (uint32_t)seq,
                         .slots = 1,
                         .name = text("n"),
                         .pattern = text("lateral")};
}

/* Appends joins first..last in one transaction. */
static midge_status append_joins(midge_store *store, uint64_t first,
                                 uint64_t last, midge_error *err) {
    midge_event events[16];
    midge_record records[16];
    char texts[16][32];
    size_t n = 0;
    for (uint64_t seq = first; seq <= last; seq++, n++) {
        events[n] = joined(seq);
        int size =
            snprintf(texts[n], sizeof texts[n], "{\"seq\":%u}", (unsigned)seq);
        records[n] = (midge_record){&events[n], texts[n], (size_t)size};
    }
    return store->append(store, records, n, err);
}

typedef struct reading {
    uint64_t next;
    uint64_t stop_at;
} reading;

static midge_status read_one(void *ctx, uint64_t seq, const char *json,
                             size_t size, midge_error *err) {
    reading *r = ctx;
    char want[32];
    if (seq == r->stop_at) {
        return midge_fail(err, MIDGE_E_TIMEOUT, "stop here");
    }
    snprintf(want, sizeof want, "{\"seq\":%u}", (unsigned)seq);
    assert_int_equal(seq, r->next);
    assert_int_equal(size, strlen(want));
    assert_memory_equal(json, want, size);
    r->next++;
    return MIDGE_OK;
}

static uint64_t read_after(midge_store *store, uint64_t after) {
    reading r = {after + 1, 0};
    midge_error err;
    assert_int_equal(store->each(store, after, read_one, &r, &err), MIDGE_OK);
    return r.next - 1;
}

static void conform(midge_store *store) {
    midge_error err = {0};
    assert_int_equal(read_after(store, 0), 0);
    assert_int_equal(append_joins(store, 1, 3, &err), MIDGE_OK);
    assert_int_equal(append_joins(store, 4, 4, &err), MIDGE_OK);
    assert_int_equal(read_after(store, 0), 4);
    assert_int_equal(read_after(store, 2), 4);
    assert_int_equal(read_after(store, 4), 4);

    /* 5 and 6 are new, but a record behind them is refused: none is kept. */
    midge_event events[3] = {joined(5), joined(6), joined(2)};
    midge_record records[3];
    for (int i = 0; i < 3; i++) {
        records[i] = (midge_record){&events[i], "{}", 2};
    }
    assert_int_equal(store->append(store, records, 3, &err), MIDGE_E_CORRUPT);
    assert_true(err.text[0] != '\0');
    assert_int_equal(read_after(store, 0), 4);
    assert_int_equal(append_joins(store, 5, 6, &err), MIDGE_OK);
    assert_int_equal(read_after(store, 0), 6);

    reading r = {1, 3};
    assert_int_equal(store->each(store, 0, read_one, &r, &err),
                     MIDGE_E_TIMEOUT);
    assert_string_equal(err.text, "stop here");
    assert_int_equal(r.next, 3);
}

static void memory_conforms(void **state) {
    (void)state;
    midge_store *store = open_memory();
    conform(store);
    store->close(store);
}

static void sqlite_conforms(void **state) {
    (void)state;
    midge_store *store = open_sqlite();
    conform(store);
    store->close(store);
    store = open_sqlite(); /* and it is all there again */
    assert_int_equal(read_after(store, 0), 6);
    store->close(store);
}

/* ---- projections against the state, over random histories ---- */

static uint32_t next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

typedef struct history {
    midge_driver *driver;
    uint64_t seed;
    uint32_t n_agents;
    uint32_t n_runs;
    midge_reply held[64];
    size_t n_held;
} history;

static void submit_random(history *h) {
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    static const uint32_t before[][2] = {{0, 0}, {0, 1}, {1, 2}, {0, 3}};
    static const midge_text needs[] = {{"compute", 7}};
    midge_task_spec tasks[5];
    memset(tasks, 0, sizeof tasks);
    for (uint32_t i = 0; i < 5; i++) {
        tasks[i].name = text(names[i]);
        tasks[i].kind = text("test");
        tasks[i].input = text("{\"a\":\n\t[1,\r\n2]}");
        tasks[i].deps = i ? before[i - 1] : NULL;
        tasks[i].n_deps = i == 0 ? 0 : (i == 1 ? 1 : 2);
        tasks[i].priority = (int32_t)(next_random(&h->seed) % 5) - 2;
        tasks[i].max_attempts = 1 + next_random(&h->seed) % 3;
        tasks[i].backoff_ms = 1;
        tasks[i].capabilities = needs;
        tasks[i].n_capabilities = i % 2;
    }
    char key[32];
    snprintf(key, sizeof key, "key %u", next_random(&h->seed) % 100);
    const midge_command c = {.type = MIDGE_COMMAND_SUBMIT,
                             .name = text("run \xc3\xa9"),
                             .key = text(key),
                             .tasks = tasks,
                             .n_tasks = 1 + next_random(&h->seed) % 5};
    midge_reply reply = {0};
    (void)!midge_driver_command(h->driver, &c, &reply, NULL);
    h->n_runs = reply.run > h->n_runs ? reply.run : h->n_runs;
}

static void join_random(history *h) {
    static const midge_text can[] = {{"compute", 7}, {"draw \"x\"", 8}};
    char name[32];
    snprintf(name, sizeof name, "agent %u", next_random(&h->seed) % 6);
    const midge_command c = {.type = MIDGE_COMMAND_JOIN,
                             .name = text(name),
                             .pattern = text("divergent"),
                             .slots = 1 + next_random(&h->seed) % 3,
                             .capabilities = can,
                             .n_capabilities = next_random(&h->seed) % 3};
    midge_reply reply = {0};
    (void)!midge_driver_command(h->driver, &c, &reply, NULL);
    h->n_agents = reply.agent > h->n_agents ? reply.agent : h->n_agents;
}

/* Ends or extends a lease that was held once; it may be long gone. */
static void end_random(history *h) {
    static const midge_command_type types[] = {
        MIDGE_COMMAND_COMPLETE, MIDGE_COMMAND_COMPLETE, MIDGE_COMMAND_FAIL,
        MIDGE_COMMAND_EXTEND};
    if (h->n_held == 0) {
        return;
    }
    size_t at = next_random(&h->seed) % h->n_held;
    const midge_command c = {.type = types[next_random(&h->seed) % 4],
                             .task = h->held[at].task,
                             .fence = h->held[at].fence,
                             .result = text("{\"x\":\n1}"),
                             .error = text("it's \"broken\""),
                             .retryable = next_random(&h->seed) % 2 == 0,
                             .lease_ms = 60000};
    (void)!midge_driver_command(h->driver, &c, NULL, NULL);
    if (next_random(&h->seed) % 4 != 0) {
        h->held[at] = h->held[--h->n_held]; /* else its fence grows old here */
    }
}

static void claim_random(history *h) {
    const midge_command c = {.type = MIDGE_COMMAND_CLAIM,
                             .lease_ms = next_random(&h->seed) % 4 ? 60000 : 1};
    midge_reply reply = {0};
    (void)!midge_driver_command(h->driver, &c, &reply, NULL);
    if (reply.task != 0 && h->n_held < 64) {
        h->held[h->n_held++] = reply;
    }
}

static void step_random(history *h) {
    uint32_t what = next_random(&h->seed) % 20;
    midge_command c = {.type = MIDGE_COMMAND_LEAVE};
    if (what < 7) {
        claim_random(h);
    } else if (what < 13) {
        end_random(h);
    } else if (what < 15) {
        submit_random(h);
    } else if (what < 17) {
        join_random(h);
    } else if (what == 17) {
        c.agent = 1 + next_random(&h->seed) % (h->n_agents + 1);
        (void)!midge_driver_command(h->driver, &c, NULL, NULL);
    } else if (what == 18) {
        c.type = MIDGE_COMMAND_CANCEL;
        c.run = 1 + next_random(&h->seed) % (h->n_runs + 1);
        (void)!midge_driver_command(h->driver, &c, NULL, NULL);
    } else {
        c.type = MIDGE_COMMAND_RECOVER;
        (void)!midge_driver_command(h->driver, &c, NULL, NULL);
    }
}

/* The driver ticks by itself, so a hash belongs to a sequence number. */
typedef struct moment {
    uint64_t seq;
    char hash[MIDGE_SHA256_HEX];
} moment;

static void look(void *ctx, const midge_swarm *swarm) {
    moment *m = ctx;
    m->seq = midge_swarm_last_seq(swarm);
    assert_int_equal(midge_swarm_hash(swarm, m->hash), MIDGE_OK);
}

static uint32_t event_types_seen(const char *path) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT count(DISTINCT type) FROM "
                                        "events",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    uint32_t n = (uint32_t)sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

static void projections_say_what_the_state_says(void **state) {
    (void)state;
    const char *path = temp_dir_file(&dir, "swarm.db");
    moment live;
    moment replayed;
    char why[512];
    history h = {.seed = 20250101};
    for (int part = 0; part < 4; part++) { /* reopened in between */
        midge_error err = {0};
        if (midge_driver_open_take(&env, open_sqlite(), &h.driver, &err) !=
            MIDGE_OK) {
            fail_msg("%s", err.text);
        }
        for (int i = 0; i < 500; i++) {
            step_random(&h);
        }
        midge_driver_read(h.driver, look, &live);
        midge_driver_close(h.driver);
        midge_store *store = open_sqlite();
        midge_swarm *swarm = replay_store(&env, store, live.seq);
        look(&replayed, swarm);
        assert_string_equal(live.hash, replayed.hash);
        midge_swarm_free(swarm);
        swarm = replay_store(&env, store, 0);
        if (!projections_equal(path, swarm, why, sizeof why)) {
            fail_msg("%s", why);
        }
        midge_swarm_free(swarm);
        store->close(store);
    }
    assert_int_equal(event_types_seen(path), MIDGE_EVENT_TYPES);
}

/* ---- queries ---- */

static const midge_json *ask(midge_arena *arena, midge_query query,
                             const midge_query_options *options) {
    midge_buf buf;
    midge_error err = {0};
    const midge_json *json = NULL;
    midge_buf_init(&buf, &env, 0);
    if (midge_sqlite_query(&env, temp_dir_file(&dir, "swarm.db"), query,
                           options, &buf, &err) != MIDGE_OK ||
        midge_json_read(arena, buf.data, buf.size, &json, &err) != MIDGE_OK) {
        fail_msg("%s: %.*s", err.text, (int)buf.size, buf.data);
    }
    midge_buf_deinit(&buf);
    return json;
}

static void make_little_swarm(midge_driver **out) {
    midge_error err = {0};
    assert_int_equal(midge_driver_open_take(&env, open_sqlite(), out, &err),
                     MIDGE_OK);
    const midge_text can[] = {text("compute")};
    const midge_task_spec tasks[2] = {
        {.name = text("first"), .kind = text("k"), .input = text("{\"a\":1}")},
        {.name = text("second"),
         .kind = text("k"),
         .input = text("{}"),
         .deps = (const uint32_t[]){0},
         .n_deps = 1,
         .capabilities = can,
         .n_capabilities = 1}};
    const midge_command commands[] = {{.type = MIDGE_COMMAND_JOIN,
                                       .name = text("ann"),
                                       .capabilities = can,
                                       .n_capabilities = 1,
                                       .pattern = text("critical")},
                                      {.type = MIDGE_COMMAND_SUBMIT,
                                       .name = text("r"),
                                       .tasks = tasks,
                                       .n_tasks = 2},
                                      {.type = MIDGE_COMMAND_CLAIM},
                                      {.type = MIDGE_COMMAND_COMPLETE,
                                       .task = 1,
                                       .fence = 1,
                                       .result = text("{\"b\":[2,3]}")}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(midge_driver_command(*out, &commands[i], NULL, &err),
                         MIDGE_OK);
    }
}

/* Asked while the writer is open, as a person would. */
static void queries_answer_in_json(void **state) {
    (void)state;
    midge_driver *driver = NULL;
    midge_arena arena;
    midge_arena_init(&arena, &env, 1 << 20);
    make_little_swarm(&driver);
    const midge_json *all = ask(&arena, MIDGE_QUERY_SUMMARY, NULL);
    const midge_json *tasks = midge_json_get(all, "tasks");
    assert_int_equal(midge_json_get_int(all, "last_seq", -1), 7);
    assert_int_equal(midge_json_get_int(tasks, "total", -1), 2);
    assert_int_equal(midge_json_get_int(tasks, "succeeded", -1), 1);
    assert_int_equal(midge_json_get_int(tasks, "ready", -1), 1);
    assert_int_equal(
        midge_json_get_int(midge_json_get(all, "agents"), "present", -1), 1);

    const midge_json *runs = ask(&arena, MIDGE_QUERY_RUNS, NULL);
    assert_int_equal(runs->count, 1);
    assert_string_equal(midge_json_get_string(runs->child, "state", ""),
                        "active");
    assert_int_equal(midge_json_get(runs->child, "key")->type, MIDGE_JSON_NULL);

    const midge_json *list = ask(&arena, MIDGE_QUERY_TASKS, NULL);
    assert_int_equal(list->count, 2);
    assert_string_equal(midge_json_get_string(list->child, "agent", ""), "ann");
    const midge_json *result = midge_json_get(list->child, "result");
    assert_int_equal(midge_json_get(result, "b")->count, 2);
    const midge_json *second = list->child->next;
    assert_int_equal(midge_json_get(second, "after")->child->integer, 1);
    assert_string_equal(midge_json_get(second, "requires")->child->string,
                        "compute");
    const midge_query_options ready = {.run = 1, .state = "ready"};
    list = ask(&arena, MIDGE_QUERY_TASKS, &ready);
    assert_int_equal(list->count, 1);
    assert_string_equal(midge_json_get_string(list->child, "name", ""),
                        "second");
    const midge_query_options other = {.run = 2};
    assert_int_equal(ask(&arena, MIDGE_QUERY_TASKS, &other)->count, 0);

    const midge_json *agents = ask(&arena, MIDGE_QUERY_AGENTS, NULL);
    assert_int_equal(midge_json_get_bool(agents->child, "present", 0), 1);
    assert_int_equal(midge_json_get_int(agents->child, "succeeded", -1), 1);

    const midge_query_options page = {.after = 2, .limit = 3};
    const midge_json *events = ask(&arena, MIDGE_QUERY_EVENTS, &page);
    assert_int_equal(events->count, 3);
    assert_int_equal(midge_json_get_int(events->child, "seq", -1), 3);
    midge_driver_close(driver);
    midge_arena_deinit(&arena);
}

static void opening_without_memory_is_clean(void **state) {
    (void)state;
    struct test_env t;
    long n = 0;
    do {
        midge_store *store = NULL;
        midge_error err = {0};
        test_env_init(&t);
        t.fail_at = ++n;
        midge_status status =
            midge_sqlite_open(&t.env, temp_dir_file(&dir, "swarm.db"),
                              MIDGE_DURABLE_NORMAL, &store, &err);
        assert_int_equal(status, t.calls < n ? MIDGE_OK : MIDGE_E_NOMEM);
        if (store) {
            store->close(store);
        }
        assert_int_equal(t.held_bytes, 0);
    } while (t.calls >= n);
    assert_true(n > 2);
}

/* ---- files that are not a swarm ---- */

static void expect_refused(const char *path, midge_status want,
                           const char *word) {
    midge_store *store = NULL;
    midge_error err = {0};
    midge_buf before;
    midge_buf after;
    midge_buf_init(&before, &env, 0);
    midge_buf_init(&after, &env, 0);
    assert_int_equal(midge_os_read_file(path, 1 << 20, &before, &err),
                     MIDGE_OK);
    assert_int_equal(
        midge_sqlite_open(&env, path, MIDGE_DURABLE_FULL, &store, &err), want);
    assert_null(store);
    assert_non_null(strstr(err.text, word));
    assert_int_equal(
        midge_sqlite_query(&env, path, MIDGE_QUERY_SUMMARY, NULL, &after, &err),
        want);
    assert_int_equal(after.size, 0);
    assert_int_equal(midge_os_read_file(path, 1 << 20, &after, &err), MIDGE_OK);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, after.size);
    midge_buf_deinit(&before);
    midge_buf_deinit(&after);
}

static void run_sql(const char *path, const char *sql) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void foreign_and_damaged_files_are_refused(void **state) {
    (void)state;
    midge_error err;
    const char *junk = temp_dir_file(&dir, "junk");
    const char *foreign = temp_dir_file(&dir, "foreign.db");
    const char *newer = temp_dir_file(&dir, "swarm.db");
    static char bytes[5000];
    memset(bytes, 'j', sizeof bytes);
    assert_int_equal(midge_os_write_file(junk, bytes, sizeof bytes, &err),
                     MIDGE_OK);
    expect_refused(junk, MIDGE_E_CORRUPT, "not a database");
    run_sql(foreign, "CREATE TABLE songs(name)");
    expect_refused(foreign, MIDGE_E_CORRUPT, "another program");
    midge_store *store = open_sqlite();
    store->close(store);
    run_sql(newer, "PRAGMA user_version=99");
    expect_refused(newer, MIDGE_E_VERSION, "99");

    midge_buf buf;
    midge_buf_init(&buf, &env, 0);
    assert_int_equal(midge_sqlite_query(&env, temp_dir_file(&dir, "none.db"),
                                        MIDGE_QUERY_RUNS, NULL, &buf, &err),
                     MIDGE_E_NOT_FOUND);
    midge_buf_deinit(&buf);
}

/* A log that was cut, reordered or edited does not open. */
static void a_damaged_log_does_not_open(void **state) {
    (void)state;
    static const char *const harm[] = {
        "DELETE FROM events WHERE seq=3",
        "UPDATE events SET data=substr(data,1,length(data)-1) WHERE seq=2",
        ("UPDATE events SET data=(SELECT data FROM events WHERE seq=1) "
         "WHERE seq=2"),
        "UPDATE events SET data='{}' WHERE seq=7", "DROP TABLE events"};
    for (size_t i = 0; i < sizeof harm / sizeof *harm; i++) {
        midge_driver *driver = NULL;
        midge_error err = {0};
        make_little_swarm(&driver);
        midge_driver_close(driver);
        const char *path = temp_dir_file(&dir, "swarm.db");
        run_sql(path, harm[i]);
        midge_store *store = NULL;
        midge_status status =
            midge_sqlite_open(&env, path, MIDGE_DURABLE_NORMAL, &store, &err);
        if (status == MIDGE_OK) {
            status = midge_driver_open_take(&env, store, &driver, &err);
        }
        assert_true(status == MIDGE_E_CORRUPT || status == MIDGE_E_PARSE);
        assert_true(err.text[0] != '\0');
        assert_int_equal(unlink(path), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        in_temp_dir(memory_conforms),
        in_temp_dir(sqlite_conforms),
        in_temp_dir(projections_say_what_the_state_says),
        in_temp_dir(queries_answer_in_json),
        in_temp_dir(opening_without_memory_is_clean),
        in_temp_dir(foreign_and_damaged_files_are_refused),
        in_temp_dir(a_damaged_log_does_not_open),
    };
    env = midge_os_env();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
