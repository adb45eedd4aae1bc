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

/* Opens or creates the file for writing. The caller holds the swarm's lock. */
MIDGE_API MIDGE_NODISCARD midge_status midge_sqlite_open(
    const midge_env *env, const char *path, midge_durability durability,
    midge_store **out, midge_error *err);

/* Read-only queries on a file that another process may be writing: rows are
 * appended to `out` as one JSON array of objects. `query` is one of the fixed
 * names below, never SQL. */
typedef enum midge_query {
    MIDGE_QUERY_SUMMARY, /* one object: runs, tasks by state, agents, last seq
                          */
    MIDGE_QUERY_RUNS,
    MIDGE_QUERY_TASKS, /* of run, 0 = all */
    MIDGE_QUERY_AGENTS,
    MIDGE_QUERY_EVENTS /* seq > after */
} midge_query;

typedef struct midge_query_options {
    uint32_t run;
    uint64_t after;
    uint32_t limit;    /* 0 means 1000 */
    const char *state; /* of tasks; NULL = any */
} midge_query_options;

MIDGE_API MIDGE_NODISCARD midge_status midge_sqlite_query(
    const midge_env *env, const char *path, midge_query query,
    const midge_query_options *options, midge_buf *out, midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
