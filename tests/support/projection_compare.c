/* projection_compare.c: every row of a SQLite store against the core's views.
 */
#include "projection_compare.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

typedef struct comparison {
    sqlite3_stmt *stmt;
    const char *table;
    char *why;
    size_t why_size;
    int column;
    int equal;
} comparison;

static void differ(comparison *c, const char *want) {
    if (c->equal) {
        const unsigned char *got = sqlite3_column_text(c->stmt, c->column);
        snprintf(c->why, c->why_size,
                 "%s id %lld, %s: row has '%s', state '%s'", c->table,
                 sqlite3_column_int64(c->stmt, 0),
                 sqlite3_column_name(c->stmt, c->column),
                 got ? (const char *)got : "NULL", want);
    }
    c->equal = 0;
}

static void number(comparison *c, uint64_t want) {
    if ((uint64_t)sqlite3_column_int64(c->stmt, c->column) != want) {
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)want);
        differ(c, text);
    }
    c->column++;
}

static void text(comparison *c, const char *data, size_t size) {
    const void *got = sqlite3_column_blob(c->stmt, c->column);
    size_t got_size = (size_t)sqlite3_column_bytes(c->stmt, c->column);
    if (got_size != size || (size > 0 && memcmp(got, data, size) != 0)) {
        char cut[128];
        snprintf(cut, sizeof cut, "%.*s", (int)size, data ? data : "");
        differ(c, cut);
    }
    c->column++;
}

static void compare_task(comparison *c, const midge_swarm *swarm, uint32_t id) {
    midge_task_view v;
    midge_swarm_task(swarm, id, &v);
    const char *state = midge_task_state_name(v.state);
    number(c, v.id);
    number(c, v.run);
    text(c, v.name.data, v.name.size);
    text(c, v.kind.data, v.kind.size);
    text(c, state, strlen(state));
    number(c, v.agent);
    number(c, v.attempt);
    number(c, v.max_attempts);
    number(c, v.fence);
    number(c, (uint64_t)v.lease_until_ms);
    number(c, (uint64_t)(int64_t)v.priority);
    text(c, v.input.data, v.input.size);
    text(c, v.result.data, v.result.size);
    text(c, v.error.data, v.error.size);
}

static void compare_agent(comparison *c, const midge_swarm *swarm,
                          uint32_t id) {
    midge_agent_view v;
    midge_swarm_agent(swarm, id, &v);
    number(c, v.id);
    text(c, v.name.data, v.name.size);
    text(c, v.pattern.data, v.pattern.size);
    number(c, v.slots);
    number(c, v.present != 0);
    number(c, v.succeeded);
    number(c, v.failed);
    number(c, v.leased);
}

static void compare_run(comparison *c, const midge_swarm *swarm, uint32_t id) {
    midge_run_view v;
    midge_swarm_run(swarm, id, &v);
    const char *state = midge_run_state_name(v.state);
    number(c, v.id);
    text(c, v.name.data, v.name.size);
    text(c, v.key.data, v.key.size);
    text(c, state, strlen(state));
    number(c, v.n_tasks);
    for (int i = 0; i < 8; i++) {
        number(c, v.n_by_state[i]);
    }
}

typedef void (*compare_fn)(comparison *c, const midge_swarm *swarm,
                           uint32_t id);

static int compare_table(sqlite3 *db, const midge_swarm *swarm, uint32_t n,
                         const char *sql, compare_fn fn, comparison *c) {
    uint32_t rows = 0;
    c->equal = 1;
    if (sqlite3_prepare_v2(db, sql, -1, &c->stmt, NULL) != SQLITE_OK) {
        snprintf(c->why, c->why_size, "%s: %s", c->table, sqlite3_errmsg(db));
        return 0;
    }
    while (c->equal && sqlite3_step(c->stmt) == SQLITE_ROW) {
        c->column = 0;
        rows++;
        fn(c, swarm, rows);
    }
    sqlite3_finalize(c->stmt);
    if (c->equal && rows != n) {
        snprintf(c->why, c->why_size, "%s: %u rows for %u", c->table, rows, n);
        c->equal = 0;
    }
    return c->equal;
}

static const char tasks_sql[] =
    "SELECT id,run,name,kind,state,agent,attempt,max_attempts,fence,"
    "lease_until_ms,priority,input,result,error FROM tasks ORDER BY id";
static const char agents_sql[] =
    "SELECT id,name,pattern,slots,present,succeeded,failed,(SELECT count(*) "
    "FROM tasks WHERE agent=agents.id AND state='leased') FROM agents "
    "ORDER BY id";
#define COUNT_OF(state)                                                        \
    ",(SELECT count(*) FROM tasks WHERE run=runs.id AND state='" state "')"
static const char runs_sql[] =
    "SELECT id,name,key,state,(SELECT count(*) FROM tasks WHERE "
    "run=runs.id)" COUNT_OF("pending") COUNT_OF("ready") COUNT_OF("leased")
        COUNT_OF("retry_wait") COUNT_OF("succeeded") COUNT_OF("failed")
            COUNT_OF("cancelled") COUNT_OF("skipped") " FROM runs ORDER BY id";

int projections_equal(const char *db_path, const midge_swarm *swarm, char *why,
                      size_t why_size) {
    sqlite3 *db = NULL;
    comparison c = {.why = why, .why_size = why_size};
    int equal = 0;
    if (sqlite3_open_v2(db_path, &db, SQLITE_OPEN_READONLY, NULL) !=
        SQLITE_OK) {
        snprintf(why, why_size, "%s: cannot open", db_path);
        goto done;
    }
    c.table = "tasks";
    equal = compare_table(db, swarm, midge_swarm_n_tasks(swarm), tasks_sql,
                          compare_task, &c);
    c.table = "agents";
    equal = equal && compare_table(db, swarm, midge_swarm_n_agents(swarm),
                                   agents_sql, compare_agent, &c);
    c.table = "runs";
    equal = equal && compare_table(db, swarm, midge_swarm_n_runs(swarm),
                                   runs_sql, compare_run, &c);
done:
    sqlite3_close(db);
    return equal;
}
