/* driver.c: the threads around the engine: a queue of commands, the writer that
 * empties it, and those who wait or read.
 *
 * Group commit is natural: while one batch is being appended (an fsync), new
 * commands gather; the next batch takes them all. There is no timer, so a
 * single caller pays one fsync and a crowd shares it.
 *
 * Locks, taken in this order and never the other way:
 *
 * 1. `state`: the writer holds it from the first decision to the end of the
 *    append, so a reader never sees what is not durable.
 * 2. `mutex`: queue, sequence number, statistics.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "loop/engine.h"
#include "midge/os.h"

#define BATCH_MAX_DEFAULT 1024u
#define TIMER_STEP_MS     1000 /* the longest sleep while something is due */

/* One waiting caller; lives on its stack. */
typedef struct call {
    struct call *next;
    const midge_command *commands[2];
    midge_reply reply;
    midge_error err;
    midge_status status;
    int done;
    pthread_cond_t answered;
} call;

struct midge_driver {
    const midge_env *env;
    mdg_engine engine; /* the writer's; its swarm under `state` for others */
    pthread_rwlock_t state;
    pthread_mutex_t mutex;
    pthread_cond_t work;  /* the queue is not empty, or stopping */
    pthread_cond_t moved; /* seq or wakes changed */
    pthread_t writer;
    call *first;
    call **last; /* where the next call is linked */
    uint64_t seq;
    uint64_t wakes;
    int64_t tick_after_ms;  /* not before: a failing store is not hammered */
    double clock_offset_ms; /* Unix time when opened, less the monotonic */
    uint32_t batch_max;
    int stopping;
    midge_driver_stats stats;
    midge_error failure; /* of the last append that failed */
    uint32_t failing;    /* such appends in a row */
};

/* `ms` from now on the clock the conditions use. */
static struct timespec deadline(int64_t ms) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Unix time as it was when the driver opened, carried on by the monotonic
 * clock: a step of the wall clock must not end leases, nor stop them from
 * ending. */
static int64_t now_ms(const midge_driver *d) {
    return (int64_t)(d->clock_offset_ms + midge_os_monotonic_ms());
}

/* Only the writer changes the state, so the writer reads it without a lock. */
static int64_t ms_to_tick(const midge_driver *d) {
    int64_t due = midge_swarm_next_due_ms(d->engine.swarm);
    int64_t now = now_ms(d);
    if (due == INT64_MAX) {
        return INT64_MAX;
    }
    if (due < d->tick_after_ms) {
        due = d->tick_after_ms;
    }
    return due <= now ? 0 : due - now;
}

static call *wait_for_work(midge_driver *d) {
    while (!d->first && !d->stopping) {
        int64_t ms = ms_to_tick(d);
        if (ms <= 0) {
            break;
        }
        if (ms == INT64_MAX) {
            pthread_cond_wait(&d->work, &d->mutex);
        } else {
            struct timespec at =
                deadline(ms < TIMER_STEP_MS ? ms : TIMER_STEP_MS);
            pthread_cond_timedwait(&d->work, &d->mutex, &at);
        }
    }
    /* The whole queue, or as much of it as a batch may have. */
    call *taken = d->first;
    call **end = &d->first;
    uint32_t n = 0;
    while (*end &&
           (n == 0 || n + ((*end)->commands[1] ? 2 : 1) <= d->batch_max)) {
        n += (*end)->commands[1] ? 2 : 1;
        end = &(*end)->next;
    }
    call *rest = *end;
    *end = NULL;
    d->first = rest;
    if (!rest) {
        d->last = &d->first;
    }
    return taken;
}

static midge_status decide_now(midge_driver *d, const midge_command *command,
                               midge_reply *reply, midge_error *err) {
    midge_command stamped = *command;
    stamped.now_ms = now_ms(d);
    return mdg_engine_decide(&d->engine, &stamped, reply, err);
}

static void decide_call(midge_driver *d, call *c) {
    c->status = decide_now(d, c->commands[0], &c->reply, &c->err);
    if (c->commands[1] && c->status == MIDGE_OK) {
        c->status = decide_now(d, c->commands[1], &c->reply, &c->err);
    }
}

static void fail_all(call *calls, const midge_error *why) {
    for (call *c = calls; c; c = c->next) {
        c->status = why->status;
        c->err = *why;
        memset(&c->reply, 0, sizeof c->reply);
    }
}

static void tick_if_due(midge_driver *d) {
    const midge_command tick = {.type = MIDGE_COMMAND_TICK};
    midge_reply reply = {0};
    if (ms_to_tick(d) <= 0) {
        /* A failure shows in the commit, or again at the next tick. */
        midge_status ignored = decide_now(d, &tick, &reply, NULL);
        (void)ignored;
        d->tick_after_ms = now_ms(d) + 1;
    }
}

