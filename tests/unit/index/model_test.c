/* model_test.c: a whole index against a plain array of rows. Random additions,
 * replacements, deletions, compactions and searches, for every metric, storage,
 * walk and kind of id; whatever the index says is held against the array. At
 * times an allocation fails: then nothing may have changed. At times all is
 * committed to a file (in memory), and at times the index is lost and opened
 * from the file again: then it is as at the last commit.
 *
 *     model_test [SEED [STEPS [THREADS]]]
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "filter_model.h"
#include "image_support.h"
#include "midge/index.h"
#include "midge/index_image.h"
#include "midge/os.h"
#include "test_env.h"
#include "test_share.h"

enum { DIM = 12, SPAN_MAX = 6000, SPAN = 3000, BATCH_MAX = 300, K_MAX = 10 };

static uint64_t seed = 21;
static int n_steps = TEST_SHARE == 1 ? 700 : 200;
static unsigned n_threads = 3;

struct item {
    int lives;
    float x[DIM];    /* as it is stored */
    uint8_t bits[2]; /* of Hamming */
    struct row row;
};

struct setup {
    const char *name;
    midge_metric metric;
    midge_index_kind kind;
    midge_storage storage;
    midge_walk walk;
    midge_id_type id_type;
};

struct world {
    struct test_env t;
    const struct setup *setup;
    midge_index *index;
    midge_searcher *searcher;
    uint32_t span;
    struct item items[SPAN_MAX]; /* by id, which are below span */
    uint64_t next;
    struct image_bytes file; /* empty: never committed */
    struct image_bytes held; /* a copy that the index lies in */
    struct item committed[SPAN_MAX];
    uint64_t committed_next;
    unsigned n_images, n_frames, n_opened;
    midge_os_pool *pool;
    mdg_rng rng;
    struct printer printer;
    double found, wanted; /* by walks, of the nearest */
    uint64_t steps;       /* of walks */
};

/* What is added at once. */
struct batch {
    midge_arena arena;
    midge_buf buf;
    size_t count;
    uint64_t ids[BATCH_MAX];
    char key_texts[BATCH_MAX][32];
    midge_text keys[BATCH_MAX];
    float x[BATCH_MAX][DIM];
    uint8_t bits[BATCH_MAX][2];
    struct row rows[BATCH_MAX];
    const midge_json *metadata[BATCH_MAX];
};

static uint32_t draw(struct world *w, uint32_t n) {
    return mdg_rng_below(&w->rng, n);
}

/* Lets an allocation fail now and then, until told what came of it: 1 when the
 * work ended for lack of memory. */
static void arm(struct world *w) {
    uint32_t soon = draw(w, 2) ? 8 : 200;
    w->t.fail_at = draw(w, 6) == 0 ? w->t.calls + 1 + draw(w, soon) : 0;
}

static int ran_short(struct world *w, midge_status status) {
    int failed = w->t.fail_at != 0 && w->t.calls >= w->t.fail_at;
    w->t.fail_at = 0;
    assert_true(status != MIDGE_E_NOMEM || failed);
    return status == MIDGE_E_NOMEM;
}

static int is_bits(const struct world *w) {
    return w->setup->metric == MIDGE_METRIC_HAMMING;
}

static int is_text(const struct world *w) {
    return w->setup->id_type == MIDGE_ID_TEXT;
}

static midge_text key_of(uint64_t id, char text[32]) {
    int size = snprintf(text, 32, "%.*skey%llu", (int)(id % 9), "a longer ",
                        (unsigned long long)id);
    return (midge_text){text, (size_t)size};
}

static uint32_t row_of(struct world *w, uint64_t id) {
    char text[32];
    return is_text(w) ? midge_index_find_key(w->index, key_of(id, text))
                      : midge_index_find(w->index, id);
}

static uint64_t id_of(const struct world *w, uint32_t row) {
    if (!is_text(w)) {
        return midge_index_id(w->index, row);
    }
    midge_text key = midge_index_key(w->index, row);
    char text[32] = "";
    assert_true(key.size > 0 && key.size < sizeof text);
    memcpy(text, key.data, key.size);
    return strtoull(strstr(text, "key") + 3, NULL, 10);
}

static uint32_t n_alive(const struct world *w) {
    uint32_t count = 0;
    for (uint32_t id = 0; id < w->span; id++) {
        count += (uint32_t)w->items[id].lives;
    }
    return count;
}

