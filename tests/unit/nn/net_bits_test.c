/* net_bits_test.c: the same seed trains to the same bits on every instruction
 * set this CPU has, with its products cut among threads or not, and (through
 * the checksums written here) with every compiler and on every machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "nn/pass.h"
#include "nn_cpus.h"
#include "nn_oracle.h"
#include "test_env.h"

#define ROWS 150

static const uint32_t sizes[] = {37, 67, 19, 5};
static const uint32_t few[] = {37, 5, 4, 5}; /* Levenberg-Marquardt */

/* One way to train, and the CRC-32C of the weights it must end with. */
struct recipe {
    const char *name;
    midge_trainer trainer;
    midge_activation hidden;
    midge_activation output;
    midge_loss loss;
    float dropout;
    uint32_t crc;
};

static const struct recipe recipes[] = {
    {"incremental", MIDGE_TRAIN_INCREMENTAL, MIDGE_ACT_ELLIOT,
     MIDGE_ACT_SIGMOID, MIDGE_LOSS_TANH, 0.0f, 0x1f7d36cc},
    {"batch", MIDGE_TRAIN_BATCH, MIDGE_ACT_GAUSSIAN, MIDGE_ACT_TANH,
     MIDGE_LOSS_TANH, 0.0f, 0x1cf28969},
    {"rprop", MIDGE_TRAIN_RPROP, MIDGE_ACT_TANH, MIDGE_ACT_SIGMOID,
     MIDGE_LOSS_CROSS_ENTROPY, 0.0f, 0xb53c6aad},
    {"rprop linear", MIDGE_TRAIN_RPROP, MIDGE_ACT_RELU, MIDGE_ACT_LINEAR,
     MIDGE_LOSS_MSE, 0.0f, 0xbfa81c9b},
    {"quickprop", MIDGE_TRAIN_QUICKPROP, MIDGE_ACT_SIN_SYMMETRIC,
     MIDGE_ACT_SIGMOID, MIDGE_LOSS_MSE, 0.0f, 0x7beed0a9},
    {"sarprop", MIDGE_TRAIN_SARPROP, MIDGE_ACT_TANH, MIDGE_ACT_SIGMOID,
     MIDGE_LOSS_MSE, 0.0f, 0x9b397eb5},
    {"sgd", MIDGE_TRAIN_SGD, MIDGE_ACT_RELU, MIDGE_ACT_SOFTMAX,
     MIDGE_LOSS_CROSS_ENTROPY, 0.0f, 0x342f5a0f},
    {"sgd dropout", MIDGE_TRAIN_SGD, MIDGE_ACT_TANH, MIDGE_ACT_SOFTMAX,
     MIDGE_LOSS_MSE, 0.3f, 0x37209143},
    {"rmsprop", MIDGE_TRAIN_RMSPROP, MIDGE_ACT_SILU, MIDGE_ACT_LINEAR,
     MIDGE_LOSS_HUBER, 0.0f, 0xbbad03a8},
    {"adam", MIDGE_TRAIN_ADAM, MIDGE_ACT_GELU, MIDGE_ACT_SIGMOID,
     MIDGE_LOSS_CROSS_ENTROPY, 0.0f, 0x5337c768},
    {"adamw dropout", MIDGE_TRAIN_ADAMW, MIDGE_ACT_RELU, MIDGE_ACT_SOFTMAX,
     MIDGE_LOSS_CROSS_ENTROPY, 0.25f, 0xd9af2fe7},
    {"lbfgs", MIDGE_TRAIN_LBFGS, MIDGE_ACT_TANH, MIDGE_ACT_SOFTMAX,
     MIDGE_LOSS_CROSS_ENTROPY, 0.0f, 0x504787c7},
    {"levenberg_marquardt", MIDGE_TRAIN_LEVENBERG_MARQUARDT, MIDGE_ACT_TANH,
     MIDGE_ACT_LINEAR, MIDGE_LOSS_MSE, 0.0f, 0xc3ff39e8},
};

