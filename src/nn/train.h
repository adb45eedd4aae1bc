/* train.h: a training run, and what each kind of trainer does in it.
 *
 * A method has the state it wants in a struct of its own, lays it out in the
 * run's one block of memory, and does one epoch at a time; train.c has all that
 * is the same for all: options, validation, stopping, the best weights. */
#ifndef MDG_TRAIN_H
#define MDG_TRAIN_H

#include "nn/net_update.h"
#include "nn/pass.h"

typedef struct mdg_training mdg_training;

typedef struct mdg_method {
    /* Rows of the pass, at least; 0: as many as a block has. */
    size_t (*rows)(const mdg_training *tr);
    void (*lay_out)(mdg_training *tr, mdg_slab *slab);
    void (*start)(mdg_training *tr);
    /* MIDGE_STOP_EPOCHS: done, `tally` is filled. MIDGE_STOP_CONVERGED: so too,
     * and there is no use in another. MIDGE_STOP_TIME and _CANCELLED: ended
     * before it was done. */
    midge_stop (*epoch)(mdg_training *tr, mdg_tally *tally);
} mdg_method;

/* Mini-batches and INCREMENTAL (train_batches.c). */
typedef struct mdg_batches {
    mdg_rng shuffle;
    mdg_dropout hidden_dropout;
    mdg_dropout input_dropout;
    uint64_t step;   /* batches so far */
    size_t size;     /* rows of a batch */
    float *x;        /* the rows of a batch: (size, n_in) */
    float *t;        /* (size, n_out) */
    float *mask;     /* of one row of inputs */
    size_t ordered;  /* how many rows `order` is of; 0: not made yet */
    uint32_t *order; /* the rows, shuffled */
} mdg_batches;

/* Full-batch first order (train_all.c). */
typedef struct mdg_all {
    float *gradient;
    mdg_rng noise; /* SARPROP's */
} mdg_all;

#define MDG_LBFGS_HISTORY 10
typedef struct mdg_lbfgs {
    float *x;        /* the weights the line search starts from */
    float *gradient; /* where the weights are now */
    float *old;      /* where the last search started */
    float *direction;
    float *s[MDG_LBFGS_HISTORY]; /* steps, and the changes of the gradient */
    float *y[MDG_LBFGS_HISTORY];
    double sy[MDG_LBFGS_HISTORY]; /* s y */
    size_t kept;     /* pairs that were kept: the last ones are there */
    mdg_tally tally; /* at the weights, when `known` */
    double loss;     /* likewise, with its penalty */
    int known;       /* loss and gradient are those of the weights */
} mdg_lbfgs;

typedef struct mdg_levenberg {
    double *normal;   /* (n, n): J'J on and below the diagonal, and above it the
                         factor of the last damped one */
    double *diagonal; /* of the factor */
    double *pull;     /* J'e */
    double *step;
    float *jacobian; /* a few rows of J */
    float *x;        /* the weights the step starts from */
    float *seed;     /* dy_j/dy of one output */
    double damping;
} mdg_levenberg;

struct mdg_training {
    midge_net *net;
    const midge_net_data *train;
    const midge_net_data *valid; /* NULL: none */
    const midge_train_options *o;
    const mdg_method *method;
    mdg_objective objective;
    mdg_pass pass;
    mdg_update update;
    uint32_t epoch; /* the one that runs, from 1 */
    float rate;     /* of the last step */
    float plateau;  /* what the schedule of that name has made of the rate */
    uint32_t plateau_epochs; /* without a better loss */
    double deadline_ms;
    double best_loss; /* of validation, or else of training */
    uint32_t best_epoch;
    float *best; /* its weights */
    float *block;
    size_t block_floats;
    union {
        mdg_batches batches;
        mdg_all all;
        mdg_lbfgs lbfgs;
        mdg_levenberg levenberg;
    } of;
};

/* train.c: what midge_net_train and midge_training share. `net`, `train` (whose
 * rows need not be there yet), `valid`, `o`, `method` and `objective` are set.
 */
const mdg_method *mdg_method_of(midge_trainer trainer);
midge_status mdg_training_check(const mdg_training *tr, midge_error *err);
midge_status mdg_training_init(mdg_training *tr);
void mdg_training_deinit(mdg_training *tr);

extern const mdg_method mdg_train_batches;
extern const mdg_method mdg_train_all;
extern const mdg_method mdg_train_lbfgs;
extern const mdg_method mdg_train_levenberg;

mdg_objective mdg_train_objective(const midge_train_options *o);
/* When time will be up, 0 for never; and whether to end at once:
 * MIDGE_STOP_CANCELLED, _TIME, or _EPOCHS for no. */
double mdg_deadline(const midge_train_options *o);
midge_stop mdg_halt(const midge_train_options *o, double deadline_ms);

/* Of an epoch over all training rows. */
double mdg_training_mse(const mdg_training *tr, const mdg_tally *tally);

/* A stream of random numbers of its own for each use of a seed. */
enum {
    MDG_STREAM_SHUFFLE = 1,
    MDG_STREAM_DROPOUT = 2,
    MDG_STREAM_INPUT_DROPOUT = 3,
    MDG_STREAM_NOISE = 4,
    MDG_STREAM_CANDIDATES = 5
};

/* Is one bit of these the trainer's? */
#define MDG_BIT(trainer) (1u << (trainer))
#define MDG_FANN_TRAINERS                                                      \
    (MDG_BIT(MIDGE_TRAIN_INCREMENTAL) | MDG_BIT(MIDGE_TRAIN_BATCH) |           \
     MDG_BIT(MIDGE_TRAIN_RPROP) | MDG_BIT(MIDGE_TRAIN_QUICKPROP) |             \
     MDG_BIT(MIDGE_TRAIN_SARPROP))
#define MDG_MINI_BATCHES                                                       \
    (MDG_BIT(MIDGE_TRAIN_SGD) | MDG_BIT(MIDGE_TRAIN_RMSPROP) |                 \
     MDG_BIT(MIDGE_TRAIN_ADAM) | MDG_BIT(MIDGE_TRAIN_ADAMW))

/* train_options.c: every value within its range, and none that the trainer
 * would not heed; the first that is wrong is named. */
midge_status mdg_train_check(const midge_train_options *o, int has_valid,
                             midge_error *err);
/* Rows as a trainer takes them: some, and all finite. */
midge_status mdg_train_check_data(const midge_net *net,
                                  const midge_net_data *data, const char *which,
                                  midge_error *err);

/* schedule.c: of step `step` of all `steps`, in epoch `epoch`. */
float mdg_schedule_rate(const mdg_training *tr, uint64_t step, uint64_t steps);
/* After an epoch: `better` when its loss was the least so far. */
void mdg_schedule_epoch(mdg_training *tr, int better);

#endif
