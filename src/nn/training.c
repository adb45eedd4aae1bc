/* training.c: training an epoch at a time, at the caller's pace. */
#include "base/alloc.h"
#include "nn/train.h"

struct midge_training {
    mdg_training run;
    midge_train_options options;
    midge_net_data data; /* of the epoch that runs; at first how many at most */
    size_t max_rows;
};

/* What is the caller's own affair here is off. */
static midge_train_options without_stops(const midge_train_options *o) {
    midge_train_options own = *o;
    own.patience = 0;
    own.stop_value = -1.0f;
    own.on_epoch = NULL;
    own.cancelled = NULL;
    own.now_ms = NULL;
    own.time_limit_ms = 0.0;
    return own;
}

static midge_status check(const midge_training *t, midge_error *err) {
    const midge_trainer trainer = t->options.trainer;
    if (t->max_rows < 1 || t->max_rows > UINT32_MAX) {
        return midge_fail(err, MIDGE_E_INVALID, "max_rows is %zu", t->max_rows);
    }
    MIDGE_TRY(mdg_training_check(&t->run, err));
    if (trainer == MIDGE_TRAIN_LBFGS ||
        trainer == MIDGE_TRAIN_LEVENBERG_MARQUARDT) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED,
                          "%s wants all rows at once: midge_net_train",
                          midge_trainer_name(trainer));
    }
    return MIDGE_OK;
}

midge_status midge_training_new(midge_net *net,
                                const midge_train_options *options,
                                size_t max_rows, midge_training **out,
                                midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!net || !options) {
        return midge_fail(err, MIDGE_E_INVALID, "net or options missing");
    }
    midge_training *t = mdg_alloc_zero(net->env, 1, sizeof *t);
    if (!t) {
        return mdg_no_memory("training", err);
    }
    t->options = without_stops(options);
    t->max_rows = max_rows;
    t->data.n_rows = max_rows;
    t->run = (mdg_training){.net = net,
                            .train = &t->data,
                            .o = &t->options,
                            .method = mdg_method_of(options->trainer),
                            .objective = mdg_train_objective(&t->options)};
    midge_status status = check(t, err);
    if (status == MIDGE_OK && mdg_training_init(&t->run) != MIDGE_OK) {
        status = mdg_no_memory("training", err);
    }
    if (status != MIDGE_OK) {
        mdg_release(net->env, t, 1, sizeof *t);
        return status;
    }
    *out = t;
    return MIDGE_OK;
}

void midge_training_free(midge_training *training) {
    if (training) {
        const midge_env *env = training->run.net->env;
        mdg_training_deinit(&training->run);
        mdg_release(env, training, 1, sizeof *training);
    }
}

midge_status midge_training_epoch(midge_training *training,
                                  const midge_net_data *data,
                                  midge_net_progress *progress,
                                  midge_error *err) {
    if (!training || !data) {
        return midge_fail(err, MIDGE_E_INVALID, "training or rows missing");
    }
    mdg_training *tr = &training->run;
    if (data->n_rows > training->max_rows) {
        return midge_fail(err, MIDGE_E_LIMIT, "%zu rows, and max_rows is %zu",
                          data->n_rows, training->max_rows);
    }
    MIDGE_TRY(mdg_train_check_data(tr->net, data, "training rows", err));
    training->data = *data;
    tr->epoch++;
    mdg_tally tally = {0};
    (void)tr->method->epoch(tr, &tally); /* nothing stops it */
    midge_net_progress p = {
        .epoch = tr->epoch,
        .max_epochs = training->options.max_epochs,
        .train_loss = tally.loss / (double)data->n_rows,
        .valid_loss = (double)__builtin_nanf(""),
        .train_mse = mdg_training_mse(tr, &tally),
        .bit_fail = tally.bit_fail,
        .learning_rate = tr->rate,
    };
    if (!(p.train_loss - p.train_loss == 0.0)) {
        return midge_fail(err, MIDGE_E_STATE,
                          "the loss stopped being finite in epoch %u",
                          (unsigned)tr->epoch);
    }
    int better = tr->epoch == 1 || p.train_loss < tr->best_loss;
    tr->best_loss = better ? p.train_loss : tr->best_loss;
    mdg_schedule_epoch(tr, better);
    if (progress) {
        *progress = p;
    }
    return MIDGE_OK;
}
