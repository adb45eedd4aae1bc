/* learn_parts_test.c: rows, scores, configurations, selection, folds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ops/learn_config.h"
#include "ops/learn_fit.h"
#include "ops/learn_rows.h"
#include "ops/learn_score.h"
#include "ops/learn_select.h"
#include "ops/learn_text.h"
#include "ops_host.h"
#include "test_env.h"

/* ---- Rows ---------------------------------------------------------------- */

static void make_rows(const midge_env *env, mdg_rows *rows, midge_buf *bytes) {
    uint32_t width[3] = {4, 2, 1};
    assert_int_equal(mdg_rows_init(rows, env, 5, 3, width, NULL), MIDGE_OK);
    for (uint32_t p = 0; p < 3; p++) {
        for (uint32_t i = 0; i < 5 * width[p]; i++) {
            rows->part[p][i] = (float)(p * 100 + i) / 3.0f;
        }
    }
    midge_buf_init(bytes, env, 0);
    assert_int_equal(mdg_rows_write(rows, bytes), MIDGE_OK);
}

static void rows_survive_the_round_trip(void **state) {
    struct test_env t;
    mdg_rows rows;
    mdg_rows again;
    midge_buf bytes;
    (void)state;
    test_env_init(&t);
    make_rows(&t.env, &rows, &bytes);
    assert_int_equal(
        mdg_rows_read(&again, &t.env, bytes.data, bytes.size, NULL), MIDGE_OK);
    assert_int_equal(again.n_rows, 5);
    for (uint32_t p = 0; p < 3; p++) {
        assert_memory_equal(again.part[p], rows.part[p],
                            5 * rows.width[p] * sizeof(float));
    }
    mdg_rows_deinit(&again);
    mdg_rows_deinit(&rows);
    midge_buf_deinit(&bytes);
    assert_int_equal(t.held_bytes, 0);
}

static void damaged_rows_are_refused(void **state) {
    struct test_env t;
    mdg_rows rows;
    mdg_rows again;
    midge_buf bytes;
    (void)state;
    test_env_init(&t);
    make_rows(&t.env, &rows, &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_int_not_equal(
            mdg_rows_read(&again, &t.env, bytes.data, size, NULL), MIDGE_OK);
    }
    for (size_t at = 0; at < bytes.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[at] ^= (char)(1 << bit);
            assert_int_not_equal(
                mdg_rows_read(&again, &t.env, bytes.data, bytes.size, NULL),
                MIDGE_OK);
            bytes.data[at] ^= (char)(1 << bit);
        }
    }
    mdg_rows_deinit(&rows);
    midge_buf_deinit(&bytes);
    assert_int_equal(t.held_bytes, 0);
}

/* ---- Scores -------------------------------------------------------------- */

static void accuracy_and_r2(void **state) {
    const float y[] = {0.9f, 0.1f, 0.4f, 0.6f, 0.5f, 0.5f};
    const float t[] = {1, 0, 1, 0, 1, 0};
    const float yr[] = {1, 2, 3, 5};
    const float tr[] = {1, 2, 3, 4};
    double gain[4];
    (void)state;
    mdg_score_gains(MIDGE_PROBLEM_CLASSIFY, 3, 2, y, t, gain);
    assert_true(gain[0] == 1.0 && gain[1] == 0.0 && gain[2] == 1.0);
    assert_true(fabs(mdg_score_mean(gain, 3) - 2.0 / 3.0) < 1e-12);
    mdg_score_gains(MIDGE_PROBLEM_REGRESS, 4, 1, yr, tr, gain);
    assert_true(fabs(mdg_score_mean(gain, 4) - 0.8) < 1e-12); /* 1 - 1/5 */
    mdg_score_gains(MIDGE_PROBLEM_REGRESS, 4, 1, tr, tr, gain);
    assert_true(fabs(mdg_score_mean(gain, 4) - 1.0) < 1e-12);
}

/* For hits and misses the bootstrap must agree with the normal interval. */
static void bootstrap_agrees_with_theory(void **state) {
    enum { N = 2000 };
    static double gain[N];
    static uint64_t scratch[2000];
    mdg_rng rng;
    (void)state;
    for (int i = 0; i < N; i++) {
        gain[i] = i % 10 == 0 ? 0.0 : 1.0;
    }
    mdg_rng_seed(&rng, 3);
    mdg_interval found = mdg_score_bootstrap(gain, N, 2000, &rng, scratch);
    double half = 1.96 * sqrt(0.9 * 0.1 / 2000.0);
    assert_true(fabs(found.low - (0.9 - half)) < 0.002);
    assert_true(fabs(found.high - (0.9 + half)) < 0.002);
    assert_true(fabs(mdg_score_error(gain, N) - sqrt(0.09 / 2000.0)) < 1e-5);
    for (int i = 1; i < 2000; i++) {
        assert_true(scratch[i - 1] <= scratch[i]);
    }
}

