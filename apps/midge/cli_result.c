/* cli_result.c: what `midge learn` leaves behind and prints.
 *
 * report.json is written last: when it is there, everything is.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_learn.h"
#include "sqlite/sqlite_store.h"

typedef struct wanted {
    midge_text name;
    uint32_t run;
    midge_buf *out;
} wanted;

static void copy_result(void *ctx, const midge_swarm *swarm) {
    wanted *w = ctx;
    midge_task_view view;
    uint32_t id = midge_swarm_find_task(swarm, w->run, w->name);
    if (id != 0 && midge_swarm_task(swarm, id, &view)) {
        (void)!midge_buf_append(w->out, view.result.data, view.result.size);
    }
}

const midge_json *cli_task_result(cli_learning *l, const char *name) {
    midge_buf text;
    const midge_json *result = NULL;
    midge_buf_init(&text, &l->c->env, 0);
    wanted w = {{name, (uint32_t)strlen(name)}, l->run, &text};
    midge_driver_read(l->driver, copy_result, &w);
    if (text.size > 0) {
        (void)!midge_json_read(&l->c->arena, text.data, text.size, &result,
                               NULL);
    }
    midge_buf_deinit(&text);
    return result;
}

int cli_results_exist(const cli_learning *l, uint32_t run) {
    char path[CLI_PATH_MAX];
    cli_run_path(&l->home, run, "report.json", path);
    return access(path, F_OK) == 0;
}

/* ---- Writing ------------------------------------------------------------- */

static midge_status copy_blob(cli_learning *l, const char *ref,
                              const char *file, midge_error *err) {
    midge_buf bytes;
    char path[CLI_PATH_MAX];
    cli_run_path(&l->home, l->run, file, path);
    midge_buf_init(&bytes, &l->c->env, 0);
    midge_status status = midge_os_blob_get(l->home.blobs, ref, &bytes, err);
    if (status == MIDGE_OK) {
        status = midge_os_write_file(path, bytes.data, bytes.size, err);
    }
    midge_buf_deinit(&bytes);
    return status;
}

typedef struct counts {
    int64_t events;
    int64_t retries;
    int64_t released;
} counts;

/* From the log itself, as anyone can count it with `midge events`. */
static int count_events(cli_learning *l, counts *out) {
    midge_query_options options = {.run = l->run, .limit = 1000000};
    midge_buf text;
    const midge_json *events = NULL;
    memset(out, 0, sizeof *out);
    midge_buf_init(&text, &l->c->env, 0);
    if (midge_sqlite_query(&l->c->env, l->home.store, MIDGE_QUERY_EVENTS,
                           &options, &text, NULL) == MIDGE_OK) {
        (void)!midge_json_read(&l->c->arena, text.data, text.size, &events,
                               NULL);
    }
    midge_buf_deinit(&text);
    for (const midge_json *e = events ? events->child : NULL; e; e = e->next) {
        const char *type = midge_json_get_string(e, "type", "");
        out->events++;
        out->retries += strcmp(type, "task.retried") == 0;
        out->released += strcmp(type, "task.released") == 0;
    }
    return events != NULL;
}

static void count_tasks(void *ctx, const midge_swarm *swarm) {
    midge_run_view *view = ctx;
    (void)midge_swarm_run(swarm, view->id, view);
}

static void write_int(midge_json_writer *w, const char *key, int64_t value) {
    midge_json_key(w, key);
    midge_json_int(w, value);
}

static void write_swarm(cli_learning *l, midge_json_writer *w) {
    counts n;
    midge_run_view view = {.id = l->run};
    midge_driver_read(l->driver, count_tasks, &view);
    int counted = count_events(l, &n);
    midge_json_key(w, "swarm");
    midge_json_begin_object(w);
    midge_json_key(w, "dir");
    midge_json_string(w, l->home.dir);
    write_int(w, "run", l->run);
    write_int(w, "tasks", view.n_tasks);
    if (counted) {
        write_int(w, "events", n.events);
        write_int(w, "retries", n.retries);
        write_int(w, "released", n.released);
    }
    midge_json_key(w, "resumed");
    midge_json_bool(w, l->resumed);
    midge_json_end_object(w);
}

/* The report of the task, and what only this process knows. */
static void write_json(cli_learning *l, const midge_json *report,
                       midge_json_writer *w) {
    char path[CLI_PATH_MAX];
    midge_json_begin_object(w);
    for (const midge_json *m = report->child; m; m = m->next) {
        midge_json_key(w, m->key);
        midge_json_value(w, m);
    }
    midge_json_key(w, "seconds");
    midge_json_double(w, (midge_os_monotonic_ms() - l->start_ms) / 1000.0);
    write_swarm(l, w);
    midge_json_key(w, "model");
    cli_run_path(&l->home, l->run, "model.midge", path);
    midge_json_string(w, path);
    midge_json_key(w, "report");
    cli_run_path(&l->home, l->run, "report.md", path);
    midge_json_string(w, path);
    midge_json_end_object(w);
}

