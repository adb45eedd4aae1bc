/* pass.h: a pass is the memory and the steps of one forward and backward
 * computation over a block of rows. */
#ifndef MDG_PASS_H
#define MDG_PASS_H

#include "nn/net.h"
#include "nn/slab.h"
#include "vec/matmul.h"
#include "vec/matmul_sparse.h"

/* ---- Dropout. --------------------------------------------------------------
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

/* ---- What is made small. */
typedef struct mdg_objective {
    midge_loss loss;
    float parameter; /* 0: the loss's own default */
    int fann;        /* FANN's backward pass, its halves in squares and bits */
    float bit_fail_limit;
} mdg_objective;

/* Sums over rows, in their order; blocks do not show in them. */
typedef struct mdg_tally {
    double loss;
    double squares; /* of errors, over rows and outputs */
    size_t bit_fail;
} mdg_tally;

/* MIDGE_E_INVALID: a loss that does not fit the output activation, or an
 * activation that cannot be trained. */
midge_status mdg_objective_check(const midge_net *net,
                                 const mdg_objective *objective,
                                 midge_error *err);
/* The first of the two alone. */
midge_status mdg_loss_check(const midge_net *net, midge_loss loss,
                            float parameter, midge_error *err);

/* Of n outputs of one kind, one row's or one unit's. What FANN multiplies the
 * errors by, where its range is twice as wide, else 1. */
float mdg_objective_half(const mdg_objective *o, const mdg_units *u);
void mdg_objective_tally(const mdg_objective *o, const mdg_units *u, size_t n,
                         const float *y, const float *t, mdg_tally *tally);
/* The same without the loss. */
void mdg_objective_errors(const mdg_objective *o, const mdg_units *u, size_t n,
                          const float *y, const float *t, mdg_tally *tally);
/* d = scale * dLoss/dy; for cross-entropy scale * dLoss/dx: through the
 * activation that belongs to it that is y - t, without the division that the
 * two factors would have apart. */
void mdg_objective_slopes(const mdg_objective *o, const mdg_units *u,
                          float scale, size_t n, const float *y, const float *t,
                          float *d);

/* ---- A pass. */
#define MDG_PASS_ROWS 256 /* rows of a block when all rows are gone through */

typedef enum mdg_pass_inputs {
    MDG_INPUTS_DENSE,
    MDG_INPUTS_SPARSE,    /* the inputs without their zeros */
    MDG_INPUTS_TRANSPOSED /* the same, transposed */
} mdg_pass_inputs;

typedef struct mdg_pass mdg_pass;
struct mdg_pass {
    const midge_net *net;
    size_t max_rows;
    /* Of layer l: f(z) (rows, n_out), `stride[l]` apart; with shortcuts all are
     * columns of one matrix, which begins with the inputs. */
    float **act;
    size_t *stride;
    float **sum;     /* z, of layers that need it for f'; else NULL */
    float **mask;    /* of hidden layers, with dropout */
    float **input;   /* of layer l > 0: what it reads, masked */
    float *delta[2]; /* dLoss/dz of a layer; with shortcuts one, like act */
    float *transposed;
    float *gradient; /* n_weights: of the last backward */
    int dropout;
    float *scratch; /* of `sparse`; NULL: its inputs are too few */
    mdg_sparse sparse;
    mdg_pass_inputs inputs; /* what `sparse` is for the last forward */
    struct mdg_wave *wave;  /* see mdg_pass_spread; NULL: one thread */
    float *block;
    size_t block_floats;
};

/* A pass for up to `max_rows` rows; `backward` 0 saves the memory of it. With
 * `dropout`, every backward must follow a forward that was given one. */
midge_status mdg_pass_init(mdg_pass *pass, const midge_net *net,
                           size_t max_rows, int backward, int dropout);
/* Memory for the threads of the net's env, so that they share the blocks of
 * mdg_pass_all over n_rows rows; mdg_pass_deinit gives it back, after
 * MIDGE_E_NOMEM too. Without threads or with one block it does nothing. */
midge_status mdg_pass_spread(mdg_pass *pass, size_t n_rows, int backward);
void mdg_pass_deinit(mdg_pass *pass);
void mdg_wave_free(const midge_env *env, struct mdg_wave *wave);
/* x is (rows, n_in); `dropout` NULL: none. */
void mdg_pass_forward(mdg_pass *pass, size_t rows, const float *x,
                      mdg_dropout *dropout);
/* The outputs of the last forward: (rows, n_out), *stride apart. */
const float *mdg_pass_output(const mdg_pass *pass, size_t *stride);
/* Adds what the last forward came to. */
void mdg_pass_tally(const mdg_pass *pass, const mdg_objective *objective,
                    size_t rows, const float *t, mdg_tally *tally);
/* pass->gradient = d(scale * sum of losses)/d(weights), masked, for the last
 * forward, which was given the same x. */
void mdg_pass_backward(mdg_pass *pass, const mdg_objective *objective,
                       size_t rows, float scale, const float *x,
                       const float *t);
/* The steps of it: the place of dLoss/dy of the outputs, its turn into dLoss/dz
 * (of any layer), and from that of the last layer to the gradient. */
float *mdg_pass_delta(const mdg_pass *pass, size_t *stride);
void mdg_pass_activate_back(const mdg_pass *pass, uint32_t layer, int fann,
                            size_t rows, float *d);
void mdg_pass_back(mdg_pass *pass, int fann, size_t rows, const float *x);
/* What `layer` read in the last forward: (rows, n_in), *stride apart. */
const float *mdg_pass_input(const mdg_pass *pass, uint32_t layer,
                            const float *x, size_t *stride);
/* The same from any derivative of the loss by the outputs: g (rows, n_out) is
 * dLoss/dy, and is overwritten. For Levenberg-Marquardt. */
void mdg_pass_backward_from(mdg_pass *pass, int fann, size_t rows,
                            const float *x, float *g);
/* All rows, in blocks of MDG_PASS_ROWS (max_rows must be that or n_rows): the
 * tally, and with `gradient` (n_weights) the gradient of scale * sum of losses:
 * the sum of the blocks' gradients in their order. */
void mdg_pass_all(mdg_pass *pass, const mdg_objective *objective, float scale,
                  const midge_net_data *data, float *gradient,
                  mdg_tally *tally);
/* Rows of a block for data of n_rows rows. */
size_t mdg_block_rows(size_t n_rows);

/* How a product of so many rows is made. A few rows wait for memory, which no
 * other order makes shorter; a module of WebAssembly has one kind of product.
 */
static inline mdg_matmul_how mdg_net_how(const midge_net *net, size_t rows) {
#if defined(__wasm__)
    (void)net;
    (void)rows;
    return MDG_MATMUL_SAME_BITS;
#else
    return net->fast && rows >= 8 ? MDG_MATMUL_FAST : MDG_MATMUL_SAME_BITS;
#endif
}

/* One layer for `rows` rows: y = f(s (x W + b)); z keeps the sums, with the
 * stride of y, or is NULL. */
void mdg_layer_forward(const midge_net *net, uint32_t layer, size_t rows,
                       const float *x, size_t x_stride, float *y,
                       size_t y_stride, float *z);
/* The first layer, for all rows of x: the same bits as for the dense x. */
void mdg_layer_forward_sparse(const midge_net *net, const mdg_sparse *x,
                              float *y, size_t y_stride, float *z);
/* Bytes of scratch for finding inputs that are mostly zeros in blocks of `rows`
 * rows; 0: they are not looked for. See mdg_sparse_bytes. */
size_t mdg_sparse_scratch_bytes(const midge_net *net, size_t rows,
                                int backward);

#endif
