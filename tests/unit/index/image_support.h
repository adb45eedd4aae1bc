/* image_support.h: images in memory, and whether two indexes are the same. */
#ifndef IMAGE_SUPPORT_H
#define IMAGE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "index/image.h"
#include "index_maker.h"
#include "test_env.h"

/* Bytes of a file, aligned, with room behind them. */
struct image_bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

static inline void image_bytes_put(struct image_bytes *b, size_t at,
                                   const void *bytes, size_t size) {
    if (at + size > b->capacity) {
        size_t capacity = (at + size) * 2;
        capacity = (capacity + 63) / 64 * 64;
        uint8_t *grown = aligned_alloc(64, capacity);
        assert_non_null(grown);
        if (b->size > 0) {
            memcpy(grown, b->data, b->size);
        }
        free(b->data);
        b->data = grown;
        b->capacity = capacity;
    }
    memcpy(b->data + at, bytes, size);
    b->size = at + size > b->size ? at + size : b->size;
}

static inline midge_status image_bytes_write(void *ctx, const void *bytes,
                                             size_t size) {
    struct image_bytes *b = ctx;
    image_bytes_put(b, b->size, bytes, size);
    return MIDGE_OK;
}

static inline struct image_bytes image_bytes_copy(const struct image_bytes *b) {
    struct image_bytes copy = {0};
    image_bytes_put(&copy, 0, b->data, b->size);
    return copy;
}

static inline void image_bytes_free(struct image_bytes *b) {
    free(b->data);
    *b = (struct image_bytes){0};
}