/* ---- Batches ------------------------------------------------------------- */

static void draw_vector(struct world *w, float x[DIM], uint8_t bits[2]) {
    for (int i = 0; i < DIM; i++) {
        x[i] = (float)draw(w, 41) - 20.0f;
    }
    if (draw(w, 50) == 0) {
        memset(x, 0, DIM * sizeof *x);
    }
    bits[0] = (uint8_t)draw(w, 256);
    bits[1] = (uint8_t)draw(w, 16);
}

/* Different ids. */
static void begin_batch(struct world *w, struct batch *b, size_t count) {
    memset(b, 0, sizeof *b);
    midge_arena_init(&b->arena, &w->t.env, 0);
    midge_buf_init(&b->buf, &w->t.env, 0);
    for (size_t i = 0; i < count; i++) {
        int again;
        do {
            b->ids[i] = draw(w, w->span);
            again = 0;
            for (size_t j = 0; j < i; j++) {
                again |= b->ids[j] == b->ids[i];
            }
        } while (again);
        b->keys[i] = key_of(b->ids[i], b->key_texts[i]);
        draw_vector(w, b->x[i], b->bits[i]);
        draw_row(&w->rng, &b->rows[i], N_WORDS);
        if (draw(w, 8) == 0) {
            memset(&b->rows[i], 0, sizeof b->rows[i]); /* no metadata */
            continue;
        }
        midge_json_writer writer;
        midge_buf_clear(&b->buf);
        midge_json_writer_init(&writer, &b->buf, 0);
        write_row(&writer, &b->rows[i]);
        assert_int_equal(midge_json_writer_end(&writer), MIDGE_OK);
        assert_int_equal(midge_json_read(&b->arena, b->buf.data, b->buf.size,
                                         &b->metadata[i], NULL),
                         MIDGE_OK);
    }
    b->count = count;
}

static void end_batch(struct batch *b) {
    midge_arena_deinit(&b->arena);
    midge_buf_deinit(&b->buf);
}

static midge_status add_batch(struct world *w, struct batch *b, int numbered,
                              const midge_add_options *options) {
    midge_rows rows = {.count = b->count,
                       .vectors = is_bits(w) ? (const void *)b->bits
                                             : (const void *)b->x,
                       .ids = is_text(w) || numbered ? NULL : b->ids,
                       .keys = is_text(w) ? b->keys : NULL,
                       .metadata = b->metadata};
    midge_error err = {.text = ""};
    arm(w);
    midge_status status = midge_index_add(w->index, &rows, options, &err);
    if (!ran_short(w, status) && status != MIDGE_OK &&
        status != MIDGE_E_EXISTS && status != MIDGE_E_CANCELLED) {
        fail_msg("%s: add: %s", w->setup->name, err.text);
    }
    return status;
}

static void keep_batch(struct world *w, const struct batch *b) {
    for (size_t i = 0; i < b->count; i++) {
        struct item *item = &w->items[b->ids[i]];
        uint32_t row = row_of(w, b->ids[i]);
        assert_int_not_equal(row, MIDGE_INDEX_NO_ROW);
        item->lives = 1;
        item->row = b->rows[i];
        assert_int_equal(midge_index_vector(w->index, row,
                                            is_bits(w) ? (void *)item->bits
                                                       : (void *)item->x,
                                            NULL),
                         MIDGE_OK);
        for (int j = 0; j < DIM && !is_bits(w); j++) {
            float off = fabsf(item->x[j] - b->x[i][j]);
            assert_true(
                off <=
                (w->setup->storage == MIDGE_STORAGE_INT8 ? 20.0f / 127 : 0.0f));
        }
        if (is_bits(w)) {
            assert_memory_equal(item->bits, b->bits[i], 2);
        }
        w->next = b->ids[i] >= w->next ? b->ids[i] + 1 : w->next;
    }
}

static int any_lives(const struct world *w, const struct batch *b) {
    int any = 0;
    for (size_t i = 0; i < b->count; i++) {
        any |= w->items[b->ids[i]].lives;
    }
    return any;
}

/* ---- Changes ------------------------------------------------------------- */