/* ---- Configurations ------------------------------------------------------ */

static void write_config(const mdg_config *c, midge_buf *out) {
    midge_json_writer w;
    midge_buf_clear(out);
    midge_json_writer_init(&w, out, 0);
    mdg_config_write(c, &w);
    assert_int_equal(midge_json_writer_end(&w), MIDGE_OK);
}

static void reads_back_the_same(const mdg_config *c, struct test_env *t) {
    midge_arena arena;
    midge_buf one;
    midge_buf two;
    const midge_json *value;
    mdg_config again;
    midge_arena_init(&arena, &t->env, 1 << 20);
    midge_buf_init(&one, &t->env, 0);
    midge_buf_init(&two, &t->env, 0);
    write_config(c, &one);
    assert_int_equal(midge_json_read(&arena, one.data, one.size, &value, NULL),
                     MIDGE_OK);
    assert_int_equal(
        mdg_config_read(value, mdg_family_name(c->family), &again, NULL),
        MIDGE_OK);
    write_config(&again, &two);
    assert_int_equal(one.size, two.size);
    assert_memory_equal(one.data, two.data, one.size);
    midge_buf_deinit(&two);
    midge_buf_deinit(&one);
    midge_arena_deinit(&arena);
}

static const mdg_shape shapes[] = {
    {MIDGE_PROBLEM_CLASSIFY, 8000, 784, 10},
    {MIDGE_PROBLEM_REGRESS, 300, 20, 1},
    {MIDGE_PROBLEM_CLASSIFY, 16, 1, 2},
    {MIDGE_PROBLEM_REGRESS, 1000000, 5, 1},
};

static void configurations_stay_sound(void **state) {
    struct test_env t;
    mdg_rng rng;
    (void)state;
    test_env_init(&t);
    mdg_rng_seed(&rng, 9);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        mdg_config walk[3] = {mdg_config_net(&shapes[s]), mdg_config_knn(),
                              mdg_config_features(&shapes[s])};
        for (int i = 0; i < 300; i++) {
            mdg_config drawn = mdg_config_draw(&shapes[s], &rng);
            reads_back_the_same(&drawn, &t);
            for (int f = 0; f < 3; f++) {
                walk[f] = mdg_config_step(&walk[f], &shapes[s], &rng);
                reads_back_the_same(&walk[f], &t);
            }
            assert_in_range(drawn.epochs, 1, 400);
            assert_true(walk[0].dropout >= 0.0f && walk[0].dropout < 1.0f);
            assert_true(walk[0].rate > 0.0f && drawn.rate > 0.0f);
            assert_true(walk[1].k >= 1 && walk[1].k < 1000);
            assert_true(walk[2].gamma > 0.0f && walk[2].lambda > 0.0f);
        }
    }
    assert_int_equal(t.held_bytes, 0);
}

static void distance_is_one(void **state) {
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 4);
    mdg_config knn = mdg_config_knn();
    for (int i = 0; i < 200; i++) {
        mdg_config a = mdg_config_draw(&shapes[0], &rng);
        mdg_config b = mdg_config_draw(&shapes[0], &rng);
        double d = mdg_config_distance(&a, &b);
        assert_true(d > 0.0 && d <= 1.0);
        assert_true(d == mdg_config_distance(&b, &a));
        assert_true(mdg_config_distance(&a, &a) == 0.0);
        assert_true(mdg_config_distance(&a, &knn) == 1.0);
    }
}

/* ---- Selection ----------------------------------------------------------- */

enum { N = 400, K = 4 };

/* Candidate 0 is right on most rows; 1 and 2 are right on halves that differ;
 * 3 is always wrong. */
static void make_predictions(float *t, float oof[K][N * 2], mdg_rng *rng) {
    for (int i = 0; i < N; i++) {
        int c = (int)mdg_rng_below(rng, 2);
        t[2 * i] = c == 0;
        t[2 * i + 1] = c == 1;
        for (int k = 0; k < K; k++) {
            float sure[K] = {i % 10 ? 0.7f : 0.4f, i % 2 ? 0.95f : 0.4f,
                             i % 2 ? 0.4f : 0.95f, 0.05f};
            oof[k][2 * i + c] = sure[k];
            oof[k][2 * i + 1 - c] = 1.0f - sure[k];
        }
    }
}

