/* sqlite_store.c: the store port over one SQLite file (spec/formats/store.md).
 *
 * 1. One connection writes; append is one BEGIN IMMEDIATE ... COMMIT with the
 *    events and every projection row they change, or nothing.
 * 2. FULL: the write-ahead log is fsynced by COMMIT, before append returns.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "midge/version.h"
#include "sqlite/sqlite_store.h"
#include "sqlite/sqlite_util.h"

typedef struct sqlite_store {
    midge_store port; /* first: a midge_store * is also this */
    const midge_env *env;
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *rollback;
    sqlite3_stmt *insert;
    mdg_projector *projector;
} sqlite_store;

static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE events(seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
    " type TEXT NOT NULL, run INTEGER NOT NULL, task INTEGER NOT NULL,"
    " agent INTEGER NOT NULL, data TEXT NOT NULL);"
    "CREATE TABLE runs(id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " key TEXT NOT NULL, state TEXT NOT NULL, submitted_ms INTEGER NOT NULL,"
    " finished_ms INTEGER);"
    "CREATE TABLE tasks(id INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
    " name TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,"
    " agent INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " max_attempts INTEGER NOT NULL, fence INTEGER NOT NULL,"
    " lease_until_ms INTEGER NOT NULL, priority INTEGER NOT NULL,"
    " after TEXT NOT NULL, requires TEXT NOT NULL, input TEXT NOT NULL,"
    " result TEXT, error TEXT, changed_ms INTEGER NOT NULL);"
    "CREATE TABLE agents(id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " pattern TEXT NOT NULL, capabilities TEXT NOT NULL,"
    " slots INTEGER NOT NULL, present INTEGER NOT NULL,"
    " succeeded INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " joined_ms INTEGER NOT NULL, left_ms INTEGER);"
    "CREATE INDEX tasks_by_run ON tasks(run);"
    "CREATE UNIQUE INDEX runs_by_key ON runs(key) WHERE key <> '';"
    "INSERT INTO meta VALUES('created_by', 'midge " MIDGE_VERSION "');";

/* All of it in one transaction: a crash leaves an empty file or a store. */
static midge_status create_schema(sqlite3 *db, midge_error *err) {
    char identity[96];
    snprintf(identity, sizeof identity,
             "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             MDG_STORE_APPLICATION_ID, MDG_STORE_VERSION);
    MIDGE_TRY(mdg_sqlite_exec(db, "BEGIN IMMEDIATE", err));
    midge_status status = mdg_sqlite_exec(db, schema, err);
    if (status == MIDGE_OK) {
        status = mdg_sqlite_exec(db, identity, err);
    }
    if (status == MIDGE_OK) {
        status = mdg_sqlite_exec(db, "COMMIT", err);
    }
    if (status != MIDGE_OK && !sqlite3_get_autocommit(db)) {
        (void)mdg_sqlite_exec(db, "ROLLBACK", NULL);
    }
    return status;
}

static midge_status set_up_connection(sqlite3 *db, midge_durability durability,
                                      midge_error *err) {
    int empty = 0;
    sqlite3_busy_timeout(db, 5000);
    sqlite3_extended_result_codes(db, 1);
    /* Identity first: setting WAL would change a file that is not ours. */
    MIDGE_TRY(mdg_sqlite_check_identity(db, &empty, err));
    MIDGE_TRY(mdg_sqlite_exec(db, "PRAGMA journal_mode=WAL", err));
    MIDGE_TRY(mdg_sqlite_exec(db,
                              durability == MIDGE_DURABLE_NORMAL
                                  ? "PRAGMA synchronous=NORMAL"
                                  : "PRAGMA synchronous=FULL",
                              err));
    return empty ? create_schema(db, err) : MIDGE_OK;
}

static midge_status prepare_all(sqlite_store *s, midge_error *err) {
    MIDGE_TRY(mdg_sqlite_prepare(s->db, "BEGIN IMMEDIATE", &s->begin, err));
    MIDGE_TRY(mdg_sqlite_prepare(s->db, "COMMIT", &s->commit, err));
    MIDGE_TRY(mdg_sqlite_prepare(s->db, "ROLLBACK", &s->rollback, err));
    MIDGE_TRY(mdg_sqlite_prepare(
        s->db,
        "INSERT INTO events(seq,at_ms,type,run,task,agent,data) "
        "VALUES(?1,?2,?3,?4,?5,?6,?7)",
        &s->insert, err));
    return mdg_projector_new(s->env, s->db, &s->projector, err);
}

static midge_status insert_event(sqlite_store *s, const midge_record *record,
                                 midge_error *err) {
    const midge_event *e = record->event;
    if (record->json_bytes > INT_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT, "an event is too large");
    }
    sqlite3_bind_int64(s->insert, 1, (int64_t)e->seq);
    sqlite3_bind_int64(s->insert, 2, e->at_ms);
    sqlite3_bind_text(s->insert, 3, midge_event_name(e->type), -1,
                      SQLITE_STATIC);
    sqlite3_bind_int64(s->insert, 4, e->run);
    sqlite3_bind_int64(s->insert, 5, e->task);
    sqlite3_bind_int64(s->insert, 6, e->agent);
    sqlite3_bind_text(s->insert, 7, record->json, (int)record->json_bytes,
                      SQLITE_STATIC);
    return mdg_sqlite_run(s->insert, err);
}

