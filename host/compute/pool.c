/* pool.c: threads that claim, run, and record.
 *
 *   idle --claim--> busy --COMPLETE or FAIL, and the next CLAIM--> busy | idle
 *
 * 1. A worker without a task waits for the state to move; the sequence number
 *    is read before the claim, so that no movement is missed.
 * 2. A task that ends because the pool stops keeps its lease until RECOVER
 *    releases it; nothing is recorded about it.
 * 3. A task whose lease is lost records nothing: it is not ours any more.
 */
#include "compute/pool.h"

#include <string.h>
#include <time.h>

#include "compute/pool_state.h"
#include "midge/os.h"

#define LEASE_DEFAULT_MS 30000
#define STORE_RETRY_MS   200
#define STORE_RETRIES    25
#define WAKE_EVERY_MS    5
#define POOL_THREADS_MAX 1024u

static void set_busy(mdg_worker *worker, const midge_reply *claim) {
    pthread_mutex_lock(&worker->pool->mutex);
    worker->busy = claim != NULL;
    if (claim) {
        worker->claim = *claim;
        atomic_store(&worker->end, atomic_load(&worker->pool->stopping)
                                       ? MDG_STOPPING
                                       : MDG_GO_ON);
    }
    pthread_mutex_unlock(&worker->pool->mutex);
}

static midge_command claim_command(const midge_pool *pool) {
    return (midge_command){.type = MIDGE_COMMAND_CLAIM,
                           .lease_ms = pool->lease_ms};
}

/* Records how the task ended and claims the next. A store that fails for a
 * while (a full disk) must not cost the result: tried again for some seconds.
 */
static midge_status record_and_claim(midge_pool *pool,
                                     const midge_command *record,
                                     midge_reply *next, midge_error *err) {
    const midge_command claim = claim_command(pool);
    midge_status status = MIDGE_OK;
    for (int i = 0; i < STORE_RETRIES; i++) {
        memset(next, 0, sizeof *next);
        status = atomic_load(&pool->stopping)
                     ? midge_driver_command(pool->driver, record, next, err)
                     : midge_driver_command_pair(pool->driver, record, &claim,
                                                 next, err);
        int store_failed = status == MIDGE_E_IO || status == MIDGE_E_BUSY ||
                           status == MIDGE_E_NOMEM;
        if (!store_failed || next->seq != 0) {
            break;
        }
        pthread_mutex_lock(&pool->mutex);
        mdg_pool_pause(pool, STORE_RETRY_MS);
        pthread_mutex_unlock(&pool->mutex);
    }
    return status;
}

static midge_text text_of(const char *text) {
    return (midge_text){text, (uint32_t)strlen(text)};
}

/* Runs the claimed task to its end; *next is the following claim, or none. */
static void work_on(mdg_worker *worker, midge_reply *next) {
    midge_pool *pool = worker->pool;
    midge_buf result;
    midge_error err = {.text = ""};
    /* One byte more than allowed, to tell "too large" from "no memory". */
    midge_buf_init(&result, pool->env, (size_t)MIDGE_SWARM_VALUE_MAX + 1);
    midge_status status = mdg_pool_run_task(worker, &result, &err);
    int end = atomic_load(&worker->end);
    memset(next, 0, sizeof *next);
    set_busy(worker, NULL);
    if (end == MDG_LOST || (end == MDG_STOPPING && status != MIDGE_OK)) {
        atomic_fetch_or(&pool->interrupted, end == MDG_STOPPING);
        mdg_pool_notify(worker, 1, NULL, 1, MIDGE_E_CANCELLED);
        midge_buf_deinit(&result);
        return;
    }
    const midge_command record = {
        .type =
            status == MIDGE_OK ? MIDGE_COMMAND_COMPLETE : MIDGE_COMMAND_FAIL,
        .task = worker->claim.task,
        .fence = worker->claim.fence,
        .result = {result.data, (uint32_t)result.size},
        .error = text_of(err.text[0] ? err.text : midge_status_text(status)),
        .retryable = mdg_pool_is_retryable(status),
    };
    midge_error why = {.text = ""};
    midge_status recorded = record_and_claim(pool, &record, next, &why);
    int refused = recorded == MIDGE_E_INVALID || recorded == MIDGE_E_LIMIT;
    if (refused && status == MIDGE_OK && next->seq == 0) {
        /* A result that cannot be recorded is how the operation failed; without
         * this the lease would only run out, and hide the cause. */
        const midge_command failed = {.type = MIDGE_COMMAND_FAIL,
                                      .task = worker->claim.task,
                                      .fence = worker->claim.fence,
                                      .error = text_of(why.text)};
        err = why;
        status = recorded;
        recorded = record_and_claim(pool, &failed, next, NULL);
    }
    if (recorded != MIDGE_OK && status == MIDGE_OK && next->task == 0 &&
        next->seq == 0) {
        status = recorded;
    }
    if (recorded == MIDGE_E_STALE) {
        status = recorded;
        memset(next, 0, sizeof *next);
    }
    mdg_pool_notify(worker, 1, status == MIDGE_OK ? NULL : err.text, 1, status);
    midge_buf_deinit(&result);
}

static void *work(void *ctx) {
    mdg_worker *worker = ctx;
    midge_pool *pool = worker->pool;
    const midge_command claim = claim_command(pool);
    while (!atomic_load(&pool->stopping)) {
        midge_reply reply = {0};
        int worked = 0;
        uint64_t seq = midge_driver_wait(pool->driver, UINT64_MAX, 0);
        midge_status status =
            midge_driver_command(pool->driver, &claim, &reply, NULL);
        while (status == MIDGE_OK && reply.task != 0) {
            midge_reply next;
            set_busy(worker, &reply);
            work_on(worker, &next);
            reply = next;
            worked = 1; /* then look again before waiting */
        }
        if (!worked) {
            midge_driver_wait(pool->driver, seq,
                              status == MIDGE_OK ? -1 : STORE_RETRY_MS);
        }
    }
    mdg_pool_thread_left(pool);
    return NULL;
}

