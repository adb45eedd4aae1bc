/* search_plan.c: which way a query goes.
 *
 * Measured on 100,000 rows of 128 floats: a step of a walk takes as long as 26
 * rows that a query is compared with alone, one after the other; 16 queries or
 * more that are compared together take a tenth of that for a row. Where the
 * walk looks at all that is near, filter or not, it answers as well as asked
 * for; comparing answers exactly. So an exact answer is given where it takes
 * no longer.
 */
#include "index/search_plan.h"

/* What a step of a walk costs, in rows read one after the other. */
#define STEP_ROWS 32.0
/* What a filter costs for a row, in the same: runs of rows are looked at. */
#define FILTER_ROWS 0.1
/* Queries that are compared with all rows together share the reading. */
#define TOGETHER       16u
#define TOGETHER_SHARE 0.25
/* Rows drawn to estimate a filter; more when few of them passed. */
#define SAMPLE_FEW   256u
#define SAMPLE_MANY  2048u
#define SAMPLE_DOUBT 0.1
/* Lead of the walk over what passes, against bad luck. */
#define LEAD 2.0

midge_status mdg_search_check(const midge_index *index, const midge_query *q,
                              midge_error *err) {
    if (q->k == 0 || (q->count > 0 && !q->vectors)) {
        return midge_fail(err, MIDGE_E_INVALID, "k is 0, or vectors missing");
    }
    if (q->ef > MIDGE_INDEX_EF_MAX) {
        return midge_fail(err, MIDGE_E_INVALID, "ef is %u, at most %u", q->ef,
                          MIDGE_INDEX_EF_MAX);
    }
    if (q->within && q->radius != q->radius) {
        return midge_fail(err, MIDGE_E_INVALID, "the radius is not a number");
    }
    if (index->options.storage == MIDGE_STORAGE_BINARY) {
        return MIDGE_OK;
    }
    const float *x = q->vectors;
    for (size_t i = 0; i < q->count; i++, x += index->options.dim) {
        for (size_t j = 0; j < index->options.dim; j++) {
            if (x[j] - x[j] != 0.0f) {
                return midge_fail(err, MIDGE_E_INVALID,
                                  "query %zu: value %zu is not finite", i, j);
            }
        }
    }
    return MIDGE_OK;
}

static double estimate(const midge_filter *filter) {
    double share = mdg_filter_estimate(filter, SAMPLE_FEW);
    return share >= SAMPLE_DOUBT ? share
                                 : mdg_filter_estimate(filter, SAMPLE_MANY);
}

/* Are walked distances not those of the storage? */
static int is_rough(const midge_index *index) {
    return index->codes.data || index->options.storage == MIDGE_STORAGE_INT8;
}

static uint32_t at_most(double x, uint32_t most) {
    return x < (double)most ? (uint32_t)x : most;
}

static uint32_t larger(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

mdg_search_plan mdg_search_plan_make(const midge_index *index,
                                     const midge_query *q) {
    const uint32_t live = index->n_rows - index->n_dead;
    mdg_search_plan p = {.selectivity = q->filter ? estimate(q->filter) : 1.0};
    p.k = q->k < live ? q->k : live;
    p.ef = q->ef ? q->ef : index->options.ef;
    p.ef = q->within ? p.ef : larger(p.ef, p.k);
    p.found = larger(p.ef, p.k);
    p.pass = q->filter || index->n_dead > index->n_free;
    double share = p.selectivity * live / (double)larger(index->n_rows, 1);
    double steps = p.pass ? p.ef / (share > 0.0 ? share : 1e-9) : p.ef;
    double rows = p.selectivity * live + (q->filter ? FILTER_ROWS * live : 0.0);
    if (q->filter && q->count >= TOGETHER) {
        rows *= TOGETHER_SHARE;
    }
    p.exact = q->exact || !index->has_graph || live == 0 ||
              index->graph.entry == MDG_NO_NODE || steps * STEP_ROWS > rows;
    p.limit = p.pass ? at_most(LEAD * steps + p.found, index->n_rows) : p.found;
    p.found = p.pass ? p.found : 0;
    if (is_rough(index)) {
        p.rescore = q->within ? larger(p.ef, p.k) : 2 * p.k + 16;
    }
    return p;
}
