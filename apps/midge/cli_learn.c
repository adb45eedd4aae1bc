/* cli_learn.c: midge learn and midge demo.
 *
 * 1. The input is read and checked before anything is written: wrong input
 *    leaves no half-made swarm.
 * 2. Everything that must survive a kill is in the swarm's store and blobs;
 *    this process only submits, runs a pool and waits.
 */
#include "cli_learn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "midge/table.h"
#include "sqlite/sqlite_store.h"

#define WAIT_MS     200
#define STORE_FAILS 10 /* appends in a row: no room, or a broken disk */

/* ---- Input --------------------------------------------------------------- */

/* Loads and splits in this process; nothing is stored. */
static int check_input(cli_learning *l) {
    cli_blobs blobs = {.data = &l->bytes};
    midge_buf call;
    midge_json_writer w;
    midge_error err = {.text = "out of memory"};
    const midge_json *split;
    midge_buf_init(&call, &l->c->env, 0);
    midge_json_writer_init(&w, &call, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "data");
    midge_json_string(&w, "data");
    midge_json_key(&w, "target");
    midge_json_string(&w, l->target);
    midge_json_end_object(&w);
    midge_status status = midge_json_writer_end(&w);
    if (status == MIDGE_OK) {
        status = cli_run_op(l->c, "data.load", &blobs, call.data, call.size,
                            &l->facts, &err);
    }
    if (status == MIDGE_OK) {
        status = cli_run_op(l->c, "data.split", &blobs, call.data, call.size,
                            &split, &err);
    }
    midge_buf_deinit(&call);
    return status == MIDGE_OK
               ? CLI_DONE
               : cli_complain_error(cli_code_of(status), l->file, &err);
}

static int read_input(cli_learning *l) {
    midge_error err = {.text = ""};
    const char *slash = strrchr(l->file, '/');
    (void)snprintf(l->title, sizeof l->title, "%s",
                   slash ? slash + 1 : l->file);
    midge_status status =
        midge_os_read_file(l->file, MIDGE_TABLE_BYTES_MAX, &l->bytes, &err);
    if (status != MIDGE_OK) {
        return cli_complain_error(cli_code_of(status), "", &err);
    }
    return check_input(l);
}

/* ---- The swarm ----------------------------------------------------------- */

static int open_swarm(cli_learning *l) {
    midge_error err = {.text = ""};
    midge_store *store = NULL;
    const midge_env *env = &l->c->env;
    midge_status status = midge_os_make_dirs(l->home.blobs, &err);
    if (status == MIDGE_OK) {
        status = midge_os_lock_file(l->home.lock, &l->lock, &err);
        l->locked = status == MIDGE_OK;
    }
    if (status == MIDGE_OK) {
        status = midge_sqlite_open(env, l->home.store, MIDGE_DURABLE_FULL,
                                   &store, &err);
    }
    if (status == MIDGE_OK) {
        status = midge_driver_open_take(env, store, &l->driver, &err);
    }
    if (status == MIDGE_OK) {
        status = midge_os_blob_put(l->home.blobs, l->bytes.data, l->bytes.size,
                                   l->ref, &err);
    }
    return status == MIDGE_OK
               ? CLI_DONE
               : cli_complain_error(CLI_FAILED, l->home.dir, &err);
}

static void close_swarm(cli_learning *l) {
    midge_driver_close(l->driver);
    if (l->locked) {
        midge_os_unlock(&l->lock);
    }
}

static void look(void *ctx, const midge_swarm *swarm) {
    midge_run_view *view = ctx;
    (void)midge_swarm_run(swarm, view->id, view);
}

/* Until the run is over or a signal came. */
static midge_run_state wait_for(cli_learning *l) {
    midge_run_view view = {.id = l->run};
    uint64_t seq = 0;
    for (;;) {
        midge_driver_read(l->driver, look, &view);
        if (view.state != MIDGE_RUN_ACTIVE || cli_interrupted()) {
            return view.state;
        }
        if (midge_driver_failing(l->driver, &l->store_error) >= STORE_FAILS) {
            return view.state;
        }
        seq = midge_driver_wait(l->driver, seq, WAIT_MS);
    }
}

static int stopped(const cli_learning *l) {
    if (l->store_error.status != MIDGE_OK && !cli_interrupted()) {
        fprintf(stderr,
                "midge: %s cannot be written: %s. What is done is kept; make "
                "room and give the same command again.\n",
                l->home.dir, l->store_error.text);
        return CLI_FAILED;
    }
    fprintf(stderr,
            "midge: stopped. What is done is kept in %s; the same command goes "
            "on from there.\n",
            l->home.dir);
    return CLI_INTERRUPTED;
}

