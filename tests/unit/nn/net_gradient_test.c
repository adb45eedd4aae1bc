/* net_gradient_test.c: every activation with every loss in every kind of
 * network against central finite differences of a network in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "nn/pass.h"
#include "nn_oracle.h"
#include "test_env.h"

#define ROWS    6
#define WEIGHTS 120 /* or fewer in each network */

enum kind { DENSE, SHORTCUT, PARTIAL, MIXED, ONE_UNIT, KINDS };

struct fixture {
    struct test_env t;
    midge_net *net;
    struct oracle oracle;
    float x[ROWS * 3];
    float targets[ROWS * 4];
    midge_net_data data;
};

/* The n-th activation that can be trained in any layer, round and round. */
static midge_activation trainable(int n) {
    int i = 0;
    for (int left = n % (MIDGE_ACT_COUNT - 3);; i++) {
        int wanted = mdg_activation_trainable((midge_activation)i) &&
                     i != MIDGE_ACT_SOFTMAX;
        if (wanted && left-- == 0) {
            return (midge_activation)i;
        }
    }
}

static void set_unit(struct fixture *f, uint32_t layer, uint32_t unit,
                     midge_activation activation, float steepness) {
    assert_int_equal(midge_net_set_activation(f->net, layer, unit, activation,
                                              steepness, NULL),
                     MIDGE_OK);
}

/* Runs of two units, of one, and one that is like its neighbour. */
static void mix(struct fixture *f, midge_activation hidden,
                midge_activation output, int entropy) {
    set_unit(f, 0, 1, trainable((int)hidden + 5), 0.6f);
    set_unit(f, 0, 4, trainable((int)hidden + 9), 0);
    set_unit(f, 1, 0, trainable((int)hidden + 14), 0.8f);
    set_unit(f, 1, 2, trainable((int)hidden + 14), 0.8f);
    if (output != MIDGE_ACT_SOFTMAX) {
        set_unit(f, 2, 3, entropy ? output : trainable((int)output + 3), 1.3f);
    }
}

static void set_up(struct fixture *f, enum kind kind, midge_activation hidden,
                   midge_activation output, int entropy) {
    static const uint32_t wide[] = {3, 5, 4, 4};
    static const uint32_t narrow[] = {3, 1, 4, 1};
    const uint32_t *sizes = kind == ONE_UNIT ? narrow : wide;
    test_env_init(&f->t);
    midge_net_options o = {
        .n_layers = 3,
        .sizes = sizes,
        .hidden = hidden,
        .output = output,
        .hidden_steepness = kind == SHORTCUT ? 0.7f : 0,
        .output_steepness = kind == PARTIAL || kind == SHORTCUT ? 1.2f : 0,
        .shortcut = kind == SHORTCUT || (kind == ONE_UNIT && hidden % 2),
        .connection_rate = kind == PARTIAL ? 0.6f : 0,
        .seed = 11};
    assert_int_equal(midge_net_new(&f->t.env, &o, &f->net, NULL), MIDGE_OK);
    if (kind == MIXED) {
        mix(f, hidden, output, entropy);
    }
    uint32_t state = 99;
    for (size_t i = 0; i < f->net->n_weights; i++) { /* biases too */
        f->net->weights[i] += 0.1f * oracle_random(&state);
    }
    mdg_net_apply_mask(f->net, f->net->weights);
    oracle_init(&f->oracle, f->net);
    oracle_fill(5, ROWS, 3, sizes[3], output != MIDGE_ACT_SOFTMAX, f->x,
                f->targets);
    f->data = (midge_net_data){ROWS, f->x, f->targets};
}

static void tear_down(struct fixture *f) {
    midge_net_free(f->net);
    assert_int_equal(f->t.held_bytes, 0);
}

static void check(enum kind kind, midge_activation hidden,
                  midge_activation output, midge_loss loss, float parameter) {
    struct fixture f;
    float gradient[WEIGHTS];
    double w[WEIGHTS];
    double value;
    double alone;
    set_up(&f, kind, hidden, output, loss == MIDGE_LOSS_CROSS_ENTROPY);
    size_t n = midge_net_n_weights(f.net);
    assert_true(n <= WEIGHTS);
    assert_int_equal(
        midge_net_loss(f.net, loss, parameter, &f.data, &value, gradient),
        MIDGE_OK);
    assert_int_equal(
        midge_net_loss(f.net, loss, parameter, &f.data, &alone, NULL),
        MIDGE_OK);
    assert_true(value == alone);
    memset(w, 0, sizeof w);
    for (size_t i = 0; i < n; i++) {
        w[i] = (double)f.net->weights[i];
    }
    double p = (double)parameter;
    double expected = oracle_loss(&f.oracle, w, loss, p, &f.data);
    double error =
        oracle_gradient_error(&f.oracle, f.net->weights, midge_net_mask(f.net),
                              n, loss, p, &f.data, gradient);
    if (!(fabs(value - expected) <= 5e-6 * fabs(expected)) || !(error < 1e-5)) {
        fail_msg("kind %d, %s, %s, %s: loss %g is %g, error %g", (int)kind,
                 midge_activation_name(hidden), midge_activation_name(output),
                 midge_loss_name(loss), expected, value, error);
    }
    tear_down(&f);
}

