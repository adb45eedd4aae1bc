/* pool_loop.c: midge_parallel_fn over one shared memory.
 *
 * host/os/os_pool.c in WebAssembly: shares of equal size taken by a ticket, a
 * caller that works too, a gate that is even when closed. Its invariants hold
 * here word by word. What differs:
 *
 * 1. A worker that finds nothing spins for a while and then waits at the gate
 *    (memory.atomic.wait64), which is atomic with looking at it.
 * 2. The caller may be the main thread of a page, which must not wait: it spins
 *    until the last share of the others is done. That is no longer than a share
 *    takes.
 * 3. A worker can trap, which JavaScript notices (src/pool_serve.ts): it writes
 *    the reason into `failure` and sets `state`. The caller then gives up, and
 *    the pool with it; nobody can say what the lost share left behind.
 * 4. There is one pool in a memory, and one caller: no lock between callers.
 */
#include "pool_loop.h"

#include <stdatomic.h>

#include "entry.h"
#include "heap.h"

#define LINE_BYTES        64
#define SHARES_PER_THREAD 8u
#define QUIT              UINT64_MAX /* a gate that is open for the last time */
#define FAILURE_BYTES     252u
#define FOR_EVER          (-1LL)
#define LOOK_AGAIN_NS     5000000LL /* a failure does not notify the caller */

/* src/pool_serve.ts knows these fields. */
typedef struct failure_note {
    _Atomic uint32_t state; /* 0 none, 2 being written, 1 written */
    char text[FAILURE_BYTES];
} failure_note;

typedef struct loop {
    midge_range_fn body;
    void *arg;
    size_t count;
    size_t share;
    size_t n_shares;
} loop;

static failure_note failure;
static loop now; /* changes only while the gate is closed and `active` is 0 */
static uint32_t spins;
static int may_wait; /* whether the caller may */
static int running;  /* a loop, of the caller */
static _Atomic uint32_t sleepers;
static _Atomic uint32_t caller_waits;
static _Alignas(LINE_BYTES) _Atomic uint64_t gate;
static _Alignas(LINE_BYTES) _Atomic uint32_t ticket;
static _Alignas(LINE_BYTES) _Atomic uint32_t active;

/* Each instance has its own: 0 is the caller. */
static _Thread_local unsigned my_worker;

EXPORT(pool_open)
void pool_open(uint32_t n_threads, uint32_t n_spins, int caller_may_wait);
EXPORT(pool_tls_bytes) size_t pool_tls_bytes(void);
EXPORT(pool_serve) void pool_serve(uint32_t worker);
EXPORT(pool_failure) failure_note *pool_failure(void);

midge_env pool_env; /* filled by pool_open */

static void *caller_realloc(void *ctx, void *block, size_t old_bytes,
                            size_t new_bytes) {
    if (my_worker != 0 || running) {
        __builtin_trap(); /* the heap has no lock */
    }
    return heap_realloc(ctx, block, old_bytes, new_bytes);
}

static void run_shares(void) {
    uint32_t i = atomic_fetch_add(&ticket, 1);
    while (i < now.n_shares) {
        size_t begin = i * now.share;
        size_t left = now.count - begin;
        now.body(now.arg, begin, begin + (left < now.share ? left : now.share),
                 my_worker);
        i = atomic_fetch_add(&ticket, 1);
    }
}

/* The gate, if it is open and not as it was `seen` before; else 0. */
static uint64_t open_gate(uint64_t seen) {
    uint64_t g = atomic_load(&gate);
    return (g & 1) != 0 && g != seen ? g : 0;
}

static uint64_t wait_for_loop(uint64_t seen) {
    uint64_t open = open_gate(seen);
    for (uint32_t i = 0; i < spins && !open; i++) {
        open = open_gate(seen);
    }
    while (!open) {
        atomic_fetch_add(&sleepers, 1);
        uint64_t closed = atomic_load(&gate);
        if ((closed & 1) == 0 || closed == seen) {
            __builtin_wasm_memory_atomic_wait64((long long *)(void *)&gate,
                                                (long long)closed, FOR_EVER);
        }
        atomic_fetch_sub(&sleepers, 1);
        open = open_gate(seen);
    }
    return open;
}

void pool_serve(uint32_t worker) {
    my_worker = worker;
    uint64_t open = wait_for_loop(0);
    while (open != QUIT) {
        atomic_fetch_add(&active, 1);
        if (atomic_load(&gate) == open) {
            run_shares();
        }
        if (atomic_fetch_sub(&active, 1) == 1 && atomic_load(&caller_waits)) {
            __builtin_wasm_memory_atomic_notify((int *)(void *)&active, 1);
        }
        open = wait_for_loop(open);
    }
}

static int all_left(void) {
    return atomic_load(&active) == 0 || atomic_load(&failure.state) == 1;
}

static void wait_until_left(void) {
    for (uint32_t i = 0; (i < spins || !may_wait) && !all_left(); i++) {
    }
    if (all_left()) {
        return;
    }
    atomic_store(&caller_waits, 1);
    while (!all_left()) {
        uint32_t n = atomic_load(&active);
        if (n != 0) {
            __builtin_wasm_memory_atomic_wait32((int *)(void *)&active, (int)n,
                                                LOOK_AGAIN_NS);
        }
    }
    atomic_store(&caller_waits, 0);
}

/* midge_parallel_fn. A loop within a body is one share of its worker. */
static void run_loop(void *ctx, size_t count, size_t grain, midge_range_fn body,
                     void *arg) {
    const size_t shares = (size_t)pool_env.workers * SHARES_PER_THREAD;
    (void)ctx;
    size_t share = count / shares + (count % shares != 0);
    share = share < grain ? grain : share;
    if (my_worker != 0 || running || share >= count) {
        if (count > 0) {
            body(arg, 0, count, my_worker);
        }
        return;
    }
    running = 1;
    now = (loop){body, arg, count, share, count / share + (count % share != 0)};
    atomic_store(&ticket, 0);
    atomic_fetch_add(&gate, 1);
    if (atomic_load(&sleepers) > 0) {
        __builtin_wasm_memory_atomic_notify((int *)(void *)&gate,
                                            (unsigned)now.n_shares - 1);
    }
    run_shares();
    atomic_fetch_add(&gate, 1);
    wait_until_left();
    running = 0;
}

void pool_open(uint32_t n_threads, uint32_t n_spins, int caller_may_wait) {
    pool_env = entry_env;
    pool_env.realloc_fn = caller_realloc;
    pool_env.parallel_fn = run_loop;
    pool_env.workers = n_threads;
    spins = n_spins;
    may_wait = caller_may_wait;
}

/* What each worker needs beside its stack. */
size_t pool_tls_bytes(void) {
    return __builtin_wasm_tls_size();
}

failure_note *pool_failure(void) {
    return &failure;
}

midge_status pool_health(midge_error *err) {
    return atomic_load(&failure.state) == 1
               ? midge_fail(err, MIDGE_E_INTERNAL, "%.*s",
                            (int)sizeof failure.text, failure.text)
               : MIDGE_OK;
}
