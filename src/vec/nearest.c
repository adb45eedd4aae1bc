/* nearest.c: every query against every row.
 *
 * Rows are walked in blocks that stay in the first-level cache while a block of
 * queries, which stays in the second, is compared with them. The k best of a
 * query are kept sorted in the caller's array; rows come in increasing order
 * and are inserted behind equal distances, so ties go to the smaller row number
 * without being looked at.
 */
#include "vec/nearest.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "base/parallel.h"
#include "kernels/kernels.h"

#define BLOCK_BYTES   (24u * 1024u) /* of rows: less than any L1 cache */
#define BLOCK_ROWS    256u
#define BLOCK_QUERIES 256u
#define SHARE_QUERIES 32u
#define SHARE_CELLS   500000u /* some 50 microseconds */

struct mdg_nearest {
    const midge_env *env;
    const mdg_kernels *kernels;
    uint32_t dim;
    mdg_nearest_by metric;
    size_t count;
    size_t capacity;
    float *rows;  /* (capacity, dim) */
    float *norms; /* (capacity), Euclidean; cosine only */
};

midge_status mdg_nearest_new(const midge_env *env, uint32_t dim,
                             mdg_nearest_by metric, mdg_nearest **out,
                             midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn) {
        return midge_fail(err, MIDGE_E_INVALID, "env is missing");
    }
    if (dim == 0 || dim > MDG_NEAREST_DIM_MAX) {
        return midge_fail(err, MIDGE_E_INVALID, "dim is %u, it must be 1 to %d",
                          dim, (int)MDG_NEAREST_DIM_MAX);
    }
    if (metric != MDG_NEAREST_BY_L2SQ && metric != MDG_NEAREST_BY_COSINE) {
        return midge_fail(err, MIDGE_E_INVALID, "unknown metric %d",
                          (int)metric);
    }
    mdg_nearest *index = mdg_alloc_zero(env, 1, sizeof *index);
    if (!index) {
        return mdg_no_memory("an index", err);
    }
    index->env = env;
    index->kernels = mdg_kernels_select(env->cpu);
    index->dim = dim;
    index->metric = metric;
    *out = index;
    return MIDGE_OK;
}

void mdg_nearest_free(mdg_nearest *index) {
    if (!index) {
        return;
    }
    mdg_release(index->env, index->rows, index->capacity * index->dim,
                sizeof(float));
    mdg_release(index->env, index->norms, index->capacity, sizeof(float));
    mdg_release(index->env, index, 1, sizeof *index);
}

size_t mdg_nearest_count(const mdg_nearest *index) {
    return index->count;
}
uint32_t mdg_nearest_dim(const mdg_nearest *index) {
    return index->dim;
}

mdg_nearest_by mdg_nearest_metric(const mdg_nearest *index) {
    return index->metric;
}

const float *mdg_nearest_rows(const mdg_nearest *index) {
    return index->rows;
}

/* The first value that is not finite, or `count`. */
static size_t find_bad(const float *values, size_t count) {
    size_t i = 0;
    while (i < count && values[i] - values[i] == 0.0f) {
        i++;
    }
    return i;
}

/* Room for `wanted` rows in both arrays; both or neither is remembered. */
static midge_status make_room(mdg_nearest *index, size_t wanted) {
    size_t cells;
    if (wanted <= index->capacity) {
        return MIDGE_OK;
    }
    size_t grown = index->capacity ? index->capacity * 2 : wanted;
    grown = grown < wanted ? wanted : grown;
    if (!mdg_multiply_size(grown, index->dim, &cells)) {
        return MIDGE_E_LIMIT;
    }
    float *rows = mdg_alloc(index->env, cells, sizeof(float));
    float *norms = mdg_alloc(index->env, grown, sizeof(float));
    if (!rows || !norms) {
        mdg_release(index->env, rows, cells, sizeof(float));
        mdg_release(index->env, norms, grown, sizeof(float));
        return MIDGE_E_NOMEM;
    }
    if (index->count > 0) {
        memcpy(rows, index->rows, index->count * index->dim * sizeof(float));
        memcpy(norms, index->norms, index->count * sizeof(float));
    }
    mdg_release(index->env, index->rows, index->capacity * index->dim,
                sizeof(float));
    mdg_release(index->env, index->norms, index->capacity, sizeof(float));
    index->rows = rows;
    index->norms = norms;
    index->capacity = grown;
    return MIDGE_OK;
}

static float norm(const mdg_nearest *index, const float *x) {
    return mdg_sqrt_f32(MDG_KERNEL(index->kernels, dot_f32)(index->dim, x, x));
}

