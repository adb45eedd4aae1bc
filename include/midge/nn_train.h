/* nn_train.h: training of networks: losses, trainers, schedules, cascade. */
#ifndef MIDGE_NN_TRAIN_H
#define MIDGE_NN_TRAIN_H

#include "midge/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows to learn from. x is (n_rows, n_inputs); targets t is (n_rows,
 * n_outputs) (one-hot for classes). Borrowed. */
typedef struct midge_net_data {
    size_t n_rows;
    const float *x;
    const float *t;
} midge_net_data;

/* Means over rows of a sum over outputs j; e_j = y_j - t_j, p is
 * loss_parameter. */
typedef enum midge_loss {
    MIDGE_LOSS_MSE = 0, /* e^2 / 2 */
    /* -sum t ln y for softmax (each row of t sums to 1), or
     * -sum t ln y + (1 - t) ln(1 - y) for sigmoid outputs, t in [0, 1]. */
    MIDGE_LOSS_CROSS_ENTROPY = 1,
    /* FANN's tanh error: its slope is log((1 + e) / (1 - e)), at most 17; so
     * (1 + e) log(1 + e) + (1 - e) log(1 - e), going on straight beyond
     * |e| = 0.9999999. */
    MIDGE_LOSS_TANH = 2,
    MIDGE_LOSS_HUBER = 3,   /* |e| <= p ? e^2 / 2 : p (|e| - p / 2); 0: p = 1 */
    MIDGE_LOSS_L1 = 4,      /* |e| */
    MIDGE_LOSS_QUANTILE = 5 /* t > y ? p (t - y) : (1 - p) (y - t); 0: 0.5 */
} midge_loss;
#define MIDGE_LOSS_COUNT 6

typedef enum midge_trainer {
    /* As in FANN; its parameters are below. INCREMENTAL updates after each row,
     * in the order of the rows; the others once per epoch. */
    MIDGE_TRAIN_INCREMENTAL = 0,
    MIDGE_TRAIN_BATCH = 1,
    MIDGE_TRAIN_RPROP = 2,     /* iRPROP-, Igel & Huesken 2000 */
    MIDGE_TRAIN_QUICKPROP = 3, /* Fahlman 1988 */
    MIDGE_TRAIN_SARPROP = 4,   /* Treadgold & Gedeon 1998; a step without a sign
                                  to compare with keeps its size, where FANN
                                  leaves that of the weight before */
    /* Mini-batches. */
    MIDGE_TRAIN_SGD = 5,     /* momentum, Nesterov's if asked for */
    MIDGE_TRAIN_RMSPROP = 6, /* Tieleman & Hinton 2012 */
    MIDGE_TRAIN_ADAM = 7,    /* Kingma & Ba 2015, bias-corrected */
    MIDGE_TRAIN_ADAMW = 8,   /* Loshchilov & Hutter 2019 */
    /* Second order, all rows at once. */
    MIDGE_TRAIN_LBFGS = 9, /* Liu & Nocedal 1989, strong Wolfe line search */
    MIDGE_TRAIN_LEVENBERG_MARQUARDT = 10 /* MSE only, at most
                                            MIDGE_NET_LM_WEIGHTS_MAX weights */
} midge_trainer;
#define MIDGE_TRAIN_COUNT        11
#define MIDGE_NET_LM_WEIGHTS_MAX 4096

/* "rprop", "adam", "levenberg_marquardt", ...; "mse", "cross_entropy", ... In
 * any case of letters; -1 for none. */
MIDGE_API const char *midge_trainer_name(midge_trainer trainer);
MIDGE_API int midge_trainer_find(const char *name);
MIDGE_API const char *midge_loss_name(midge_loss loss);
MIDGE_API int midge_loss_find(const char *name);

typedef enum midge_schedule {
    MIDGE_SCHEDULE_CONSTANT = 0,
    MIDGE_SCHEDULE_STEP = 1,      /* times schedule_factor every
                                     schedule_epochs */
    MIDGE_SCHEDULE_COSINE = 2,    /* to final_learning_rate at the last batch */
    MIDGE_SCHEDULE_ONE_CYCLE = 3, /* Smith 2018: up from learning_rate / 25 in
                                     the first 30 %, then down as cosine to
                                     final_learning_rate */
    MIDGE_SCHEDULE_PLATEAU = 4    /* times schedule_factor after schedule_epochs
                                     without a better loss (validation's where
                                     there is one) */
} midge_schedule;

