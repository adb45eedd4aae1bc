/* scaling_test.c: columns brought to a range and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "nn/net.h"
#include "nn_oracle.h"
#include "test_env.h"

#define ROWS   401 /* the quartiles are numbers of it */
#define STRIDE 3

static float table[ROWS * STRIDE];

static void fill(void) {
    uint32_t state = 4;
    for (int i = 0; i < ROWS * STRIDE; i++) {
        table[i] = 1000 + 7 * oracle_random(&state);
    }
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x > y) - (x < y);
}

static void apply_to_column(const midge_scaling *s, float *column) {
    for (int i = 0; i < ROWS; i++) {
        column[i] = table[i * STRIDE + 1];
    }
    midge_scaling_apply(s, 1, ROWS, column);
}

static void moments_of(const float *x, double *mean, double *deviation) {
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < ROWS; i++) {
        sum += (double)x[i] / ROWS;
    }
    for (int i = 0; i < ROWS; i++) {
        squares += ((double)x[i] - sum) * ((double)x[i] - sum) / ROWS;
    }
    *mean = sum;
    *deviation = sqrt(squares);
}

static void fit(midge_scale kind, float low, float high, float *column) {
    struct test_env t;
    test_env_init(&t);
    midge_scaling s;
    assert_int_equal(
        midge_scaling_fit(&t.env, kind, low, high, table + 1, STRIDE, ROWS, &s),
        MIDGE_OK);
    apply_to_column(&s, column);
    assert_int_equal(t.held_bytes, 0);
}

static void every_kind_does_what_it_says(void **state) {
    float x[ROWS];
    double mean;
    double deviation;
    fill();
    fit(MIDGE_SCALE_STANDARD, 0, 0, x);
    moments_of(x, &mean, &deviation);
    assert_true(fabs(mean) < 1e-4 && fabs(deviation - 1) < 1e-5);
    fit(MIDGE_SCALE_FANN, -3, 5, x);
    moments_of(x, &mean, &deviation);
    assert_true(fabs(mean - 1) < 1e-3 && fabs(deviation - 4) < 1e-4);
    fit(MIDGE_SCALE_MIN_MAX, -3, 5, x);
    qsort(x, ROWS, sizeof *x, ascending);
    assert_true(fabsf(x[0] + 3) < 1e-4f && fabsf(x[ROWS - 1] - 5) < 1e-4f);
    fit(MIDGE_SCALE_ROBUST, 0, 0, x);
    qsort(x, ROWS, sizeof *x, ascending);
    assert_true(fabsf(x[ROWS / 2]) < 1e-5f);
    float apart = x[ROWS - 1 - ROWS / 4] - x[ROWS / 4];
    assert_true(fabsf(apart - 1.349f) < 1e-4f);
    fit(MIDGE_SCALE_NONE, 0, 0, x);
    for (int i = 0; i < ROWS; i++) {
        assert_true(fabsf(x[i] - table[i * STRIDE + 1]) < 1e-3f);
    }
}

static void undoing_comes_back(void **state) {
    struct test_env t;
    test_env_init(&t);
    fill();
    for (int kind = 0; kind <= MIDGE_SCALE_FANN; kind++) {
        midge_scaling s[STRIDE];
        static float copy[ROWS * STRIDE];
        memcpy(copy, table, sizeof copy);
        for (int c = 0; c < STRIDE; c++) {
            assert_int_equal(midge_scaling_fit(&t.env, (midge_scale)kind, -1, 2,
                                               table + c, STRIDE, ROWS, &s[c]),
                             MIDGE_OK);
        }
        midge_scaling_apply(s, STRIDE, ROWS, copy);
        midge_scaling_undo(s, STRIDE, ROWS, copy);
        for (int i = 0; i < ROWS * STRIDE; i++) {
            assert_true(fabsf(copy[i] - table[i]) < 1e-3f);
        }
        midge_scaling_apply(NULL, STRIDE, ROWS, copy);
        midge_scaling_undo(NULL, STRIDE, ROWS, copy);
    }
}

