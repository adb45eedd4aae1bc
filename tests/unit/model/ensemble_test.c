/* ensemble_test.c: the arithmetic of ensembles, and how deep they may lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model_fixture.h"

static struct moons moons;
static const float queries[] = {0.5f, 0.25f, -1, 0, 1, 1, 2, -0.5f};

/* A model that gives `value` everywhere. */
static midge_model *constant(struct test_env *t, float value) {
    static const float x[] = {0};
    midge_net_data data = {1, x, &value};
    midge_knn_options o = {1, 0, 0};
    midge_model *model;
    assert_int_equal(midge_model_fit_knn(&t->env, MIDGE_PROBLEM_REGRESS, 1, 1,
                                         &data, &o, &model, NULL),
                     MIDGE_OK);
    return model;
}

static float at_zero(const midge_model *model) {
    float x = 0, y;
    assert_int_equal(midge_model_predict(model, 1, &x, &y, NULL), MIDGE_OK);
    return y;
}

static void weights_are_scaled(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_model *members[] = {constant(&t, 8), constant(&t, -4),
                              constant(&t, 100)};
    const float weights[] = {3, 1, 0};
    midge_model *e;
    assert_int_equal(midge_model_ensemble_take(&t.env, MIDGE_PROBLEM_REGRESS,
                                               members, weights, 3, &e, NULL),
                     MIDGE_OK);
    assert_int_equal(midge_model_family(e), MIDGE_FAMILY_ENSEMBLE);
    assert_true(at_zero(e) == 5.0f);
    midge_model *outer[] = {e, constant(&t, 1)};
    const float halves[] = {0.25f, 0.25f};
    assert_int_equal(midge_model_ensemble_take(&t.env, MIDGE_PROBLEM_REGRESS,
                                               outer, halves, 2, &e, NULL),
                     MIDGE_OK);
    assert_true(at_zero(e) == 3.0f);
    midge_model_free(e);
    assert_int_equal(t.held_bytes, 0);
}

/* The weighted sum of what the members say, in their order. */
static void as_its_members_say(void **state) {
    struct test_env t;
    test_env_init(&t);
    make_moons(&moons, 0, 1);
    const float weights[] = {0.5f, 1.0f, 0.25f, 1.0f, 0.5f};
    float sum[8] = {0}, part[8], y[8];
    midge_model *model;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(fit_family(&t.env, &moons, i, &model), MIDGE_OK);
        assert_int_equal(midge_model_predict(model, 4, queries, part, NULL),
                         MIDGE_OK);
        for (int j = 0; j < 8; j++) {
            sum[j] += weights[i] / 3.25f * part[j];
        }
        midge_model_free(model);
    }
    assert_int_equal(fit_family(&t.env, &moons, FAMILIES - 1, &model),
                     MIDGE_OK);
    assert_int_equal(midge_model_predict(model, 4, queries, y, NULL), MIDGE_OK);
    for (int j = 0; j < 8; j++) {
        assert_true(fabsf(y[j] - sum[j]) < 1e-6f);
    }
    midge_model_free(model);
    assert_int_equal(t.held_bytes, 0);
}

static void one_member_is_itself(void **state) {
    struct test_env t;
    test_env_init(&t);
    make_moons(&moons, 0, 1);
    midge_model *member, *model;
    float want[8], y[8];
    assert_int_equal(fit_family(&t.env, &moons, 3, &member), MIDGE_OK);
    assert_int_equal(midge_model_predict(member, 4, queries, want, NULL),
                     MIDGE_OK);
    const float weight = 0.3f;
    assert_int_equal(midge_model_ensemble_take(&t.env, MIDGE_PROBLEM_CLASSIFY,
                                               &member, &weight, 1, &model,
                                               NULL),
                     MIDGE_OK);
    assert_int_equal(midge_model_predict(model, 4, queries, y, NULL), MIDGE_OK);
    assert_memory_equal(y, want, sizeof y);
    midge_model_free(model);
    assert_int_equal(t.held_bytes, 0);
}

static void four_deep_and_no_more(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_model *model = constant(&t, 2.5f);
    const float weight = 1;
    midge_error err;
    for (int depth = 1; depth <= 5; depth++) {
        midge_model *inner = model;
        midge_status s = midge_model_ensemble_take(
            &t.env, MIDGE_PROBLEM_REGRESS, &inner, &weight, 1, &model, &err);
        assert_int_equal(s, depth <= 4 ? MIDGE_OK : MIDGE_E_LIMIT);
        if (s == MIDGE_OK) {
            assert_true(at_zero(model) == 2.5f);
        }
    }
    assert_null(model);
    assert_int_equal(t.held_bytes, 0); /* the fifth took what it refused */
}

/* Whatever is wrong, the members are freed. */
static void refuse(struct test_env *t, midge_problem problem,
                   midge_model **members, const float *weights, size_t n,
                   midge_status want) {
    midge_model *e = members[0];
    midge_error err = {.text = ""};
    assert_int_equal(midge_model_ensemble_take(&t->env, problem, members,
                                               weights, n, &e, &err),
                     want);
    assert_null(e);
    assert_true(err.text[0] != '\0');
    assert_int_equal(t->held_bytes, 0);
}

static void what_is_refused(void **state) {
    static const float bad[][2] = {{1, -0.5f},
                                   {0, 0},
                                   {1, __builtin_nanf("")},
                                   {__builtin_inff(), 1},
                                   {3e38f, 3e38f}};
    struct test_env t;
    test_env_init(&t);
    make_moons(&moons, 0, 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        midge_model *two[] = {constant(&t, 1), constant(&t, 2)};
        refuse(&t, MIDGE_PROBLEM_REGRESS, two, bad[i], 2, MIDGE_E_INVALID);
    }
    const float ones[] = {1, 1};
    midge_model *two[] = {constant(&t, 1), NULL};
    refuse(&t, MIDGE_PROBLEM_REGRESS, two, ones, 2, MIDGE_E_MISMATCH);
    two[0] = NULL;
    two[1] = constant(&t, 1);
    refuse(&t, MIDGE_PROBLEM_REGRESS, two, ones, 2, MIDGE_E_MISMATCH);
    two[0] = constant(&t, 1);
    assert_int_equal(fit_family(&t.env, &moons, 1, &two[1]), MIDGE_OK);
    refuse(&t, MIDGE_PROBLEM_REGRESS, two, ones, 2, MIDGE_E_MISMATCH);
    two[0] = constant(&t, 1);
    two[1] = constant(&t, 1);
    refuse(&t, MIDGE_PROBLEM_CLASSIFY, two, ones, 2, MIDGE_E_MISMATCH);
    refuse(&t, MIDGE_PROBLEM_REGRESS, two, ones, 0, MIDGE_E_INVALID);
    two[0] = constant(&t, 1);
    refuse(&t, MIDGE_PROBLEM_REGRESS, two, NULL, 1, MIDGE_E_INVALID);
    static midge_model *many[4097];
    static float weights[4097];
    for (int i = 0; i < 4097; i++) {
        many[i] = constant(&t, 1);
        weights[i] = 1;
    }
    refuse(&t, MIDGE_PROBLEM_REGRESS, many, weights, 4097, MIDGE_E_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_scaled),
        cmocka_unit_test(as_its_members_say),
        cmocka_unit_test(one_member_is_itself),
        cmocka_unit_test(four_deep_and_no_more),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
