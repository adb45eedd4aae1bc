/* nearest.h: rows of floats, and the nearest of them by comparing with all:
 * what an index with ids and files is too much for.
 *
 * Distances are those of midge/index.h, but that a cosine is divided by the
 * product of both norms at once. Ties are broken by the smaller row number, so
 * results are the same bits everywhere.
 */
#ifndef MDG_NEAREST_H
#define MDG_NEAREST_H

#include "midge/env.h"

#define MDG_NEAREST_DIM_MAX 65536u

typedef struct mdg_nearest mdg_nearest;

typedef enum mdg_nearest_by { /* stored in model files: frozen */
                              MDG_NEAREST_BY_L2SQ = 0,
                              MDG_NEAREST_BY_COSINE = 1
} mdg_nearest_by;

typedef struct mdg_neighbour {
    uint32_t row; /* in order of insertion, from 0 */
    float distance;
} mdg_neighbour;

/* l2sq or cosine. */
MIDGE_NODISCARD midge_status mdg_nearest_new(const midge_env *env, uint32_t dim,
                                             mdg_nearest_by metric,
                                             mdg_nearest **out,
                                             midge_error *err);
void mdg_nearest_free(mdg_nearest *index);

/* Appends n_rows rows of shape (n_rows, dim), copied. NaN and infinity are
 * refused with the row named, and then nothing is added. */
MIDGE_NODISCARD midge_status mdg_nearest_add(mdg_nearest *index, size_t n_rows,
                                             const float *rows,
                                             midge_error *err);
size_t mdg_nearest_count(const mdg_nearest *index);
uint32_t mdg_nearest_dim(const mdg_nearest *index);
mdg_nearest_by mdg_nearest_metric(const mdg_nearest *index);
/* All rows, (count, dim); borrowed until the next add. */
const float *mdg_nearest_rows(const mdg_nearest *index);

/* The k nearest rows of each of n_queries queries (n_queries, dim), nearest
 * first: out is (n_queries, k). k is at least 1; when the index has fewer than
 * k rows the rest of a query's places has row UINT32_MAX and distance infinity.
 * MIDGE_E_INVALID when a query has NaN or infinity, and then `out` is as it
 * was. Allocates nothing; any number of threads may search at once. Shares the
 * queries among the env's workers when there is work enough for several.
 * Cost: n_queries times count times dim, blocked for the cache. */
MIDGE_NODISCARD midge_status mdg_nearest_search(const mdg_nearest *index,
                                                size_t n_queries,
                                                const float *queries,
                                                uint32_t k, mdg_neighbour *out);

#endif
