/* image_frame_test.c: changes committed as frames: after every commit the file
 * opens as the index that is in memory, whatever was added, replaced, deleted
 * and repaired in between. */
#include "image_support.h"

enum { STEPS = 40, IDS = 700 };

struct history {
    struct test_env t;
    midge_index *index;
    struct image_bytes file;
    uint64_t seed;
    uint32_t version;
    unsigned images, frames;
};

static uint32_t draw(struct history *h, uint32_t below) {
    h->seed = maker_mix(h->seed);
    return (uint32_t)(h->seed >> 20) % below;
}

static void change(struct history *h) {
    uint64_t ids[60];
    midge_error err = {.text = ""};
    size_t count = 1 + draw(h, 60);
    size_t n;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t id = draw(h, IDS);
        int seen = 0;
        for (size_t k = 0; k < used; k++) {
            seen |= ids[k] == id;
        }
        if (!seen) {
            ids[used++] = id;
        }
    }
    h->version++;
    midge_status status = draw(h, 3) == 0
                              ? maker_delete(h->index, used, ids, &n, &err)
                              : maker_put(&h->t.env, h->index, used, ids,
                                          h->version, draw(h, 4) != 0, &err);
    if (status != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
}

static void new_image(struct history *h) {
    midge_index_written written;
    image_bytes_free(&h->file);
    h->file = image_of(h->index, &written);
    assert_int_equal(midge_index_track(h->index, &written, NULL), MIDGE_OK);
    assert_false(midge_index_changed(h->index));
    h->images++;
}

static void commit(struct history *h) {
    if (!midge_index_changed(h->index)) {
        return;
    }
    if (midge_index_changes_bytes(h->index) == UINT64_MAX) {
        new_image(h);
        return;
    }
    image_commit(h->index, &h->file, &h->t.env);
    h->frames++;
}

