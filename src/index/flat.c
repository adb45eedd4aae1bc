/* flat.c: the exact index. Rows are gone through in blocks that stay in the L2
 * cache while all queries pass over them; for one query the rows come in their
 * order, so that a later row never takes the place of an equally near one. */
#include "midge/index.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "kernels/kernels.h"

#define BLOCK_BYTES    ((size_t)192 * 1024)
#define BLOCK_ROWS_MAX 256

struct midge_index {
    const midge_env *env;
    const mdg_kernels *kernels;
    uint32_t dim;
    midge_metric metric;
    size_t count, capacity; /* rows */
    float *rows;            /* (capacity, dim) */
    float *norms;           /* (capacity), cosine only */
};

midge_status midge_index_new(const midge_env *env, uint32_t dim,
                             midge_metric metric, midge_index **out,
                             midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || dim < 1 || dim > MIDGE_INDEX_DIM_MAX ||
        (metric != MIDGE_METRIC_L2SQ && metric != MIDGE_METRIC_COSINE)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "dimension %u is not 1 to %d, or unknown metric", dim,
                          MIDGE_INDEX_DIM_MAX);
    }
    midge_index *index = mdg_alloc_zero(env, 1, sizeof *index);
    if (!index) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for an index");
    }
    index->env = env;
    index->kernels = mdg_kernels_select(env->cpu);
    index->dim = dim;
    index->metric = metric;
    *out = index;
    return MIDGE_OK;
}

void midge_index_free(midge_index *index) {
    if (index) {
        mdg_release(index->env, index->rows, index->capacity * index->dim,
                    sizeof(float));
        mdg_release(index->env, index->norms, index->capacity, sizeof(float));
        mdg_release(index->env, index, 1, sizeof *index);
    }
}

/* New blocks first, so that a failure leaves the index as it was. */
static midge_status grow(midge_index *index, size_t wanted) {
    size_t capacity = index->capacity + index->capacity / 2;
    size_t cells;
    capacity = capacity < wanted ? wanted : capacity;
    if (capacity >= UINT32_MAX ||
        !mdg_multiply_size(capacity, index->dim, &cells)) {
        return MIDGE_E_LIMIT;
    }
    float *norms = NULL;
    float *rows = mdg_alloc(index->env, cells, sizeof *rows);
    if (rows && index->metric == MIDGE_METRIC_COSINE) {
        norms = mdg_alloc(index->env, capacity, sizeof *norms);
    }
    if (!rows || (index->metric == MIDGE_METRIC_COSINE && !norms)) {
        mdg_release(index->env, rows, cells, sizeof *rows);
        return MIDGE_E_NOMEM;
    }
    if (index->count > 0) {
        memcpy(rows, index->rows, index->count * index->dim * sizeof *rows);
        if (norms) {
            memcpy(norms, index->norms, index->count * sizeof *norms);
        }
    }
    mdg_release(index->env, index->rows, index->capacity * index->dim,
                sizeof *rows);
    mdg_release(index->env, index->norms, index->capacity, sizeof *norms);
    index->rows = rows;
    index->norms = norms;
    index->capacity = capacity;
    return MIDGE_OK;
}

static float norm_of(const midge_index *index, const float *x) {
    return mdg_sqrt_f32(index->kernels->dot_f32(index->dim, x, x));
}

midge_status midge_index_add(midge_index *index, size_t n_rows,
                             const float *rows, midge_error *err) {
    if (!index || (n_rows > 0 && !rows)) {
        return midge_fail(err, MIDGE_E_INVALID, "an argument is NULL");
    }
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t j = 0; j < index->dim; j++) {
            float v = rows[r * index->dim + j];
            if (v - v != 0.0f) {
                return midge_fail(err, MIDGE_E_INVALID,
                                  "row %zu: a value is not finite", r);
            }
        }
    }
    if (n_rows == 0) {
        return MIDGE_OK;
    }
    if (n_rows > index->capacity - index->count) {
        if (n_rows > UINT32_MAX - index->count) {
            return midge_fail(err, MIDGE_E_LIMIT, "too many rows");
        }
        midge_status status = grow(index, index->count + n_rows);
        if (status != MIDGE_OK) {
            return midge_fail(err, status, "no room for %zu rows more", n_rows);
        }
    }
    memcpy(index->rows + index->count * index->dim, rows,
           n_rows * index->dim * sizeof *rows);
    for (size_t r = 0; index->norms && r < n_rows; r++) {
        index->norms[index->count + r] = norm_of(index, rows + r * index->dim);
    }
    index->count += n_rows;
    return MIDGE_OK;
}

size_t midge_index_count(const midge_index *index) {
    return index->count;
}

uint32_t midge_index_dim(const midge_index *index) {
    return index->dim;
}

midge_metric midge_index_metric(const midge_index *index) {
    return index->metric;
}

const float *midge_index_rows(const midge_index *index) {
    return index->rows;
}

/* Distances of n rows from the first-th on to one query. */
static void distances(const midge_index *index, size_t first, size_t n,
                      const float *query, float *out) {
    const float *rows = index->rows + first * index->dim;
    if (index->metric == MIDGE_METRIC_L2SQ) {
        index->kernels->l2sq_rows_f32(n, index->dim, rows, index->dim, query,
                                      out);
        return;
    }
    index->kernels->gemv_f32(n, index->dim, rows, index->dim, query, out);
    float norm = norm_of(index, query);
    for (size_t i = 0; i < n; i++) {
        float scale = norm * index->norms[first + i];
        out[i] = scale > 0.0f ? 1.0f - out[i] / scale : 1.0f;
    }
}

/* Into its place among the k best, behind those that are as near. */
static void insert(midge_neighbour *best, uint32_t k, uint32_t row,
                   float distance) {
    uint32_t at = k - 1;
    while (at > 0 && best[at - 1].distance > distance) {
        best[at] = best[at - 1];
        at--;
    }
    best[at] = (midge_neighbour){row, distance};
}

midge_status midge_index_search(const midge_index *index, size_t n_queries,
                                const float *queries, uint32_t k,
                                midge_neighbour *out) {
    if (!index || k == 0 || (n_queries > 0 && (!queries || !out))) {
        return MIDGE_E_INVALID;
    }
    for (size_t i = 0; i < n_queries * k; i++) {
        out[i] = (midge_neighbour){UINT32_MAX, __builtin_inff()};
    }
    size_t step = BLOCK_BYTES / (index->dim * sizeof(float));
    step = step < 4 ? 4 : step > BLOCK_ROWS_MAX ? BLOCK_ROWS_MAX : step;
    float d[BLOCK_ROWS_MAX];
    for (size_t first = 0; first < index->count; first += step) {
        size_t n = index->count - first < step ? index->count - first : step;
        for (size_t q = 0; q < n_queries; q++) {
            midge_neighbour *best = out + q * k;
            distances(index, first, n, queries + q * index->dim, d);
            for (size_t i = 0; i < n; i++) {
                if (d[i] < best[k - 1].distance) {
                    insert(best, k, (uint32_t)(first + i), d[i]);
                }
            }
        }
    }
    return MIDGE_OK;
}
