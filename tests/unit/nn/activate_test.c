/* activate_test.c: activations and their derivatives against the formulas in
 * double, in every layout, with every table; their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "nn/net.h"
#include "nn_cpus.h"
#include "nn_oracle.h"

#define N 700 /* more than two chunks */

static const float steepnesses[] = {0.25f, 0.5f, 1.0f, 1.75f};

static float points[N];

static void fill_points(void) {
    uint32_t state = 3;
    for (int i = 0; i < N; i++) {
        points[i] = (i % 3 == 0 ? 30.0f : 2.5f) * oracle_random(&state);
    }
    points[0] = 0;
    points[1] = -0.0f;
    points[2] = 1e-20f;
    points[3] = -1e-20f;
    points[4] = 1e30f;
    points[5] = -1e30f;
}

static int near(double got, double wanted) {
    return fabs(got - wanted) <= 1e-6 * fabs(wanted) + 4e-7;
}

static void values_are_those_of_the_formulas(void **state) {
    const mdg_kernels *k = mdg_kernels_select(0);
    fill_points();
    for (int f = 0; f < MIDGE_ACT_SOFTMAX; f++) {
        for (int s = 0; s < 4; s++) {
            float y[N];
            memcpy(y, points, sizeof y);
            mdg_activate(k, (midge_activation)f, steepnesses[s], 1, N, N, y);
            for (int i = 0; i < N; i++) {
                float v = steepnesses[s] * points[i];
                double wanted = oracle_f((midge_activation)f, (double)v);
                if (!near((double)y[i], wanted)) {
                    fail_msg("%s(%g) is %g, not %g",
                             midge_activation_name((midge_activation)f),
                             (double)v, (double)y[i], wanted);
                }
            }
        }
    }
}

/* Away from kinks and steps, where the difference quotient is no derivative. */
static double true_slope(midge_activation f, double x, double s) {
    const double h = 1e-5;
    return (oracle_f(f, s * (x + h)) - oracle_f(f, s * (x - h))) / (2 * h);
}

/* FANN's formulas, from y and v as it has them. */
static double fann_slope(midge_activation f, double v, double y, double s) {
    switch (f) {
    case MIDGE_ACT_SIGMOID:
    case MIDGE_ACT_SIGMOID_STEPWISE:
        y = fmin(.99, fmax(.01, y));
        return 2 * s * y * (1 - y);
    case MIDGE_ACT_SIGMOID_SYMMETRIC:
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
        y = fmin(.98, fmax(-.98, y));
        return s * (1 - y * y);
    case MIDGE_ACT_LINEAR:
    case MIDGE_ACT_LINEAR_PIECE:
    case MIDGE_ACT_LINEAR_PIECE_SYMMETRIC:
        return s;
    case MIDGE_ACT_GAUSSIAN:
        return -2 * v * y * s * s;
    case MIDGE_ACT_GAUSSIAN_SYMMETRIC:
        return -2 * v * (y + 1) * s * s;
    case MIDGE_ACT_ELLIOT:
        return s / (2 * (1 + fabs(v)) * (1 + fabs(v)));
    case MIDGE_ACT_ELLIOT_SYMMETRIC:
        return s / ((1 + fabs(v)) * (1 + fabs(v)));
    case MIDGE_ACT_SIN_SYMMETRIC:
        return s * cos(s * v);
    case MIDGE_ACT_COS_SYMMETRIC:
        return -s * sin(s * v);
    case MIDGE_ACT_SIN:
        return s * cos(s * v) / 2;
    case MIDGE_ACT_COS:
        return -s * sin(s * v) / 2;
    default: /* not FANN's: the true one */
        return true_slope(f, v / s, s);
    }
}

static void check_slopes(midge_activation f, float s, int fann) {
    const mdg_kernels *k = mdg_kernels_select(0);
    float x[N];
    float y[N];
    float g[N];
    uint32_t random = 8;
    for (int i = 0; i < N; i++) {
        x[i] = 3.0f * oracle_random(&random);
        y[i] = x[i];
        g[i] = 0.5f;
    }
    mdg_activate(k, f, s, 1, N, N, y);
    mdg_activate_back(k, f, s, fann, 1, N, N, y, x, g);
    int wrong = 0;
    for (int i = 0; i < N; i++) {
        double v = (double)s * (double)x[i];
        double wanted = fann ? fann_slope(f, v, oracle_f(f, v), (double)s)
                             : true_slope(f, (double)x[i], (double)s);
        wrong += fabs(2 * (double)g[i] - wanted) > 3e-6;
    }
    if (wrong > 1) { /* one may lie on a kink */
        fail_msg("%s, steepness %g, fann %d: %d slopes are wrong",
                 midge_activation_name(f), (double)s, fann, wrong);
    }
}

