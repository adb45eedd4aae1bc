/* fann_data_test.c: FANN's .data, by hand, cut short everywhere, and there and
 * back. fann_data_peer_test.c has the real FANN. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "midge/nn_data.h"
#include "test_env.h"

static midge_status read_text(struct test_env *t, const char *text,
                              midge_dataset **out, midge_error *err) {
    return midge_dataset_read_fann(&t->env, text, strlen(text), out, err);
}

static void reads_xor(void **state) {
    static const char xor [] = "4 2 1\n-1 -1\n-1\n-1 1\n1\n1 -1\n1\n1 1\n-1\n";
    static const char loose[] = "4\t2 1 -1 -1. -1 -1e0 +1\r\n1 1\v-01\n1 1 "
                                "1\f-.1e1";
    struct test_env t;
    test_env_init(&t);
    midge_dataset *a, *b;
    assert_int_equal(read_text(&t, xor, &a, NULL), MIDGE_OK);
    assert_int_equal(midge_dataset_n_rows(a), 4);
    assert_int_equal(midge_dataset_n_inputs(a), 2);
    assert_int_equal(midge_dataset_n_outputs(a), 1);
    const float x[] = {-1, -1, -1, 1, 1, -1, 1, 1}, y[] = {-1, 1, 1, -1};
    assert_memory_equal(midge_dataset_x(a), x, sizeof x);
    assert_memory_equal(midge_dataset_t(a), y, sizeof y);
    assert_int_equal(read_text(&t, loose, &b, NULL), MIDGE_OK);
    assert_memory_equal(midge_dataset_x(b), x, sizeof x);
    assert_memory_equal(midge_dataset_t(b), y, sizeof y);
    midge_dataset_free(a);
    midge_dataset_free(b);
    assert_int_equal(t.held_bytes, 0);
}

static void refuses(const char *text, int64_t line, const char *why) {
    struct test_env t;
    midge_error err;
    midge_dataset *data;
    test_env_init(&t);
    assert_int_equal(read_text(&t, text, &data, &err), MIDGE_E_PARSE);
    assert_null(data);
    assert_int_equal(err.line, line);
    if (!strstr(err.text, why)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(t.held_bytes, 0);
}

static void says_what_is_wrong(void **state) {
    refuses("", 1, "begins with three whole numbers");
    refuses("4 2", 1, "begins with three");
    refuses("4 2.5 1\n", 1, "not '2.5'");
    refuses("4 99999999999999999999 1\n", 1, "begins with three");
    refuses("-1 2 1\n", 1, "not '-1'");
    refuses("2 1 1\n10\n20\n30\n", 5, "ends before its last row");
    refuses("2 1 1\n1\n2\n3\n4\n5\n", 6,
            "ends here by its first line, not "
            "'5'");
    refuses("2 1 1\n1\nx\n3\n4\n", 3, "a number is wanted, not 'x'");
    refuses("2 1 1\n1\nnan\n3\n4\n", 3, "not 'nan'");
    refuses("1 1 1\n1\n1e39\n", 3, "fits a float");
    refuses("4000000000 4000000000 4000000000\n1\n2\n", 1, "too short");
}

static void cut_short_everywhere(void **state) {
    static const char text[] = "3 2 1\n0.25 -7e-3\n1\n12 13\n14\n-5 6\n7";
    for (size_t size = 0; size + 1 < sizeof text; size++) {
        struct test_env t;
        midge_dataset *data;
        test_env_init(&t);
        char *cut = malloc(size + 1); /* so that ASan sees a byte too many */
        memcpy(cut, text, size);
        midge_status status =
            midge_dataset_read_fann(&t.env, cut, size, &data, NULL);
        assert_int_equal(status, MIDGE_E_PARSE);
        assert_int_equal(t.held_bytes, 0);
        free(cut);
    }
}

static midge_dataset *random_rows(struct test_env *t, mdg_rng *rng,
                                  uint32_t n_out) {
    float x[60], y[60];
    midge_dataset *data;
    for (int i = 0; i < 60; i++) {
        do {
            uint32_t bits = (uint32_t)mdg_rng_next(rng);
            memcpy(&x[i], &bits, sizeof bits);
        } while (!isfinite(x[i]));
        y[i] = mdg_rng_normal(rng);
    }
    assert_int_equal(
        midge_dataset_new(&t->env, 20, 3, n_out, x, y, &data, NULL), MIDGE_OK);
    return data;
}

/* Every float comes back with its bits. */
static void there_and_back(void **state) {
    struct test_env t;
    mdg_rng rng;
    test_env_init(&t);
    mdg_rng_seed(&rng, 4);
    for (uint32_t round = 0; round < 100; round++) {
        midge_dataset *data = random_rows(&t, &rng, round % 4), *again;
        midge_buf out;
        midge_buf_init(&out, &t.env, 0);
        assert_int_equal(midge_dataset_write_fann(data, &out), MIDGE_OK);
        assert_int_equal(
            midge_dataset_read_fann(&t.env, out.data, out.size, &again, NULL),
            MIDGE_OK);
        assert_memory_equal(midge_dataset_x(data), midge_dataset_x(again),
                            60 * sizeof(float));
        if (round % 4) {
            assert_memory_equal(midge_dataset_t(data), midge_dataset_t(again),
                                20 * (round % 4) * sizeof(float));
        }
        midge_dataset_free(data);
        midge_dataset_free(again);
        midge_buf_deinit(&out);
    }
    assert_int_equal(t.held_bytes, 0);
}

static void fixed_point(void **state) {
    struct test_env t;
    midge_error err;
    midge_dataset *data;
    midge_buf out;
    test_env_init(&t);
    midge_buf_init(&out, &t.env, 0);
    const float x[] = {0.5f, -0.3f}, y[] = {1.9999f};
    assert_int_equal(midge_dataset_new(&t.env, 1, 2, 1, x, y, &data, NULL),
                     MIDGE_OK);
    assert_int_equal(midge_dataset_write_fann_fixed(data, 6, &out, NULL),
                     MIDGE_OK);
    static const char wanted[] = "1 2 1\n32 -19\n127\n";
    assert_int_equal(out.size, strlen(wanted));
    assert_memory_equal(out.data, wanted, out.size);
    assert_int_equal(midge_dataset_write_fann_fixed(data, 31, &out, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_dataset_write_fann_fixed(data, 30, &out, &err),
                     MIDGE_OK);
    midge_dataset_t(data)[0] = 2.0f;
    assert_int_equal(midge_dataset_write_fann_fixed(data, 30, &out, &err),
                     MIDGE_E_LIMIT);
    midge_buf_deinit(&out);
    midge_dataset_free(data);
    assert_int_equal(t.held_bytes, 0);
}

static void memory_runs_out(void **state) {
    for (long n = 1;; n++) {
        struct test_env t;
        midge_dataset *data;
        midge_buf out;
        test_env_init(&t);
        t.fail_at = n;
        midge_buf_init(&out, &t.env, 0);
        midge_status status = read_text(&t, "1 1 1\n2\n3\n", &data, NULL);
        if (status == MIDGE_OK) {
            status = midge_dataset_write_fann(data, &out);
            assert_true(status == MIDGE_OK || out.size == 0);
            midge_dataset_free(data);
        }
        midge_buf_deinit(&out);
        assert_int_equal(t.held_bytes, 0);
        if (t.calls < n) {
            assert_int_equal(status, MIDGE_OK);
            return;
        }
        assert_int_equal(status, MIDGE_E_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_xor),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(cut_short_everywhere),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(fixed_point),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
