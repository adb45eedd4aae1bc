/* hnsw_search_test.c: what walks find, against comparing with every row. */
#include "hnsw_support.h"

#define ROWS (TEST_SHARE == 1 ? (size_t)3000 : 1400)

static void *vectors_new(midge_metric metric, data_shape shape, size_t rows,
                         uint32_t dim, uint64_t seed) {
    return metric == MIDGE_METRIC_HAMMING
               ? bits_new(rows, dim, seed)
               : (void *)data_new(shape, rows, dim, seed);
}

typedef struct mode {
    midge_storage storage;
    midge_walk walk;
} mode;

/* Recall of a graph over `n` rows, asked with queries of the same kind. */
static double recall_with(midge_metric metric, data_shape shape, mode how,
                          size_t n, uint32_t dim) {
    const size_t n_queries = 40;
    /* With 64, fewer rows than 40 * 64 would be compared and not walked. */
    const uint32_t ef = TEST_SHARE > 1 && n < 40 * 64 ? 32 : 64;
    struct test_env t;
    test_env_init(&t);
    t.env.cpu = midge_os_env().cpu;
    midge_index_options o = options_of(dim, metric);
    o.storage =
        metric == MIDGE_METRIC_HAMMING ? MIDGE_STORAGE_BINARY : how.storage;
    o.walk = how.walk;
    char *x = vectors_new(metric, shape, n + n_queries, dim, dim + n);
    midge_index *index = index_new(&t.env, &o);
    add_rows(index, x, 0, n);
    check_links(index, 1);
    double recall =
        recall_of(index, x + n * vector_bytes(&o), n_queries, 10, ef);
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
    free(x);
    return recall;
}

static void every_metric_and_storage(void **state) {
    (void)state;
    static const mode modes[] = {{MIDGE_STORAGE_F32, MIDGE_WALK_ROWS},
                                 {MIDGE_STORAGE_F16, MIDGE_WALK_ROWS},
                                 {MIDGE_STORAGE_INT8, MIDGE_WALK_ROWS},
                                 {MIDGE_STORAGE_F32, MIDGE_WALK_INT8},
                                 {MIDGE_STORAGE_F16, MIDGE_WALK_INT8}};
    for (int metric = 0; metric <= MIDGE_METRIC_HAMMING; metric++) {
        for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
            int codes = modes[m].walk == MIDGE_WALK_INT8;
            if ((metric == MIDGE_METRIC_HAMMING && m > 0) ||
                (metric == MIDGE_METRIC_L1 && codes) ||
                (TEST_SHARE > 1 && ((size_t)metric + m) % 2 == 1)) {
                continue;
            }
            double recall = recall_with((midge_metric)metric, DATA_NORMAL,
                                        modes[m], ROWS, 20);
            if (recall < 0.96) {
                print_error("metric %d mode %zu: %g\n", metric, m, recall);
            }
            assert_true(recall >= 0.96);
        }
    }
}

/* The largest products belong to the longest rows: without lifting a graph
 * does not find them. */
static void products_of_rows_of_many_lengths(void **state) {
    (void)state;
    const mode modes[] = {{MIDGE_STORAGE_F32, MIDGE_WALK_ROWS},
                          {MIDGE_STORAGE_F32, MIDGE_WALK_INT8},
                          {MIDGE_STORAGE_INT8, MIDGE_WALK_ROWS}};
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        double recall =
            recall_with(MIDGE_METRIC_IP, DATA_LENGTHS, modes[m], ROWS, 24);
        if (recall < 0.98) {
            print_error("mode %zu: %g\n", m, recall);
        }
        assert_true(recall >= 0.98);
    }
}

static void every_dim(void **state) {
    (void)state;
    const mode plain = {MIDGE_STORAGE_F32, MIDGE_WALK_ROWS};
    const uint32_t first = TEST_SHARE == 1 ? 1 : 8, next = 29 * first;
    for (uint32_t dim = 1; dim <= 300; dim += dim < 10 ? first : next) {
        for (int metric = 0; metric <= MIDGE_METRIC_HAMMING; metric++) {
            double recall =
                recall_with((midge_metric)metric, DATA_CLUSTERS, plain,
                            TEST_SHARE == 1 ? 2600 : ROWS, dim);
            /* Products with clusters have hills that are not the highest. */
            double least = metric == MIDGE_METRIC_IP ? 0.85 : 0.95;
            if (recall < least) {
                print_error("metric %d dim %u: %g\n", metric, dim, recall);
            }
            assert_true(recall >= least);
        }
    }
}

static void every_shape(void **state) {
    (void)state;
    const mode plain = {MIDGE_STORAGE_F32, MIDGE_WALK_ROWS};
    const size_t step = TEST_SHARE == 1 ? 3 : 13; /* the last: 4373, or 2563 */
    for (int shape = DATA_NORMAL; shape <= DATA_LENGTHS; shape++) {
        for (size_t n = 1; n <= 6000; n = n * step + 2) {
            double recall =
                recall_with(MIDGE_METRIC_L2SQ, (data_shape)shape, plain, n, 16);
            if (recall < 0.97) {
                print_error("shape %d n %zu: %g\n", shape, n, recall);
            }
            assert_true(recall >= 0.97);
        }
    }
}

