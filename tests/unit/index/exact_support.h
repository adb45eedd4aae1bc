/* exact_support.h: indexes of every metric and storage, and what an exact
 * search of them must find. */
#ifndef EXACT_SUPPORT_H
#define EXACT_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "../kernels/variants.h"
#include "base/rng.h"
#include "index/index_internal.h"
#include "midge/os.h"
#include "test_env.h"
#include "test_share.h"

enum { ROWS_MAX = 1500, QUERIES_MAX = 300, DIM_MAX = 80, K_MAX = 1600 };

static float rows[ROWS_MAX * DIM_MAX];
static float queries[QUERIES_MAX * DIM_MAX];
static midge_neighbour want[K_MAX];

/* A metric and a storage that go together. */
struct mode {
    midge_metric metric;
    midge_storage storage;
};

static const struct mode modes[] = {
    {MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32},
    {MIDGE_METRIC_COSINE, MIDGE_STORAGE_F32},
    {MIDGE_METRIC_IP, MIDGE_STORAGE_F32},
    {MIDGE_METRIC_L1, MIDGE_STORAGE_F32},
    {MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F16},
    {MIDGE_METRIC_COSINE, MIDGE_STORAGE_F16},
    {MIDGE_METRIC_IP, MIDGE_STORAGE_F16},
    {MIDGE_METRIC_L1, MIDGE_STORAGE_F16},
    {MIDGE_METRIC_L2SQ, MIDGE_STORAGE_INT8},
    {MIDGE_METRIC_COSINE, MIDGE_STORAGE_INT8},
    {MIDGE_METRIC_IP, MIDGE_STORAGE_INT8},
    {MIDGE_METRIC_L1, MIDGE_STORAGE_INT8},
    {MIDGE_METRIC_HAMMING, MIDGE_STORAGE_BINARY},
};
enum { MODES = sizeof modes / sizeof *modes };

/* ---- Values -------------------------------------------------------------- */

static inline void fill(float *values, size_t count, uint64_t seed) {
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        values[i] = mdg_rng_normal(&rng);
    }
}

/* Bits past dim are 0. */
static inline void clear_bits(uint8_t *vectors, size_t count, uint32_t dim) {
    const size_t bytes = (dim + 7) / 8;
    for (size_t i = 0; i < count && dim % 8 != 0; i++) {
        vectors[(i + 1) * bytes - 1] &= (uint8_t)((1u << dim % 8) - 1);
    }
}

static inline midge_index *make(struct test_env *t, struct mode mode,
                                uint32_t dim, size_t n) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    midge_index *index;
    o.dim = dim;
    o.metric = mode.metric;
    o.storage = mode.storage;
    o.kind = MIDGE_INDEX_FLAT;
    assert_int_equal(midge_index_new(&t->env, &o, &index, NULL), MIDGE_OK);
    if (mode.storage == MIDGE_STORAGE_BINARY) {
        clear_bits((uint8_t *)rows, ROWS_MAX, dim);
        clear_bits((uint8_t *)queries, QUERIES_MAX, dim);
    }
    const midge_rows r = {n, rows, NULL, NULL, NULL};
    assert_int_equal(midge_index_add(index, &r, NULL, NULL), MIDGE_OK);
    return index;
}

static inline void free_all(struct test_env *t, midge_index *index) {
    midge_index_free(index);
    assert_int_equal(t->held_bytes, 0);
}

/* ---- Oracles ------------------------------------------------------------- */

static inline const void *query_at(const midge_index *index,
                                   const void *vectors, size_t i) {
    const uint32_t dim = index->options.dim;
    return (const char *)vectors +
           i * (index->options.metric == MIDGE_METRIC_HAMMING ? (dim + 7) / 8
                                                              : dim * 4);
}

static inline int compare(const void *a, const void *b) {
    const midge_neighbour *x = a, *y = b;
    if (x->distance != y->distance) {
        return x->distance < y->distance ? -1 : 1;
    }
    return x->row < y->row ? -1 : x->row > y->row;
}

static inline int keep_all(uint32_t row) {
    (void)row;
    return 1;
}

/* Every row by itself, by the scorer, and sorted. */
static inline uint32_t by_sorting(const midge_index *index, const void *query,
                                  const midge_query *q,
                                  int (*keep)(uint32_t row)) {
    void *room = aligned_alloc(64, mdg_scorer_bytes(&index->rows));
    midge_neighbour *all = calloc(index->n_rows + 1, sizeof *all);
    uint32_t count = 0;
    mdg_scorer scorer;
    mdg_scorer_exact(&index->rows, query, room, &scorer);
    for (uint32_t row = 0; row < index->n_rows; row++) {
        float d;
        mdg_score(&scorer, 1, &row, &d);
        d = d == d ? d : INFINITY;
        if (!mdg_row_dead(index, row) && keep(row) &&
            (!q->within || d <= q->radius)) {
            all[count++] = (midge_neighbour){row, d};
        }
    }
    qsort(all, count, sizeof *all, compare);
    count = count < q->k ? count : q->k;
    memcpy(want, all, count * sizeof *all);
    free(all);
    free(room);
    return count;
}

/* The same bits, or 0 for -0. */
static inline int same_distance(float got, float expected) {
    expected += 0.0f;
    return memcmp(&got, &expected, sizeof got) == 0;
}

/* Searches, and compares each query with the oracle; under sanitizers, every
 * fifth, and the last. */
static inline void check(const midge_index *index, const midge_query *q,
                         int (*keep)(uint32_t row)) {
    midge_neighbour *found = malloc(q->count * q->k * sizeof *found + 1);
    uint32_t *n_found = malloc(q->count * sizeof *n_found + 1);
    midge_search_stats stats = {0, 0, 0, 0};
    assert_int_equal(mdg_exact_search(index, q, found, n_found, &stats, NULL),
                     MIDGE_OK);
    assert_true(stats.exact_queries == q->count);
    for (size_t i = 0; i < q->count; i++) {
        if (TEST_SHARE > 1 && i % 5 != 0 && i + 1 != q->count) {
            continue;
        }
        uint32_t count =
            by_sorting(index, query_at(index, q->vectors, i), q, keep);
        assert_int_equal(n_found[i], count);
        for (uint32_t j = 0; j < count; j++) {
            assert_int_equal(found[i * q->k + j].row, want[j].row);
            assert_true(
                same_distance(found[i * q->k + j].distance, want[j].distance));
        }
    }
    free(found);
    free(n_found);
}

static inline midge_query ask(size_t count, uint32_t k) {
    return (midge_query){
        .count = count, .vectors = queries, .k = k, .exact = 1};
}

#endif
