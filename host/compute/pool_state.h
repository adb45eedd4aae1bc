/* pool_state.h: what the files of this room share. */
#ifndef MDG_POOL_STATE_H
#define MDG_POOL_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "compute/pool.h"

/* Why a running operation should end. */
enum { MDG_GO_ON = 0, MDG_STOPPING = 1, MDG_LOST = 2 };

/* One worker and the task it has. `claim` and `busy` under the pool's mutex for
 * everyone but the worker itself, which alone changes them. */
typedef struct mdg_worker {
    midge_pool *pool;
    pthread_t thread;
    int busy; /* the claim's lease is to be renewed */
    midge_reply claim;
    atomic_int end; /* MDG_GO_ON, ... */
    char task_name[MIDGE_SWARM_NAME_MAX + 1];
    char agent_name[MIDGE_SWARM_NAME_MAX + 1];
    char kind[MIDGE_SWARM_NAME_MAX + 1];
} mdg_worker;

struct midge_pool {
    const midge_env *env;
    midge_driver *driver;
    char *blob_dir;
    size_t blob_dir_bytes;
    int64_t lease_ms;
    midge_pool_notice_fn on_notice;
    void *ctx;
    const midge_op *(*find)(const char *name);
    pthread_mutex_t mutex;
    pthread_cond_t changed;       /* stopping, or a thread left */
    pthread_mutex_t notice_mutex; /* notices come one at a time */
    pthread_t keeper;
    int has_keeper;
    unsigned n_running; /* threads, the keeper too */
    unsigned n_workers; /* threads that were started, of `workers_made` */
    unsigned workers_made;
    atomic_int stopping;
    atomic_int interrupted; /* a lease was left for RECOVER */
    mdg_worker *workers;
};

/* pool_task.c: runs the claimed task; its result is appended to `result` or its
 * failure described in `err`. */
midge_status mdg_pool_run_task(mdg_worker *worker, midge_buf *result,
                               midge_error *err);
/* Whether another attempt could end differently. */
int mdg_pool_is_retryable(midge_status status);
void mdg_pool_notify(mdg_worker *worker, double fraction, const char *note,
                     int ended, midge_status status);

/* pool_keeper.c: the thread that renews leases and notices lost ones; `ctx` is
 * the midge_pool. */
void *mdg_pool_keep(void *ctx);
/* Waits on `changed` for at most `ms`, or until stopping; mutex held. */
void mdg_pool_pause(midge_pool *pool, int64_t ms);
void mdg_pool_thread_left(midge_pool *pool);

#endif