static float x[ROWS * 37];
static float targets[ROWS * 5];

static int is_small(const struct recipe *r) {
    return r->trainer == MIDGE_TRAIN_LEVENBERG_MARQUARDT;
}

/* Returns how many weights there are. */
static size_t train(const struct recipe *r, uint32_t cpu, float *weights,
                    double *loss) {
    struct test_env t;
    test_env_init(&t);
    t.env.cpu = cpu;
    midge_net *net;
    midge_net_options shape = {.n_layers = 3,
                               .sizes = is_small(r) ? few : sizes,
                               .hidden = r->hidden,
                               .output = r->output,
                               .seed = 21};
    assert_int_equal(midge_net_new(&t.env, &shape, &net, NULL), MIDGE_OK);
    midge_net_data data = {ROWS, x, targets};
    midge_net_data valid = {40, x, targets}; /* so that it gets better */
    midge_train_options o = midge_train_defaults(r->trainer);
    o.loss = r->loss;
    if (r->trainer >= MIDGE_TRAIN_SGD && r->trainer <= MIDGE_TRAIN_ADAMW) {
        o.momentum = r->trainer == MIDGE_TRAIN_SGD ? 0.9f : 0.0f;
        o.schedule = MIDGE_SCHEDULE_COSINE;
        o.learning_rate = 0.01f;
        o.final_learning_rate = 0.001f;
    }
    o.max_epochs = r->trainer == MIDGE_TRAIN_SARPROP ? 60 : 8;
    o.weight_decay = r->trainer == MIDGE_TRAIN_SARPROP ? 0 : 0.001f;
    o.dropout = r->dropout;
    o.input_dropout = r->dropout / 2;
    o.seed = 5;
    midge_train_result result;
    assert_int_equal(midge_net_train(net, &data, &valid, &o, &result, NULL),
                     MIDGE_OK);
    assert_true(result.best_epoch > 0);
    *loss = result.train_loss;
    const size_t n = midge_net_n_weights(net);
    memcpy(weights, midge_net_weights(net), n * sizeof *weights);
    midge_net_free(net);
    return n;
}

static void every_trainer_on_every_table(void **state) {
    enum { N = 38 * 67 + 68 * 19 + 20 * 5 };
    static float expected[N];
    static float got[N];
    uint32_t bits[CPUS_MAX];
    size_t n_cpus = nn_cpus(bits);
    oracle_fill(31, ROWS, 37, 5, 0, x, targets);
    int wrong = 0;
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        const struct recipe *r = &recipes[i];
        double loss;
        double other;
        const size_t bytes = train(r, 0, expected, &loss) * sizeof(float);
        uint32_t crc = mdg_crc32c(0, expected, bytes);
        if (crc != r->crc) {
            print_error("%s: the weights have CRC 0x%08x, not 0x%08x\n",
                        r->name, crc, r->crc);
            wrong++;
        }
        for (size_t c = 1; c < n_cpus; c++) {
            train(r, bits[c], got, &other);
            if (memcmp(got, expected, bytes) != 0 || loss != other) {
                print_error("%s: other bits with the table %s\n", r->name,
                            mdg_kernels_select(bits[c])->isa);
                wrong++;
            }
        }
    }
    assert_int_equal(wrong, 0);
}

/* A parallel_fn that runs shares of odd sizes from the last to the first. */
static void cut_in_reverse(void *ctx, size_t count, size_t grain,
                           midge_range_fn body, void *arg) {
    size_t *shares = ctx;
    for (size_t end = count; end > 0;) {
        size_t share = (end - 1) % (grain + *shares % 2) + 1;
        body(arg, end - share, end, 0);
        end -= share;
        ++*shares;
    }
}

