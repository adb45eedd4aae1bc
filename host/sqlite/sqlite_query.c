/* sqlite_query.c: the fixed read-only queries, as JSON.
 *
 * Each query is one SELECT whose column names say how a value is written:
 * "name" as it is, "name:json" is JSON text already, "name:bool" 0 or 1. One
 * loop turns any row into an object, so a query is only its SQL.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sqlite/sqlite_store.h"
#include "sqlite/sqlite_util.h"

#define LIMIT_DEFAULT 1000

/* Counts by state as a JSON object: over all tasks, or those `where` says. */
#define TASK_COUNTS(where)                                                     \
    "(SELECT json_object('total',count(*),"                                    \
    "'pending',count(*) FILTER (WHERE state='pending'),"                       \
    "'ready',count(*) FILTER (WHERE state='ready'),"                           \
    "'leased',count(*) FILTER (WHERE state='leased'),"                         \
    "'retry_wait',count(*) FILTER (WHERE state='retry_wait'),"                 \
    "'succeeded',count(*) FILTER (WHERE state='succeeded'),"                   \
    "'failed',count(*) FILTER (WHERE state='failed'),"                         \
    "'cancelled',count(*) FILTER (WHERE state='cancelled'),"                   \
    "'skipped',count(*) FILTER (WHERE state='skipped')) FROM tasks " where     \
    ") AS \"tasks:json\""

/* ?1 run, ?2 after, ?3 limit, ?4 state. */
static const char *const queries[] = {
    [MIDGE_QUERY_SUMMARY] =
        "SELECT (SELECT coalesce(max(seq),0) FROM events) AS last_seq,"
        "(SELECT json_object('total',count(*),"
        "'active',count(*) FILTER (WHERE state='active'),"
        "'succeeded',count(*) FILTER (WHERE state='succeeded'),"
        "'failed',count(*) FILTER (WHERE state='failed'),"
        "'cancelled',count(*) FILTER (WHERE state='cancelled')) FROM runs)"
        " AS \"runs:json\"," TASK_COUNTS(
            "") ","
                "(SELECT json_object('total',count(*),"
                "'present',count(*) FILTER (WHERE present=1)) FROM agents)"
                " AS \"agents:json\"",
    [MIDGE_QUERY_RUNS] =
        "SELECT id,name,nullif(key,'') AS "
        "key,state,submitted_ms,finished_ms," TASK_COUNTS(
            "WHERE tasks.run=runs.id") " FROM runs WHERE id>?2 ORDER BY id "
                                       "LIMIT ?3",
    [MIDGE_QUERY_TASKS] =
        "SELECT id,run,name,kind,state,(SELECT agents.name FROM agents WHERE "
        "agents.id=tasks.agent) AS agent,attempt,max_attempts,fence,"
        "nullif(lease_until_ms,0) AS lease_until_ms,priority,"
        "after AS \"after:json\",requires AS \"requires:json\","
        "input AS \"input:json\",result AS \"result:json\",error,changed_ms "
        "FROM tasks WHERE id>?2 AND (?1=0 OR run=?1) AND "
        "(?4 IS NULL OR state=?4) ORDER BY id LIMIT ?3",
    [MIDGE_QUERY_AGENTS] =
        "SELECT id,name,pattern,capabilities AS \"capabilities:json\",slots,"
        "present AS \"present:bool\",(SELECT count(*) FROM tasks WHERE "
        "tasks.agent=agents.id AND state='leased') AS leased,succeeded,failed,"
        "joined_ms,left_ms FROM agents WHERE id>?2 ORDER BY id LIMIT ?3",
    [MIDGE_QUERY_EVENTS] =
        ("SELECT data AS \":json\" FROM events WHERE seq>?2 AND "
         "(?1=0 OR run=?1) ORDER BY seq LIMIT ?3"),
};

