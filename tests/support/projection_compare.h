/* projection_compare.h: do the rows of a SQLite store say what the state says?
 */
#ifndef PROJECTION_COMPARE_H
#define PROJECTION_COMPARE_H

#include <stddef.h>

#include "midge/swarm.h"

/* 1 when every run, task and agent of `swarm` has its row with equal values and
 * there is no other row; else 0 and what differs in `why`. */
int projections_equal(const char *db_path, const midge_swarm *swarm, char *why,
                      size_t why_size);

#endif
