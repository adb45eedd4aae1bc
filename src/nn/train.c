/* train.c: the loop over epochs: batches, validation, patience, divergence.
 *
 * Every random choice comes from streams of options->seed: one for the order of
 * the rows, one for dropout. All memory is one block taken before the first
 * epoch. A learning rate follows half a cosine (Loshchilov & Hutter 2017,
 * without restarts) over all batches. */
#include "base/alloc.h"
#include "base/fmath.h"
#include "base/mdg_assert.h"
#include "nn/pass.h"
#include "nn/update.h"

#include <string.h>

enum { STREAM_SHUFFLE = 1, STREAM_DROPOUT = 2, STREAM_INPUT_DROPOUT = 3 };

#define NOT_A_NUMBER ((double)__builtin_nanf(""))
#define INFINITE     ((double)__builtin_inff())
#define PI           3.14159265358979323846

typedef struct trainer {
    midge_net *net;
    const midge_net_data *train;
    const midge_net_data *valid; /* NULL: none */
    const midge_train_options *o;
    mdg_pass pass;
    mdg_update update;
    mdg_rng shuffle;
    mdg_dropout hidden_dropout;
    mdg_dropout input_dropout;
    uint64_t step;  /* batches so far */
    double beta1_t; /* 0.9^step, 0.999^step */
    double beta2_t;
    float *xb;       /* the rows of a batch: (batch, n_in) */
    float *tb;       /* (batch, n_out) */
    float *mask;     /* of one row of inputs */
    float *total;    /* RPROP: the gradient of all rows */
    float *best;     /* weights of the best epoch */
    uint32_t *order; /* the rows, shuffled */
    float *block;
    size_t block_floats;
} trainer;

midge_train_options midge_train_defaults(midge_trainer kind) {
    midge_train_options o;
    memset(&o, 0, sizeof o);
    o.trainer = kind;
    o.loss = MIDGE_LOSS_MSE;
    o.max_epochs = 100;
    o.batch_size = 32;
    int fann = kind <= MIDGE_TRAIN_SARPROP;
    o.learning_rate = fann ? 0.7f : kind == MIDGE_TRAIN_SGD ? 0.01f : 0.001f;
    o.momentum = kind == MIDGE_TRAIN_SGD ? 0.9f : 0.0f;
    o.beta1 = 0.9f;
    o.beta2 = 0.999f;
    o.epsilon = 1e-8f;
    o.schedule_factor = 0.5f;
    o.schedule_epochs = 10;
    o.fann_gradient = fann;
    o.rprop_increase = 1.2f;
    o.rprop_decrease = 0.5f;
    o.rprop_delta_max = 50.0f;
    o.rprop_delta_zero = 0.1f;
    o.quickprop_decay = -0.0001f;
    o.quickprop_mu = 1.75f;
    o.sarprop_weight_decay_shift = -6.644f;
    o.sarprop_step_error_threshold_factor = 0.1f;
    o.sarprop_step_error_shift = 1.385f;
    o.sarprop_temperature = 0.015f;
    o.stop_value = -1.0f;
    o.bit_fail_limit = 0.35f;
    return o;
}

static int in_range(float x, float low, float below) {
    return x >= low && x < below; /* false for NaN */
}

static midge_status check_numbers(const midge_train_options *o,
                                  midge_error *err) {
    if (!in_range(o->momentum, 0.0f, 1.0f)) {
        return midge_fail(err, MIDGE_E_INVALID, "momentum is not in [0, 1)");
    }
    if (!in_range(o->weight_decay, 0.0f, 1e9f)) {
        return midge_fail(err, MIDGE_E_INVALID, "weight_decay is below 0");
    }
    if (!in_range(o->dropout, 0.0f, 1.0f) ||
        !in_range(o->input_dropout, 0.0f, 1.0f)) {
        return midge_fail(err, MIDGE_E_INVALID, "dropout is not in [0, 1)");
    }
    if (!in_range(o->final_learning_rate, 0.0f, 1e30f)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "final_learning_rate is below 0");
    }
    return MIDGE_OK;
}

