/* exact.h: what the exact_*.c files share: queries against every row.
 *
 *   exact.c         who does what: queries or rows are shared among workers
 *   exact_rows.c    which rows live and pass, block by block
 *   exact_scan.c    blocks of rows measured by the scorer of each query
 *   exact_filter.c  the same for many queries at once: products of matrices
 *                   tell which few rows need to be measured
 *   exact_best.h    the k nearest so far
 */
#ifndef MDG_EXACT_H
#define MDG_EXACT_H

#include "index/exact_best.h"
#include "index/index_internal.h"

#define MDG_EXACT_ROWS 256u /* of a block, at most */

/* What is searched, the same for all queries. */
typedef struct mdg_exact {
    const midge_index *index;
    const midge_query *query;
    uint64_t *pass;     /* (n_rows / 64 + 1) bits; NULL: every row */
    uint32_t n_pass;    /* rows that live and pass */
    uint32_t n_block;   /* rows of a block */
    uint32_t n_queries; /* looked at together, at most */
    int by_products;    /* exact_filter.c */
} mdg_exact;

/* Some queries made ready. */
typedef struct mdg_exact_queries {
    uint32_t first;
    uint32_t count;
    mdg_scorer *scorers; /* (n_queries) */
    /* By products. */
    float *transposed; /* (dim, count) */
    float *norms;      /* (n_queries), Euclidean */
} mdg_exact_queries;

/* Rows looked at together. */
typedef struct mdg_exact_block {
    uint32_t count;
    uint32_t rows[MDG_EXACT_ROWS]; /* ascending */
} mdg_exact_block;

/* What a worker needs for itself. */
typedef struct mdg_exact_scratch {
    mdg_exact_block block;
    float distances[MDG_EXACT_ROWS];
    float *decoded; /* (dim): for scorers, one at a time */
    /* By products; of rows, then of queries. */
    float *floats; /* (n_block, dim): rows that are not floats in a run */
    float scales[MDG_EXACT_ROWS];
    float biases[MDG_EXACT_ROWS];
    float *products;  /* (n_block, n_queries) */
    float *limits;    /* (n_queries) */
    uint32_t *picked; /* (n_queries) */
    /* Blocks yet to be scanned, since products said little, and of how many. */
    uint32_t plain, plain_run;
} mdg_exact_scratch;

/* Finds which rows live and pass. */
midge_status mdg_exact_rows_init(mdg_exact *e, midge_error *err);
void mdg_exact_rows_deinit(mdg_exact *e);
/* Makes sure that the rows that will be read are there and whole. */
midge_status mdg_exact_rows_need(const mdg_exact *e, midge_error *err);
/* The next of them from `row` on and below `end`, as many as a block takes;
 * returns where to go on. */
uint32_t mdg_exact_rows_next(const mdg_exact *e, uint32_t row, uint32_t end,
                             mdg_exact_block *block);

/* Measures the rows of scratch->block, and offers them to best (count). */
void mdg_exact_scan(const mdg_exact_queries *queries,
                    mdg_exact_scratch *scratch, mdg_best *best);

/* Is the way by products the faster one? Else the sizes of blocks are not
 * used. */
int mdg_exact_filter_pays(const mdg_exact *e);
/* Makes `transposed` and `norms` of queries, whose scorers are ready. */
void mdg_exact_filter_begin(const mdg_exact *e, mdg_exact_queries *queries,
                            const float *vectors);
/* As mdg_exact_scan. */
void mdg_exact_filter(const mdg_exact *e, const mdg_exact_queries *queries,
                      mdg_exact_scratch *scratch, mdg_best *best);

#endif