typedef struct midge_net_progress {
    uint32_t epoch;      /* finished epochs */
    uint32_t max_epochs; /* of these */
    double train_loss;   /* mean over the epoch's rows, as seen while training;
                            second order: after the step */
    double valid_loss;   /* NaN without validation rows */
    double train_mse; /* mean of squared errors over rows and outputs, as seen
                         while training; for the FANN trainers with FANN's
                         halves for symmetric outputs */
    size_t bit_fail;  /* outputs off by bit_fail_limit or more, likewise */
    float learning_rate; /* of the epoch's last step; L-BFGS: its length as a
                            share of the full one; LM: its damping */
} midge_net_progress;

/* Called after each epoch; anything but 0 stops training. */
typedef int (*midge_net_progress_fn)(void *ctx,
                                     const midge_net_progress *progress);

typedef enum midge_stop_at {
    MIDGE_STOP_AT_MSE = 0, /* train_mse <= stop_value */
    MIDGE_STOP_AT_BITS = 1 /* bit_fail <= stop_value */
} midge_stop_at;

typedef struct midge_train_options {
    midge_trainer trainer;
    midge_loss loss;
    float loss_parameter; /* 0: the loss's own default */
    uint32_t max_epochs;
    uint32_t batch_size; /* mini-batch trainers */
    float learning_rate; /* of all but RPROP, SARPROP, L-BFGS and LM */
    float momentum;      /* INCREMENTAL and SGD; RMSPROP */
    int nesterov;        /* SGD */
    float beta1, beta2;  /* Adam and AdamW; RMSprop's decay is beta2 */
    float epsilon;

    midge_schedule schedule; /* mini-batch trainers and INCREMENTAL */
    float final_learning_rate;
    float schedule_factor;
    uint32_t schedule_epochs;

    float l1;           /* adds l1 sign(w) to the gradient, not of biases; not
                           for second order */
    float weight_decay; /* adds weight_decay w, not of biases; decoupled for
                           AdamW */
    float clip_norm;    /* gradients of the loss longer than this are shortened;
                           0: off; mini-batch trainers and INCREMENTAL */
    float dropout;      /* of hidden units, 0 <= p < 1 (inverted scaling), to
                           the nearest 1/65536; mini-batch trainers and
                           INCREMENTAL */
    float input_dropout; /* of inputs, as above */

    /* FANN's backward pass to the letter: sigmoids kept 1 % from their ends
     * before the derivative, its formulas for gaussian, sine and cosine, the
     * error of symmetric outputs halved; and RPROP moves a weight without a
     * slope. Else the true gradient. On by default for the trainers that are
     * FANN's. */
    int fann_gradient;
    float rprop_increase, rprop_decrease;                     /* 1.2, 0.5 */
    float rprop_delta_min, rprop_delta_max, rprop_delta_zero; /* 0, 50, 0.1 */
    float quickprop_decay, quickprop_mu;       /* -0.0001, 1.75 */
    float sarprop_weight_decay_shift;          /* -6.644 */
    float sarprop_step_error_threshold_factor; /* 0.1 */
    float sarprop_step_error_shift;            /* 1.385 */
    float sarprop_temperature;                 /* 0.015 */

    midge_stop_at stop_at;
    float stop_value;     /* < 0: do not stop so */
    float bit_fail_limit; /* 0.35 */
    uint32_t patience;    /* epochs without better validation loss; 0: off */
    /* Both asked between batches, on the training thread. NULL: never. The
     * flag behind `cancelled` is the caller's, and may be set by any thread. */
    int (*cancelled)(void *ctx);
    double (*now_ms)(void *ctx);
    double time_limit_ms; /* 0: none; wants now_ms */

    uint64_t seed;                  /* shuffling, dropout, SARPROP's noise */
    midge_net_progress_fn on_epoch; /* may be NULL */
    void *ctx;                      /* of all three functions */
} midge_train_options;

/* Sound defaults for a trainer: FANN's for those that are FANN's (rate 0.7,
 * fann_gradient); for mini-batches batch 32 and rate 0.001 (SGD 0.01 with
 * momentum 0.9; RMSprop's decay 0.9; AdamW's weight_decay 0.01); 100 epochs;
 * MSE. Start from these: an option that is out of its range, or that the
 * trainer would not heed, is refused by its name. */
MIDGE_API midge_train_options midge_train_defaults(midge_trainer trainer);

typedef enum midge_stop {
    MIDGE_STOP_EPOCHS,    /* max_epochs were done */
    MIDGE_STOP_PATIENCE,  /* validation stopped getting better */
    MIDGE_STOP_CALLER,    /* on_epoch asked for it */
    MIDGE_STOP_REACHED,   /* stop_value */
    MIDGE_STOP_TIME,      /* time_limit_ms */
    MIDGE_STOP_CANCELLED, /* cancelled() was true; the epoch was not finished */
    MIDGE_STOP_CONVERGED  /* L-BFGS, LM: no step makes the loss smaller */
} midge_stop;
MIDGE_API const char *midge_stop_name(midge_stop stop); /* "patience" */