static void slopes_are_those_of_the_formulas(void **state) {
    for (int f = 0; f < MIDGE_ACT_SOFTMAX; f++) {
        for (int s = 0; s < 4; s++) {
            check_slopes((midge_activation)f, steepnesses[s], 0);
            if (mdg_activation_trainable((midge_activation)f) &&
                f != MIDGE_ACT_GAUSSIAN_STEPWISE) {
                check_slopes((midge_activation)f, steepnesses[s], 1);
            }
        }
    }
}

/* (rows, count) at `stride` and on every table gives the bits of one run on the
 * scalar table, and nothing between the columns is touched. */
static void check_layout(const mdg_kernels *k, midge_activation f, float s,
                         size_t rows, size_t count, size_t stride) {
    const mdg_kernels *scalar = mdg_kernels_select(0);
    float dense[3][N];
    float y[N];
    float g[N];
    float x[N];
    for (size_t i = 0; i < N; i++) {
        x[i] = y[i] = g[i] = points[i];
    }
    for (size_t i = 0; i < rows * count; i++) {
        dense[0][i] = dense[1][i] = dense[2][i] =
            points[i / count * stride + i % count];
    }
    mdg_activate(scalar, f, s, 1, rows * count, rows * count, dense[1]);
    mdg_activate(k, f, s, rows, count, stride, y);
    for (int fann = 0; fann < 2; fann++) {
        mdg_activate_back(scalar, f, s, fann, 1, rows * count, rows * count,
                          dense[1], dense[0], dense[2]);
        mdg_activate_back(k, f, s, fann, rows, count, stride, y, x, g);
    }
    for (size_t i = 0; i < rows * stride; i++) {
        size_t j = i / stride * count + i % stride;
        int inside = i % stride < count;
        if (y[i] != (inside ? dense[1][j] : points[i]) ||
            (g[i] != (inside ? dense[2][j] : points[i]) && g[i] == g[i])) {
            fail_msg("%s on %s, (%zu, %zu) by %zu: other bits",
                     midge_activation_name(f), k->isa, rows, count, stride);
        }
    }
}

static void layouts_and_tables_change_no_bit(void **state) {
    static const size_t shapes[][3] = {{1, 7, 7},    {5, 3, 9},   {70, 1, 10},
                                       {600, 1, 1},  {2, 90, 95}, {3, 200, 201},
                                       {25, 20, 20}, {23, 30, 30}};
    uint32_t bits[CPUS_MAX];
    size_t n = nn_cpus(bits);
    fill_points();
    for (int f = 0; f < MIDGE_ACT_SOFTMAX; f++) {
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            for (size_t c = 0; c < n; c++) {
                check_layout(mdg_kernels_select(bits[c]), (midge_activation)f,
                             steepnesses[i % 4], shapes[i][0], shapes[i][1],
                             shapes[i][2]);
            }
        }
    }
}

static void names_are_found(void **state) {
    for (int f = 0; f < MIDGE_ACT_COUNT; f++) {
        const char *name = midge_activation_name((midge_activation)f);
        assert_non_null(name);
        assert_int_equal(midge_activation_find(name), f);
    }
    for (int i = 0; i < MIDGE_TRAIN_COUNT; i++) {
        assert_int_equal(
            midge_trainer_find(midge_trainer_name((midge_trainer)i)), i);
    }
    for (int i = 0; i < MIDGE_LOSS_COUNT; i++) {
        assert_int_equal(midge_loss_find(midge_loss_name((midge_loss)i)), i);
    }
    assert_int_equal(midge_activation_find("FANN_SIGMOID_SYMMETRIC_STEPWISE"),
                     MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE);
    assert_int_equal(midge_activation_find("fann_cos"), MIDGE_ACT_COS);
    assert_int_equal(midge_activation_find("sigmoid_symmetric"),
                     MIDGE_ACT_TANH);
    assert_int_equal(midge_activation_find("ReLU"), MIDGE_ACT_RELU);
    assert_int_equal(midge_loss_find("Cross_Entropy"),
                     MIDGE_LOSS_CROSS_ENTROPY);
    static const char *const none[] = {"",      "fann", "fann_",
                                       "relus", "rel",  "fann_fann_sin"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(midge_activation_find(none[i]), -1);
    }
    assert_int_equal(midge_activation_find(NULL), -1);
    assert_int_equal(midge_trainer_find("adams"), -1);
    assert_null(midge_activation_name((midge_activation)MIDGE_ACT_COUNT));
    assert_null(midge_activation_name((midge_activation)-1));
    assert_null(midge_loss_name((midge_loss)MIDGE_LOSS_COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_formulas),
        cmocka_unit_test(slopes_are_those_of_the_formulas),
        cmocka_unit_test(layouts_and_tables_change_no_bit),
        cmocka_unit_test(names_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
