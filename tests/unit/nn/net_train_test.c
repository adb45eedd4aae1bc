/* net_train_test.c: what the trainers learn, when they stop, what they refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "nn/pass.h"
#include "nn_oracle.h"
#include "test_env.h"

#define SEEDS 20
#define PI    3.14159265358979323846

static const float xor_x[] = {0, 0, 0, 1, 1, 0, 1, 1};
static const float xor_t[] = {0, 1, 1, 0};
static const midge_net_data xor_data = {4, xor_x, xor_t};
static const midge_trainer trainers[] = {MIDGE_TRAIN_SGD, MIDGE_TRAIN_ADAMW,
                                         MIDGE_TRAIN_RPROP};
static const uint32_t xor_sizes[] = {2, 8, 1};

static midge_net *make(struct test_env *t, uint32_t n_layers,
                       const uint32_t *sizes, midge_activation output,
                       uint64_t seed) {
    midge_net *net = NULL;
    midge_net_options o = {.n_layers = n_layers,
                           .sizes = sizes,
                           .hidden = MIDGE_ACT_TANH,
                           .output = output,
                           .seed = seed};
    assert_int_equal(midge_net_new(&t->env, &o, &net, NULL), MIDGE_OK);
    return net;
}

static midge_train_options options_for(midge_trainer trainer) {
    midge_train_options o = midge_train_defaults(trainer);
    o.loss = MIDGE_LOSS_CROSS_ENTROPY;
    o.fann_gradient = 0;
    o.batch_size = 4;
    o.max_epochs = trainer == MIDGE_TRAIN_SGD ? 2000 : 500;
    o.learning_rate = trainer == MIDGE_TRAIN_SGD ? 0.05f : 0.03f;
    return o;
}

static void train(midge_net *net, const midge_net_data *data,
                  const midge_train_options *o, midge_train_result *result) {
    midge_error err = {.text = ""};
    midge_status s = midge_net_train(net, data, NULL, o, result, &err);
    if (s != MIDGE_OK) {
        fail_msg("training: %s", err.text);
    }
}

static double worst_error(const midge_net *net, const midge_net_data *d) {
    static float workspace[256 * 64 * 2];
    float *y = malloc(d->n_rows * sizeof *y);
    double worst = 0;
    assert_true(midge_net_workspace_bytes(net, d->n_rows) <= sizeof workspace);
    assert_int_equal(midge_net_run(net, d->n_rows, d->x, y, workspace),
                     MIDGE_OK);
    for (size_t i = 0; i < d->n_rows; i++) {
        worst = fmax(worst, fabs((double)y[i] - (double)d->t[i]));
    }
    free(y);
    return worst;
}

static int solved(midge_trainer trainer, uint32_t n_layers,
                  const uint32_t *sizes, const midge_net_data *data) {
    int count = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct test_env t;
        test_env_init(&t);
        midge_net *net = make(&t, n_layers, sizes, MIDGE_ACT_SIGMOID, seed);
        midge_train_options o = options_for(trainer);
        o.seed = seed;
        train(net, data, &o, NULL);
        count += worst_error(net, data) < 0.1;
        midge_net_free(net);
        assert_int_equal(t.held_bytes, 0);
    }
    return count;
}

static void xor_is_learned_from_every_seed(void **state) {
    for (int i = 0; i < 3; i++) {
        int trainer = trainers[i];
        int count = solved((midge_trainer)trainer, 2, xor_sizes, &xor_data);
        if (count != SEEDS) {
            fail_msg("trainer %d solved %d of %d", trainer, count, SEEDS);
        }
    }
}

static void parity_of_four_bits(void **state) {
    static const uint32_t sizes[] = {4, 16, 1};
    float x[16 * 4];
    float t[16];
    for (unsigned i = 0; i < 16; i++) {
        unsigned ones = 0;
        for (unsigned j = 0; j < 4; j++) {
            x[i * 4 + j] = (float)(i >> j & 1);
            ones += i >> j & 1;
        }
        t[i] = (float)(ones & 1);
    }
    midge_net_data data = {16, x, t};
    for (int i = 0; i < 3; i++) {
        int trainer = trainers[i];
        int count = solved((midge_trainer)trainer, 2, sizes, &data);
        if (count < SEEDS - 2) {
            fail_msg("trainer %d solved %d of %d", trainer, count, SEEDS);
        }
    }
}

static void a_sine_is_fitted(void **state) {
    static const uint32_t sizes[] = {1, 32, 1};
    float x[200];
    float y[200];
    for (int i = 0; i < 200; i++) {
        double at = -PI + 2 * PI * i / 199;
        x[i] = (float)at;
        y[i] = (float)sin(at);
    }
    midge_net_data data = {200, x, y};
    for (int i = 0; i < 3; i++) {
        int trainer = trainers[i];
        struct test_env t;
        test_env_init(&t);
        midge_net *net = make(&t, 2, sizes, MIDGE_ACT_LINEAR, 6);
        midge_train_options o = options_for((midge_trainer)trainer);
        o.loss = MIDGE_LOSS_MSE;
        o.batch_size = 20;
        o.max_epochs = trainer == MIDGE_TRAIN_SGD ? 3000 : 1000;
        o.learning_rate = trainer == MIDGE_TRAIN_SGD ? 0.05f : 0.02f;
        o.schedule = trainer == MIDGE_TRAIN_RPROP ? MIDGE_SCHEDULE_CONSTANT
                                                  : MIDGE_SCHEDULE_COSINE;
        train(net, &data, &o, NULL);
        double worst = worst_error(net, &data);
        if (!(worst < 0.03)) {
            fail_msg("trainer %d: worst error %g", trainer, worst);
        }
        midge_net_free(net);
    }
}

/* Two noisy classes that a line separates but for the noise. */
static void fill_two_classes(uint32_t seed, size_t rows, float *x, float *t) {
    uint32_t state = seed;
    for (size_t i = 0; i < rows; i++) {
        float side = i % 2 ? 1.0f : -1.0f;
        for (size_t j = 0; j < 6; j++) {
            x[i * 6 + j] = 0.35f * side + oracle_random(&state);
        }
        t[i] = (float)(i % 2);
    }
}

