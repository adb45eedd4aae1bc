/* hnsw_link_test.c: what the graph is like, for all kinds of data. */
#include "hnsw_support.h"

/* ---- Shape --------------------------------------------------------------- */

static void all_is_well(const midge_index *index) {
    check_links(index, 1);
    assert_int_equal(count_reached(index), index->n_rows - index->n_dead);
}

static void every_shape(void **state) {
    (void)state;
    const size_t n = 2000 / TEST_SHARE;
    for (int shape = DATA_NORMAL; shape <= DATA_LENGTHS; shape++) {
        struct test_env t;
        test_env_init(&t);
        float *x = data_new((data_shape)shape, n, 12, 3);
        midge_index_options o = options_of(12, MIDGE_METRIC_L2SQ);
        o.m = 6;
        o.ef_construction = 40;
        midge_index *index = index_new(&t.env, &o);
        add_rows(index, x, 0, n);
        all_is_well(index);
        midge_index_free(index);
        assert_int_equal(t.held_bytes, 0);
        free(x);
    }
}

static void every_count(void **state) {
    (void)state;
    for (size_t n = 0; n <= 70; n++) {
        struct test_env t;
        test_env_init(&t);
        float *x = data_new(DATA_NORMAL, n + 5, 3, n);
        midge_index_options o = options_of(3, MIDGE_METRIC_COSINE);
        o.m = 2;
        o.ef_construction = 8;
        midge_index *index = index_new(&t.env, &o);
        add_rows(index, x, 0, n);
        if (n > 0) {
            all_is_well(index);
        }
        (void)recall_of(index, x + n * 3, 5, 7, 8);
        midge_index_free(index);
        assert_int_equal(t.held_bytes, 0);
        free(x);
    }
}

static void one_by_one(void **state) {
    (void)state;
    const size_t n = 2000, n_queries = 50;
    for (int shape = DATA_NORMAL; shape <= DATA_LENGTHS; shape++) {
        struct test_env t;
        test_env_init(&t);
        float *x = data_new((data_shape)shape, n + n_queries, 10, 8);
        midge_index_options o = options_of(10, MIDGE_METRIC_L2SQ);
        midge_index *bulk = index_new(&t.env, &o);
        midge_index *single = index_new(&t.env, &o);
        add_rows(bulk, x, 0, n);
        for (size_t i = 0; i < n; i++) {
            add_rows(single, x, i, 1);
        }
        check_links(single, 1);
        const float *queries = x + n * 10;
        double a = recall_of(bulk, queries, n_queries, 10, 40);
        double b = recall_of(single, queries, n_queries, 10, 40);
        if (a <= 0.97 || b <= 0.97) {
            print_error("shape %d: bulk %g, single %g\n", shape, a, b);
        }
        assert_true(a > 0.97);
        assert_true(b > 0.97);
        midge_index_free(bulk);
        midge_index_free(single);
        free(x);
    }
}

/* ---- Threads ------------------------------------------------------------- */

static uint64_t built_with(unsigned threads, size_t n, midge_walk walk) {
    midge_env env = midge_os_env();
    midge_os_pool *pool;
    assert_int_equal(midge_os_pool_new(threads, &pool, NULL), MIDGE_OK);
    midge_os_pool_attach(pool, &env);
    float *x = data_new(DATA_CLUSTERS, n, 16, 4);
    midge_index_options o = options_of(16, MIDGE_METRIC_COSINE);
    o.m = 8;
    o.ef_construction = 50;
    o.walk = walk;
    midge_index *index = index_new(&env, &o);
    add_rows(index, x, 0, n / 2);
    add_rows(index, x, n / 2, n - n / 2);
    size_t gone;
    uint64_t ids[100];
    for (uint64_t i = 0; i < 100; i++) {
        ids[i] = i * 3;
    }
    assert_int_equal(midge_index_delete(index, 100, ids, NULL, &gone, NULL),
                     MIDGE_OK);
    assert_int_equal(gone, 100);
    assert_int_equal(mdg_hnsw_repair(index, NULL), MIDGE_OK);
    uint64_t hash = hash_links(index);
    midge_index_free(index);
    midge_os_pool_free(pool);
    free(x);
    return hash;
}

