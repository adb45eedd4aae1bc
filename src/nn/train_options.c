/* train_options.c: what trainers are told: defaults, and what is refused. */
#include "base/alloc.h"
#include "nn/train.h"

#include <stddef.h>
#include <string.h>

const char *midge_stop_name(midge_stop stop) {
    static const char *const names[] = {"epochs",   "patience", "caller",
                                        "reached",  "time",     "cancelled",
                                        "converged"};
    return (unsigned)stop < sizeof names / sizeof names[0] ? names[stop] : NULL;
}

/* ---- Defaults. */

static void fann_defaults(midge_train_options *o) {
    o->rprop_increase = 1.2f;
    o->rprop_decrease = 0.5f;
    o->rprop_delta_min = 0.0f;
    o->rprop_delta_max = 50.0f;
    o->rprop_delta_zero = 0.1f;
    o->quickprop_decay = -0.0001f;
    o->quickprop_mu = 1.75f;
    o->sarprop_weight_decay_shift = -6.644f;
    o->sarprop_step_error_threshold_factor = 0.1f;
    o->sarprop_step_error_shift = 1.385f;
    o->sarprop_temperature = 0.015f;
}

static void batch_defaults(midge_train_options *o) {
    o->batch_size = 32;
    o->learning_rate = o->trainer == MIDGE_TRAIN_SGD ? 0.01f : 0.001f;
    o->momentum = o->trainer == MIDGE_TRAIN_SGD ? 0.9f : 0.0f;
    o->weight_decay = o->trainer == MIDGE_TRAIN_ADAMW ? 0.01f : 0.0f;
    o->beta2 = o->trainer == MIDGE_TRAIN_RMSPROP ? 0.9f : 0.999f;
}

midge_train_options midge_train_defaults(midge_trainer trainer) {
    midge_train_options o;
    memset(&o, 0, sizeof o);
    o.trainer = trainer;
    o.max_epochs = 100;
    o.batch_size = 1;
    o.learning_rate = 0.7f;
    o.beta1 = 0.9f;
    o.beta2 = 0.999f;
    o.epsilon = 1e-8f;
    o.schedule_factor = 0.5f;
    o.schedule_epochs = 10;
    o.stop_value = -1.0f;
    o.bit_fail_limit = 0.35f;
    fann_defaults(&o);
    const uint32_t bit = (unsigned)trainer < 32 ? MDG_BIT(trainer) : 0;
    o.fann_gradient = (bit & MDG_FANN_TRAINERS) != 0;
    if (bit & MDG_MINI_BATCHES) {
        batch_defaults(&o);
    }
    return o;
}

/* ---- The ranges of numbers. */

#define ALL  ((1u << MIDGE_TRAIN_COUNT) - 1)
#define ROWS (MDG_MINI_BATCHES | MDG_BIT(MIDGE_TRAIN_INCREMENTAL))
#define SECOND                                                                 \
    (MDG_BIT(MIDGE_TRAIN_LBFGS) | MDG_BIT(MIDGE_TRAIN_LEVENBERG_MARQUARDT))
#define RPROPS    (MDG_BIT(MIDGE_TRAIN_RPROP) | MDG_BIT(MIDGE_TRAIN_SARPROP))
#define ADAMS     (MDG_BIT(MIDGE_TRAIN_ADAM) | MDG_BIT(MIDGE_TRAIN_ADAMW))
#define QUICKPROP MDG_BIT(MIDGE_TRAIN_QUICKPROP)
#define SARPROP   MDG_BIT(MIDGE_TRAIN_SARPROP)
#define RMSPROP   MDG_BIT(MIDGE_TRAIN_RMSPROP)
#define BATCH     MDG_BIT(MIDGE_TRAIN_BATCH)
#define TINY      1e-30f
#define HUGE      1e30f

/* An option is in [low, below) for the trainers that heed it. What would be
 * missed if it did nothing is refused by the others: it must be 0 there. */
static const struct range {
    const char *name;
    size_t at;
    float low;
    float below;
    uint32_t heeded_by;
    int missed;
} ranges[] = {
#define R(field, low, below, heeded_by, missed)                                \
    {#field, offsetof(midge_train_options, field), low, below, heeded_by,      \
     missed}
    R(loss_parameter, 0, HUGE, ALL, 0),
    R(learning_rate, TINY, HUGE, ROWS | BATCH | QUICKPROP, 0),
    R(momentum, 0, 1, ROWS, 0),
    R(beta1, 0, 1, ADAMS, 0),
    R(beta2, 0, 1, ADAMS | RMSPROP, 0),
    R(epsilon, TINY, 1, ADAMS | RMSPROP, 0),
    R(final_learning_rate, 0, HUGE, ROWS, 0),
    R(schedule_factor, 0, 1, ROWS, 0),
    R(l1, 0, HUGE, ALL & ~SECOND, 1),
    R(weight_decay, 0, HUGE, ALL, 0),
    R(clip_norm, 0, HUGE, ROWS, 1),
    R(dropout, 0, 1, ROWS, 1),
    R(input_dropout, 0, 1, ROWS, 1),
    R(rprop_increase, 1, HUGE, RPROPS, 0),
    R(rprop_decrease, TINY, 1, RPROPS, 0),
    R(rprop_delta_min, 0, HUGE, RPROPS, 0),
    R(rprop_delta_max, TINY, HUGE, RPROPS, 0),
    R(rprop_delta_zero, 0, HUGE, RPROPS, 0),
    R(quickprop_decay, -HUGE, TINY, QUICKPROP, 0),
    R(quickprop_mu, TINY, HUGE, QUICKPROP, 0),
    R(sarprop_weight_decay_shift, -1000, 1000, SARPROP, 0),
    R(sarprop_step_error_threshold_factor, 0, HUGE, SARPROP, 0),
    R(sarprop_step_error_shift, -1000, 1000, SARPROP, 0),
    R(sarprop_temperature, 0, HUGE, SARPROP, 0),
    R(stop_value, -HUGE, HUGE, ALL, 0),
    R(bit_fail_limit, 0, HUGE, ALL, 0),
#undef R
};

