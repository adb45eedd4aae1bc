/* train_threads_test.c: training on one, two and three threads gives the same
 * bits; the thread sanitizer looks at it too. */
#include "train_support.h"

#include "midge/os.h"
#include "test_share.h"

#define ROWS   (TEST_SHARE > 1 ? 600 : 1500)
#define N_IN   30
#define N_OUT  4
#define FLOATS 60000

static float x[1500 * N_IN];
static float t[1500 * N_OUT];

/* A way to make weights. */
struct recipe {
    const char *name;
    int cascade;
    midge_trainer trainer;
    uint32_t hidden;
    uint32_t batch_size;
    uint32_t n_epochs;
};

static const struct recipe recipes[] = {
    {"rprop", 0, MIDGE_TRAIN_RPROP, 40, 0, 3},  /* blocks of rows */
    {"adam", 0, MIDGE_TRAIN_ADAM, 600, 300, 2}, /* products */
    {"lbfgs", 0, MIDGE_TRAIN_LBFGS, 40, 0, 3},  /* blocks again */
    {"levenberg_marquardt", 0, MIDGE_TRAIN_LEVENBERG_MARQUARDT, 12, 0, 1},
    {"cascade", 1, MIDGE_TRAIN_RPROP, 0, 0, 20}, /* candidates */
};

static midge_net *make(const midge_env *env, const struct recipe *r) {
    const uint32_t sizes[] = {N_IN, r->hidden, N_OUT};
    const uint32_t direct[] = {N_IN, N_OUT};
    const midge_net_options o = {.n_layers = r->cascade ? 1 : 2,
                                 .sizes = r->cascade ? direct : sizes,
                                 .hidden = MIDGE_ACT_TANH,
                                 .output = MIDGE_ACT_SIGMOID,
                                 .shortcut = r->cascade,
                                 .seed = 2};
    midge_net *net = NULL;
    assert_int_equal(midge_net_new(env, &o, &net, NULL), MIDGE_OK);
    return net;
}

static void train(midge_net *net, const struct recipe *r) {
    const midge_net_data data = {ROWS, x, t};
    if (r->cascade) {
        midge_cascade_options o = midge_cascade_defaults();
        o.max_units = 2;
        o.max_cand_epochs = r->n_epochs;
        o.max_out_epochs = r->n_epochs;
        assert_int_equal(midge_net_cascade(net, &data, &o, NULL, NULL),
                         MIDGE_OK);
        return;
    }
    midge_train_options o = midge_train_defaults(r->trainer);
    o.max_epochs = r->n_epochs;
    o.batch_size = r->batch_size > 0 ? r->batch_size : o.batch_size;
    assert_int_equal(midge_net_train(net, &data, NULL, &o, NULL, NULL),
                     MIDGE_OK);
}

static size_t weights_on(unsigned threads, const struct recipe *r,
                         float *weights) {
    midge_env env = midge_os_env();
    midge_os_pool *pool = NULL;
    if (threads > 1) {
        assert_int_equal(midge_os_pool_new(threads, &pool, NULL), MIDGE_OK);
        midge_os_pool_attach(pool, &env);
    }
    midge_net *net = make(&env, r);
    train(net, r);
    const size_t n = midge_net_n_weights(net);
    assert_true(n <= FLOATS);
    memcpy(weights, midge_net_weights(net), n * sizeof *weights);
    midge_net_free(net);
    midge_os_pool_free(pool);
    return n;
}

static void the_number_of_threads_shows_in_no_bit(void **state) {
    static float alone[FLOATS];
    static float together[FLOATS];
    fill_noise(1, sizeof x / sizeof *x, x);
    fill_noise(2, sizeof t / sizeof *t, t);
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        const size_t n = weights_on(1, &recipes[i], alone);
        for (unsigned threads = 2; threads <= 3; threads++) {
            assert_int_equal(weights_on(threads, &recipes[i], together), n);
            if (memcmp(alone, together, n * sizeof *alone) != 0) {
                fail_msg("%s: other weights with %u threads", recipes[i].name,
                         threads);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_of_threads_shows_in_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
