/* pool_entry.c: what JavaScript calls in midge-threads-*.wasm: work on many
 * rows, in shares. Every result is that of one thread, bit for bit: a share
 * computes rows of its own with the kernels that one thread would use.
 *
 * A matrix and an index are made, filled and freed by the caller only.
 */
#include "base/parallel.h"
#include "entry.h"
#include "kernels/kernels.h"
#include "pool_loop.h"
#include "vec/matmul.h"
#include "vec/nearest.h"

/* Work that a share has at least, in elements: some ten microseconds. */
#define SHARE_CELLS   65536u
#define NEAREST_K_MAX 65536u

enum { ROWS_DOT = 0, ROWS_L2SQ = 1 };

/* One vector against the rows of a matrix (n_rows, n_cols). */
typedef struct rows_job {
    int operation;
    size_t n_cols;
    const float *rows;
    const float *x;
    float *out; /* (n_rows) */
} rows_job;

/* The k nearest of each block of rows. */
typedef struct nearest_job {
    rows_job compare;
    size_t n_rows;
    size_t block; /* rows of one */
    size_t n_blocks;
    size_t k;
    float *value;  /* (n_blocks, k); NaN where there is none */
    uint32_t *row; /* (n_blocks, k) */
} nearest_job;

EXPORT(pool_rows)
int entry_pool_rows(int operation, size_t n_rows, size_t n_cols,
                    const float *rows, const float *x, float *out);
EXPORT(pool_nearest)
int entry_pool_nearest(int operation, size_t n_rows, size_t n_cols,
                       const float *rows, const float *x, size_t k,
                       float *distances, uint32_t *found);
EXPORT(pool_gemm) int entry_pool_gemm(const mdg_gemm *g);
EXPORT(index_open) mdg_nearest *entry_index_open(uint32_t dim, int metric);
EXPORT(index_close) void entry_index_close(mdg_nearest *index);
EXPORT(index_add)
int entry_index_add(mdg_nearest *index, size_t n_rows, const float *rows);
EXPORT(index_search)
int entry_index_search(const mdg_nearest *index, size_t n_queries,
                       const float *queries, uint32_t k, mdg_neighbour *out);

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

int entry_pool_gemm(const mdg_gemm *g) {
    MIDGE_TRY(pool_health(&entry_error));
    mdg_matmul(&pool_env, mdg_kernels_select(pool_env.cpu), g,
               MDG_MATMUL_SAME_BITS);
    return (int)pool_health(&entry_error);
}

static void nearest_in_blocks(void *arg, size_t begin, size_t end,
                              unsigned worker) {
    const nearest_job *job = arg;
    for (size_t b = begin; b < end; b++) {
        const size_t first = b * job->block;
        const size_t left = job->n_rows - first;
        const size_t n = left < job->block ? left : job->block;
        float *distances = job->compare.out + first;
        compare_rows(arg, first, first + n, worker); /* its first field */
        for (size_t i = 0; i < n && job->compare.operation == ROWS_DOT; i++) {
            distances[i] = -distances[i];
        }
        float *value = job->value + b * job->k;
        uint32_t *row = job->row + b * job->k;
        const size_t held =
            MDG_KERNEL(NULL, top_k_f32)(n, distances, job->k, value, row);
        for (size_t i = 0; i < held; i++) {
            row[i] += (uint32_t)first;
        }
        for (size_t i = held; i < job->k; i++) {
            value[i] = __builtin_nanf("");
        }
    }
}

/* Blocks have at least 4 k rows, so that the lists take no more memory than the
 * distances; 64-bit, for all of it is refused when there is none. */
static void *take_scratch(nearest_job *job, size_t *bytes) {
    const size_t least = rows_per_share(job->compare.n_cols);
    job->block = least < 4 * job->k ? 4 * job->k : least;
    job->n_blocks = job->n_rows / job->block + (job->n_rows % job->block != 0);
    const uint64_t listed = (uint64_t)job->n_blocks * job->k;
    const uint64_t wanted =
        (job->n_rows + listed) * sizeof(float) + listed * sizeof(uint32_t);
    *bytes = wanted < SIZE_MAX ? (size_t)wanted : SIZE_MAX;
    float *scratch = entry_alloc(*bytes);
    if (scratch) {
        job->compare.out = scratch;
        job->value = scratch + job->n_rows;
        job->row = (uint32_t *)(void *)(job->value + listed);
    }
    return scratch;
}

/* The best of a block's best: of equal distances the one in the earlier place
 * of the earlier block is chosen, which is the smaller row. */
static void merge(const nearest_job *job, float *distances, uint32_t *rows) {
    const size_t found = MDG_KERNEL(NULL, top_k_f32)(
        job->n_blocks * job->k, job->value, job->k, distances, rows);
    for (size_t i = 0; i < job->k; i++) {
        distances[i] = i < found ? distances[i] : __builtin_inff();
        rows[i] = i < found ? job->row[rows[i]] : UINT32_MAX;
    }
}

int entry_pool_nearest(int operation, size_t n_rows, size_t n_cols,
                       const float *rows, const float *x, size_t k,
                       float *distances, uint32_t *found) {
    nearest_job job = {.compare = {operation, n_cols, rows, x, NULL},
                       .n_rows = n_rows,
                       .k = k};
    size_t bytes;
    if (k == 0 || k > NEAREST_K_MAX) {
        return (int)midge_fail(&entry_error, MIDGE_E_INVALID,
                               "k is %zu, it must be 1 to %u", k,
                               NEAREST_K_MAX);
    }
    MIDGE_TRY(pool_health(&entry_error));
    void *scratch = n_rows > 0 ? take_scratch(&job, &bytes) : NULL;
    if (!scratch && n_rows > 0) {
        return (int)midge_fail(&entry_error, MIDGE_E_NOMEM,
                               "no memory for %zu distances", n_rows);
    }
    mdg_parallel_for(&pool_env, job.n_blocks, 1, nearest_in_blocks, &job);
    merge(&job, distances, found);
    entry_release(scratch, scratch ? bytes : 0);
    return (int)pool_health(&entry_error);
}

mdg_nearest *entry_index_open(uint32_t dim, int metric) {
    mdg_nearest *index;
    (void)!mdg_nearest_new(&pool_env, dim, (mdg_nearest_by)metric, &index,
                           &entry_error);
    return index;
}

void entry_index_close(mdg_nearest *index) {
    mdg_nearest_free(index);
}

int entry_index_add(mdg_nearest *index, size_t n_rows, const float *rows) {
    return (int)mdg_nearest_add(index, n_rows, rows, &entry_error);
}

int entry_index_search(const mdg_nearest *index, size_t n_queries,
                       const float *queries, uint32_t k, mdg_neighbour *out) {
    MIDGE_TRY(pool_health(&entry_error));
    midge_status status = mdg_nearest_search(index, n_queries, queries, k, out);
    if (status != MIDGE_OK) {
        return (int)midge_fail(&entry_error, status,
                               "k is 0, or a query is not finite");
    }
    return (int)pool_health(&entry_error);
}
