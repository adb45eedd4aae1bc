/* update.h: one step of a trainer over the whole run of weights. */
#ifndef MDG_UPDATE_H
#define MDG_UPDATE_H

#include "nn/net.h"

/* w, with the state runs `a` and `b` (n_weights each). */
typedef struct mdg_update {
    const midge_net *net;
    const midge_train_options *o;
    const float *gradient;
    float *w;
    float *a; /* SGD: velocity; Adam: m; RPROP: the last gradient */
    float *b; /* Adam: v; RPROP: step sizes */
} mdg_update;

void mdg_update_sgd(const mdg_update *u, float rate, float momentum);
/* `beta1_t`, `beta2_t`: beta^t of this step, for the bias correction. */
void mdg_update_adam(const mdg_update *u, float rate, double beta1_t,
                     double beta2_t);
void mdg_update_rprop_start(const mdg_update *u);
void mdg_update_rprop(const mdg_update *u);

#endif
