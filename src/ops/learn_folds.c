/* learn_folds.c: rows dealt into folds, class by class, so that each fold has
 * the classes' shares. */
#include "ops/learn_folds.h"

#include <string.h>

#include "base/alloc.h"

midge_status mdg_folds_init(mdg_folds *set, const mdg_fit *fit,
                            midge_error *err) {
    size_t n = fit->shape.n_rows;
    set->fit = fit;
    set->order = mdg_alloc(fit->env, n, sizeof *set->order);
    uint32_t *shuffled = mdg_alloc(fit->env, n, sizeof *shuffled);
    if (!set->order || !shuffled) {
        mdg_release(fit->env, shuffled, n, sizeof *shuffled);
        mdg_release(fit->env, set->order, n, sizeof *set->order);
        return mdg_no_memory("the folds", err);
    }
    for (size_t i = 0; i < n; i++) {
        shuffled[i] = (uint32_t)i;
    }
    mdg_rng rng;
    mdg_rng_seed(&rng, fit->fold_seed);
    mdg_rng_shuffle(&rng, shuffled, n);
    uint32_t classes =
        fit->shape.problem == MIDGE_PROBLEM_CLASSIFY ? fit->shape.n_outputs : 1;
    const float *label = fit->rows->part[MDG_ROWS_LABEL];
    size_t at = 0;
    for (uint32_t c = 0; c < classes; c++) {
        for (size_t i = 0; i < n; i++) {
            if (classes == 1 || (uint32_t)label[shuffled[i]] == c) {
                set->order[at++] = shuffled[i];
            }
        }
    }
    while (at < n) { /* a label outside the classes: cannot be, stays safe */
        set->order[at++] = 0;
    }
    mdg_release(fit->env, shuffled, n, sizeof *shuffled);
    return MIDGE_OK;
}

void mdg_folds_deinit(mdg_folds *set) {
    mdg_release(set->fit->env, set->order, set->fit->shape.n_rows,
                sizeof *set->order);
}

void mdg_part_deinit(mdg_part *p) {
    mdg_release(p->env, p->rows, p->n_rows, sizeof *p->rows);
    mdg_release(p->env, p->x, p->n_rows * p->n_inputs, sizeof *p->x);
    mdg_release(p->env, p->t, p->n_rows * p->n_outputs, sizeof *p->t);
    memset(p, 0, sizeof *p);
}

static void gather(mdg_part *p, const mdg_rows *from) {
    for (size_t i = 0; i < p->n_rows; i++) {
        memcpy(p->x + i * p->n_inputs,
               from->part[MDG_ROWS_X] + (size_t)p->rows[i] * p->n_inputs,
               p->n_inputs * sizeof(float));
        memcpy(p->t + i * p->n_outputs,
               from->part[MDG_ROWS_T] + (size_t)p->rows[i] * p->n_outputs,
               p->n_outputs * sizeof(float));
    }
}

midge_status mdg_part_init(mdg_part *p, const mdg_folds *set, uint32_t fold,
                           int inside, size_t limit, midge_error *err) {
    const mdg_fit *fit = set->fit;
    size_t n = fit->shape.n_rows;
    size_t in_fold = n / fit->n_folds + (fold < n % fit->n_folds);
    size_t all = inside ? in_fold : n - in_fold;
    memset(p, 0, sizeof *p);
    p->env = fit->env;
    p->n_rows = all < limit ? all : limit;
    p->n_inputs = fit->shape.n_inputs;
    p->n_outputs = fit->shape.n_outputs;
    p->rows = mdg_alloc(p->env, p->n_rows, sizeof *p->rows);
    p->x = mdg_alloc(p->env, p->n_rows * p->n_inputs, sizeof *p->x);
    p->t = mdg_alloc(p->env, p->n_rows * p->n_outputs, sizeof *p->t);
    if (!p->rows || !p->x || !p->t) {
        mdg_part_deinit(p);
        return mdg_no_memory("the folds", err);
    }
    size_t seen = 0;
    size_t taken = 0;
    for (size_t i = 0; i < n; i++) {
        if ((i % fit->n_folds == fold) != inside) {
            continue;
        }
        if ((seen + 1) * p->n_rows / all > taken) {
            p->rows[taken++] = set->order[i];
        }
        seen++;
    }
    gather(p, fit->rows);
    return MIDGE_OK;
}
