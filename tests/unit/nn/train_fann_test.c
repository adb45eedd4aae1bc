/* train_fann_test.c: FANN's own path: from the same weights and rows, the first
 * epochs of the trainers that are FANN's give the weights and the error that
 * the real libfann gives. It computes in double here, and we in float.
 *
 * SARPROP draws noise where a slope changes its sign. Its first steps are so
 * small that none does, when its own decay, which has a slope too, is kept from
 * cooling down: until then it must agree as well. */
#include "train_support.h"

#include <doublefann.h>

#define ROWS  20
#define N_IN  3
#define N_OUT 2

/* Behind the inputs two hidden layers, of these widths. */
static const uint32_t sizes[] = {N_IN, 5, 4, N_OUT};
#define N_LAYERS 3

struct path {
    midge_activation hidden;
    midge_activation output;
    double hidden_steepness;
    double output_steepness;
    int shortcut;
    int tanh_error;
};

static const struct path paths[] = {
    {MIDGE_ACT_SIGMOID, MIDGE_ACT_SIGMOID, 0.5, 0.5, 0, 1},
    {MIDGE_ACT_SIGMOID, MIDGE_ACT_SIGMOID, 0.5, 0.5, 0, 0},
    {MIDGE_ACT_SIGMOID_SYMMETRIC, MIDGE_ACT_SIGMOID_SYMMETRIC, 0.5, 0.5, 0, 1},
    {MIDGE_ACT_SIGMOID_SYMMETRIC, MIDGE_ACT_LINEAR, 1, 1, 0, 0},
    {MIDGE_ACT_GAUSSIAN, MIDGE_ACT_SIGMOID, 0.5, 0.3, 0, 0},
    {MIDGE_ACT_GAUSSIAN_SYMMETRIC, MIDGE_ACT_GAUSSIAN_SYMMETRIC, 0.5, 0.5, 0,
     0},
    {MIDGE_ACT_ELLIOT, MIDGE_ACT_ELLIOT, 0.7, 0.5, 0, 0},
    {MIDGE_ACT_ELLIOT_SYMMETRIC, MIDGE_ACT_ELLIOT_SYMMETRIC, 0.5, 0.5, 0, 1},
    {MIDGE_ACT_SIN_SYMMETRIC, MIDGE_ACT_SIN, 0.5, 0.5, 0, 0},
    {MIDGE_ACT_COS_SYMMETRIC, MIDGE_ACT_COS, 0.5, 0.5, 0, 0},
    {MIDGE_ACT_SIGMOID_STEPWISE, MIDGE_ACT_SIGMOID_STEPWISE, 0.5, 0.5, 0, 0},
    {MIDGE_ACT_SIGMOID_SYMMETRIC, MIDGE_ACT_LINEAR_PIECE_SYMMETRIC, 0.5, 0.5, 0,
     0},
    {MIDGE_ACT_SIGMOID, MIDGE_ACT_SIGMOID, 0.5, 0.5, 1, 1},
    {MIDGE_ACT_SIGMOID_SYMMETRIC, MIDGE_ACT_SIGMOID_SYMMETRIC, 0.5, 1, 1, 0},
    {MIDGE_ACT_GAUSSIAN, MIDGE_ACT_LINEAR, 0.5, 0.5, 1, 0},
};

static float x[ROWS * N_IN];
static float t[ROWS * N_OUT];

/* ---- The same network on both sides. */

/* The column of our input that FANN's neuron `from` is to layer `l`, or -1 for
 * a bias. Its layers each end with one, in networks with shortcuts only the
 * first. */
static int column_of(const struct path *p, uint32_t l, uint32_t from) {
    if (p->shortcut) {
        return from == N_IN ? -1 : (int)(from < N_IN ? from : from - 1);
    }
    uint32_t first = 0;
    for (uint32_t i = 0; i < l; i++) {
        first += sizes[i] + 1;
    }
    return from - first == sizes[l] ? -1 : (int)(from - first);
}