/* Decides and appends one batch; the state is locked against readers. */
static midge_status run_batch(midge_driver *d, call *calls, size_t *n_events,
                              double *append_ms, midge_error *why) {
    midge_status status = mdg_engine_mend(&d->engine, why);
    if (status == MIDGE_OK) {
        for (call *c = calls; c; c = c->next) {
            decide_call(d, c);
        }
        tick_if_due(d); /* a result that waited comes before its lease's end */
        *n_events = d->engine.batch.count;
        double start = midge_os_monotonic_ms();
        status = mdg_engine_commit(&d->engine, why);
        *append_ms = midge_os_monotonic_ms() - start;
    }
    if (status != MIDGE_OK) {
        *n_events = 0;
        d->tick_after_ms = now_ms(d) + TIMER_STEP_MS;
        why->status = status;
        fail_all(calls, why);
    }
    return status;
}

static void answer(midge_driver *d, call *calls, size_t n_events,
                   double append_ms) {
    uint64_t n = 0;
    /* Whoever is answered may be gone at once: look at next first. */
    for (call *c = calls, *next; c; c = next) {
        next = c->next;
        n += c->commands[1] ? 2 : 1;
        c->done = 1;
        pthread_cond_signal(&c->answered);
    }
    d->stats.commands += n;
    if (n_events > 0) {
        d->stats.batches++;
        d->stats.events += n_events;
        d->stats.append_ms += append_ms;
        d->seq = midge_swarm_last_seq(d->engine.swarm);
        pthread_cond_broadcast(&d->moved);
    }
}

static void note_outcome(midge_driver *d, midge_status status, size_t n_events,
                         const midge_error *why) {
    if (status != MIDGE_OK) {
        d->failure = *why;
        d->failing++;
    } else if (n_events > 0) {
        d->failing = 0;
    }
}

