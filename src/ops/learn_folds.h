/* learn_folds.h: which rows are in which fold, and the rows of a fold brought
 * together. */
#ifndef MDG_LEARN_FOLDS_H
#define MDG_LEARN_FOLDS_H

#include "ops/learn_fit.h"

/* The rows in the order in which they are dealt: place i is of fold
 * i mod n_folds. */
typedef struct mdg_folds {
    const mdg_fit *fit;
    uint32_t *order; /* n_rows */
} mdg_folds;

/* One model's rows, gathered. */
typedef struct mdg_part {
    const midge_env *env;
    uint32_t *rows; /* their numbers among the training rows */
    size_t n_rows;
    float *x; /* (n_rows, n_inputs) */
    float *t; /* (n_rows, n_outputs) */
    uint32_t n_inputs;
    uint32_t n_outputs;
} mdg_part;

/* Shuffled by the fit's fold_seed; for classes, then brought together class by
 * class. Borrows the fit. After a failure nothing is to undo, here and below.
 */
midge_status mdg_folds_init(mdg_folds *set, const mdg_fit *fit,
                            midge_error *err);
void mdg_folds_deinit(mdg_folds *set);

/* The rows of fold `fold` (inside), or of all others; at most `limit` of them,
 * evenly spaced. */
midge_status mdg_part_init(mdg_part *p, const mdg_folds *set, uint32_t fold,
                           int inside, size_t limit, midge_error *err);
void mdg_part_deinit(mdg_part *p);

#endif