static void add_some(struct world *w) {
    static struct batch b;
    midge_add_options options = {.upsert = draw(w, 3) != 0};
    begin_batch(w, &b, 1 + draw(w, draw(w, 3) ? 4 : BATCH_MAX));
    midge_status status = add_batch(w, &b, 0, &options);
    if (status == MIDGE_E_NOMEM) {
        end_batch(&b);
        return;
    }
    if (!options.upsert && any_lives(w, &b)) {
        assert_int_equal(status, MIDGE_E_EXISTS);
    } else {
        assert_int_equal(status, MIDGE_OK);
        keep_batch(w, &b);
    }
    end_batch(&b);
}

static void add_twice(struct world *w) {
    static struct batch b;
    midge_add_options options = {.upsert = 1};
    begin_batch(w, &b, 5);
    b.ids[4] = b.ids[1];
    b.keys[4] = b.keys[1];
    midge_status status = add_batch(w, &b, 0, &options);
    assert_true(status == MIDGE_E_EXISTS || status == MIDGE_E_NOMEM);
    end_batch(&b);
}

/* Ids from the largest on; only while they stay below the span. */
static void add_numbered(struct world *w) {
    static struct batch b;
    size_t count = 1 + draw(w, 3);
    if (is_text(w) || w->next + count > w->span) {
        return;
    }
    begin_batch(w, &b, count);
    midge_status status = add_batch(w, &b, 1, NULL);
    for (size_t i = 0; i < count; i++) {
        b.ids[i] = w->next + i;
    }
    if (status == MIDGE_OK) {
        keep_batch(w, &b);
    }
    end_batch(&b);
}

static int stop_at_once(void *ctx, size_t done, size_t total) {
    assert_true(done <= total);
    ++*(int *)ctx;
    return 1;
}

static void add_cancelled(struct world *w) {
    static struct batch b;
    int calls = 0;
    midge_add_options options = {
        .upsert = 1, .progress = stop_at_once, .progress_ctx = &calls};
    begin_batch(w, &b, 1 + draw(w, 5));
    midge_status status = add_batch(w, &b, 0, &options);
    if (status != MIDGE_E_NOMEM) {
        assert_int_equal(status, calls ? MIDGE_E_CANCELLED : MIDGE_OK);
    }
    if (status == MIDGE_OK) {
        keep_batch(w, &b);
    }
    end_batch(&b);
}

static void delete_some(struct world *w) {
    uint64_t ids[BATCH_MAX];
    char texts[BATCH_MAX][32];
    midge_text keys[BATCH_MAX];
    size_t count = 1 + draw(w, draw(w, 3) ? 4 : BATCH_MAX);
    size_t there = 0, deleted;
    for (size_t i = 0; i < count; i++) {
        ids[i] = draw(w, w->span); /* some twice */
        keys[i] = key_of(ids[i], texts[i]);
    }
    arm(w);
    midge_status status =
        midge_index_delete(w->index, count, is_text(w) ? NULL : ids,
                           is_text(w) ? keys : NULL, &deleted, NULL);
    if (!ran_short(w, status)) {
        assert_int_equal(status, MIDGE_OK);
        for (size_t i = 0; i < count; i++) {
            there += (size_t)w->items[ids[i]].lives;
            w->items[ids[i]].lives = 0;
        }
    }
    assert_int_equal(deleted, there);
}

static void compact(struct world *w) {
    midge_index_info info;
    arm(w);
    midge_status status = midge_index_compact(w->index, NULL);
    if (!ran_short(w, status)) {
        assert_int_equal(status, MIDGE_OK);
        midge_index_info_get(w->index, &info);
        assert_int_equal(info.n_deleted, 0);
    }
}

/* ---- Searches ------------------------------------------------------------ */

struct naive {
    uint64_t id;
    double distance;
};

/* Also how far a float may be off. */
static double distance_of(const struct world *w, const struct item *item,
                          const float *q, const uint8_t *bits, double *slack) {
    double sum = 0, qq = 0, xx = 0, qx = 0, l1 = 0, sizes = 0;
    for (int i = 0; i < DIM; i++) {
        double a = (double)q[i], b = (double)item->x[i];
        sum += (a - b) * (a - b);
        qq += a * a;
        xx += b * b;
        qx += a * b;
        l1 += fabs(a - b);
        sizes += fabs(a) + fabs(b);
    }
    switch (w->setup->metric) {
    case MIDGE_METRIC_L2SQ:
        *slack = 1e-5 * (qq + xx);
        return sum;
    case MIDGE_METRIC_COSINE:
        *slack = 1e-5;
        return qq == 0 || xx == 0 ? 1 : 1 - qx / sqrt(qq * xx);
    case MIDGE_METRIC_IP:
        *slack = 1e-5 * sqrt(qq * xx);
        return -qx;
    case MIDGE_METRIC_L1:
        *slack = 1e-5 * sizes;
        return l1;
    case MIDGE_METRIC_HAMMING:
        break;
    }
    *slack = 0;
    return __builtin_popcount((unsigned)(bits[0] ^ item->bits[0])) +
           __builtin_popcount((unsigned)(bits[1] ^ item->bits[1]));
}

