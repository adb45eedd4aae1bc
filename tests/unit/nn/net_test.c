/* net_test.c: making, copying, running networks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "nn/net.h"
#include "nn_oracle.h"
#include "test_env.h"

static const uint32_t sizes[] = {9, 21, 13, 5};

static midge_net *make(struct test_env *t, midge_activation hidden,
                       midge_activation output) {
    midge_net *net = NULL;
    midge_net_options o = {.n_layers = 3,
                           .sizes = sizes,
                           .hidden = hidden,
                           .output = output,
                           .seed = 3};
    assert_int_equal(midge_net_new(&t->env, &o, &net, NULL), MIDGE_OK);
    return net;
}

/* Exactly the bytes that were promised, so that a sanitizer sees one more. */
static void run(const midge_net *net, size_t rows, const float *x, float *y) {
    size_t bytes = midge_net_workspace_bytes(net, rows);
    void *workspace = aligned_alloc(64, bytes);
    assert_non_null(workspace);
    assert_int_equal(midge_net_run(net, rows, x, y, workspace), MIDGE_OK);
    free(workspace);
}

static void shape_is_what_was_asked_for(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_net *net = make(&t, MIDGE_ACT_RELU, MIDGE_ACT_SOFTMAX);
    assert_int_equal(midge_net_n_inputs(net), 9);
    assert_int_equal(midge_net_n_outputs(net), 5);
    assert_int_equal(midge_net_n_layers(net), 3);
    assert_int_equal(midge_net_n_weights(net), 10 * 21 + 22 * 13 + 14 * 5);
    midge_net_free(net);
    midge_net_free(NULL);
    assert_int_equal(t.held_bytes, 0);
}

/* Mean near 0, variance near the 2 / n_in and 2 / (n_in + n_out) of theory. */
static void first_weights_have_the_right_spread(void **state) {
    struct test_env t;
    test_env_init(&t);
    const uint32_t wide[] = {200, 150};
    for (int i = 0; i < 2; i++) {
        midge_activation f = i == 0 ? MIDGE_ACT_RELU : MIDGE_ACT_TANH;
        midge_net_options o = {
            .n_layers = 1, .sizes = wide, .output = f, .seed = 4};
        midge_net *net;
        assert_int_equal(midge_net_new(&t.env, &o, &net, NULL), MIDGE_OK);
        const float *w = midge_net_weights(net);
        double sum = 0;
        double squares = 0;
        for (size_t k = 0; k < 30000; k++) {
            sum += (double)w[k];
            squares += (double)w[k] * (double)w[k];
        }
        double variance = i == 0 ? 2.0 / 200 : 2.0 / 350;
        assert_true(fabs(sum / 30000) < 4 * sqrt(variance / 30000));
        assert_true(fabs(squares / 30000 / variance - 1) < 0.05);
        for (size_t k = 30000; k < 30150; k++) {
            assert_true(w[k] == 0.0f);
        }
        midge_net_free(net);
    }
}

static void seeds_decide_the_weights(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_net *a = make(&t, MIDGE_ACT_RELU, MIDGE_ACT_SOFTMAX);
    midge_net *b = make(&t, MIDGE_ACT_RELU, MIDGE_ACT_SOFTMAX);
    midge_net_options o = {.n_layers = 3,
                           .sizes = sizes,
                           .hidden = MIDGE_ACT_RELU,
                           .output = MIDGE_ACT_SOFTMAX,
                           .seed = 4};
    midge_net *c;
    assert_int_equal(midge_net_new(&t.env, &o, &c, NULL), MIDGE_OK);
    size_t bytes = a->n_weights * sizeof(float);
    assert_memory_equal(a->weights, b->weights, bytes);
    assert_memory_not_equal(a->weights, c->weights, bytes);
    midge_net_free(a);
    midge_net_free(b);
    midge_net_free(c);
}

