/* sqlite_util.c: SQLite's result codes as Midge's, and small statements. */
#include "sqlite/sqlite_util.h"

#include "sqlite/sqlite_store.h"

midge_status mdg_sqlite_fail(sqlite3 *db, int code, const char *doing,
                             midge_error *err) {
    const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    midge_status status = MIDGE_E_IO;
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        status = MIDGE_E_NOMEM;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        status = MIDGE_E_BUSY;
        break;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_CONSTRAINT: /* rows that contradict the log */
        status = MIDGE_E_CORRUPT;
        break;
    case SQLITE_TOOBIG:
        status = MIDGE_E_LIMIT;
        break;
    case SQLITE_ERROR: /* SQL that does not fit the tables */
        status = MIDGE_E_CORRUPT;
        break;
    case SQLITE_MISUSE:
        status = MIDGE_E_INTERNAL;
        break;
    default:
        break;
    }
    return midge_fail(err, status, "the swarm's store: %s: %s", doing, text);
}

midge_status mdg_sqlite_exec(sqlite3 *db, const char *sql, midge_error *err) {
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? MIDGE_OK
                             : mdg_sqlite_fail(db, code, "setting up", err);
}

midge_status mdg_sqlite_prepare(sqlite3 *db, const char *sql,
                                sqlite3_stmt **out, midge_error *err) {
    int code =
        sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return code == SQLITE_OK ? MIDGE_OK
                             : mdg_sqlite_fail(db, code, "preparing", err);
}

midge_status mdg_sqlite_run(sqlite3_stmt *stmt, midge_error *err) {
    int code = sqlite3_step(stmt);
    midge_status status = MIDGE_OK;
    if (code != SQLITE_DONE) {
        status = mdg_sqlite_fail(sqlite3_db_handle(stmt), code, "writing", err);
    }
    sqlite3_reset(stmt);
    /* The texts were borrowed from an event; it may be gone at the next use. */
    sqlite3_clear_bindings(stmt);
    return status;
}

midge_status mdg_sqlite_int(sqlite3 *db, const char *sql, int64_t *out,
                            midge_error *err) {
    sqlite3_stmt *stmt = NULL;
    *out = 0;
    MIDGE_TRY(mdg_sqlite_prepare(db, sql, &stmt, err));
    int code = sqlite3_step(stmt);
    midge_status status = MIDGE_OK;
    if (code == SQLITE_ROW) {
        *out = sqlite3_column_int64(stmt, 0);
    } else if (code != SQLITE_DONE) {
        status = mdg_sqlite_fail(db, code, "reading", err);
    }
    sqlite3_finalize(stmt);
    return status;
}

midge_status mdg_sqlite_check_identity(sqlite3 *db, int *empty,
                                       midge_error *err) {
    int64_t tables = 0;
    int64_t id = 0;
    int64_t version = 0;
    *empty = 0;
    /* The first read of the file: here junk shows as "not a database". */
    MIDGE_TRY(
        mdg_sqlite_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err));
    MIDGE_TRY(mdg_sqlite_int(db, "PRAGMA application_id", &id, err));
    MIDGE_TRY(mdg_sqlite_int(db, "PRAGMA user_version", &version, err));
    if (id == 0 && version == 0 && tables == 0) {
        *empty = 1;
        return MIDGE_OK;
    }
    if (id != MDG_STORE_APPLICATION_ID) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "the swarm's store: this SQLite file belongs to "
                          "another program (application_id %lld)",
                          (long long)id);
    }
    if (version != MDG_STORE_VERSION) {
        return midge_fail(err, MIDGE_E_VERSION,
                          "the swarm's store has format %lld; this program "
                          "reads format %d",
                          (long long)version, MDG_STORE_VERSION);
    }
    return MIDGE_OK;
}

midge_sqlite_info midge_sqlite_info_read(void) {
    midge_sqlite_info info = {sqlite3_libversion(), SQLITE_VERSION,
                              sqlite3_libversion_number() >=
                                      SQLITE_VERSION_NUMBER &&
                                  sqlite3_threadsafe() != 0};
    return info;
}
