/* net_gradient_test.c: every activation with every loss against central finite
 * differences of a network in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "nn/pass.h"
#include "nn_oracle.h"
#include "test_env.h"

#define ROWS 13

static const uint32_t sizes[] = {5, 7, 6, 4};

struct fixture {
    struct test_env t;
    midge_net *net;
    struct oracle oracle;
    float x[ROWS * 5];
    float targets[ROWS * 4];
    midge_net_data data;
};

static void set_up(struct fixture *f, midge_activation hidden,
                   midge_activation output, int soft) {
    test_env_init(&f->t);
    midge_net_options o = {.n_layers = 3,
                           .sizes = sizes,
                           .hidden = hidden,
                           .output = output,
                           .seed = 11};
    assert_int_equal(midge_net_new(&f->t.env, &o, &f->net, NULL), MIDGE_OK);
    size_t n = midge_net_n_weights(f->net);
    uint32_t state = 99;
    for (size_t i = 0; i < n; i++) { /* biases too */
        f->net->weights[i] += 0.1f * oracle_random(&state);
    }
    oracle_init(&f->oracle, f->net);
    oracle_fill(5, ROWS, 5, 4, soft, f->x, f->targets);
    f->data = (midge_net_data){ROWS, f->x, f->targets};
}

static void tear_down(struct fixture *f) {
    midge_net_free(f->net);
    assert_int_equal(f->t.held_bytes, 0);
}

static void check(midge_activation hidden, midge_activation output,
                  midge_loss loss, int soft) {
    struct fixture f;
    set_up(&f, hidden, output, soft);
    size_t n = midge_net_n_weights(f.net);
    float *gradient = malloc(n * sizeof *gradient);
    double *w = calloc(n, sizeof *w);
    double value;
    double alone;
    assert_int_equal(midge_net_loss(f.net, loss, 0, &f.data, &value, gradient),
                     MIDGE_OK);
    assert_int_equal(midge_net_loss(f.net, loss, 0, &f.data, &alone, NULL),
                     MIDGE_OK);
    assert_true(value == alone);
    for (size_t i = 0; i < n; i++) {
        w[i] = (double)f.net->weights[i];
    }
    double expected = oracle_loss(&f.oracle, w, loss, 0, &f.data);
    assert_true(fabs(value - expected) <= 2e-6 * fabs(expected));
    double error = oracle_gradient_error(&f.oracle, f.net->weights, NULL, n,
                                         loss, 0, &f.data, gradient);
    if (!(error < 5e-6)) {
        fail_msg("hidden %d output %d loss %d: error %g", (int)hidden,
                 (int)output, (int)loss, error);
    }
    free(gradient);
    free(w);
    tear_down(&f);
}

static void every_activation_with_every_loss(void **state) {
    for (int h = MIDGE_ACT_LINEAR; h <= MIDGE_ACT_RELU; h++) {
        for (int y = MIDGE_ACT_LINEAR; y <= MIDGE_ACT_SOFTMAX; y++) {
            check((midge_activation)h, (midge_activation)y, MIDGE_LOSS_MSE, 1);
        }
        check((midge_activation)h, MIDGE_ACT_SOFTMAX, MIDGE_LOSS_CROSS_ENTROPY,
              0);
        check((midge_activation)h, MIDGE_ACT_SIGMOID, MIDGE_LOSS_CROSS_ENTROPY,
              0);
        check((midge_activation)h, MIDGE_ACT_SIGMOID, MIDGE_LOSS_CROSS_ENTROPY,
              1);
    }
}

