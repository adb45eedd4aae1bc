/* quant_test.c: networks of bytes against the networks of floats they were made
 * of: within a bound that is computed from the weights and the ranges, layer by
 * layer; the same bits on every instruction set, in batches and with threads;
 * and what it costs a trained network in accuracy. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "nn/pass.h"
#include "nn/quant.h"
#include "nn_cpus.h"
#include "test_env.h"

#define ROWS_MAX  900
#define WIDTH_MAX 70

static float random_float(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) * 0x1p-23f - 1.0f;
}

static float *filled(uint32_t *seed, size_t n, float range) {
    float *x = malloc(n * sizeof *x + 1);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        x[i] = range * random_float(seed);
    }
    return x;
}

static midge_net *make(struct test_env *t, uint32_t n_layers,
                       const uint32_t *sizes, midge_activation hidden,
                       midge_activation output) {
    midge_net_options o = {.n_layers = n_layers,
                           .sizes = sizes,
                           .hidden = hidden,
                           .output = output,
                           .seed = 5};
    midge_net *net;
    assert_int_equal(midge_net_new(&t->env, &o, &net, NULL), MIDGE_OK);
    return net;
}

static midge_net_int8 *quantised(const midge_net *net, size_t n_rows,
                                 const float *x, float tail) {
    midge_net_int8 *out;
    midge_error err = {.status = MIDGE_OK};
    assert_int_equal(midge_net_quantise(net, n_rows, x, tail, &out, &err),
                     MIDGE_OK);
    return out;
}

static void run(const midge_net_int8 *net, size_t n_rows, const float *x,
                float *y) {
    const size_t bytes = midge_net_int8_workspace_bytes(net, n_rows);
    void *workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_int_equal(midge_net_int8_run(net, n_rows, x, y, workspace),
                     MIDGE_OK);
    free(workspace);
}

static void run_floats(const midge_net *net, size_t n_rows, const float *x,
                       float *y) {
    void *workspace =
        aligned_alloc(64, midge_net_workspace_bytes(net, n_rows) + 64);
    assert_int_equal(midge_net_run(net, n_rows, x, y, workspace), MIDGE_OK);
    free(workspace);
}

/* ---- The bound. ----------------------------------------------------------
 * e_i is how far input i of a layer may be off, x_i its value in the network of
 * floats. Quantising adds s / 2, where x_i is in the range; cutting off brings
 * an input that is outside nearer to x_i, which is inside. So the sum of unit j
 * errs by sum (e_i + s / 2) |q_ij| t_j + t_j / 2 sum |x_i|, and its output by
 * that times the largest slope. Rounding of floats: n + 4 of 2^-24 each of the
 * sum of sizes, in both networks. */
struct row {
    double x[WIDTH_MAX], error[WIDTH_MAX];
};

static void bound_layer(const midge_net *net, const midge_net_int8 *small,
                        uint32_t layer, double slope, const struct row *in,
                        struct row *out) {
    const mdg_layer *l = &net->layers[layer];
    const mdg_layer_int8 *q = &small->layers[layer];
    const double s = (double)q->step;
    for (size_t j = 0; j < l->n_out; j++) {
        const double t = (double)q->weight_step[j];
        double error = 0.0, size = fabs((double)q->bias[j]);
        for (size_t i = 0; i < l->n_in; i++) {
            const double w = t * q->weights[mdg_gemm_i8_at(l->n_in, i, j)];
            const double true_w = (double)net->weights[l->w + i * l->n_out + j];
            assert_true(fabs(w - true_w) <= t * (0.5 + 1e-5));
            error +=
                (in->error[i] + 0.5 * s) * fabs(w) + 0.5 * t * fabs(in->x[i]);
            size += fabs(in->x[i] * true_w);
        }
        error += 2.0 * (double)(l->n_in + 4) * 0x1p-24 * (size + error);
        out->error[j] = slope * error * (1.0 + 1e-4) + 1e-6;
    }
}

