/* train.c: the loop over epochs: validation, patience, limits, divergence, and
 * the weights that are kept. What an epoch is, is the method's (train.h). Every
 * random choice comes from streams of options->seed, and all memory is two
 * blocks taken before the first epoch. */
#include "nn/train.h"

#include "base/alloc.h"
#include "base/mdg_assert.h"

#include <string.h>

#define NOT_A_NUMBER ((double)__builtin_nanf(""))
#define INFINITE     ((double)__builtin_inff())

const mdg_method *mdg_method_of(midge_trainer trainer) {
    switch ((int)trainer) {
    case MIDGE_TRAIN_LBFGS:
        return &mdg_train_lbfgs;
    case MIDGE_TRAIN_LEVENBERG_MARQUARDT:
        return &mdg_train_levenberg;
    default:
        return mdg_rule_of(trainer) ? &mdg_train_all : &mdg_train_batches;
    }
}

double mdg_deadline(const midge_train_options *o) {
    return o->time_limit_ms > 0.0 ? o->now_ms(o->ctx) + o->time_limit_ms : 0.0;
}

midge_stop mdg_halt(const midge_train_options *o, double deadline_ms) {
    if (o->cancelled && o->cancelled(o->ctx)) {
        return MIDGE_STOP_CANCELLED;
    }
    if (o->time_limit_ms > 0.0 && o->now_ms(o->ctx) >= deadline_ms) {
        return MIDGE_STOP_TIME;
    }
    return MIDGE_STOP_EPOCHS;
}

double mdg_training_mse(const mdg_training *tr, const mdg_tally *tally) {
    return tally->squares /
           ((double)tr->train->n_rows * (double)mdg_net_last(tr->net)->n_out);
}

static void lay_out(mdg_training *tr, mdg_slab *slab) {
    tr->best = mdg_slab_take(slab, 1, tr->net->n_weights);
    tr->method->lay_out(tr, slab);
}

/* One pass serves for training and for validation: forward without dropout is
 * what it is told. */
static midge_status init_pass(mdg_training *tr) {
    size_t rows = mdg_block_rows(tr->train->n_rows);
    if (tr->method->rows(tr) > rows) {
        rows = tr->method->rows(tr);
    }
    if (tr->valid && mdg_block_rows(tr->valid->n_rows) > rows) {
        rows = mdg_block_rows(tr->valid->n_rows);
    }
    MIDGE_TRY(mdg_pass_init(&tr->pass, tr->net, rows, 1, tr->o->dropout > 0));
    int all_at_once = tr->method->rows(tr) == 0;
    size_t spread = all_at_once ? tr->train->n_rows : 0;
    if (tr->valid && tr->valid->n_rows > spread) {
        spread = tr->valid->n_rows;
    }
    midge_status status = mdg_pass_spread(&tr->pass, spread, all_at_once);
    if (status != MIDGE_OK) {
        mdg_pass_deinit(&tr->pass);
    }
    return status;
}

static void start(mdg_training *tr) {
    const midge_train_options *o = tr->o;
    tr->update.o = o;
    tr->update.kernels = tr->net->kernels;
    tr->update.w = tr->net->weights;
    tr->plateau = 1.0f;
    tr->deadline_ms = mdg_deadline(o);
    tr->method->start(tr);
}