midge_status mdg_nearest_add(mdg_nearest *index, size_t n_rows,
                             const float *rows, midge_error *err) {
    if (!index || (!rows && n_rows > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "index or rows missing");
    }
    if (n_rows > UINT32_MAX - 1 - index->count) {
        return midge_fail(err, MIDGE_E_LIMIT, "more than 2^32 - 1 rows");
    }
    size_t count = n_rows * index->dim;
    size_t bad = find_bad(rows, count);
    if (bad < count) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "row %zu has a value that is not finite",
                          bad / index->dim);
    }
    midge_status status = make_room(index, index->count + n_rows);
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "no memory for %zu rows", n_rows);
    }
    if (count > 0) {
        memcpy(index->rows + index->count * index->dim, rows,
               count * sizeof(float));
    }
    for (size_t i = 0; i < n_rows; i++) {
        index->norms[index->count + i] = norm(index, rows + i * index->dim);
    }
    index->count += n_rows;
    return MIDGE_OK;
}

/* Distances of one query to `n` rows from `first`. */
static void measure(const mdg_nearest *index, const float *query,
                    float query_norm, size_t first, size_t n, float *out) {
    const float *rows = index->rows + first * index->dim;
    if (index->metric == MDG_NEAREST_BY_L2SQ) {
        MDG_KERNEL(index->kernels, l2sq_rows_f32)(n, index->dim, rows,
                                                  index->dim, query, out);
        return;
    }
    MDG_KERNEL(index->kernels, gemv_f32)(n, index->dim, rows, index->dim, query,
                                         out);
    for (size_t i = 0; i < n; i++) {
        float scale = query_norm * index->norms[first + i];
        float distance = 1.0f - out[i] / scale;
        distance = distance < 0.0f ? 0.0f : distance; /* rounding */
        /* A norm of 0, or one that overflowed: no direction is known. */
        out[i] = scale > 0.0f && distance == distance ? distance : 1.0f;
    }
}

/* Keeps the k nearest sorted; `seen` rows came before these. */
static void keep_nearest(mdg_neighbour *best, uint32_t k, size_t seen,
                         const float *distances, size_t n) {
    size_t held = seen < k ? seen : k;
    for (size_t i = 0; i < n; i++) {
        float distance = distances[i];
        if (held == k && !(distance < best[k - 1].distance)) {
            continue;
        }
        held += held < k;
        size_t at = held - 1;
        while (at > 0 && best[at - 1].distance > distance) {
            best[at] = best[at - 1];
            at--;
        }
        best[at] = (mdg_neighbour){(uint32_t)(seen + i), distance};
    }
}

static void search_block(const mdg_nearest *index, size_t n_queries,
                         const float *queries, uint32_t k, mdg_neighbour *out) {
    float distances[BLOCK_ROWS];
    float norms[BLOCK_QUERIES];
    size_t step = BLOCK_BYTES / (index->dim * sizeof(float));
    step = step < 8 ? 8 : step > BLOCK_ROWS ? BLOCK_ROWS : step;
    for (size_t q = 0; q < n_queries; q++) {
        norms[q] = norm(index, queries + q * index->dim);
    }
    for (size_t first = 0; first < index->count; first += step) {
        size_t left = index->count - first;
        size_t n = left < step ? left : step;
        for (size_t q = 0; q < n_queries; q++) {
            measure(index, queries + q * index->dim, norms[q], first, n,
                    distances);
            keep_nearest(out + q * k, k, first, distances, n);
        }
    }
}

typedef struct search {
    const mdg_nearest *index;
    const float *queries;
    uint32_t k;
    mdg_neighbour *out;
} search;

/* Queries do not touch each other's places, and no distance depends on which
 * queries are looked at together: the same bits for any number of threads. */
static void search_share(void *arg, size_t begin, size_t end, unsigned worker) {
    (void)worker;
    const search *s = arg;
    for (size_t q = begin; q < end; q += BLOCK_QUERIES) {
        size_t left = end - q;
        search_block(s->index, left < BLOCK_QUERIES ? left : BLOCK_QUERIES,
                     s->queries + q * s->index->dim, s->k, s->out + q * s->k);
    }
}

/* Queries that a thread takes at least: enough work to be worth waking it, and
 * some use of each block of rows once it is in the cache. */
static size_t share_queries(const mdg_nearest *index) {
    size_t enough = SHARE_CELLS / (index->count * index->dim + 1);
    return enough < SHARE_QUERIES ? SHARE_QUERIES : enough;
}

midge_status mdg_nearest_search(const mdg_nearest *index, size_t n_queries,
                                const float *queries, uint32_t k,
                                mdg_neighbour *out) {
    size_t places;
    if (!index || k == 0 || (n_queries > 0 && (!queries || !out)) ||
        !mdg_multiply_size(n_queries, k, &places)) {
        return MIDGE_E_INVALID;
    }
    size_t count = n_queries * index->dim;
    if (find_bad(queries, count) < count) {
        return MIDGE_E_INVALID;
    }
    for (size_t i = 0; i < places; i++) {
        out[i] = (mdg_neighbour){UINT32_MAX, __builtin_inff()};
    }
    search s = {index, queries, k, out};
    mdg_parallel_for(index->env, n_queries, share_queries(index), search_share,
                     &s);
    return MIDGE_OK;
}
