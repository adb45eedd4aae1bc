/* cascade_test.c: networks that grow: two spirals from every seed, the same
 * bits with every instruction set and number of threads, several outputs and
 * many rows, what is kept of a network that is not new, stopping, refusals. */
#include "train_support.h"

#include "base/bytes.h"
#include "test_share.h"

#define SEEDS (TEST_SHARE > 1 ? 2 : 20)

static midge_net *make_start(const midge_env *env, uint32_t n_layers,
                             const uint32_t *sizes, midge_activation output) {
    const midge_net_options o = {.n_layers = n_layers,
                                 .sizes = sizes,
                                 .hidden = MIDGE_ACT_TANH,
                                 .output = output,
                                 .shortcut = 1,
                                 .seed = 4};
    midge_net *net = NULL;
    assert_int_equal(midge_net_new(env, &o, &net, NULL), MIDGE_OK);
    return net;
}

static midge_cascade_result grow(midge_net *net, const midge_net_data *data,
                                 const midge_cascade_options *o) {
    midge_error err = {.text = ""};
    midge_cascade_result r;
    if (midge_net_cascade(net, data, o, &r, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    return r;
}

/* ---- Two spirals. */

static float spiral_x[2 * SPIRAL_ROWS];
static float spiral_t[SPIRAL_ROWS];
static const midge_net_data spirals = {SPIRAL_ROWS, spiral_x, spiral_t};
static const uint32_t spiral_sizes[] = {2, 1};

static midge_cascade_options spiral_options(uint64_t seed) {
    midge_cascade_options o = midge_cascade_defaults();
    o.max_units = 40;
    o.train.loss = MIDGE_LOSS_TANH;
    o.train.stop_at = MIDGE_STOP_AT_BITS;
    o.train.stop_value = 0;
    o.train.seed = seed;
    return o;
}

/* Every point of both spirals on its side, by as much as was asked for. */
static void two_spirals_from_every_seed(void **state) {
    for (uint64_t seed = 1; seed <= (uint64_t)SEEDS; seed++) {
        struct test_env t;
        quick_env_init(&t);
        midge_net *net = make_start(&t.env, 1, spiral_sizes, MIDGE_ACT_SIGMOID);
        const midge_cascade_options o = spiral_options(seed);
        const midge_cascade_result r = grow(net, &spirals, &o);
        assert_int_equal(r.stop, MIDGE_STOP_REACHED);
        assert_int_equal(r.bit_fail, 0);
        assert_true(worst_error(net, &spirals) < 0.351);
        assert_int_equal(midge_net_n_layers(net), r.units + 1);
        double loss;
        assert_int_equal(
            midge_net_loss(net, MIDGE_LOSS_MSE, 0, &spirals, &loss, NULL),
            MIDGE_OK);
        assert_true(fabs(2 * loss - r.mse) < 1e-5);
        midge_net_free(net);
        assert_int_equal(t.held_bytes, 0);
    }
}

/* ---- The same bits. */

/* A parallel_fn that runs shares of odd sizes from the last to the first. */
static void cut_in_reverse(void *ctx, size_t count, size_t grain,
                           midge_range_fn body, void *arg) {
    size_t *shares = ctx;
    for (size_t end = count; end > 0;) {
        size_t share = (end - 1) % (grain + *shares % 3) + 1;
        body(arg, end - share, end, 0);
        end -= share;
        ++*shares;
    }
}

#define ROWS 1100 /* more than the candidates go through at a time */
static float many_x[ROWS * 3];
static float many_t[ROWS * 2];
static const midge_net_data many = {ROWS, many_x, many_t};
static const uint32_t many_sizes[] = {3, 2};

static void fill_many(void) {
    fill_noise(3, ROWS * 3, many_x);
    for (size_t i = 0; i < ROWS; i++) {
        const float *x = many_x + 3 * i;
        many_t[2 * i] = 0.5f * x[0] * x[1];
        many_t[2 * i + 1] = x[2] * x[2] - 0.5f;
    }
}

static midge_cascade_options many_options(midge_trainer trainer) {
    midge_cascade_options o = midge_cascade_defaults();
    o.max_units = 3;
    o.train = midge_train_defaults(trainer);
    o.train.seed = 8;
    o.n_groups = 1;
    return o;
}

static uint32_t many_crc(uint32_t cpu, size_t *shares, midge_trainer trainer) {
    struct test_env t;
    test_env_init(&t);
    t.env.cpu = cpu;
    if (shares) {
        t.env.parallel_fn = cut_in_reverse;
        t.env.parallel_ctx = shares;
        t.env.workers = 3;
    }
    midge_net *net = make_start(&t.env, 1, many_sizes, MIDGE_ACT_LINEAR);
    const midge_cascade_options o = many_options(trainer);
    grow(net, &many, &o);
    const uint32_t crc = mdg_crc32c(0, midge_net_weights(net),
                                    midge_net_n_weights(net) * sizeof(float));
    midge_net_free(net);
    return crc;
}

static void the_same_bits_everywhere(void **state) {
    struct test_env quick;
    quick_env_init(&quick);
    fill_many();
    size_t shares = 0;
    const uint32_t plain = many_crc(0, NULL, MIDGE_TRAIN_RPROP);
    assert_int_equal(plain, 0x185123de);
    assert_int_equal(many_crc(quick.env.cpu, NULL, MIDGE_TRAIN_RPROP), plain);
    assert_int_equal(many_crc(quick.env.cpu, &shares, MIDGE_TRAIN_RPROP),
                     plain);
    assert_true(shares > 100);
    assert_int_equal(many_crc(0, NULL, MIDGE_TRAIN_SARPROP),
                     many_crc(quick.env.cpu, &shares, MIDGE_TRAIN_SARPROP));
}

/* Each unit makes the error smaller, by every trainer; two outputs. */
static int error_falls(void *ctx, const midge_net_progress *p) {
    double *mse = ctx;
    assert_true(p->train_mse < *mse);
    *mse = p->train_mse;
    return 0;
}

static void every_trainer_gains_by_every_unit(void **state) {
    static const midge_trainer trainers[] = {
        MIDGE_TRAIN_RPROP, MIDGE_TRAIN_QUICKPROP, MIDGE_TRAIN_BATCH};
    fill_many();
    for (size_t i = 0; i < sizeof trainers / sizeof trainers[0]; i++) {
        struct test_env t;
        quick_env_init(&t);
        double mse = 1e9;
        midge_net *net = make_start(&t.env, 1, many_sizes, MIDGE_ACT_LINEAR);
        midge_cascade_options o = many_options(trainers[i]);
        if (trainers[i] != MIDGE_TRAIN_RPROP) {
            o.train.learning_rate = 0.1f;
        }
        o.train.on_epoch = error_falls;
        o.train.ctx = &mse;
        const midge_cascade_result r = grow(net, &many, &o);
        assert_int_equal(r.stop, MIDGE_STOP_EPOCHS);
        assert_int_equal(r.units, 3);
        assert_true(r.mse == mse && mse < 0.09);
        midge_net_free(net);
    }
}

/* ---- A network that is not new. */

static void hidden_units_scaling_and_files(void **state) {
    static const uint32_t sizes[] = {3, 4, 2};
    const midge_scaling inputs[] = {{0, 1, 0, 1}, {1, 2, 0, 1}, {0, 1, 0, 1}};
    const midge_activation relu[] = {MIDGE_ACT_RELU};
    const float steepness[] = {1};
    struct test_env t;
    quick_env_init(&t);
    fill_many();
    midge_net *net = make_start(&t.env, 2, sizes, MIDGE_ACT_LINEAR);
    assert_int_equal(
        midge_net_set_activation(net, 1, 1, MIDGE_ACT_TANH, 0.5f, NULL),
        MIDGE_OK);
    assert_int_equal(midge_net_set_scaling(net, inputs, NULL), MIDGE_OK);
    float hidden[4 * 4];
    memcpy(hidden, midge_net_weights(net), sizeof hidden);
    midge_cascade_options o = many_options(MIDGE_TRAIN_RPROP);
    o.activations = relu;
    o.n_activations = 1;
    o.steepnesses = steepness;
    o.n_steepnesses = 1;
    o.n_groups = 5;
    const midge_cascade_result r = grow(net, &many, &o);
    assert_int_equal(r.units, 3);
    assert_int_equal(midge_net_n_layers(net), 5);
    assert_memory_equal(hidden, midge_net_weights(net), sizeof hidden);
    assert_memory_equal(midge_net_input_scaling(net), inputs, sizeof inputs);
    midge_activation a;
    float s;
    assert_int_equal(midge_net_unit(net, 4, 1, &a, &s), MIDGE_OK);
    assert_true(a == MIDGE_ACT_TANH && s == 0.5f);
    assert_int_equal(midge_net_unit(net, 2, 0, &a, &s), MIDGE_OK);
    assert_true(a == MIDGE_ACT_RELU && s == 1.0f);

    midge_buf file;
    midge_buf_init(&file, &t.env, 1 << 20);
    midge_net *again = NULL;
    assert_int_equal(midge_net_write(net, &file), MIDGE_OK);
    assert_int_equal(midge_net_read(&t.env, file.data, file.size, &again, NULL),
                     MIDGE_OK);
    double loss[2];
    assert_int_equal(midge_net_loss(net, 0, 0, &many, &loss[0], NULL),
                     MIDGE_OK);
    assert_int_equal(midge_net_loss(again, 0, 0, &many, &loss[1], NULL),
                     MIDGE_OK);
    assert_true(loss[0] == loss[1]);
    midge_buf_deinit(&file);
    midge_net_free(again);
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
}

/* ---- Stopping and refusals. */

struct stopper {
    int polls_left;
    uint32_t stop_after;
    double clock_ms;
};

static int polled(void *ctx) {
    struct stopper *s = ctx;
    return s->polls_left == 0 || s->polls_left-- == 0;
}

static double clock_of(void *ctx) {
    struct stopper *s = ctx;
    return s->clock_ms += 1;
}

static int enough(void *ctx, const midge_net_progress *p) {
    struct stopper *s = ctx;
    assert_int_equal(p->max_epochs, 40);
    return p->epoch == s->stop_after;
}

static midge_stop stopped(struct stopper s, int timed, uint32_t *units) {
    struct test_env t;
    quick_env_init(&t);
    midge_net *net = make_start(&t.env, 1, spiral_sizes, MIDGE_ACT_SIGMOID);
    midge_cascade_options o = spiral_options(1);
    o.train.on_epoch = enough;
    o.train.cancelled = polled;
    o.train.now_ms = clock_of;
    o.train.time_limit_ms = timed ? 500 : 0;
    o.train.ctx = &s;
    const midge_cascade_result r = grow(net, &spirals, &o);
    assert_int_equal(midge_net_n_layers(net), r.units + 1);
    double loss;
    assert_int_equal(
        midge_net_loss(net, MIDGE_LOSS_MSE, 0, &spirals, &loss, NULL),
        MIDGE_OK);
    assert_true(fabs(2 * loss - r.mse) < 1e-5);
    *units = r.units;
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
    return r.stop;
}

static void stops_when_it_is_told_to(void **state) {
    uint32_t units;
    assert_int_equal(stopped((struct stopper){-1, 2, 0}, 0, &units),
                     MIDGE_STOP_CALLER);
    assert_int_equal(units, 2);
    assert_int_equal(stopped((struct stopper){0, 0, 0}, 0, &units),
                     MIDGE_STOP_CANCELLED);
    assert_int_equal(units, 0);
    assert_int_equal(stopped((struct stopper){700, 0, 0}, 0, &units),
                     MIDGE_STOP_CANCELLED);
    assert_true(units >= 1 && units < 8);
    assert_int_equal(stopped((struct stopper){-1, 0, 0}, 1, &units),
                     MIDGE_STOP_TIME);
    assert_true(units >= 1 && units < 6);
}

static void expect_refusal(const midge_cascade_options *o, midge_net *net,
                           const char *word) {
    midge_error err = {.text = ""};
    assert_int_equal(midge_net_cascade(net, &spirals, o, NULL, &err),
                     MIDGE_E_INVALID);
    if (!strstr(err.text, word)) {
        fail_msg("'%s' does not name %s", err.text, word);
    }
}

static void bad_options_are_refused(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_net *net = make_start(&t.env, 1, spiral_sizes, MIDGE_ACT_SIGMOID);
    const midge_activation bad[] = {MIDGE_ACT_THRESHOLD};
    const float zero[] = {0};
    midge_cascade_options o;
#define REFUSED(field, value, word)                                            \
    do {                                                                       \
        o = spiral_options(1);                                                 \
        o.field = value;                                                       \
        expect_refusal(&o, net, word);                                         \
    } while (0)
    REFUSED(max_units, MIDGE_NET_LAYERS_MAX, "max_units");
    REFUSED(output_change_fraction, 1.0f, "change_fraction");
    REFUSED(candidate_change_fraction, NAN, "change_fraction");
    REFUSED(max_out_epochs, 0, "max_out_epochs");
    REFUSED(max_cand_epochs, 0, "max_cand_epochs");
    REFUSED(weight_multiplier, INFINITY, "weight_multiplier");
    REFUSED(candidate_limit, 0.0f, "candidate_limit");
    REFUSED(n_groups, 0, "n_groups");
    REFUSED(n_groups, UINT32_MAX, "n_groups");
    REFUSED(train.trainer, MIDGE_TRAIN_INCREMENTAL, "incremental");
    REFUSED(train.loss, MIDGE_LOSS_HUBER, "loss");
    REFUSED(train.weight_decay, 0.1f, "weight_decay");
    REFUSED(train.patience, 2, "patience");
#undef REFUSED
    o = spiral_options(1);
    o.activations = bad;
    o.n_activations = 1;
    expect_refusal(&o, net, "activations");
    o = spiral_options(1);
    o.steepnesses = zero;
    o.n_steepnesses = 1;
    expect_refusal(&o, net, "steepnesses");
    midge_net_free(net);
    net = make_net(&t.env, 1, spiral_sizes, MIDGE_ACT_SIGMOID, 1);
    o = spiral_options(1);
    expect_refusal(&o, net, "shortcut");
    midge_net_free(net);
}

static void every_allocation_may_fail(void **state) {
    long fail_at = 0;
    struct test_env t;
    do {
        fail_at++;
        quick_env_init(&t);
        midge_net *net = make_start(&t.env, 1, spiral_sizes, MIDGE_ACT_SIGMOID);
        t.fail_at = t.calls + fail_at;
        midge_cascade_options o = spiral_options(1);
        o.max_units = 2;
        o.n_groups = 1;
        o.max_cand_epochs = 2;
        o.max_out_epochs = 2;
        midge_cascade_result r;
        const midge_status s = midge_net_cascade(net, &spirals, &o, &r, NULL);
        assert_true(s == MIDGE_OK || s == MIDGE_E_NOMEM);
        assert_int_equal(s == MIDGE_OK, t.calls < t.fail_at);
        assert_int_equal(midge_net_n_layers(net), r.units + 1);
        assert_true(worst_error(net, &spirals) < 10);
        midge_net_free(net);
        assert_int_equal(t.held_bytes, 0);
    } while (t.calls >= t.fail_at);
    assert_true(fail_at > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_spirals_from_every_seed),
        cmocka_unit_test(the_same_bits_everywhere),
        cmocka_unit_test(every_trainer_gains_by_every_unit),
        cmocka_unit_test(hidden_units_scaling_and_files),
        cmocka_unit_test(stops_when_it_is_told_to),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    fill_spirals(0.0f, spiral_x, spiral_t);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
