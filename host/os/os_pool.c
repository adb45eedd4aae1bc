/* os_pool.c: threads that share the loops of an env.
 *
 * A loop is cut into shares of equal size, several for each thread so that
 * uneven bodies balance; who is free takes the next by a ticket. The caller
 * works too, so a loop ends even if no other thread ever wakes.
 *
 *   closed (even) --run_loop writes the loop, opens--> open (odd)
 *   open --run_loop: no share left--> closed --active is 0--> run_loop returns
 *
 * Invariants: 1. The loop's fields change only while the gate is closed and
 * `active` is 0. 2. A thread adds itself to `active` and then looks at the
 * gate again before it reads them, while the caller closes the gate and then
 * looks at `active`: in one order of all these steps (all are sequentially
 * consistent) a late thread sees the gate closed, or the caller sees the
 * thread. 3. Every share was taken by the time the gate closes, so no thread
 * is active only when every share is done. The gate counts up for ever: a
 * thread that slept through loops cannot take a later one for its own.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "midge/os.h"

#define LINE_BYTES        64
#define SHARES_PER_THREAD 8u
#define QUIT              UINT64_MAX /* a gate that is open for the last time */
/* About 50 microseconds: longer than it takes to wake a thread, shorter than
 * anybody would miss. */
#define SPINS 1500u

typedef struct member {
    midge_os_pool *pool;
    unsigned worker; /* 1 and up; 0 is whoever calls */
    pthread_t thread;
} member;

struct midge_os_pool {
    unsigned n_threads; /* the caller's one of them */
    unsigned n_started;
    unsigned spins; /* 0 when there are more threads than cores */
    size_t bytes;

    /* The loop that runs. */
    midge_range_fn body;
    void *arg;
    size_t count;
    size_t share;
    size_t n_shares;

    pthread_mutex_t mutex; /* for sleeping only */
    pthread_cond_t opened;
    pthread_cond_t emptied;
    atomic_uint sleepers;     /* threads in `opened` */
    atomic_uint caller_waits; /* a caller is in `emptied` */
    atomic_flag taken;        /* a caller has the pool */
    _Alignas(LINE_BYTES) _Atomic uint64_t gate;
    _Alignas(LINE_BYTES) atomic_size_t ticket;
    _Alignas(LINE_BYTES) atomic_uint active;
    _Alignas(LINE_BYTES) member members[];
};

/* The pool and worker that this thread runs a share for. */
static _Thread_local const midge_os_pool *my_pool;
static _Thread_local unsigned my_worker;

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void run_shares(midge_os_pool *pool, unsigned worker) {
    const midge_os_pool *outer_pool = my_pool;
    const unsigned outer_worker = my_worker;
    my_pool = pool;
    my_worker = worker;
    size_t i = atomic_fetch_add(&pool->ticket, 1);
    while (i < pool->n_shares) {
        size_t begin = i * pool->share;
        size_t left = pool->count - begin;
        pool->body(pool->arg, begin,
                   begin + (left < pool->share ? left : pool->share), worker);
        i = atomic_fetch_add(&pool->ticket, 1);
    }
    my_pool = outer_pool;
    my_worker = outer_worker;
}

/* The gate, if it is open and not as it was `seen` before; else 0. */
static uint64_t open_gate(midge_os_pool *pool, uint64_t seen) {
    uint64_t gate = atomic_load(&pool->gate);
    return (gate & 1) != 0 && gate != seen ? gate : 0;
}

static uint64_t wait_for_loop(midge_os_pool *pool, uint64_t seen) {
    uint64_t gate = open_gate(pool, seen);
    for (unsigned i = 0; i < pool->spins && !gate; i++) {
        relax();
        gate = open_gate(pool, seen);
    }
    if (gate) {
        return gate;
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!(gate = open_gate(pool, seen))) {
        pthread_cond_wait(&pool->opened, &pool->mutex);
    }
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
    return gate;
}

