/* tune_test.c: the ef that is found reaches the recall, the one before it does
 * not, and both are as a count by hand has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "index/index_internal.h"
#include "test_env.h"
#include "test_share.h"

enum {
    DIM = 24,
    ROWS = TEST_SHARE == 1 ? 5000 : 2500,
    ROWS_ASKED = TEST_SHARE == 1 ? 2000 : 800,
    SAMPLE = 120,
    K = 10
};

static float rows[ROWS * DIM];
static float queries[SAMPLE * DIM];

static void fill(float *x, size_t count, uint64_t seed) {
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        x[i] = mdg_rng_normal(&rng);
    }
}

/* A graph with few links, so that ef matters. */
static midge_index *make(struct test_env *t, size_t n, midge_metric metric,
                         midge_storage storage) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    midge_index *index;
    o.dim = DIM;
    o.metric = metric;
    o.storage = storage;
    o.kind = MIDGE_INDEX_HNSW;
    o.m = 4;
    o.ef_construction = 20;
    o.seed = 3;
    assert_int_equal(midge_index_new(&t->env, &o, &index, NULL), MIDGE_OK);
    const midge_rows r = {n, rows, NULL, NULL, NULL};
    assert_int_equal(midge_index_add(index, &r, NULL, NULL), MIDGE_OK);
    return index;
}

/* Recall by distance, of the queries or (asked with k + 1) of rows. */
static double recall_by_hand(const midge_index *index, uint32_t ef) {
    midge_searcher *s[2];
    size_t good = 0, all = 0;
    for (int exact = 0; exact < 2; exact++) {
        const midge_query q = {.count = SAMPLE,
                               .vectors = queries,
                               .k = K,
                               .ef = ef,
                               .exact = exact};
        assert_int_equal(midge_searcher_new(index, &s[exact], NULL), MIDGE_OK);
        assert_int_equal(midge_searcher_run(s[exact], &q, NULL), MIDGE_OK);
    }
    for (size_t i = 0; i < SAMPLE; i++) {
        size_t count, n_truth;
        const midge_neighbour *found = midge_searcher_found(s[0], i, &count);
        const midge_neighbour *truth = midge_searcher_found(s[1], i, &n_truth);
        all += n_truth;
        for (size_t j = 0; j < count; j++) {
            good += found[j].distance <= truth[n_truth - 1].distance;
        }
    }
    midge_searcher_free(s[0]);
    midge_searcher_free(s[1]);
    return (double)good / (double)all;
}

static void the_smallest_ef_that_is_enough(void **state) {
    static const double wanted[] = {0.5, 0.9, 0.97, 1.0};
    struct test_env t;
    uint32_t before = 0;
    (void)state;
    test_env_init(&t);
    fill(rows, ROWS * DIM, 1);
    fill(queries, SAMPLE * DIM, 2);
    midge_index *index = make(&t, ROWS, MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32);
    for (size_t i = 0; i < 4; i++) {
        midge_tune_report report;
        assert_int_equal(midge_index_tune(index, wanted[i], K, SAMPLE, queries,
                                          &report, NULL),
                         MIDGE_OK);
        assert_int_equal(report.sample, SAMPLE);
        assert_int_equal(report.k, K);
        assert_int_equal(index->options.ef, report.ef);
        assert_true(report.recall >= wanted[i]);
        assert_true(report.recall == recall_by_hand(index, report.ef));
        assert_true(report.ef == K ||
                    recall_by_hand(index, report.ef - 1) < wanted[i]);
        assert_true(report.ef >= before);
        before = report.ef;
    }
    assert_true(before > 2 * K); /* the graph was not too good for this */
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
}

/* Each row is asked for its neighbours but itself: with rows that all have a
 * twin, and with distances that do not put a row nearest to itself. */