static midge_status write_report(cli_learning *l, const midge_json *report,
                                 midge_error *err) {
    midge_buf text;
    midge_json_writer w;
    char path[CLI_PATH_MAX];
    midge_buf_init(&text, &l->c->env, 0);
    midge_json_writer_init(&w, &text, 2);
    write_json(l, report, &w);
    midge_status status = midge_json_writer_end(&w);
    if (status == MIDGE_OK) {
        status = midge_buf_puts(&text, "\n");
    }
    if (status == MIDGE_OK) {
        cli_run_path(&l->home, l->run, "report.json", path);
        status = midge_os_write_file(path, text.data, text.size, err);
    } else {
        (void)midge_fail(err, status, "the report could not be written");
    }
    midge_buf_deinit(&text);
    return status;
}

int cli_write_results(cli_learning *l) {
    midge_error err = {.text = ""};
    char path[CLI_PATH_MAX];
    const midge_json *result = cli_task_result(l, "report");
    const midge_json *report = midge_json_get(result, "report");
    if (!report) {
        return cli_complain(CLI_FAILED, "run %u has no report",
                            (unsigned)l->run);
    }
    cli_run_path(&l->home, l->run, "", path);
    midge_status status = midge_os_make_dirs(path, &err);
    if (status == MIDGE_OK) {
        status = copy_blob(l, midge_json_get_string(result, "bundle", ""),
                           "model.midge", &err);
    }
    if (status == MIDGE_OK) {
        status = copy_blob(l, midge_json_get_string(result, "markdown", ""),
                           "report.md", &err);
    }
    if (status == MIDGE_OK) {
        status = write_report(l, report, &err);
    }
    return status == MIDGE_OK ? CLI_DONE
                              : cli_complain_error(CLI_FAILED, "", &err);
}

/* ---- Printing ------------------------------------------------------------ */

static void print_score(const midge_json *value, int percent) {
    if (!value || value->type == MIDGE_JSON_NULL) {
        printf("%9s", "-");
    } else if (percent) {
        printf("%7.2f %%", 100.0 * value->number);
    } else {
        printf("%9.4f", value->number);
    }
}

static void print_agents(const midge_json *report, int percent) {
    const midge_json *agents = midge_json_get(report, "agents");
    printf("\n%-8s %-11s %-9s %9s  %9s %8s\n", "agent", "pattern", "family",
           "test", "out/fold", "seconds");
    for (const midge_json *a = agents ? agents->child : NULL; a; a = a->next) {
        printf("%-8s %-11s %-9s ", midge_json_get_string(a, "name", ""),
               midge_json_get_string(a, "pattern", ""),
               midge_json_get_string(a, "family", "-"));
        print_score(midge_json_get(a, "score"), percent);
        fputs("  ", stdout);
        print_score(midge_json_get(a, "oof_score"), percent);
        printf(" %8.1f\n", midge_json_get_double(a, "seconds", 0.0));
    }
}

static void print_summary(cli_learning *l, const midge_json *report) {
    const midge_json *test = midge_json_get(report, "test");
    const midge_json *data = midge_json_get(report, "data");
    int percent = strcmp(midge_json_get_string(report, "problem", ""),
                         "classification") == 0;
    printf("%s: %s of '%s', %lld rows, tested on %lld that no agent saw\n",
           l->title, midge_json_get_string(report, "problem", ""),
           midge_json_get_string(report, "target", ""),
           (long long)midge_json_get_int(report, "rows", 0),
           (long long)midge_json_get_int(data, "test_rows", 0));
    print_agents(report, percent);
    printf("%-30s ", "ensemble");
    print_score(midge_json_get(test, "score"), percent);
    printf("  (95 %% interval ");
    print_score(midge_json_get(test, "low"), percent);
    printf(" to ");
    print_score(midge_json_get(test, "high"), percent);
    printf(")\n");
    if (midge_json_get(test, "rmse")) {
        printf("root mean squared error of the ensemble: %.4g\n",
               midge_json_get_double(test, "rmse", 0.0));
    }
}

static void print_paths(cli_learning *l) {
    char path[CLI_PATH_MAX];
    cli_run_path(&l->home, l->run, "report.md", path);
    printf("\n%.1f s%s. Report: %s\n",
           (midge_os_monotonic_ms() - l->start_ms) / 1000.0,
           l->resumed ? " (resumed)" : "", path);
    cli_run_path(&l->home, l->run, "model.midge", path);
    printf("Model: %s\n", path);
    const char *db = midge_json_get_string(l->c->args, "db", NULL);
    const char *flag = db ? " --db " : "";
    db = db ? db : "";
    printf("Look around: midge status%s%s, midge tasks%s%s, midge events%s%s; "
           "use it: midge predict%s%s FILE\n",
           flag, db, flag, db, flag, db, flag, db);
}

int cli_print_results(cli_learning *l) {
    midge_buf text;
    char path[CLI_PATH_MAX];
    midge_error err = {.text = ""};
    const midge_json *report = NULL;
    cli_run_path(&l->home, l->run, "report.json", path);
    midge_buf_init(&text, &l->c->env, 0);
    midge_status status =
        midge_os_read_file(path, (size_t)256 << 20, &text, &err);
    if (status == MIDGE_OK && midge_json_get_bool(l->c->args, "json", 0)) {
        fwrite(text.data, 1, text.size, stdout);
    } else if (status == MIDGE_OK) {
        status =
            midge_json_read(&l->c->arena, text.data, text.size, &report, &err);
        if (status == MIDGE_OK) {
            print_summary(l, report);
            print_paths(l);
        }
    }
    midge_buf_deinit(&text);
    return status == MIDGE_OK ? CLI_DONE
                              : cli_complain_error(CLI_FAILED, "", &err);
}
