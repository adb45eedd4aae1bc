/* crash_child.c: a process that works a swarm and may be killed at any moment.
 *
 *   crash_child FOLDER
 *
 * Opens (or makes) the swarm in FOLDER, submits the plan under a key, works it
 * with a pool, and says on stdout what was acknowledged to it:
 *
 *   run ID        the submission is durable
 *   done TASK     the result of a task is durable
 *   end HASH      the run has ended; the hash of the live state
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compute/pool.h"
#include "crash_plan.h"
#include "midge/os.h"
#include "sqlite/sqlite_store.h"
#include "test_ops.h"

#define THREADS 3

/* One write per line: a kill leaves whole lines or nothing. */
static void say(const char *line) {
    size_t size = strlen(line);
    if (write(STDOUT_FILENO, line, size) != (ssize_t)size) {
        _exit(4);
    }
}

static void die(const char *what, const midge_error *err) {
    fprintf(stderr, "crash_child: %s: %s\n", what, err->text);
    _exit(3);
}

static void tell_done(void *ctx, const midge_pool_notice *notice) {
    char line[32];
    (void)ctx;
    if (notice->ended && notice->status == MIDGE_OK) {
        snprintf(line, sizeof line, "done %u\n", notice->task);
        say(line);
    }
}

/* The agents of an earlier life are still there. */
static void join(midge_driver *driver, const char *name) {
    const midge_command c = {.type = MIDGE_COMMAND_JOIN,
                             .name = {name, (uint32_t)strlen(name)},
                             .slots = 2};
    midge_error err = {0};
    midge_status status = midge_driver_command(driver, &c, NULL, &err);
    if (status != MIDGE_OK && status != MIDGE_E_EXISTS) {
        die("join", &err);
    }
}

static uint32_t submit(const midge_env *env, midge_driver *driver) {
    midge_arena arena;
    midge_buf plan;
    midge_command command;
    midge_reply reply;
    midge_error err = {0};
    midge_buf_init(&plan, env, 0);
    midge_arena_init(&arena, env, (size_t)16 << 20);
    crash_plan_write(&plan);
    if (midge_plan_read(&arena, plan.data, plan.size, &command, &err) !=
            MIDGE_OK ||
        midge_driver_command(driver, &command, &reply, &err) != MIDGE_OK) {
        die("submit", &err);
    }
    midge_arena_deinit(&arena);
    midge_buf_deinit(&plan);
    char line[32];
    snprintf(line, sizeof line, "run %u\n", reply.run);
    say(line);
    return reply.run;
}

typedef struct look {
    uint32_t run;
    int ended;
    char hash[MIDGE_SHA256_HEX];
} look;

static void look_at(void *ctx, const midge_swarm *swarm) {
    look *l = ctx;
    midge_run_view run;
    midge_swarm_run(swarm, l->run, &run);
    l->ended = run.state != MIDGE_RUN_ACTIVE;
    if (l->ended && midge_swarm_hash(swarm, l->hash) != MIDGE_OK) {
        l->hash[0] = '\0';
    }
}

static void work_to_the_end(const midge_env *env, midge_driver *driver,
                            uint32_t run) {
    const midge_pool_options options = {
        .n_threads = THREADS, .on_notice = tell_done, .find = test_ops_find};
    midge_pool *pool = NULL;
    midge_error err = {0};
    look l = {.run = run};
    uint64_t seq = 0;
    if (midge_pool_start(env, driver, &options, &pool, &err) != MIDGE_OK) {
        die("pool", &err);
    }
    midge_driver_read(driver, look_at, &l);
    while (!l.ended) {
        seq = midge_driver_wait(driver, seq, 1000);
        midge_driver_read(driver, look_at, &l);
    }
    midge_pool_stop(pool);
    midge_driver_read(driver, look_at, &l);
    char line[80];
    snprintf(line, sizeof line, "end %s\n", l.hash);
    say(line);
}

int main(int argc, char **argv) {
    midge_env env = midge_os_env();
    midge_error err = {0};
    midge_os_lock lock;
    midge_store *store = NULL;
    midge_driver *driver = NULL;
    char path[512];
    if (argc != 2) {
        return 2;
    }
    snprintf(path, sizeof path, "%s/lock", argv[1]);
    if (midge_os_make_dirs(argv[1], &err) != MIDGE_OK ||
        midge_os_lock_file(path, &lock, &err) != MIDGE_OK) {
        die("lock", &err);
    }
    snprintf(path, sizeof path, "%s/swarm.db", argv[1]);
    if (midge_sqlite_open(&env, path, MIDGE_DURABLE_FULL, &store, &err) !=
            MIDGE_OK ||
        midge_driver_open_take(&env, store, &driver, &err) != MIDGE_OK) {
        die("open", &err);
    }
    join(driver, "ann");
    join(driver, "bob");
    work_to_the_end(&env, driver, submit(&env, driver));
    midge_driver_close(driver);
    midge_os_unlock(&lock);
    return 0;
}