static midge_status check_options(const midge_train_options *o, int has_valid,
                                  midge_error *err) {
    if (o->trainer != MIDGE_TRAIN_SGD && o->trainer != MIDGE_TRAIN_ADAMW &&
        o->trainer != MIDGE_TRAIN_RPROP) {
        return midge_fail(err, MIDGE_E_INVALID, "unknown trainer %d",
                          (int)o->trainer);
    }
    if (o->max_epochs < 1) {
        return midge_fail(err, MIDGE_E_INVALID, "max_epochs is 0");
    }
    MIDGE_TRY(check_numbers(o, err));
    if (o->trainer == MIDGE_TRAIN_RPROP) {
        if (o->dropout > 0 || o->input_dropout > 0) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "RPROP compares the gradients of two epochs and "
                              "cannot have dropout between them");
        }
    } else if (o->batch_size < 1 || o->batch_size > INT32_MAX) {
        return midge_fail(err, MIDGE_E_INVALID, "batch_size is %u",
                          o->batch_size);
    } else if (!(o->learning_rate > 0.0f && o->learning_rate < 1e30f)) {
        return midge_fail(err, MIDGE_E_INVALID, "learning_rate is not above 0");
    }
    if (o->patience > 0 && !has_valid) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "patience needs validation rows");
    }
    return MIDGE_OK;
}

static midge_status check_data(const midge_net *net, const midge_net_data *d,
                               const char *which, midge_error *err) {
    if (d->n_rows < 1 || d->n_rows > UINT32_MAX || !d->x || !d->t) {
        return midge_fail(err, MIDGE_E_INVALID, "%s: no rows, or too many",
                          which);
    }
    size_t nx;
    size_t nt;
    if (!mdg_multiply_size(d->n_rows, midge_net_n_inputs(net), &nx) ||
        !mdg_multiply_size(d->n_rows, midge_net_n_outputs(net), &nt)) {
        return midge_fail(err, MIDGE_E_LIMIT, "%s: too many rows", which);
    }
    if (!mdg_all_finite(nx, d->x) || !mdg_all_finite(nt, d->t)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "%s: a value is NaN or infinite", which);
    }
    return MIDGE_OK;
}

static size_t batch_rows(const trainer *tr) {
    size_t n = tr->train->n_rows;
    return tr->o->batch_size < n ? tr->o->batch_size : n;
}

static void lay_out(trainer *tr, mdg_slab *slab) {
    size_t n_in = midge_net_n_inputs(tr->net);
    size_t n_weights = tr->net->n_weights;
    tr->best = mdg_slab_take(slab, 1, n_weights);
    tr->update.a = mdg_slab_take(slab, 1, n_weights);
    if (tr->o->trainer != MIDGE_TRAIN_SGD) {
        tr->update.b = mdg_slab_take(slab, 1, n_weights);
    }
    if (tr->o->trainer == MIDGE_TRAIN_RPROP) {
        tr->total = mdg_slab_take(slab, 1, n_weights);
        return;
    }
    tr->xb = mdg_slab_take(slab, batch_rows(tr), n_in);
    tr->tb = mdg_slab_take(slab, batch_rows(tr), midge_net_n_outputs(tr->net));
    tr->mask = mdg_slab_take(slab, 1, n_in);
    /* Four bytes each, as a float is. */
    tr->order = (uint32_t *)(void *)mdg_slab_take(slab, 1, tr->train->n_rows);
}

/* One pass serves for batches and, when there is no dropout mask in its way,
 * for the blocks of validation: forward without dropout is what it is told. */
static midge_status init_pass(trainer *tr) {
    size_t rows = mdg_block_rows(tr->train->n_rows);
    if (tr->valid && mdg_block_rows(tr->valid->n_rows) > rows) {
        rows = mdg_block_rows(tr->valid->n_rows);
    }
    if (tr->o->trainer != MIDGE_TRAIN_RPROP && batch_rows(tr) > rows) {
        rows = batch_rows(tr);
    }
    return mdg_pass_init(&tr->pass, tr->net, rows, 1, tr->o->dropout > 0);
}

static void start(trainer *tr) {
    const midge_train_options *o = tr->o;
    mdg_rng_seed(&tr->shuffle, mdg_rng_mix(o->seed, STREAM_SHUFFLE));
    mdg_dropout_init(&tr->hidden_dropout, o->dropout,
                     mdg_rng_mix(o->seed, STREAM_DROPOUT));
    mdg_dropout_init(&tr->input_dropout, o->input_dropout,
                     mdg_rng_mix(o->seed, STREAM_INPUT_DROPOUT));
    tr->beta1_t = 1.0;
    tr->beta2_t = 1.0;
    size_t bytes = tr->net->n_weights * sizeof(float);
    memcpy(tr->best, tr->net->weights, bytes);
    memset(tr->update.a, 0, bytes);
    if (tr->update.b) {
        memset(tr->update.b, 0, bytes);
    }
    tr->update.net = tr->net;
    tr->update.w = tr->net->weights;
    tr->update.o = o;
    tr->update.gradient = tr->total ? tr->total : tr->pass.gradient;
    if (o->trainer == MIDGE_TRAIN_RPROP) {
        mdg_update_rprop_start(&tr->update);
        return;
    }
    for (size_t i = 0; i < tr->train->n_rows; i++) {
        tr->order[i] = (uint32_t)i;
    }
}