static int nearer(const void *a, const void *b) {
    const struct naive *x = a, *y = b;
    return (x->distance > y->distance) - (x->distance < y->distance);
}

static size_t naive_search(struct world *w, const struct expression *e,
                           const float *q, const uint8_t *bits,
                           struct naive *out) {
    size_t count = 0;
    for (uint32_t id = 0; id < w->span; id++) {
        const struct item *item = &w->items[id];
        double slack;
        if (item->lives && (!e || value_of(e, &item->row) == YES)) {
            out[count].id = id;
            out[count++].distance = distance_of(w, item, q, bits, &slack);
        }
    }
    qsort(out, count, sizeof *out, nearer);
    return count;
}

/* Each is alive, passes, is there once, at its distance, and in order. */
static void check_found(struct world *w, const struct expression *e,
                        const float *q, const uint8_t *bits,
                        const midge_neighbour *found, size_t count) {
    static uint8_t seen[SPAN_MAX];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < count; i++) {
        uint64_t id = id_of(w, found[i].row);
        double slack;
        assert_true(midge_index_has_row(w->index, found[i].row));
        assert_true(id < w->span && w->items[id].lives && !seen[id]);
        seen[id] = 1;
        assert_true(!e || value_of(e, &w->items[id].row) == YES);
        double want = distance_of(w, &w->items[id], q, bits, &slack);
        if (!(fabs((double)found[i].distance - want) <= slack)) {
            fail_msg("%s: distance %g, want %g", w->setup->name,
                     (double)found[i].distance, want);
        }
        assert_true(i == 0 || found[i - 1].distance <= found[i].distance);
    }
}

static void check_nearest(struct world *w, const midge_query *query,
                          const struct naive *want, size_t n_want,
                          const midge_neighbour *found, size_t count) {
    size_t most = n_want < query->k ? n_want : query->k;
    size_t right = 0;
    if (count != most && !query->within) {
        fail_msg("%s: found %zu of %zu (k %u, exact %d)\n%s", w->setup->name,
                 count, n_want, query->k, query->exact,
                 query->filter ? w->printer.text : "no filter");
    }
    assert_true(count <= most);
    for (size_t i = 0; i < count; i++) {
        double off = (double)found[i].distance - want[i].distance;
        double near = 1e-4 * (1 + fabs(want[i].distance));
        if (query->exact && fabs(off) > near + 0.02) {
            fail_msg("%s: %zu-th at %g, want %g", w->setup->name, i,
                     (double)found[i].distance, want[i].distance);
        }
        right += (double)found[i].distance <= want[most - 1].distance + near;
    }
    if (query->exact) {
        assert_int_equal(count, most);
    } else {
        w->found += (double)right;
        w->wanted += (double)most;
    }
}

static void search(struct world *w) {
    static struct naive want[SPAN_MAX];
    float q[DIM];
    uint8_t bits[2];
    struct expression *e = draw(w, 2) ? print_filter(&w->printer) : NULL;
    midge_filter *filter = NULL;
    midge_error err;
    draw_vector(w, q, bits);
    size_t n_want = naive_search(w, e, q, bits, want);
    midge_query query = {.count = 1,
                         .vectors = is_bits(w) ? (void *)bits : (void *)q,
                         .k = 1 + draw(w, K_MAX),
                         .exact = draw(w, 2) == 0};
    if (draw(w, 4) == 0 && n_want > 1) { /* between two of them */
        size_t at = draw(w, (uint32_t)n_want - 1);
        double gap = want[at + 1].distance - want[at].distance;
        if (gap > 1e-3 * (1 + fabs(want[at].distance))) {
            query.within = 1;
            query.radius = (float)(want[at].distance + gap / 2);
            n_want = at + 1;
        }
    }
    if (e && midge_filter_new(w->index, w->printer.text, w->printer.size,
                              &filter, &err) != MIDGE_OK) {
        fail_msg("%s: %s", w->printer.text, err.text);
    }
    query.filter = filter;
    if (midge_searcher_run(w->searcher, &query, &err) != MIDGE_OK) {
        fail_msg("%s: search: %s", w->setup->name, err.text);
    }
    size_t count;
    const midge_neighbour *found = midge_searcher_found(w->searcher, 0, &count);
    w->steps += midge_searcher_stats(w->searcher).steps;
    check_found(w, e, q, bits, found, count);
    check_nearest(w, &query, want, n_want, found, count);
    midge_filter_free(filter);
}

