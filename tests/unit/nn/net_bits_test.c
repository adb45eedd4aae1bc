/* net_bits_test.c: the same seed trains to the same bits on every instruction
 * set this CPU has, with its products cut among threads or not, and (through
 * the checksums written here) with every compiler and on every machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "nn/net.h"
#include "nn_cpus.h"
#include "nn_oracle.h"
#include "test_env.h"

#define ROWS 150

static const uint32_t sizes[] = {37, 67, 19, 5};

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
    {"sgd", MIDGE_TRAIN_SGD, MIDGE_ACT_RELU, MIDGE_ACT_SOFTMAX,
     MIDGE_LOSS_CROSS_ENTROPY, 0.0f, 0x0600a331},
    {"sgd tanh mse", MIDGE_TRAIN_SGD, MIDGE_ACT_TANH, MIDGE_ACT_SOFTMAX,
     MIDGE_LOSS_MSE, 0.3f, 0x2c0cb106},
    {"adam", MIDGE_TRAIN_ADAMW, MIDGE_ACT_RELU, MIDGE_ACT_SOFTMAX,
     MIDGE_LOSS_CROSS_ENTROPY, 0.25f, 0x64482a46},
    {"adam sigmoid", MIDGE_TRAIN_ADAMW, MIDGE_ACT_SIGMOID, MIDGE_ACT_SIGMOID,
     MIDGE_LOSS_CROSS_ENTROPY, 0.0f, 0xf2090150},
    {"rprop", MIDGE_TRAIN_RPROP, MIDGE_ACT_TANH, MIDGE_ACT_SIGMOID,
     MIDGE_LOSS_CROSS_ENTROPY, 0.0f, 0x92edb288},
    {"rprop linear", MIDGE_TRAIN_RPROP, MIDGE_ACT_RELU, MIDGE_ACT_LINEAR,
     MIDGE_LOSS_MSE, 0.0f, 0x542d6c85},
};

static float x[ROWS * 37];
static float targets[ROWS * 5];

static void train(const struct recipe *r, uint32_t cpu, float *weights,
                  double *loss) {
    struct test_env t;
    test_env_init(&t);
    t.env.cpu = cpu;
    midge_net *net;
    midge_net_options shape = {.n_layers = 3,
                               .sizes = sizes,
                               .hidden = r->hidden,
                               .output = r->output,
                               .seed = 21};
    assert_int_equal(midge_net_new(&t.env, &shape, &net, NULL), MIDGE_OK);
    midge_net_data data = {ROWS, x, targets};
    midge_net_data valid = {40, x, targets}; /* so that it gets better */
    midge_train_options o = midge_train_defaults(r->trainer);
    o.loss = r->loss;
    o.fann_gradient = 0;
    o.momentum = 0.9f;
    o.rprop_delta_min = 1e-6f;
    o.rprop_delta_zero = 0.01f;
    o.schedule = MIDGE_SCHEDULE_COSINE;
    o.max_epochs = 8;
    o.learning_rate = 0.01f;
    o.final_learning_rate = 0.001f;
    o.weight_decay = 0.01f;
    o.dropout = r->dropout;
    o.input_dropout = r->dropout / 2;
    o.seed = 5;
    midge_train_result result;
    assert_int_equal(midge_net_train(net, &data, &valid, &o, &result, NULL),
                     MIDGE_OK);
    assert_true(result.best_epoch > 0);
    *loss = result.train_loss;
    memcpy(weights, midge_net_weights(net),
           midge_net_n_weights(net) * sizeof *weights);
    midge_net_free(net);
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
        train(r, 0, expected, &loss);
        uint32_t crc = mdg_crc32c(0, expected, sizeof expected);
        if (crc != r->crc) {
            print_error("%s: the weights have CRC 0x%08x, not 0x%08x\n",
                        r->name, crc, r->crc);
            wrong++;
        }
        for (size_t c = 1; c < n_cpus; c++) {
            train(r, bits[c], got, &other);
            if (memcmp(got, expected, sizeof got) != 0 || loss != other) {
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_trainer_on_every_table),
        cmocka_unit_test(threads_change_no_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