static void run_agrees_with_the_oracle(void **state) {
    struct test_env t;
    test_env_init(&t);
    enum { ROWS = 300 }; /* more than one block */
    float x[ROWS * 9];
    float y[ROWS * 5];
    float unused[ROWS * 5];
    oracle_fill(1, ROWS, 9, 5, 0, x, unused);
    for (int h = 0; h < MIDGE_ACT_SOFTMAX; h++) {
        for (int out = h; out < MIDGE_ACT_COUNT; out += 3) {
            midge_net *net =
                make(&t, (midge_activation)h, (midge_activation)out);
            struct oracle o;
            oracle_init(&o, net);
            double w[566];
            assert_int_equal(net->n_weights, 566);
            for (size_t i = 0; i < 566; i++) {
                w[i] = (double)net->weights[i];
            }
            run(net, ROWS, x, y);
            for (size_t i = 0; i < ROWS; i++) {
                double expected[ORACLE_UNITS_MAX];
                oracle_run(&o, w, i, x, expected);
                for (size_t j = 0; j < 5; j++) {
                    assert_true(fabs((double)y[i * 5 + j] - expected[j]) <
                                2e-6 * (1 + fabs(expected[j])));
                }
            }
            midge_net_free(net);
        }
    }
}

/* Every kind of network: layered, shortcuts, partly connected, layers of one
 * unit, mixed layers, sparse inputs. */
enum { WAYS = 12, INPUTS = 70 };

static midge_net *make_some_way(struct test_env *t, int way) {
    static const uint32_t wide[] = {INPUTS, 21, 13, 5};
    static const uint32_t narrow[] = {INPUTS, 1, 8, 1};
    midge_net *net = NULL;
    midge_net_options o = {.n_layers = 3,
                           .sizes = way % 3 == 2 ? narrow : wide,
                           .hidden = (midge_activation)(3 + way),
                           .output = MIDGE_ACT_ELU,
                           .hidden_steepness = way % 2 ? 0.3f : 0,
                           .shortcut = way % 2,
                           .connection_rate = way % 3 == 1 ? 0.4f : 0,
                           .seed = 3};
    assert_int_equal(midge_net_new(&t->env, &o, &net, NULL), MIDGE_OK);
    for (uint32_t unit = 0; unit < 8 && way % 4 > 1; unit += 3) {
        assert_int_equal(midge_net_set_activation(net, way % 3 == 2, unit,
                                                  MIDGE_ACT_SOFTPLUS, 0.7f,
                                                  NULL),
                         MIDGE_OK);
    }
    return net;
}

static void fill_inputs(int sparse, size_t rows, float *x) {
    uint32_t state = 5;
    for (size_t i = 0; i < rows * INPUTS; i++) {
        float v = oracle_random(&state);
        x[i] = sparse && i % 7 != 3 ? 0.0f : v;
    }
}

static void every_way_agrees_with_the_oracle(void **state) {
    enum { ROWS = 19 };
    static float x[ROWS * INPUTS];
    static double w[4000];
    float y[ROWS * 5];
    for (int way = 0; way < 2 * WAYS; way++) {
        struct test_env t;
        test_env_init(&t);
        midge_net *net = make_some_way(&t, way % WAYS);
        struct oracle o;
        oracle_init(&o, net);
        assert_true(net->n_weights <= 4000);
        for (size_t i = 0; i < net->n_weights; i++) {
            w[i] = (double)net->weights[i];
        }
        fill_inputs(way >= WAYS, ROWS, x);
        run(net, ROWS, x, y);
        size_t n = midge_net_n_outputs(net);
        for (size_t i = 0; i < ROWS; i++) {
            double expected[ORACLE_UNITS_MAX];
            oracle_run(&o, w, i, x, expected);
            for (size_t j = 0; j < n; j++) {
                assert_true(fabs((double)y[i * n + j] - expected[j]) <
                            3e-6 * (1 + fabs(expected[j])));
            }
        }
        midge_net_free(net);
        assert_int_equal(t.held_bytes, 0);
    }
}

