/* hnsw_support.h: data, indexes and checks for the tests of the graph. */
#ifndef HNSW_SUPPORT_H
#define HNSW_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "index/hnsw.h"
#include "midge/os.h"
#include "test_env.h"
#include "test_share.h"

typedef enum data_shape {
    DATA_NORMAL,
    DATA_CLUSTERS, /* 16, runs of 125 rows of one after the other */
    DATA_EQUAL,    /* every row the same */
    DATA_TWICE,    /* every row there several times */
    DATA_ZEROS,    /* one in four is 0 */
    DATA_LENGTHS   /* lengths that differ by orders of magnitude */
} data_shape;

/* Rows and, behind them, queries; floats, or bytes for Hamming. */
static inline float *data_new(data_shape shape, size_t rows, uint32_t dim,
                              uint64_t seed) {
    float *x = malloc(rows * dim * sizeof *x);
    float *middles = malloc(16 * (size_t)dim * sizeof *middles);
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t i = 0; i < 16 * (size_t)dim; i++) {
        middles[i] = 4.0f * mdg_rng_normal(&rng);
    }
    for (size_t row = 0; row < rows; row++) {
        float length = mdg_rng_float(&rng);
        length = 0.01f + 10.0f * length * length * length;
        for (uint32_t i = 0; i < dim; i++) {
            float value = mdg_rng_normal(&rng);
            float *at = &x[row * dim + i];
            *at = value;
            if (shape == DATA_CLUSTERS) {
                *at += middles[row / 125 % 16 * dim + i];
            } else if (shape == DATA_EQUAL) {
                *at = 1.0f;
            } else if (shape == DATA_TWICE && row % 7 != 0) {
                *at = x[row / 7 * 7 * dim + i];
            } else if (shape == DATA_ZEROS && row % 4 == 0) {
                *at = 0.0f;
            } else if (shape == DATA_LENGTHS) {
                *at *= length;
            }
        }
    }
    free(middles);
    return x;
}

static inline void *bits_new(size_t rows, uint32_t dim, uint64_t seed) {
    size_t bytes = (dim + 7) / 8;
    uint8_t *x = malloc(rows * bytes);
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t i = 0; i < rows * bytes; i++) {
        /* Of 16 patterns with noise: bits at random have no near ones. */
        uint32_t noise = mdg_rng_below(&rng, 256) & mdg_rng_below(&rng, 256) &
                         mdg_rng_below(&rng, 256);
        x[i] = (uint8_t)((i / bytes % 16 * 37 + i % bytes * 101) ^ noise);
        if (i % bytes == bytes - 1 && dim % 8 != 0) {
            x[i] &= (uint8_t)((1u << dim % 8) - 1);
        }
    }
    return x;
}

static inline midge_index_options options_of(uint32_t dim,
                                             midge_metric metric) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    o.dim = dim;
    o.metric = metric;
    o.kind = MIDGE_INDEX_HNSW;
    o.seed = 5;
    if (metric == MIDGE_METRIC_HAMMING) {
        o.storage = MIDGE_STORAGE_BINARY;
    }
    return o;
}

static inline size_t vector_bytes(const midge_index_options *o) {
    return o->storage == MIDGE_STORAGE_BINARY ? (o->dim + 7) / 8
                                              : o->dim * sizeof(float);
}

static inline midge_index *index_new(const midge_env *env,
                                     const midge_index_options *o) {
    midge_index *index;
    assert_int_equal(midge_index_new(env, o, &index, NULL), MIDGE_OK);
    return index;
}

