/* os_pool_test.c: loops shared among threads: every index once, by a worker of
 * its own, and nothing after the loop returned.
 *
 * Bodies run on other threads, where cmocka's asserts may not be used: they
 * count what is wrong. The linker wraps pthread_create and pthread_join, so
 * that starting a thread can fail and threads left over are seen.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "midge/os.h"

#define MOST      20000u
#define WORKERS   16u
#define N_CALLERS 3u

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          void *(*start)(void *), void *arg);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          void *(*start)(void *), void *arg);
int __wrap_pthread_join(pthread_t thread, void **result);

static int n_alive;
static int create_calls;
static int fail_at; /* this call fails; 0: none */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          void *(*start)(void *), void *arg) {
    if (++create_calls == fail_at) {
        return EAGAIN;
    }
    int code = __real_pthread_create(thread, attr, start, arg);
    n_alive += code == 0;
    return code;
}

int __wrap_pthread_join(pthread_t thread, void **result) {
    n_alive--;
    return __real_pthread_join(thread, result);
}

/* One loop and what its bodies saw. */
typedef struct loop {
    size_t count;
    size_t grain;
    unsigned workers;
    atomic_int live;
    atomic_int wrong;
    atomic_int inside[WORKERS];
    atomic_uchar *hits;
} loop;

static void count_hits(void *arg, size_t begin, size_t end, unsigned worker) {
    loop *l = arg;
    int wrong = !atomic_load(&l->live) || worker >= l->workers ||
                begin >= end || end > l->count ||
                (end != l->count && end - begin < l->grain);
    wrong += atomic_exchange(&l->inside[worker % WORKERS], 1);
    for (size_t i = begin; i < end && i < l->count; i++) {
        atomic_fetch_add(&l->hits[i], 1);
    }
    atomic_store(&l->inside[worker % WORKERS], 0);
    atomic_fetch_add(&l->wrong, wrong);
}

/* What is wrong with one loop of `env`; hits has room for `count`. */
static int faults_of_loop(const midge_env *env, size_t count, size_t grain,
                          atomic_uchar *hits) {
    loop l = {
        .count = count, .grain = grain, .workers = env->workers, .hits = hits};
    for (size_t i = 0; i < count; i++) {
        atomic_init(&hits[i], 0);
    }
    atomic_store(&l.live, 1);
    env->parallel_fn(env->parallel_ctx, count, grain, count_hits, &l);
    atomic_store(&l.live, 0);
    int wrong = atomic_load(&l.wrong);
    for (size_t i = 0; i < count; i++) {
        wrong += atomic_load(&hits[i]) != 1;
    }
    return wrong;
}

static midge_os_pool *pool_of(unsigned threads, midge_env *env) {
    midge_os_pool *pool = NULL;
    assert_int_equal(midge_os_pool_new(threads, &pool, NULL), MIDGE_OK);
    *env = midge_os_env();
    midge_os_pool_attach(pool, env);
    return pool;
}

static void every_index_once(void **state) {
    (void)state;
    static const size_t counts[] = {0,  1,  2,   3,   7,    15,   16,  17,
                                    63, 64, 100, 255, 1000, 4097, MOST};
    static const size_t grains[] = {0, 1, 2, 3, 10, 64, 999, 4096, SIZE_MAX};
    static atomic_uchar hits[MOST];
    for (unsigned threads = 1; threads <= 9; threads += threads < 3 ? 1 : 3) {
        midge_env env;
        midge_os_pool *pool = pool_of(threads, &env);
        assert_int_equal(env.workers, threads);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) {
                assert_int_equal(
                    faults_of_loop(&env, counts[c], grains[g], hits), 0);
            }
        }
        midge_os_pool_free(pool);
    }
    assert_int_equal(n_alive, 0);
}

/* Odd sizes and no pause between: a thread that comes late finds a gate that
 * is closed, or open for the next loop. */
static void tiny_loops(void **state) {
    (void)state;
    atomic_uchar hits[64];
    for (unsigned threads = 2; threads <= 5; threads += 3) {
        midge_env env;
        midge_os_pool *pool = pool_of(threads, &env);
        uint32_t x = 1;
        for (int i = 0; i < 20000; i++) {
            x = x * 1664525u + 1013904223u;
            if (faults_of_loop(&env, (x >> 16) % 64, 1 + (x >> 24) % 3, hits)) {
                fail_msg("loop %d", i);
            }
        }
        midge_os_pool_free(pool);
    }
}

static uint64_t churn(size_t i) {
    uint64_t x = i;
    for (size_t n = 0; n < i * 4; n++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
    }
    return x;
}

static void fill_sums(void *arg, size_t begin, size_t end, unsigned worker) {
    (void)worker;
    uint64_t *out = arg;
    for (size_t i = begin; i < end; i++) {
        out[i] = churn(i);
    }
}

/* The last index costs as much as the first hundred. */
static void uneven_work(void **state) {
    (void)state;
    static uint64_t got[1000];
    midge_env env;
    midge_os_pool *pool = pool_of(3, &env);
    env.parallel_fn(env.parallel_ctx, 1000, 1, fill_sums, got);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(got[i], churn(i));
    }
    midge_os_pool_free(pool);
}

