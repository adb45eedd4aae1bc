/* ops.h: operations: what a person can call, an agent can do.
 *
 * An operation takes one JSON object and gives one. Its arguments are described
 * in spec/ops/<name>.json, from which this table, the command line's parsing
 * and its help are generated. An operation is also the kind of a task.
 */
#ifndef MIDGE_OPS_H
#define MIDGE_OPS_H

#include "midge/buf.h"
#include "midge/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an operation may ask of the world while it runs. Every function may be
 * called from the thread that runs the operation, and from no other. */
typedef struct midge_op_host {
    void *ctx;
    /* The bytes of a blob ("sha256:<64 hex>") appended to `out`. */
    midge_status (*get_blob)(void *ctx, const char *ref, midge_buf *out,
                             midge_error *err);
    /* Stores bytes; `ref` receives "sha256:<64 hex>". */
    midge_status (*put_blob)(void *ctx, const void *bytes, size_t size,
                             char ref[72], midge_error *err);
    /* Milliseconds of a clock that only goes forward. */
    double (*now_ms)(void *ctx);
    /* `fraction` 0..1 of the work done; `note` for a person. May be NULL. */
    void (*progress)(void *ctx, double fraction, const char *note);
    /* 1 when the work should end soon (cancelled, lease lost). May be NULL. */
    int (*cancelled)(void *ctx);
} midge_op_host;

typedef enum midge_arg_type {
    MIDGE_ARG_STRING,
    MIDGE_ARG_INTEGER,
    MIDGE_ARG_NUMBER,
    MIDGE_ARG_BOOLEAN,
    MIDGE_ARG_OBJECT,
    MIDGE_ARG_ARRAY
} midge_arg_type;

typedef struct midge_arg {
    const char *name;
    const char *help;
    const char *value_name;   /* "FILE", "N"; shown in help */
    const char *default_json; /* NULL: none */
    midge_arg_type type;
    int required;
    int positional; /* on the command line: by place, not by --name */
    int has_minimum;
    int has_maximum;
    double minimum;
    double maximum;
} midge_arg;

enum { MIDGE_OP_TASK = 1, MIDGE_OP_CLI = 2 }; /* doors an operation opens on */

typedef struct midge_op midge_op;
typedef midge_status (*midge_op_fn)(const midge_env *env,
                                    const midge_op_host *host,
                                    const midge_json *args, midge_buf *result,
                                    midge_error *err);
struct midge_op {
    const char *name;    /* "learn.search", "status" */
    const char *summary; /* one line */
    const char *description;
    const char *example; /* a command line, or JSON */
    const midge_arg *args;
    size_t n_args;
    unsigned doors;
    midge_op_fn run; /* NULL: done by a door (status, events, ...) */
};

MIDGE_API size_t midge_ops_count(void);
MIDGE_API const midge_op *midge_ops_at(size_t position);
MIDGE_API const midge_op *midge_ops_find(const char *name);

/* Checks arguments against the table: unknown, missing, wrong type, out of
 * range are refused by name. Defaults are filled in: *out (in the arena) is
 * complete. */
MIDGE_API MIDGE_NODISCARD midge_status midge_op_check(const midge_op *op,
                                                      midge_arena *arena,
                                                      const midge_json *args,
                                                      const midge_json **out,
                                                      midge_error *err);

/* Checks the arguments, runs the operation, appends its result (one JSON
 * object) to `result`. Nothing is appended on failure. */
MIDGE_API MIDGE_NODISCARD midge_status midge_op_run(
    const midge_op *op, const midge_env *env, const midge_op_host *host,
    const char *args_json, size_t size, midge_buf *result, midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