static void write_value(midge_json_writer *w, sqlite3_stmt *stmt, int column,
                        const char *kind) {
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL) {
        midge_json_null(w);
    } else if (sqlite3_column_type(stmt, column) == SQLITE_INTEGER) {
        int64_t value = sqlite3_column_int64(stmt, column);
        if (strcmp(kind, ":bool") == 0) {
            midge_json_bool(w, value != 0);
        } else {
            midge_json_int(w, value);
        }
    } else {
        const char *text = (const char *)sqlite3_column_text(stmt, column);
        size_t size = (size_t)sqlite3_column_bytes(stmt, column);
        if (strcmp(kind, ":json") == 0) {
            midge_json_raw(w, text ? text : "null", text ? size : 4);
        } else {
            midge_json_string_n(w, text ? text : "", size);
        }
    }
}

/* One row: an object, or a bare value when its one column has no name. */
static void write_row(midge_json_writer *w, sqlite3_stmt *stmt) {
    if (sqlite3_column_name(stmt, 0)[0] == ':') {
        write_value(w, stmt, 0, sqlite3_column_name(stmt, 0));
        return;
    }
    midge_json_begin_object(w);
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        char key[64];
        const char *name = sqlite3_column_name(stmt, i);
        const char *kind = strchr(name, ':');
        int size = kind ? (int)(kind - name) : (int)strlen(name);
        snprintf(key, sizeof key, "%.*s", size, name);
        midge_json_key(w, key);
        write_value(w, stmt, i, kind ? kind : "");
    }
    midge_json_end_object(w);
}

static midge_status write_rows(sqlite3 *db, sqlite3_stmt *stmt, int as_array,
                               midge_buf *out, midge_error *err) {
    midge_json_writer w;
    int code = SQLITE_DONE;
    midge_json_writer_init(&w, out, 0);
    if (as_array) {
        midge_json_begin_array(&w);
    }
    while (w.status == MIDGE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        write_row(&w, stmt);
    }
    if (as_array) {
        midge_json_end_array(&w);
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        return mdg_sqlite_fail(db, code, "reading", err);
    }
    midge_status status = midge_json_writer_end(&w);
    return status == MIDGE_OK ? MIDGE_OK
                              : midge_fail(err, status, "the answer: %s",
                                           midge_status_text(status));
}

static midge_status run_query(sqlite3 *db, midge_query query,
                              const midge_query_options *options,
                              midge_buf *out, midge_error *err) {
    const midge_query_options none = {0};
    const midge_query_options *o = options ? options : &none;
    sqlite3_stmt *stmt = NULL;
    MIDGE_TRY(mdg_sqlite_prepare(db, queries[query], &stmt, err));
    /* A number that the query does not use is refused, which is all right. */
    sqlite3_bind_int64(stmt, 1, o->run);
    sqlite3_bind_int64(stmt, 2,
                       o->after > INT64_MAX ? INT64_MAX : (int64_t)o->after);
    sqlite3_bind_int64(stmt, 3, o->limit ? o->limit : LIMIT_DEFAULT);
    sqlite3_bind_text(stmt, 4, o->state, -1, SQLITE_STATIC);
    midge_status status =
        write_rows(db, stmt, query != MIDGE_QUERY_SUMMARY, out, err);
    sqlite3_finalize(stmt);
    return status;
}

midge_status midge_sqlite_query(const midge_env *env, const char *path,
                                midge_query query,
                                const midge_query_options *options,
                                midge_buf *out, midge_error *err) {
    (void)env;
    if (!path || !out || (unsigned)query > MIDGE_QUERY_EVENTS) {
        return midge_fail(err, MIDGE_E_INVALID, "no path, buffer or query");
    }
    if (access(path, F_OK) != 0) {
        return midge_fail(err, MIDGE_E_NOT_FOUND, "%s: there is no swarm here",
                          path);
    }
    const size_t start = out->size;
    int empty = 0;
    sqlite3 *db = NULL;
    midge_status status = MIDGE_OK;
    int code = sqlite3_open_v2(
        path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        status = mdg_sqlite_fail(db, code, path, err);
        goto done;
    }
    sqlite3_busy_timeout(db, 5000);
    status = mdg_sqlite_check_identity(db, &empty, err);
    if (status == MIDGE_OK && empty) {
        status = midge_fail(err, MIDGE_E_NOT_FOUND,
                            "%s: there is no swarm here yet", path);
    }
    if (status == MIDGE_OK) {
        status = run_query(db, query, options, out, err);
    }
done:
    sqlite3_close(db);
    if (status != MIDGE_OK) {
        out->size = start;
    }
    return status;
}
