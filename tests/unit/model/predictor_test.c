/* predictor_test.c: models of every family learn, and what they promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../kernels/variants.h"
#include "model/predictor.h"
#include "model_fixture.h"

static struct moons moons;

static double accuracy(const midge_model *model, const midge_net_data *data) {
    static float y[MOONS * 2];
    size_t hits = 0;
    assert_int_equal(midge_model_predict(model, data->n_rows, data->x, y, NULL),
                     MIDGE_OK);
    for (size_t r = 0; r < data->n_rows; r++) {
        assert_true(y[2 * r] >= 0 && y[2 * r + 1] >= 0);
        assert_true(fabsf(y[2 * r] + y[2 * r + 1] - 1) < 1e-6f);
        hits += (y[2 * r] > y[2 * r + 1]) == (data->t[2 * r] > 0.5f);
    }
    return (double)hits / (double)data->n_rows;
}

static void they_learn(void **state) {
    /* Angles alone (family 2) say little about circles. */
    static const double least[2][FAMILIES] = {
        {0.97, 0.97, 0.8, 0.97, 0.97, 0.97},
        {0.97, 0.97, 0.4, 0.97, 0.97, 0.97}};
    for (int circles = 0; circles < 2; circles++) {
        make_moons(&moons, circles, 1);
        for (int family = 0; family < FAMILIES; family++) {
            struct test_env t;
            test_env_init(&t);
            midge_model *model;
            assert_int_equal(fit_family(&t.env, &moons, family, &model),
                             MIDGE_OK);
            double score = accuracy(model, &moons.test);
            if (score < least[circles][family]) {
                fail_msg("family %d, circles %d: %g", family, circles, score);
            }
            assert_int_equal(midge_model_n_inputs(model), 2);
            assert_int_equal(midge_model_n_outputs(model), 2);
            assert_int_equal(midge_model_problem(model),
                             MIDGE_PROBLEM_CLASSIFY);
            midge_model_free(model);
            assert_int_equal(t.held_bytes, 0);
        }
    }
}

/* y = sin 3a + b / 2, standardised enough. */
static void they_learn_numbers(void **state) {
    enum { N = 600 };
    static float x[N * 2], y[N], out[N];
    mdg_rng rng;
    mdg_rng_seed(&rng, 6);
    for (int i = 0; i < N; i++) {
        x[2 * i] = 2 * mdg_rng_float(&rng) - 1;
        x[2 * i + 1] = 2 * mdg_rng_float(&rng) - 1;
        y[i] = (float)sin(3 * (double)x[2 * i]) + 0.5f * x[2 * i + 1];
    }
    struct test_env t;
    test_env_init(&t);
    midge_net_data data = {N / 2, x, y};
    midge_knn_options knn = {4, 0, 1};
    midge_features_options features = {150, 1.0f, 1e-5f, 2};
    midge_model *models[2];
    assert_int_equal(midge_model_fit_knn(&t.env, MIDGE_PROBLEM_REGRESS, 2, 1,
                                         &data, &knn, &models[0], NULL),
                     MIDGE_OK);
    assert_int_equal(midge_model_fit_features(&t.env, MIDGE_PROBLEM_REGRESS, 2,
                                              1, &data, &features, &models[1],
                                              NULL),
                     MIDGE_OK);
    for (int i = 0; i < 2; i++) {
        double error = 0;
        assert_int_equal(
            midge_model_predict(models[i], N / 2, x + N, out, NULL), MIDGE_OK);
        for (int r = 0; r < N / 2; r++) {
            error += pow((double)(out[r] - y[N / 2 + r]), 2) / (N / 2);
        }
        assert_true(error < (i == 0 ? 0.02 : 0.001));
        midge_model_free(models[i]);
    }
    assert_int_equal(t.held_bytes, 0);
}

