/* pool_loops.c: loops of a pool one right after the other, inside the module
 * test-threads-simd.wasm: from JavaScript they would be too far apart for a
 * late worker to meet the next one. Bodies count what they see. */
#include "base/parallel.h"
#include "entry.h"
#include "pool_loop.h"

#include <stdatomic.h>

#define MOST    61u
#define BURST   64u
#define WORKERS 16u

typedef struct counted {
    uint32_t count;
    uint32_t grain;
    _Atomic uint32_t live;
    _Atomic uint32_t wrong;
    _Atomic uint32_t inside[WORKERS];
    _Atomic uint32_t hits[MOST];
} counted;

static counted burst[BURST];

EXPORT(test_loops) uint32_t test_loops(uint32_t n_bursts, uint32_t seed);
EXPORT(test_nested) uint32_t test_nested(uint32_t n_loops);
EXPORT(test_allocating) void test_allocating(uint32_t in_workers);

static void count_hits(void *arg, size_t begin, size_t end, unsigned worker) {
    counted *c = arg;
    atomic_fetch_add(&c->wrong, !atomic_load(&c->live) || end > c->count ||
                                    worker >= pool_env.workers);
    atomic_fetch_add(&c->wrong,
                     atomic_exchange(&c->inside[worker % WORKERS], 1));
    for (size_t i = begin; i < end && i < MOST; i++) {
        atomic_fetch_add(&c->hits[i], 1);
    }
    atomic_store(&c->inside[worker % WORKERS], 0);
}

static uint32_t wrong_in(const counted *c) {
    uint32_t wrong = atomic_load(&c->wrong);
    for (uint32_t i = 0; i < MOST; i++) {
        wrong += atomic_load(&c->hits[i]) != (i < c->count);
    }
    return wrong;
}

uint32_t test_loops(uint32_t n_bursts, uint32_t seed) {
    uint32_t wrong = 0;
    for (uint32_t n = 0; n < n_bursts; n++) {
        for (uint32_t i = 0; i < BURST; i++) {
            seed = seed * 1664525u + 1013904223u;
            burst[i] = (counted){.count = 1 + (seed >> 8) % MOST,
                                 .grain = 1 + (seed >> 27)};
        }
        for (uint32_t i = 0; i < BURST; i++) {
            counted *c = &burst[i];
            atomic_store(&c->live, 1);
            pool_env.parallel_fn(NULL, c->count, c->grain, count_hits, c);
            atomic_store(&c->live, 0);
        }
        for (uint32_t i = 0; i < BURST; i++) {
            wrong += wrong_in(&burst[i]);
        }
    }
    return wrong;
}

typedef struct nest {
    unsigned worker;
    _Atomic uint32_t *indices;
} nest;

static void inner(void *arg, size_t begin, size_t end, unsigned worker) {
    const nest *n = arg;
    atomic_fetch_add(n->indices, worker == n->worker ? end - begin : 1000u);
}

static void outer(void *arg, size_t begin, size_t end, unsigned worker) {
    nest n = {worker, arg};
    for (size_t i = begin; i < end; i++) {
        pool_env.parallel_fn(NULL, 100, 1, inner, &n);
    }
}

/* How many inner indices ran on the worker of their outer one, of 6400 each. */
uint32_t test_nested(uint32_t n_loops) {
    _Atomic uint32_t indices = 0;
    for (uint32_t n = 0; n < n_loops; n++) {
        pool_env.parallel_fn(NULL, 64, 1, outer, &indices);
    }
    return atomic_load(&indices);
}

typedef struct allocating {
    uint32_t in_workers;
    _Atomic uint32_t tried;
} allocating;

/* The caller waits for the try of the worker, so that it has a share. */
static void allocate(void *arg, size_t begin, size_t end, unsigned worker) {
    allocating *a = arg;
    (void)begin;
    (void)end;
    if (!a->in_workers || worker != 0) {
        atomic_store(&a->tried, 1);
        pool_env.realloc_fn(pool_env.alloc_ctx, NULL, 0, 64);
    }
    while (!atomic_load(&a->tried)) {
    }
}

void test_allocating(uint32_t in_workers) {
    allocating a = {.in_workers = in_workers};
    pool_env.parallel_fn(NULL, 1000, 1, allocate, &a);
}