static void *write_loop(void *ctx) {
    midge_driver *d = ctx;
    pthread_mutex_lock(&d->mutex);
    while (!d->stopping || d->first) {
        call *calls = wait_for_work(d);
        if (!calls && d->stopping) {
            break;
        }
        pthread_mutex_unlock(&d->mutex);
        size_t n_events = 0;
        double append_ms = 0;
        pthread_rwlock_wrlock(&d->state);
        midge_error why = {0};
        midge_status status = run_batch(d, calls, &n_events, &append_ms, &why);
        pthread_rwlock_unlock(&d->state);
        pthread_mutex_lock(&d->mutex);
        answer(d, calls, n_events, append_ms);
        note_outcome(d, status, n_events, &why);
        if (d->first) {
            /* The answered want to come back with their next commands. Without
             * this the callers fall into two crowds, one in the queue while the
             * other is appended, and every append carries half of what it
             * could (measured: store_bench). */
            pthread_mutex_unlock(&d->mutex);
            sched_yield();
            pthread_mutex_lock(&d->mutex);
        }
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

/* Locks and conditions of a driver whose memory is zero. */
static void init_locks(midge_driver *d) {
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&d->work, &clock);
    pthread_cond_init(&d->moved, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&d->mutex, NULL);
    /* Many readers in turn must not keep the writer out. */
    pthread_rwlockattr_t prefer;
    pthread_rwlockattr_init(&prefer);
    pthread_rwlockattr_setkind_np(&prefer,
                                  PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&d->state, &prefer);
    pthread_rwlockattr_destroy(&prefer);
}

static void free_driver(midge_driver *d) {
    pthread_cond_destroy(&d->work);
    pthread_cond_destroy(&d->moved);
    pthread_mutex_destroy(&d->mutex);
    pthread_rwlock_destroy(&d->state);
    d->env->realloc_fn(d->env->alloc_ctx, d, sizeof *d, 0);
}

/* The process that held these leases is gone, or is us a moment ago. */
static midge_status release_old_leases(midge_driver *d, midge_error *err) {
    const midge_command recover = {.type = MIDGE_COMMAND_RECOVER};
    midge_reply reply = {0};
    MIDGE_TRY(decide_now(d, &recover, &reply, err));
    return mdg_engine_commit(&d->engine, err);
}

static midge_status start(midge_driver *d, midge_error *err) {
    midge_status status = release_old_leases(d, err);
    d->seq = midge_swarm_last_seq(d->engine.swarm);
    if (status == MIDGE_OK &&
        pthread_create(&d->writer, NULL, write_loop, d) != 0) {
        status = midge_fail(err, MIDGE_E_NOMEM, "cannot start a thread");
    }
    return status;
}

midge_status midge_driver_open_take(const midge_env *env, midge_store *store,
                                    midge_driver **out, midge_error *err) {
    *out = NULL;
    midge_driver *d = env->realloc_fn(env->alloc_ctx, NULL, 0, sizeof *d);
    if (!d) {
        store->close(store);
        return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    }
    memset(d, 0, sizeof *d);
    d->env = env;
    d->clock_offset_ms = (double)midge_os_unix_ms() - midge_os_monotonic_ms();
    d->batch_max = BATCH_MAX_DEFAULT;
    d->last = &d->first;
    init_locks(d);
    midge_status status = mdg_engine_init(&d->engine, env, store, err);
    if (status == MIDGE_OK) {
        status = start(d, err);
        if (status != MIDGE_OK) {
            mdg_engine_deinit(&d->engine);
        }
    }
    if (status != MIDGE_OK) {
        free_driver(d);
        store->close(store);
        return status;
    }
    *out = d;
    return MIDGE_OK;
}

void midge_driver_close(midge_driver *d) {
    if (!d) {
        return;
    }
    pthread_mutex_lock(&d->mutex);
    d->stopping = 1;
    pthread_cond_signal(&d->work);
    pthread_mutex_unlock(&d->mutex);
    pthread_join(d->writer, NULL);
    midge_store *store = d->engine.store;
    mdg_engine_deinit(&d->engine);
    free_driver(d);
    store->close(store);
}

static midge_status submit_call(midge_driver *d, call *c, midge_reply *reply,
                                midge_error *err) {
    pthread_cond_init(&c->answered, NULL);
    pthread_mutex_lock(&d->mutex);
    *d->last = c;
    d->last = &c->next;
    pthread_cond_signal(&d->work);
    while (!c->done) {
        pthread_cond_wait(&c->answered, &d->mutex);
    }
    pthread_mutex_unlock(&d->mutex);
    pthread_cond_destroy(&c->answered);
    if (reply) {
        *reply = c->reply;
    }
    if (c->status != MIDGE_OK && err) {
        *err = c->err;
    }
    return c->status;
}

midge_status midge_driver_command(midge_driver *driver,
                                  const midge_command *command,
                                  midge_reply *reply, midge_error *err) {
    call c = {.commands = {command, NULL}};
    return submit_call(driver, &c, reply, err);
}

midge_status midge_driver_command_pair(midge_driver *driver,
                                       const midge_command *first,
                                       const midge_command *second,
                                       midge_reply *reply, midge_error *err) {
    call c = {.commands = {first, second}};
    return submit_call(driver, &c, reply, err);
}

void midge_driver_read(midge_driver *driver, midge_driver_read_fn fn,
                       void *ctx) {
    pthread_rwlock_rdlock(&driver->state);
    fn(ctx, driver->engine.swarm);
    pthread_rwlock_unlock(&driver->state);
}

uint64_t midge_driver_wait(midge_driver *driver, uint64_t seq,
                           int64_t timeout_ms) {
    struct timespec at = deadline(timeout_ms > 0 ? timeout_ms : 0);
    pthread_mutex_lock(&driver->mutex);
    const uint64_t wakes = driver->wakes;
    int late = timeout_ms == 0;
    while (driver->seq <= seq && driver->wakes == wakes && !late) {
        if (timeout_ms < 0) {
            pthread_cond_wait(&driver->moved, &driver->mutex);
        } else {
            late = pthread_cond_timedwait(&driver->moved, &driver->mutex,
                                          &at) != 0;
        }
    }
    uint64_t now = driver->seq;
    pthread_mutex_unlock(&driver->mutex);
    return now;
}

void midge_driver_wake(midge_driver *driver) {
    pthread_mutex_lock(&driver->mutex);
    driver->wakes++;
    pthread_cond_broadcast(&driver->moved);
    pthread_mutex_unlock(&driver->mutex);
}

uint32_t midge_driver_failing(midge_driver *driver, midge_error *why) {
    pthread_mutex_lock(&driver->mutex);
    uint32_t failing = driver->failing;
    if (why && failing > 0) {
        *why = driver->failure;
    }
    pthread_mutex_unlock(&driver->mutex);
    return failing;
}

void midge_driver_limit_batch(midge_driver *driver, uint32_t max_commands) {
    pthread_mutex_lock(&driver->mutex);
    driver->batch_max = max_commands ? max_commands : BATCH_MAX_DEFAULT;
    pthread_mutex_unlock(&driver->mutex);
}

void midge_driver_get_stats(midge_driver *driver, midge_driver_stats *out) {
    pthread_mutex_lock(&driver->mutex);
    *out = driver->stats;
    pthread_mutex_unlock(&driver->mutex);
}
