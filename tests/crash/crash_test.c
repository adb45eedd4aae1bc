/* crash_test.c: kill -9 at any moment; start again; nothing is lost or doubled.
 *
 * The parent runs crash_child again and again on the same folder and kills it:
 * sometimes within its first milliseconds, mostly after a random number of
 * acknowledgements and a random moment more. After every kill it replays what
 * is on disk. Rounds with a fresh folder follow until KILLS_MIN kills were
 * survived. The seed is fixed; MIDGE_TEST_SEED sets another.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "crash_plan.h"
#include "faulty_store.h"
#include "midge/os.h"
#include "projection_compare.h"
#include "sqlite/sqlite_store.h"
#include "temp_dir.h"

#define KILLS_MIN     40
#define ACKS_MAX      14
#define MOMENT_MAX_US 4000
#define EARLY_MAX_US  25000

static const char *child_path;
static uint64_t seed = 4711;
static midge_env env;

static uint32_t next_random(uint32_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

/* What one folder's children have acknowledged so far. */
typedef struct record {
    struct temp_dir dir;
    int run_known;
    int done[CRASH_TASKS + 1];
    char hash[80];
    int ended;
} record;

typedef struct life {
    pid_t pid;
    int out;
    char line[128];
    size_t line_size;
    unsigned acks;
} life;

static life start_child(const char *dir) {
    int ends[2];
    life l = {0};
    assert_int_equal(pipe(ends), 0);
    l.pid = fork();
    assert_true(l.pid >= 0);
    if (l.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(child_path, child_path, dir, (char *)NULL);
        _exit(9);
    }
    close(ends[1]);
    l.out = ends[0];
    return l;
}

static void note_line(record *r, const char *line) {
    unsigned id = 0;
    if (sscanf(line, "run %u", &id) == 1) {
        assert_int_equal(id, 1); /* the key is known in every later life */
        r->run_known = 1;
    } else if (sscanf(line, "done %u", &id) == 1) {
        assert_in_range(id, 1, CRASH_TASKS);
        assert_int_equal(r->done[id], 0); /* acknowledged once, in any life */
        r->done[id] = 1;
    } else if (sscanf(line, "end %64s", r->hash) == 1) {
        r->ended = 1;
    } else {
        fail_msg("the child says: %s", line);
    }
}

/* Reads what there is within `us`; 0 at the end of the pipe. */
static int listen(life *l, record *r, int64_t us) {
    struct pollfd wait = {.fd = l->out, .events = POLLIN};
    struct timespec time = {us / 1000000, (long)(us % 1000000) * 1000};
    if (ppoll(&wait, 1, &time, NULL) <= 0) {
        return 1;
    }
    char c;
    while (read(l->out, &c, 1) == 1) {
        if (c == '\n') {
            l->line[l->line_size] = '\0';
            note_line(r, l->line);
            l->line_size = 0;
            l->acks++;
            return 1;
        }
        assert_true(l->line_size < sizeof l->line - 1);
        l->line[l->line_size++] = c;
    }
    return 0;
}

static void hear_the_rest(life *l, record *r) {
    while (listen(l, r, 30000000)) {
    }
    assert_int_equal(l->line_size, 0); /* half a line was never written */
    close(l->out);
}

/* 1 when the child was killed, 0 when it came to its end before. */
static int live_and_die(record *r) {
    life l = start_child(r->dir.path);
    int early = next_random(4) == 0;
    unsigned acks = early ? 0 : next_random(ACKS_MAX);
    int64_t us = next_random(early ? EARLY_MAX_US : MOMENT_MAX_US);
    int alive = 1;
    while (alive && l.acks < acks) {
        alive = listen(&l, r, 30000000);
    }
    double end = midge_os_monotonic_ms() + (double)us / 1000;
    for (double left = (double)us; alive && left > 0;
         left = (end - midge_os_monotonic_ms()) * 1000) {
        alive = listen(&l, r, (int64_t)left + 1);
    }
    if (alive) {
        kill(l.pid, SIGKILL);
    }
    hear_the_rest(&l, r);
    int status = 0;
    assert_int_equal(waitpid(l.pid, &status, 0), l.pid);
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_true(r->ended);
        return 0;
    }
    assert_int_equal(WTERMSIG(status), SIGKILL);
    return 1;
}