static void is_within_the_bound(midge_activation hidden, double slope,
                                midge_activation output, double last_slope,
                                const uint32_t *sizes, uint32_t seed) {
    enum { ROWS = 130 };
    struct test_env t;
    test_env_init(&t);
    midge_net *net = make(&t, 3, sizes, hidden, output);
    float *x = filled(&seed, (size_t)ROWS * sizes[0], 2.0f);
    float *want = filled(&seed, (size_t)ROWS * sizes[3], 1.0f);
    float *got = filled(&seed, (size_t)ROWS * sizes[3], 1.0f);
    midge_net_int8 *small = quantised(net, ROWS, x, 0.0f);
    run_floats(net, ROWS, x, want);
    run(small, ROWS, x, got);
    double furthest = 0.0;
    for (size_t r = 0; r < ROWS; r++) {
        struct row a = {.error = {0}}, b = {.error = {0}};
        for (size_t i = 0; i < sizes[0]; i++) {
            a.x[i] = (double)x[r * sizes[0] + i];
        }
        for (uint32_t l = 0; l < 3; l++) {
            float values[WIDTH_MAX], from[WIDTH_MAX];
            for (size_t i = 0; i < sizes[l]; i++) {
                from[i] = (float)a.x[i];
            }
            mdg_layer_forward(net, l, 1, from, sizes[l], values, sizes[l + 1],
                              NULL);
            bound_layer(net, small, l, l < 2 ? slope : last_slope, &a, &b);
            a = b;
            for (size_t j = 0; j < sizes[l + 1]; j++) {
                a.x[j] = (double)values[j];
            }
        }
        for (size_t j = 0; j < sizes[3]; j++) {
            const double off = fabs((double)got[r * sizes[3] + j] -
                                    (double)want[r * sizes[3] + j]);
            assert_true(off <= a.error[j]);
            furthest = off > furthest ? off : furthest;
        }
    }
    assert_true(furthest > 0.0); /* it is another network */
    free(x);
    free(want);
    free(got);
    midge_net_int8_free(small);
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
}

static void errors_are_within_the_bound(void **state) {
    const uint32_t sizes[] = {20, 33, 16, 5};
    const uint32_t odd[] = {7, 70, 1, 3};
    for (uint32_t seed = 1; seed < 6; seed++) {
        is_within_the_bound(MIDGE_ACT_RELU, 1.0, MIDGE_ACT_LINEAR, 1.0, sizes,
                            seed);
        is_within_the_bound(MIDGE_ACT_TANH, 1.0, MIDGE_ACT_LINEAR, 1.0, odd,
                            seed);
        is_within_the_bound(MIDGE_ACT_SIGMOID, 0.25, MIDGE_ACT_TANH, 1.0, sizes,
                            seed);
    }
}

/* ---- Equal bits. --------------------------------------------------------- */

static void cut_in_reverse(void *ctx, size_t count, size_t grain,
                           midge_range_fn body, void *arg) {
    size_t *shares = ctx;
    for (size_t end = count; end > 0;) {
        const size_t share = (end - 1) % grain + 1;
        body(arg, end - share, end, (unsigned)(*shares % 3));
        end -= share;
        ++*shares;
    }
}

static midge_net_int8 *trained_shape(struct test_env *t, const float *x) {
    const uint32_t sizes[] = {37, 130, 19, 6};
    midge_net *net = make(t, 3, sizes, MIDGE_ACT_GELU, MIDGE_ACT_SOFTMAX);
    assert_int_equal(
        midge_net_set_activation(net, 1, 3, MIDGE_ACT_ELLIOT, 0.5f, NULL),
        MIDGE_OK); /* a layer of three runs */
    midge_net_int8 *small = quantised(net, ROWS_MAX / 2, x, 0.01f);
    midge_net_free(net);
    return small;
}

static void bits_are_the_same_everywhere(void **state) {
    uint32_t bits[CPUS_MAX], seed = 7;
    const size_t n = nn_cpus(bits);
    float *x = filled(&seed, (size_t)ROWS_MAX * 37, 1.0f);
    float *y = filled(&seed, (size_t)ROWS_MAX * 6, 1.0f);
    float *want = filled(&seed, (size_t)ROWS_MAX * 6, 1.0f);
    size_t shares = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        struct test_env t;
        test_env_init(&t);
        t.env.cpu = bits[i / 2];
        if (i % 2 == 1) {
            t.env.parallel_fn = cut_in_reverse;
            t.env.parallel_ctx = &shares;
            t.env.workers = 3;
        }
        midge_net_int8 *small = trained_shape(&t, x);
        run(small, ROWS_MAX, x, y);
        /* What gcc gives with scalar code. */
        assert_int_equal(mdg_crc32c(0, y, ROWS_MAX * 6 * sizeof *y),
                         0xe0e0b7bcu);
        for (size_t r = 0; r < ROWS_MAX; r += 13) {
            run(small, 1, x + r * 37, want);
            assert_memory_equal(want, y + r * 6, 6 * sizeof *y);
        }
        midge_net_int8_free(small);
        assert_int_equal(t.held_bytes, 0);
    }
    assert_true(shares >= 2 * n);
    free(x);
    free(y);
    free(want);
}

