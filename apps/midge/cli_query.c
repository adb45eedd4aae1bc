/* cli_query.c: status, tasks and events: what the store says, as a table or as
 * JSON. Reads only, so it works while a swarm is at work. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "sqlite/sqlite_store.h"

/* Appends the answer of one query to `out`. */
static int query(cli *c, const cli_home *home, midge_query what,
                 const midge_query_options *options, midge_buf *out) {
    midge_error err = {.text = ""};
    if (!cli_home_exists(home)) {
        return cli_complain(CLI_FAILED,
                            "there is no swarm in %s; `midge learn` makes one",
                            home->dir);
    }
    midge_status status =
        midge_sqlite_query(&c->env, home->store, what, options, out, &err);
    return status == MIDGE_OK ? CLI_DONE
                              : cli_complain_error(CLI_FAILED, "", &err);
}

static int read_answer(cli *c, const midge_buf *text, const midge_json **out) {
    midge_error err = {.text = ""};
    if (midge_json_read(&c->arena, text->data, text->size, out, &err) !=
        MIDGE_OK) {
        return cli_complain_error(CLI_FAILED, "the store's answer", &err);
    }
    return CLI_DONE;
}

static long long int_of(const midge_json *object, const char *key) {
    return (long long)midge_json_get_int(object, key, 0);
}

/* ---- status -------------------------------------------------------------- */

static int query_status(cli *c, const cli_home *home, midge_buf *text) {
    static const midge_query queries[] = {MIDGE_QUERY_SUMMARY, MIDGE_QUERY_RUNS,
                                          MIDGE_QUERY_AGENTS};
    static const char *const keys[] = {
        "{\"summary\":", ",\"runs\":", ",\"agents\":"};
    midge_query_options options = {.limit = 100000};
    for (int i = 0; i < 3; i++) {
        (void)midge_buf_puts(text, keys[i]);
        int code = query(c, home, queries[i], &options, text);
        if (code != CLI_DONE) {
            return code;
        }
    }
    return midge_buf_puts(text, "}") == MIDGE_OK
               ? CLI_DONE
               : cli_complain(CLI_FAILED, "out of memory");
}

static void print_runs(const midge_json *runs) {
    if (!runs || !runs->child) {
        return;
    }
    printf("\n%5s  %-10s %-10s %7s %7s %7s\n", "run", "name", "state", "tasks",
           "done", "failed");
    for (const midge_json *r = runs->child; r; r = r->next) {
        const midge_json *tasks = midge_json_get(r, "tasks");
        printf("%5lld  %-10s %-10s %7lld %7lld %7lld\n", int_of(r, "id"),
               midge_json_get_string(r, "name", ""),
               midge_json_get_string(r, "state", ""), int_of(tasks, "total"),
               int_of(tasks, "succeeded"), int_of(tasks, "failed"));
    }
}

static void print_agents(const midge_json *agents) {
    if (!agents || !agents->child) {
        return;
    }
    printf("\n%5s  %-10s %-11s %-8s %7s %7s\n", "agent", "name", "pattern",
           "present", "done", "failed");
    for (const midge_json *a = agents->child; a; a = a->next) {
        printf("%5lld  %-10s %-11s %-8s %7lld %7lld\n", int_of(a, "id"),
               midge_json_get_string(a, "name", ""),
               midge_json_get_string(a, "pattern", ""),
               midge_json_get_bool(a, "present", 0) ? "yes" : "left",
               int_of(a, "succeeded"), int_of(a, "failed"));
    }
}

static void print_status(const cli_home *home, const midge_json *answer) {
    const midge_json *summary = midge_json_get(answer, "summary");
    const midge_json *tasks = midge_json_get(summary, "tasks");
    printf("%s: %lld events; tasks: %lld succeeded, %lld failed, %lld running, "
           "%lld waiting\n",
           home->dir, int_of(summary, "last_seq"), int_of(tasks, "succeeded"),
           int_of(tasks, "failed"), int_of(tasks, "leased"),
           int_of(tasks, "pending") + int_of(tasks, "ready") +
               int_of(tasks, "retry_wait"));
    print_runs(midge_json_get(answer, "runs"));
    print_agents(midge_json_get(answer, "agents"));
}