typedef struct failure {
    uint32_t run;
    int found;
    char text[512];
} failure;

static void find_failure(void *ctx, const midge_swarm *swarm) {
    failure *f = ctx;
    for (uint32_t id = 1; id <= midge_swarm_n_tasks(swarm); id++) {
        midge_task_view view;
        if (!f->found && midge_swarm_task(swarm, id, &view) &&
            view.run == f->run && view.state == MIDGE_TASK_FAILED) {
            (void)snprintf(f->text, sizeof f->text, "task %.*s failed: %.*s",
                           (int)view.name.size, view.name.data,
                           (int)view.error.size, view.error.data);
            f->found = 1;
        }
    }
}

static int finished(cli_learning *l, midge_run_state state) {
    if (state == MIDGE_RUN_SUCCEEDED) {
        return cli_write_results(l);
    }
    failure f = {.run = l->run};
    midge_driver_read(l->driver, find_failure, &f);
    return cli_complain(CLI_FAILED, "%s",
                        f.found ? f.text : "the run was cancelled");
}

static int work(cli_learning *l) {
    cli_progress progress;
    midge_pool *pool = NULL;
    midge_error err = {.text = ""};
    const cli *c = l->c;
    cli_progress_init(&progress, &c->env, l->driver, l->agents);
    midge_pool_options options = {
        .n_threads = (unsigned)midge_json_get_int(c->args, "threads", 0),
        .blob_dir = l->home.blobs,
        .on_notice = cli_progress_notice,
        .ctx = &progress,
    };
    cli_progress_say(
        &progress, "midge: %s: %lld rows, %s of '%s'; run %u in %s%s", l->title,
        (long long)midge_json_get_int(l->facts, "rows", 0),
        midge_json_get_string(l->facts, "problem", ""),
        midge_json_get_string(l->facts, "target", ""), (unsigned)l->run,
        l->home.dir, l->resumed ? " (resumed)" : "");
    cli_watch_interrupts();
    midge_status status =
        midge_pool_start(&c->env, l->driver, &options, &pool, &err);
    midge_run_state state = MIDGE_RUN_ACTIVE;
    if (status == MIDGE_OK) {
        state = wait_for(l);
    }
    midge_pool_stop(pool);
    cli_dismiss_agents(l);
    cli_progress_finish(&progress);
    cli_progress_deinit(&progress);
    if (status != MIDGE_OK) {
        return cli_complain_error(CLI_FAILED, "", &err);
    }
    return state == MIDGE_RUN_ACTIVE ? stopped(l) : finished(l, state);
}

int cli_learn(cli *c, const char *file, const char *target) {
    cli_learning l = {.c = c, .file = file, .target = target};
    l.start_ms = midge_os_monotonic_ms();
    midge_buf_init(&l.bytes, &c->env, MIDGE_TABLE_BYTES_MAX);
    int code = cli_find_home(c, &l.home);
    if (code == CLI_DONE) {
        code = read_input(&l);
    }
    if (code == CLI_DONE) {
        code = open_swarm(&l);
    }
    if (code == CLI_DONE) {
        code = cli_submit(&l);
    }
    midge_buf_deinit(&l.bytes);
    if (code == CLI_DONE) {
        code = work(&l);
    }
    if (code == CLI_DONE) {
        code = cli_print_results(&l);
    }
    close_swarm(&l);
    return code;
}

/* ---- demo ---------------------------------------------------------------- */

/* The folder of the running program, by /proc, else by argv[0]. */
static void program_dir(const char *program, char path[CLI_PATH_MAX]) {
    ssize_t size = readlink("/proc/self/exe", path, CLI_PATH_MAX - 1);
    if (size <= 0) {
        (void)cli_path(path, "%s", program);
    } else {
        path[size] = 0;
    }
    char *slash = strrchr(path, '/');
    if (slash) {
        *slash = 0;
    } else {
        (void)cli_path(path, ".");
    }
}

int cli_demo(cli *c, const char *program) {
    static const char *const places[] = {"../share/midge/digits.npy",
                                         "../../data/digits.npy",
                                         "data/digits.npy"};
    char dir[CLI_PATH_MAX];
    char path[CLI_PATH_MAX];
    const char *given = getenv("MIDGE_DIGITS");
    if (given && given[0]) {
        return cli_learn(c, given, "-1");
    }
    program_dir(program, dir);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (cli_path(path, "%.3900s/%s", dir, places[i]) &&
            access(path, R_OK) == 0) {
            return cli_learn(c, path, "-1");
        }
    }
    return cli_complain(CLI_USAGE,
                        "the digits are not here; ./run makes them, or "
                        "MIDGE_DIGITS names the file");
}