static midge_status init(trainer *tr) {
    MIDGE_TRY(init_pass(tr));
    mdg_slab slab = {.env = tr->net->env};
    lay_out(tr, &slab);
    midge_status status = mdg_slab_allocate(&slab, &tr->block_floats);
    if (status != MIDGE_OK) {
        mdg_pass_deinit(&tr->pass);
        return status;
    }
    tr->block = slab.base;
    lay_out(tr, &slab);
    mdg_assert(slab.count == tr->block_floats);
    start(tr);
    return MIDGE_OK;
}

static void deinit(trainer *tr) {
    mdg_release(tr->net->env, tr->block, tr->block_floats, sizeof(float));
    mdg_pass_deinit(&tr->pass);
}

static void gather(trainer *tr, const uint32_t *rows, size_t count) {
    size_t n_in = midge_net_n_inputs(tr->net);
    size_t n_out = midge_net_n_outputs(tr->net);
    for (size_t i = 0; i < count; i++) {
        float *restrict xb = tr->xb + i * n_in;
        memcpy(xb, tr->train->x + rows[i] * n_in, n_in * sizeof(float));
        memcpy(tr->tb + i * n_out, tr->train->t + rows[i] * n_out,
               n_out * sizeof(float));
        if (tr->input_dropout.threshold > 0) {
            const float *restrict mask = tr->mask;
            mdg_dropout_fill(&tr->input_dropout, n_in, tr->mask);
            for (size_t j = 0; j < n_in; j++) {
                xb[j] *= mask[j];
            }
        }
    }
}

/* Of batch number `step` of `steps`, both ends included. */
static float learning_rate(const midge_train_options *o, uint64_t step,
                           uint64_t steps) {
    if (o->schedule != MIDGE_SCHEDULE_COSINE || steps < 2) {
        return o->learning_rate;
    }
    float phase = (float)(PI * (double)step / (double)(steps - 1));
    float share = 0.5f * (1.0f + mdg_cos_f32(phase));
    return o->final_learning_rate +
           (o->learning_rate - o->final_learning_rate) * share;
}

static void update(trainer *tr, float rate) {
    if (tr->o->trainer == MIDGE_TRAIN_SGD) {
        mdg_update_sgd(&tr->update, rate, tr->o->momentum);
        return;
    }
    tr->beta1_t *= (double)tr->o->beta1;
    tr->beta2_t *= (double)tr->o->beta2;
    mdg_update_adam(&tr->update, rate, tr->beta1_t, tr->beta2_t);
}

static mdg_objective objective_of(const midge_train_options *o) {
    return (mdg_objective){o->loss, o->loss_parameter, o->fann_gradient,
                           o->bit_fail_limit};
}

/* An epoch of mini-batches; the mean loss of its rows, as each batch saw it
 * before its update. Ends early when that is no longer finite. */
static double epoch_of_batches(trainer *tr) {
    size_t n = tr->train->n_rows;
    size_t size = batch_rows(tr);
    if (mdg_never(size == 0)) { /* check_options and check_data refuse it */
        return NOT_A_NUMBER;
    }
    uint64_t steps = (uint64_t)((n + size - 1) / size) * tr->o->max_epochs;
    mdg_dropout *dropout = tr->pass.dropout ? &tr->hidden_dropout : NULL;
    const mdg_objective objective = objective_of(tr->o);
    mdg_tally tally = {0, 0, 0};
    mdg_rng_shuffle(&tr->shuffle, tr->order, n);
    for (size_t at = 0; at < n && tally.loss - tally.loss == 0.0; at += size) {
        size_t rows = n - at < size ? n - at : size;
        gather(tr, tr->order + at, rows);
        mdg_pass_forward(&tr->pass, rows, tr->xb, dropout);
        mdg_pass_tally(&tr->pass, &objective, rows, tr->tb, &tally);
        mdg_pass_backward(&tr->pass, &objective, rows, 1.0f / (float)rows,
                          tr->xb, tr->tb);
        update(tr, learning_rate(tr->o, tr->step, steps));
        tr->step++;
    }
    return tally.loss / (double)n;
}

static double mean_loss(trainer *tr, const midge_net_data *data,
                        float *gradient) {
    const mdg_objective objective = objective_of(tr->o);
    mdg_tally tally;
    mdg_pass_all(&tr->pass, &objective, (float)(1.0 / (double)data->n_rows),
                 data, gradient, &tally);
    return tally.loss / (double)data->n_rows;
}

static double epoch_of_all(trainer *tr) {
    double loss = mean_loss(tr, tr->train, tr->total);
    mdg_update_rprop(&tr->update);
    return loss;
}