int cli_status(cli *c) {
    cli_home home;
    midge_buf text;
    const midge_json *answer;
    int code = cli_find_home(c, &home);
    if (code != CLI_DONE) {
        return code;
    }
    midge_buf_init(&text, &c->env, 0);
    code = query_status(c, &home, &text);
    if (code == CLI_DONE && midge_json_get_bool(c->args, "json", 0)) {
        cli_print_line(&text);
    } else if (code == CLI_DONE) {
        code = read_answer(c, &text, &answer);
        if (code == CLI_DONE) {
            print_status(&home, answer);
        }
    }
    midge_buf_deinit(&text);
    return code;
}

/* ---- tasks, events ------------------------------------------------------- */

static void print_tasks(const midge_json *tasks) {
    printf("%5s %4s  %-18s %-15s %-10s %-8s %3s\n", "task", "run", "name",
           "kind", "state", "agent", "try");
    for (const midge_json *t = tasks->child; t; t = t->next) {
        printf("%5lld %4lld  %-18s %-15s %-10s %-8s %3lld\n", int_of(t, "id"),
               int_of(t, "run"), midge_json_get_string(t, "name", ""),
               midge_json_get_string(t, "kind", ""),
               midge_json_get_string(t, "state", ""),
               midge_json_get_string(t, "agent", "-"), int_of(t, "attempt"));
        const char *error = midge_json_get_string(t, "error", NULL);
        if (error) {
            printf("%12s %s\n", "", error);
        }
    }
}

static void print_time(int64_t at_ms) {
    char text[32];
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;
    if (!localtime_r(&seconds, &parts) ||
        !strftime(text, sizeof text, "%H:%M:%S", &parts)) {
        text[0] = 0;
    }
    printf("%s.%03d", text, (int)(at_ms % 1000));
}

static void print_events(const midge_json *events) {
    for (const midge_json *e = events->child; e; e = e->next) {
        printf("%6lld  ", int_of(e, "seq"));
        print_time(midge_json_get_int(e, "at_ms", 0));
        printf("  %-16s", midge_json_get_string(e, "type", ""));
        static const char *const numbers[] = {"run", "task", "agent", "attempt",
                                              "fence"};
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            if (midge_json_get(e, numbers[i])) {
                printf(" %s=%lld", numbers[i], int_of(e, numbers[i]));
            }
        }
        const char *name = midge_json_get_string(e, "name", NULL);
        const char *error = midge_json_get_string(e, "error", NULL);
        printf("%s%s%s%s\n", name ? " " : "", name ? name : "",
               error ? " error=" : "", error ? error : "");
    }
}

static int list(cli *c, midge_query what, void (*print)(const midge_json *)) {
    cli_home home;
    midge_buf text;
    const midge_json *answer;
    midge_query_options options = {
        .run = (uint32_t)midge_json_get_int(c->args, "run", 0),
        .after = (uint64_t)midge_json_get_int(c->args, "after", 0),
        .limit = (uint32_t)midge_json_get_int(c->args, "limit", 1000),
        .state = midge_json_get_string(c->args, "state", NULL),
    };
    int code = cli_find_home(c, &home);
    if (code != CLI_DONE) {
        return code;
    }
    midge_buf_init(&text, &c->env, 0);
    code = query(c, &home, what, &options, &text);
    if (code == CLI_DONE && midge_json_get_bool(c->args, "json", 0)) {
        cli_print_line(&text);
    } else if (code == CLI_DONE) {
        code = read_answer(c, &text, &answer);
        if (code == CLI_DONE) {
            print(answer);
        }
    }
    midge_buf_deinit(&text);
    return code;
}

int cli_tasks(cli *c) {
    return list(c, MIDGE_QUERY_TASKS, print_tasks);
}

int cli_events(cli *c) {
    return list(c, MIDGE_QUERY_EVENTS, print_events);
}