static int has_entropy(midge_activation output) {
    return output == MIDGE_ACT_SIGMOID || output == MIDGE_ACT_SOFTMAX;
}

static void every_activation_with_every_loss(void **state) {
    for (int kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < MIDGE_ACT_COUNT - 2; i++) {
            for (int loss = 0; loss < MIDGE_LOSS_COUNT; loss++) {
                midge_activation f =
                    i == MIDGE_ACT_COUNT - 3 ? MIDGE_ACT_SOFTMAX : trainable(i);
                midge_activation other = trainable(i + 4 * loss + kind);
                int entropy = loss == MIDGE_LOSS_CROSS_ENTROPY;
                if (!entropy || has_entropy(f)) {
                    check((enum kind)kind, other, f, (midge_loss)loss, 0);
                }
                if (f != MIDGE_ACT_SOFTMAX) {
                    check((enum kind)kind, f,
                          entropy ? MIDGE_ACT_SOFTMAX : other, (midge_loss)loss,
                          0);
                }
            }
        }
    }
}

static void losses_with_a_parameter(void **state) {
    for (int kind = 0; kind < KINDS; kind++) {
        check((enum kind)kind, MIDGE_ACT_TANH, MIDGE_ACT_LINEAR,
              MIDGE_LOSS_HUBER, 0.25f);
        check((enum kind)kind, MIDGE_ACT_TANH, MIDGE_ACT_LINEAR,
              MIDGE_LOSS_QUANTILE, 0.9f);
    }
}

/* The masks of a pass, given to the oracle, must explain its gradient. */
static void gradient_through_dropout(void **state) {
    struct fixture f;
    for (int kind = 0; kind < KINDS; kind++) {
        for (int h = 0; h < MIDGE_ACT_COUNT - 3; h++) {
            set_up(&f, (enum kind)kind, trainable(h), MIDGE_ACT_SIGMOID, 1);
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
                &f.oracle, f.net->weights, midge_net_mask(f.net),
                f.net->n_weights, MIDGE_LOSS_CROSS_ENTROPY, 0, &f.data,
                pass.gradient);
            assert_true(error < 1e-5);
            mdg_pass_deinit(&pass);
            tear_down(&f);
        }
    }
}

/* A pass that could drop but was not asked to computes what midge_net_run does.
 */
static void forward_without_dropout_is_run(void **state) {
    struct fixture f;
    for (int kind = 0; kind < KINDS; kind++) {
        set_up(&f, (enum kind)kind, MIDGE_ACT_GELU, MIDGE_ACT_TANH, 0);
        float y[ROWS * 4];
        char workspace[4096] __attribute__((aligned(64)));
        assert_true(midge_net_workspace_bytes(f.net, ROWS) <= sizeof workspace);
        assert_int_equal(midge_net_run(f.net, ROWS, f.x, y, workspace),
                         MIDGE_OK);
        for (int dropout = 0; dropout < 2; dropout++) {
            mdg_pass pass;
            size_t stride;
            size_t n = midge_net_n_outputs(f.net);
            assert_int_equal(mdg_pass_init(&pass, f.net, ROWS, 1, dropout),
                             MIDGE_OK);
            mdg_pass_forward(&pass, ROWS, f.x, NULL);
            const float *out = mdg_pass_output(&pass, &stride);
            for (size_t i = 0; i < ROWS; i++) {
                assert_memory_equal(out + i * stride, y + i * n, n * sizeof *y);
            }
            mdg_pass_deinit(&pass);
        }
        tear_down(&f);
    }
}

/* The gradient from any slope: that of e^2 / 2 is e. */
static void backward_from_a_slope(void **state) {
    struct fixture f;
    const mdg_objective objective = {.loss = MIDGE_LOSS_MSE};
    for (int kind = 0; kind < KINDS; kind++) {
        set_up(&f, (enum kind)kind, MIDGE_ACT_SILU, MIDGE_ACT_ELLIOT, 0);
        mdg_pass pass;
        float g[ROWS * 4];
        float kept[WEIGHTS];
        size_t n = midge_net_n_outputs(f.net);
        size_t stride;
        assert_int_equal(mdg_pass_init(&pass, f.net, ROWS, 1, 0), MIDGE_OK);
        mdg_pass_forward(&pass, ROWS, f.x, NULL);
        const float *y = mdg_pass_output(&pass, &stride);
        for (size_t i = 0; i < ROWS * n; i++) {
            g[i] = y[i / n * stride + i % n] - f.targets[i];
        }
        mdg_pass_backward(&pass, &objective, ROWS, 1, f.x, f.targets);
        memcpy(kept, pass.gradient, f.net->n_weights * sizeof *kept);
        mdg_pass_backward_from(&pass, 0, ROWS, f.x, g);
        assert_memory_equal(pass.gradient, kept,
                            f.net->n_weights * sizeof *kept);
        mdg_pass_deinit(&pass);
        tear_down(&f);
    }
}

