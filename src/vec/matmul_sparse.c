/* matmul_sparse.c: the decision for sparse rows, and their products shared by
 * rows. */
#include "vec/matmul_sparse.h"

#include <string.h>

#include "base/parallel.h"

/* Never more elements than this share of all; what scratch is made for. */
#define PERCENT_MAX 50
/* Products of a share: some 30 us. */
#define SHARE_PRODUCTS ((size_t)1 << 20)
/* A look at this many rows comes before all of more than ROWS_LARGE. */
#define ROWS_LOOKED 8
#define ROWS_LARGE  64

/* Elements of 100 up to which sparse products were faster in all of forward,
 * or forward, transpose and gradient together (784 columns, AVX-512; fewer
 * lanes gain more). Few columns of C have few sums under way, and a product
 * of one row reads each weight for one row only. */
static size_t percent_for(size_t rows, size_t n) {
    if (rows < 4) {
        return PERCENT_MAX;
    }
    return n >= 64 ? 40 : n >= 32 ? 25 : 15;
}

static size_t share_of(size_t all, size_t percent) {
    return all / 100 * percent + all % 100 * percent / 100;
}

/* Words of one compressed matrix. */
static size_t words(size_t rows, size_t count) {
    return rows + 1 + 2 * (count + MDG_COMPRESS_ROOM);
}

size_t mdg_sparse_bytes(size_t rows, size_t cols, int transposed) {
    size_t all;
    if (rows >= UINT32_MAX || cols >= UINT32_MAX ||
        __builtin_mul_overflow(rows, cols, &all) || all > SIZE_MAX / 32 ||
        all >= UINT32_MAX) {
        return 0;
    }
    const size_t count = share_of(all, PERCENT_MAX);
    const size_t n = words(rows, count) + (transposed ? words(cols, count) : 0);
    return (n * sizeof(uint32_t) + 63) / 64 * 64;
}

/* Cuts the memory of a matrix of up to `count` elements. */
static void cut(mdg_sparse *s, void *scratch, size_t count) {
    s->row_start = scratch;
    s->column = s->row_start + s->rows + 1;
    s->value = (float *)(s->column + count + MDG_COMPRESS_ROOM);
    s->rest = s->value + count + MDG_COMPRESS_ROOM;
}

int mdg_sparse_take(const mdg_kernels *kernels, size_t rows, size_t cols,
                    const float *x, size_t stride, size_t n, void *scratch,
                    mdg_sparse *out) {
    const size_t percent = percent_for(rows, n);
    *out = (mdg_sparse){.rows = rows, .cols = cols};
    if (rows == 0 || cols < MDG_SPARSE_COLUMNS_MIN) {
        return 0;
    }
    cut(out, scratch, share_of(rows * cols, PERCENT_MAX));
    if (rows > ROWS_LARGE &&
        MDG_KERNEL(kernels, compress_f32)(
            ROWS_LOOKED, cols, x, rows / ROWS_LOOKED * stride,
            share_of(ROWS_LOOKED * cols, percent), out->row_start, out->column,
            out->value) == SIZE_MAX) {
        return 0;
    }
    out->count = MDG_KERNEL(kernels, compress_f32)(
        rows, cols, x, stride, share_of(rows * cols, percent), out->row_start,
        out->column, out->value);
    return out->count != SIZE_MAX;
}

/* By counting: how many elements a column has says where its row begins. Row
 * j's end moves from where it begins while it fills, and start[j + 1] is where
 * row j begins until then. */
void mdg_sparse_transpose(mdg_sparse *a) {
    mdg_sparse t = {.rows = a->cols, .cols = a->rows, .count = a->count};
    cut(&t, a->rest, a->count);
    uint32_t *at = t.row_start;
    memset(at, 0, (t.rows + 1) * sizeof *at);
    for (size_t e = 0; e < a->count; e++) {
        at[a->column[e] + 1]++;
    }
    uint32_t begin = 0;
    for (size_t j = 0; j < t.rows; j++) {
        const uint32_t count = at[j + 1];
        at[j + 1] = begin;
        begin += count;
    }
    for (size_t i = 0; i < a->rows; i++) {
        for (size_t e = a->row_start[i]; e < a->row_start[i + 1]; e++) {
            const uint32_t to = at[a->column[e] + 1]++;
            t.column[to] = (uint32_t)i;
            t.value[to] = a->value[e];
        }
    }
    *a = t;
}

typedef struct job {
    const mdg_kernels *kernels;
    mdg_spmm whole;
    size_t unit; /* rows of a block */
} job;

static void multiply_rows(void *arg, size_t begin, size_t end,
                          unsigned worker) {
    const job *j = arg;
    mdg_spmm p = j->whole;
    (void)worker;
    const size_t first = begin * j->unit;
    const size_t last = end * j->unit < p.m ? end * j->unit : p.m;
    p.m = last - first;
    p.row_start += first;
    p.c += first * p.ldc;
    MDG_KERNEL(j->kernels, spmm_csr_f32)(&p);
}

void mdg_sparse_matmul(const midge_env *env, const mdg_kernels *kernels,
                       const mdg_sparse *a, const mdg_gemm *g) {
    job j = {.kernels = kernels,
             .whole = {.m = a->rows,
                       .n = g->n,
                       .row_start = a->row_start,
                       .column = a->column,
                       .value = a->value,
                       .b = g->b,
                       .ldb = g->ldb,
                       .c = g->c,
                       .ldc = g->ldc,
                       .bias = g->bias,
                       .activate = g->activate},
             .unit = 8};
    const size_t blocks = (a->rows + j.unit - 1) / j.unit;
    const size_t all = (a->count + a->rows) * g->n;
    if (mdg_workers(env) == 1 || all < 2 * SHARE_PRODUCTS) {
        MDG_KERNEL(kernels, spmm_csr_f32)(&j.whole);
        return;
    }
    const size_t one = all / blocks + 1;
    mdg_parallel_for(env, blocks, SHARE_PRODUCTS / one + 1, multiply_rows, &j);
}