static void selection_finds_what_complements(void **state) {
    static float t[N * 2];
    static float oof[K][N * 2];
    static float y[N * 2];
    static double gain[N];
    struct test_env env;
    mdg_rng rng;
    float weight[K];
    (void)state;
    test_env_init(&env);
    mdg_rng_seed(&rng, 12);
    make_predictions(t, oof, &rng);
    mdg_select s = {&env.env, MIDGE_PROBLEM_CLASSIFY,          N, 2, t,
                    K,        {oof[0], oof[1], oof[2], oof[3]}};
    assert_int_equal(mdg_select_run(&s, &rng, weight, NULL), MIDGE_OK);
    float sum = 0.0f;
    for (int k = 0; k < K; k++) {
        assert_true(weight[k] >= 0.0f);
        sum += weight[k];
    }
    assert_true(fabsf(sum - 1.0f) < 1e-5f);
    assert_true(weight[3] == 0.0f);
    assert_true(weight[1] > 0.2f && weight[2] > 0.2f);
    mdg_select_mix(&s, weight, y);
    mdg_score_gains(MIDGE_PROBLEM_CLASSIFY, N, 2, y, t, gain);
    assert_true(mdg_score_mean(gain, N) == 1.0); /* no single one reaches it */
    assert_int_equal(env.held_bytes, 0);
}

/* ---- Folds --------------------------------------------------------------- */

/* Labels without any rule: the nearest neighbour of a row is the row itself, so
 * that a leak between folds would show as perfect predictions. */
static void predictions_are_out_of_fold(void **state) {
    enum { ROWS = 600 };
    struct test_env t;
    struct ops_host h;
    mdg_rows rows;
    mdg_fitted fitted;
    static double gain[ROWS];
    uint32_t width[3] = {3, 2, 1};
    mdg_rng rng;
    (void)state;
    test_env_init(&t);
    ops_host_init(&h);
    mdg_rng_seed(&rng, 5);
    assert_int_equal(mdg_rows_init(&rows, &t.env, ROWS, 3, width, NULL),
                     MIDGE_OK);
    for (int i = 0; i < ROWS; i++) {
        uint32_t c = mdg_rng_below(&rng, 2);
        for (int j = 0; j < 3; j++) {
            rows.part[MDG_ROWS_X][3 * i + j] = mdg_rng_normal(&rng);
        }
        rows.part[MDG_ROWS_T][2 * i + (int)c] = 1.0f;
        rows.part[MDG_ROWS_LABEL][i] = (float)c;
    }
    mdg_shape shape = mdg_fit_shape(&rows, MIDGE_PROBLEM_CLASSIFY);
    mdg_fit fit = {&t.env, &h.host, shape, &rows, 5, 1, 2, 0.0};
    mdg_config config = mdg_config_knn();
    config.k = 1;
    assert_int_equal(mdg_fit_run(&fit, &config, &fitted, NULL), MIDGE_OK);
    mdg_score_gains(MIDGE_PROBLEM_CLASSIFY, ROWS, 2, fitted.oof.part[0],
                    rows.part[MDG_ROWS_T], gain);
    double score = mdg_score_mean(gain, ROWS);
    assert_true(score > 0.4 && score < 0.6);
    mdg_fitted_deinit(&fitted);
    mdg_rows_deinit(&rows);
    ops_host_deinit(&h);
    assert_int_equal(t.held_bytes, 0);
}

/* ---- Text ---------------------------------------------------------------- */

static void fixed_is(double value, unsigned decimals, const char *expected) {
    struct test_env t;
    midge_buf out;
    test_env_init(&t);
    midge_buf_init(&out, &t.env, 0);
    mdg_text_fixed(&out, value, decimals);
    assert_int_equal(midge_buf_terminate(&out), MIDGE_OK);
    assert_string_equal(out.data, expected);
    midge_buf_deinit(&out);
}

static void numbers_as_text(void **state) {
    (void)state;
    fixed_is(96.345, 2, "96.35");
    fixed_is(0.0, 2, "0.00");
    fixed_is(-0.0016, 4, "-0.0016");
    fixed_is(-0.00001, 4, "0.0000");
    fixed_is(9.9951, 2, "10.00");
    fixed_is(12.0, 0, "12");
    fixed_is(1e300, 2, "1e+300");
    fixed_is((double)NAN, 2, "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_survive_the_round_trip),
        cmocka_unit_test(damaged_rows_are_refused),
        cmocka_unit_test(accuracy_and_r2),
        cmocka_unit_test(bootstrap_agrees_with_theory),
        cmocka_unit_test(configurations_stay_sound),
        cmocka_unit_test(distance_is_one),
        cmocka_unit_test(selection_finds_what_complements),
        cmocka_unit_test(predictions_are_out_of_fold),
        cmocka_unit_test(numbers_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
