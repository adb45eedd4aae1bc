/* matmul.c: C is cut into blocks of whole rows, or of columns when there are
 * few rows. An element of C is one chain of sums that no cut reaches, so the
 * cuts show in no bit. Each share packs what it reads of B for itself: with
 * blocks of many rows that is little. */
#include "vec/matmul.h"

#include "base/parallel.h"

/* Rows in multiples of every height of a tile, columns of every width. */
#define ROW_UNIT    28
#define COLUMN_UNIT 128
/* Products of a share: 30 us where they are fastest. */
#define SHARE_PRODUCTS ((size_t)1 << 21)

typedef struct job {
    const mdg_kernels *kernels;
    const mdg_gemm *whole;
    mdg_matmul_how how;
} job;

static void multiply(const job *j, const mdg_gemm *g) {
    if (j->how == MDG_MATMUL_FAST) {
        MDG_KERNEL(j->kernels, gemm_fast_f32)(g);
    } else {
        MDG_KERNEL(j->kernels, gemm_f32)(g);
    }
}

/* Where the block `end` begins, or the end of the matrix. */
static size_t edge(size_t end, size_t unit, size_t size) {
    return end < size / unit + 1 ? end * unit : size;
}

static void multiply_rows(void *arg, size_t begin, size_t end,
                          unsigned worker) {
    const job *j = arg;
    mdg_gemm g = *j->whole;
    (void)worker;
    const size_t first = begin * ROW_UNIT;
    g.m = edge(end, ROW_UNIT, g.m) - first;
    g.a += first * g.a_row;
    g.c += first * g.ldc;
    multiply(j, &g);
}

static void multiply_columns(void *arg, size_t begin, size_t end,
                             unsigned worker) {
    const job *j = arg;
    mdg_gemm g = *j->whole;
    (void)worker;
    const size_t first = begin * COLUMN_UNIT;
    g.n = edge(end, COLUMN_UNIT, g.n) - first;
    g.b += first;
    g.c += first;
    g.bias = g.bias != NULL ? g.bias + first : NULL;
    multiply(j, &g);
}

static size_t units(size_t size, size_t unit) {
    return size / unit + (size % unit != 0);
}

/* x y, or the most there is. */
static size_t product(size_t x, size_t y) {
    size_t z;
    return __builtin_mul_overflow(x, y, &z) ? SIZE_MAX : z;
}

void mdg_matmul(const midge_env *env, const mdg_kernels *kernels,
                const mdg_gemm *g, mdg_matmul_how how) {
    job j = {.kernels = kernels, .whole = g, .how = how};
    const size_t rows = units(g->m, ROW_UNIT);
    const size_t columns = units(g->n, COLUMN_UNIT);
    const size_t all = product(product(g->m, g->n), g->k);
    if (mdg_workers(env) == 1 || all < 2 * SHARE_PRODUCTS) {
        multiply(&j, g);
        return;
    }
    const int by_rows = rows >= columns || rows >= 4 * mdg_workers(env);
    const size_t blocks = by_rows ? rows : columns;
    const size_t one = all / blocks + 1;
    mdg_parallel_for(env, blocks, units(SHARE_PRODUCTS, one),
                     by_rows ? multiply_rows : multiply_columns, &j);
}