static void rows_of_the_index_are_the_sample(void **state) {
    static const midge_metric metrics[] = {
        MIDGE_METRIC_L2SQ, MIDGE_METRIC_COSINE, MIDGE_METRIC_IP};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct test_env t;
        midge_tune_report a, b;
        uint64_t id = 17;
        size_t n_deleted;
        test_env_init(&t);
        fill(rows, ROWS * DIM, 4);
        for (size_t row = 1; row < ROWS_ASKED; row += 2) {
            memcpy(rows + row * DIM, rows + (row - 1) * DIM,
                   DIM * sizeof(float));
        }
        midge_index *index =
            make(&t, ROWS_ASKED, metrics[i], MIDGE_STORAGE_INT8);
        assert_int_equal(
            midge_index_delete(index, 1, &id, NULL, &n_deleted, NULL),
            MIDGE_OK);
        assert_int_equal(
            midge_index_tune(index, 0.9, K, SAMPLE, NULL, &a, NULL), MIDGE_OK);
        assert_true(a.recall >= 0.9 && a.recall <= 1.0);
        assert_int_equal(
            midge_index_tune(index, 0.9, K, SAMPLE, NULL, &b, NULL), MIDGE_OK);
        assert_true(a.ef == b.ef && a.recall == b.recall); /* the same rows */
        assert_int_equal(
            midge_index_tune(index, 0.9, 1, SIZE_MAX, NULL, &a, NULL),
            MIDGE_OK);
        assert_int_equal(a.sample, ROWS_ASKED - 1);
        midge_index_free(index);
        assert_int_equal(t.held_bytes, 0);
    }
}

static void fewer_rows_than_neighbours(void **state) {
    struct test_env t;
    midge_tune_report report;
    (void)state;
    test_env_init(&t);
    fill(rows, 3 * DIM, 5);
    midge_index *index = make(&t, 3, MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32);
    assert_int_equal(midge_index_tune(index, 1.0, K, 9, NULL, &report, NULL),
                     MIDGE_OK);
    assert_int_equal(report.sample, 3);
    assert_true(report.recall == 1.0);
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
}

static void what_is_refused(void **state) {
    struct test_env t;
    midge_tune_report report;
    (void)state;
    test_env_init(&t);
    midge_index *index = make(&t, 0, MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32);
    assert_int_equal(midge_index_tune(index, 0.9, K, 9, NULL, &report, NULL),
                     MIDGE_E_STATE);
    const double bad[] = {0.0, -1.0, 1.01, __builtin_nan("")};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(
            midge_index_tune(index, bad[i], K, 9, NULL, &report, NULL),
            MIDGE_E_INVALID);
    }
    assert_int_equal(midge_index_tune(index, 0.9, 0, 9, NULL, &report, NULL),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_index_tune(index, 0.9, K, 0, NULL, &report, NULL),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_index_tune(NULL, 0.9, K, 9, NULL, NULL, NULL),
                     MIDGE_E_INVALID);
    fill(rows, 300 * DIM, 6);
    const midge_rows r = {300, rows, NULL, NULL, NULL};
    assert_int_equal(midge_index_add(index, &r, NULL, NULL), MIDGE_OK);
    float q[DIM] = {__builtin_inff()};
    assert_int_equal(midge_index_tune(index, 0.9, K, 1, q, NULL, NULL),
                     MIDGE_E_INVALID);
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
}

static void every_allocation_may_fail(void **state) {
    struct test_env t;
    (void)state;
    test_env_init(&t);
    fill(rows, 300 * DIM, 7);
    midge_index *index = make(&t, 300, MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32);
    const size_t held = t.held_bytes;
    midge_status s = MIDGE_E_NOMEM;
    long n = 0;
    index->options.ef = 7;
    while (s != MIDGE_OK) {
        t.calls = 0;
        t.fail_at = ++n;
        s = midge_index_tune(index, 0.5, 3, 20, NULL, NULL, NULL);
        assert_true(s == MIDGE_OK || s == MIDGE_E_NOMEM);
        assert_int_equal(t.held_bytes, held);
        assert_true(s == MIDGE_OK || index->options.ef == 7);
    }
    assert_true(n > 8);
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_ef_that_is_enough),
        cmocka_unit_test(rows_of_the_index_are_the_sample),
        cmocka_unit_test(fewer_rows_than_neighbours),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