/* Votes worked out by hand; duplicates and ties included. */
static void how_neighbours_vote(void **state) {
    static const float x[] = {0, 1, 3, 3, 100};
    static const float y[] = {10, 20, 30, 50, 7};
    struct test_env t;
    test_env_init(&t);
    midge_net_data data = {5, x, y};
    midge_model *model;
    float out;
    for (int weighted = 0; weighted < 2; weighted++) {
        midge_knn_options o = {3, 0, weighted};
        assert_int_equal(midge_model_fit_knn(&t.env, MIDGE_PROBLEM_REGRESS, 1,
                                             1, &data, &o, &model, NULL),
                         MIDGE_OK);
        float q = 2; /* distances 1, 1, 1: rows 1, 2, 3 */
        assert_int_equal(midge_model_predict(model, 1, &q, &out, NULL),
                         MIDGE_OK);
        assert_true(fabsf(out - 100.0f / 3) < 1e-4f);
        q = 1; /* 0, 1, 4: rows 1, 0, 2 */
        assert_int_equal(midge_model_predict(model, 1, &q, &out, NULL),
                         MIDGE_OK);
        double w[] = {1 / 0.004, 1 / 1.004, 1 / 4.004};
        double want = weighted ? (w[0] * 20 + w[1] * 10 + w[2] * 30) /
                                     (w[0] + w[1] + w[2])
                               : 20;
        assert_true(fabs((double)out - want) < 1e-3);
        q = 3e38f; /* all distances overflow */
        assert_int_equal(midge_model_predict(model, 1, &q, &out, NULL),
                         MIDGE_OK);
        assert_true(fabsf(out - 20) < 1e-4f);
        midge_model_free(model);
    }
    /* Equal directions, of which rounding makes a cosine above 1. */
    static const float same[] = {0.1f, 0.2f, 0.3f, 0.6f, 0.7f, 1.4f};
    midge_knn_options o = {3, 1, 1};
    data = (midge_net_data){3, same, y};
    assert_int_equal(midge_model_fit_knn(&t.env, MIDGE_PROBLEM_REGRESS, 2, 1,
                                         &data, &o, &model, NULL),
                     MIDGE_OK);
    assert_int_equal(midge_model_predict(model, 1, same + 2, &out, NULL),
                     MIDGE_OK);
    assert_true(out >= 10 && out <= 30);
    midge_model_free(model);
    assert_int_equal(t.held_bytes, 0);
}

static void outputs_become_probabilities(void **state) {
    midge_model model = {.problem = MIDGE_PROBLEM_CLASSIFY, .n_outputs = 3};
    const float nan = __builtin_nanf(""), inf = __builtin_inff();
    float y[] = {1,    2,   1,   -1, -2,    -3,    0,     0,      0, nan, 1,
                 -inf, inf, inf, 1,  3e38f, 3e38f, 3e38f, 1e-45f, 0, 0};
    const float third = 1.0f / 3;
    const float want[] = {0.25f, 0.5f,  0.25f, third, third, third, third,
                          third, third, 0,     1,     0,     0.5f,  0.5f,
                          0,     third, third, third, 1,     0,     0};
    mdg_normalise(&model, 7, y);
    for (int i = 0; i < 21; i++) {
        assert_true(fabsf(y[i] - want[i]) < 1e-6f);
    }
    model.problem = MIDGE_PROBLEM_REGRESS;
    float kept[] = {-1, 5, 2};
    mdg_normalise(&model, 1, kept);
    assert_true(kept[0] == -1 && kept[1] == 5 && kept[2] == 2);
}

/* A net whose outputs are sigmoids gives probabilities too. */
static void a_net_without_softmax(void **state) {
    static const uint32_t sizes[] = {2, 3};
    struct test_env t;
    test_env_init(&t);
    midge_net_options shape = {
        .n_layers = 1, .sizes = sizes, .output = MIDGE_ACT_SIGMOID, .seed = 3};
    midge_net *net;
    midge_model *model;
    assert_int_equal(midge_net_new(&t.env, &shape, &net, NULL), MIDGE_OK);
    assert_int_equal(
        midge_model_from_net_take(&t.env, MIDGE_PROBLEM_CLASSIFY, net, &model),
        MIDGE_OK);
    const float x[] = {0.5f, -2};
    float y[3];
    assert_int_equal(midge_model_predict(model, 1, x, y, NULL), MIDGE_OK);
    assert_true(fabsf(y[0] + y[1] + y[2] - 1) < 1e-6f);
    midge_model_free(model);
    assert_int_equal(t.held_bytes, 0);
}

/* One row as in a batch of more than a block; by any table of kernels. */
static void the_same_bits_in_every_way(void **state) {
    static float want[MOONS * 2], y[MOONS * 2];
    struct variants v = variants_here();
    const uint32_t cpus[] = {0, MIDGE_CPU_V2, MIDGE_CPU_AVX2, MIDGE_CPU_AVX512};
    make_moons(&moons, 0, 2);
    for (int family = 0; family < FAMILIES; family++) {
        for (int i = 0; i < 4; i++) {
            struct test_env t;
            test_env_init(&t);
            t.env.cpu = cpus[i];
            int known = 0;
            for (int j = 0; j < v.count; j++) {
                known |= v.table[j] == mdg_kernels_select(cpus[i]);
            }
            midge_model *model;
            if (!known) {
                continue;
            }
            assert_int_equal(fit_family(&t.env, &moons, family, &model),
                             MIDGE_OK);
            float *all = i == 0 ? want : y;
            assert_int_equal(
                midge_model_predict(model, MOONS, moons.x, all, NULL),
                MIDGE_OK);
            assert_memory_equal(all, want, sizeof want);
            for (size_t r = 0; r < MOONS; r++) {
                assert_int_equal(midge_model_predict(model, 1, moons.x + 2 * r,
                                                     y + 2 * r, NULL),
                                 MIDGE_OK);
            }
            assert_memory_equal(y, want, sizeof want);
            midge_model_free(model);
            assert_int_equal(t.held_bytes, 0);
        }
    }
}