/* Inputs that are mostly zeros take another way, to the same bits. */
static void gradient_of_sparse_inputs(void **state) {
    enum { IN = 70, OUT = 5, MANY = 40, COUNT = (IN + 1) * OUT };
    static const uint32_t sizes[] = {IN, OUT};
    const float share = 1.0f / 40;
    static float x[MANY * IN];
    static float t[MANY * OUT];
    static float g[MANY * OUT];
    for (int shortcut = 0; shortcut < 2; shortcut++) {
        struct test_env env;
        test_env_init(&env);
        midge_net *net;
        midge_net_options o = {.n_layers = 1,
                               .sizes = sizes,
                               .output = MIDGE_ACT_TANH,
                               .shortcut = shortcut};
        assert_int_equal(midge_net_new(&env.env, &o, &net, NULL), MIDGE_OK);
        oracle_fill(7, MANY, IN, OUT, 1, x, t);
        for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
            x[i] = i % 9 == 4 ? x[i] : 0;
        }
        mdg_pass pass;
        const mdg_objective objective = {.loss = MIDGE_LOSS_MSE};
        assert_int_equal(mdg_pass_init(&pass, net, MANY, 1, 0), MIDGE_OK);
        mdg_pass_forward(&pass, MANY, x, NULL);
        assert_int_equal(pass.inputs, MDG_INPUTS_SPARSE);
        mdg_pass_backward(&pass, &objective, MANY, share, x, t);
        struct oracle oracle;
        oracle_init(&oracle, net);
        midge_net_data data = {MANY, x, t};
        assert_true(oracle_gradient_error(&oracle, net->weights, NULL, COUNT,
                                          MIDGE_LOSS_MSE, 0, &data,
                                          pass.gradient) < 1e-5);
        /* Once more, by hand: the inputs are transposed already. */
        float kept[COUNT];
        memcpy(kept, pass.gradient, sizeof kept);
        for (size_t i = 0; i < MANY * OUT; i++) {
            g[i] = (pass.act[0][i / OUT * pass.stride[0] + i % OUT] - t[i]) *
                   (share);
        }
        mdg_pass_backward_from(&pass, 0, MANY, x, g);
        assert_memory_equal(pass.gradient, kept, sizeof kept);
        pass.inputs = MDG_INPUTS_DENSE;
        mdg_pass_backward(&pass, &objective, MANY, share, x, t);
        assert_memory_equal(pass.gradient, kept, sizeof kept);
        mdg_pass_deinit(&pass);
        midge_net_free(net);
    }
}

/* More rows than a block: the blocks must not show but for rounding. */
static void gradient_over_many_blocks(void **state) {
    enum { MANY = 2 * MDG_PASS_ROWS + 37 };
    struct fixture f;
    set_up(&f, SHORTCUT, MIDGE_ACT_TANH, MIDGE_ACT_SIGMOID, 0);
    float *x = malloc(MANY * 3 * sizeof *x);
    float *t = malloc(MANY * 4 * sizeof *t);
    float gradient[WEIGHTS];
    oracle_fill(8, MANY, 3, 4, 1, x, t);
    midge_net_data data = {MANY, x, t};
    double value;
    assert_int_equal(
        midge_net_loss(f.net, MIDGE_LOSS_MSE, 0, &data, &value, gradient),
        MIDGE_OK);
    double error =
        oracle_gradient_error(&f.oracle, f.net->weights, NULL, f.net->n_weights,
                              MIDGE_LOSS_MSE, 0, &data, gradient);
    assert_true(error < 1e-5);
    free(x);
    free(t);
    tear_down(&f);
}

/* Squares and bits, in FANN's eyes too: errors of symmetric outputs count half.
 */