static int64_t ask(const char *path, const char *sql) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

static void check_results(const record *r, const midge_swarm *swarm) {
    midge_task_view task;
    for (uint32_t id = 1; id <= CRASH_TASKS; id++) {
        int there = midge_swarm_task(swarm, id, &task);
        int succeeded = there && task.state == MIDGE_TASK_SUCCEEDED;
        if (r->done[id] || r->ended) {
            assert_true(succeeded); /* what was acknowledged was kept */
        }
        if (succeeded) {
            assert_int_equal(task.result.size, strlen("{\"value\":7}"));
            assert_memory_equal(task.result.data, "{\"value\":7}",
                                task.result.size);
        }
    }
}

/* What is on disk now: replays, fits the projections, holds all that was
 * acknowledged, and no task twice. */
static void check_disk(const record *r) {
    char path[256];
    char why[512];
    midge_store *store = NULL;
    midge_error err = {0};
    snprintf(path, sizeof path, "%s/swarm.db", r->dir.path);
    if (midge_sqlite_open(&env, path, MIDGE_DURABLE_FULL, &store, &err) !=
        MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    midge_swarm *swarm = replay_store(&env, store, 0);
    store->close(store);
    assert_int_equal(midge_swarm_n_runs(swarm) >= (uint32_t)r->run_known, 1);
    assert_true(midge_swarm_n_runs(swarm) <= 1);
    check_results(r, swarm);
    if (!projections_equal(path, swarm, why, sizeof why)) {
        fail_msg("%s", why);
    }
    if (r->ended) {
        char hash[MIDGE_SHA256_HEX];
        assert_int_equal(midge_swarm_hash(swarm, hash), MIDGE_OK);
        assert_string_equal(hash, r->hash);
    }
    midge_swarm_free(swarm);
    assert_int_equal(ask(path, "SELECT count(*)-count(DISTINCT task) FROM "
                               "events WHERE type='task.succeeded'"),
                     0);
    assert_int_equal(ask(path, "SELECT coalesce(max(seq),0)-count(*) FROM "
                               "events"),
                     0);
}

static void check_end(const record *r) {
    char path[256];
    snprintf(path, sizeof path, "%s/swarm.db", r->dir.path);
    assert_int_equal(ask(path, "SELECT count(*) FROM events WHERE "
                               "type='task.succeeded'"),
                     CRASH_TASKS);
    assert_int_equal(ask(path, "SELECT count(*) FROM runs WHERE "
                               "state='succeeded'"),
                     1);
    assert_int_equal(ask(path, "SELECT integrity_check='ok' FROM "
                               "pragma_integrity_check"),
                     1);
}

static void killed_at_any_moment_it_goes_on(void **state) {
    (void)state;
    int kills = 0;
    int rounds = 0;
    while (kills < KILLS_MIN) {
        record r = {0};
        temp_dir_make(&r.dir);
        while (live_and_die(&r)) {
            kills++;
            check_disk(&r);
        }
        check_disk(&r);
        check_end(&r);
        temp_dir_remove(&r.dir);
        rounds++;
    }
    print_message("%d kills, %d runs of %u tasks\n", kills, rounds,
                  CRASH_TASKS);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment_it_goes_on),
    };
    const char *other = getenv("MIDGE_TEST_SEED");
    if (argc != 2) {
        fprintf(stderr, "usage: crash_test CHILD\n");
        return 2;
    }
    child_path = argv[1];
    seed = other ? strtoull(other, NULL, 10) : seed;
    env = midge_os_env();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
