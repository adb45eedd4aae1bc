/* auc.h: predictions, and the area under their ROC. */
#ifndef MDG_AUC_H
#define MDG_AUC_H

#include "midge/measure.h"

typedef struct mdg_predictions {
    size_t n_rows;
    uint32_t n_outputs;
    uint32_t n_classes;   /* 2 when n_outputs is 1 */
    const float *p;       /* (n_rows, n_outputs) */
    const int32_t *label; /* below n_classes; -1: none of them */
} mdg_predictions;

static inline double mdg_probability(const mdg_predictions *p, size_t row,
                                     uint32_t c) {
    if (p->n_outputs == 1) {
        double v = (double)p->p[row];
        return c == 1 ? v : 1.0 - v;
    }
    return (double)p->p[row * p->n_outputs + c];
}

/* Of class 1 when there are two, else the mean over classes. */
midge_status mdg_auc(const midge_env *env, const mdg_predictions *p,
                     double *out);

#endif
