/* nn.h: feed-forward neural networks: make, look at, run, scale, save.
 *
 * A network is n_layers layers. Layer l computes y = f(s (x W_l + b_l)) with
 * W_l of shape (n_in, n_out), row-major, the activation f and its steepness s.
 * x is what the layer before gave or, in a network with shortcuts, the inputs
 * and what all layers before gave, side by side. Single-sample and batched
 * inference do the same additions in the same order, and give the same bits on
 * every ISA and in WebAssembly.
 *
 * Training is in nn_train.h, rows to learn from in nn_data.h, the files of
 * others in nn_exchange.h, small integers in nn_quant.h.
 */
#ifndef MIDGE_NN_H
#define MIDGE_NN_H

#include "midge/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midge_net midge_net;

#define MIDGE_NET_LAYERS_MAX  4096
#define MIDGE_NET_UNITS_MAX   65536
#define MIDGE_NET_WEIGHTS_MAX (1 << 27) /* of all layers; 512 MiB */

/* The values are stored in files: frozen. Those below 18 are FANN's. v is s x,
 * steepness times sum. Stepwise activations are straight lines between six
 * points of the curve they stand for. */
typedef enum midge_activation {
    MIDGE_ACT_LINEAR = 0,              /* v */
    MIDGE_ACT_THRESHOLD = 1,           /* v < 0 ? 0 : 1; cannot be trained */
    MIDGE_ACT_THRESHOLD_SYMMETRIC = 2, /* v < 0 ? -1 : 1; nor can this */
    MIDGE_ACT_SIGMOID = 3,             /* 1 / (1 + e^-2v) */
    MIDGE_ACT_SIGMOID_STEPWISE = 4,
    MIDGE_ACT_SIGMOID_SYMMETRIC = 5, /* tanh v */
    MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE = 6,
    MIDGE_ACT_GAUSSIAN = 7,           /* e^-v^2 */
    MIDGE_ACT_GAUSSIAN_SYMMETRIC = 8, /* 2 e^-v^2 - 1 */
    MIDGE_ACT_GAUSSIAN_STEPWISE = 9,
    MIDGE_ACT_ELLIOT = 10,                 /* v / 2 / (1 + |v|) + 1/2 */
    MIDGE_ACT_ELLIOT_SYMMETRIC = 11,       /* v / (1 + |v|) */
    MIDGE_ACT_LINEAR_PIECE = 12,           /* v, kept in [0, 1] */
    MIDGE_ACT_LINEAR_PIECE_SYMMETRIC = 13, /* v, kept in [-1, 1] */
    MIDGE_ACT_SIN_SYMMETRIC = 14,          /* sin v */
    MIDGE_ACT_COS_SYMMETRIC = 15,
    MIDGE_ACT_SIN = 16, /* sin(v) / 2 + 1/2 */
    MIDGE_ACT_COS = 17,
    MIDGE_ACT_RELU = 18,       /* v > 0 ? v : 0 */
    MIDGE_ACT_LEAKY_RELU = 19, /* v > 0 ? v : v / 100 */
    MIDGE_ACT_ELU = 20,        /* v > 0 ? v : e^v - 1 */
    MIDGE_ACT_GELU = 21,       /* v Phi(v), exact */
    MIDGE_ACT_SILU = 22,       /* v / (1 + e^-v) */
    MIDGE_ACT_SOFTPLUS = 23,   /* log(1 + e^v) */
    MIDGE_ACT_SOFTMAX = 24,    /* e^v_j / sum e^v; a whole output layer only */
    MIDGE_ACT_TANH = MIDGE_ACT_SIGMOID_SYMMETRIC
} midge_activation;
#define MIDGE_ACT_COUNT 25

/* "sigmoid", "tanh", "relu", "sigmoid_stepwise", ...; NULL for a number that is
 * none. Finding takes a name in any case, FANN's too ("FANN_SIGMOID"); returns
 * -1 for none. */
MIDGE_API const char *midge_activation_name(midge_activation activation);
MIDGE_API int midge_activation_find(const char *name);
/* What a steepness of 0 in options means: 0.5 for the sigmoids in [0, 1], which
 * makes them 1 / (1 + e^-x), and 1 for all others. */
