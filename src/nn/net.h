/* net.h: what the files of this room share: the network itself, and a pass,
 * which is the memory and the steps of one forward and backward computation.
 *
 * Invariants:
 * 1. all weights are one run, W_0 b_0 W_1 b_1 ..., and every gradient, moment
 *    and snapshot is a run in the same order, so that a trainer is one loop;
 * 2. all sums over k or over rows are made by the kernels, in an order that
 *    does not depend on the instruction set; what is written here as a plain
 *    loop is element by element;
 * 3. memory is taken once, before the first row.
 */
#ifndef MDG_NET_H
#define MDG_NET_H

#include "base/rng.h"
#include "kernels/kernels.h"
#include "midge/nn.h"

typedef struct mdg_layer {
    uint32_t n_in;
    uint32_t n_out;
    midge_activation activation;
    size_t w; /* where W (n_in, n_out) starts in the run of weights */
    size_t b; /* where b (n_out) starts */
} mdg_layer;

struct midge_net {
    const midge_env *env;
    const mdg_kernels *kernels;
    uint32_t n_layers;
    midge_activation hidden;
    midge_activation output;
    size_t n_weights;
    float *weights;
    mdg_layer layers[MIDGE_NET_LAYERS_MAX];
};

/* Checks a shape and fills `net` but for env, kernels and memory: the one place
 * where a shape is judged. `bad` is the status of a bad one (the caller's
 * mistake, or a damaged file). */
midge_status mdg_net_shape(const midge_net_options *shape, midge_status bad,
                           midge_net *net, midge_error *err);
/* A network of a shape that was judged, with weights not set yet. */
midge_status mdg_net_make(const midge_env *env, const midge_net *shape,
                          midge_net **out, midge_error *err);
int mdg_all_finite(size_t n, const float *x);

/* ---- Memory: one block, cut into runs of floats that start on 64 bytes. ----
 * A layout function calls mdg_slab_take for each run, and is called twice:
 * first without a base, to count, then to get the pointers. */
typedef struct mdg_slab {
    const midge_env *env;
    float *base;
    size_t count; /* floats taken so far */
    int overflow;
} mdg_slab;

float *mdg_slab_take(mdg_slab *slab, size_t rows, size_t columns);
/* After counting: allocates, and starts again. */
midge_status mdg_slab_allocate(mdg_slab *slab, size_t *total);

/* ---- Dropout. -------------------------------------------------------------
 * The probability is quantised to 1/65536 (16 random bits decide for a unit,
 * four units per call of the generator) and what is kept is scaled by
 * 65536 / (65536 - threshold), so that the mean is kept exactly. */
typedef struct mdg_dropout {
    mdg_rng rng;
    uint32_t threshold; /* of 65536; 0 = none */
    float scale;
} mdg_dropout;

void mdg_dropout_init(mdg_dropout *d, float p, uint64_t seed);
/* mask_i = 0 with the probability, else `scale`. */
void mdg_dropout_fill(mdg_dropout *d, size_t n, float *mask);

/* ---- A pass. --------------------------------------------------------------
 */
#define MDG_PASS_ROWS 256 /* rows of a block when all rows are gone through */

typedef struct mdg_pass {
    const midge_net *net;
    size_t max_rows;
    float *act[MIDGE_NET_LAYERS_MAX];   /* f(z), (rows, n_out) */
    float *mask[MIDGE_NET_LAYERS_MAX];  /* of hidden layers, with dropout */
    float *input[MIDGE_NET_LAYERS_MAX]; /* of layer l > 0: act[l - 1], masked */
    float *delta[2];                    /* dLoss/dz of a layer, (rows, n_out) */
    float *transposed;                  /* W^T of a layer */
    float *gradient;                    /* n_weights: of the last backward */
    int dropout;
    float *block;
    size_t block_floats;
} mdg_pass;

/* A pass for up to `max_rows` rows; `backward` 0 saves the memory of it. With
 * `dropout`, every backward must follow a forward that was given one. */
midge_status mdg_pass_init(mdg_pass *pass, const midge_net *net,
                           size_t max_rows, int backward, int dropout);
void mdg_pass_deinit(mdg_pass *pass);
/* x is (rows, n_in); `dropout` NULL: none. The output is act[n_layers - 1]. */
void mdg_pass_forward(mdg_pass *pass, size_t rows, const float *x,
                      mdg_dropout *dropout);
/* Sum over the rows of the loss of the last forward, added to `sum` row by row
 * (so that the blocks do not show in the result). */
double mdg_pass_loss(const mdg_pass *pass, midge_loss loss, size_t rows,
                     const float *t, double sum);
/* pass->gradient = d(scale * sum of losses)/d(weights) for the last forward,
 * which was given the same x. */
void mdg_pass_backward(mdg_pass *pass, midge_loss loss, size_t rows,
                       float scale, const float *x, const float *t);
/* Mean loss of all rows, in blocks of MDG_PASS_ROWS (max_rows must be that or
 * n_rows); with `gradient`, its gradient: the sum of the blocks' gradients. */
double mdg_pass_mean_loss(mdg_pass *pass, midge_loss loss,
                          const midge_net_data *data, float *gradient);

/* One layer for `rows` rows: y = f(x W + b). */
void mdg_layer_forward(const midge_net *net, uint32_t layer, size_t rows,
                       const float *x, float *y);
/* Rows of a block for data of n_rows rows. */
size_t mdg_block_rows(size_t n_rows);
/* MIDGE_E_INVALID for a loss that does not fit the output activation. */
midge_status mdg_loss_check(const midge_net *net, midge_loss loss,
                            midge_error *err);

/* ---- Weight updates: w, with the state runs `a` and `b` (n_weights each).
 * --*/
typedef struct mdg_update {
    const midge_net *net;
    const float *gradient;
    float *w;
    float *a; /* SGD: velocity; Adam: m; RPROP: the last gradient */
    float *b; /* Adam: v; RPROP: step sizes */
    float weight_decay;
} mdg_update;

void mdg_update_sgd(const mdg_update *u, float rate, float momentum);
/* `beta1_t`, `beta2_t`: beta^t of this step, for the bias correction. */
void mdg_update_adam(const mdg_update *u, float rate, double beta1_t,
                     double beta2_t);
void mdg_update_rprop_start(const mdg_update *u);
void mdg_update_rprop(const mdg_update *u);

#define MDG_ADAM_BETA1   0.9f
#define MDG_ADAM_BETA2   0.999f
#define MDG_ADAM_EPSILON 1e-8f

#endif
