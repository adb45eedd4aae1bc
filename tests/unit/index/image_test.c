/* image_test.c: an index as bytes and back: everything is there again, for
 * every metric, storage, walk and kind of ids, with and without a graph. */
#include "image_support.h"
#include "midge/os.h"

struct mode {
    midge_metric metric;
    midge_storage storage;
    midge_walk walk;
    midge_index_kind kind;
    midge_id_type id_type;
    uint32_t dim;
};

#define M(metric, storage, walk, kind, id, dim)                                \
    {MIDGE_METRIC_##metric, MIDGE_STORAGE_##storage, MIDGE_WALK_##walk,        \
     MIDGE_INDEX_##kind,    MIDGE_ID_##id,           dim}

static const struct mode modes[] = {
    M(COSINE, F32, ROWS, FLAT, U64, 17),
    M(L2SQ, F32, ROWS, HNSW, U64, 16),
    M(IP, F32, ROWS, HNSW, TEXT, 33),
    M(L1, F32, ROWS, HNSW, U64, 7),
    M(COSINE, F16, ROWS, HNSW, U64, 20),
    M(L2SQ, F16, ROWS, FLAT, TEXT, 9),
    M(COSINE, INT8, ROWS, HNSW, TEXT, 31),
    M(IP, INT8, ROWS, FLAT, U64, 64),
    M(L2SQ, F32, INT8, HNSW, U64, 48),
    M(COSINE, F32, INT8, HNSW, TEXT, 50),
    M(IP, F16, INT8, HNSW, U64, 24),
    M(HAMMING, BINARY, ROWS, HNSW, U64, 100),
    M(HAMMING, BINARY, ROWS, FLAT, TEXT, 64),
};
enum { MODES = sizeof modes / sizeof *modes };

static midge_index_options options_of(const struct mode *mode) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    o.dim = mode->dim;
    o.metric = mode->metric;
    o.storage = mode->storage;
    o.walk = mode->walk;
    o.kind = mode->kind;
    o.id_type = mode->id_type;
    o.m = 5;
    o.ef_construction = 40;
    o.ef = 33;
    o.seed = 99;
    return o;
}

static midge_index *make(const midge_env *env, const midge_index_options *o,
                         uint64_t n) {
    midge_index *index = NULL;
    midge_error err = {.text = ""};
    uint64_t *ids = malloc((n + 1) * sizeof *ids);
    for (uint64_t i = 0; i < n; i++) {
        ids[i] = i * 3 + 5;
    }
    assert_int_equal(midge_index_new(env, o, &index, &err), MIDGE_OK);
    assert_int_equal(maker_columns(index), MIDGE_OK);
    if (n > 0 && maker_put(env, index, n, ids, 0, 1, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    free(ids);
    return index;
}

static void delete_some(midge_index *index, uint64_t n) {
    for (uint64_t i = 0; i < n; i += 9) {
        uint64_t id = i * 3 + 5;
        size_t gone;
        assert_int_equal(maker_delete(index, 1, &id, &gone, NULL), MIDGE_OK);
        assert_int_equal(gone, 1);
    }
}

static void everything_comes_back(void **state) {
    (void)state;
    for (size_t i = 0; i < MODES; i++) {
        for (uint64_t n = 0; n <= 500; n = n * 5 + 20) {
            struct test_env t;
            test_env_init(&t);
            midge_index_options o = options_of(&modes[i]);
            midge_index *index = make(&t.env, &o, n);
            delete_some(index, n);
            midge_index_written written;
            struct image_bytes file = image_of(index, &written);
            assert_int_equal(written.length, file.size);
            midge_index *again = image_open_well(&t.env, &file, 0);
            same_index(index, again, &t.env);
            struct image_bytes twice = image_of(again, NULL);
            assert_int_equal(twice.size, file.size);
            assert_memory_equal(twice.data + MIDGE_INDEX_HEAD_BYTES,
                                file.data + MIDGE_INDEX_HEAD_BYTES,
                                file.size - MIDGE_INDEX_HEAD_BYTES);
            midge_index_free(again);
            midge_index_free(index);
            assert_int_equal(t.held_bytes, 0);
            image_bytes_free(&file);
            image_bytes_free(&twice);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