/* The masks of a pass, given to the oracle, must explain its gradient. */
static void gradient_through_dropout(void **state) {
    struct fixture f;
    for (int h = MIDGE_ACT_LINEAR; h <= MIDGE_ACT_RELU; h++) {
        set_up(&f, (midge_activation)h, MIDGE_ACT_SOFTMAX, 0);
        mdg_pass pass;
        mdg_dropout dropout;
        assert_int_equal(mdg_pass_init(&pass, f.net, ROWS, 1, 1), MIDGE_OK);
        mdg_dropout_init(&dropout, 0.4f, 77);
        mdg_pass_forward(&pass, ROWS, f.x, &dropout);
        const mdg_objective objective = {.loss = MIDGE_LOSS_CROSS_ENTROPY};
        mdg_pass_backward(&pass, &objective, ROWS, 1.0f / (float)ROWS, f.x,
                          f.targets);
        const float *masks[2] = {pass.mask[0], pass.mask[1]};
        f.oracle.masks = masks;
        double error = oracle_gradient_error(
            &f.oracle, f.net->weights, NULL, f.net->n_weights,
            MIDGE_LOSS_CROSS_ENTROPY, 0, &f.data, pass.gradient);
        assert_true(error < 5e-6);
        mdg_pass_deinit(&pass);
        tear_down(&f);
    }
}

/* More rows than a block: the blocks must not show but for rounding. */
static void gradient_over_many_blocks(void **state) {
    enum { MANY = 2 * MDG_PASS_ROWS + 37 };
    struct fixture f;
    set_up(&f, MIDGE_ACT_TANH, MIDGE_ACT_SIGMOID, 1);
    float *x = malloc(MANY * 5 * sizeof *x);
    float *t = malloc(MANY * 4 * sizeof *t);
    float *gradient = malloc(f.net->n_weights * sizeof *gradient);
    oracle_fill(8, MANY, 5, 4, 1, x, t);
    midge_net_data data = {MANY, x, t};
    double value;
    assert_int_equal(
        midge_net_loss(f.net, MIDGE_LOSS_MSE, 0, &data, &value, gradient),
        MIDGE_OK);
    double error =
        oracle_gradient_error(&f.oracle, f.net->weights, NULL, f.net->n_weights,
                              MIDGE_LOSS_MSE, 0, &data, gradient);
    assert_true(error < 5e-6);
    free(x);
    free(t);
    free(gradient);
    tear_down(&f);
}

static void loss_refuses_what_does_not_fit(void **state) {
    struct fixture f;
    double value = 1;
    set_up(&f, MIDGE_ACT_TANH, MIDGE_ACT_LINEAR, 1);
    assert_int_equal(midge_net_loss(f.net, MIDGE_LOSS_CROSS_ENTROPY, 0, &f.data,
                                    &value, NULL),
                     MIDGE_E_INVALID);
    assert_true(value == 0);
    f.data.n_rows = 0;
    assert_int_equal(
        midge_net_loss(f.net, MIDGE_LOSS_MSE, 0, &f.data, &value, NULL),
        MIDGE_E_INVALID);
    tear_down(&f);
}

static void saturated_outputs_have_a_finite_loss(void **state) {
    struct test_env t;
    test_env_init(&t);
    const uint32_t two[] = {1, 2};
    const float w[] = {300, -300, 0, 0};
    const float x[] = {1};
    const float wrong[] = {0, 1};
    midge_activation outputs[] = {MIDGE_ACT_SIGMOID, MIDGE_ACT_SOFTMAX};
    for (int i = 0; i < 2; i++) {
        midge_net *net;
        midge_net_options o = {
            .n_layers = 1, .sizes = two, .output = outputs[i]};
        assert_int_equal(midge_net_new(&t.env, &o, &net, NULL), MIDGE_OK);
        assert_int_equal(midge_net_set_weights(net, w, 4), MIDGE_OK);
        midge_net_data d = {1, x, wrong};
        double value;
        assert_int_equal(
            midge_net_loss(net, MIDGE_LOSS_CROSS_ENTROPY, 0, &d, &value, NULL),
            MIDGE_OK);
        assert_true(value > 80 && value < 200);
        midge_net_free(net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_activation_with_every_loss),
        cmocka_unit_test(gradient_through_dropout),
        cmocka_unit_test(gradient_over_many_blocks),
        cmocka_unit_test(loss_refuses_what_does_not_fit),
        cmocka_unit_test(saturated_outputs_have_a_finite_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
