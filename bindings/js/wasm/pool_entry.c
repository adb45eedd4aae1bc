/* pool_entry.c: what JavaScript calls in midge-threads-*.wasm: work on many
 * rows, in shares. Every result is that of one thread, bit for bit: a share
 * computes rows of its own with the kernels that one thread would use.
 *
 * A matrix and an index are made, filled and freed by the caller only.
 */
#include "base/parallel.h"
#include "entry.h"
#include "kernels/kernels.h"
#include "midge/index.h"
#include "pool_loop.h"

/* Work that a share has at least, in elements: some ten microseconds. */
#define SHARE_CELLS   65536u
#define NEAREST_K_MAX 1024u
#define GEMM_ROWS_MIN 16u /* whole tiles of registers */

enum { ROWS_DOT = 0, ROWS_L2SQ = 1 };

/* One vector against the rows of a matrix (n_rows, n_cols). */
typedef struct rows_job {
    int operation;
    size_t n_cols;
    const float *rows;
    const float *x;
    float *out; /* (n_rows) */
} rows_job;

/* The k best seen so far: by distance, then by row. That order is total, so
 * that the best of several lists do not depend on who saw which row. */
typedef struct best_list {
    uint32_t held;
    midge_neighbour *items; /* (k) */
} best_list;

typedef struct nearest_job {
    rows_job compare;
    uint32_t k;
    best_list *lists; /* one for each worker */
} nearest_job;

EXPORT(pool_rows)
int entry_pool_rows(int operation, size_t n_rows, size_t n_cols,
                    const float *rows, const float *x, float *out);
EXPORT(pool_nearest)
int entry_pool_nearest(int operation, size_t n_rows, size_t n_cols,
                       const float *rows, const float *x, uint32_t k,
                       midge_neighbour *out);
EXPORT(pool_gemm) int entry_pool_gemm(const mdg_gemm *g);
EXPORT(index_open) midge_index *entry_index_open(uint32_t dim, int metric);
EXPORT(index_close) void entry_index_close(midge_index *index);
EXPORT(index_add)
int entry_index_add(midge_index *index, size_t n_rows, const float *rows);
EXPORT(index_search)
int entry_index_search(const midge_index *index, size_t n_queries,
                       const float *queries, uint32_t k, midge_neighbour *out);

static size_t rows_per_share(size_t n_cols) {
    return SHARE_CELLS / (n_cols + 1) + 1;
}

static void compare_rows(void *arg, size_t begin, size_t end, unsigned worker) {
    const rows_job *job = arg;
    const float *rows = job->rows + begin * job->n_cols;
    (void)worker;
    if (job->operation == ROWS_L2SQ) {
        MDG_KERNEL(NULL, l2sq_rows_f32)
        (end - begin, job->n_cols, rows, job->n_cols, job->x, job->out + begin);
    } else {
        MDG_KERNEL(NULL, gemv_f32)
        (end - begin, job->n_cols, rows, job->n_cols, job->x, job->out + begin);
    }
}

int entry_pool_rows(int operation, size_t n_rows, size_t n_cols,
                    const float *rows, const float *x, float *out) {
    rows_job job = {.operation = operation,
                    .n_cols = n_cols,
                    .rows = rows,
                    .x = x,
                    .out = out};
    midge_status status = pool_health(&entry_error);
    if (status == MIDGE_OK) {
        mdg_parallel_for(&pool_env, n_rows, rows_per_share(n_cols),
                         compare_rows, &job);
        status = pool_health(&entry_error);
    }
    return (int)status;
}

/* Rows of the result are independent, and any blocking gives the same bits. */
static void multiply_share(void *arg, size_t begin, size_t end,
                           unsigned worker) {
    const mdg_gemm *whole = arg;
    mdg_gemm g = *whole;
    (void)worker;
    g.m = end - begin;
    g.a += begin * g.a_row;
    g.c += begin * g.ldc;
    MDG_KERNEL(NULL, gemm_f32)(&g);
}

int entry_pool_gemm(const mdg_gemm *g) {
    mdg_gemm job = *g;
    const uint64_t cells = (uint64_t)g->n * g->k;
    size_t rows = cells < SHARE_CELLS ? rows_per_share((size_t)cells) : 1;
    MIDGE_TRY(pool_health(&entry_error));
    mdg_parallel_for(&pool_env, g->m,
                     rows < GEMM_ROWS_MIN ? GEMM_ROWS_MIN : rows,
                     multiply_share, &job);
    return (int)pool_health(&entry_error);
}