/* The index as a new file. */
static inline struct image_bytes image_of(const midge_index *index,
                                          midge_index_written *written) {
    struct image_bytes b = {0};
    midge_error err = {.text = ""};
    midge_index_writer writer = {.write_fn = image_bytes_write, .ctx = &b};
    if (midge_index_image_write(index, &writer, written, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return b;
}

/* Commits all changes to the file. */
static inline void image_commit(midge_index *index, struct image_bytes *file,
                                const midge_env *env) {
    midge_buf frame;
    midge_index_commit commit;
    midge_error err = {.text = ""};
    midge_buf_init(&frame, env, 0);
    if (midge_index_changes_write(index, &frame, &commit, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(frame.size <= midge_index_changes_bytes(index) + 8192);
    image_bytes_put(file, commit.frame_at, frame.data, frame.size);
    image_bytes_put(file, commit.slot_at, commit.slot, sizeof commit.slot);
    midge_index_changes_done(index, &commit);
    assert_int_equal(commit.length, commit.frame_at + frame.size);
    assert_false(midge_index_changed(index));
    midge_buf_deinit(&frame);
}

static inline midge_status image_open(const midge_env *env,
                                      const struct image_bytes *file, int track,
                                      midge_index **out, midge_error *err) {
    const midge_index_bytes bytes = {.data = file->data, .size = file->size};
    return midge_index_image_open(env, &bytes, track, out, err);
}

static inline midge_index *image_open_well(const midge_env *env,
                                           const struct image_bytes *file,
                                           int track) {
    midge_index *index = NULL;
    midge_error err = {.text = ""};
    if (image_open(env, file, track, &index, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return index;
}

/* ---- The same ------------------------------------------------------------ */

static inline void same_row(const midge_index *a, const midge_index *b,
                            const midge_env *env, uint32_t row) {
    uint8_t va[MAKER_DIM_MAX * 4];
    uint8_t vb[MAKER_DIM_MAX * 4];
    midge_buf ja;
    midge_buf jb;
    midge_json_writer w;
    memset(va, 0, sizeof va);
    memset(vb, 0, sizeof vb);
    assert_int_equal(midge_index_vector(a, row, va, NULL), MIDGE_OK);
    assert_int_equal(midge_index_vector(b, row, vb, NULL), MIDGE_OK);
    assert_memory_equal(va, vb, sizeof va);
    if (a->options.id_type == MIDGE_ID_U64) {
        assert_int_equal(midge_index_id(a, row), midge_index_id(b, row));
    }
    midge_text ka = midge_index_key(a, row);
    midge_text kb = midge_index_key(b, row);
    assert_int_equal(ka.size, kb.size);
    if (ka.size > 0) {
        assert_memory_equal(ka.data, kb.data, ka.size);
    }
    midge_buf_init(&ja, env, 0);
    midge_buf_init(&jb, env, 0);
    midge_json_writer_init(&w, &ja, 0);
    assert_int_equal(midge_index_metadata(a, row, &w, NULL), MIDGE_OK);
    midge_json_writer_init(&w, &jb, 0);
    assert_int_equal(midge_index_metadata(b, row, &w, NULL), MIDGE_OK);
    assert_int_equal(ja.size, jb.size);
    assert_memory_equal(ja.data, jb.data, ja.size);
    midge_buf_deinit(&ja);
    midge_buf_deinit(&jb);
}

static inline void same_list(const uint32_t *a, const uint32_t *b) {
    assert_int_equal(a[0], b[0]);
    assert_memory_equal(a, b, (1 + (size_t)a[0]) * sizeof *a);
}

static inline void same_graph(const midge_index *a, const midge_index *b) {
    const mdg_graph *g = &a->graph;
    const mdg_graph *h = &b->graph;
    assert_int_equal(a->has_graph, b->has_graph);
    if (!a->has_graph) {
        return;
    }
    assert_int_equal(g->m, h->m);
    assert_int_equal(g->entry, h->entry);
    assert_int_equal(g->n_levels, h->n_levels);
    for (uint32_t row = 0; row < a->n_rows; row++) {
        if (b->image) {
            assert_int_equal(mdg_image_need_links(b, row, NULL), MIDGE_OK);
        }
        same_list(mdg_links(a, row), mdg_links(b, row));
    }
    for (uint32_t i = 0; i < g->n_levels; i++) {
        const mdg_level *l = &g->upper[i];
        const mdg_level *m = &h->upper[i];
        assert_int_equal(l->count, m->count);
        for (uint32_t node = 0; node < l->count; node++) {
            assert_int_equal(l->row[node], m->row[node]);
            assert_int_equal(l->down[node], m->down[node]);
            same_list(mdg_level_links(l, g->m, node),
                      mdg_level_links(m, g->m, node));
        }
    }
}

static inline void same_found(const midge_index *a, const midge_index *b,
                              const midge_query *q) {
    midge_searcher *sa = NULL;
    midge_searcher *sb = NULL;
    size_t na;
    size_t nb;
    assert_int_equal(midge_searcher_new(a, &sa, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_new(b, &sb, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_run(sa, q, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_run(sb, q, NULL), MIDGE_OK);
    for (size_t i = 0; i < q->count; i++) {
        const midge_neighbour *fa = midge_searcher_found(sa, i, &na);
        const midge_neighbour *fb = midge_searcher_found(sb, i, &nb);
        assert_int_equal(na, nb);
        if (na > 0) {
            assert_memory_equal(fa, fb, na * sizeof *fa);
        }
    }
    midge_searcher_free(sa);
    midge_searcher_free(sb);
}

static inline void same_answers(const midge_index *a, const midge_index *b) {
    enum { QUERIES = 5 };
    const midge_index_options *o = &a->options;
    const int bits = o->metric == MIDGE_METRIC_HAMMING;
    size_t bytes = bits ? (o->dim + 7) / 8 : o->dim * sizeof(float);
    char *vectors = malloc(QUERIES * bytes);
    for (uint64_t i = 0; i < QUERIES; i++) {
        maker_vector(900000 + i, o->dim, bits, vectors + i * bytes);
    }
    midge_query q = {.count = QUERIES, .vectors = vectors, .k = 10};
    same_found(a, b, &q);
    q.exact = 1;
    same_found(a, b, &q);
    free(vectors);
}

static inline void same_options(const midge_index_options *a,
                                const midge_index_options *b) {
    assert_int_equal(a->dim, b->dim);
    assert_int_equal(a->metric, b->metric);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->storage, b->storage);
    assert_int_equal(a->walk, b->walk);
    assert_int_equal(a->id_type, b->id_type);
    assert_int_equal(a->m, b->m);
    assert_int_equal(a->ef_construction, b->ef_construction);
    assert_int_equal(a->ef, b->ef);
    assert_int_equal(a->seed, b->seed);
}

/* `b` was opened from a file: searching comes first, while no block of it was
 * looked at. */
static inline void same_index(const midge_index *a, const midge_index *b,
                              const midge_env *env) {
    midge_index_info ia;
    midge_index_info ib;
    midge_index_info_get(a, &ia);
    midge_index_info_get(b, &ib);
    assert_int_equal(ia.count, ib.count);
    assert_int_equal(ia.n_deleted, ib.n_deleted);
    assert_int_equal(ia.n_columns, ib.n_columns);
    same_options(&ia.options, &ib.options);
    same_answers(a, b);
    for (uint32_t i = 0; i < ia.n_columns; i++) {
        assert_string_equal(midge_index_column_name(a, i),
                            midge_index_column_name(b, i));
        assert_int_equal(midge_index_column_kind(a, i),
                         midge_index_column_kind(b, i));
    }
    for (uint32_t row = 0; row < ia.count + ia.n_deleted; row++) {
        assert_int_equal(midge_index_has_row(a, row),
                         midge_index_has_row(b, row));
        if (midge_index_has_row(a, row)) {
            same_row(a, b, env, row);
        }
    }
    same_graph(a, b);
}

#endif