/* ---- Queries ------------------------------------------------------------- */

typedef struct fixture {
    struct test_env t;
    midge_index *index;
    float *x;
    size_t n;
    midge_searcher *searcher;
} fixture;

static void fixture_init(fixture *f, size_t n, midge_walk walk) {
    test_env_init(&f->t);
    f->t.env.cpu = midge_os_env().cpu;
    f->n = n;
    f->x = data_new(DATA_NORMAL, n + 100, 12, 77);
    midge_index_options o = options_of(12, MIDGE_METRIC_L2SQ);
    o.walk = walk;
    f->index = index_new(&f->t.env, &o);
    assert_int_equal(
        midge_index_column_add(f->index, "n", MIDGE_META_INT, NULL), MIDGE_OK);
    const midge_json **objects = malloc(n * sizeof *objects);
    midge_arena arena;
    midge_arena_init(&arena, &f->t.env, 0);
    for (size_t i = 0; i < n; i++) {
        char text[40];
        int size = snprintf(text, sizeof text, "{\"n\":%zu}", i);
        assert_int_equal(
            midge_json_read(&arena, text, (size_t)size, &objects[i], NULL),
            MIDGE_OK);
    }
    midge_rows rows = {.count = n, .vectors = f->x, .metadata = objects};
    assert_int_equal(midge_index_add(f->index, &rows, NULL, NULL), MIDGE_OK);
    midge_arena_deinit(&arena);
    free(objects);
    assert_int_equal(midge_searcher_new(f->index, &f->searcher, NULL),
                     MIDGE_OK);
}

static void fixture_deinit(fixture *f) {
    midge_searcher_free(f->searcher);
    midge_index_free(f->index);
    assert_int_equal(f->t.held_bytes, 0);
    free(f->x);
}

/* The same ask, of all rows. Returns the share of its results that are among
 * those of the walk; both have as many. */
static double compare(fixture *f, midge_query q, midge_search_stats *stats) {
    midge_searcher *exact;
    size_t hits = 0, all = 0;
    assert_int_equal(midge_searcher_new(f->index, &exact, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_run(f->searcher, &q, NULL), MIDGE_OK);
    q.exact = 1;
    assert_int_equal(midge_searcher_run(exact, &q, NULL), MIDGE_OK);
    for (size_t i = 0; i < q.count; i++) {
        size_t n, n_true;
        const midge_neighbour *a = midge_searcher_found(f->searcher, i, &n);
        const midge_neighbour *b = midge_searcher_found(exact, i, &n_true);
        assert_true(n <= n_true);
        assert_true(q.within || n == n_true);
        for (size_t j = 0; j < n; j++) {
            assert_true(!q.within || a[j].distance <= q.radius);
            assert_true(!q.filter || midge_filter_matches(q.filter, a[j].row));
            assert_true(midge_index_has_row(f->index, a[j].row));
            hits += a[j].distance <= b[n_true - 1].distance;
        }
        all += n_true;
    }
    midge_searcher_free(exact);
    if (stats) {
        *stats = midge_searcher_stats(f->searcher);
    }
    return all ? (double)hits / (double)all : 1.0;
}

static void filters(void **state) {
    (void)state;
    static const double shares[] = {0.9, 0.5, 0.2, 0.05, 0.01, 0.001, 0.0};
    const size_t n = 8000; /* with fewer all would be compared */
    fixture f;
    fixture_init(&f, n, MIDGE_WALK_ROWS);
    uint64_t walked = 0;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        char text[40];
        midge_filter *filter;
        midge_search_stats stats;
        int size =
            snprintf(text, sizeof text, "n < %d", (int)(shares[i] * (double)n));
        assert_int_equal(
            midge_filter_new(f.index, text, (size_t)size, &filter, NULL),
            MIDGE_OK);
        midge_query q = {.count = 50,
                         .vectors = f.x + n * 12,
                         .k = 10,
                         .ef = 40,
                         .filter = filter};
        assert_true(compare(&f, q, &stats) > 0.97);
        assert_true(stats.selectivity > shares[i] - 0.12);
        assert_true(stats.selectivity < shares[i] + 0.12);
        walked += stats.steps;
        midge_filter_free(filter);
    }
    assert_true(walked > 0); /* not all by comparing with every row */
    fixture_deinit(&f);
}

static void radius(void **state) {
    (void)state;
    static const float radii[] = {-1.0f, 0.0f, 3.0f, 6.0f, 10.0f, 1e30f};
    for (int walk = MIDGE_WALK_ROWS; walk <= MIDGE_WALK_INT8; walk++) {
        fixture f;
        fixture_init(&f, 3000, (midge_walk)walk);
        for (size_t i = 0; i < sizeof radii / sizeof *radii; i++) {
            midge_query q = {.count = 30,
                             .vectors = f.x + (f.n - 10) * 12,
                             .k = 500,
                             .ef = 32,
                             .within = 1,
                             .radius = radii[i]};
            double recall = compare(&f, q, NULL);
            if (recall < 0.97) {
                print_error("walk %d radius %g: %g\n", walk, (double)radii[i],
                            recall);
            }
            assert_true(recall > 0.97);
        }
        fixture_deinit(&f);
    }
}