static void the_tally_counts(void **state) {
    struct fixture f;
    set_up(&f, MIXED, MIDGE_ACT_RELU, MIDGE_ACT_TANH, 0);
    for (int fann = 0; fann < 2; fann++) {
        const mdg_objective objective = {MIDGE_LOSS_MSE, 0, fann, 0.35f};
        mdg_pass pass;
        mdg_tally tally = {1, 2, 3}; /* is added to */
        double squares = 2;
        size_t bits = 3;
        size_t stride;
        assert_int_equal(mdg_pass_init(&pass, f.net, ROWS, 0, 0), MIDGE_OK);
        mdg_pass_forward(&pass, ROWS, f.x, NULL);
        mdg_pass_tally(&pass, &objective, ROWS, f.targets, &tally);
        const float *y = mdg_pass_output(&pass, &stride);
        for (size_t i = 0; i < ROWS * 4; i++) {
            float e = y[i / 4 * stride + i % 4] - f.targets[i];
            int halved = fann && i % 4 < 3; /* unit 3 is another, see mix */
            e *= halved ? 0.5f : 1.0f;
            squares += (double)e * (double)e;
            bits += fabsf(e) >= 0.35f;
        }
        assert_true(fabs(tally.squares - squares) < 1e-9);
        assert_int_equal(tally.bit_fail, bits);
        assert_true(tally.loss > 1);
        mdg_pass_deinit(&pass);
    }
    tear_down(&f);
}

static void refused(struct fixture *f, midge_loss loss, float parameter) {
    double value = 1;
    assert_int_equal(
        midge_net_loss(f->net, loss, parameter, &f->data, &value, NULL),
        MIDGE_E_INVALID);
    assert_true(value == 0);
}

static void loss_refuses_what_does_not_fit(void **state) {
    struct fixture f;
    double value;
    float gradient[WEIGHTS];
    set_up(&f, DENSE, MIDGE_ACT_TANH, MIDGE_ACT_LINEAR, 0);
    refused(&f, MIDGE_LOSS_CROSS_ENTROPY, 0);
    refused(&f, (midge_loss)MIDGE_LOSS_COUNT, 0);
    refused(&f, MIDGE_LOSS_QUANTILE, 1);
    refused(&f, MIDGE_LOSS_HUBER, -1);
    refused(&f, MIDGE_LOSS_HUBER, NAN);
    set_unit(&f, 1, 2, MIDGE_ACT_THRESHOLD, 0);
    assert_int_equal(
        midge_net_loss(f.net, MIDGE_LOSS_MSE, 0, &f.data, &value, NULL),
        MIDGE_OK);
    assert_int_equal(
        midge_net_loss(f.net, MIDGE_LOSS_MSE, 0, &f.data, &value, gradient),
        MIDGE_E_INVALID);
    midge_error err = {.text = ""};
    const mdg_objective objective = {.loss = MIDGE_LOSS_MSE};
    assert_int_equal(mdg_objective_check(f.net, &objective, &err),
                     MIDGE_E_INVALID);
    assert_non_null(strstr(err.text, "layer 1"));
    f.data.n_rows = 0;
    refused(&f, MIDGE_LOSS_MSE, 0);
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

/* Beyond an error of 1 FANN's loss goes on straight. */
static void tanh_error_far_away(void **state) {
    struct test_env t;
    test_env_init(&t);
    const uint32_t one[] = {1, 1};
    const float w[] = {1, 0};
    const float x[] = {3, -3, 0};
    const float targets[] = {0, 0, 0};
    midge_net *net;
    midge_net_options o = {.n_layers = 1, .sizes = one};
    assert_int_equal(midge_net_new(&t.env, &o, &net, NULL), MIDGE_OK);
    assert_int_equal(midge_net_set_weights(net, w, 2), MIDGE_OK);
    midge_net_data d = {3, x, targets};
    struct oracle oracle;
    oracle_init(&oracle, net);
    const double wd[] = {1, 0};
    double value;
    float gradient[2];
    assert_int_equal(
        midge_net_loss(net, MIDGE_LOSS_TANH, 0, &d, &value, gradient),
        MIDGE_OK);
    double expected = oracle_loss(&oracle, wd, MIDGE_LOSS_TANH, 0, &d);
    assert_true(fabs(value - expected) < 1e-9 * expected);
    assert_true(fabsf(gradient[0] - 34) < 1e-5f); /* (17 3 + 17 3) / 3 */
    assert_true(fabsf(gradient[1]) < 1e-5f);
    midge_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_activation_with_every_loss),
        cmocka_unit_test(losses_with_a_parameter),
        cmocka_unit_test(gradient_through_dropout),
        cmocka_unit_test(forward_without_dropout_is_run),
        cmocka_unit_test(backward_from_a_slope),
        cmocka_unit_test(gradient_of_sparse_inputs),
        cmocka_unit_test(gradient_over_many_blocks),
        cmocka_unit_test(the_tally_counts),
        cmocka_unit_test(loss_refuses_what_does_not_fit),
        cmocka_unit_test(saturated_outputs_have_a_finite_loss),
        cmocka_unit_test(tanh_error_far_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