static void keep(best_list *list, uint32_t k, midge_neighbour n) {
    midge_neighbour *items = list->items;
    uint32_t at = list->held < k ? list->held : k - 1;
    if (list->held == k &&
        !(n.distance < items[at].distance ||
          (n.distance == items[at].distance && n.row < items[at].row))) {
        return;
    }
    list->held += list->held < k;
    while (at > 0 && (n.distance < items[at - 1].distance ||
                      (n.distance == items[at - 1].distance &&
                       n.row < items[at - 1].row))) {
        items[at] = items[at - 1];
        at--;
    }
    items[at] = n;
}

static void nearest_in_share(void *arg, size_t begin, size_t end,
                             unsigned worker) {
    const nearest_job *job = arg;
    const float sign = job->compare.operation == ROWS_DOT ? -1.0f : 1.0f;
    compare_rows(arg, begin, end, worker); /* `compare` is its first field */
    for (size_t i = begin; i < end; i++) {
        float distance = sign * job->compare.out[i];
        distance = distance == distance ? distance : __builtin_inff();
        keep(&job->lists[worker], job->k,
             (midge_neighbour){(uint32_t)i, distance});
    }
}

/* The scratch memory of one search: distances, a list and k places for each
 * worker. NULL when there is none. */
static void *take_scratch(nearest_job *job, size_t n_rows, size_t *bytes) {
    const unsigned workers = mdg_workers(&pool_env);
    const uint64_t wanted =
        (uint64_t)n_rows * sizeof(float) +
        workers * (sizeof(best_list) + job->k * sizeof(midge_neighbour));
    *bytes = (size_t)wanted;
    char *scratch = wanted < SIZE_MAX ? entry_alloc(*bytes) : NULL;
    if (!scratch) {
        return NULL;
    }
    job->lists = (best_list *)(void *)scratch;
    midge_neighbour *items = (midge_neighbour *)(job->lists + workers);
    for (unsigned w = 0; w < workers; w++) {
        job->lists[w] = (best_list){0, items + w * job->k};
    }
    job->compare.out = (float *)(items + workers * job->k);
    return scratch;
}

int entry_pool_nearest(int operation, size_t n_rows, size_t n_cols,
                       const float *rows, const float *x, uint32_t k,
                       midge_neighbour *out) {
    nearest_job job = {.compare = {operation, n_cols, rows, x, NULL}, .k = k};
    best_list all = {0, out};
    size_t bytes;
    if (k == 0 || k > NEAREST_K_MAX) {
        return (int)midge_fail(&entry_error, MIDGE_E_INVALID,
                               "k is %u, it must be 1 to %u", k, NEAREST_K_MAX);
    }
    midge_status status = pool_health(&entry_error);
    if (status != MIDGE_OK) {
        return (int)status;
    }
    void *scratch = take_scratch(&job, n_rows, &bytes);
    if (!scratch) {
        return (int)midge_fail(&entry_error, MIDGE_E_NOMEM,
                               "no memory for %zu distances", n_rows);
    }
    mdg_parallel_for(&pool_env, n_rows, rows_per_share(n_cols),
                     nearest_in_share, &job);
    for (unsigned w = 0; w < mdg_workers(&pool_env); w++) {
        for (uint32_t i = 0; i < job.lists[w].held; i++) {
            keep(&all, k, job.lists[w].items[i]);
        }
    }
    for (uint32_t i = all.held; i < k; i++) {
        out[i] = (midge_neighbour){UINT32_MAX, __builtin_inff()};
    }
    entry_release(scratch, bytes);
    return (int)pool_health(&entry_error);
}

midge_index *entry_index_open(uint32_t dim, int metric) {
    midge_index *index;
    (void)!midge_index_new(&pool_env, dim, (midge_metric)metric, &index,
                           &entry_error);
    return index;
}

void entry_index_close(midge_index *index) {
    midge_index_free(index);
}

int entry_index_add(midge_index *index, size_t n_rows, const float *rows) {
    return (int)midge_index_add(index, n_rows, rows, &entry_error);
}

int entry_index_search(const midge_index *index, size_t n_queries,
                       const float *queries, uint32_t k, midge_neighbour *out) {
    MIDGE_TRY(pool_health(&entry_error));
    midge_status status = midge_index_search(index, n_queries, queries, k, out);
    if (status != MIDGE_OK) {
        return (int)midge_fail(&entry_error, status,
                               "k is 0, or a query is not finite");
    }
    return (int)pool_health(&entry_error);
}