/* ---- Looking ------------------------------------------------------------- */

static void check_metadata(struct world *w, uint32_t row,
                           const struct row *want) {
    midge_buf got, expected;
    midge_json_writer writer;
    midge_buf_init(&got, &w->t.env, 0);
    midge_buf_init(&expected, &w->t.env, 0);
    midge_json_writer_init(&writer, &got, 0);
    assert_int_equal(midge_index_metadata(w->index, row, &writer, NULL),
                     MIDGE_OK);
    assert_int_equal(midge_json_writer_end(&writer), MIDGE_OK);
    midge_json_writer_init(&writer, &expected, 0);
    write_row(&writer, want);
    assert_int_equal(midge_json_writer_end(&writer), MIDGE_OK);
    assert_int_equal(got.size, expected.size);
    assert_memory_equal(got.data, expected.data, got.size);
    midge_buf_deinit(&got);
    midge_buf_deinit(&expected);
}

static void check_all(struct world *w) {
    midge_index_info info;
    midge_index_info_get(w->index, &info);
    assert_int_equal(info.count, n_alive(w));
    uint32_t n_rows = (uint32_t)(info.count + info.n_deleted);
    uint32_t n_found = 0;
    for (uint32_t row = 0; row < n_rows + 3; row++) {
        n_found += midge_index_has_row(w->index, row) != 0;
    }
    assert_int_equal(n_found, info.count);
    for (uint32_t id = 0; id < w->span; id++) {
        const struct item *item = &w->items[id];
        uint32_t row = row_of(w, id);
        assert_int_equal(row != MIDGE_INDEX_NO_ROW, item->lives);
        if (!item->lives) {
            continue;
        }
        float x[DIM];
        assert_true(row < n_rows && id_of(w, row) == id);
        assert_int_equal(midge_index_vector(w->index, row, x, NULL), MIDGE_OK);
        assert_memory_equal(x, is_bits(w) ? (const void *)item->bits : item->x,
                            is_bits(w) ? 2 : sizeof x);
        check_metadata(w, row, &item->row);
    }
}

/* ---- Files --------------------------------------------------------------- */

static midge_status write_image(struct world *w) {
    midge_index_written written;
    struct image_bytes fresh = {0};
    midge_index_writer writer = {.write_fn = image_bytes_write, .ctx = &fresh};
    midge_status status =
        midge_index_image_write(w->index, &writer, &written, NULL);
    if (status != MIDGE_OK) {
        image_bytes_free(&fresh);
        return status;
    }
    image_bytes_free(&w->file);
    w->file = fresh;
    w->n_images++;
    return midge_index_track(w->index, &written, NULL);
}

static midge_status write_frame(struct world *w) {
    midge_buf frame;
    midge_index_commit commit;
    midge_buf_init(&frame, &w->t.env, 0);
    midge_status status =
        midge_index_changes_write(w->index, &frame, &commit, NULL);
    if (status == MIDGE_OK) {
        image_bytes_put(&w->file, commit.frame_at, frame.data, frame.size);
        image_bytes_put(&w->file, commit.slot_at, commit.slot,
                        sizeof commit.slot);
        midge_index_changes_done(w->index, &commit);
        w->n_frames++;
    }
    midge_buf_deinit(&frame);
    return status;
}

