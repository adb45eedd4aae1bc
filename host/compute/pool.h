/* pool.h: the compute executor: threads that claim tasks from a driver for its
 * agents, run the operation of that name, and record the result. */
#ifndef MIDGE_POOL_H
#define MIDGE_POOL_H

#include "loop/driver.h"
#include "midge/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midge_pool midge_pool;

/* What a pool tells about itself while it works; called from its threads, one
 * at a time. `fraction` < 0: started; 1 with status: ended. */
typedef struct midge_pool_notice {
    uint32_t task;
    uint32_t agent;
    const char *task_name;
    const char *agent_name;
    double fraction;
    const char *note; /* may be NULL */
    int ended;
    midge_status status; /* when ended */
} midge_pool_notice;
typedef void (*midge_pool_notice_fn)(void *ctx,
                                     const midge_pool_notice *notice);

typedef struct midge_pool_options {
    unsigned n_threads;   /* 0: as many as cores */
    int64_t lease_ms;     /* 0: 30000; renewed at a third by one extra thread */
    const char *blob_dir; /* copied */
    midge_pool_notice_fn on_notice; /* may be NULL */
    void *ctx;
    const midge_op *(*find)(const char *name); /* NULL: midge_ops_find */
} midge_pool_options;

/* Borrows the driver until the pool is stopped. */
MIDGE_API MIDGE_NODISCARD midge_status midge_pool_start(
    const midge_env *env, midge_driver *driver,
    const midge_pool_options *options, midge_pool **out, midge_error *err);
/* Asks running operations to end, waits for the threads. Tasks that were
 * interrupted are released, not failed: by MIDGE_COMMAND_RECOVER, which
 * releases every lease of the driver, so stop a pool when its process is
 * ending. NULL is accepted. */
MIDGE_API void midge_pool_stop(midge_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
