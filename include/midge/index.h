/* index.h: exact k-nearest neighbours.
 *
 * Every query is compared with every row (the oracle that later, approximate
 * indexes are measured against). Distances: squared Euclidean
 * sum (q_i - x_i)^2, which is infinity where it overflows; or cosine
 * 1 - q.x / (|q| |x|), at least 0, and 1 when a norm is 0 or overflows. Ties
 * are broken by the smaller row number, so results are the same bits
 * everywhere.
 */
#ifndef MIDGE_INDEX_H
#define MIDGE_INDEX_H

#include "midge/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midge_index midge_index;

#define MIDGE_INDEX_DIM_MAX 65536

typedef enum midge_metric { /* stored in files: frozen */
                            MIDGE_METRIC_L2SQ = 0,
                            MIDGE_METRIC_COSINE = 1
} midge_metric;

typedef struct midge_neighbour {
    uint32_t row; /* in order of insertion, from 0 */
    float distance;
} midge_neighbour;

MIDGE_API MIDGE_NODISCARD midge_status midge_index_new(const midge_env *env,
                                                       uint32_t dim,
                                                       midge_metric metric,
                                                       midge_index **out,
                                                       midge_error *err);
MIDGE_API void midge_index_free(midge_index *index);

/* Appends n_rows rows of shape (n_rows, dim), copied. NaN and infinity are
 * refused with the row named, and then nothing is added. */
MIDGE_API MIDGE_NODISCARD midge_status midge_index_add(midge_index *index,
                                                       size_t n_rows,
                                                       const float *rows,
                                                       midge_error *err);
MIDGE_API size_t midge_index_count(const midge_index *index);
MIDGE_API uint32_t midge_index_dim(const midge_index *index);
MIDGE_API midge_metric midge_index_metric(const midge_index *index);
/* All rows, (count, dim); borrowed until the next add. */
MIDGE_API const float *midge_index_rows(const midge_index *index);

/* The k nearest rows of each of n_queries queries (n_queries, dim), nearest
 * first: out is (n_queries, k). k is at least 1; when the index has fewer than
 * k rows the rest of a query's places has row UINT32_MAX and distance infinity.
 * MIDGE_E_INVALID when a query has NaN or infinity, and then `out` is as it
 * was. Allocates nothing; any number of threads may search at once. Shares the
 * queries among the env's workers when there is work enough for several.
 * Cost: n_queries times count times dim, blocked for the cache. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_search(const midge_index *index, size_t n_queries,
                   const float *queries, uint32_t k, midge_neighbour *out);

#ifdef __cplusplus
}
#endif
#endif