static void commit(struct world *w) {
    int as_frame = w->file.size > 0 && draw(w, 8) != 0 &&
                   midge_index_changes_bytes(w->index) != UINT64_MAX;
    if (as_frame && !midge_index_changed(w->index)) {
        return;
    }
    unsigned n_images = w->n_images;
    arm(w);
    midge_status status = as_frame ? write_frame(w) : write_image(w);
    if (ran_short(w, status)) {
        /* A file that is not tracked gets no frames: the next one is new. */
        if (w->n_images > n_images) {
            image_bytes_free(&w->file);
        }
        return;
    }
    assert_int_equal(status, MIDGE_OK);
    memcpy(w->committed, w->items, sizeof w->items);
    w->committed_next = w->next;
}

/* Everything since the last commit is lost. */
static void lose_and_open(struct world *w) {
    midge_error err;
    if (w->file.size == 0) {
        return;
    }
    midge_searcher_free(w->searcher);
    midge_index_free(w->index);
    image_bytes_free(&w->held);
    w->held = image_bytes_copy(&w->file);
    if (image_open(&w->t.env, &w->held, 1, &w->index, &err) != MIDGE_OK) {
        fail_msg("%s: open: %s", w->setup->name, err.text);
    }
    assert_int_equal(midge_searcher_new(w->index, &w->searcher, NULL),
                     MIDGE_OK);
    memcpy(w->items, w->committed, sizeof w->items);
    w->next = w->committed_next;
    w->n_opened++;
}

static void step(struct world *w) {
    uint32_t what = draw(w, 100);
    if (what < 25) {
        add_some(w);
    } else if (what < 30) {
        add_numbered(w);
    } else if (what < 33) {
        add_cancelled(w);
    } else if (what < 34) {
        add_twice(w);
    } else if (what < 52) {
        delete_some(w);
    } else if (what < 53) {
        compact(w);
    } else if (what < 57) {
        check_all(w);
    } else if (what < 62) {
        commit(w);
    } else if (what < 64) {
        lose_and_open(w);
    } else {
        search(w);
    }
}

static void init(struct world *w, const struct setup *setup) {
    static const midge_column_kind kinds[] = {MIDGE_META_INT, MIDGE_META_FLOAT,
                                              MIDGE_META_STRING,
                                              MIDGE_META_BOOL, MIDGE_META_SET};
    midge_error err;
    memset(w, 0, sizeof *w);
    test_env_init(&w->t);
    w->t.env.cpu = midge_os_env().cpu;
    assert_int_equal(midge_os_pool_new(n_threads, &w->pool, &err), MIDGE_OK);
    midge_os_pool_attach(w->pool, &w->t.env);
    w->setup = setup;
    w->span = setup->kind == MIDGE_INDEX_AUTO ? SPAN_MAX : SPAN;
    mdg_rng_seed(&w->rng, seed);
    mdg_rng_seed(&w->printer.rng, seed + 1);
    midge_index_options options = MIDGE_INDEX_DEFAULTS;
    options.dim = DIM;
    options.metric = setup->metric;
    options.kind = setup->kind;
    options.storage = setup->storage;
    options.walk = setup->walk;
    options.id_type = setup->id_type;
    options.m = 8;
    options.ef = 20; /* few, so that walking pays for few rows */
    if (midge_index_new(&w->t.env, &options, &w->index, &err) != MIDGE_OK) {
        fail_msg("%s: %s", setup->name, err.text);
    }
    for (int i = 0; i < N_COLUMNS; i++) {
        assert_int_equal(
            midge_index_column_add(w->index, column_names[i], kinds[i], NULL),
            MIDGE_OK);
    }
    assert_int_equal(midge_searcher_new(w->index, &w->searcher, NULL),
                     MIDGE_OK);
}

static void deinit(struct world *w) {
    midge_searcher_free(w->searcher);
    midge_index_free(w->index);
    image_bytes_free(&w->file);
    image_bytes_free(&w->held);
    midge_os_pool_free(w->pool);
    assert_int_equal(w->t.held_bytes, 0);
}

