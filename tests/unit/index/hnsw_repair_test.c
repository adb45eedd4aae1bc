/* hnsw_repair_test.c: a graph after rows were deleted, and put back. */
#include "hnsw_support.h"

static void delete_rows(midge_index *index, size_t first, size_t step,
                        size_t end) {
    for (uint64_t id = first; id < end; id += step) {
        size_t gone;
        assert_int_equal(midge_index_delete(index, 1, &id, NULL, &gone, NULL),
                         MIDGE_OK);
        assert_int_equal(gone, 1);
    }
}

static void is_repaired(midge_index *index) {
    assert_int_equal(mdg_hnsw_repair(index, NULL), MIDGE_OK);
    assert_int_equal(mdg_index_collect_free(index), MIDGE_OK);
    check_links(index, 1);
    assert_int_equal(count_reached(index), index->n_rows - index->n_dead);
}

/* Of the last rows of x, as queries. */
typedef struct trial {
    midge_index_options o;
    char *x;
    size_t n, n_queries;
} trial;

static double recall_now(const trial *t, const midge_index *index) {
    return recall_of(index, t->x + t->n * vector_bytes(&t->o), t->n_queries, 10,
                     40);
}

static double fresh_recall(const trial *t, const midge_env *env) {
    midge_index *index = index_new(env, &t->o);
    add_rows(index, t->x, 0, t->n);
    double recall = recall_now(t, index);
    midge_index_free(index);
    return recall;
}

/* Half of the rows go and come back, one by one. */
static double changed_recall(const trial *t, const midge_env *env) {
    midge_index *index = index_new(env, &t->o);
    add_rows(index, t->x, 0, t->n);
    delete_rows(index, 0, 2, t->n);
    is_repaired(index);
    for (size_t id = 0; id < t->n; id += 2) {
        add_rows(index, t->x, id, 1);
    }
    check_links(index, 1);
    assert_int_equal(index->n_rows - index->n_dead, t->n);
    double recall = recall_now(t, index);
    midge_index_free(index);
    return recall;
}

static void half_deleted_and_put_back(void **state) {
    (void)state;
    static const midge_metric metrics[] = {MIDGE_METRIC_L2SQ,
                                           MIDGE_METRIC_COSINE, MIDGE_METRIC_IP,
                                           MIDGE_METRIC_HAMMING};
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        struct test_env env;
        test_env_init(&env);
        env.env.cpu = midge_os_env().cpu;
        const uint32_t dim = metrics[i] == MIDGE_METRIC_HAMMING ? 128 : 16;
        trial t = {options_of(dim, metrics[i]), NULL,
                   TEST_SHARE == 1 ? 5000 : 1800, 300 / TEST_SHARE};
        t.x = metrics[i] == MIDGE_METRIC_HAMMING
                  ? bits_new(t.n + t.n_queries, dim, 9)
                  : (char *)data_new(DATA_NORMAL, t.n + t.n_queries, dim, 9);
        double fresh = fresh_recall(&t, &env.env);
        double changed = changed_recall(&t, &env.env);
        if (changed < fresh - 0.005) {
            print_error("metric %d: fresh %g, changed %g\n", metrics[i], fresh,
                        changed);
        }
        assert_true(changed >= fresh - 0.005);
        assert_int_equal(env.held_bytes, 0);
        free(t.x);
    }
}

/* A fifth of the rows at a time, for many rounds. */
static void many_rounds(void **state) {
    (void)state;
    struct test_env env;
    test_env_init(&env);
    env.env.cpu = midge_os_env().cpu;
    trial t = {options_of(16, MIDGE_METRIC_L2SQ), NULL,
               TEST_SHARE == 1 ? 4000 : 1800, 300 / TEST_SHARE};
    t.x = (char *)data_new(DATA_CLUSTERS, t.n + t.n_queries, 16, 21);
    double fresh = fresh_recall(&t, &env.env);
    midge_index *index = index_new(&env.env, &t.o);
    add_rows(index, t.x, 0, t.n);
    for (size_t round = 0; round < (TEST_SHARE == 1 ? 20 : 3); round++) {
        delete_rows(index, round % 5, 5, t.n);
        for (size_t id = round % 5; id < t.n; id += 5) {
            add_rows(index, t.x, id, 1);
        }
        check_links(index, 0);
    }
    is_repaired(index);
    assert_int_equal(index->n_rows - index->n_dead, t.n);
    double changed = recall_now(&t, index);
    if (changed < fresh - 0.005) {
        print_error("fresh %g, changed %g\n", fresh, changed);
    }
    assert_true(changed >= fresh - 0.005);
    /* Places are used again. */
    assert_true(index->n_rows < t.n + t.n / 2);
    assert_true(index->graph.upper[0].count < t.n / 8);
    midge_index_free(index);
    assert_int_equal(env.held_bytes, 0);
    free(t.x);
}

