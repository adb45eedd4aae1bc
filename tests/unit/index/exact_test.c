/* exact_test.c: a query against every row: what is found is what measuring and
 * sorting all of them gives, bit by bit, for every metric and storage; and the
 * distances are those of their formulas. */
#include "exact_support.h"

/* Whole numbers: every sum is exact, so that order and ties are exact too. */
static void fill_whole(float *values, size_t count, uint64_t seed,
                       uint32_t span) {
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)mdg_rng_below(&rng, span) - (float)(span / 2);
    }
}

static double formula(midge_metric metric, uint32_t dim, const float *q,
                      const float *x) {
    double l2 = 0, l1 = 0, qq = 0, xx = 0, qx = 0;
    for (uint32_t i = 0; i < dim; i++) {
        double a = (double)q[i], b = (double)x[i];
        l2 += (a - b) * (a - b);
        l1 += fabs(a - b);
        qq += a * a;
        xx += b * b;
        qx += a * b;
    }
    switch (metric) {
    case MIDGE_METRIC_L2SQ:
        return l2;
    case MIDGE_METRIC_L1:
        return l1;
    case MIDGE_METRIC_IP:
        return -qx;
    default:
        return qq == 0 || xx == 0 ? 1.0 : 1.0 - qx / sqrt(qq * xx);
    }
}

/* ---- Tests --------------------------------------------------------------- */

static void every_metric_and_storage(void **state) {
    static const uint32_t dims[] = {1, 3, 16, 37, 80};
    static const size_t counts[] = {1, 5, 40, 300};
    static const uint32_t ks[] = {1, 10, 100, 600};
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        for (size_t d = TEST_SHARE == 1 ? 0 : m % 2; d < 5;
             d += TEST_SHARE == 1 ? 1 : 2) {
            struct test_env t;
            test_env_init(&t);
            fill(rows, ROWS_MAX * DIM_MAX, 1 + d);
            fill(queries, QUERIES_MAX * DIM_MAX, 20 + d);
            midge_index *index = make(&t, modes[m], dims[d], 300 + 50 * d);
            for (size_t i = 0; i < 4; i++) {
                midge_query q = ask(counts[i], ks[(i + d) % 4]);
                check(index, &q, keep_all);
            }
            free_all(&t, index);
        }
    }
}

/* Against the formulas, in double, on what is stored. */
static void distances_are_those_of_the_formulas(void **state) {
    enum { DIM = 37, N = 200 };
    float x[DIM];
    (void)state;
    fill(rows, N * DIM, 3);
    fill(queries, 40 * DIM, 4);
    for (size_t m = 0; m + 1 < MODES; m++) {
        struct test_env t;
        midge_neighbour found[40 * N];
        uint32_t n_found[40];
        test_env_init(&t);
        midge_index *index = make(&t, modes[m], DIM, N);
        midge_query q = ask(40, N);
        assert_int_equal(
            mdg_exact_search(index, &q, found, n_found, NULL, NULL), MIDGE_OK);
        for (size_t i = 0; i < (size_t)40 * N; i++) {
            mdg_vectors_get(&index->rows, found[i].row, x);
            double d = formula(modes[m].metric, DIM, queries + i / N * DIM, x);
            assert_true(fabs((double)found[i].distance - d) <
                        1e-5 * (1 + fabs(d)));
        }
        free_all(&t, index);
    }
}

/* Few distinct distances, so that nearly all are ties; counts of rows around
 * the sizes of a block, counts of queries around theirs. */
static void ties_and_the_ends_of_blocks(void **state) {
    static const size_t n_rows[] = {1,   2,   7,   8,   9,    255, 256,
                                    257, 511, 512, 513, 1024, 1025};
    static const size_t counts[] = {1, 2, 40, 255, 256, 257, 300};
    (void)state;
    fill_whole(rows, ROWS_MAX * 5, 3, 4);
    fill_whole(queries, QUERIES_MAX * 5, 4, 4);
    for (size_t i = 0; i < 13; i++) {
        for (size_t m = 0; m < 4; m++) {
            struct test_env t;
            test_env_init(&t);
            midge_index *index = make(&t, modes[m], 5, n_rows[i]);
            midge_query q =
                ask(counts[(i + m) % 7], (uint32_t)(1 + (i * 5 + m * 11) % 60));
            check(index, &q, keep_all);
            free_all(&t, index);
        }
    }
}

