/* sqlite_util.h: what the files of this room share: errors, statements, the
 * schema's identity, and the projections. */
#ifndef MDG_SQLITE_UTIL_H
#define MDG_SQLITE_UTIL_H

#include <sqlite3.h>

#include "loop/store.h"

#define MDG_STORE_APPLICATION_ID 0x4D646765
#define MDG_STORE_VERSION        1

/* The status that a SQLite result code means, with SQLite's own words. */
midge_status mdg_sqlite_fail(sqlite3 *db, int code, const char *doing,
                             midge_error *err);
midge_status mdg_sqlite_exec(sqlite3 *db, const char *sql, midge_error *err);
midge_status mdg_sqlite_prepare(sqlite3 *db, const char *sql,
                                sqlite3_stmt **out, midge_error *err);
/* Runs a statement that gives no rows and makes it ready for the next use. */
midge_status mdg_sqlite_run(sqlite3_stmt *stmt, midge_error *err);
/* One integer: PRAGMA user_version and the like. */
midge_status mdg_sqlite_int(sqlite3 *db, const char *sql, int64_t *out,
                            midge_error *err);
/* MIDGE_OK for a store this program can read; *empty is 1 for a database
 * without any table, which is nobody's yet. */
midge_status mdg_sqlite_check_identity(sqlite3 *db, int *empty,
                                       midge_error *err);

/* Statements that carry one event over into runs, tasks and agents. */
typedef struct mdg_projector mdg_projector;
midge_status mdg_projector_new(const midge_env *env, sqlite3 *db,
                               mdg_projector **out, midge_error *err);
void mdg_projector_free(mdg_projector *projector);
midge_status mdg_projector_apply(mdg_projector *projector,
                                 const midge_event *event, midge_error *err);

#endif