static void what_is_refused(void **state) {
    struct test_env t;
    test_env_init(&t);
    make_moons(&moons, 0, 3);
    midge_error err;
    midge_model *m;
    const float bad[] = {__builtin_nanf(""), __builtin_inff()};
    midge_knn_options knn = {5, 0, 0};
    midge_features_options features = {10, 1, 1e-3f, 1};
    for (int i = 0; i < 2; i++) {
        for (int where = 0; where < 2; where++) {
            float *at = where ? &moons.t[7] : &moons.x[7];
            float kept = *at;
            *at = bad[i];
            assert_int_equal(midge_model_fit_knn(&t.env, 0, 2, 2, &moons.train,
                                                 &knn, &m, &err),
                             MIDGE_E_INVALID);
            assert_null(m);
            assert_non_null(strstr(err.text, "row 3"));
            assert_int_equal(midge_model_fit_features(&t.env, 0, 2, 2,
                                                      &moons.train, &features,
                                                      &m, &err),
                             MIDGE_E_INVALID);
            *at = kept;
        }
    }
    const midge_knn_options ks[] = {{0, 0, 0}, {201, 0, 0}};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(midge_model_fit_knn(&t.env, 0, 2, 2, &moons.train,
                                             &ks[i], &m, &err),
                         MIDGE_E_INVALID);
    }
    const midge_features_options odd[] = {
        {0, 1, 1, 1}, {16385, 1, 1, 1}, {9, 0, 1, 1},      {9, -1, 1, 1},
        {9, 1, 0, 1}, {9, 1, -1, 1},    {9, bad[0], 1, 1}, {9, 1, bad[1], 1},
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_int_equal(midge_model_fit_features(&t.env, 0, 2, 2, &moons.train,
                                                  &odd[i], &m, &err),
                         MIDGE_E_INVALID);
    }
    midge_net_data none = {0, moons.x, moons.t};
    assert_int_equal(
        midge_model_fit_knn(&t.env, 0, 2, 2, &none, &knn, &m, &err),
        MIDGE_E_INVALID);
    float same[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    midge_net_data flat = {4, same, moons.t};
    assert_int_equal(
        midge_model_fit_features(&t.env, 0, 2, 2, &flat, &features, &m, &err),
        MIDGE_E_INVALID);
    assert_int_equal(midge_model_from_net_take(&t.env, 0, NULL, &m),
                     MIDGE_E_INVALID);
    for (int family = 0; family < FAMILIES; family++) {
        float x[] = {0, 1, 2, 3, 4, bad[family % 2]}, y[6];
        assert_int_equal(fit_family(&t.env, &moons, family, &m), MIDGE_OK);
        assert_int_equal(midge_model_predict(m, 3, x, y, &err),
                         MIDGE_E_INVALID);
        assert_non_null(strstr(err.text, "row 2"));
        midge_model_free(m);
    }
    assert_int_equal(t.held_bytes, 0);
}

static void every_allocation_may_fail(void **state) {
    make_moons(&moons, 0, 4);
    for (int family = 0; family < FAMILIES; family++) {
        struct test_env t;
        float y[8];
        long fail_at = 0;
        midge_status s;
        do {
            midge_model *model;
            test_env_init(&t);
            t.fail_at = ++fail_at;
            s = fit_family(&t.env, &moons, family, &model);
            assert_true((s == MIDGE_OK) == (model != NULL));
            if (s == MIDGE_OK) {
                midge_error err = {.text = ""};
                s = midge_model_predict(model, 4, moons.x, y, &err);
                assert_true((s == MIDGE_OK) == (err.text[0] == '\0'));
            }
            assert_int_equal(s, t.calls < fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
            midge_model_free(model);
            assert_int_equal(t.held_bytes, 0);
        } while (s != MIDGE_OK);
        assert_true(fail_at > 4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_learn),
        cmocka_unit_test(they_learn_numbers),
        cmocka_unit_test(how_neighbours_vote),
        cmocka_unit_test(outputs_become_probabilities),
        cmocka_unit_test(a_net_without_softmax),
        cmocka_unit_test(the_same_bits_in_every_way),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