midge_status mdg_training_init(mdg_training *tr) {
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

void mdg_training_deinit(mdg_training *tr) {
    mdg_release(tr->net->env, tr->block, tr->block_floats, sizeof(float));
    mdg_pass_deinit(&tr->pass);
}

static double valid_loss(mdg_training *tr) {
    if (!tr->valid) {
        return NOT_A_NUMBER;
    }
    mdg_tally tally = {0};
    mdg_pass_all(&tr->pass, &tr->objective, 1.0f, tr->valid, NULL, &tally);
    return tally.loss / (double)tr->valid->n_rows;
}

static int is_finite(double x) {
    return x - x == 0.0;
}

static void keep_best(const mdg_training *tr) {
    memcpy(tr->best, tr->net->weights, tr->net->n_weights * sizeof(float));
}

static void restore_best(const mdg_training *tr) {
    memcpy(tr->net->weights, tr->best, tr->net->n_weights * sizeof(float));
}

/* Fills in what the epoch came to. 0 when the net has diverged. */
static int measure(mdg_training *tr, const mdg_tally *tally,
                   midge_net_progress *p) {
    p->train_loss = tally->loss / (double)tr->train->n_rows;
    p->train_mse = mdg_training_mse(tr, tally);
    p->bit_fail = tally->bit_fail;
    p->learning_rate = tr->rate;
    if (!is_finite(p->train_loss) ||
        !mdg_all_finite(tr->net->n_weights, tr->net->weights)) {
        return 0;
    }
    p->valid_loss = valid_loss(tr);
    return !tr->valid || is_finite(p->valid_loss);
}

/* Keeps the weights if they are the best so far. */
static void judge(mdg_training *tr, const midge_net_progress *p) {
    const double loss = tr->valid ? p->valid_loss : p->train_loss;
    const int better = loss < tr->best_loss;
    if (better) {
        tr->best_loss = loss;
        tr->best_epoch = p->epoch;
        keep_best(tr);
    }
    mdg_schedule_epoch(tr, better);
}

static int reached(const midge_train_options *o, const midge_net_progress *p) {
    const double value =
        o->stop_at == MIDGE_STOP_AT_BITS ? (double)p->bit_fail : p->train_mse;
    return o->stop_value >= 0.0f && value <= (double)o->stop_value;
}

/* After a whole epoch. MIDGE_STOP_EPOCHS: go on, if there are more. */
static midge_stop whether_to_stop(const mdg_training *tr,
                                  const midge_net_progress *p) {
    const midge_train_options *o = tr->o;
    if (o->on_epoch && o->on_epoch(o->ctx, p) != 0) {
        return MIDGE_STOP_CALLER;
    }
    if (reached(o, p)) {
        return MIDGE_STOP_REACHED;
    }
    if (o->patience > 0 && p->epoch - tr->best_epoch >= o->patience) {
        return MIDGE_STOP_PATIENCE;
    }
    return MIDGE_STOP_EPOCHS;
}

/* Goes on until there is a reason not to, which is *stop. MIDGE_E_STATE: the
 * net has diverged. */
static midge_status epochs(mdg_training *tr, midge_train_result *r) {
    for (tr->epoch = 1; tr->epoch <= tr->o->max_epochs; tr->epoch++) {
        mdg_tally tally = {0};
        const midge_stop end = tr->method->epoch(tr, &tally);
        if (end == MIDGE_STOP_TIME || end == MIDGE_STOP_CANCELLED) {
            r->stop = end;
            return MIDGE_OK;
        }
        midge_net_progress p = {.epoch = tr->epoch,
                                .max_epochs = tr->o->max_epochs,
                                .valid_loss = NOT_A_NUMBER};
        if (!measure(tr, &tally, &p)) {
            return MIDGE_E_STATE;
        }
        judge(tr, &p);
        r->epochs = tr->epoch;
        r->train_loss = p.train_loss;
        r->train_mse = p.train_mse;
        r->stop = whether_to_stop(tr, &p);
        if (r->stop == MIDGE_STOP_EPOCHS) {
            r->stop = end;
        }
        if (r->stop != MIDGE_STOP_EPOCHS) {
            return MIDGE_OK;
        }
    }
    return MIDGE_OK;
}

static midge_status run(mdg_training *tr, midge_train_result *r,
                        midge_error *err) {
    r->valid_loss = NOT_A_NUMBER;
    keep_best(tr);
    tr->best_loss = tr->valid ? valid_loss(tr) : INFINITE;
    if (tr->valid && !is_finite(tr->best_loss)) {
        return midge_fail(err, MIDGE_E_STATE,
                          "the validation loss is not finite at the start");
    }
    if (epochs(tr, r) != MIDGE_OK) {
        restore_best(tr);
        r->best_epoch = tr->best_epoch;
        return midge_fail(err, MIDGE_E_STATE,
                          "the loss stopped being finite in epoch %u",
                          (unsigned)tr->epoch);
    }
    r->best_epoch = r->epochs;
    if (tr->valid) {
        restore_best(tr);
        r->best_epoch = tr->best_epoch;
        r->valid_loss = tr->best_loss;
    }
    return MIDGE_OK;
}

mdg_objective mdg_train_objective(const midge_train_options *o) {
    return (mdg_objective){.loss = o->loss,
                           .parameter = o->loss_parameter,
                           .fann = o->fann_gradient,
                           .bit_fail_limit = o->bit_fail_limit};
}

midge_status mdg_training_check(const mdg_training *tr, midge_error *err) {
    MIDGE_TRY(mdg_train_check(tr->o, tr->valid != NULL, err));
    if (tr->o->trainer == MIDGE_TRAIN_LEVENBERG_MARQUARDT &&
        tr->net->n_weights > MIDGE_NET_LM_WEIGHTS_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "levenberg_marquardt takes at most %d weights, the "
                          "network has %zu: take lbfgs",
                          MIDGE_NET_LM_WEIGHTS_MAX, tr->net->n_weights);
    }
    return mdg_objective_check(tr->net, &tr->objective, err);
}

static midge_status check_rows(const mdg_training *tr, midge_error *err) {
    MIDGE_TRY(mdg_train_check_data(tr->net, tr->train, "training rows", err));
    return tr->valid ? mdg_train_check_data(tr->net, tr->valid,
                                            "validation rows", err)
                     : MIDGE_OK;
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
    mdg_training tr = {.net = net,
                       .train = train,
                       .valid = valid,
                       .o = options,
                       .method = mdg_method_of(options->trainer),
                       .objective = mdg_train_objective(options)};
    MIDGE_TRY(mdg_training_check(&tr, err));
    MIDGE_TRY(check_rows(&tr, err));
    if (mdg_training_init(&tr) != MIDGE_OK) {
        return mdg_no_memory("training", err);
    }
    midge_status status = run(&tr, r, err);
    mdg_training_deinit(&tr);
    return status;
}