static midge_status sqlite_append(midge_store *store,
                                  const midge_record *records, size_t n_records,
                                  midge_error *err) {
    sqlite_store *s = (sqlite_store *)store;
    if (!sqlite3_get_autocommit(s->db)) { /* an earlier rollback failed */
        MIDGE_TRY(mdg_sqlite_run(s->rollback, err));
    }
    MIDGE_TRY(mdg_sqlite_run(s->begin, err));
    midge_status status = MIDGE_OK;
    for (size_t i = 0; i < n_records && status == MIDGE_OK; i++) {
        status = insert_event(s, &records[i], err);
        if (status == MIDGE_OK) {
            status = mdg_projector_apply(s->projector, records[i].event, err);
        }
    }
    if (status == MIDGE_OK) {
        status = mdg_sqlite_run(s->commit, err);
    }
    /* A failed COMMIT can leave the transaction open or have ended it. */
    if (status != MIDGE_OK && !sqlite3_get_autocommit(s->db)) {
        (void)mdg_sqlite_run(s->rollback, NULL);
    }
    return status;
}

static midge_status sqlite_each(midge_store *store, uint64_t after,
                                midge_store_each_fn fn, void *ctx,
                                midge_error *err) {
    sqlite_store *s = (sqlite_store *)store;
    sqlite3_stmt *stmt = NULL;
    MIDGE_TRY(mdg_sqlite_prepare(
        s->db, "SELECT seq,data FROM events WHERE seq>?1 ORDER BY seq", &stmt,
        err));
    sqlite3_bind_int64(stmt, 1, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    midge_status status = MIDGE_OK;
    int code = SQLITE_ROW;
    while (status == MIDGE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *json = (const char *)sqlite3_column_text(stmt, 1);
        size_t size = (size_t)sqlite3_column_bytes(stmt, 1);
        status = fn(ctx, (uint64_t)sqlite3_column_int64(stmt, 0),
                    json ? json : "", size, err);
    }
    if (status == MIDGE_OK && code != SQLITE_DONE) {
        status = mdg_sqlite_fail(s->db, code, "reading events", err);
    }
    sqlite3_finalize(stmt);
    return status;
}

static void sqlite_store_close(midge_store *store) {
    sqlite_store *s = (sqlite_store *)store;
    sqlite3_finalize(s->begin);
    sqlite3_finalize(s->commit);
    sqlite3_finalize(s->rollback);
    sqlite3_finalize(s->insert);
    mdg_projector_free(s->projector);
    sqlite3_close(s->db);
    s->env->realloc_fn(s->env->alloc_ctx, s, sizeof *s, 0);
}

midge_status midge_sqlite_open(const midge_env *env, const char *path,
                               midge_durability durability, midge_store **out,
                               midge_error *err) {
    *out = NULL;
    sqlite_store *s = env->realloc_fn(env->alloc_ctx, NULL, 0, sizeof *s);
    if (!s) {
        return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    }
    memset(s, 0, sizeof *s);
    s->env = env;
    s->port.append = sqlite_append;
    s->port.each = sqlite_each;
    s->port.close = sqlite_store_close;
    int code = sqlite3_open_v2(path, &s->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                                   SQLITE_OPEN_FULLMUTEX,
                               NULL);
    midge_status status = MIDGE_OK;
    if (code != SQLITE_OK) {
        status = mdg_sqlite_fail(s->db, code, path, err);
    } else {
        status = set_up_connection(s->db, durability, err);
    }
    if (status == MIDGE_OK) {
        status = prepare_all(s, err);
    }
    if (status != MIDGE_OK) {
        sqlite_store_close(&s->port);
        return status;
    }
    *out = &s->port;
    return MIDGE_OK;
}
