/* train_test.c: what a run of training does beside learning: when it stops,
 * what it keeps, how regularisation and schedules act, and what it refuses. */
#include "train_support.h"

#include "nn/pass.h"

static const uint32_t xor_sizes[] = {2, 8, 1};

static midge_train_options options_for(midge_trainer trainer) {
    midge_train_options o = midge_train_defaults(trainer);
    o.batch_size = 4;
    o.max_epochs = 500;
    if (trainer == MIDGE_TRAIN_SGD || trainer == MIDGE_TRAIN_INCREMENTAL) {
        o.learning_rate = 0.05f;
    } else if (trainer >= MIDGE_TRAIN_RMSPROP) {
        o.learning_rate = 0.03f;
    }
    return o;
}

static double loss_of(const midge_net *net, midge_loss loss,
                      const midge_net_data *data) {
    double value;
    assert_int_equal(midge_net_loss(net, loss, 0, data, &value, NULL),
                     MIDGE_OK);
    return value;
}

static void dropout_trains_and_its_masks_are_fair(void **state) {
    static const uint32_t sizes[] = {6, 32, 1};
    float x[400 * 6];
    float targets[400];
    fill_two_classes(3, 400, x, targets);
    midge_net_data data = {400, x, targets};
    struct test_env t;
    quick_env_init(&t);
    midge_net *net = make_net(&t.env, 2, sizes, MIDGE_ACT_SIGMOID, 6);
    midge_train_options o = options_for(MIDGE_TRAIN_ADAM);
    o.loss = MIDGE_LOSS_CROSS_ENTROPY;
    o.batch_size = 32;
    o.max_epochs = 20;
    o.dropout = 0.5f;
    o.input_dropout = 0.2f;
    double before = loss_of(net, o.loss, &data);
    train_net(net, &data, &o);
    double after = loss_of(net, o.loss, &data);
    assert_true(after < 0.35 && after < before / 2);
    midge_net_free(net);

    const int draws = 100003;
    const double n = (double)draws;
    float *mask = malloc((size_t)draws * sizeof *mask);
    mdg_dropout d;
    mdg_dropout_init(&d, 0.3f, 5);
    mdg_dropout_fill(&d, (size_t)draws, mask);
    double dropped = 0;
    double mean = 0;
    for (int i = 0; i < draws; i++) {
        assert_true(mask[i] == 0.0f || mask[i] == d.scale);
        dropped += mask[i] == 0.0f;
        mean += (double)mask[i] / n;
    }
    assert_true(fabs(dropped / n - 0.3) < 4 * sqrt(0.21 / n));
    assert_true(fabs(mean - 1) < 0.01);
    mdg_dropout_init(&d, 0.9999999f, 5);
    assert_true(d.threshold == 65535 && isfinite(d.scale));
    free(mask);
}

/* ---- Stopping. */

#define WATCHED 2000
struct watch {
    double valid[WATCHED];
    double train[WATCHED];
    double mse[WATCHED];
    float rate[WATCHED];
    uint32_t epochs;
    uint32_t stop_after;
    long calls;
    const struct test_env *t;
    int polls_left; /* until `cancelled` is true; below 0: never */
    double clock_ms;
};

static int watch_epoch(void *ctx, const midge_net_progress *p) {
    struct watch *w = ctx;
    assert_int_equal(p->epoch, w->epochs + 1);
    assert_true(p->epoch <= WATCHED);
    w->valid[w->epochs] = p->valid_loss;
    w->train[w->epochs] = p->train_loss;
    w->mse[w->epochs] = p->train_mse;
    w->rate[w->epochs] = p->learning_rate;
    w->epochs = p->epoch;
    if (p->epoch == 1) {
        w->calls = w->t->calls;
    }
    assert_int_equal(w->t->calls, w->calls); /* no memory is asked for */
    return p->epoch == w->stop_after;
}

static int watch_cancelled(void *ctx) {
    struct watch *w = ctx;
    return w->polls_left == 0 || w->polls_left-- == 0;
}

static double watch_clock(void *ctx) {
    struct watch *w = ctx;
    return w->clock_ms += 1;
}