/* The file opens as what is in memory, and again from the opened one. */
static void check(struct history *h) {
    struct image_bytes copy = image_bytes_copy(&h->file);
    midge_index *again = image_open_well(&h->t.env, &copy, 0);
    same_index(h->index, again, &h->t.env);
    midge_index_free(again);
    image_bytes_free(&copy);
    copy = image_bytes_copy(&h->file);
    midge_index_report report;
    midge_error err = {.text = ""};
    const midge_index_bytes bytes = {.data = copy.data, .size = copy.size};
    if (midge_index_image_verify(&h->t.env, &bytes, NULL, NULL, &report,
                                 &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(report.damaged_blocks, 0);
    image_bytes_free(&copy);
}

/* Goes on with the index that the file holds. */
static void reopen(struct history *h, struct image_bytes *under) {
    midge_index_free(h->index);
    image_bytes_free(under);
    *under = image_bytes_copy(&h->file);
    h->index = image_open_well(&h->t.env, under, 1);
}

static void live(const midge_index_options *o, uint64_t seed) {
    struct history h = {.seed = seed};
    struct image_bytes under = {0};
    test_env_init(&h.t);
    assert_int_equal(midge_index_new(&h.t.env, o, &h.index, NULL), MIDGE_OK);
    assert_int_equal(maker_columns(h.index), MIDGE_OK);
    new_image(&h);
    for (unsigned step = 0; step < STEPS; step++) {
        change(&h);
        if (draw(&h, 3) != 0) {
            commit(&h);
            check(&h);
        }
        if (draw(&h, 5) == 0) {
            commit(&h);
            reopen(&h, &under);
        }
        if (draw(&h, 17) == 0) {
            assert_int_equal(midge_index_compact(h.index, NULL), MIDGE_OK);
        }
    }
    commit(&h);
    check(&h);
    assert_true(h.frames > STEPS / 4);
    midge_index_free(h.index);
    assert_int_equal(h.t.held_bytes, 0);
    image_bytes_free(&h.file);
    image_bytes_free(&under);
}

static midge_index_options options(midge_metric metric, midge_storage storage,
                                   midge_walk walk, midge_index_kind kind,
                                   midge_id_type id_type) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    o.dim = 12;
    o.metric = metric;
    o.storage = storage;
    o.walk = walk;
    o.kind = kind;
    o.id_type = id_type;
    o.m = 4;
    o.ef_construction = 30;
    return o;
}

static void flat(void **state) {
    (void)state;
    midge_index_options o =
        options(MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32, MIDGE_WALK_ROWS,
                MIDGE_INDEX_FLAT, MIDGE_ID_U64);
    live(&o, 1);
    o.id_type = MIDGE_ID_TEXT;
    live(&o, 2);
    o.storage = MIDGE_STORAGE_INT8;
    live(&o, 3);
}

static void graph(void **state) {
    (void)state;
    midge_index_options o =
        options(MIDGE_METRIC_COSINE, MIDGE_STORAGE_F32, MIDGE_WALK_ROWS,
                MIDGE_INDEX_HNSW, MIDGE_ID_U64);
    live(&o, 4);
    o.id_type = MIDGE_ID_TEXT;
    o.metric = MIDGE_METRIC_IP;
    live(&o, 5);
    o.walk = MIDGE_WALK_INT8;
    live(&o, 6);
}

static void bits(void **state) {
    (void)state;
    midge_index_options o =
        options(MIDGE_METRIC_HAMMING, MIDGE_STORAGE_BINARY, MIDGE_WALK_ROWS,
                MIDGE_INDEX_HNSW, MIDGE_ID_U64);
    live(&o, 7);
}

/* Ids that are given nobody's numbers first, then numbers. */
static void ids_that_become_numbers(void **state) {
    (void)state;
    midge_index_options o =
        options(MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32, MIDGE_WALK_ROWS,
                MIDGE_INDEX_FLAT, MIDGE_ID_U64);
    struct history h = {.seed = 8};
    test_env_init(&h.t);
    assert_int_equal(midge_index_new(&h.t.env, &o, &h.index, NULL), MIDGE_OK);
    new_image(&h);
    float x[12 * 5] = {1, 2, 3};
    midge_rows rows = {.count = 5, .vectors = x};
    const uint64_t ids[] = {77, 5000000000u, 78, 90, 91};
    for (int i = 0; i < 4; i++) {
        rows.ids = i == 2 ? ids : NULL;
        assert_int_equal(midge_index_add(h.index, &rows, NULL, NULL), MIDGE_OK);
        commit(&h);
        check(&h);
    }
    assert_int_equal(h.frames, 4);
    midge_index_free(h.index);
    image_bytes_free(&h.file);
}

/* What stands in the state alone; and without memory to note a commit the next
 * one is an image. */
static void the_state_alone(void **state) {
    (void)state;
    midge_index_options o =
        options(MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32, MIDGE_WALK_ROWS,
                MIDGE_INDEX_HNSW, MIDGE_ID_U64);
    struct history h = {.seed = 9};
    test_env_init(&h.t);
    assert_int_equal(midge_index_new(&h.t.env, &o, &h.index, NULL), MIDGE_OK);
    assert_int_equal(maker_columns(h.index), MIDGE_OK);
    while (!h.index->has_graph) {
        change(&h);
    }
    new_image(&h);
    h.index->options.ef = 77; /* as midge_index_tune does */
    assert_true(midge_index_changed(h.index));
    commit(&h);
    check(&h);
    assert_int_equal(h.frames, 1);

    for (int i = 0; i < 60; i++) { /* until there are more levels to copy */
        change(&h);
    }
    midge_buf frame;
    midge_index_commit c;
    midge_buf_init(&frame, &h.t.env, 0);
    assert_int_equal(midge_index_changes_write(h.index, &frame, &c, NULL),
                     MIDGE_OK);
    midge_buf_deinit(&frame);
    h.t.fail_at = h.t.calls + 1;
    midge_index_changes_done(h.index, &c);
    h.t.fail_at = 0;
    assert_true(midge_index_changed(h.index));
    assert_true(midge_index_changes_bytes(h.index) == UINT64_MAX);
    assert_int_equal(midge_index_changes_write(h.index, &frame, &c, NULL),
                     MIDGE_E_STATE);
    commit(&h);
    check(&h);
    assert_int_equal(h.frames, 1);
    midge_index_free(h.index);
    assert_int_equal(h.t.held_bytes, 0);
    image_bytes_free(&h.file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat),
        cmocka_unit_test(graph),
        cmocka_unit_test(bits),
        cmocka_unit_test(ids_that_become_numbers),
        cmocka_unit_test(the_state_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
