/* nn.h: layered neural networks: make, run, train, save.
 *
 * A network is n_layers fully connected layers. Layer l computes
 * y = f(x W_l + b_l) with W_l of shape (n_in, n_out), row-major: single-sample
 * and batched inference then do the same additions in the same order, and give
 * the same bits on every ISA and in WebAssembly.
 */
#ifndef MIDGE_NN_H
#define MIDGE_NN_H

#include "midge/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midge_net midge_net;

#define MIDGE_NET_LAYERS_MAX  16
#define MIDGE_NET_UNITS_MAX   65536
#define MIDGE_NET_WEIGHTS_MAX (1 << 27) /* of all layers; 512 MiB */

typedef enum midge_activation { /* values are stored in files: frozen */
                                MIDGE_ACT_LINEAR = 0,
                                MIDGE_ACT_SIGMOID = 1, /* 1 / (1 + e^-x) */
                                MIDGE_ACT_TANH = 2,
                                MIDGE_ACT_RELU = 3,
                                MIDGE_ACT_SOFTMAX = 4 /* output layer only */
} midge_activation;

/* Cross-entropy needs a softmax output (-sum t ln y; each row of t sums to 1)
 * or a sigmoid one (-sum t ln y + (1 - t) ln(1 - y); each t in [0, 1]). */
typedef enum midge_loss {
    MIDGE_LOSS_MSE = 0, /* mean over rows of sum_j (y_j - t_j)^2 / 2 */
    MIDGE_LOSS_CROSS_ENTROPY = 1
} midge_loss;

typedef enum midge_trainer {
    MIDGE_TRAIN_SGD = 0,  /* mini-batch, with momentum */
    MIDGE_TRAIN_ADAM = 1, /* mini-batch, Kingma & Ba 2015, bias-corrected */
    MIDGE_TRAIN_RPROP = 2 /* full batch, iRPROP- (Igel & Huesken 2000) */
} midge_trainer;

typedef struct midge_net_options {
    uint32_t n_layers;       /* weight layers, 1..MIDGE_NET_LAYERS_MAX */
    const uint32_t *sizes;   /* n_layers + 1 sizes, the input first */
    midge_activation hidden; /* of all layers but the last */
    midge_activation output;
    uint64_t seed; /* of the initial weights: He for ReLU, else Glorot */
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
/* All weights as one run: W_0 (n_in, n_out), b_0 (n_out), W_1, b_1, ... */
MIDGE_API size_t midge_net_n_weights(const midge_net *net);
MIDGE_API const float *midge_net_weights(const midge_net *net);
/* `count` must be midge_net_n_weights, or MIDGE_E_MISMATCH; a value that is not
 * finite is MIDGE_E_INVALID. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_set_weights(midge_net *net, const float *weights, size_t count);

/* Bytes of scratch memory that midge_net_run needs; hold one per thread. */
MIDGE_API size_t midge_net_workspace_bytes(const midge_net *net, size_t n_rows);
/* Runs n_rows rows: x is (n_rows, n_inputs), y is (n_rows, n_outputs), both
 * row-major. `workspace` has midge_net_workspace_bytes(net, n_rows) bytes,
 * 64-byte aligned. Allocates nothing; any number of threads may run one
 * network at once, each with its own workspace. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_run(const midge_net *net,
                                                     size_t n_rows,
                                                     const float *x, float *y,
                                                     void *workspace);

/* Rows to learn from. x is (n_rows, n_inputs); targets t is (n_rows,
 * n_outputs) (one-hot for classes). Borrowed. */
typedef struct midge_net_data {
    size_t n_rows;
    const float *x;
    const float *t;
} midge_net_data;

typedef struct midge_net_progress {
    uint32_t epoch;    /* finished epochs */
    double train_loss; /* mean over the epoch's rows, as seen while training */
    double valid_loss; /* NaN without validation rows */
} midge_net_progress;

/* Called after each epoch; anything but 0 stops training. */
typedef int (*midge_net_progress_fn)(void *ctx,
                                     const midge_net_progress *progress);

typedef struct midge_train_options {
    midge_trainer trainer;
    midge_loss loss;
    uint32_t max_epochs;
    uint32_t batch_size; /* SGD and Adam */
    float learning_rate; /* SGD and Adam */
    float momentum;      /* SGD */
    float weight_decay;  /* decoupled (AdamW) for Adam, L2 for SGD and RPROP;
                            of weights, not of biases; 0 = none */
    float dropout;       /* of hidden units, 0 <= p < 1 (inverted scaling), to
                            the nearest 1/65536; not for RPROP */
    float input_dropout; /* of inputs, as above */
    float final_learning_rate; /* cosine from learning_rate at the first batch
                                  to this at the last; < 0: constant */
    uint32_t patience;         /* epochs without better validation; 0 = off */
    uint64_t seed;             /* shuffling and dropout */
    midge_net_progress_fn on_epoch; /* may be NULL */
    void *ctx;
} midge_train_options;

/* Sound defaults: Adam, cross-entropy, batch 32, rate 0.001, 20 epochs. */
MIDGE_API midge_train_options midge_train_defaults(void);

typedef enum midge_stop {
    MIDGE_STOP_EPOCHS,   /* max_epochs were done */
    MIDGE_STOP_PATIENCE, /* validation stopped getting better */
    MIDGE_STOP_CALLER    /* on_epoch asked for it */
} midge_stop;

typedef struct midge_train_result {
    uint32_t epochs;
    uint32_t best_epoch; /* whose weights the net now has; 0: the initial */
    double train_loss;   /* of the last epoch, as seen while training */
    double valid_loss;   /* of best_epoch; NaN without validation rows */
    midge_stop stop;
} midge_train_result;

/* Trains in place. `valid` may be NULL; with it, the weights of the best
 * validation loss are restored at the end. Same seed, same bits, everywhere.
 * A loss that stops being finite is MIDGE_E_STATE and says at which epoch; the
 * net then has the best weights seen before (without validation rows: those
 * after the epoch of the least training loss). Data that are not finite are
 * MIDGE_E_INVALID. `result` may be NULL. Memory is taken from the net's env
 * before the first epoch and given back at the end. One thread at a time per
 * net. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_train(midge_net *net, const midge_net_data *train,
                const midge_net_data *valid, const midge_train_options *options,
                midge_train_result *result, midge_error *err);

/* Mean loss over all rows, and its gradient in the order of midge_net_weights
 * (gradient may be NULL). For tests and own trainers; full batch. Takes scratch
 * memory from the net's env. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_loss(const midge_net *net, midge_loss loss,
               const midge_net_data *data, double *value, float *gradient);

/* The model file of spec/formats/net.md: checksummed, little-endian. */
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