static void patience_restores_the_best_weights(void **state) {
    static const uint32_t sizes[] = {6, 24, 1};
    float x[60 * 6];
    float targets[60];
    float vx[200 * 6];
    float vt[200];
    fill_two_classes(4, 60, x, targets);
    fill_two_classes(9, 200, vx, vt);
    midge_net_data data = {60, x, targets};
    midge_net_data valid = {200, vx, vt};
    for (int trainer = 0; trainer < MIDGE_TRAIN_COUNT; trainer++) {
        struct test_env t;
        quick_env_init(&t);
        struct watch w = {.t = &t};
        midge_net *net = make_net(&t.env, 2, sizes, MIDGE_ACT_SIGMOID, 2);
        midge_train_options o = options_for((midge_trainer)trainer);
        o.max_epochs = WATCHED;
        o.patience = 15;
        o.on_epoch = watch_epoch;
        o.ctx = &w;
        midge_train_result r;
        assert_int_equal(midge_net_train(net, &data, &valid, &o, &r, NULL),
                         MIDGE_OK);
        if (r.stop != MIDGE_STOP_PATIENCE) {
            fail_msg("%s: stopped by %s after %u epochs",
                     midge_trainer_name(o.trainer), midge_stop_name(r.stop),
                     (unsigned)r.epochs);
        }
        assert_int_equal(r.epochs, w.epochs);
        assert_int_equal(r.epochs, r.best_epoch + 15);
        for (uint32_t e = 0; e < w.epochs; e++) {
            assert_true(w.valid[e] >= r.valid_loss);
        }
        assert_true(r.best_epoch > 0);
        assert_true(w.valid[r.best_epoch - 1] == r.valid_loss);
        assert_true(w.train[w.epochs - 1] == r.train_loss);
        assert_true(w.mse[w.epochs - 1] == r.train_mse);
        if (!o.fann_gradient) {
            assert_true(loss_of(net, o.loss, &valid) == r.valid_loss);
        }
        midge_net_free(net);
        assert_int_equal(t.held_bytes, 0);
    }
}

/* Validation wants the opposite: nothing beats the initial weights. */
static void best_epoch_may_be_none(void **state) {
    static const uint32_t sizes[] = {6, 1};
    float x[60 * 6];
    float targets[60];
    float opposite[60];
    fill_two_classes(4, 60, x, targets);
    for (int i = 0; i < 60; i++) {
        opposite[i] = 1.0f - targets[i];
    }
    midge_net_data data = {60, x, targets};
    midge_net_data valid = {60, x, opposite};
    struct test_env t;
    quick_env_init(&t);
    midge_net *net = make_net(&t.env, 1, sizes, MIDGE_ACT_SIGMOID, 2);
    float zero[7] = {0};
    assert_int_equal(midge_net_set_weights(net, zero, 7), MIDGE_OK);
    midge_train_options o = options_for(MIDGE_TRAIN_ADAM);
    o.patience = 3;
    midge_train_result r;
    assert_int_equal(midge_net_train(net, &data, &valid, &o, &r, NULL),
                     MIDGE_OK);
    assert_int_equal(r.best_epoch, 0);
    assert_int_equal(r.epochs, 3);
    assert_memory_equal(midge_net_weights(net), zero, sizeof zero);
    midge_net_free(net);
}

static void the_caller_may_stop(void **state) {
    struct test_env t;
    quick_env_init(&t);
    struct watch w = {.t = &t, .stop_after = 7};
    midge_net *net = make_net(&t.env, 2, xor_sizes, MIDGE_ACT_SIGMOID, 1);
    midge_train_options o = options_for(MIDGE_TRAIN_ADAM);
    o.on_epoch = watch_epoch;
    o.ctx = &w;
    const midge_train_result r = train_net(net, &xor_data, &o);
    assert_int_equal(r.stop, MIDGE_STOP_CALLER);
    assert_int_equal(r.epochs, 7);
    assert_int_equal(r.best_epoch, 7);
    assert_true(isnan(r.valid_loss) && isnan(w.valid[0]));
    midge_net_free(net);
}