typedef struct midge_train_result {
    uint32_t epochs;
    uint32_t best_epoch; /* whose weights the net now has; 0: the initial */
    double train_loss;   /* of the last epoch, as seen while training */
    double train_mse;
    double valid_loss; /* of best_epoch; NaN without validation rows */
    midge_stop stop;
} midge_train_result;

/* Trains in place. `valid` may be NULL; with it, the weights of the best
 * validation loss are restored at the end. Same seed, same bits, everywhere,
 * with any number of threads of the net's env. A loss that stops being finite
 * is MIDGE_E_STATE and says at which epoch; the net then has the best weights
 * seen before (without validation rows: those after the epoch of the least
 * training loss). Data that are not finite are MIDGE_E_INVALID, and so are
 * activations that cannot be trained, options that do not fit the trainer.
 * `result` may be NULL. Memory is taken from the net's env before the first
 * epoch and given back at the end. One thread at a time per net. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_train(midge_net *net, const midge_net_data *train,
                const midge_net_data *valid, const midge_train_options *options,
                midge_train_result *result, midge_error *err);

/* ---- Step by step. ---------------------------------------------------------
 * For rows that come as they come, and for loops of the caller's own: what a
 * trainer keeps (moments, step sizes, where the schedule is) lives on between
 * the calls. A few rows at a time, or the same ones again and again. */
typedef struct midge_training midge_training;

/* For up to max_rows rows at a time. `net` is borrowed for the life of *out,
 * options are copied; of these patience, stop_value, on_epoch, cancelled and
 * the time limit are the caller's own affair here, and not looked at. Trainers
 * of second order are MIDGE_E_UNSUPPORTED: they want all rows at once. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_training_new(midge_net *net, const midge_train_options *options,
                   size_t max_rows, midge_training **out, midge_error *err);
MIDGE_API void midge_training_free(midge_training *training);
/* One epoch over these rows, as one of midge_net_train: the same bits.
 * `progress` may be NULL. MIDGE_E_LIMIT: more than max_rows. MIDGE_E_STATE: the
 * loss is not finite; the weights are then of no more use. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_training_epoch(midge_training *training, const midge_net_data *data,
                     midge_net_progress *progress, midge_error *err);

/* Mean loss over all rows, and its true gradient in the order of
 * midge_net_weights (gradient may be NULL). For tests and own trainers; full
 * batch. Takes scratch memory from the net's env. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_loss(const midge_net *net, midge_loss loss, float loss_parameter,
               const midge_net_data *data, double *value, float *gradient);

/* ---- Cascade-correlation. --------------------------------------------------
 * Fahlman & Lebiere 1990, as FANN's Cascade2: a network with shortcuts is grown
 * one hidden unit at a time. Candidates of every activation and steepness are
 * trained to follow the remaining error of all outputs; the best is installed
 * with its incoming weights, and the outputs are trained again. Candidates are
 * trained in parallel when the net's env has threads, with the same result. */
typedef struct midge_cascade_options {
    uint32_t max_units;           /* to add */
    midge_train_options train;    /* of both phases: BATCH, RPROP, QUICKPROP or
                                     SARPROP with MSE or TANH; stop_value, seed,
                                     cancelled, time limit, on_epoch (here: after
                                     each unit; `epoch` counts units) */
    float output_change_fraction; /* 0.01 */
    uint32_t output_stagnation_epochs;         /* 12 */
    uint32_t min_out_epochs, max_out_epochs;   /* 50, 150 */
    float candidate_change_fraction;           /* 0.01 */
    uint32_t candidate_stagnation_epochs;      /* 12 */
    uint32_t min_cand_epochs, max_cand_epochs; /* 50, 150 */
    float weight_multiplier;                   /* 0.4 */
    float candidate_limit;                     /* 1000 */
    uint32_t n_groups;                         /* 2: candidates of each kind */
    const midge_activation *activations;       /* NULL: FANN's ten */
    uint32_t n_activations;
    const float *steepnesses; /* NULL: 0.25, 0.5, 0.75, 1 */
    uint32_t n_steepnesses;
} midge_cascade_options;

MIDGE_API midge_cascade_options midge_cascade_defaults(void);

typedef struct midge_cascade_result {
    uint32_t units; /* that were added */
    double mse;     /* of the grown network */
    size_t bit_fail;
    midge_stop stop;
} midge_cascade_result;

/* Grows *net in place; it must have shortcuts. On an error the network is as
 * after the last unit that was installed whole. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_cascade(midge_net *net, const midge_net_data *train,
                  const midge_cascade_options *options,
                  midge_cascade_result *result, midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