static void leave(midge_os_pool *pool) {
    if (atomic_fetch_sub(&pool->active, 1) == 1 &&
        atomic_load(&pool->caller_waits)) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_signal(&pool->emptied);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void *serve(void *ctx) {
    const member *self = ctx;
    midge_os_pool *pool = self->pool;
    uint64_t gate = wait_for_loop(pool, 0);
    while (gate != QUIT) {
        atomic_fetch_add(&pool->active, 1);
        if (atomic_load(&pool->gate) == gate) {
            run_shares(pool, self->worker);
        }
        leave(pool);
        gate = wait_for_loop(pool, gate);
    }
    return NULL;
}

/* Wakes `n` threads, if as many sleep. */
static void wake(midge_os_pool *pool, size_t n) {
    if (atomic_load(&pool->sleepers) == 0) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    if (n >= atomic_load(&pool->sleepers)) {
        pthread_cond_broadcast(&pool->opened);
    } else {
        for (size_t i = 0; i < n; i++) {
            pthread_cond_signal(&pool->opened);
        }
    }
    pthread_mutex_unlock(&pool->mutex);
}

static void wait_until_empty(midge_os_pool *pool) {
    for (unsigned i = 0; i < pool->spins; i++) {
        if (atomic_load(&pool->active) == 0) {
            return;
        }
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_waits, 1);
    while (atomic_load(&pool->active) != 0) {
        pthread_cond_wait(&pool->emptied, &pool->mutex);
    }
    atomic_store(&pool->caller_waits, 0);
    pthread_mutex_unlock(&pool->mutex);
}

/* midge_parallel_fn. */
static void run_loop(void *ctx, size_t count, size_t grain, midge_range_fn body,
                     void *arg) {
    midge_os_pool *pool = ctx;
    const size_t shares = (size_t)pool->n_threads * SHARES_PER_THREAD;
    size_t share = count / shares + (count % shares != 0);
    share = share < grain ? grain : share;
    if (share >= count || pool->n_threads == 1 ||
        atomic_flag_test_and_set(&pool->taken)) {
        /* One share, or another caller has the threads, or this is a share of
         * theirs: then the loop is one share of that worker. */
        if (count > 0) {
            body(arg, 0, count, my_pool == pool ? my_worker : 0);
        }
        return;
    }
    pool->body = body;
    pool->arg = arg;
    pool->count = count;
    pool->share = share;
    pool->n_shares = count / share + (count % share != 0);
    atomic_store(&pool->ticket, 0);
    atomic_fetch_add(&pool->gate, 1);
    wake(pool, pool->n_shares - 1);
    run_shares(pool, 0);
    atomic_fetch_add(&pool->gate, 1);
    wait_until_empty(pool);
    atomic_flag_clear(&pool->taken);
}

/* Signals are for the program's own threads. */
static midge_status start_thread(member *m, midge_error *err) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&m->thread, NULL, serve, m);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code == 0
               ? MIDGE_OK
               : midge_fail(err, MIDGE_E_NOMEM,
                            "cannot start thread %u of %u: %s", m->worker + 1,
                            m->pool->n_threads, strerror(code));
}

static midge_os_pool *make_pool(unsigned threads) {
    size_t bytes = sizeof(midge_os_pool) + (threads - 1) * sizeof(member);
    bytes = (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
    midge_os_pool *pool = aligned_alloc(LINE_BYTES, bytes);
    if (!pool) {
        return NULL;
    }
    memset(pool, 0, bytes);
    pool->n_threads = threads;
    pool->spins = threads > midge_os_cores() ? 0 : SPINS;
    pthread_mutex_init(&pool->mutex, NULL); /* these three cannot fail here */
    pthread_cond_init(&pool->opened, NULL);
    pthread_cond_init(&pool->emptied, NULL);
    atomic_init(&pool->sleepers, 0);
    atomic_init(&pool->caller_waits, 0);
    atomic_flag_clear(&pool->taken);
    atomic_init(&pool->gate, 0);
    atomic_init(&pool->ticket, 0);
    atomic_init(&pool->active, 0);
    return pool;
}

midge_status midge_os_pool_new(unsigned threads, midge_os_pool **out,
                               midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (threads == 0) {
        const unsigned cores = midge_os_cores();
        threads = cores < MIDGE_OS_POOL_THREADS_MAX ? cores
                                                    : MIDGE_OS_POOL_THREADS_MAX;
    }
    if (threads > MIDGE_OS_POOL_THREADS_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT, "%u threads, the most are %u",
                          threads, MIDGE_OS_POOL_THREADS_MAX);
    }
    midge_os_pool *pool = make_pool(threads);
    if (!pool) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for a thread pool");
    }
    for (unsigned i = 1; i < threads; i++) {
        member *m = &pool->members[i - 1];
        *m = (member){.pool = pool, .worker = i};
        midge_status status = start_thread(m, err);
        if (status != MIDGE_OK) {
            midge_os_pool_free(pool);
            return status;
        }
        pool->n_started = i;
    }
    *out = pool;
    return MIDGE_OK;
}

void midge_os_pool_attach(midge_os_pool *pool, midge_env *env) {
    env->parallel_fn = run_loop;
    env->parallel_ctx = pool;
    env->workers = pool->n_threads;
}

void midge_os_pool_free(midge_os_pool *pool) {
    if (!pool) {
        return;
    }
    atomic_store(&pool->gate, QUIT);
    wake(pool, pool->n_started);
    for (unsigned i = 0; i < pool->n_started; i++) {
        pthread_join(pool->members[i].thread, NULL);
    }
    pthread_cond_destroy(&pool->emptied);
    pthread_cond_destroy(&pool->opened);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