MIDGE_API float midge_activation_steepness(midge_activation activation);

typedef enum midge_init {
    MIDGE_INIT_AUTO = 0,    /* He before ReLU and its kin, else Glorot */
    MIDGE_INIT_UNIFORM = 1, /* weights and biases in [-0.1, 0.1), as FANN */
    MIDGE_INIT_GLOROT = 2,  /* Glorot & Bengio 2010, uniform; biases 0 */
    MIDGE_INIT_HE = 3,      /* He et al. 2015, normal; biases 0 */
    MIDGE_INIT_NGUYEN_WIDROW = 4 /* 1990; for inputs in [-1, 1] or as the
                                    network's input scaling makes them */
} midge_init;

typedef struct midge_net_options {
    uint32_t n_layers;       /* weight layers, 1..MIDGE_NET_LAYERS_MAX */
    const uint32_t *sizes;   /* n_layers + 1 sizes, the input first */
    midge_activation hidden; /* of all layers but the last */
    midge_activation output;
    float hidden_steepness; /* 0: midge_activation_steepness */
    float output_steepness;
    int shortcut;          /* each layer also reads all before its last */
    float connection_rate; /* 0 or 1: all; else the share of the possible
                              connections that exist, at least one into and out
                              of each unit; biases always exist */
    midge_init init;
    uint64_t seed; /* of the weights, and of which connections exist */
} midge_net_options;

/* *out is yours, free it with midge_net_free; env is borrowed for its life.
 * MIDGE_E_INVALID names the bad option in err; MIDGE_E_LIMIT: more than
 * MIDGE_NET_WEIGHTS_MAX weights. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_new(const midge_env *env, const midge_net_options *options,
              midge_net **out, midge_error *err);
MIDGE_API void midge_net_free(midge_net *net);
MIDGE_API MIDGE_NODISCARD midge_status midge_net_copy(const midge_net *net,
                                                      midge_net **out);

MIDGE_API uint32_t midge_net_n_inputs(const midge_net *net);
MIDGE_API uint32_t midge_net_n_outputs(const midge_net *net);
MIDGE_API uint32_t midge_net_n_layers(const midge_net *net);
MIDGE_API int midge_net_has_shortcuts(const midge_net *net);

typedef struct midge_layer {
    uint32_t n_in;
    uint32_t n_out;
    midge_activation activation; /* of its first unit */
    float steepness;
    int mixed; /* units of the layer differ: ask midge_net_unit */
    size_t w;  /* W (n_in, n_out) begins here in the run of weights */
    size_t b;  /* the biases (n_out) begin here */
} midge_layer;
/* MIDGE_E_INVALID: no such layer (counted from 0). */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_layer(const midge_net *net,
                                                       uint32_t layer,
                                                       midge_layer *out);
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_unit(const midge_net *net, uint32_t layer, uint32_t unit,
               midge_activation *activation, float *steepness);
/* Sets the activation of one unit, or of a layer with MIDGE_NET_ALL_UNITS.
 * steepness 0: as in options. MIDGE_E_INVALID: no such layer, unit or
 * activation, a steepness that is not above 0 and finite, softmax for less than
 * the whole output layer. MIDGE_E_NOMEM. */
#define MIDGE_NET_ALL_UNITS UINT32_MAX
MIDGE_API MIDGE_NODISCARD midge_status midge_net_set_activation(
    midge_net *net, uint32_t layer, uint32_t unit, midge_activation activation,
    float steepness, midge_error *err);

/* All weights as one run: W_0 (n_in, n_out), b_0 (n_out), W_1, b_1, ... Weights
 * of connections that do not exist are there and 0. */
MIDGE_API size_t midge_net_n_weights(const midge_net *net);
MIDGE_API const float *midge_net_weights(const midge_net *net);
/* `count` must be midge_net_n_weights, or MIDGE_E_MISMATCH; a value that is not
 * finite is MIDGE_E_INVALID. Connections that do not exist stay 0. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_set_weights(midge_net *net, const float *weights, size_t count);
/* Draws all weights anew. `range` is that of UNIFORM; 0 means 0.1. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_init_weights(midge_net *net,
                                                              midge_init init,
                                                              float range,
                                                              uint64_t seed);
/* 1 for each weight that exists and 0 for each that does not, in the order of
 * the weights; NULL when all exist. And how many do, biases included. */