/* Which weight of ours a connection of FANN's is. */
static size_t weight_of(const midge_net *net, const struct path *p,
                        const struct fann_connection *c) {
    uint32_t first = sizes[0] + 1; /* FANN's first neuron of layer l */
    for (uint32_t l = 0; l < N_LAYERS; l++) {
        if (c->to_neuron < first + sizes[l + 1]) {
            midge_layer layer;
            assert_int_equal(midge_net_layer(net, l, &layer), MIDGE_OK);
            const int column = column_of(p, l, c->from_neuron);
            const uint32_t unit = c->to_neuron - first;
            return column < 0 ? layer.b + unit
                              : layer.w + (size_t)column * layer.n_out + unit;
        }
        first += sizes[l + 1] + (p->shortcut ? 0 : 1);
    }
    fail_msg("a connection to no neuron");
    return 0;
}

static struct fann_connection *connections_of(struct fann *ann, size_t n) {
    assert_int_equal(fann_get_total_connections(ann), n);
    struct fann_connection *c = malloc(n * sizeof *c);
    fann_get_connection_array(ann, c);
    return c;
}

static struct fann *make_fann(const struct path *p, const midge_net *net) {
    const size_t n = midge_net_n_weights(net);
    struct fann *ann = p->shortcut
                           ? fann_create_shortcut_array(N_LAYERS + 1, sizes)
                           : fann_create_standard_array(N_LAYERS + 1, sizes);
    assert_non_null(ann);
    fann_set_activation_function_hidden(
        ann, (enum fann_activationfunc_enum)p->hidden);
    fann_set_activation_function_output(
        ann, (enum fann_activationfunc_enum)p->output);
    fann_set_activation_steepness_hidden(ann, p->hidden_steepness);
    fann_set_activation_steepness_output(ann, p->output_steepness);
    fann_set_train_error_function(ann, p->tanh_error ? FANN_ERRORFUNC_TANH
                                                     : FANN_ERRORFUNC_LINEAR);
    struct fann_connection *c = connections_of(ann, n);
    for (size_t i = 0; i < n; i++) {
        c[i].weight = (double)midge_net_weights(net)[weight_of(net, p, &c[i])];
    }
    fann_set_weight_array(ann, c, (unsigned)n);
    free(c);
    return ann;
}

static struct fann_train_data *make_data(void) {
    struct fann_train_data *d = fann_create_train(ROWS, N_IN, N_OUT);
    assert_non_null(d);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < N_IN; j++) {
            d->input[i][j] = (double)x[i * N_IN + j];
        }
        for (size_t j = 0; j < N_OUT; j++) {
            d->output[i][j] = (double)t[i * N_OUT + j];
        }
    }
    return d;
}

static midge_net *make_ours(const midge_env *env, const struct path *p) {
    const midge_net_options o = {.n_layers = N_LAYERS,
                                 .sizes = sizes,
                                 .hidden = p->hidden,
                                 .output = p->output,
                                 .hidden_steepness = (float)p->hidden_steepness,
                                 .output_steepness = (float)p->output_steepness,
                                 .shortcut = p->shortcut};
    midge_net *net = NULL;
    assert_int_equal(midge_net_new(env, &o, &net, NULL), MIDGE_OK);
    float w[200];
    const size_t n = midge_net_n_weights(net);
    assert_true(n <= sizeof w / sizeof w[0]);
    fill_noise(11, n, w);
    assert_int_equal(midge_net_set_weights(net, w, n), MIDGE_OK);
    return net;
}

/* ---- The paths. */

/* The largest difference of a weight, as a share of it where it is above 1. */
static double difference(struct fann *ann, const midge_net *net,
                         const struct path *p) {
    const size_t n = midge_net_n_weights(net);
    struct fann_connection *c = connections_of(ann, n);
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double w = (double)midge_net_weights(net)[weight_of(net, p, &c[i])];
        double off = fabs(w - c[i].weight) / fmax(1, fabs(c[i].weight));
        worst = off <= worst ? worst : off; /* NaN is kept */
    }
    free(c);
    return worst;
}

