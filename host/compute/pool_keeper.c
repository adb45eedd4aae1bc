/* pool_keeper.c: renews the leases of running tasks, and tells an operation to
 * end when its lease is gone (its run was cancelled, or the lease expired). */
#include <time.h>

#include "compute/pool_state.h"
#include "midge/os.h"

/* Between two looks at the state, however fast it moves. */
#define LOOK_EVERY_MS 20

void mdg_pool_pause(midge_pool *pool, int64_t ms) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    int late = 0;
    while (!late && !atomic_load(&pool->stopping)) {
        late = pthread_cond_timedwait(&pool->changed, &pool->mutex, &at) != 0;
    }
}

void mdg_pool_thread_left(midge_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    pool->n_running--;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
}

/* Stopping is not overwritten by losing, nor losing by stopping. */
static void tell_lost(mdg_worker *worker) {
    int go_on = MDG_GO_ON;
    atomic_compare_exchange_strong(&worker->end, &go_on, MDG_LOST);
}

static void find_lost(void *ctx, const midge_swarm *swarm) {
    midge_pool *pool = ctx;
    midge_task_view task;
    for (unsigned i = 0; i < pool->n_workers; i++) {
        mdg_worker *worker = &pool->workers[i];
        if (worker->busy &&
            (!midge_swarm_task(swarm, worker->claim.task, &task) ||
             task.state != MIDGE_TASK_LEASED ||
             task.fence != worker->claim.fence)) {
            tell_lost(worker);
        }
    }
}

/* With the mutex held, so that no worker records its result in between: the
 * renewal would come too late and be written down as a rejected result. */
static void renew(midge_pool *pool) {
    for (unsigned i = 0; i < pool->n_workers; i++) {
        mdg_worker *worker = &pool->workers[i];
        if (!worker->busy || atomic_load(&worker->end) != MDG_GO_ON) {
            continue;
        }
        const midge_command extend = {
            .type = MIDGE_COMMAND_EXTEND,
            .task = worker->claim.task,
            .fence = worker->claim.fence,
            .lease_ms = pool->lease_ms,
        };
        /* Another failure is the store's: the next renewal tries again. */
        if (midge_driver_command(pool->driver, &extend, NULL, NULL) ==
            MIDGE_E_STALE) {
            tell_lost(worker);
        }
    }
}

void *mdg_pool_keep(void *ctx) {
    midge_pool *pool = ctx;
    const double every = (double)pool->lease_ms / 3;
    double next = midge_os_monotonic_ms() + every;
    uint64_t seq = 0;
    while (!atomic_load(&pool->stopping)) {
        double left = next - midge_os_monotonic_ms();
        seq = midge_driver_wait(pool->driver, seq,
                                left > 0 ? (int64_t)left + 1 : 0);
        pthread_mutex_lock(&pool->mutex);
        midge_driver_read(pool->driver, find_lost, pool);
        if (midge_os_monotonic_ms() >= next) {
            renew(pool);
            next = midge_os_monotonic_ms() + every;
        }
        mdg_pool_pause(pool, LOOK_EVERY_MS);
        pthread_mutex_unlock(&pool->mutex);
    }
    mdg_pool_thread_left(pool);
    return NULL;
}