static void one_row_gives_the_bits_of_a_batch(void **state) {
    enum { ROWS = 270 };
    static float x[ROWS * INPUTS];
    float y[ROWS * 5];
    float one[5];
    for (int way = 0; way < 2 * WAYS; way++) {
        struct test_env t;
        test_env_init(&t);
        midge_net *net = make_some_way(&t, way % WAYS);
        size_t n = midge_net_n_outputs(net);
        fill_inputs(way >= WAYS, ROWS, x);
        run(net, ROWS, x, y);
        for (size_t i = 0; i < ROWS; i++) {
            run(net, 1, x + i * INPUTS, one);
            assert_memory_equal(one, y + i * n, n * sizeof *y);
        }
        midge_net_free(net);
    }
}

static void copies_have_everything(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_scaling in[INPUTS];
    midge_scaling out[5];
    for (int i = 0; i < INPUTS; i++) {
        in[i] = (midge_scaling){(float)i, 2, -1, 1};
        out[i % 5] = in[i];
    }
    midge_net *a = make_some_way(&t, 7); /* shortcuts, mask, mixed */
    midge_net *b;
    assert_int_equal(midge_net_set_scaling(a, in, out), MIDGE_OK);
    assert_int_equal(midge_net_copy(a, &b), MIDGE_OK);
    midge_buf files[2];
    for (int i = 0; i < 2; i++) {
        midge_buf_init(&files[i], &t.env, 0);
        assert_int_equal(midge_net_write(i ? b : a, &files[i]), MIDGE_OK);
    }
    assert_int_equal(files[0].size, files[1].size);
    assert_memory_equal(files[0].data, files[1].data, files[0].size);
    midge_net_free(a);
    assert_int_equal(midge_net_input_scaling(b)[69].mean, 69);
    assert_int_equal(midge_net_output_scaling(b)[4].mean, 69);
    midge_net_free(b);
    midge_buf_deinit(&files[0]);
    midge_buf_deinit(&files[1]);
    assert_int_equal(t.held_bytes, 0);
}

static void copies_stand_alone(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_net *a = make(&t, MIDGE_ACT_TANH, MIDGE_ACT_LINEAR);
    midge_net *b;
    assert_int_equal(midge_net_copy(a, &b), MIDGE_OK);
    size_t n = midge_net_n_weights(a);
    assert_memory_equal(a->weights, b->weights, n * sizeof(float));
    float *w = calloc(n, sizeof *w);
    assert_int_equal(midge_net_set_weights(a, w, n), MIDGE_OK);
    assert_memory_equal(midge_net_weights(a), w, n * sizeof(float));
    assert_memory_not_equal(a->weights, b->weights, n * sizeof(float));
    assert_int_equal(midge_net_set_weights(a, w, n - 1), MIDGE_E_MISMATCH);
    w[n - 1] = NAN;
    assert_int_equal(midge_net_set_weights(a, w, n), MIDGE_E_INVALID);
    w[n - 1] = -INFINITY;
    assert_int_equal(midge_net_set_weights(a, w, n), MIDGE_E_INVALID);
    assert_true(midge_net_weights(a)[n - 1] == 0.0f);
    free(w);
    midge_net_free(a);
    midge_net_free(b);
    assert_int_equal(t.held_bytes, 0);
}

static void expect(const midge_env *env, midge_net_options o,
                   midge_status status) {
    midge_net *net = (midge_net *)&o;
    midge_error err = {.status = MIDGE_OK};
    assert_int_equal(midge_net_new(env, &o, &net, &err), status);
    assert_null(net);
    assert_int_equal(err.status, status);
    assert_true(err.text[0] != '\0');
}