static int not_every_third(uint32_t row) {
    return row % 3 != 1;
}

static void the_dead_are_not_found(void **state) {
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        struct test_env t;
        test_env_init(&t);
        fill(rows, ROWS_MAX * 7, 5);
        fill(queries, QUERIES_MAX * 7, 6);
        midge_index *index = make(&t, modes[m], 7, 700);
        uint64_t ids[700];
        size_t n = 0, n_deleted;
        for (uint64_t id = 1; id < 700; id += 3) {
            ids[n++] = id;
        }
        assert_int_equal(
            midge_index_delete(index, n, ids, NULL, &n_deleted, NULL),
            MIDGE_OK);
        assert_int_equal(n_deleted, n);
        midge_query q = ask(m % 2 ? 60 : 3, 600);
        check(index, &q, not_every_third);
        free_all(&t, index);
    }
}

static const midge_filter *the_filter;

static int passes(uint32_t row) {
    return midge_filter_matches(the_filter, row);
}

/* Rows with their number as metadata; every seventh has none. */
static midge_index *make_numbered(struct test_env *t, struct mode mode,
                                  uint32_t dim, size_t n) {
    const midge_json *objects[ROWS_MAX];
    midge_index *index = make(t, mode, dim, 0);
    midge_arena arena;
    midge_arena_init(&arena, &t->env, 0);
    assert_int_equal(midge_index_column_add(index, "n", MIDGE_META_INT, NULL),
                     MIDGE_OK);
    for (size_t row = 0; row < n; row++) {
        char text[32];
        int size = snprintf(text, sizeof text, "{\"n\": %zu}", row);
        assert_int_equal(
            midge_json_read(&arena, text, (size_t)size, &objects[row], NULL),
            MIDGE_OK);
        objects[row] = row % 7 == 6 ? NULL : objects[row];
    }
    const midge_rows r = {n, rows, NULL, NULL, objects};
    assert_int_equal(midge_index_add(index, &r, NULL, NULL), MIDGE_OK);
    midge_arena_deinit(&arena);
    return index;
}

/* None, few, a run, nearly all; alone and with deleted rows. */
static void rows_that_pass_a_filter(void **state) {
    static const char *const texts[] = {
        "n < 0",    "n = 320",       "n in (3, 64, 127, 128, 650)",
        "n >= 500", "not n = 13",    "n is null",
        "n < 70",   "n is not null", "n > 100 and n < 400 and not n = 222"};
    (void)state;
    fill(rows, ROWS_MAX * DIM_MAX, 15);
    fill(queries, QUERIES_MAX * DIM_MAX, 16);
    for (size_t m = 0; m < MODES; m++) {
        struct test_env t;
        test_env_init(&t);
        midge_index *index = make_numbered(&t, modes[m], 20, 700);
        for (size_t i = 0; i < 2 * (sizeof texts / sizeof *texts); i++) {
            const char *text = texts[i / 2];
            midge_filter *filter;
            size_t n_deleted;
            const uint64_t ids[] = {i, 320 + i, 640 + i};
            assert_int_equal(
                midge_filter_new(index, text, strlen(text), &filter, NULL),
                MIDGE_OK);
            midge_query q = ask(i % 2 ? 40 : 2, 1 + (uint32_t)i * 5);
            q.filter = the_filter = filter;
            check(index, &q, passes);
            midge_filter_free(filter);
            assert_int_equal(
                midge_index_delete(index, 3, ids, NULL, &n_deleted, NULL),
                MIDGE_OK);
        }
        free_all(&t, index);
    }
}

/* The cost is told, and is that of the rows that pass. */
static void the_work_is_counted(void **state) {
    static const char text[] = "n < 100";
    midge_neighbour found[3 * 5];
    uint32_t n_found[3];
    struct test_env t;
    midge_filter *filter;
    uint64_t id = 5;
    size_t n_deleted;
    midge_search_stats stats = {0, 0, 0, 0};
    (void)state;
    test_env_init(&t);
    fill(rows, 700 * 20, 17);
    midge_index *index = make_numbered(&t, modes[0], 20, 700);
    assert_int_equal(midge_index_delete(index, 1, &id, NULL, &n_deleted, NULL),
                     MIDGE_OK);
    midge_query q = ask(3, 5);
    assert_int_equal(mdg_exact_search(index, &q, found, n_found, &stats, NULL),
                     MIDGE_OK);
    assert_true(stats.distances == 3 * 699 && stats.selectivity == 1.0);
    assert_int_equal(
        midge_filter_new(index, text, sizeof text - 1, &filter, NULL),
        MIDGE_OK);
    q.filter = filter;
    assert_int_equal(mdg_exact_search(index, &q, found, n_found, &stats, NULL),
                     MIDGE_OK);
    const uint64_t passing = 100 - 14 - 1; /* without a number; deleted */
    assert_true(stats.distances == 3 * (699 + passing));
    assert_true(stats.selectivity == (double)passing / 699);
    assert_true(stats.exact_queries == 6);
    midge_filter_free(filter);
    free_all(&t, index);
}

