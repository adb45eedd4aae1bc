/* net.h: the network itself, as the files of this room see it.
 *
 * Invariants:
 * 1. all weights are one run, W_0 b_0 W_1 b_1 ..., and every gradient, moment
 *    and snapshot is a run in the same order, so that a trainer is one loop;
 * 2. weights of connections that do not exist are 0 and stay 0: `mask` is
 *    applied to gradients and, by trainers that move weights without a
 *    gradient, to weights;
 * 3. all sums over k or over rows are made by the kernels, in an order that
 *    does not depend on the instruction set; what is written here as a plain
 *    loop is element by element;
 * 4. memory is taken once, before the first row.
 */
#ifndef MDG_NET_H
#define MDG_NET_H

#include "base/rng.h"
#include "kernels/kernels.h"
#include "midge/nn_train.h"

/* The activation of a run of units of a layer. */
typedef struct mdg_units {
    uint32_t first; /* of the layer */
    uint32_t count;
    midge_activation activation;
    float steepness;
} mdg_units;

typedef struct mdg_layer {
    uint32_t n_in; /* with shortcuts: all values before this layer */
    uint32_t n_out;
    size_t w;       /* where W (n_in, n_out) starts in the run of weights */
    size_t b;       /* where b (n_out) starts */
    uint32_t units; /* its runs of units in net->units: the first, how many */
    uint32_t n_units;
} mdg_layer;

struct midge_net {
    const midge_env *env;
    const mdg_kernels *kernels;
    uint32_t n_layers;
    uint32_t n_units; /* runs of units of all layers */
    int shortcut;
    int fast; /* see midge_net_set_fast */
    mdg_layer *layers;
    mdg_units *units; /* neighbours in a layer differ: the fewest runs */
    size_t n_weights;
    float *weights;
    uint8_t *mask;          /* NULL: all connections exist */
    midge_scaling *inputs;  /* n_inputs, or NULL */
    midge_scaling *outputs; /* n_outputs, or NULL */
};

/* A shape, before there is memory for it: what options, files and the cascade
 * make networks from. `sizes` has n_layers + 1, `units` covers each layer. */
typedef struct mdg_shape {
    uint32_t n_layers;
    const uint32_t *sizes;
    int shortcut;
    const mdg_units *units; /* of layer 0, then of layer 1, ... */
    uint32_t n_units;
} mdg_shape;

/* The one place where a shape is judged: `bad` is the status of a bad one (the
 * caller's mistake, or a damaged file). *n_weights is what it would have. */
midge_status mdg_net_judge(const mdg_shape *shape, midge_status bad,
                           size_t *n_weights, midge_error *err);
/* Judges a shape and makes a network of it with all weights 0, without mask or
 * scaling. */
midge_status mdg_net_make(const midge_env *env, const mdg_shape *shape,
                          midge_status bad, midge_net **out, midge_error *err);
/* Copies a mask (n_weights; NULL: all connections) and zeroes the weights it
 * takes away; a mask of ones is dropped. */
midge_status mdg_net_set_mask(midge_net *net, const uint8_t *mask);
/* The mask of a share of the possible connections, see midge_net_options. */
midge_status mdg_net_draw_mask(midge_net *net, float rate, uint64_t seed);
/* All weights of a network anew; `range` of MIDGE_INIT_UNIFORM. */
void mdg_net_draw_weights(midge_net *net, midge_init init, float range,
                          uint64_t seed);
/* Weights that do not exist become 0. */
void mdg_net_apply_mask(const midge_net *net, float *run);
/* Does the activation exist, and is the steepness above 0 and finite? */
int mdg_activation_known(midge_activation activation);
int mdg_steepness_good(float steepness);
int mdg_scaling_good(size_t n, const midge_scaling *scaling);
int mdg_all_finite(size_t n, const float *x);

static inline uint32_t mdg_net_inputs(const midge_net *net) {
    return net->layers[0].n_in;
}
static inline const mdg_layer *mdg_net_last(const midge_net *net) {
    return &net->layers[net->n_layers - 1];
}
/* Values of a row of a network with shortcuts: inputs and all units. */
static inline size_t mdg_net_n_values(const midge_net *net) {
    return (size_t)mdg_net_last(net)->n_in + mdg_net_last(net)->n_out;
}

/* ---- Activations (activate.c). ---------------------------------------------
 * y = f(steepness x), in place, over `rows` rows of `count` columns that lie
 * `stride` apart; softmax wants whole rows. */
void mdg_activate(const mdg_kernels *k, midge_activation activation,
                  float steepness, size_t rows, size_t count, size_t stride,
                  float *x);
/* f as a kernel that a product applies to its elements by itself, or NULL. */
typedef void (*mdg_element_function)(size_t n, float *x);
mdg_element_function mdg_activation_kernel(const mdg_kernels *k,
                                           midge_activation activation,
                                           float steepness);
/* Points of a stepwise activation, below the first and above the last of which
 * it is flat; NULL for the others. */
typedef struct mdg_steps {
    float v[6], y[6];
    float below, above;
} mdg_steps;
const mdg_steps *mdg_activation_steps(midge_activation activation);
/* 1 when f' is computed from x, so that it has to be kept. */
int mdg_activation_needs_sum(midge_activation activation);
/* dLoss/dy in g becomes dLoss/dx: y the outputs, x the sums (only where they
 * are needed). `fann`: FANN's derivative instead of the true one. */
void mdg_activate_back(const mdg_kernels *k, midge_activation activation,
                       float steepness, int fann, size_t rows, size_t count,
                       size_t stride, const float *y, const float *x, float *g);
/* Is its range symmetric about 0, in FANN's eyes (the eight _SYMMETRIC)? */
int mdg_activation_symmetric(midge_activation activation);
/* 0 for the thresholds. */
int mdg_activation_trainable(midge_activation activation);

#endif