static midge_status start_threads(midge_pool *pool, unsigned n,
                                  midge_error *err) {
    for (unsigned i = 0; i < n; i++) {
        mdg_worker *worker = &pool->workers[i];
        worker->pool = pool;
        atomic_init(&worker->end, MDG_GO_ON);
    }
    pthread_mutex_lock(&pool->mutex);
    int failed = pthread_create(&pool->keeper, NULL, mdg_pool_keep, pool) != 0;
    pool->has_keeper = !failed;
    pool->n_running += !failed;
    for (unsigned i = 0; i < n && !failed; i++) {
        mdg_worker *worker = &pool->workers[i];
        failed = pthread_create(&worker->thread, NULL, work, worker) != 0;
        pool->n_running += !failed;
        pool->n_workers += !failed;
    }
    pthread_mutex_unlock(&pool->mutex);
    return failed ? midge_fail(err, MIDGE_E_NOMEM, "cannot start a thread")
                  : MIDGE_OK;
}

static void init_locks(midge_pool *pool) {
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->changed, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_mutex_init(&pool->notice_mutex, NULL);
}

static void free_pool(midge_pool *pool) {
    const midge_env *env = pool->env;
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mutex);
    pthread_mutex_destroy(&pool->notice_mutex);
    env->realloc_fn(env->alloc_ctx, pool->blob_dir, pool->blob_dir_bytes, 0);
    env->realloc_fn(env->alloc_ctx, pool->workers,
                    pool->workers_made * sizeof *pool->workers, 0);
    env->realloc_fn(env->alloc_ctx, pool, sizeof *pool, 0);
}

static midge_status fill_pool(midge_pool *pool, unsigned n,
                              const midge_pool_options *o) {
    const midge_env *env = pool->env;
    const char *dir = o->blob_dir ? o->blob_dir : "";
    pool->lease_ms = o->lease_ms > 0 ? o->lease_ms : LEASE_DEFAULT_MS;
    pool->on_notice = o->on_notice;
    pool->ctx = o->ctx;
    pool->find = o->find ? o->find : midge_ops_find;
    size_t bytes = strlen(dir) + 1;
    pool->blob_dir = env->realloc_fn(env->alloc_ctx, NULL, 0, bytes);
    pool->blob_dir_bytes = pool->blob_dir ? bytes : 0;
    pool->workers =
        env->realloc_fn(env->alloc_ctx, NULL, 0, n * sizeof *pool->workers);
    pool->workers_made = pool->workers ? n : 0;
    if (!pool->blob_dir || !pool->workers) {
        return MIDGE_E_NOMEM;
    }
    memcpy(pool->blob_dir, dir, bytes);
    memset(pool->workers, 0, n * sizeof *pool->workers);
    return MIDGE_OK;
}

midge_status midge_pool_start(const midge_env *env, midge_driver *driver,
                              const midge_pool_options *options,
                              midge_pool **out, midge_error *err) {
    const midge_pool_options none = {0};
    const midge_pool_options *o = options ? options : &none;
    unsigned n = o->n_threads ? o->n_threads : midge_os_cores();
    *out = NULL;
    if (n > POOL_THREADS_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT, "a pool has at most %u threads",
                          POOL_THREADS_MAX);
    }
    midge_pool *pool = env->realloc_fn(env->alloc_ctx, NULL, 0, sizeof *pool);
    if (!pool) {
        return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    }
    memset(pool, 0, sizeof *pool);
    pool->env = env;
    pool->driver = driver;
    init_locks(pool);
    midge_status status = fill_pool(pool, n, o);
    if (status != MIDGE_OK) {
        free_pool(pool);
        return midge_fail(err, status, "out of memory");
    }
    status = start_threads(pool, n, err);
    if (status != MIDGE_OK) {
        midge_pool_stop(pool);
        return status;
    }
    *out = pool;
    return MIDGE_OK;
}

/* Tells every thread to end, and waits until all have. A thread that looked at
 * `stopping` just before and is about to wait on the driver is woken by the
 * next round. */
static void end_threads(midge_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stopping, 1);
    for (unsigned i = 0; i < pool->n_workers; i++) {
        int go_on = MDG_GO_ON;
        atomic_compare_exchange_strong(&pool->workers[i].end, &go_on,
                                       MDG_STOPPING);
    }
    pthread_cond_broadcast(&pool->changed);
    while (pool->n_running > 0) {
        struct timespec at;
        midge_driver_wake(pool->driver);
        clock_gettime(CLOCK_MONOTONIC, &at);
        at.tv_nsec += WAKE_EVERY_MS * 1000000;
        at.tv_sec += at.tv_nsec / 1000000000;
        at.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&pool->changed, &pool->mutex, &at);
    }
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->n_workers; i++) {
        pthread_join(pool->workers[i].thread, NULL);
    }
    if (pool->has_keeper) {
        pthread_join(pool->keeper, NULL);
    }
}

void midge_pool_stop(midge_pool *pool) {
    if (!pool) {
        return;
    }
    end_threads(pool);
    if (atomic_load(&pool->interrupted)) {
        const midge_command recover = {.type = MIDGE_COMMAND_RECOVER};
        /* If the store fails now, opening it again releases them. */
        midge_status ignored =
            midge_driver_command(pool->driver, &recover, NULL, NULL);
        (void)ignored;
    }
    free_pool(pool);
}
