/* train_learn_test.c: every trainer learns the exclusive or and the parity of
 * four bits from every seed, and a sine to a stated error; some learn the two
 * spirals. Networks and options are the same for all seeds. */
#include "test_share.h"
#include "train_support.h"

/* The bits are the same everywhere: who is slow has learned with a few. */
#define SEEDS (TEST_SHARE > 1 ? 2 : 20)

/* How each trainer is told to learn small sets of 0 and 1. */
static midge_train_options small_options(midge_trainer trainer) {
    midge_train_options o = midge_train_defaults(trainer);
    o.batch_size = 4;
    o.max_epochs = 1000;
    o.stop_value = 0.001f;
    switch ((int)trainer) {
    case MIDGE_TRAIN_INCREMENTAL:
        o.learning_rate = 0.3f;
        o.max_epochs = 5000;
        break;
    case MIDGE_TRAIN_BATCH:
        o.max_epochs = 20000;
        break;
    case MIDGE_TRAIN_QUICKPROP:
        o.max_epochs = 5000;
        break;
    case MIDGE_TRAIN_SARPROP:
        o.max_epochs = 5000;
        o.sarprop_temperature = 0.12f;
        break;
    case MIDGE_TRAIN_SGD:
        o.learning_rate = 0.1f;
        o.max_epochs = 5000;
        break;
    case MIDGE_TRAIN_RMSPROP:
    case MIDGE_TRAIN_ADAM:
    case MIDGE_TRAIN_ADAMW:
        o.learning_rate = 0.02f;
        break;
    default:
        break;
    }
    return o;
}

static int solved(midge_trainer trainer, uint32_t n_layers,
                  const uint32_t *sizes, const midge_net_data *data) {
    int count = 0;
    for (uint64_t seed = 1; seed <= (uint64_t)SEEDS; seed++) {
        struct test_env t;
        quick_env_init(&t);
        midge_net *net =
            make_net(&t.env, n_layers, sizes, MIDGE_ACT_SIGMOID, seed);
        midge_train_options o = small_options(trainer);
        o.seed = seed;
        train_net(net, data, &o);
        count += worst_error(net, data) < 0.2;
        midge_net_free(net);
        assert_int_equal(t.held_bytes, 0);
    }
    return count;
}

static void expect_all(uint32_t n_layers, const uint32_t *sizes,
                       const midge_net_data *data) {
    int worst = SEEDS;
    for (int trainer = 0; trainer < MIDGE_TRAIN_COUNT; trainer++) {
        int count = solved((midge_trainer)trainer, n_layers, sizes, data);
        if (count != SEEDS) {
            print_error("%s solved %d of %d\n",
                        midge_trainer_name((midge_trainer)trainer), count,
                        SEEDS);
        }
        worst = count < worst ? count : worst;
    }
    assert_int_equal(worst, SEEDS);
}

static void xor_is_learned_from_every_seed(void **state) {
    static const uint32_t sizes[] = {2, 8, 1};
    expect_all(2, sizes, &xor_data);
}

static void parity_of_four_bits(void **state) {
    static const uint32_t sizes[] = {4, 20, 1};
    float x[16 * 4];
    float t[16];
    for (unsigned i = 0; i < 16; i++) {
        unsigned ones = 0;
        for (unsigned j = 0; j < 4; j++) {
            x[i * 4 + j] = i >> j & 1 ? 1.0f : -1.0f;
            ones += i >> j & 1;
        }
        t[i] = (float)(ones & 1);
    }
    expect_all(2, sizes, &(midge_net_data){16, x, t});
}