static midge_status check_range(const midge_train_options *o,
                                const struct range *r, midge_error *err) {
    float value;
    memcpy(&value, (const char *)o + r->at, sizeof value);
    if ((r->heeded_by & MDG_BIT(o->trainer)) == 0) {
        return r->missed && value != 0.0f
                   ? midge_fail(err, MIDGE_E_INVALID,
                                "%s does nothing with the trainer %s: leave it "
                                "0, or take another trainer",
                                r->name, midge_trainer_name(o->trainer))
                   : MIDGE_OK;
    }
    if (value >= r->low && value < r->below) { /* false for NaN */
        return MIDGE_OK;
    }
    return midge_fail(err, MIDGE_E_INVALID, "%s is %g, not %s %g and below %g",
                      r->name, (double)value, r->low == TINY ? "above" : "from",
                      r->low == TINY ? 0.0 : (double)r->low, (double)r->below);
}

/* ---- What does not fit together. */

static midge_status check_schedule(const midge_train_options *o,
                                   midge_error *err) {
    if ((unsigned)o->schedule > MIDGE_SCHEDULE_PLATEAU) {
        return midge_fail(err, MIDGE_E_INVALID, "unknown schedule %d",
                          (int)o->schedule);
    }
    if (o->schedule == MIDGE_SCHEDULE_CONSTANT) {
        return MIDGE_OK;
    }
    if ((ROWS & MDG_BIT(o->trainer)) == 0) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the trainer %s has no rate to put on a schedule: "
                          "take the constant one",
                          midge_trainer_name(o->trainer));
    }
    if (o->schedule_epochs < 1 && (o->schedule == MIDGE_SCHEDULE_STEP ||
                                   o->schedule == MIDGE_SCHEDULE_PLATEAU)) {
        return midge_fail(err, MIDGE_E_INVALID, "schedule_epochs is 0");
    }
    return MIDGE_OK;
}

static midge_status check_second_order(const midge_train_options *o,
                                       midge_error *err) {
    if (o->fann_gradient) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "%s wants the true gradient: set fann_gradient to 0",
                          midge_trainer_name(o->trainer));
    }
    if (o->trainer == MIDGE_TRAIN_LEVENBERG_MARQUARDT &&
        o->loss != MIDGE_LOSS_MSE) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "levenberg_marquardt makes squared errors small: "
                          "take the loss mse, or the trainer lbfgs");
    }
    return MIDGE_OK;
}

static midge_status check_stopping(const midge_train_options *o, int has_valid,
                                   midge_error *err) {
    if ((unsigned)o->stop_at > MIDGE_STOP_AT_BITS) {
        return midge_fail(err, MIDGE_E_INVALID, "unknown stop_at %d",
                          (int)o->stop_at);
    }
    if (o->patience > 0 && !has_valid) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "patience needs validation rows");
    }
    if (!(o->time_limit_ms >= 0.0)) {
        return midge_fail(err, MIDGE_E_INVALID, "time_limit_ms is below 0");
    }
    if (o->time_limit_ms > 0.0 && !o->now_ms) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "time_limit_ms needs the clock now_ms");
    }
    return MIDGE_OK;
}

midge_status mdg_train_check(const midge_train_options *o, int has_valid,
                             midge_error *err) {
    if ((unsigned)o->trainer >= MIDGE_TRAIN_COUNT) {
        return midge_fail(err, MIDGE_E_INVALID, "unknown trainer %d",
                          (int)o->trainer);
    }
    if (o->max_epochs < 1) {
        return midge_fail(err, MIDGE_E_INVALID, "max_epochs is 0");
    }
    if ((MDG_MINI_BATCHES & MDG_BIT(o->trainer)) &&
        (o->batch_size < 1 || o->batch_size > INT32_MAX)) {
        return midge_fail(err, MIDGE_E_INVALID, "batch_size is %u",
                          (unsigned)o->batch_size);
    }
    if (o->nesterov && o->trainer != MIDGE_TRAIN_SGD) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "nesterov is of the trainer sgd alone, not of %s",
                          midge_trainer_name(o->trainer));
    }
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        MIDGE_TRY(check_range(o, &ranges[i], err));
    }
    MIDGE_TRY(check_schedule(o, err));
    if (SECOND & MDG_BIT(o->trainer)) {
        MIDGE_TRY(check_second_order(o, err));
    }
    return check_stopping(o, has_valid, err);
}

midge_status mdg_train_check_data(const midge_net *net,
                                  const midge_net_data *data, const char *which,
                                  midge_error *err) {
    if (data->n_rows < 1 || data->n_rows > UINT32_MAX || !data->x || !data->t) {
        return midge_fail(err, MIDGE_E_INVALID, "%s: no rows, or too many",
                          which);
    }
    size_t nx;
    size_t nt;
    if (!mdg_multiply_size(data->n_rows, midge_net_n_inputs(net), &nx) ||
        !mdg_multiply_size(data->n_rows, midge_net_n_outputs(net), &nt)) {
        return midge_fail(err, MIDGE_E_LIMIT, "%s: too many rows", which);
    }
    if (!mdg_all_finite(nx, data->x) || !mdg_all_finite(nt, data->t)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "%s: a value is NaN or infinite", which);
    }
    return MIDGE_OK;
}
