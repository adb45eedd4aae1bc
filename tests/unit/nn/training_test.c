/* training_test.c: an epoch at a time is what all at once is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "midge/nn_train.h"
#include "test_env.h"

enum { ROWS = 24, EPOCHS = 5, STATUS_RUNS = 1000 };

typedef struct problem {
    struct test_env t;
    float x[ROWS * 3], y[ROWS * 2];
    midge_net_data data;
} problem;

static void make_problem(problem *p) {
    mdg_rng rng;
    test_env_init(&p->t);
    mdg_rng_seed(&rng, 7);
    for (size_t i = 0; i < ROWS * 3; i++) {
        p->x[i] = 2.0f * mdg_rng_float(&rng) - 1.0f;
    }
    for (size_t i = 0; i < ROWS * 2; i++) {
        p->y[i] = mdg_rng_float(&rng);
    }
    p->data = (midge_net_data){ROWS, p->x, p->y};
}

static midge_net *make_net(problem *p) {
    const uint32_t sizes[] = {3, 5, 2};
    midge_net_options o = {.n_layers = 2,
                           .sizes = sizes,
                           .hidden = MIDGE_ACT_TANH,
                           .output = MIDGE_ACT_SIGMOID,
                           .seed = 3};
    midge_net *net = NULL;
    assert_int_equal(midge_net_new(&p->t.env, &o, &net, NULL), MIDGE_OK);
    return net;
}

static void assert_same(const midge_net *a, const midge_net *b) {
    assert_memory_equal(midge_net_weights(a), midge_net_weights(b),
                        midge_net_n_weights(a) * sizeof(float));
}

static void an_epoch_at_a_time_is_all_at_once(void **state) {
    (void)state;
    for (int trainer = 0; trainer < MIDGE_TRAIN_LBFGS; trainer++) {
        problem p;
        make_problem(&p);
        midge_net *at_once = make_net(&p);
        midge_net *by_steps = make_net(&p);
        midge_train_options o = midge_train_defaults((midge_trainer)trainer);
        o.max_epochs = EPOCHS;
        o.seed = 11;
        if (trainer >= MIDGE_TRAIN_SGD) {
            o.batch_size = 7;
            o.dropout = 0.25f;
            o.schedule = MIDGE_SCHEDULE_COSINE;
        }
        midge_training *training = NULL;
        midge_train_result r;
        assert_int_equal(midge_net_train(at_once, &p.data, NULL, &o, &r, NULL),
                         MIDGE_OK);
        assert_int_equal(
            midge_training_new(by_steps, &o, ROWS + 9, &training, NULL),
            MIDGE_OK);
        midge_net_progress progress = {0};
        for (int e = 0; e < EPOCHS; e++) {
            assert_int_equal(
                midge_training_epoch(training, &p.data, &progress, NULL),
                MIDGE_OK);
        }
        assert_same(at_once, by_steps);
        assert_int_equal(progress.epoch, EPOCHS);
        assert_true(progress.train_loss == r.train_loss);
        assert_true(progress.train_mse == r.train_mse);
        midge_training_free(training);
        midge_net_free(at_once);
        midge_net_free(by_steps);
        assert_int_equal(p.t.held_bytes, 0);
    }
}

/* FANN's fann_train: rows as they come, with momentum from row to row. */
static void row_by_row_is_an_incremental_epoch(void **state) {
    (void)state;
    problem p;
    make_problem(&p);
    midge_net *at_once = make_net(&p);
    midge_net *by_rows = make_net(&p);
    midge_train_options o = midge_train_defaults(MIDGE_TRAIN_INCREMENTAL);
    o.max_epochs = 2;
    o.momentum = 0.5f;
    midge_training *training = NULL;
    assert_int_equal(midge_net_train(at_once, &p.data, NULL, &o, NULL, NULL),
                     MIDGE_OK);
    assert_int_equal(midge_training_new(by_rows, &o, 1, &training, NULL),
                     MIDGE_OK);
    for (size_t i = 0; i < 2 * (size_t)ROWS; i++) {
        const midge_net_data row = {1, p.x + i % ROWS * 3, p.y + i % ROWS * 2};
        assert_int_equal(midge_training_epoch(training, &row, NULL, NULL),
                         MIDGE_OK);
    }
    assert_same(at_once, by_rows);
    midge_training_free(training);
    midge_net_free(at_once);
    midge_net_free(by_rows);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    problem p;
    make_problem(&p);
    midge_net *net = make_net(&p);
    midge_train_options o = midge_train_defaults(MIDGE_TRAIN_LBFGS);
    midge_training *training = (midge_training *)&p;
    midge_error err = {0};
    assert_int_equal(midge_training_new(net, &o, ROWS, &training, &err),
                     MIDGE_E_UNSUPPORTED);
    assert_null(training);
    assert_non_null(strstr(err.text, "lbfgs"));
    o = midge_train_defaults(MIDGE_TRAIN_ADAM);
    assert_int_equal(midge_training_new(net, &o, 0, &training, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_training_new(net, &o, 4, &training, &err), MIDGE_OK);
    assert_int_equal(midge_training_epoch(training, &p.data, NULL, &err),
                     MIDGE_E_LIMIT);
    p.x[1] = __builtin_nanf("");
    p.data.n_rows = 4;
    assert_int_equal(midge_training_epoch(training, &p.data, NULL, &err),
                     MIDGE_E_INVALID);
    midge_training_free(training);
    midge_training_free(NULL);
    midge_net_free(net);
}

static void a_loss_without_end_is_told(void **state) {
    (void)state;
    problem p;
    make_problem(&p);
    midge_net *net = make_net(&p);
    assert_int_equal(midge_net_set_activation(net, 1, MIDGE_NET_ALL_UNITS,
                                              MIDGE_ACT_LINEAR, 0, NULL),
                     MIDGE_OK);
    midge_train_options o = midge_train_defaults(MIDGE_TRAIN_SGD);
    o.learning_rate = 1e20f;
    midge_training *training = NULL;
    midge_error err = {0};
    midge_status status = MIDGE_OK;
    assert_int_equal(midge_training_new(net, &o, ROWS, &training, NULL),
                     MIDGE_OK);
    for (int e = 0; e < STATUS_RUNS && status == MIDGE_OK; e++) {
        status = midge_training_epoch(training, &p.data, NULL, &err);
    }
    assert_int_equal(status, MIDGE_E_STATE);
    assert_non_null(strstr(err.text, "finite"));
    midge_training_free(training);
    midge_net_free(net);
}

static void no_memory_is_told_and_nothing_is_held(void **state) {
    (void)state;
    problem p;
    make_problem(&p);
    midge_net *net = make_net(&p);
    const size_t held = p.t.held_bytes;
    const midge_train_options o = midge_train_defaults(MIDGE_TRAIN_ADAMW);
    midge_status status = MIDGE_E_NOMEM;
    for (long n = 1; status != MIDGE_OK; n++) {
        midge_training *training = NULL;
        p.t.calls = 0;
        p.t.fail_at = n;
        status = midge_training_new(net, &o, ROWS, &training, NULL);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        midge_training_free(training);
        assert_int_equal(p.t.held_bytes, held);
    }
    p.t.fail_at = 0;
    midge_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_at_a_time_is_all_at_once),
        cmocka_unit_test(row_by_row_is_an_incremental_epoch),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_loss_without_end_is_told),
        cmocka_unit_test(no_memory_is_told_and_nothing_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