/* And the largest error that may be left. */
static midge_train_options sine_options(midge_trainer trainer, double *bound) {
    midge_train_options o = midge_train_defaults(trainer);
    o.batch_size = 20;
    o.max_epochs = 1000;
    *bound = 0.05;
    switch ((int)trainer) {
    case MIDGE_TRAIN_INCREMENTAL:
        o.learning_rate = 0.05f;
        *bound = 0.1;
        break;
    case MIDGE_TRAIN_BATCH:
        o.learning_rate = 0.1f;
        o.max_epochs = 10000;
        *bound = 0.1;
        break;
    case MIDGE_TRAIN_QUICKPROP:
        o.learning_rate = 0.1f;
        o.max_epochs = 5000;
        *bound = 0.1;
        break;
    case MIDGE_TRAIN_SGD:
        o.learning_rate = 0.05f;
        o.schedule = MIDGE_SCHEDULE_COSINE;
        *bound = 0.1;
        break;
    case MIDGE_TRAIN_RMSPROP:
    case MIDGE_TRAIN_ADAM:
    case MIDGE_TRAIN_ADAMW:
        o.learning_rate = trainer == MIDGE_TRAIN_RMSPROP ? 0.005f : 0.02f;
        o.weight_decay = 0.0f;
        o.schedule = MIDGE_SCHEDULE_ONE_CYCLE;
        break;
    case MIDGE_TRAIN_LBFGS:
    case MIDGE_TRAIN_LEVENBERG_MARQUARDT:
        *bound = 0.005;
        break;
    default:
        break;
    }
    return o;
}

/* SARPROP's noise is as large as the error, and needs an output with bounds. */
static void a_sine_is_fitted(void **state) {
    static const uint32_t sizes[] = {1, 16, 1};
    float x[100];
    float y[100];
    for (int i = 0; i < 100; i++) {
        double at = -2 + 4.0 * i / 99;
        x[i] = (float)at;
        y[i] = (float)(0.8 * sin(at));
    }
    const midge_net_data data = {100, x, y};
    int wrong = 0;
    for (int trainer = 0; trainer < MIDGE_TRAIN_COUNT; trainer++) {
        struct test_env t;
        quick_env_init(&t);
        midge_net *net = make_net(
            &t.env, 2, sizes,
            trainer == MIDGE_TRAIN_SARPROP ? MIDGE_ACT_TANH : MIDGE_ACT_LINEAR,
            6);
        double bound;
        const midge_train_options o =
            sine_options((midge_trainer)trainer, &bound);
        train_net(net, &data, &o);
        const double worst = worst_error(net, &data);
        if (!(worst < bound)) {
            print_error("%s: worst error %g, not below %g\n",
                        midge_trainer_name((midge_trainer)trainer), worst,
                        bound);
            wrong++;
        }
        midge_net_free(net);
    }
    assert_int_equal(wrong, 0);
}

/* Solved: every point is on its side. Not every start gets there. */
static void two_spirals(void **state) {
    static const uint32_t sizes[] = {2, 40, 40, 1};
    float x[2 * SPIRAL_ROWS];
    float y[SPIRAL_ROWS];
    fill_spirals(0.0f, x, y);
    const midge_net_data data = {SPIRAL_ROWS, x, y};
    for (int lbfgs = 0; lbfgs < 2; lbfgs++) {
        midge_train_options o =
            midge_train_defaults(lbfgs ? MIDGE_TRAIN_LBFGS : MIDGE_TRAIN_RPROP);
        int count = 0;
        o.loss = MIDGE_LOSS_CROSS_ENTROPY;
        o.max_epochs = 3000;
        o.stop_at = MIDGE_STOP_AT_BITS;
        o.stop_value = 0;
        for (uint64_t seed = 1; seed <= 5; seed++) {
            struct test_env t;
            quick_env_init(&t);
            midge_net *net =
                make_net(&t.env, 3, sizes, MIDGE_ACT_SIGMOID, seed);
            train_net(net, &data, &o);
            count += worst_error(net, &data) < 0.5;
            midge_net_free(net);
        }
        assert_true(count >= 4);
    }
}

int main(void) {
    const struct CMUnitTest quick[] = {
        cmocka_unit_test(xor_is_learned_from_every_seed),
        cmocka_unit_test(parity_of_four_bits),
    };
    const struct CMUnitTest all[] = {
        cmocka_unit_test(xor_is_learned_from_every_seed),
        cmocka_unit_test(parity_of_four_bits),
        cmocka_unit_test(a_sine_is_fitted),
        cmocka_unit_test(two_spirals),
    };
    return TEST_SHARE > 1 ? cmocka_run_group_tests(quick, NULL, NULL)
                          : cmocka_run_group_tests(all, NULL, NULL);
}