static void within_a_radius(void **state) {
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        struct test_env t;
        test_env_init(&t);
        fill(rows, ROWS_MAX * 16, 7);
        fill(queries, QUERIES_MAX * 16, 8);
        midge_index *index = make(&t, modes[m], 16, 500);
        midge_query q = ask(60, 20);
        (void)by_sorting(index, queries, &q, keep_all);
        const float radii[] = {
            -1e30f, -1.0f, 0.0f,    want[3].distance, want[15].distance,
            1.0f,   3e38f, INFINITY};
        q.within = 1;
        for (size_t i = 0; i < sizeof radii / sizeof *radii; i++) {
            q.radius = radii[i];
            q.count = i % 2 ? 2 : 60;
            check(index, &q, keep_all);
        }
        free_all(&t, index);
    }
}

static void more_wanted_than_there_is(void **state) {
    struct test_env t;
    (void)state;
    test_env_init(&t);
    fill(queries, 400, 6);
    fill(rows, 400, 6);
    midge_index *index = make(&t, modes[0], 4, 0);
    midge_query q = ask(30, 10);
    check(index, &q, keep_all);
    midge_rows r = {3, rows, NULL, NULL, NULL};
    assert_int_equal(midge_index_add(index, &r, NULL, NULL), MIDGE_OK);
    check(index, &q, keep_all);
    q.count = 0;
    assert_int_equal(mdg_exact_search(index, &q, NULL, NULL, NULL, NULL),
                     MIDGE_OK);
    free_all(&t, index);
}

/* Directions that are equal or opposite, zero, and too long to be measured. */
static void cosine_at_its_ends(void **state) {
    midge_neighbour found[42];
    uint32_t n_found;
    struct test_env t;
    (void)state;
    test_env_init(&t);
    fill(rows, 40 * 7, 8);
    for (size_t i = 0; i < 7; i++) {
        rows[7 * 40 + i] = 0.0f;
        rows[7 * 41 + i] = 2e38f;
    }
    midge_index *index = make(&t, modes[1], 7, 42);
    for (size_t r = 0; r < 40; r++) {
        for (size_t i = 0; i < 7; i++) {
            queries[r * 7 + i] = rows[r * 7 + i] * (float)(1 + r % 9) * 0.37f;
        }
        midge_query one = {.count = 1, .vectors = queries + r * 7, .k = 42};
        assert_int_equal(
            mdg_exact_search(index, &one, found, &n_found, NULL, NULL),
            MIDGE_OK);
        assert_int_equal(n_found, 42);
        assert_int_equal(found[0].row, r);
        assert_true(found[0].distance < 1e-6f);
        for (size_t i = 0; i < 42; i++) {
            assert_true(found[i].distance >= 0.0f &&
                        found[i].distance <= 2.000001f);
            assert_true(found[i].row < 40 || found[i].distance == 1.0f);
        }
    }
    const float odd[2][7] = {{0}, {-2e38f, 2e38f, 1, 0, 0, 2e38f, -2e38f}};
    memcpy(queries + 40 * 7, odd, sizeof odd);
    midge_query q = ask(42, 42);
    check(index, &q, keep_all);
    q = (midge_query){.count = 2, .vectors = odd, .k = 42};
    check(index, &q, keep_all);
    free_all(&t, index);
}

/* Shares of odd sizes, the last first. `ctx` counts the loops. */
static void odd_shares(void *ctx, size_t count, size_t grain,
                       midge_range_fn body, void *arg) {
    size_t size = grain + (count - grain) / 7;
    for (size_t i = (count - 1) / size + 1; i-- > 0;) {
        size_t end = (i + 1) * size;
        body(arg, i * size, end < count ? end : count, i % 2);
    }
    ++*(int *)ctx;
}

