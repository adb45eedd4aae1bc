/* learn_select.h: greedy ensemble selection with replacement, bagged
 * (Caruana, Niculescu-Mizil, Crew & Ksikes 2004). */
#ifndef MDG_LEARN_SELECT_H
#define MDG_LEARN_SELECT_H

#include "base/rng.h"
#include "midge/table.h"

#define MDG_SELECT_MAX 40u /* candidates */

typedef struct mdg_select {
    const midge_env *env;
    midge_problem problem;
    size_t n_rows;
    uint32_t n_outputs;
    const float *t;                   /* targets (n_rows, n_outputs) */
    uint32_t n_candidates;            /* 1..MDG_SELECT_MAX */
    const float *oof[MDG_SELECT_MAX]; /* (n_rows, n_outputs) each */
} mdg_select;

/* weight (n_candidates): non-negative, sums to 1. Each bag chooses on a random
 * half of the rows; weights are the mean over bags. */
midge_status mdg_select_run(const mdg_select *select, mdg_rng *rng,
                            float *weight, midge_error *err);

/* y (n_rows, n_outputs) = weighted mean of the candidates' predictions. */
void mdg_select_mix(const mdg_select *select, const float *weight, float *y);

#endif