static const struct setup setups[] = {
    {"l2sq flat", MIDGE_METRIC_L2SQ, MIDGE_INDEX_FLAT, MIDGE_STORAGE_F32,
     MIDGE_WALK_ROWS, MIDGE_ID_U64},
    {"l2sq auto", MIDGE_METRIC_L2SQ, MIDGE_INDEX_AUTO, MIDGE_STORAGE_F32,
     MIDGE_WALK_ROWS, MIDGE_ID_U64},
    {"l2sq hnsw", MIDGE_METRIC_L2SQ, MIDGE_INDEX_HNSW, MIDGE_STORAGE_F32,
     MIDGE_WALK_ROWS, MIDGE_ID_U64},
    {"cosine hnsw f16 keys", MIDGE_METRIC_COSINE, MIDGE_INDEX_HNSW,
     MIDGE_STORAGE_F16, MIDGE_WALK_ROWS, MIDGE_ID_TEXT},
    {"ip hnsw", MIDGE_METRIC_IP, MIDGE_INDEX_HNSW, MIDGE_STORAGE_F32,
     MIDGE_WALK_ROWS, MIDGE_ID_U64},
    {"l1 hnsw keys", MIDGE_METRIC_L1, MIDGE_INDEX_HNSW, MIDGE_STORAGE_F32,
     MIDGE_WALK_ROWS, MIDGE_ID_TEXT},
    {"hamming hnsw", MIDGE_METRIC_HAMMING, MIDGE_INDEX_HNSW,
     MIDGE_STORAGE_BINARY, MIDGE_WALK_ROWS, MIDGE_ID_U64},
    {"l2sq hnsw int8", MIDGE_METRIC_L2SQ, MIDGE_INDEX_HNSW, MIDGE_STORAGE_INT8,
     MIDGE_WALK_ROWS, MIDGE_ID_TEXT},
    {"cosine hnsw int8", MIDGE_METRIC_COSINE, MIDGE_INDEX_HNSW,
     MIDGE_STORAGE_INT8, MIDGE_WALK_ROWS, MIDGE_ID_U64},
    {"ip flat int8", MIDGE_METRIC_IP, MIDGE_INDEX_FLAT, MIDGE_STORAGE_INT8,
     MIDGE_WALK_ROWS, MIDGE_ID_U64},
    {"l1 flat f16", MIDGE_METRIC_L1, MIDGE_INDEX_FLAT, MIDGE_STORAGE_F16,
     MIDGE_WALK_ROWS, MIDGE_ID_U64},
    {"cosine hnsw walked by int8", MIDGE_METRIC_COSINE, MIDGE_INDEX_HNSW,
     MIDGE_STORAGE_F32, MIDGE_WALK_INT8, MIDGE_ID_U64},
    {"ip hnsw walked by int8", MIDGE_METRIC_IP, MIDGE_INDEX_HNSW,
     MIDGE_STORAGE_F16, MIDGE_WALK_INT8, MIDGE_ID_U64},
    {"l2sq hnsw walked by int8, keys", MIDGE_METRIC_L2SQ, MIDGE_INDEX_HNSW,
     MIDGE_STORAGE_F32, MIDGE_WALK_INT8, MIDGE_ID_TEXT},
};

static void run(const struct setup *setup) {
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    init(w, setup);
    /* So many that soon a graph will be made; or that it will be walked, which
     * few steps would not come to. */
    const uint32_t first = setup->kind == MIDGE_INDEX_AUTO ? 4000
                           : TEST_SHARE > 1                ? 800
                                                           : 0;
    while (n_alive(w) < first) {
        add_some(w);
    }
    for (int i = 0; i < n_steps; i++) {
        step(w);
    }
    check_all(w);
    if (getenv("MODEL_TEST_TELL")) {
        print_message("%u rows, recall %.4f, %llu steps, %u images, %u "
                      "frames, %u opened\n",
                      n_alive(w), w->found / w->wanted,
                      (unsigned long long)w->steps, w->n_images, w->n_frames,
                      w->n_opened);
    }
    assert_true((w->steps > 0) == (setup->kind != MIDGE_INDEX_FLAT));
    if (w->found < 0.75 * w->wanted) {
        fail_msg("%s: recall of walks %.3f", setup->name, w->found / w->wanted);
    }
    deinit(w);
    free(w);
}

static void an_index_is_as_its_model(void **state) {
    run(*state);
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[sizeof setups / sizeof *setups];
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : seed;
    n_steps = argc > 2 ? atoi(argv[2]) : n_steps;
    n_threads = argc > 3 ? (unsigned)atoi(argv[3]) : n_threads;
    for (size_t i = 0; i < sizeof setups / sizeof *setups; i++) {
        const struct CMUnitTest one = {.name = setups[i].name,
                                       .test_func = an_index_is_as_its_model,
                                       .initial_state =
                                           (void *)(uintptr_t)&setups[i]};
        memcpy(&tests[i], &one, sizeof one);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