static void the_same_for_any_number_of_workers(void **state) {
    (void)state;
    const size_t n = 4000 / TEST_SHARE;
    for (int walk = MIDGE_WALK_ROWS; walk <= MIDGE_WALK_INT8; walk++) {
        uint64_t one = built_with(1, n, (midge_walk)walk);
        assert_int_equal(built_with(2, n, (midge_walk)walk), one);
        assert_int_equal(built_with(5, n, (midge_walk)walk), one);
    }
}

/* ---- Ends ---------------------------------------------------------------- */

typedef struct countdown {
    size_t calls, end_at, done, total;
} countdown;

static int count_down(void *ctx, size_t done, size_t total) {
    countdown *c = ctx;
    assert_true(done >= c->done && done <= total);
    c->done = done;
    c->total = total;
    return ++c->calls == c->end_at;
}

static void progress_ends_it(void **state) {
    (void)state;
    const size_t n = 400;
    struct test_env t;
    test_env_init(&t);
    float *x = data_new(DATA_NORMAL, n, 8, 1);
    midge_index_options o = options_of(8, MIDGE_METRIC_L2SQ);
    midge_index *index = index_new(&t.env, &o);
    countdown c = {0, 30, 0, 0};
    midge_add_options options = {0, count_down, &c};
    midge_rows rows = {.count = n, .vectors = x};
    assert_int_equal(midge_index_add(index, &rows, &options, NULL),
                     MIDGE_E_CANCELLED);
    midge_index_info info;
    midge_index_info_get(index, &info);
    assert_int_equal(info.count, 0);
    c = (countdown){0, 0, 0, 0};
    assert_int_equal(midge_index_add(index, &rows, &options, NULL), MIDGE_OK);
    assert_int_equal(c.done, n);
    assert_int_equal(c.total, n);
    assert_true(recall_of(index, x, 20, 5, 32) == 1.0);
    /* Into a graph that is there: what was linked dies. */
    c = (countdown){0, 2, 0, 0};
    assert_int_equal(midge_index_add(index, &rows, &options, NULL),
                     MIDGE_E_CANCELLED);
    midge_index_info_get(index, &info);
    assert_int_equal(info.count, n);
    check_links(index, 0);
    assert_true(recall_of(index, x, 20, 5, 32) == 1.0);
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
    free(x);
}

static midge_status build_and_change(struct test_env *t, const float *x) {
    midge_index_options o = options_of(4, MIDGE_METRIC_COSINE);
    midge_index *index;
    midge_searcher *searcher = NULL;
    midge_neighbour first = {0, 0};
    o.walk = MIDGE_WALK_INT8;
    midge_rows rows = {.count = 60, .vectors = x};
    midge_query q = {.count = 2, .vectors = x, .k = 3, .ef = 8};
    midge_status status = midge_index_new(&t->env, &o, &index, NULL);
    if (status != MIDGE_OK) {
        return status;
    }
    status = midge_index_add(index, &rows, NULL, NULL);
    if (status == MIDGE_OK) {
        uint64_t ids[] = {3, 4, 5};
        size_t gone;
        status = midge_index_delete(index, 3, ids, NULL, &gone, NULL);
    }
    if (status == MIDGE_OK) {
        status = mdg_hnsw_repair(index, NULL);
    }
    if (status == MIDGE_OK) {
        status = midge_searcher_new(index, &searcher, NULL);
    }
    if (status == MIDGE_OK) {
        status = midge_searcher_run(searcher, &q, NULL);
    }
    if (status == MIDGE_OK) {
        size_t n;
        first = midge_searcher_found(searcher, 0, &n)[0];
        assert_int_equal(midge_index_id(index, first.row), 0);
    }
    midge_searcher_free(searcher);
    midge_index_free(index);
    return status;
}

static void memory_fails_cleanly(void **state) {
    (void)state;
    float *x = data_new(DATA_NORMAL, 60, 4, 6);
    for (long n = 1;; n++) {
        struct test_env t;
        test_env_init(&t);
        t.fail_at = n;
        midge_status status = build_and_change(&t, x);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        assert_int_equal(t.held_bytes, 0);
        if (t.calls < n) {
            assert_int_equal(status, MIDGE_OK);
            break;
        }
    }
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape),
        cmocka_unit_test(every_count),
        cmocka_unit_test(one_by_one),
        cmocka_unit_test(the_same_for_any_number_of_workers),
        cmocka_unit_test(progress_ends_it),
        cmocka_unit_test(memory_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