static void dead_rows_are_not_found(void **state) {
    (void)state;
    fixture f;
    fixture_init(&f, 3000, MIDGE_WALK_ROWS);
    for (uint64_t id = 0; id < 500; id++) {
        uint64_t gone_id = id * 5;
        size_t gone;
        assert_int_equal(
            midge_index_delete(f.index, 1, &gone_id, NULL, &gone, NULL),
            MIDGE_OK);
        assert_int_equal(gone, 1);
    }
    midge_query q = {.count = 50, .vectors = f.x, .k = 10, .ef = 40};
    assert_true(compare(&f, q, NULL) > 0.97);
    fixture_deinit(&f);
}

static void as_many_as_there_are(void **state) {
    (void)state;
    fixture f;
    fixture_init(&f, 200, MIDGE_WALK_ROWS);
    midge_query q = {.count = 3, .vectors = f.x, .k = 100000, .ef = 4};
    assert_true(compare(&f, q, NULL) == 1.0);
    size_t n;
    (void)midge_searcher_found(f.searcher, 2, &n);
    assert_int_equal(n, 200);
    assert_null(midge_searcher_found(f.searcher, 3, &n));
    assert_int_equal(n, 0);
    fixture_deinit(&f);
}

/* A query alone, and among others, and with more workers. */
static void batches_answer_alike(void **state) {
    (void)state;
    const size_t n = 2000;
    midge_env env = midge_os_env();
    midge_os_pool *pool;
    assert_int_equal(midge_os_pool_new(3, &pool, NULL), MIDGE_OK);
    float *x = data_new(DATA_NORMAL, n + 64, 9, 12);
    midge_index_options o = options_of(9, MIDGE_METRIC_COSINE);
    midge_os_pool_attach(pool, &env);
    midge_index *index = index_new(&env, &o);
    add_rows(index, x, 0, n);
    midge_searcher *all, *one;
    assert_int_equal(midge_searcher_new(index, &all, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_new(index, &one, NULL), MIDGE_OK);
    midge_query q = {.count = 64, .vectors = x + n * 9, .k = 7, .ef = 30};
    assert_int_equal(midge_searcher_run(all, &q, NULL), MIDGE_OK);
    for (size_t i = 0; i < 64; i++) {
        size_t a, b;
        q.count = 1;
        q.vectors = x + (n + i) * 9;
        assert_int_equal(midge_searcher_run(one, &q, NULL), MIDGE_OK);
        const midge_neighbour *alone = midge_searcher_found(one, 0, &a);
        const midge_neighbour *among = midge_searcher_found(all, i, &b);
        assert_int_equal(a, b);
        assert_memory_equal(alone, among, a * sizeof *alone);
    }
    midge_searcher_free(all);
    midge_searcher_free(one);
    midge_index_free(index);
    midge_os_pool_free(pool);
    free(x);
}

static void bad_queries(void **state) {
    (void)state;
    fixture f;
    fixture_init(&f, 100, MIDGE_WALK_ROWS);
    float x[24] = {0};
    midge_error err;
    midge_query q = {.count = 2, .vectors = x, .k = 1};
    x[15] = __builtin_nanf("");
    assert_int_equal(midge_searcher_run(f.searcher, &q, &err), MIDGE_E_INVALID);
    assert_string_equal(err.text, "query 1: value 3 is not finite");
    size_t n;
    assert_null(midge_searcher_found(f.searcher, 0, &n));
    x[15] = 0.0f;
    q.k = 0;
    assert_int_equal(midge_searcher_run(f.searcher, &q, NULL), MIDGE_E_INVALID);
    q.k = 1;
    q.ef = MIDGE_INDEX_EF_MAX + 1;
    assert_int_equal(midge_searcher_run(f.searcher, &q, NULL), MIDGE_E_INVALID);
    q.ef = 0;
    q.within = 1;
    q.radius = __builtin_nanf("");
    assert_int_equal(midge_searcher_run(f.searcher, &q, NULL), MIDGE_E_INVALID);
    q.within = 0;
    q.vectors = NULL;
    assert_int_equal(midge_searcher_run(f.searcher, &q, NULL), MIDGE_E_INVALID);
    q.count = 0;
    assert_int_equal(midge_searcher_run(f.searcher, &q, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_run(NULL, &q, NULL), MIDGE_E_INVALID);
    fixture_deinit(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_and_storage),
        cmocka_unit_test(products_of_rows_of_many_lengths),
        cmocka_unit_test(every_dim),
        cmocka_unit_test(every_shape),
        cmocka_unit_test(filters),
        cmocka_unit_test(radius),
        cmocka_unit_test(dead_rows_are_not_found),
        cmocka_unit_test(as_many_as_there_are),
        cmocka_unit_test(batches_answer_alike),
        cmocka_unit_test(bad_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