MIDGE_API const uint8_t *midge_net_mask(const midge_net *net);
MIDGE_API size_t midge_net_n_connections(const midge_net *net);

/* Bytes of scratch memory that midge_net_run needs; hold one per thread. */
MIDGE_API size_t midge_net_workspace_bytes(const midge_net *net, size_t n_rows);
/* Runs n_rows rows: x is (n_rows, n_inputs), y is (n_rows, n_outputs), both
 * row-major. `workspace` has midge_net_workspace_bytes(net, n_rows) bytes,
 * 64-byte aligned. Allocates nothing; any number of threads may run one
 * network at once, each with its own workspace. Does not scale: see below. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_run(const midge_net *net,
                                                     size_t n_rows,
                                                     const float *x, float *y,
                                                     void *workspace);

/* 1: products of eight rows and more, in runs and in training, may add in
 * another order and round a product and its sum once (fused multiply-add):
 * about twice as fast on dense rows where the CPU has it, with last digits that
 * differ between machines. 0, as all networks begin: the same bits everywhere.
 * Of each sum of k products the error is at most (k + 2) 2^-24 times the sum of
 * their sizes. Copied with the network, not in its files. */
MIDGE_API void midge_net_set_fast(midge_net *net, int fast);

/* ---- Scaling. --------------------------------------------------------------
 * What was done to inputs and outputs before training, kept with the network so
 * that it can be done again, and undone. Column c becomes
 *     ((v - mean_c) / deviation_c + 1) * factor_c + new_min_c
 * (FANN's formula and its file's fields). */
typedef enum midge_scale {
    MIDGE_SCALE_NONE = 0,
    MIDGE_SCALE_STANDARD = 1, /* mean 0, standard deviation 1 */
    MIDGE_SCALE_MIN_MAX = 2,  /* least to new_min, largest to new_max */
    MIDGE_SCALE_ROBUST = 3,   /* median 0, quartiles 1.349 apart */
    MIDGE_SCALE_FANN = 4      /* mean to the middle of new_min and new_max, one
                                 standard deviation to its ends */
} midge_scale;

typedef struct midge_scaling {
    float mean, deviation, new_min, factor;
} midge_scaling;

/* The parameters of one column of `stride` floats a row. A column that does not
 * vary gets deviation 1. MIDGE_E_NOMEM (ROBUST sorts a copy in env's memory).
 */
MIDGE_API MIDGE_NODISCARD midge_status midge_scaling_fit(
    const midge_env *env, midge_scale kind, float new_min, float new_max,
    const float *column, size_t stride, size_t n_rows, midge_scaling *out);
/* Copies n_inputs and n_outputs parameters; NULL for one of them: it has none.
 * Not finite, or a deviation or factor of 0: MIDGE_E_INVALID. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_set_scaling(
    midge_net *net, const midge_scaling *inputs, const midge_scaling *outputs);
/* n_inputs, n_outputs of them; NULL when there are none. */
MIDGE_API const midge_scaling *midge_net_input_scaling(const midge_net *net);
MIDGE_API const midge_scaling *midge_net_output_scaling(const midge_net *net);
/* In place, (n_rows, n_columns) row-major; scaling NULL does nothing. */
MIDGE_API void midge_scaling_apply(const midge_scaling *scaling,
                                   size_t n_columns, size_t n_rows, float *x);
MIDGE_API void midge_scaling_undo(const midge_scaling *scaling,
                                  size_t n_columns, size_t n_rows, float *x);

/* The network file of spec/formats/net.md: checksummed, little-endian. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_write(const midge_net *net,
                                                       midge_buf *out);
MIDGE_API MIDGE_NODISCARD midge_status midge_net_read(const midge_env *env,
                                                      const void *bytes,
                                                      size_t size,
                                                      midge_net **out,
                                                      midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