static void bad_shapes_are_refused_before_memory(void **state) {
    struct test_env t;
    test_env_init(&t);
    const uint32_t zero[] = {3, 0, 2};
    const uint32_t wide[] = {3, MIDGE_NET_UNITS_MAX + 1, 2};
    const uint32_t huge[] = {65536, 65536, 65536};
    const uint32_t good[] = {3, 4, 2};
    const midge_net_options fine = {.n_layers = 2, .sizes = good};
#define REFUSED(field, value)                                                  \
    do {                                                                       \
        midge_net_options o = fine;                                            \
        o.field = value;                                                       \
        expect(&t.env, o, MIDGE_E_INVALID);                                    \
    } while (0)
    REFUSED(n_layers, 0);
    REFUSED(n_layers, MIDGE_NET_LAYERS_MAX + 1);
    REFUSED(sizes, NULL);
    REFUSED(sizes, zero);
    REFUSED(sizes, wide);
    REFUSED(hidden, (midge_activation)MIDGE_ACT_COUNT);
    REFUSED(output, (midge_activation)-1);
    REFUSED(hidden, MIDGE_ACT_SOFTMAX);
    REFUSED(hidden_steepness, -1.0f);
    REFUSED(output_steepness, INFINITY);
    REFUSED(output_steepness, NAN);
    REFUSED(connection_rate, 1.5f);
    REFUSED(connection_rate, NAN);
    REFUSED(init, (midge_init)5);
#undef REFUSED
    expect(&t.env, (midge_net_options){.n_layers = 2, .sizes = huge},
           MIDGE_E_LIMIT);
    assert_int_equal(t.held_bytes, 0);
    assert_true(t.peak_bytes < 64); /* what the activations need */
}

static void run_accepts_nothing_and_refuses_null(void **state) {
    struct test_env t;
    test_env_init(&t);
    float y[5];
    midge_net *net = make(&t, MIDGE_ACT_TANH, MIDGE_ACT_LINEAR);
    assert_int_equal(midge_net_run(net, 0, NULL, NULL, NULL), MIDGE_OK);
    assert_int_equal(midge_net_run(net, 1, NULL, y, y), MIDGE_E_INVALID);
    assert_int_equal(midge_net_run(NULL, 1, y, y, y), MIDGE_E_INVALID);
    midge_net_free(net);
}

/* What the runs of units must say, unit by unit. */
static void check_runs(const midge_net *net, uint32_t layer, uint32_t n,
                       const midge_activation *f, const float *s) {
    uint32_t runs = 0;
    for (uint32_t j = 0; j < n; j++) {
        midge_activation activation;
        float steepness;
        assert_int_equal(midge_net_unit(net, layer, j, &activation, &steepness),
                         MIDGE_OK);
        assert_int_equal(activation, f[j]);
        assert_true(steepness == s[j]);
        runs += j == 0 || f[j] != f[j - 1] || s[j] != s[j - 1];
    }
    midge_layer l;
    assert_int_equal(midge_net_layer(net, layer, &l), MIDGE_OK);
    assert_int_equal(l.mixed, runs > 1);
    assert_int_equal(net->layers[layer].n_units, runs);
}

static void activations_change_unit_by_unit(void **state) {
    enum { UNITS = 9 }; /* 4.5 is half of it */
    static const uint32_t shape[] = {2, UNITS, UNITS, 3};
    struct test_env t;
    test_env_init(&t);
    midge_net *net;
    midge_net_options o = {.n_layers = 3, .sizes = shape};
    assert_int_equal(midge_net_new(&t.env, &o, &net, NULL), MIDGE_OK);
    midge_activation f[2][UNITS] = {{0}};
    float s[2][UNITS];
    uint32_t random = 1;
    for (int j = 0; j < UNITS; j++) {
        s[0][j] = s[1][j] = 1;
    }
    for (int i = 0; i < 3000; i++) {
        uint32_t layer = oracle_random(&random) > 0;
        uint32_t unit = (uint32_t)((oracle_random(&random) + 1) * 4.5f);
        midge_activation a =
            oracle_random(&random) > 0 ? MIDGE_ACT_TANH : MIDGE_ACT_SIGMOID;
        float steepness = oracle_random(&random) > 0 ? 0 : 0.25f;
        int all = i % 100 == 0;
        assert_int_equal(midge_net_set_activation(
                             net, layer, all ? MIDGE_NET_ALL_UNITS : unit, a,
                             steepness, NULL),
                         MIDGE_OK);
        for (uint32_t j = 0; j < UNITS; j++) {
            if (all || j == unit) {
                f[layer][j] = a;
                s[layer][j] = steepness > 0         ? steepness
                              : a == MIDGE_ACT_TANH ? 1.0f
                                                    : 0.5f;
            }
        }
        check_runs(net, 0, UNITS, f[0], s[0]);
        check_runs(net, 1, UNITS, f[1], s[1]);
    }
    const midge_activation linear[3] = {MIDGE_ACT_LINEAR};
    const float ones[3] = {1, 1, 1};
    check_runs(net, 2, 3, linear, ones);
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
}