static double valid_loss(trainer *tr) {
    return tr->valid ? mean_loss(tr, tr->valid, NULL) : NOT_A_NUMBER;
}

static int is_finite(double x) {
    return x - x == 0.0;
}

static void keep_best(const trainer *tr) {
    memcpy(tr->best, tr->net->weights, tr->net->n_weights * sizeof(float));
}

static void restore_best(const trainer *tr) {
    memcpy(tr->net->weights, tr->best, tr->net->n_weights * sizeof(float));
}

/* One epoch: train, measure, keep. `best` is the least loss so far, of the
 * validation rows or else of training. 0 when the net has diverged. */
static int one_epoch(trainer *tr, midge_net_progress *p, double *best,
                     uint32_t *best_epoch) {
    p->train_loss = tr->o->trainer == MIDGE_TRAIN_RPROP ? epoch_of_all(tr)
                                                        : epoch_of_batches(tr);
    if (!is_finite(p->train_loss) ||
        !mdg_all_finite(tr->net->n_weights, tr->net->weights)) {
        return 0;
    }
    p->valid_loss = valid_loss(tr);
    if (tr->valid && !is_finite(p->valid_loss)) {
        return 0;
    }
    double judged = tr->valid ? p->valid_loss : p->train_loss;
    if (judged < *best) {
        *best = judged;
        *best_epoch = p->epoch;
        keep_best(tr);
    }
    return 1;
}

/* MIDGE_STOP_EPOCHS: not yet, or because there are no more. */
static midge_stop whether_to_stop(const trainer *tr,
                                  const midge_net_progress *p,
                                  uint32_t best_epoch) {
    if (tr->o->on_epoch && tr->o->on_epoch(tr->o->ctx, p) != 0) {
        return MIDGE_STOP_CALLER;
    }
    if (tr->o->patience > 0 && p->epoch - best_epoch >= tr->o->patience) {
        return MIDGE_STOP_PATIENCE;
    }
    return MIDGE_STOP_EPOCHS;
}

static midge_status run(trainer *tr, midge_train_result *r, midge_error *err) {
    double best = tr->valid ? valid_loss(tr) : INFINITE;
    uint32_t best_epoch = 0;
    r->valid_loss = NOT_A_NUMBER;
    if (tr->valid && !is_finite(best)) {
        return midge_fail(err, MIDGE_E_STATE,
                          "the validation loss is not finite at the start");
    }
    for (uint32_t e = 1; e <= tr->o->max_epochs; e++) {
        midge_net_progress p = {.epoch = e,
                                .max_epochs = tr->o->max_epochs,
                                .valid_loss = NOT_A_NUMBER};
        if (!one_epoch(tr, &p, &best, &best_epoch)) {
            restore_best(tr);
            r->best_epoch = best_epoch;
            return midge_fail(err, MIDGE_E_STATE,
                              "the loss stopped being finite in epoch %u", e);
        }
        r->epochs = e;
        r->train_loss = p.train_loss;
        r->stop = whether_to_stop(tr, &p, best_epoch);
        if (r->stop != MIDGE_STOP_EPOCHS) {
            break;
        }
    }
    r->best_epoch = r->epochs;
    if (tr->valid) {
        restore_best(tr);
        r->best_epoch = best_epoch;
        r->valid_loss = best;
    }
    return MIDGE_OK;
}

midge_status midge_net_train(midge_net *net, const midge_net_data *train,
                             const midge_net_data *valid,
                             const midge_train_options *options,
                             midge_train_result *result, midge_error *err) {
    midge_train_result ignored;
    midge_train_result *r = result ? result : &ignored;
    memset(r, 0, sizeof *r);
    if (!net || !train || !options) {
        return midge_fail(err, MIDGE_E_INVALID, "net, rows or options missing");
    }
    MIDGE_TRY(check_options(options, valid != NULL, err));
    const mdg_objective objective = objective_of(options);
    MIDGE_TRY(mdg_objective_check(net, &objective, err));
    MIDGE_TRY(check_data(net, train, "training rows", err));
    if (valid) {
        MIDGE_TRY(check_data(net, valid, "validation rows", err));
    }
    trainer tr = {.net = net, .train = train, .valid = valid, .o = options};
    if (init(&tr) != MIDGE_OK) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory to train with");
    }
    midge_status status = run(&tr, r, err);
    deinit(&tr);
    return status;
}

const char *midge_stop_name(midge_stop stop) {
    static const char *const names[] = {"epochs",   "patience", "caller",
                                        "reached",  "time",     "cancelled",
                                        "converged"};
    return (unsigned)stop < 7 ? names[stop] : NULL;
}
