/* sqlite_store.h: events and their projections (agents, runs, tasks) in one
 * SQLite file (spec/formats/store.md), and read-only queries on it. */
#ifndef MIDGE_SQLITE_STORE_H
#define MIDGE_SQLITE_STORE_H

#include "loop/store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum midge_durability {
    MIDGE_DURABLE_FULL,  /* fsync before append returns: survives power loss */
    MIDGE_DURABLE_NORMAL /* survives a crash of the process; a power loss may
                            take the last transactions, never consistency */
} midge_durability;

/* Opens or creates the file for writing. The caller holds the swarm's lock.
 * Errors as midge_sqlite_query; a file that is not a swarm is left as it is. */
MIDGE_API MIDGE_NODISCARD midge_status midge_sqlite_open(
    const midge_env *env, const char *path, midge_durability durability,
    midge_store **out, midge_error *err);

/* Read-only queries on a file that another process may be writing: `query` is
 * one of the fixed names below, never SQL; the answer is appended to `out` as
 * one object (SUMMARY) or one array of objects, by rising id or seq. A number
 * or text that is not there is null. The members:
 *
 *   SUMMARY {"last_seq", "runs": {"total","active","succeeded","failed",
 *           "cancelled"}, "tasks": {"total","pending","ready","leased",
 *           "retry_wait","succeeded","failed","cancelled","skipped"},
 *           "agents": {"total","present"}}
 *   RUNS    {"id","name","key","state","submitted_ms","finished_ms",
 *           "tasks": {as in the summary, of this run}}
 *   TASKS   {"id","run","name","kind","state","agent" (its name),"attempt",
 *           "max_attempts","fence","lease_until_ms","priority","after" (ids),
 *           "requires","input","result","error","changed_ms"}
 *   AGENTS  {"id","name","pattern","capabilities","slots","present" (bool),
 *           "leased","succeeded","failed","joined_ms","left_ms"}
 *   EVENTS  the events as they were written (spec/events/)
 */
typedef enum midge_query {
    MIDGE_QUERY_SUMMARY,
    MIDGE_QUERY_RUNS,   /* id > after */
    MIDGE_QUERY_TASKS,  /* id > after; of run (0: all), in state (NULL: any) */
    MIDGE_QUERY_AGENTS, /* id > after */
    MIDGE_QUERY_EVENTS  /* seq > after; of run (0: all) */
} midge_query;

typedef struct midge_query_options {
    uint32_t run;
    uint64_t after;
    uint32_t limit;    /* 0 means 1000 */
    const char *state; /* of tasks; NULL = any */
} midge_query_options;

/* MIDGE_E_NOT_FOUND without the file, MIDGE_E_CORRUPT when it is damaged or not
 * a swarm, MIDGE_E_VERSION when a newer Midge wrote it, MIDGE_E_BUSY when the
 * writer kept it locked for 5 s. Thread-safe: each call has its own connection.
 */
MIDGE_API MIDGE_NODISCARD midge_status midge_sqlite_query(
    const midge_env *env, const char *path, midge_query query,
    const midge_query_options *options, midge_buf *out, midge_error *err);

/* The SQLite that runs, and the one whose headers this was compiled with; fit:
 * 1 when the first is no older than the second and may be used by threads. */
typedef struct midge_sqlite_info {
    const char *library; /* "3.40.1" */
    const char *headers;
    int fit;
} midge_sqlite_info;
MIDGE_API midge_sqlite_info midge_sqlite_info_read(void);

#ifdef __cplusplus
}
#endif
#endif