static void bad_activations_are_refused(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_net *net = make(&t, MIDGE_ACT_TANH, MIDGE_ACT_SOFTMAX);
    static const struct {
        uint32_t layer, unit;
        midge_activation f;
        float steepness;
    } bad[] = {
        {3, 0, MIDGE_ACT_TANH, 0},
        {0, 21, MIDGE_ACT_TANH, 0},
        {0, 0, MIDGE_ACT_COUNT, 0},
        {0, 0, (midge_activation)-1, 0},
        {0, 0, MIDGE_ACT_TANH, -1},
        {0, 0, MIDGE_ACT_TANH, INFINITY},
        {0, 0, MIDGE_ACT_TANH, NAN},
        {0, MIDGE_NET_ALL_UNITS, MIDGE_ACT_SOFTMAX, 0},
        {2, 1, MIDGE_ACT_SOFTMAX, 0},
        {2, 1, MIDGE_ACT_TANH, 0}, /* part of a softmax */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        midge_error err = {.status = MIDGE_OK};
        assert_int_equal(midge_net_set_activation(net, bad[i].layer,
                                                  bad[i].unit, bad[i].f,
                                                  bad[i].steepness, &err),
                         MIDGE_E_INVALID);
        assert_int_equal(err.status, MIDGE_E_INVALID);
    }
    midge_layer layer;
    midge_activation f;
    float s;
    assert_int_equal(midge_net_layer(net, 3, &layer), MIDGE_E_INVALID);
    assert_int_equal(midge_net_unit(net, 3, 0, &f, &s), MIDGE_E_INVALID);
    assert_int_equal(midge_net_unit(net, 0, 21, &f, &s), MIDGE_E_INVALID);
    midge_net_free(net);
}

/* Shape and connections of one network that was drawn. */
static void check_connections(const midge_net *net, double rate) {
    const uint8_t *mask = midge_net_mask(net);
    size_t exist = 0;
    for (uint32_t l = 0; l < net->n_layers; l++) {
        const mdg_layer *layer = &net->layers[l];
        uint32_t before = l > 0 ? net->layers[l - 1].n_out : layer->n_in;
        uint32_t pairs = before > layer->n_out ? before : layer->n_out;
        size_t all = (size_t)layer->n_in * layer->n_out;
        size_t wanted = (size_t)(rate * (double)all + 0.5);
        size_t count = 0;
        for (uint32_t j = 0; j < layer->n_out; j++) {
            size_t into = 0;
            for (uint32_t i = 0; i < layer->n_in; i++) {
                into += mask[layer->w + (size_t)i * layer->n_out + j];
            }
            assert_true(into > 0);
            assert_int_equal(mask[layer->b + j], 1);
            count += into;
        }
        for (uint32_t i = layer->n_in - before; i < layer->n_in; i++) {
            size_t out = 0;
            for (uint32_t j = 0; j < layer->n_out; j++) {
                out += mask[layer->w + (size_t)i * layer->n_out + j];
            }
            assert_true(out > 0);
        }
        assert_int_equal(count, wanted > pairs ? wanted : pairs);
        exist += count + layer->n_out;
    }
    assert_int_equal(midge_net_n_connections(net), exist);
    for (size_t i = 0; i < net->n_weights; i++) {
        assert_true(mask[i] || net->weights[i] == 0.0f);
    }
}

