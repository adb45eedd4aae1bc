/* walk_choice_test.c: what a graph is walked by when nobody said. */
#include "image_support.h"

#include "base/rng.h"
#include "test_share.h"

enum { DIM = 64, ENOUGH = 1000 };

static midge_index_options options_of(midge_metric metric) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    o.dim = DIM;
    o.metric = metric;
    o.kind = MIDGE_INDEX_HNSW;
    o.m = 12;
    o.ef_construction = 40;
    return o;
}

static midge_index_info info_of(const midge_index *index) {
    midge_index_info info;
    midge_index_info_get(index, &info);
    return info;
}

static midge_walk walk_of(const midge_index *index) {
    return info_of(index).options.walk;
}

/* Rows whose numbers are in [away - 1, away + 1); those of axis 0 times
 * `stretch`. */
static float *make_rows(size_t count, float away, float stretch) {
    mdg_rng rng;
    float *x = malloc(count * DIM * sizeof *x);
    assert_non_null(x);
    mdg_rng_seed(&rng, 5);
    for (size_t i = 0; i < count * DIM; i++) {
        x[i] = away + (float)mdg_rng_below(&rng, 2000) / 1000.0f - 1.0f;
        x[i] *= i % DIM == 0 ? stretch : 1.0f;
    }
    return x;
}

