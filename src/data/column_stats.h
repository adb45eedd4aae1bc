/* column_stats.h: what some rows of one column, or of several that share a
 * unit, are like. Missing cells do not count. */
#ifndef MDG_COLUMN_STATS_H
#define MDG_COLUMN_STATS_H

#include "midge/table.h"

typedef struct mdg_sample {
    const midge_table *table;
    const uint32_t *rows;
    size_t n_rows;
} mdg_sample;

typedef struct mdg_moments {
    double sum;
    double squares; /* of what is off the mean */
    size_t count;
    float least, most;
} mdg_moments;

mdg_moments mdg_moments_of(const mdg_sample *sample, size_t column);
/* Of n columns as if they were one; n may be 1. */
mdg_moments mdg_moments_of_all(const mdg_sample *sample,
                               const uint32_t *columns, size_t n);
/* The value below which `share` (0..1) of all lie, between two neighbours in
 * proportion (what R calls type 7): 0.5 is the median. 0 without values. */
double mdg_quantile(const mdg_sample *sample, const uint32_t *columns, size_t n,
                    double share);

#endif