static void a_share_of_the_connections_exists(void **state) {
    static const float rates[] = {0.01f, 0.3f, 0.7f, 0.95f};
    struct test_env t;
    test_env_init(&t);
    for (uint64_t seed = 0; seed < 40; seed++) {
        midge_net *net;
        midge_net_options o = {.n_layers = 3,
                               .sizes = sizes,
                               .shortcut = seed % 2,
                               .connection_rate = rates[seed / 2 % 4],
                               .seed = seed};
        assert_int_equal(midge_net_new(&t.env, &o, &net, NULL), MIDGE_OK);
        double rate = (double)o.connection_rate;
        check_connections(net, rate);
        float *w = malloc(net->n_weights * sizeof *w);
        for (size_t i = 0; i < net->n_weights; i++) {
            w[i] = 1;
        }
        assert_int_equal(midge_net_set_weights(net, w, net->n_weights),
                         MIDGE_OK);
        check_connections(net, rate);
        for (int init = 0; init <= MIDGE_INIT_NGUYEN_WIDROW; init++) {
            assert_int_equal(
                midge_net_init_weights(net, (midge_init)init, 0, seed),
                MIDGE_OK);
            check_connections(net, rate);
        }
        free(w);
        midge_net_free(net);
    }
    midge_net *all = make(&t, MIDGE_ACT_TANH, MIDGE_ACT_TANH);
    assert_null(midge_net_mask(all));
    assert_int_equal(midge_net_n_connections(all), all->n_weights);
    uint8_t *ones = malloc(all->n_weights);
    memset(ones, 1, all->n_weights);
    assert_int_equal(mdg_net_set_mask(all, ones), MIDGE_OK);
    assert_null(midge_net_mask(all));
    free(ones);
    midge_net_free(all);
    assert_int_equal(t.held_bytes, 0);
}

static double spread_of(size_t n, const float *w, float *most) {
    double squares = 0;
    *most = 0;
    for (size_t i = 0; i < n; i++) {
        squares += (double)w[i] * (double)w[i];
        *most = fmaxf(*most, fabsf(w[i]));
    }
    return sqrt(squares / (double)n);
}

static void first_weights_are_as_asked_for(void **state) {
    static const uint32_t shape[] = {40, 30, 20};
    struct test_env t;
    test_env_init(&t);
    midge_net *net;
    midge_net_options o = {
        .n_layers = 2, .sizes = shape, .init = MIDGE_INIT_UNIFORM, .seed = 1};
    assert_int_equal(midge_net_new(&t.env, &o, &net, NULL), MIDGE_OK);
    float most;
    double spread = spread_of(net->n_weights, net->weights, &most);
    assert_true(most <= 0.1f && fabs(spread - 0.1 / sqrt(3)) < 0.003);
    assert_int_equal(midge_net_init_weights(net, MIDGE_INIT_UNIFORM, 2, 5),
                     MIDGE_OK);
    spread = spread_of(net->n_weights, net->weights, &most);
    assert_true(most <= 2 && fabs(spread - 2 / sqrt(3)) < 0.06);
    assert_int_equal(midge_net_init_weights(net, MIDGE_INIT_HE, 0, 5),
                     MIDGE_OK);
    spread = spread_of(40 * 30, net->weights, &most);
    assert_true(fabs(spread - sqrt(2.0 / 40)) < 0.02);
    assert_int_equal(
        midge_net_init_weights(net, MIDGE_INIT_NGUYEN_WIDROW, 0, 5), MIDGE_OK);
    double length = 0.7 * pow(30, 1.0 / 40);
    for (size_t j = 0; j < 30; j++) {
        double squares = 0;
        for (size_t i = 0; i < 40; i++) {
            double w = (double)net->weights[i * 30 + j];
            squares += w * w;
        }
        assert_true(fabs(sqrt(squares) - length) < 1e-5);
        assert_true(fabs((double)net->weights[40 * 30 + j]) <= length);
    }
    assert_int_equal(midge_net_init_weights(net, (midge_init)5, 0, 5),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_net_init_weights(net, MIDGE_INIT_UNIFORM, -1, 5),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_net_init_weights(net, MIDGE_INIT_UNIFORM, NAN, 5),
                     MIDGE_E_INVALID);
    midge_net_free(net);
}