static void dropout_trains_and_its_masks_are_fair(void **state) {
    static const uint32_t sizes[] = {6, 32, 1};
    float x[400 * 6];
    float targets[400];
    fill_two_classes(3, 400, x, targets);
    midge_net_data data = {400, x, targets};
    struct test_env t;
    test_env_init(&t);
    midge_net *net = make(&t, 2, sizes, MIDGE_ACT_SIGMOID, 6);
    midge_train_options o = options_for(MIDGE_TRAIN_ADAMW);
    o.batch_size = 32;
    o.max_epochs = 20;
    o.dropout = 0.5f;
    o.input_dropout = 0.2f;
    double before;
    double after;
    assert_int_equal(midge_net_loss(net, o.loss, 0, &data, &before, NULL),
                     MIDGE_OK);
    train(net, &data, &o, NULL);
    assert_int_equal(midge_net_loss(net, o.loss, 0, &data, &after, NULL),
                     MIDGE_OK);
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

struct watch {
    double valid[400];
    double train[400];
    uint32_t epochs;
    uint32_t stop_after;
    long calls;
    const struct test_env *t;
};

static int watch_epoch(void *ctx, const midge_net_progress *p) {
    struct watch *w = ctx;
    assert_int_equal(p->epoch, w->epochs + 1);
    w->valid[w->epochs] = p->valid_loss;
    w->train[w->epochs] = p->train_loss;
    w->epochs = p->epoch;
    if (p->epoch == 1) {
        w->calls = w->t->calls;
    }
    assert_int_equal(w->t->calls, w->calls); /* no memory is asked for */
    return p->epoch == w->stop_after;
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
    for (int i = 0; i < 3; i++) {
        int trainer = trainers[i];
        struct test_env t;
        test_env_init(&t);
        struct watch w = {.t = &t};
        midge_net *net = make(&t, 2, sizes, MIDGE_ACT_SIGMOID, 2);
        midge_train_options o = options_for((midge_trainer)trainer);
        o.max_epochs = 400;
        o.patience = 15;
        o.on_epoch = watch_epoch;
        o.ctx = &w;
        midge_train_result r;
        assert_int_equal(midge_net_train(net, &data, &valid, &o, &r, NULL),
                         MIDGE_OK);
        assert_int_equal(r.stop, MIDGE_STOP_PATIENCE);
        assert_int_equal(r.epochs, w.epochs);
        assert_int_equal(r.epochs, r.best_epoch + 15);
        for (uint32_t e = 0; e < w.epochs; e++) {
            assert_true(w.valid[e] >= r.valid_loss);
        }
        assert_true(r.best_epoch > 0);
        assert_true(w.valid[r.best_epoch - 1] == r.valid_loss);
        assert_true(w.train[w.epochs - 1] == r.train_loss);
        double again;
        assert_int_equal(midge_net_loss(net, o.loss, 0, &valid, &again, NULL),
                         MIDGE_OK);
        assert_true(again == r.valid_loss);
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
    test_env_init(&t);
    midge_net *net = make(&t, 1, sizes, MIDGE_ACT_SIGMOID, 2);
    float zero[7] = {0};
    assert_int_equal(midge_net_set_weights(net, zero, 7), MIDGE_OK);
    midge_train_options o = options_for(MIDGE_TRAIN_ADAMW);
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
    test_env_init(&t);
    struct watch w = {.t = &t, .stop_after = 7};
    midge_net *net = make(&t, 2, xor_sizes, MIDGE_ACT_SIGMOID, 1);
    midge_train_options o = options_for(MIDGE_TRAIN_ADAMW);
    o.on_epoch = watch_epoch;
    o.ctx = &w;
    midge_train_result r;
    train(net, &xor_data, &o, &r);
    assert_int_equal(r.stop, MIDGE_STOP_CALLER);
    assert_int_equal(r.epochs, 7);
    assert_int_equal(r.best_epoch, 7);
    assert_true(isnan(r.valid_loss) && isnan(w.valid[0]));
    midge_net_free(net);
}

static void divergence_is_an_error_with_finite_weights(void **state) {
    static const uint32_t sizes[] = {2, 1};
    const float x[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const float targets[] = {1, -1, 1, -1};
    midge_net_data data = {4, x, targets};
    for (int with_valid = 0; with_valid < 2; with_valid++) {
        struct test_env t;
        test_env_init(&t);
        midge_net *net = make(&t, 1, sizes, MIDGE_ACT_LINEAR, 1);
        midge_train_options o = options_for(MIDGE_TRAIN_SGD);
        o.loss = MIDGE_LOSS_MSE;
        o.learning_rate = 1e3f;
        midge_error err = {.text = ""};
        midge_train_result r;
        assert_int_equal(midge_net_train(net, &data, with_valid ? &data : NULL,
                                         &o, &r, &err),
                         MIDGE_E_STATE);
        assert_non_null(strstr(err.text, "epoch"));
        assert_true(mdg_all_finite(3, midge_net_weights(net)));
        double loss;
        assert_int_equal(midge_net_loss(net, o.loss, 0, &data, &loss, NULL),
                         MIDGE_OK);
        assert_true(isfinite(loss));
        midge_net_free(net);
        assert_int_equal(t.held_bytes, 0);
    }
}

/* Decay shrinks the weights of inputs that are always 0, and no bias. */
static void decay_pulls_at_weights_only(void **state) {
    static const uint32_t sizes[] = {2, 1};
    const float x[8] = {0};
    const float targets[4] = {2, 2, 2, 2};
    const float first[] = {1, -1, 2};
    midge_net_data data = {4, x, targets};
    for (int i = 0; i < 2; i++) {
        int trainer = trainers[i];
        struct test_env t;
        test_env_init(&t);
        midge_net *net = make(&t, 1, sizes, MIDGE_ACT_LINEAR, 1);
        assert_int_equal(midge_net_set_weights(net, first, 3), MIDGE_OK);
        midge_train_options o = options_for((midge_trainer)trainer);
        o.loss = MIDGE_LOSS_MSE;
        o.max_epochs = 1;
        o.learning_rate = 0.1f;
        o.weight_decay = 0.5f;
        train(net, &data, &o, NULL);
        const float *w = midge_net_weights(net);
        assert_true(fabsf(w[0] - 0.95f) < 1e-6f);
        assert_true(fabsf(w[1] + 0.95f) < 1e-6f);
        assert_true(w[2] == 2.0f);
        midge_net_free(net);
    }
}

static void expect(midge_train_options o, const midge_net_data *data,
                   const midge_net_data *valid, midge_activation output) {
    struct test_env t;
    test_env_init(&t);
    midge_net *net = make(&t, 2, xor_sizes, output, 1);
    long calls = t.calls;
    midge_error err = {.status = MIDGE_OK};
    midge_train_result r;
    assert_int_equal(midge_net_train(net, data, valid, &o, &r, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(err.status, MIDGE_E_INVALID);
    assert_int_equal(t.calls, calls);
    midge_net_free(net);
}

static void bad_options_are_refused(void **state) {
    const midge_activation f = MIDGE_ACT_SIGMOID;
    const midge_train_options good = options_for(MIDGE_TRAIN_ADAMW);
    midge_train_options o = good;
#define REFUSED(field, value)                                                  \
    do {                                                                       \
        o = good;                                                              \
        o.field = value;                                                       \
        expect(o, &xor_data, NULL, f);                                         \
    } while (0)
    REFUSED(trainer, (midge_trainer)MIDGE_TRAIN_COUNT);
    REFUSED(loss, (midge_loss)MIDGE_LOSS_COUNT);
    REFUSED(max_epochs, 0);
    REFUSED(batch_size, 0);
    REFUSED(learning_rate, 0.0f);
    REFUSED(learning_rate, NAN);
    REFUSED(learning_rate, INFINITY);
    REFUSED(momentum, 1.0f);
    REFUSED(weight_decay, -1.0f);
    REFUSED(dropout, 1.0f);
    REFUSED(dropout, NAN);
    REFUSED(input_dropout, -0.1f);
    REFUSED(final_learning_rate, NAN);
    REFUSED(patience, 3);
#undef REFUSED
    o = options_for(MIDGE_TRAIN_RPROP);
    o.dropout = 0.5f;
    expect(o, &xor_data, NULL, f);
    expect(good, &xor_data, NULL, MIDGE_ACT_LINEAR); /* cross-entropy */
    const float bad_x[] = {0, 0, 0, 1, 1, 0, 1, NAN};
    const float bad_t[] = {0, 1, 1, INFINITY};
    expect(good, &(midge_net_data){4, bad_x, xor_t}, NULL, f);
    expect(good, &(midge_net_data){4, xor_x, bad_t}, NULL, f);
    expect(good, &(midge_net_data){0, xor_x, xor_t}, NULL, f);
    expect(good, &xor_data, &(midge_net_data){4, NULL, xor_t}, f);
}

/* The rate of the first and the last batch, seen through a gradient of 1. */
static void the_rate_follows_half_a_cosine(void **state) {
    static const uint32_t sizes[] = {1, 1};
    const float x[] = {0, 0, 0};
    const float targets[] = {-1e6f, -1e6f, -1e6f}; /* gradient of b: 1e6 + b */
    midge_net_data data = {3, x, targets};
    struct test_env t;
    test_env_init(&t);
    midge_net *net = make(&t, 1, sizes, MIDGE_ACT_LINEAR, 1);
    const float zero[2] = {0, 0};
    assert_int_equal(midge_net_set_weights(net, zero, 2), MIDGE_OK);
    midge_train_options o = options_for(MIDGE_TRAIN_SGD);
    o.loss = MIDGE_LOSS_MSE;
    o.momentum = 0.0f;
    o.batch_size = 1;
    o.max_epochs = 1;
    o.learning_rate = 3e-6f;
    o.schedule = MIDGE_SCHEDULE_COSINE;
    o.final_learning_rate = 1e-6f;
    train(net, &data, &o, NULL); /* rates 3e-6, 2e-6, 1e-6 */
    double left = 1e6 * (1 - 3e-6) * (1 - 2e-6) * (1 - 1e-6);
    double bias = (double)midge_net_weights(net)[1];
    assert_true(fabs(bias - (left - 1e6)) < 1e-4);
    midge_net_free(net);
}

static void every_allocation_may_fail(void **state) {
    for (int i = 0; i < 3; i++) {
        int trainer = trainers[i];
        long fail_at = 0;
        long first;
        struct test_env t;
        do {
            fail_at++;
            test_env_init(&t);
            midge_net *net = make(&t, 2, xor_sizes, MIDGE_ACT_SIGMOID, 1);
            first = t.calls;
            t.fail_at = first + fail_at;
            midge_train_options o = options_for((midge_trainer)trainer);
            o.max_epochs = 2;
            double value;
            midge_status s =
                midge_net_train(net, &xor_data, &xor_data, &o, NULL, NULL);
            if (s == MIDGE_OK) {
                s = midge_net_loss(net, o.loss, 0, &xor_data, &value, NULL);
            }
            assert_true(s == MIDGE_OK || s == MIDGE_E_NOMEM);
            assert_int_equal(s == MIDGE_OK, t.calls < t.fail_at);
            midge_net_free(net);
            assert_int_equal(t.held_bytes, 0);
        } while (t.calls >= t.fail_at);
        assert_int_equal(fail_at, 4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xor_is_learned_from_every_seed),
        cmocka_unit_test(parity_of_four_bits),
        cmocka_unit_test(a_sine_is_fitted),
        cmocka_unit_test(dropout_trains_and_its_masks_are_fair),
        cmocka_unit_test(patience_restores_the_best_weights),
        cmocka_unit_test(best_epoch_may_be_none),
        cmocka_unit_test(the_caller_may_stop),
        cmocka_unit_test(divergence_is_an_error_with_finite_weights),
        cmocka_unit_test(decay_pulls_at_weights_only),
        cmocka_unit_test(the_rate_follows_half_a_cosine),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