/* Whatever the trainer: at the first question; at a later one; by the clock. */
static void cancelled_and_out_of_time(void **state) {
    for (int trainer = 0; trainer < MIDGE_TRAIN_COUNT; trainer++) {
        struct test_env t;
        quick_env_init(&t);
        struct watch w = {.t = &t, .polls_left = 0};
        midge_net *net = make_net(&t.env, 2, xor_sizes, MIDGE_ACT_SIGMOID, 1);
        float start[64];
        const size_t n = midge_net_n_weights(net);
        memcpy(start, midge_net_weights(net), n * sizeof *start);
        midge_train_options o = options_for((midge_trainer)trainer);
        o.max_epochs = 10;
        o.batch_size = 2;
        o.on_epoch = watch_epoch;
        o.cancelled = watch_cancelled;
        o.ctx = &w;
        midge_train_result r = train_net(net, &xor_data, &o);
        assert_int_equal(r.stop, MIDGE_STOP_CANCELLED);
        assert_int_equal(r.epochs, 0);
        assert_memory_equal(start, midge_net_weights(net), n * sizeof *start);

        w.polls_left = 4;
        r = train_net(net, &xor_data, &o);
        assert_int_equal(r.stop, MIDGE_STOP_CANCELLED);
        assert_true(r.epochs == w.epochs && r.epochs < 5);

        w = (struct watch){.t = &t, .polls_left = -1};
        o.now_ms = watch_clock;
        o.time_limit_ms = 5;
        r = train_net(net, &xor_data, &o);
        assert_int_equal(r.stop, MIDGE_STOP_TIME);
        assert_true(r.epochs == w.epochs && r.epochs < 6);
        assert_true(w.clock_ms == 6);
        midge_net_free(net);
        assert_int_equal(t.held_bytes, 0);
    }
}

static void stops_where_it_was_told_to(void **state) {
    for (int at_bits = 0; at_bits < 2; at_bits++) {
        struct test_env t;
        quick_env_init(&t);
        struct watch w = {.t = &t};
        midge_net *net = make_net(&t.env, 2, xor_sizes, MIDGE_ACT_SIGMOID, 1);
        midge_train_options o = options_for(MIDGE_TRAIN_RPROP);
        o.stop_at = at_bits ? MIDGE_STOP_AT_BITS : MIDGE_STOP_AT_MSE;
        o.stop_value = at_bits ? 0.0f : 0.01f;
        o.on_epoch = watch_epoch;
        o.ctx = &w;
        const midge_train_result r = train_net(net, &xor_data, &o);
        assert_int_equal(r.stop, MIDGE_STOP_REACHED);
        assert_true(r.epochs > 1 && r.epochs < 500);
        for (uint32_t e = 0; e + 1 < r.epochs && !at_bits; e++) {
            assert_true(w.mse[e] > (double)0.01f);
        }
        assert_true(at_bits || r.train_mse <= (double)0.01f);
        midge_net_free(net);
    }
}