static void set_targets(const struct path *p) {
    fill_noise(7, ROWS * N_IN, x);
    fill_noise(5, ROWS * N_OUT, t);
    const int symmetric = p->output != MIDGE_ACT_SIGMOID &&
                          p->output != MIDGE_ACT_SIGMOID_STEPWISE &&
                          p->output != MIDGE_ACT_ELLIOT &&
                          p->output != MIDGE_ACT_SIN &&
                          p->output != MIDGE_ACT_COS;
    for (size_t i = 0; i < ROWS * N_OUT && !symmetric; i++) {
        t[i] = (t[i] + 1) / 2;
    }
}

static void follow(const struct path *p, midge_trainer trainer,
                   enum fann_train_enum algorithm, unsigned n_epochs) {
    /* SARPROP's first steps are tiny. */
    const double tolerance = trainer == MIDGE_TRAIN_SARPROP ? 2e-6 : 1e-5;
    struct test_env env;
    test_env_init(&env);
    set_targets(p);
    midge_net *net = make_ours(&env.env, p);
    struct fann *ann = make_fann(p, net);
    struct fann_train_data *data = make_data();
    midge_train_options o = midge_train_defaults(trainer);
    o.loss = p->tanh_error ? MIDGE_LOSS_TANH : MIDGE_LOSS_MSE;
    o.max_epochs = n_epochs;
    o.learning_rate = 0.3f;
    o.momentum = trainer == MIDGE_TRAIN_INCREMENTAL ? 0.2f : 0;
    fann_set_training_algorithm(ann, algorithm);
    fann_set_learning_rate(ann, 0.3f);
    fann_set_learning_momentum(ann, 0.2f);
    o.sarprop_temperature = 0;
    fann_set_sarprop_temperature(ann, 0);
    ann->sarprop_epoch = 0; /* FANN leaves it as it finds it */
    double mse = 0;
    for (unsigned i = 0; i < n_epochs; i++) {
        mse = (double)fann_train_epoch(ann, data);
    }
    const midge_train_result r =
        train_net(net, &(midge_net_data){ROWS, x, t}, &o);
    const double worst = difference(ann, net, p);
    if (!(worst < tolerance) || !(fabs(mse - r.train_mse) < tolerance)) {
        fail_msg("%s, %s to %s%s%s: weights differ by %g, errors are %g, %g",
                 midge_trainer_name(trainer), midge_activation_name(p->hidden),
                 midge_activation_name(p->output),
                 p->shortcut ? ", shortcuts" : "",
                 p->tanh_error ? ", tanh error" : "", worst, mse, r.train_mse);
    }
    midge_net *start = make_ours(&env.env, p); /* and it did move */
    assert_true(difference(ann, start, p) > 10 * tolerance);
    midge_net_free(start);
    midge_net_free(net);
    fann_destroy_train(data);
    fann_destroy(ann);
}

static void follow_all(midge_trainer trainer, enum fann_train_enum algorithm,
                       unsigned n_epochs) {
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        follow(&paths[i], trainer, algorithm, n_epochs);
    }
}

static void incremental(void **state) {
    follow_all(MIDGE_TRAIN_INCREMENTAL, FANN_TRAIN_INCREMENTAL, 10);
}

static void batch(void **state) {
    follow_all(MIDGE_TRAIN_BATCH, FANN_TRAIN_BATCH, 10);
}

static void rprop(void **state) {
    follow_all(MIDGE_TRAIN_RPROP, FANN_TRAIN_RPROP, 10);
}

static void quickprop(void **state) {
    follow_all(MIDGE_TRAIN_QUICKPROP, FANN_TRAIN_QUICKPROP, 6);
}

static void sarprop_until_it_draws(void **state) {
    follow_all(MIDGE_TRAIN_SARPROP, FANN_TRAIN_SARPROP, 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(incremental),
        cmocka_unit_test(batch),
        cmocka_unit_test(rprop),
        cmocka_unit_test(quickprop),
        cmocka_unit_test(sarprop_until_it_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