/* Few queries and many, which are shared in two ways. */
static void the_same_from_any_threads(void **state) {
    (void)state;
    for (size_t m = 0; m < MODES; m += TEST_SHARE == 1 ? 1 : 3) {
        int n_loops = 0;
        struct test_env t;
        test_env_init(&t);
        fill(rows, ROWS_MAX * 80, 13);
        fill(queries, QUERIES_MAX * 80, 14);
        midge_index *index = make(&t, modes[m], 80, ROWS_MAX);
        t.env.workers = 2;
        t.env.parallel_fn = odd_shares;
        t.env.parallel_ctx = &n_loops;
        midge_query q = ask(300, 9);
        check(index, &q, keep_all);
        q = ask(20, 30);
        check(index, &q, keep_all);
        assert_int_equal(n_loops, 2); /* so much work is worth sharing */
        for (unsigned threads = 2; threads < 5; threads++) {
            midge_os_pool *pool = NULL;
            assert_int_equal(midge_os_pool_new(threads, &pool, NULL), MIDGE_OK);
            midge_os_pool_attach(pool, &t.env);
            q = ask(threads == 3 ? 300 : 30, 9);
            check(index, &q, keep_all);
            midge_os_pool_free(pool);
        }
        t.env.parallel_fn = NULL;
        free_all(&t, index);
    }
}

/* By any table of kernels: the same bits. */
static void the_same_from_any_kernels(void **state) {
    static midge_neighbour found[2][60 * 9];
    static uint32_t n_found[60];
    struct variants v = variants_here();
    (void)state;
    fill(rows, 700 * 37, 10);
    fill(queries, 60 * 37, 11);
    for (size_t m = 0; m < MODES; m++) {
        for (int i = 0; i < v.count; i++) {
            struct test_env t;
            test_env_init(&t);
            midge_index *index = make(&t, modes[m], 37, 700);
            midge_query q = ask(60, 9);
            index->kernels = v.table[i];
            index->rows.kernels = v.table[i];
            assert_int_equal(
                mdg_exact_search(index, &q, found[i > 0], n_found, NULL, NULL),
                MIDGE_OK);
            assert_memory_equal(found[i > 0], found[0], sizeof found[0]);
            free_all(&t, index);
        }
    }
}

static void every_allocation_may_fail(void **state) {
    static midge_neighbour found[60 * 5];
    static uint32_t n_found[60];
    int n_loops = 0;
    (void)state;
    fill(rows, 2000, 12);
    fill(queries, 2000, 13);
    for (unsigned workers = 1; workers < 3; workers++) {
        for (size_t count = 1; count < 60; count += 57) {
            struct test_env t;
            test_env_init(&t);
            midge_index *index = make(&t, modes[0], 3, 200);
            uint64_t id = 7;
            size_t n_deleted;
            assert_int_equal(
                midge_index_delete(index, 1, &id, NULL, &n_deleted, NULL),
                MIDGE_OK);
            const size_t held = t.held_bytes;
            const midge_query q = ask(count, 5);
            long n = 0;
            t.env.workers = workers;
            t.env.parallel_fn = odd_shares;
            t.env.parallel_ctx = &n_loops;
            midge_status s = MIDGE_E_NOMEM;
            while (s != MIDGE_OK) {
                t.calls = 0;
                t.fail_at = ++n;
                s = mdg_exact_search(index, &q, found, n_found, NULL, NULL);
                assert_true(s == MIDGE_OK || s == MIDGE_E_NOMEM);
                assert_int_equal(t.held_bytes, held);
            }
            assert_true(n > 3);
            free_all(&t, index);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_and_storage),
        cmocka_unit_test(distances_are_those_of_the_formulas),
        cmocka_unit_test(ties_and_the_ends_of_blocks),
        cmocka_unit_test(the_dead_are_not_found),
        cmocka_unit_test(rows_that_pass_a_filter),
        cmocka_unit_test(the_work_is_counted),
        cmocka_unit_test(within_a_radius),
        cmocka_unit_test(more_wanted_than_there_is),
        cmocka_unit_test(cosine_at_its_ends),
        cmocka_unit_test(the_same_from_any_threads),
        cmocka_unit_test(the_same_from_any_kernels),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