/* Weights of a network that is wide enough for its products to be shared. */
static uint32_t train_wide(int shared, size_t *shares) {
    static const uint32_t wide[] = {37, 300, 210, 5};
    struct test_env t;
    test_env_init(&t);
    t.env.cpu = 0;
    if (shared) {
        t.env.parallel_fn = cut_in_reverse;
        t.env.parallel_ctx = shares;
        t.env.workers = 2;
    }
    midge_net *net;
    midge_net_options shape = {.n_layers = 3,
                               .sizes = wide,
                               .hidden = MIDGE_ACT_TANH,
                               .output = MIDGE_ACT_SOFTMAX,
                               .seed = 21};
    assert_int_equal(midge_net_new(&t.env, &shape, &net, NULL), MIDGE_OK);
    midge_net_data data = {ROWS, x, targets};
    midge_train_options o = midge_train_defaults(MIDGE_TRAIN_RPROP);
    o.loss = MIDGE_LOSS_CROSS_ENTROPY;
    o.max_epochs = 2;
    o.weight_decay = 0.0f;
    midge_train_result result;
    assert_int_equal(midge_net_train(net, &data, NULL, &o, &result, NULL),
                     MIDGE_OK);
    uint32_t crc = mdg_crc32c(0, midge_net_weights(net),
                              midge_net_n_weights(net) * sizeof(float));
    midge_net_free(net);
    return crc;
}

static void threads_change_no_weight(void **state) {
    size_t shares = 0;
    oracle_fill(31, ROWS, 37, 5, 0, x, targets);
    uint32_t alone = train_wide(0, NULL);
    assert_int_equal(train_wide(1, &shares), alone);
    assert_true(shares > 0);
}

/* A network of every kind of layer, over rows that make several waves. */
static midge_status gradient_of_waves(struct test_env *t, double *value,
                                      float *gradient) {
    enum { MANY = 7 * MDG_PASS_ROWS + 31 };
    static float wave_x[MANY * 37];
    static float wave_t[MANY * 5];
    midge_net_options shape = {.n_layers = 3,
                               .sizes = sizes,
                               .hidden = MIDGE_ACT_GELU,
                               .output = MIDGE_ACT_TANH,
                               .shortcut = 1,
                               .connection_rate = 0.7f,
                               .seed = 4};
    midge_net *net;
    oracle_fill(3, MANY, 37, 5, 1, wave_x, wave_t);
    midge_net_data data = {MANY, wave_x, wave_t};
    MIDGE_TRY(midge_net_new(&t->env, &shape, &net, NULL));
    midge_status s =
        midge_net_loss(net, MIDGE_LOSS_HUBER, 0, &data, value, gradient);
    midge_net_free(net);
    return s;
}

static void waves_change_no_gradient(void **state) {
    enum { N = 38 * 67 + (37 + 67 + 1) * 19 + (37 + 67 + 19 + 1) * 5 };
    static float alone[N];
    static float shared[N];
    double value;
    struct test_env t;
    test_env_init(&t);
    assert_int_equal(gradient_of_waves(&t, &value, alone), MIDGE_OK);
    for (unsigned workers = 2; workers < 100; workers = workers * 3 + 1) {
        double same;
        size_t shares = 0;
        test_env_init(&t);
        t.env.parallel_fn = cut_in_reverse;
        t.env.parallel_ctx = &shares;
        t.env.workers = workers;
        assert_int_equal(gradient_of_waves(&t, &same, shared), MIDGE_OK);
        assert_true(same == value && shares > 0);
        assert_memory_equal(shared, alone, sizeof alone);
        assert_int_equal(t.held_bytes, 0);
    }
    long fail_at = 0;
    do {
        size_t shares = 0;
        fail_at++;
        test_env_init(&t);
        t.env.parallel_fn = cut_in_reverse;
        t.env.parallel_ctx = &shares;
        t.env.workers = 3;
        t.fail_at = fail_at;
        midge_status s = gradient_of_waves(&t, &value, shared);
        assert_int_equal(s, t.calls < fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        assert_int_equal(t.held_bytes, 0);
    } while (t.calls >= fail_at);
    assert_true(fail_at > 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_trainer_on_every_table),
        cmocka_unit_test(threads_change_no_weight),
        cmocka_unit_test(waves_change_no_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
