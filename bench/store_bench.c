/* store_bench.c: claim + complete through SQLite, FULL durability, 8 workers.
 *
 *   store_bench [FOLDER [ROUNDS]]
 *
 * Three ways over the same code, interleaved, each on a fresh file in FOLDER
 * (default: the current one; it should be on a real disk):
 *
 *   pair      complete and the next claim in one call, group commit
 *   separate  complete, then claim, group commit
 *   single    as separate, but every command in a transaction of its own
 *
 * Prints one JSON object for each way in each round (default 5), and one for
 * what an fdatasync costs in that folder at that time.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop/driver.h"
#include "midge/os.h"
#include "sqlite/sqlite_store.h"

#define WORKERS      8u
#define GROUP_TASKS  4000u
#define SINGLE_TASKS 250u
#define SYNC_SAMPLES 101

enum { PAIR, SEPARATE, SINGLE, MODES };
static const char *const mode_names[MODES] = {"pair", "separate", "single"};

typedef struct result {
    double tasks_per_s;
    double commands_per_commit;
} result;

static midge_env env;

static void must(midge_status status, const midge_error *err) {
    if (status != MIDGE_OK) {
        fprintf(stderr, "store_bench: %s\n", err->text);
        exit(1);
    }
}

static midge_text text(const char *t) {
    return (midge_text){t, (uint32_t)strlen(t)};
}

/* An input of 240 bytes, the size of the payload in the comparison of engines.
 */
static void submit(midge_driver *driver, uint32_t n) {
    midge_error err = {0};
    char input[241];
    midge_task_spec *tasks = calloc(n, sizeof *tasks);
    char(*names)[16] = calloc(n, sizeof *names);
    if (!tasks || !names) {
        exit(1);
    }
    snprintf(input, sizeof input, "{\"payload\":\"%0226d\"}", 7);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "t%u", i);
        tasks[i] = (midge_task_spec){.name = text(names[i]),
                                     .kind = text("bench"),
                                     .input = text(input)};
    }
    const midge_command join = {
        .type = MIDGE_COMMAND_JOIN, .name = text("worker"), .slots = WORKERS};
    const midge_command run = {.type = MIDGE_COMMAND_SUBMIT,
                               .name = text("bench"),
                               .tasks = tasks,
                               .n_tasks = n};
    must(midge_driver_command(driver, &join, NULL, &err), &err);
    must(midge_driver_command(driver, &run, NULL, &err), &err);
    free(tasks);
    free(names);
}

typedef struct job {
    midge_driver *driver;
    int mode;
} job;

static void *work(void *ctx) {
    const job *j = ctx;
    midge_error err = {0};
    midge_reply held;
    const midge_command claim = {.type = MIDGE_COMMAND_CLAIM};
    must(midge_driver_command(j->driver, &claim, &held, &err), &err);
    while (held.task != 0) {
        const midge_command done = {.type = MIDGE_COMMAND_COMPLETE,
                                    .task = held.task,
                                    .fence = held.fence,
                                    .result = text("{\"ok\":true}")};
        if (j->mode == PAIR) {
            must(midge_driver_command_pair(j->driver, &done, &claim, &held,
                                           &err),
                 &err);
        } else {
            must(midge_driver_command(j->driver, &done, &held, &err), &err);
            must(midge_driver_command(j->driver, &claim, &held, &err), &err);
        }
    }
    return NULL;
}

static void check_all_done(void *ctx, const midge_swarm *swarm) {
    midge_run_view run;
    if (!midge_swarm_run(swarm, 1, &run) || run.state != MIDGE_RUN_SUCCEEDED ||
        run.n_tasks != *(uint32_t *)ctx) {
        fprintf(stderr, "store_bench: the run did not succeed\n");
        exit(1);
    }
}

static void remove_store(const char *path) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[600];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static result measure(const char *path, int mode) {
    midge_store *store = NULL;
    midge_driver *driver = NULL;
    midge_error err = {0};
    pthread_t threads[WORKERS];
    uint32_t n = mode == SINGLE ? SINGLE_TASKS : GROUP_TASKS;
    remove_store(path);
    must(midge_sqlite_open(&env, path, MIDGE_DURABLE_FULL, &store, &err), &err);
    must(midge_driver_open_take(&env, store, &driver, &err), &err);
    submit(driver, n);
    midge_driver_limit_batch(driver, mode == SINGLE ? 1 : 0);
    midge_driver_stats before;
    midge_driver_stats after;
    midge_driver_get_stats(driver, &before);
    job j = {driver, mode};
    double start = midge_os_monotonic_ms();
    for (unsigned i = 0; i < WORKERS; i++) {
        if (pthread_create(&threads[i], NULL, work, &j) != 0) {
            exit(1);
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    double ms = midge_os_monotonic_ms() - start;
    midge_driver_get_stats(driver, &after);
    midge_driver_read(driver, check_all_done, &n);
    midge_driver_close(driver);
    remove_store(path);
    return (result){n / ms * 1e3, (double)(after.commands - before.commands) /
                                      (double)(after.batches - before.batches)};
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of an fdatasync after 4 KiB were appended. */
static double sync_p50_ms(const char *path) {
    static char page[4096];
    double ms[SYNC_SAMPLES];
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    for (int i = 0; i < SYNC_SAMPLES; i++) {
        if (fd < 0 || write(fd, page, sizeof page) != sizeof page) {
            perror(path);
            exit(1);
        }
        double start = midge_os_monotonic_ms();
        if (fdatasync(fd) != 0) {
            perror(path);
            exit(1);
        }
        ms[i] = midge_os_monotonic_ms() - start;
    }
    close(fd);
    unlink(path);
    qsort(ms, SYNC_SAMPLES, sizeof *ms, compare);
    return ms[SYNC_SAMPLES / 2];
}

static void print_round(int round, const char *folder) {
    char path[512];
    snprintf(path, sizeof path, "%s/store_bench.%ld.db", folder,
             (long)getpid());
    printf("{\"round\": %d, \"what\": \"fdatasync\", \"p50_ms\": %.4f}\n",
           round, sync_p50_ms(path));
    for (int mode = 0; mode < MODES; mode++) {
        result r = measure(path, mode);
        printf("{\"round\": %d, \"what\": \"%s\", \"tasks\": %u, "
               "\"tasks_per_s\": %.1f, \"commands_per_commit\": %.2f}\n",
               round, mode_names[mode],
               mode == SINGLE ? SINGLE_TASKS : GROUP_TASKS, r.tasks_per_s,
               r.commands_per_commit);
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    int rounds = argc > 2 ? atoi(argv[2]) : 5;
    env = midge_os_env();
    for (int round = 0; round < rounds; round++) {
        print_round(round, argc > 1 ? argv[1] : ".");
    }
    return 0;
}