static midge_index *start(const midge_env *env, const midge_index_options *o) {
    midge_index *index = NULL;
    midge_error err = {.text = ""};
    if (midge_index_new(env, o, &index, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return index;
}

static void add(midge_index *index, const float *x, size_t count) {
    const midge_rows rows = {.count = count, .vectors = x};
    assert_int_equal(midge_index_add(index, &rows, NULL, NULL), MIDGE_OK);
}

/* ---- Before there are rows ----------------------------------------------- */

static void options_without_a_choice(void **state) {
    (void)state;
    struct test_env t;
    static const struct {
        midge_metric metric;
        midge_index_kind kind;
        midge_storage storage;
        uint32_t dim;
        midge_walk walk;
    } cases[] = {
        {MIDGE_METRIC_COSINE, MIDGE_INDEX_AUTO, MIDGE_STORAGE_F32, DIM,
         MIDGE_WALK_AUTO},
        {MIDGE_METRIC_L2SQ, MIDGE_INDEX_HNSW, MIDGE_STORAGE_F16, DIM,
         MIDGE_WALK_AUTO},
        {MIDGE_METRIC_IP, MIDGE_INDEX_HNSW, MIDGE_STORAGE_F32, 65536,
         MIDGE_WALK_AUTO},
        {MIDGE_METRIC_L2SQ, MIDGE_INDEX_HNSW, MIDGE_STORAGE_F32, DIM - 1,
         MIDGE_WALK_ROWS},
        {MIDGE_METRIC_COSINE, MIDGE_INDEX_FLAT, MIDGE_STORAGE_F32, DIM,
         MIDGE_WALK_ROWS},
        {MIDGE_METRIC_L1, MIDGE_INDEX_HNSW, MIDGE_STORAGE_F32, DIM,
         MIDGE_WALK_ROWS},
        {MIDGE_METRIC_COSINE, MIDGE_INDEX_HNSW, MIDGE_STORAGE_INT8, DIM,
         MIDGE_WALK_ROWS},
        {MIDGE_METRIC_HAMMING, MIDGE_INDEX_HNSW, MIDGE_STORAGE_BINARY, DIM,
         MIDGE_WALK_ROWS},
    };
    test_env_init(&t);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        midge_index_options o = options_of(cases[i].metric);
        o.kind = cases[i].kind;
        o.storage = cases[i].storage;
        o.dim = cases[i].dim;
        midge_index *index = start(&t.env, &o);
        assert_int_equal(walk_of(index), cases[i].walk);
        midge_index_free(index);
    }
    assert_int_equal(t.held_bytes, 0);
}

/* ---- What is chosen ------------------------------------------------------ */

/* How many of the ten nearest a search finds, of all that it is asked for. */
static double recall(midge_index *index, const float *queries, size_t count,
                     uint32_t ef) {
    midge_searcher *s = NULL;
    midge_query q = {.count = count, .vectors = queries, .k = 10, .exact = 1};
    float *farthest = malloc(count * sizeof *farthest);
    size_t n, hits = 0;
    assert_int_equal(midge_searcher_new(index, &s, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_run(s, &q, NULL), MIDGE_OK);
    for (size_t i = 0; i < count; i++) {
        farthest[i] = midge_searcher_found(s, i, &n)[9].distance;
    }
    q.exact = 0;
    q.ef = ef;
    assert_int_equal(midge_searcher_run(s, &q, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_stats(s).exact_queries, 0);
    for (size_t i = 0; i < count; i++) {
        const midge_neighbour *found = midge_searcher_found(s, i, &n);
        for (size_t j = 0; j < n; j++) {
            hits += found[j].distance <= farthest[i];
        }
    }
    midge_searcher_free(s);
    free(farthest);
    return (double)hits / (10.0 * (double)count);
}

static void check_choice(midge_metric metric, midge_storage storage, float away,
                         float stretch, midge_walk expected) {
    enum { ROWS = TEST_SHARE > 1 ? 2500 : 4000 };
    struct test_env t;
    float *x = make_rows(ROWS + 50, away, stretch);
    midge_index_options o = options_of(metric);
    test_env_init(&t);
    o.storage = storage;
    midge_index *index = start(&t.env, &o);
    add(index, x, ROWS);
    midge_index_info info = info_of(index);
    assert_int_equal(info.options.walk, expected);
    assert_int_equal(info.walk_bytes,
                     expected == MIDGE_WALK_INT8 ? ROWS * (DIM + 8) : 0);
    double share =
        recall(index, x + (size_t)ROWS * DIM, 50, TEST_SHARE > 1 ? 60 : 100);
    if (share < 0.85) {
        fail_msg("metric %d storage %d away %g: recall %.3f", (int)metric,
                 (int)storage, (double)away, share);
    }
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
    free(x);
}

static void copies_that_tell_rows_apart(void **state) {
    (void)state;
    check_choice(MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32, 0, 1, MIDGE_WALK_INT8);
    check_choice(MIDGE_METRIC_COSINE, MIDGE_STORAGE_F16, 1, 1, MIDGE_WALK_INT8);
    check_choice(MIDGE_METRIC_IP, MIDGE_STORAGE_F32, 0, 1, MIDGE_WALK_INT8);
}

static void copies_that_do_not(void **state) {
    (void)state;
    check_choice(MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32, 500, 1, MIDGE_WALK_ROWS);
    check_choice(MIDGE_METRIC_COSINE, MIDGE_STORAGE_F32, 0, 1000,
                 MIDGE_WALK_ROWS);
}

/* All rows the same: whatever is said of them is right. */
static void equal_rows(void **state) {
    (void)state;
    struct test_env t;
    float *x = calloc(2 * ENOUGH, DIM * sizeof *x);
    midge_index_options o = options_of(MIDGE_METRIC_COSINE);
    test_env_init(&t);
    midge_index *index = start(&t.env, &o);
    add(index, x, 2 * ENOUGH);
    assert_int_equal(walk_of(index), MIDGE_WALK_INT8);
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
    free(x);
}

/* ---- When ---------------------------------------------------------------- */

/* Copies made late are those that would have been made at once. */
static void as_rows_come(void **state) {
    (void)state;
    struct test_env t;
    float *x = make_rows(ENOUGH + 20, 0, 1);
    midge_index_options o = options_of(MIDGE_METRIC_L2SQ);
    test_env_init(&t);
    midge_index *index = start(&t.env, &o);
    o.walk = MIDGE_WALK_INT8;
    midge_index *said = start(&t.env, &o);
    add(index, x, ENOUGH - 1);
    assert_int_equal(walk_of(index), MIDGE_WALK_AUTO);
    assert_true(info_of(index).has_graph);
    assert_int_equal(info_of(index).walk_bytes, 0);
    for (size_t i = ENOUGH - 1; i < ENOUGH + 20; i++) {
        add(index, x + i * DIM, 1);
        assert_int_equal(walk_of(index), MIDGE_WALK_INT8);
    }
    add(said, x, ENOUGH + 20);
    for (uint64_t id = 0; id < ENOUGH + 20; id++) {
        assert_memory_equal(
            mdg_record(&index->codes, midge_index_find(index, id)),
            mdg_record(&said->codes, midge_index_find(said, id)),
            said->codes.row_bytes);
    }
    assert_true(recall(index, x, 30, 24) > 0.8);
    midge_index_free(index);
    midge_index_free(said);
    assert_int_equal(t.held_bytes, 0);
    free(x);
}

/* What was chosen is in the file; that it was is a change that no frame has. */
static void in_a_file(void **state) {
    (void)state;
    struct test_env t;
    midge_index_written written;
    float *x = make_rows(ENOUGH + 20, 0, 1);
    const midge_index_options o = options_of(MIDGE_METRIC_L2SQ);
    test_env_init(&t);
    midge_index *index = start(&t.env, &o);
    add(index, x, ENOUGH - 10);
    struct image_bytes file = image_of(index, &written);
    midge_index_free(index);

    index = image_open_well(&t.env, &file, 1);
    assert_int_equal(walk_of(index), MIDGE_WALK_AUTO);
    add(index, x + (size_t)(ENOUGH - 10) * DIM, 5);
    assert_true(midge_index_changes_bytes(index) < UINT64_MAX);
    add(index, x + (size_t)(ENOUGH - 5) * DIM, 15);
    assert_int_equal(walk_of(index), MIDGE_WALK_INT8);
    assert_true(midge_index_changes_bytes(index) == UINT64_MAX);
    struct image_bytes next = image_of(index, &written);
    midge_index_free(index);

    index = image_open_well(&t.env, &next, 1);
    assert_int_equal(walk_of(index), MIDGE_WALK_INT8);
    add(index, x + (size_t)(ENOUGH + 10) * DIM, 10);
    assert_true(midge_index_changes_bytes(index) < UINT64_MAX);
    assert_true(recall(index, x, 30, 24) > 0.8);
    midge_index_free(index);
    image_bytes_free(&file);
    image_bytes_free(&next);
    assert_int_equal(t.held_bytes, 0);
    free(x);
}

/* Every allocation of the addition that chooses fails once. */
static void without_memory(void **state) {
    (void)state;
    struct test_env t;
    float *x = make_rows(ENOUGH, 0, 1);
    midge_index_options o = options_of(MIDGE_METRIC_COSINE);
    const midge_rows last = {.count = 1, .vectors = x};
    o.m = 2;
    o.ef_construction = 4;
    test_env_init(&t);
    for (long n = 1, ended = 0; !ended; n++) {
        midge_index *index = start(&t.env, &o);
        add(index, x, ENOUGH - 1);
        t.calls = 0;
        t.fail_at = n;
        midge_status status = midge_index_add(index, &last, NULL, NULL);
        ended = t.calls < n;
        t.fail_at = 0;
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        assert_int_equal(info_of(index).count,
                         status == MIDGE_OK ? ENOUGH : ENOUGH - 1);
        assert_true((walk_of(index) == MIDGE_WALK_INT8) ==
                    (index->codes.data != NULL));
        assert_int_equal(midge_index_add(index, &last, NULL, NULL), MIDGE_OK);
        assert_int_equal(walk_of(index), MIDGE_WALK_INT8);
        midge_index_free(index);
        assert_int_equal(t.held_bytes, 0);
    }
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_without_a_choice),
        cmocka_unit_test(copies_that_tell_rows_apart),
        cmocka_unit_test(copies_that_do_not),
        cmocka_unit_test(equal_rows),
        cmocka_unit_test(as_rows_come),
        cmocka_unit_test(in_a_file),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