/* From some to none. */
static void until_none_is_left(void **state) {
    (void)state;
    for (int shape = DATA_NORMAL; shape <= DATA_LENGTHS; shape++) {
        struct test_env env;
        test_env_init(&env);
        const size_t n = 600;
        float *x = data_new((data_shape)shape, n, 8, 2);
        midge_index_options o = options_of(8, MIDGE_METRIC_L2SQ);
        o.m = 4;
        o.ef_construction = 16;
        midge_index *index = index_new(&env.env, &o);
        add_rows(index, x, 0, n);
        for (size_t step = 0; step < 6; step++) {
            for (uint64_t id = step; id < n; id += 6) {
                size_t gone;
                assert_int_equal(
                    midge_index_delete(index, 1, &id, NULL, &gone, NULL),
                    MIDGE_OK);
            }
            is_repaired(index);
        }
        assert_int_equal(index->graph.entry, MDG_NO_NODE);
        assert_int_equal(index->graph.n_levels, 0);
        (void)recall_of(index, x, 3, 4, 8);
        add_rows(index, x, 0, n);
        is_repaired(index);
        midge_index_free(index);
        assert_int_equal(env.held_bytes, 0);
        free(x);
    }
}

/* Clusters that die as a whole leave no hole that the others are cut off by. */
static void a_cluster_dies(void **state) {
    (void)state;
    struct test_env env;
    test_env_init(&env);
    const size_t n = 2000;
    trial t = {options_of(12, MIDGE_METRIC_L2SQ), NULL, n, 0};
    t.x = (char *)data_new(DATA_CLUSTERS, n, 12, 33);
    midge_index *index = index_new(&env.env, &t.o);
    add_rows(index, t.x, 0, n);
    for (size_t cluster = 0; cluster < 16; cluster += 2) {
        delete_rows(index, cluster * n / 16, 1, (cluster + 1) * n / 16);
    }
    is_repaired(index);
    double recall =
        recall_of(index, t.x + n / 16 * 12 * sizeof(float), 125, 10, 20);
    assert_true(recall > 0.97);
    midge_index_free(index);
    assert_int_equal(env.held_bytes, 0);
    free(t.x);
}

static void compaction_keeps_all(void **state) {
    (void)state;
    struct test_env env;
    test_env_init(&env);
    const size_t n = 3000;
    float *x = data_new(DATA_NORMAL, n + 50, 10, 5);
    midge_index_options o = options_of(10, MIDGE_METRIC_COSINE);
    midge_index *index = index_new(&env.env, &o);
    add_rows(index, x, 0, n);
    delete_rows(index, 1, 3, n);
    assert_int_equal(midge_index_compact(index, NULL), MIDGE_OK);
    assert_int_equal(index->n_dead, 0);
    assert_int_equal(index->n_rows, n - n / 3);
    check_links(index, 1);
    assert_int_equal(count_reached(index), index->n_rows);
    for (size_t id = 0; id < n; id++) {
        uint32_t row = midge_index_find(index, id);
        float back[10];
        assert_int_equal(row == MIDGE_INDEX_NO_ROW, id % 3 == 1);
        if (row != MIDGE_INDEX_NO_ROW) {
            assert_int_equal(midge_index_vector(index, row, back, NULL),
                             MIDGE_OK);
            assert_memory_equal(back, x + id * 10, sizeof back);
        }
    }
    assert_true(recall_of(index, x + n * 10, 50, 10, 40) > 0.97);
    midge_index_free(index);
    assert_int_equal(env.held_bytes, 0);
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_deleted_and_put_back),
        cmocka_unit_test(many_rounds),
        cmocka_unit_test(until_none_is_left),
        cmocka_unit_test(a_cluster_dies),
        cmocka_unit_test(compaction_keeps_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