static void meet(void *arg, size_t begin, size_t end, unsigned worker) {
    (void)begin;
    (void)end;
    (void)worker;
    pthread_barrier_wait(arg);
}

/* As many shares as threads, each waiting for all the others: ends only when
 * every thread wakes and has a share at the same time. */
static void all_threads_work_at_once(void **state) {
    (void)state;
    const unsigned sizes[] = {2, midge_os_cores() + 1, 8};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        midge_env env;
        midge_os_pool *pool = pool_of(sizes[i], &env);
        pthread_barrier_t barrier;
        pthread_barrier_init(&barrier, NULL, sizes[i]);
        for (int n = 0; n < 200; n++) {
            env.parallel_fn(env.parallel_ctx, sizes[i], 1, meet, &barrier);
        }
        pthread_barrier_destroy(&barrier);
        midge_os_pool_free(pool);
    }
}

typedef struct caller {
    const midge_env *env;
    int wrong;
} caller;

static void *call_often(void *arg) {
    caller *c = arg;
    atomic_uchar hits[97];
    for (size_t i = 0; i < 5000; i++) {
        c->wrong += faults_of_loop(c->env, i % 97, 1, hits);
    }
    return NULL;
}

static void several_callers(void **state) {
    (void)state;
    midge_env env;
    midge_os_pool *pool = pool_of(2, &env);
    pthread_t threads[N_CALLERS];
    caller callers[N_CALLERS];
    for (unsigned i = 0; i < N_CALLERS; i++) {
        callers[i] = (caller){&env, 0};
        assert_int_equal(
            pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (unsigned i = 0; i < N_CALLERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].wrong, 0);
    }
    midge_os_pool_free(pool);
}

typedef struct nest {
    const midge_env *env;
    atomic_int wrong;
    atomic_int inner_indices;
} nest;

typedef struct inner_loop {
    nest *outer;
    unsigned worker; /* of the body it is in */
} inner_loop;

static void inner_body(void *arg, size_t begin, size_t end, unsigned worker) {
    const inner_loop *l = arg;
    atomic_fetch_add(&l->outer->wrong,
                     begin != 0 || end != 10 || worker != l->worker);
    atomic_fetch_add(&l->outer->inner_indices, (int)(end - begin));
}

static void outer_body(void *arg, size_t begin, size_t end, unsigned worker) {
    nest *n = arg;
    for (size_t i = begin; i < end; i++) {
        inner_loop l = {n, worker};
        n->env->parallel_fn(n->env->parallel_ctx, 10, 1, inner_body, &l);
    }
}

static void a_nested_loop_is_one_share(void **state) {
    (void)state;
    midge_env env;
    midge_os_pool *pool = pool_of(4, &env);
    nest n = {.env = &env};
    for (int i = 0; i < 100; i++) {
        env.parallel_fn(env.parallel_ctx, 64, 1, outer_body, &n);
    }
    assert_int_equal(atomic_load(&n.wrong), 0);
    assert_int_equal(atomic_load(&n.inner_indices), 100 * 64 * 10);
    midge_os_pool_free(pool);
}

static void made_and_freed_idle(void **state) {
    (void)state;
    atomic_uchar hits[50];
    for (unsigned i = 0; i < 100; i++) {
        midge_env env;
        midge_os_pool *pool = pool_of(1 + i % 6, &env);
        if (i % 3 == 0) {
            assert_int_equal(faults_of_loop(&env, 50, 1, hits), 0);
        }
        midge_os_pool_free(pool);
        assert_int_equal(n_alive, 0);
    }
    midge_env env;
    midge_os_pool *pool = pool_of(0, &env);
    assert_int_equal(env.workers, midge_os_cores());
    midge_os_pool_free(pool);
    midge_os_pool_free(NULL);
}

static void failures_leave_nothing(void **state) {
    (void)state;
    midge_error err = {0};
    midge_os_pool *pool = (midge_os_pool *)&err;
    assert_int_equal(midge_os_pool_new(2, NULL, &err), MIDGE_E_INVALID);
    assert_int_equal(
        midge_os_pool_new(MIDGE_OS_POOL_THREADS_MAX + 1, &pool, &err),
        MIDGE_E_LIMIT);
    assert_null(pool);
    assert_string_equal(err.text, "1025 threads, the most are 1024");
    for (fail_at = 1; fail_at <= 4; fail_at++) {
        create_calls = 0;
        pool = (midge_os_pool *)&err;
        assert_int_equal(midge_os_pool_new(5, &pool, &err), MIDGE_E_NOMEM);
        assert_null(pool);
        assert_int_equal(n_alive, 0);
    }
    assert_string_equal(err.text, "cannot start thread 5 of 5: Resource "
                                  "temporarily unavailable");
    fail_at = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_once),
        cmocka_unit_test(tiny_loops),
        cmocka_unit_test(uneven_work),
        cmocka_unit_test(all_threads_work_at_once),
        cmocka_unit_test(several_callers),
        cmocka_unit_test(a_nested_loop_is_one_share),
        cmocka_unit_test(made_and_freed_idle),
        cmocka_unit_test(failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