static void a_column_that_does_not_vary(void **state) {
    static const float same[] = {5, 5, 5, 5};
    struct test_env t;
    test_env_init(&t);
    for (int kind = 0; kind <= MIDGE_SCALE_FANN; kind++) {
        midge_scaling s;
        float x[] = {5, 6};
        assert_int_equal(
            midge_scaling_fit(&t.env, (midge_scale)kind, -1, 1, same, 1, 4, &s),
            MIDGE_OK);
        assert_true(s.deviation == 1);
        midge_scaling_apply(&s, 1, 2, x);
        assert_true(x[0] == (kind == MIDGE_SCALE_NONE ? 5 : 0));
        assert_true(x[1] == x[0] + 1);
    }
}

static void refused(midge_scale kind, float low, float high,
                    const float *column, size_t stride, size_t n) {
    struct test_env t;
    test_env_init(&t);
    midge_scaling s;
    assert_int_equal(
        midge_scaling_fit(&t.env, kind, low, high, column, stride, n, &s),
        MIDGE_E_INVALID);
    assert_int_equal(t.held_bytes, 0);
}

static void what_makes_no_sense_is_refused(void **state) {
    static const float x[] = {1, 2, 3, INFINITY};
    static const float far[] = {-3e38f, 3e38f};
    refused(MIDGE_SCALE_STANDARD, 0, 0, x, 1, 4);
    refused(MIDGE_SCALE_STANDARD, 0, 0, NULL, 1, 4);
    refused(MIDGE_SCALE_STANDARD, 0, 0, x, 0, 3);
    refused(MIDGE_SCALE_STANDARD, 0, 0, x, 1, 0);
    refused(MIDGE_SCALE_MIN_MAX, 1, 1, x, 1, 3);
    refused(MIDGE_SCALE_MIN_MAX, 1, NAN, x, 1, 3);
    refused(MIDGE_SCALE_FANN, 0, INFINITY, x, 1, 3);
    refused((midge_scale)5, 0, 1, x, 1, 3);
    struct test_env t;
    test_env_init(&t);
    midge_scaling s;
    assert_int_equal(
        midge_scaling_fit(&t.env, MIDGE_SCALE_MIN_MAX, 0, 1, far, 1, 2, &s),
        MIDGE_OK); /* no overflow on the way */
    t.fail_at = t.calls + 1;
    assert_int_equal(
        midge_scaling_fit(&t.env, MIDGE_SCALE_ROBUST, 0, 1, x, 1, 3, &s),
        MIDGE_E_NOMEM);
}

static void networks_keep_good_scaling(void **state) {
    static const uint32_t sizes[] = {2, 1};
    static const midge_scaling bad[] = {
        {NAN, 1, 0, 1}, {0, 0, 0, 1}, {0, 1, INFINITY, 1}, {0, 1, 0, 0}};
    struct test_env t;
    test_env_init(&t);
    midge_net *net;
    midge_net_options o = {.n_layers = 1, .sizes = sizes};
    assert_int_equal(midge_net_new(&t.env, &o, &net, NULL), MIDGE_OK);
    assert_null(midge_net_input_scaling(net));
    midge_scaling in[] = {{1, 2, 3, 4}, {5, 6, 7, 8}};
    assert_int_equal(midge_net_set_scaling(net, in, NULL), MIDGE_OK);
    in[0].mean = 9;
    assert_int_equal(midge_net_input_scaling(net)[0].mean, 1);
    assert_null(midge_net_output_scaling(net));
    for (int i = 0; i < 4; i++) {
        in[1] = bad[i];
        assert_int_equal(midge_net_set_scaling(net, in, NULL), MIDGE_E_INVALID);
        assert_int_equal(midge_net_set_scaling(net, NULL, &bad[i]),
                         MIDGE_E_INVALID);
    }
    assert_int_equal(midge_net_input_scaling(net)[1].mean, 5);
    assert_int_equal(midge_net_set_scaling(net, NULL, NULL), MIDGE_OK);
    assert_null(midge_net_input_scaling(net));
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_does_what_it_says),
        cmocka_unit_test(undoing_comes_back),
        cmocka_unit_test(a_column_that_does_not_vary),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(networks_keep_good_scaling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