static void divergence_is_an_error_with_finite_weights(void **state) {
    static const uint32_t sizes[] = {2, 1};
    const float x[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const float targets[] = {1, -1, 1, -1};
    midge_net_data data = {4, x, targets};
    for (int with_valid = 0; with_valid < 2; with_valid++) {
        struct test_env t;
        quick_env_init(&t);
        midge_net *net = make_net(&t.env, 1, sizes, MIDGE_ACT_LINEAR, 1);
        midge_train_options o = options_for(MIDGE_TRAIN_SGD);
        o.learning_rate = 1e3f;
        midge_error err = {.text = ""};
        midge_train_result r;
        assert_int_equal(midge_net_train(net, &data, with_valid ? &data : NULL,
                                         &o, &r, &err),
                         MIDGE_E_STATE);
        assert_non_null(strstr(err.text, "epoch"));
        for (size_t i = 0; i < 3; i++) {
            assert_true(isfinite(midge_net_weights(net)[i]));
        }
        assert_true(isfinite(loss_of(net, o.loss, &data)));
        midge_net_free(net);
        assert_int_equal(t.held_bytes, 0);
    }
}

/* ---- Regularisation, seen in one step on inputs that are always 0. */

static void one_step(midge_train_options o, const float *first,
                     const float *expected) {
    static const uint32_t sizes[] = {2, 1};
    const float x[8] = {0};
    const float targets[4] = {2, 2, 2, 2};
    midge_net_data data = {4, x, targets};
    struct test_env t;
    quick_env_init(&t);
    midge_net *net = make_net(&t.env, 1, sizes, MIDGE_ACT_LINEAR, 1);
    assert_int_equal(midge_net_set_weights(net, first, 3), MIDGE_OK);
    o.max_epochs = 1;
    train_net(net, &data, &o);
    for (int i = 0; i < 3; i++) {
        double w = (double)midge_net_weights(net)[i];
        if (!(fabs(w - (double)expected[i]) < 1e-6)) {
            fail_msg("%s: weight %d is %g, not %g",
                     midge_trainer_name(o.trainer), i, w, (double)expected[i]);
        }
    }
    midge_net_free(net);
}

static void penalties_pull_at_weights_only(void **state) {
    const float first[] = {1, -1, 2};
    midge_train_options o = options_for(MIDGE_TRAIN_SGD);
    o.learning_rate = 0.1f;
    o.weight_decay = 0.5f;
    one_step(o, first, (float[]){0.95f, -0.95f, 2});
    o.nesterov = 1; /* the momentum of the same step already counts */
    one_step(o, first, (float[]){0.905f, -0.905f, 2});
    o.weight_decay = 0;
    o.nesterov = 0;
    o.l1 = 0.25f;
    one_step(o, first, (float[]){0.975f, -0.975f, 2});

    o = options_for(MIDGE_TRAIN_ADAMW); /* outside the moments */
    o.learning_rate = 0.1f;
    o.weight_decay = 0.5f;
    one_step(o, first, (float[]){0.95f, -0.95f, 2});
    o.trainer = MIDGE_TRAIN_ADAM; /* inside: the first step has length 1 */
    one_step(o, first, (float[]){0.9f, -0.9f, 2});

    o = options_for(MIDGE_TRAIN_BATCH);
    o.learning_rate = 0.1f;
    o.weight_decay = 0.5f;
    o.l1 = 0.25f;
    one_step(o, first, (float[]){0.925f, -0.925f, 2});
}

static void long_gradients_are_shortened(void **state) {
    const float first[] = {1, -1, -1}; /* the gradient of the bias is -3 */
    midge_train_options o = options_for(MIDGE_TRAIN_SGD);
    o.learning_rate = 0.1f;
    one_step(o, first, (float[]){1, -1, -0.7f});
    o.clip_norm = 4;
    one_step(o, first, (float[]){1, -1, -0.7f});
    o.clip_norm = 0.5f;
    one_step(o, first, (float[]){1, -1, -0.95f});
}

/* Missing connections stay 0, whichever way a trainer moves weights. */
static void missing_connections_stay_missing(void **state) {
    static const uint32_t sizes[] = {6, 20, 1};
    float x[60 * 6];
    float targets[60];
    fill_two_classes(4, 60, x, targets);
    midge_net_data data = {60, x, targets};
    for (int trainer = 0; trainer < MIDGE_TRAIN_COUNT; trainer++) {
        struct test_env t;
        quick_env_init(&t);
        const midge_net_options shape = {.n_layers = 2,
                                         .sizes = sizes,
                                         .hidden = MIDGE_ACT_TANH,
                                         .output = MIDGE_ACT_SIGMOID,
                                         .connection_rate = 0.5f,
                                         .seed = 3};
        midge_net *net = NULL;
        assert_int_equal(midge_net_new(&t.env, &shape, &net, NULL), MIDGE_OK);
        const double before = loss_of(net, MIDGE_LOSS_MSE, &data);
        midge_train_options o = options_for((midge_trainer)trainer);
        o.max_epochs = 30;
        o.weight_decay = 0.001f;
        train_net(net, &data, &o);
        const uint8_t *mask = midge_net_mask(net);
        assert_non_null(mask);
        size_t missing = 0;
        for (size_t i = 0; i < midge_net_n_weights(net); i++) {
            missing += !mask[i];
            assert_true(mask[i] || midge_net_weights(net)[i] == 0.0f);
        }
        assert_true(missing > 20);
        /* SARPROP only begins to move. */
        assert_true(loss_of(net, MIDGE_LOSS_MSE, &data) < before);
        midge_net_free(net);
    }
}

/* ---- Schedules. */

static void rates(midge_train_options o, struct watch *w) {
    struct test_env t;
    quick_env_init(&t);
    *w = (struct watch){.t = &t};
    midge_net *net = make_net(&t.env, 2, xor_sizes, MIDGE_ACT_SIGMOID, 1);
    o.trainer = MIDGE_TRAIN_SGD;
    o.max_epochs = 11;
    o.batch_size = 4; /* one step each epoch */
    o.on_epoch = watch_epoch;
    o.ctx = w;
    train_net(net, &xor_data, &o);
    midge_net_free(net);
}

static void expect_rates(const struct watch *w, const double *expected) {
    for (int i = 0; i < 11; i++) {
        if (!(fabs((double)w->rate[i] - expected[i]) < 1e-6)) {
            fail_msg("epoch %d: rate %g, not %g", i + 1, (double)w->rate[i],
                     expected[i]);
        }
    }
}

static void rates_follow_their_schedule(void **state) {
    static struct watch w;
    midge_train_options o = midge_train_defaults(MIDGE_TRAIN_SGD);
    double expected[11];
    o.learning_rate = 0.1f;
    o.final_learning_rate = 0.02f;
    o.schedule_factor = 0.5f;
    o.schedule_epochs = 4;
    rates(o, &w);
    for (int i = 0; i < 11; i++) {
        expected[i] = 0.1;
    }
    expect_rates(&w, expected);
    o.schedule = MIDGE_SCHEDULE_STEP;
    rates(o, &w);
    for (int i = 0; i < 11; i++) {
        expected[i] = 0.1 * pow(0.5, i / 4);
    }
    expect_rates(&w, expected);
    o.schedule = MIDGE_SCHEDULE_COSINE;
    rates(o, &w);
    for (int i = 0; i < 11; i++) {
        expected[i] = 0.02 + 0.08 * (1 + cos(PI * i / 10)) / 2;
    }
    expect_rates(&w, expected);
    o.schedule = MIDGE_SCHEDULE_ONE_CYCLE;
    rates(o, &w);
    for (int i = 0; i < 11; i++) {
        expected[i] = i < 3 ? 0.004 + 0.096 * i / 3
                            : 0.02 + 0.08 * (1 + cos(PI * (i - 3) / 7)) / 2;
    }
    expect_rates(&w, expected);
    o.schedule = MIDGE_SCHEDULE_PLATEAU;
    o.schedule_epochs = 2;
    rates(o, &w);
    double least = INFINITY;
    double rate = 0.1;
    int since = 0;
    for (int i = 0; i < 11; i++) { /* as it should be for the losses seen */
        expected[i] = rate;
        since = w.train[i] < least ? 0 : since + 1;
        least = fmin(least, w.train[i]);
        rate = since == 2 ? rate / 2 : rate;
        since = since == 2 ? 0 : since;
    }
    expect_rates(&w, expected);
}

static void a_plateau_makes_steps_smaller(void **state) {
    static struct watch w;
    midge_train_options o = midge_train_defaults(MIDGE_TRAIN_SGD);
    o.schedule = MIDGE_SCHEDULE_PLATEAU;
    o.schedule_epochs = 2;
    o.learning_rate = 300; /* jumps about */
    rates(o, &w);
    assert_true(w.rate[10] < w.rate[0]);
}

/* ---- Refusals, and too little memory. */

static void expect_refusal(midge_train_options o, const midge_net_data *data,
                           const midge_net_data *valid, midge_activation output,
                           const char *word) {
    struct test_env t;
    quick_env_init(&t);
    midge_net *net = make_net(&t.env, 2, xor_sizes, output, 1);
    long calls = t.calls;
    midge_error err = {.status = MIDGE_OK};
    midge_train_result r;
    assert_int_equal(midge_net_train(net, data, valid, &o, &r, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(err.status, MIDGE_E_INVALID);
    if (!strstr(err.text, word)) {
        fail_msg("'%s' does not name %s", err.text, word);
    }
    assert_int_equal(t.calls, calls);
    midge_net_free(net);
}

static void bad_options_are_refused(void **state) {
    const midge_activation f = MIDGE_ACT_SIGMOID;
    midge_train_options o;
#define REFUSED(trainer_, field, value)                                        \
    do {                                                                       \
        o = options_for(trainer_);                                             \
        o.field = value;                                                       \
        expect_refusal(o, &xor_data, NULL, f, #field);                         \
    } while (0)
    REFUSED(MIDGE_TRAIN_ADAM, trainer, (midge_trainer)MIDGE_TRAIN_COUNT);
    REFUSED(MIDGE_TRAIN_ADAM, loss, (midge_loss)6);
    REFUSED(MIDGE_TRAIN_ADAM, schedule, (midge_schedule)5);
    REFUSED(MIDGE_TRAIN_ADAM, stop_at, (midge_stop_at)2);
    REFUSED(MIDGE_TRAIN_ADAM, max_epochs, 0);
    REFUSED(MIDGE_TRAIN_ADAM, batch_size, 0);
    REFUSED(MIDGE_TRAIN_ADAM, learning_rate, 0.0f);
    REFUSED(MIDGE_TRAIN_BATCH, learning_rate, NAN);
    REFUSED(MIDGE_TRAIN_QUICKPROP, learning_rate, INFINITY);
    REFUSED(MIDGE_TRAIN_SGD, momentum, 1.0f);
    REFUSED(MIDGE_TRAIN_INCREMENTAL, momentum, -0.5f);
    REFUSED(MIDGE_TRAIN_ADAM, nesterov, 1);
    REFUSED(MIDGE_TRAIN_ADAM, beta1, 1.0f);
    REFUSED(MIDGE_TRAIN_RMSPROP, beta2, -0.1f);
    REFUSED(MIDGE_TRAIN_ADAMW, epsilon, 0.0f);
    REFUSED(MIDGE_TRAIN_SGD, final_learning_rate, NAN);
    REFUSED(MIDGE_TRAIN_ADAM, weight_decay, -1.0f);
    REFUSED(MIDGE_TRAIN_ADAM, l1, -1.0f);
    REFUSED(MIDGE_TRAIN_LBFGS, l1, 0.1f);
    REFUSED(MIDGE_TRAIN_LEVENBERG_MARQUARDT, l1, 0.1f);
    REFUSED(MIDGE_TRAIN_ADAM, clip_norm, -1.0f);
    REFUSED(MIDGE_TRAIN_RPROP, clip_norm, 1.0f);
    REFUSED(MIDGE_TRAIN_ADAM, dropout, 1.0f);
    REFUSED(MIDGE_TRAIN_ADAM, dropout, NAN);
    REFUSED(MIDGE_TRAIN_RPROP, dropout, 0.5f);
    REFUSED(MIDGE_TRAIN_ADAM, input_dropout, -0.1f);
    REFUSED(MIDGE_TRAIN_LBFGS, input_dropout, 0.1f);
    REFUSED(MIDGE_TRAIN_LBFGS, fann_gradient, 1);
    REFUSED(MIDGE_TRAIN_LEVENBERG_MARQUARDT, loss, MIDGE_LOSS_HUBER);
    REFUSED(MIDGE_TRAIN_RPROP, schedule, MIDGE_SCHEDULE_COSINE);
    REFUSED(MIDGE_TRAIN_RPROP, rprop_increase, 0.9f);
    REFUSED(MIDGE_TRAIN_RPROP, rprop_decrease, 1.0f);
    REFUSED(MIDGE_TRAIN_SARPROP, rprop_delta_max, 0.0f);
    REFUSED(MIDGE_TRAIN_QUICKPROP, quickprop_mu, 0.0f);
    REFUSED(MIDGE_TRAIN_QUICKPROP, quickprop_decay, 0.1f);
    REFUSED(MIDGE_TRAIN_SARPROP, sarprop_temperature, -1.0f);
    REFUSED(MIDGE_TRAIN_RPROP, stop_value, NAN);
    REFUSED(MIDGE_TRAIN_RPROP, bit_fail_limit, -1.0f);
    REFUSED(MIDGE_TRAIN_ADAM, patience, 3);
    REFUSED(MIDGE_TRAIN_ADAM, time_limit_ms, -1.0);
    REFUSED(MIDGE_TRAIN_ADAM, time_limit_ms, 5.0); /* without a clock */
#undef REFUSED
    o = options_for(MIDGE_TRAIN_ADAM);
    o.schedule = MIDGE_SCHEDULE_STEP;
    o.schedule_epochs = 0;
    expect_refusal(o, &xor_data, NULL, f, "schedule_epochs");
    o = options_for(MIDGE_TRAIN_ADAM);
    o.loss = MIDGE_LOSS_CROSS_ENTROPY;
    expect_refusal(o, &xor_data, NULL, MIDGE_ACT_LINEAR, "");
    expect_refusal(options_for(MIDGE_TRAIN_RPROP), &xor_data, NULL,
                   MIDGE_ACT_THRESHOLD, "threshold");
    const float bad_x[] = {0, 0, 0, 1, 1, 0, 1, NAN};
    const float bad_t[] = {0, 1, 1, INFINITY};
    o.loss = MIDGE_LOSS_MSE;
    expect_refusal(o, &(midge_net_data){4, bad_x, xor_t}, NULL, f, "training");
    expect_refusal(o, &(midge_net_data){4, xor_x, bad_t}, NULL, f, "training");
    expect_refusal(o, &(midge_net_data){0, xor_x, xor_t}, NULL, f, "training");
    expect_refusal(o, &xor_data, &(midge_net_data){4, NULL, xor_t}, f,
                   "validation");
}

static void too_large_for_levenberg_marquardt(void **state) {
    static const uint32_t sizes[] = {2, 1100, 1};
    struct test_env t;
    quick_env_init(&t);
    midge_net *net = make_net(&t.env, 2, sizes, MIDGE_ACT_SIGMOID, 1);
    const midge_train_options o = options_for(MIDGE_TRAIN_LEVENBERG_MARQUARDT);
    midge_error err = {.text = ""};
    assert_int_equal(midge_net_train(net, &xor_data, NULL, &o, NULL, &err),
                     MIDGE_E_INVALID);
    assert_non_null(strstr(err.text, "lbfgs"));
    midge_net_free(net);
}

static void every_allocation_may_fail(void **state) {
    for (int trainer = 0; trainer < MIDGE_TRAIN_COUNT; trainer++) {
        long fail_at = 0;
        struct test_env t;
        do {
            fail_at++;
            quick_env_init(&t);
            midge_net *net =
                make_net(&t.env, 2, xor_sizes, MIDGE_ACT_SIGMOID, 1);
            t.fail_at = t.calls + fail_at;
            midge_train_options o = options_for((midge_trainer)trainer);
            o.max_epochs = 2;
            midge_status s =
                midge_net_train(net, &xor_data, &xor_data, &o, NULL, NULL);
            assert_true(s == MIDGE_OK || s == MIDGE_E_NOMEM);
            assert_int_equal(s == MIDGE_OK, t.calls < t.fail_at);
            midge_net_free(net);
            assert_int_equal(t.held_bytes, 0);
        } while (t.calls >= t.fail_at);
        assert_int_equal(fail_at, 3);
    }
}

/* An input that is always 0 has no slope: FANN moves its weight all the same,
 * iRPROP- does not. */
static void rprop_leaves_what_has_no_slope(void **state) {
    (void)state;
    struct test_env t;
    const float x[] = {0, 0, 0, 1, 0, 2, 0, 3}, y[] = {0, 0, 1, 1};
    const midge_net_data data = {4, x, y};
    const uint32_t sizes[] = {2, 1};
    quick_env_init(&t);
    for (int fann = 0; fann <= 1; fann++) {
        midge_net *net = make_net(&t.env, 1, sizes, MIDGE_ACT_SIGMOID, 5);
        const float before = midge_net_weights(net)[0];
        const float of_other = midge_net_weights(net)[1];
        midge_train_options o = midge_train_defaults(MIDGE_TRAIN_RPROP);
        o.max_epochs = 3;
        o.fann_gradient = fann;
        train_net(net, &data, &o);
        assert_int_equal(midge_net_weights(net)[0] == before, !fann);
        assert_true(midge_net_weights(net)[1] != of_other);
        midge_net_free(net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rprop_leaves_what_has_no_slope),
        cmocka_unit_test(dropout_trains_and_its_masks_are_fair),
        cmocka_unit_test(patience_restores_the_best_weights),
        cmocka_unit_test(best_epoch_may_be_none),
        cmocka_unit_test(the_caller_may_stop),
        cmocka_unit_test(cancelled_and_out_of_time),
        cmocka_unit_test(stops_where_it_was_told_to),
        cmocka_unit_test(divergence_is_an_error_with_finite_weights),
        cmocka_unit_test(penalties_pull_at_weights_only),
        cmocka_unit_test(long_gradients_are_shortened),
        cmocka_unit_test(missing_connections_stay_missing),
        cmocka_unit_test(rates_follow_their_schedule),
        cmocka_unit_test(a_plateau_makes_steps_smaller),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(too_large_for_levenberg_marquardt),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
