/* searchers_test.c: several threads search one index at once, each with its own
 * searcher, and find what each finds alone: every kind of search, in memory and
 * in a file that was just opened, whose blocks are checked by whoever touches
 * them first. */
#include <pthread.h>

#include "image_support.h"
#include "midge/os.h"

enum { THREADS = 4, ROWS = 2000, DIM = 10, QUERIES = 40, K = 8, KINDS = 4 };

static const char filter_text[] = "year < 1980 and not draft = true";

static float queries[QUERIES * DIM];

/* What a thread has found; `good` when no call failed. */
struct seeker {
    const midge_index *index;
    const midge_filter *filter; /* one for all threads */
    midge_neighbour found[KINDS][QUERIES][K];
    size_t count[KINDS][QUERIES];
    uint64_t steps; /* of walks */
    int good;
    pthread_t thread;
};

/* A walk; all rows; what passes a filter, and what is near enough. */
static midge_query query_of(const struct seeker *s, int kind) {
    midge_query q = {.count = QUERIES,
                     .vectors = queries,
                     .k = K,
                     .ef = K,
                     .exact = kind == 1};
    if (kind == 2) {
        q.filter = s->filter;
    } else if (kind == 3) {
        q.within = 1;
        q.radius = 30000.0f;
    }
    return q;
}

static int seek_kind(struct seeker *s, midge_searcher *searcher, int kind) {
    const midge_query q = query_of(s, kind);
    if (midge_searcher_run(searcher, &q, NULL) != MIDGE_OK) {
        return 0;
    }
    for (size_t i = 0; i < QUERIES; i++) {
        size_t n;
        const midge_neighbour *found = midge_searcher_found(searcher, i, &n);
        if (n > K) {
            return 0;
        }
        s->count[kind][i] = n;
        for (size_t j = 0; j < n; j++) {
            s->found[kind][i][j] = found[j];
        }
    }
    s->steps += midge_searcher_stats(searcher).steps;
    return 1;
}

static void *seek(void *ctx) {
    struct seeker *s = ctx;
    midge_searcher *searcher = NULL;
    s->good = midge_searcher_new(s->index, &searcher, NULL) == MIDGE_OK;
    for (int kind = 0; s->good && kind < KINDS; kind++) {
        s->good = seek_kind(s, searcher, kind);
    }
    midge_searcher_free(searcher);
    return NULL;
}

static void same_for_all(const midge_index *index, const midge_filter *filter,
                         const struct seeker *alone) {
    static struct seeker s[THREADS];
    for (int i = 0; i < THREADS; i++) {
        memset(&s[i], 0, sizeof s[i]);
        s[i].index = index;
        s[i].filter = filter;
        assert_int_equal(pthread_create(&s[i].thread, NULL, seek, &s[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(s[i].thread, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_true(s[i].good);
        assert_memory_equal(s[i].count, alone->count, sizeof alone->count);
        assert_memory_equal(s[i].found, alone->found, sizeof alone->found);
    }
}

static midge_filter *filter_of(midge_index *index) {
    midge_filter *filter = NULL;
    assert_int_equal(midge_filter_new(index, filter_text,
                                      sizeof filter_text - 1, &filter, NULL),
                     MIDGE_OK);
    return filter;
}

static midge_index *make_index(const midge_env *env, midge_storage storage,
                               midge_walk walk) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    midge_index *index = NULL;
    static uint64_t ids[ROWS];
    for (uint64_t i = 0; i < ROWS; i++) {
        ids[i] = i;
    }
    o.dim = DIM;
    o.kind = MIDGE_INDEX_HNSW;
    o.metric = MIDGE_METRIC_L2SQ;
    o.storage = storage;
    o.walk = walk;
    o.m = 8;
    o.ef_construction = 30;
    assert_int_equal(midge_index_new(env, &o, &index, NULL), MIDGE_OK);
    assert_int_equal(maker_columns(index), MIDGE_OK);
    assert_int_equal(maker_put(env, index, ROWS, ids, 0, 1, NULL), MIDGE_OK);
    return index;
}

/* The blocks of a file are shared, too, where all of them are checked. */
static void verify(const midge_env *env, const struct image_bytes *file) {
    const midge_index_bytes bytes = {.data = file->data, .size = file->size};
    midge_index_report report;
    assert_int_equal(
        midge_index_image_verify(env, &bytes, NULL, NULL, &report, NULL),
        MIDGE_OK);
    assert_int_equal(report.rows, ROWS);
}

/* In memory, then in a file that is opened anew each time. The threads have one
 * pool, which serves one of their loops at a time. */
static void search_together(midge_storage storage, midge_walk walk) {
    static struct seeker alone;
    midge_env env = midge_os_env();
    midge_os_pool *pool = NULL;
    assert_int_equal(midge_os_pool_new(3, &pool, NULL), MIDGE_OK);
    midge_os_pool_attach(pool, &env);
    midge_index *index = make_index(&env, storage, walk);
    midge_filter *filter = filter_of(index);
    memset(&alone, 0, sizeof alone);
    alone.index = index;
    alone.filter = filter;
    seek(&alone);
    assert_true(alone.good && alone.steps > 0);
    assert_true(alone.count[2][0] > 0 && alone.count[3][0] > 0);
    same_for_all(index, filter, &alone);
    midge_filter_free(filter);
    struct image_bytes file = image_of(index, NULL);
    midge_index_free(index);
    verify(&env, &file);
    for (int round = 0; round < 5; round++) {
        index = image_open_well(&env, &file, 0);
        filter = filter_of(index);
        same_for_all(index, filter, &alone);
        midge_filter_free(filter);
        midge_index_free(index);
    }
    image_bytes_free(&file);
    midge_os_pool_free(pool);
}

static void threads_find_what_one_finds(void **state) {
    (void)state;
    for (size_t i = 0; i < QUERIES; i++) {
        maker_vector(70000 + i, DIM, 0, queries + i * DIM);
    }
    search_together(MIDGE_STORAGE_F32, MIDGE_WALK_ROWS);
    search_together(MIDGE_STORAGE_F16, MIDGE_WALK_INT8);
    search_together(MIDGE_STORAGE_INT8, MIDGE_WALK_ROWS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_find_what_one_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