/* Rows `first` and on of x, with their numbers as ids. */
static inline void add_rows(midge_index *index, const void *x, size_t first,
                            size_t count) {
    midge_error err = {.text = ""};
    uint64_t *ids = malloc((count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        ids[i] = first + i;
    }
    midge_rows rows = {.count = count, .ids = ids};
    rows.vectors = (const char *)x + first * vector_bytes(&index->options);
    midge_status status = midge_index_add(index, &rows, NULL, &err);
    if (status != MIDGE_OK) {
        print_error("add: %s\n", err.text);
    }
    assert_int_equal(status, MIDGE_OK);
    free(ids);
}

/* The share of the true k nearest that are found; rows as near as the last of
 * them count, whatever their number. */
static inline double recall_of(const midge_index *index, const void *queries,
                               size_t count, uint32_t k, uint32_t ef) {
    midge_searcher *walk, *exact;
    midge_query q = {.count = count, .vectors = queries, .k = k, .ef = ef};
    assert_int_equal(midge_searcher_new(index, &walk, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_new(index, &exact, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_run(walk, &q, NULL), MIDGE_OK);
    /* Few rows are compared with all: that is the same, and tests nothing. */
    uint32_t live = index->n_rows - index->n_dead;
    assert_true(live < 40 * (ef > k ? ef : k) ||
                midge_searcher_stats(walk).exact_queries == 0);
    q.exact = 1;
    assert_int_equal(midge_searcher_run(exact, &q, NULL), MIDGE_OK);
    size_t hits = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n, n_true;
        const midge_neighbour *a = midge_searcher_found(walk, i, &n);
        const midge_neighbour *b = midge_searcher_found(exact, i, &n_true);
        assert_int_equal(n, n_true); /* never fewer than there are */
        for (size_t j = 0; j < n; j++) {
            hits += a[j].distance <= b[n - 1].distance;
            assert_true(j == 0 || a[j - 1].distance <= a[j].distance);
            assert_false(mdg_row_dead(index, a[j].row));
        }
        all += n;
    }
    midge_searcher_free(walk);
    midge_searcher_free(exact);
    return all > 0 ? (double)hits / (double)all : 1.0;
}

/* ---- Links --------------------------------------------------------------- */

static inline void check_list(const uint32_t *links, uint32_t m, uint32_t node,
                              uint32_t count) {
    assert_true(links[0] <= m);
    for (uint32_t i = 1; i <= links[0]; i++) {
        assert_true(links[i] < count);
        assert_true(links[i] != node);
        for (uint32_t j = 1; j < i; j++) {
            assert_true(links[j] != links[i]);
        }
    }
}

/* In range, none to itself, none twice; levels fit together; with `clean` no
 * list names a dead row, and the dead have none. */
static inline void check_links(const midge_index *index, int clean) {
    const mdg_graph *g = &index->graph;
    for (uint32_t row = 0; row < index->n_rows; row++) {
        const uint32_t *links = mdg_links(index, row);
        check_list(links, g->m0, row, index->n_rows);
        for (uint32_t i = 1; clean && i <= links[0]; i++) {
            assert_false(mdg_row_dead(index, links[i]));
        }
        assert_true(!clean || links[0] == 0 || !mdg_row_dead(index, row));
    }
    for (uint32_t l = 0; l < g->n_levels; l++) {
        const mdg_level *level = &g->upper[l];
        assert_true(level->count > 0);
        for (uint32_t node = 0; node < level->count; node++) {
            check_list(mdg_level_links(level, g->m, node), g->m, node,
                       level->count);
            uint32_t row = level->row[node], down = level->down[node];
            assert_true(row < index->n_rows);
            assert_false(clean && mdg_row_dead(index, row));
            if (l == 0) {
                assert_int_equal(down, row);
            } else {
                assert_true(down < g->upper[l - 1].count);
                assert_int_equal(g->upper[l - 1].row[down], row);
            }
        }
    }
    if (g->entry != MDG_NO_NODE) {
        assert_true(g->entry < (g->n_levels > 0
                                    ? g->upper[g->n_levels - 1].count
                                    : index->n_rows));
        assert_false(clean && mdg_row_dead(index, mdg_hnsw_entry_row(index)));
    }
}

/* Rows that live and that a way over the lowest level leads to. */
static inline uint32_t count_reached(const midge_index *index) {
    uint32_t n = index->n_rows, held = 0, reached = 0;
    if (index->graph.entry == MDG_NO_NODE) {
        return 0;
    }
    uint8_t *seen = calloc(n, 1);
    uint32_t *queue = malloc(n * sizeof *queue);
    queue[held++] = mdg_hnsw_entry_row(index);
    seen[queue[0]] = 1;
    for (uint32_t i = 0; i < held; i++) {
        const uint32_t *links = mdg_links(index, queue[i]);
        reached += !mdg_row_dead(index, queue[i]);
        for (uint32_t j = 1; j <= links[0]; j++) {
            if (!seen[links[j]]) {
                seen[links[j]] = 1;
                queue[held++] = links[j];
            }
        }
    }
    free(seen);
    free(queue);
    return reached;
}

static inline uint64_t mix_in(uint64_t hash, uint64_t value) {
    return mdg_rng_mix(hash, value);
}

/* All links of all levels. */
static inline uint64_t hash_links(const midge_index *index) {
    const mdg_graph *g = &index->graph;
    uint64_t hash = mix_in(g->n_levels, g->entry);
    for (uint32_t row = 0; row < index->n_rows; row++) {
        const uint32_t *links = mdg_links(index, row);
        for (uint32_t i = 0; i <= links[0]; i++) {
            hash = mix_in(hash, links[i]);
        }
    }
    for (uint32_t l = 0; l < g->n_levels; l++) {
        for (uint32_t node = 0; node < g->upper[l].count; node++) {
            const uint32_t *links = mdg_level_links(&g->upper[l], g->m, node);
            hash = mix_in(hash, g->upper[l].row[node]);
            for (uint32_t i = 0; i <= links[0]; i++) {
                hash = mix_in(hash, links[i]);
            }
        }
    }
    return hash;
}

#endif