static midge_status sweep(struct test_env *t) {
    midge_net_options o = {
        .n_layers = 3, .sizes = sizes, .connection_rate = 0.5f};
    midge_net *net = NULL;
    midge_net *copy = NULL;
    midge_scaling in[9];
    for (int i = 0; i < 9; i++) {
        in[i] = (midge_scaling){0, 1, -1, 1};
    }
    midge_status s = midge_net_new(&t->env, &o, &net, NULL);
    if (s == MIDGE_OK) {
        s = midge_net_set_activation(net, 1, 4, MIDGE_ACT_COS, 0, NULL);
    }
    if (s == MIDGE_OK) {
        s = midge_net_set_scaling(net, in, in);
    }
    if (s == MIDGE_OK) {
        s = mdg_net_set_mask(net, net->mask);
    }
    if (s == MIDGE_OK) {
        s = midge_net_copy(net, &copy);
    }
    assert_int_equal(s == MIDGE_OK, copy != NULL);
    midge_net_free(net);
    midge_net_free(copy);
    return s;
}

static void every_allocation_may_fail(void **state) {
    long fail_at = 0;
    struct test_env t;
    do {
        fail_at++;
        test_env_init(&t);
        t.fail_at = fail_at;
        midge_status s = sweep(&t);
        assert_int_equal(s, t.calls < fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        assert_int_equal(t.held_bytes, 0);
    } while (t.calls >= fail_at);
    assert_true(fail_at > 15);
}

/* Kernels of the machine itself: fused ones differ from the definition. */
static uint32_t cpu_here(void) {
#if defined(__x86_64__)
    return (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
               ? MIDGE_CPU_V2 | MIDGE_CPU_AVX2
               : 0;
#elif defined(__aarch64__)
    return MIDGE_CPU_NEON;
#else
    return 0;
#endif
}

static void fast_products_keep_their_bound(void **state) {
    (void)state;
    enum { IN = 300, OUT = 40, ROWS = 19 };
    struct test_env t;
    const uint32_t shape[] = {IN, OUT};
    const midge_net_options o = {
        .n_layers = 1, .sizes = shape, .output = MIDGE_ACT_LINEAR, .seed = 8};
    static float x[ROWS * IN], y[2][ROWS * OUT];
    midge_net *net = NULL, *copy = NULL;
    test_env_init(&t);
    t.env.cpu = cpu_here();
    assert_int_equal(midge_net_new(&t.env, &o, &net, NULL), MIDGE_OK);
    for (size_t i = 0; i < ROWS * IN; i++) {
        x[i] = (float)((i * 7919u) % 2001u) / 1000.0f - 1.0f;
    }
    midge_net_set_fast(net, 1);
    assert_int_equal(midge_net_copy(net, &copy), MIDGE_OK);
    run(net, ROWS, x, y[0]);
    run(copy, ROWS, x, y[1]);
    assert_memory_equal(y[0], y[1], sizeof y[0]);
    midge_net_set_fast(copy, 0);
    run(copy, ROWS, x, y[1]);
    const float *w = midge_net_weights(net);
    for (size_t i = 0; i < ROWS * OUT; i++) {
        double sum = 0, sizes_of = 0;
        for (size_t k = 0; k < IN; k++) {
            const double product =
                (double)x[i / OUT * IN + k] * (double)w[k * OUT + i % OUT];
            sum += product;
            sizes_of += fabs(product);
        }
        const double bound = (IN + 2) * 0x1p-24 * sizes_of;
        assert_true(fabs((double)y[0][i] - sum) <= bound);
        assert_true(fabs((double)y[1][i] - sum) <= bound);
    }
    midge_net_free(net);
    midge_net_free(copy);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape_is_what_was_asked_for),
        cmocka_unit_test(first_weights_have_the_right_spread),
        cmocka_unit_test(seeds_decide_the_weights),
        cmocka_unit_test(run_agrees_with_the_oracle),
        cmocka_unit_test(one_row_gives_the_bits_of_a_batch),
        cmocka_unit_test(every_way_agrees_with_the_oracle),
        cmocka_unit_test(copies_have_everything),
        cmocka_unit_test(copies_stand_alone),
        cmocka_unit_test(activations_change_unit_by_unit),
        cmocka_unit_test(bad_activations_are_refused),
        cmocka_unit_test(a_share_of_the_connections_exists),
        cmocka_unit_test(first_weights_are_as_asked_for),
        cmocka_unit_test(bad_shapes_are_refused_before_memory),
        cmocka_unit_test(run_accepts_nothing_and_refuses_null),
        cmocka_unit_test(fast_products_keep_their_bound),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
