/* net_test.c: making, copying, running networks. */
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

static void one_row_gives_the_bits_of_a_batch(void **state) {
    struct test_env t;
    test_env_init(&t);
    enum { ROWS = 270 };
    float x[ROWS * 9];
    float y[ROWS * 5];
    float one[5];
    float unused[ROWS * 5];
    oracle_fill(2, ROWS, 9, 5, 0, x, unused);
    for (int h = 0; h < MIDGE_ACT_SOFTMAX; h++) {
        midge_net *net = make(&t, (midge_activation)h, MIDGE_ACT_SOFTMAX);
        run(net, ROWS, x, y);
        for (size_t i = 0; i < ROWS; i++) {
            run(net, 1, x + i * 9, one);
            assert_memory_equal(one, y + i * 5, sizeof one);
        }
        midge_net_free(net);
    }
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

static void every_allocation_may_fail(void **state) {
    midge_net_options o = {
        .n_layers = 3, .sizes = sizes, .connection_rate = 0.5f};
    long fail_at = 0;
    struct test_env t;
    do {
        fail_at++;
        midge_net *net = NULL;
        midge_net *copy = NULL;
        test_env_init(&t);
        t.fail_at = fail_at;
        midge_status s = midge_net_new(&t.env, &o, &net, NULL);
        if (s == MIDGE_OK) {
            s = midge_net_copy(net, &copy);
        }
        assert_true(s == MIDGE_OK || s == MIDGE_E_NOMEM);
        assert_int_equal(s == MIDGE_OK, copy != NULL);
        midge_net_free(net);
        midge_net_free(copy);
        assert_int_equal(t.held_bytes, 0);
    } while (t.calls >= fail_at);
    assert_int_equal(fail_at, 13);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape_is_what_was_asked_for),
        cmocka_unit_test(first_weights_have_the_right_spread),
        cmocka_unit_test(seeds_decide_the_weights),
        cmocka_unit_test(run_agrees_with_the_oracle),
        cmocka_unit_test(one_row_gives_the_bits_of_a_batch),
        cmocka_unit_test(copies_stand_alone),
        cmocka_unit_test(bad_shapes_are_refused_before_memory),
        cmocka_unit_test(run_accepts_nothing_and_refuses_null),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