/* ---- Ranges. ------------------------------------------------------------- */

static void ranges_are_quantiles(void **state) {
    struct test_env t;
    test_env_init(&t);
    const uint32_t sizes[] = {1, 1};
    midge_net *net = make(&t, 1, sizes, MIDGE_ACT_LINEAR, MIDGE_ACT_LINEAR);
    float x[101];
    for (int i = 0; i <= 100; i++) {
        x[(i * 37) % 101] = (float)(i - 20);
    }
    midge_net_int8 *small = quantised(net, 101, x, 0.0f);
    assert_true(small->layers[0].step == (float)(100.0 / 255.0));
    assert_int_equal(small->layers[0].zero, 51); /* 20 / 100 of 255 */
    midge_net_int8_free(small);
    small = quantised(net, 101, x, 0.1f); /* -10 to 70 */
    assert_true(small->layers[0].step == (float)(80.0 / 255.0));
    assert_int_equal(small->layers[0].zero, 32);
    midge_net_int8_free(small);
    small = quantised(net, 101, x, 0.3f); /* 10 to 50: 0 belongs to it */
    assert_true(small->layers[0].step == (float)(50.0 / 255.0));
    assert_int_equal(small->layers[0].zero, 0);
    midge_net_int8_free(small);
    for (int i = 0; i <= 100; i++) {
        x[i] = -0.0f;
    }
    small = quantised(net, 101, x, 0.0f); /* nothing to see */
    float y;
    run(small, 1, x, &y);
    assert_true(y == net->weights[1]);
    midge_net_int8_free(small);
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
}

/* Weights of 0, and next to nothing, and of every size: 0 stays 0. */
static void weights_of_any_size(void **state) {
    struct test_env t;
    test_env_init(&t);
    const uint32_t sizes[] = {3, 4};
    midge_net *net = make(&t, 1, sizes, MIDGE_ACT_LINEAR, MIDGE_ACT_LINEAR);
    const float w[16] = {0, 0x1p-149f, 1e30f, 1, 0, 0, -3e37f, 0,
                         0, -1e-38f,   0,     2, 5, 6, 7,      8};
    const float x[3] = {1.0f, -1.0f, 0.5f};
    float y[4];
    assert_int_equal(midge_net_set_weights(net, w, 16), MIDGE_OK);
    midge_net_int8 *small = quantised(net, 1, x, 0.0f);
    run(small, 1, x, y);
    assert_true(y[0] == 5.0f && y[1] == 6.0f);
    assert_true(fabs((double)y[2] - 3e37) < 3e35);
    assert_true(fabs((double)y[3] - 10.0) < 0.05);
    midge_net_int8_free(small);
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
}

/* ---- A trained network. -------------------------------------------------- */

/* Three rings that a line does not part. */
static void rings(uint32_t *seed, size_t n, float *x, float *t) {
    for (size_t i = 0; i < n; i++) {
        const size_t ring = i % 3;
        const double angle = 3.14159265 * (double)random_float(seed);
        const double radius =
            1.0 + (double)ring + 0.2 * (double)random_float(seed);
        x[2 * i] = (float)(radius * cos(angle));
        x[2 * i + 1] = (float)(radius * sin(angle));
        for (size_t c = 0; c < 3; c++) {
            t[3 * i + c] = c == ring ? 1.0f : 0.0f;
        }
    }
}

static size_t right(size_t n, const float *y, const float *t) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++, y += 3, t += 3) {
        const size_t best = y[0] >= y[1] && y[0] >= y[2] ? 0
                            : y[1] >= y[2]               ? 1
                                                         : 2;
        count += t[best] == 1.0f;
    }
    return count;
}

