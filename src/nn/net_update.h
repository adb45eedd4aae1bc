/* net_update.h: one step of each trainer.
 *
 * The steps are over plain runs of weights, so that the cascade can take them
 * for its candidates. `a` and `b` are what a trainer keeps for each weight. */
#ifndef MDG_NET_UPDATE_H
#define MDG_NET_UPDATE_H

#include "nn/net.h"

typedef struct mdg_update {
    const midge_train_options *o;
    const mdg_kernels *kernels;
    float *w;
    float *gradient;
    float *a;
    float *b;
    double beta1_t; /* beta1^step, beta2^step */
    double beta2_t;
} mdg_update;

/* ---- Mini-batches: the weights from `first` on, with the gradient of the mean
 * loss. `decay` is that of these weights. */
typedef void (*mdg_update_fn)(const mdg_update *u, size_t first, size_t count,
                              float rate, float decay);
/* v = momentum v + (g + decay w), w -= rate v: Sutskever et al. 2013's writing
 * of the classical form. With Nesterov, w -= rate ((g + decay w) + momentum v).
 */
void mdg_update_sgd(const mdg_update *u, size_t first, size_t count, float rate,
                    float decay);
void mdg_update_rmsprop(const mdg_update *u, size_t first, size_t count,
                        float rate, float decay);
void mdg_update_adam(const mdg_update *u, size_t first, size_t count,
                     float rate, float decay);
void mdg_update_adamw(const mdg_update *u, size_t first, size_t count,
                      float rate, float decay);

/* ---- All rows at once, as FANN: n weights, with the gradient of the *sum* of
 * losses, which is minus FANN's slopes. */
typedef struct mdg_epoch_facts {
    size_t n_rows;
    uint32_t epoch; /* from 0 */
    double mse;     /* FANN's, of this epoch */
    mdg_rng *noise; /* SARPROP */
} mdg_epoch_facts;

typedef void (*mdg_rule_fn)(const mdg_update *u, size_t n,
                            const mdg_epoch_facts *facts);
void mdg_rule_batch(const mdg_update *u, size_t n,
                    const mdg_epoch_facts *facts);
/* a: the gradient of the epoch before, b: step sizes. */
void mdg_rule_rprop(const mdg_update *u, size_t n,
                    const mdg_epoch_facts *facts);
void mdg_rule_quickprop(const mdg_update *u, size_t n,
                        const mdg_epoch_facts *facts);
void mdg_rule_sarprop(const mdg_update *u, size_t n,
                      const mdg_epoch_facts *facts);
/* The rule of a trainer, NULL when it has none, and what it starts with. */
mdg_rule_fn mdg_rule_of(midge_trainer trainer);
void mdg_rule_start(const mdg_update *u, size_t n);

/* Adds the slope of a penalty on the weights that are not biases: share |w|, or
 * share w^2 / 2. */
void mdg_penalise_l1(const midge_net *net, float share, float *gradient);
void mdg_penalise_squares(const midge_net *net, float share, float *gradient);
/* The second penalty itself. */
double mdg_penalty_squares(const midge_net *net, double share);

#endif