static void a_trained_network_stays_right(void **state) {
    enum { N = 300 };
    struct test_env t;
    test_env_init(&t);
    const uint32_t sizes[] = {2, 24, 16, 3};
    uint32_t seed = 3;
    float *x = filled(&seed, (size_t)4 * N, 1.0f), *held_out = x + 2 * N;
    float *targets = filled(&seed, (size_t)6 * N, 1.0f);
    float *y = filled(&seed, (size_t)3 * N, 1.0f);
    rings(&seed, (size_t)2 * N, x, targets);
    midge_net *net = make(&t, 3, sizes, MIDGE_ACT_RELU, MIDGE_ACT_SOFTMAX);
    midge_train_options o = midge_train_defaults(MIDGE_TRAIN_ADAM);
    o.loss = MIDGE_LOSS_CROSS_ENTROPY;
    o.learning_rate = 0.01f;
    o.max_epochs = 60;
    const midge_net_data data = {N, x, targets};
    assert_int_equal(midge_net_train(net, &data, NULL, &o, NULL, NULL),
                     MIDGE_OK);
    run_floats(net, N, held_out, y);
    const size_t floats = right(N, y, targets + 3 * N);
    midge_net_int8 *small = quantised(net, N, x, 0.0f);
    run(small, N, held_out, y);
    const size_t bytes = right(N, y, targets + 3 * N);
    print_message("%zu of %d right, as bytes %zu\n", floats, N, bytes);
    assert_true(floats >= N * 95 / 100);
    assert_true(bytes + N / 100 >= floats);
    midge_net_int8_free(small);
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
    free(x);
    free(targets);
    free(y);
}

/* ---- Refusals. ----------------------------------------------------------- */

static void what_cannot_be_quantised_is_refused(void **state) {
    struct test_env t;
    test_env_init(&t);
    const uint32_t sizes[] = {2, 2, 1};
    midge_net *net = make(&t, 2, sizes, MIDGE_ACT_RELU, MIDGE_ACT_LINEAR);
    midge_net_int8 *out = (void *)net;
    float x[2] = {1, 2};
    assert_int_equal(midge_net_quantise(NULL, 1, x, 0, &out, NULL),
                     MIDGE_E_INVALID);
    assert_null(out);
    assert_int_equal(midge_net_quantise(net, 0, x, 0, &out, NULL),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_net_quantise(net, 1, x, 0.5f, &out, NULL),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_net_quantise(net, 1, x, -0.1f, &out, NULL),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_net_quantise(net, 1, x, NAN, &out, NULL),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_net_quantise(net, 1, x, 0, NULL, NULL),
                     MIDGE_E_INVALID);
    x[1] = INFINITY;
    assert_int_equal(midge_net_quantise(net, 1, x, 0, &out, NULL),
                     MIDGE_E_INVALID);
    /* Too large for floats in the hidden layer. */
    const float large[9] = {FLT_MAX, 0, FLT_MAX, 0, 0, 0, 1, 1, 0};
    x[1] = 2;
    assert_int_equal(midge_net_set_weights(net, large, 9), MIDGE_OK);
    assert_int_equal(midge_net_quantise(net, 1, x, 0, &out, NULL),
                     MIDGE_E_INVALID);
    assert_null(out);
    midge_net_free(net);
    midge_net_options o = {.n_layers = 2, .sizes = sizes, .shortcut = 1};
    assert_int_equal(midge_net_new(&t.env, &o, &net, NULL), MIDGE_OK);
    assert_int_equal(midge_net_quantise(net, 1, x, 0, &out, NULL),
                     MIDGE_E_UNSUPPORTED);
    midge_net_free(net);
    assert_int_equal(midge_net_int8_run(NULL, 1, x, x, x), MIDGE_E_INVALID);
    assert_int_equal(midge_net_int8_workspace_bytes(NULL, 1), 0);
    midge_net_int8_free(NULL);
    assert_int_equal(t.held_bytes, 0);
}

static void every_allocation_may_fail(void **state) {
    struct test_env t;
    test_env_init(&t);
    const uint32_t sizes[] = {2, 3, 4, 1};
    midge_net *net = make(&t, 3, sizes, MIDGE_ACT_RELU, MIDGE_ACT_LINEAR);
    const float x[4] = {1, 2, -1, 0};
    const long base = t.calls;
    const size_t held = t.held_bytes;
    long fail_at = 0;
    do {
        midge_net_int8 *out;
        midge_error err = {.status = MIDGE_OK};
        fail_at++;
        t.calls = base;
        t.fail_at = base + fail_at;
        midge_status s = midge_net_quantise(net, 2, x, 0, &out, &err);
        assert_int_equal(s, t.calls < t.fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        assert_int_equal(err.status, s);
        midge_net_int8_free(out);
        assert_int_equal(t.held_bytes, held);
    } while (t.calls >= t.fail_at);
    assert_true(fail_at > 3);
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_within_the_bound),
        cmocka_unit_test(bits_are_the_same_everywhere),
        cmocka_unit_test(ranges_are_quantiles),
        cmocka_unit_test(weights_of_any_size),
        cmocka_unit_test(a_trained_network_stays_right),
        cmocka_unit_test(what_cannot_be_quantised_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
