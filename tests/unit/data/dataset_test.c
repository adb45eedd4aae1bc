/* dataset_test.c: rows in, rows out: copies, parts, joins, order, scaling. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "encoder_fixture.h"
#include "midge/nn_data.h"

enum { ROWS = 7, IN = 3, OUT = 2 };

/* Row r is 10 r, 10 r + 1, ...; its outputs are that, negative. */
static midge_dataset *counted(struct test_env *t, size_t n_rows,
                              uint32_t n_out) {
    float x[64 * IN], y[64 * OUT];
    midge_dataset *data;
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t c = 0; c < IN; c++) {
            x[r * IN + c] = (float)(10 * r + c);
        }
        for (size_t c = 0; c < n_out; c++) {
            y[r * n_out + c] = -(float)(10 * r + c);
        }
    }
    assert_int_equal(
        midge_dataset_new(&t->env, n_rows, IN, n_out, x, y, &data, NULL),
        MIDGE_OK);
    return data;
}

static void check_row(midge_dataset *data, size_t at, size_t is) {
    uint32_t n_out = midge_dataset_n_outputs(data);
    for (size_t c = 0; c < IN; c++) {
        assert_true(midge_dataset_x(data)[at * IN + c] == (float)(10 * is + c));
    }
    for (size_t c = 0; c < n_out; c++) {
        assert_true(midge_dataset_t(data)[at * n_out + c] ==
                    -(float)(10 * is + c));
    }
}

static void makes_and_shows(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_dataset *data = counted(&t, ROWS, OUT), *zeros;
    assert_int_equal(midge_dataset_n_rows(data), ROWS);
    assert_int_equal(midge_dataset_n_inputs(data), IN);
    midge_net_data view = midge_dataset_view(data);
    assert_int_equal(view.n_rows, ROWS);
    assert_ptr_equal(view.x, midge_dataset_x(data));
    assert_ptr_equal(view.t, midge_dataset_t(data));
    for (size_t r = 0; r < ROWS; r++) {
        check_row(data, r, r);
    }
    midge_dataset_free(data);
    assert_int_equal(
        midge_dataset_new(&t.env, 2, 1, 1, NULL, NULL, &zeros, NULL), MIDGE_OK);
    assert_true(midge_dataset_x(zeros)[1] == 0.0f &&
                midge_dataset_t(zeros)[1] == 0.0f);
    midge_dataset_free(zeros);
    midge_dataset_free(NULL);
    assert_int_equal(t.held_bytes, 0);
}

static void refuses(void **state) {
    struct test_env t;
    midge_error err;
    midge_dataset *data;
    test_env_init(&t);
    const float x[] = {1, 2, 3, INFINITY, 5, 6}, y[] = {1, NAN};
    assert_int_equal(midge_dataset_new(&t.env, 2, 3, 0, x, NULL, &data, &err),
                     MIDGE_E_INVALID);
    assert_string_equal(err.text, "input 1 of row 2 is not finite");
    assert_null(data);
    assert_int_equal(midge_dataset_new(&t.env, 1, 2, 2, x, y, &data, &err),
                     MIDGE_E_INVALID);
    assert_string_equal(err.text, "output 2 of row 1 is not finite");
    assert_int_equal(midge_dataset_new(&t.env, 0, 3, 1, x, y, &data, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_dataset_new(&t.env, 1, 0, 1, x, y, &data, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(
        midge_dataset_new(&t.env, UINT32_MAX, UINT32_MAX, 1, x, y, &data, &err),
        MIDGE_E_LIMIT);
    assert_int_equal(
        midge_dataset_new(&t.env, 1, UINT32_MAX, UINT32_MAX, x, y, &data, &err),
        MIDGE_E_LIMIT);
    assert_int_equal(t.held_bytes, 0);
}

static void picks_and_merges(void **state) {
    struct test_env t;
    midge_error err;
    test_env_init(&t);
    midge_dataset *data = counted(&t, ROWS, OUT), *part, *copy, *both, *other;
    const uint32_t rows[] = {6, 0, 0, 3}, beyond[] = {1, ROWS};
    assert_int_equal(midge_dataset_pick(data, rows, 4, &part, NULL), MIDGE_OK);
    for (size_t i = 0; i < 4; i++) {
        check_row(part, i, rows[i]);
    }
    assert_int_equal(midge_dataset_pick(data, beyond, 2, &copy, &err),
                     MIDGE_E_INVALID);
    assert_non_null(strstr(err.text, "no row 7"));
    assert_int_equal(midge_dataset_merge(part, data, &both, NULL), MIDGE_OK);
    assert_int_equal(midge_dataset_n_rows(both), 4 + ROWS);
    check_row(both, 1, 0);
    check_row(both, 4 + 5, 5);
    assert_int_equal(midge_dataset_copy(data, &copy), MIDGE_OK);
    midge_dataset_x(data)[0] = 99.0f; /* the copy is another */
    check_row(copy, 0, 0);
    midge_dataset_free(copy);
    assert_int_equal(midge_dataset_subset(both, 4 + 2, 3, &copy, NULL),
                     MIDGE_OK);
    check_row(copy, 0, 2);
    check_row(copy, 2, 4);
    midge_dataset_free(copy);
    assert_int_equal(midge_dataset_subset(both, 10, 2, &copy, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_dataset_subset(both, SIZE_MAX, 2, &copy, &err),
                     MIDGE_E_INVALID);
    other = counted(&t, 2, 1);
    assert_int_equal(midge_dataset_merge(part, other, &copy, &err),
                     MIDGE_E_MISMATCH);
    midge_dataset_free(other);
    midge_dataset_free(both);
    midge_dataset_free(part);
    midge_dataset_free(data);
    assert_int_equal(t.held_bytes, 0);
}

/* Whole rows change places, and all of them stay. */
static void shuffles(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_dataset *a = counted(&t, 50, OUT), *b = counted(&t, 50, OUT);
    int seen[50] = {0}, moved = 0;
    midge_dataset_shuffle(a, 3);
    midge_dataset_shuffle(b, 3);
    for (size_t i = 0; i < 50; i++) {
        size_t is = (size_t)midge_dataset_x(a)[i * IN] / 10;
        check_row(a, i, is);
        check_row(b, i, is);
        seen[is]++;
        moved += is != i;
    }
    for (int i = 0; i < 50; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_true(moved > 40);
    midge_dataset_free(a);
    midge_dataset_free(b);
}

/* What the encoder itself says. */
static void from_a_table(void **state) {
    struct test_env t;
    midge_encoder *e;
    midge_dataset *data;
    midge_error err;
    const uint32_t rows[] = {20, 3, 11};
    float x[3 * 64], y[3 * 3];
    test_env_init(&t);
    midge_table *table = table_of(&t, birds_csv);
    assert_int_equal(fit_on(&t, table, "Species", BIRDS, &e, NULL), MIDGE_OK);
    size_t width = midge_encoder_n_features(e);
    assert_true(width <= 64);
    assert_int_equal(
        midge_dataset_from_table(&t.env, e, table, rows, 3, &data, NULL),
        MIDGE_OK);
    assert_int_equal(midge_encoder_features(e, table, rows, 3, x, NULL),
                     MIDGE_OK);
    assert_int_equal(midge_encoder_targets(e, table, rows, 3, y, NULL, NULL),
                     MIDGE_OK);
    assert_memory_equal(midge_dataset_x(data), x, 3 * width * sizeof *x);
    assert_memory_equal(midge_dataset_t(data), y, sizeof y);
    midge_dataset_free(data);
    assert_int_equal(
        midge_dataset_from_table(&t.env, e, table, NULL, 0, &data, NULL),
        MIDGE_OK);
    assert_int_equal(midge_dataset_n_rows(data), BIRDS);
    assert_memory_equal(midge_dataset_x(data) + 20 * width, x,
                        width * sizeof *x);
    midge_dataset_free(data);
    midge_table *without = table_of(&t, "Bill,Mass\n1,2\n");
    assert_int_equal(
        midge_dataset_from_table(&t.env, e, without, NULL, 0, &data, &err),
        MIDGE_E_MISMATCH);
    assert_null(data);
    midge_table_free(without);
    midge_encoder_free(e);
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

/* One side only; what was done can be undone. */
static void scales(void **state) {
    struct test_env t;
    midge_scaling in[IN], out[OUT];
    test_env_init(&t);
    midge_dataset *data = counted(&t, ROWS, OUT);
    assert_int_equal(
        midge_dataset_scale(data, MIDGE_SCALE_MIN_MAX, -1.0f, 1.0f, in, NULL),
        MIDGE_OK);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t c = 0; c < IN; c++) {
            double wanted = -1.0 + 2.0 * (double)r / (double)(ROWS - 1);
            double is = (double)midge_dataset_x(data)[r * IN + c];
            assert_true(fabs(is - wanted) < 1e-6);
        }
        assert_true(midge_dataset_t(data)[r * OUT] == -(float)(10 * r));
    }
    assert_int_equal(
        midge_dataset_scale(data, MIDGE_SCALE_STANDARD, 0.0f, 0.0f, NULL, out),
        MIDGE_OK);
    double sum = 0, squares = 0;
    for (size_t r = 0; r < ROWS; r++) {
        double v = (double)midge_dataset_t(data)[r * OUT];
        sum += v;
        squares += v * v;
    }
    assert_true(fabs(sum) < 1e-5 && fabs(squares / (double)ROWS - 1) < 1e-5);
    midge_scaling_undo(in, IN, ROWS, midge_dataset_x(data));
    midge_scaling_undo(out, OUT, ROWS, midge_dataset_t(data));
    for (size_t i = 0; i < ROWS * IN; i++) {
        double wanted = (double)(10 * (i / IN) + i % IN);
        assert_true(fabs((double)midge_dataset_x(data)[i] - wanted) < 1e-4);
    }
    midge_dataset_free(data);
    assert_int_equal(t.held_bytes, 0);
}

static midge_status everything(struct test_env *t, const midge_table *table) {
    midge_encoder *e = NULL;
    midge_dataset *data = NULL, *copy = NULL, *both = NULL;
    midge_scaling in[64];
    midge_status status = fit_on(t, table, "Species", BIRDS, &e, NULL);
    if (status == MIDGE_OK) {
        status =
            midge_dataset_from_table(&t->env, e, table, NULL, 0, &data, NULL);
    }
    if (status == MIDGE_OK) {
        status = midge_dataset_copy(data, &copy);
    }
    if (status == MIDGE_OK) {
        status = midge_dataset_merge(data, copy, &both, NULL);
    }
    if (status == MIDGE_OK) {
        status = midge_dataset_scale(both, MIDGE_SCALE_ROBUST, 0, 0, in, NULL);
    }
    midge_dataset_free(both);
    midge_dataset_free(copy);
    midge_dataset_free(data);
    midge_encoder_free(e);
    return status;
}

static void memory_runs_out(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_table *table = table_of(&t, birds_csv);
    size_t held = t.held_bytes;
    for (long n = 1;; n++) {
        t.calls = 0;
        t.fail_at = n;
        midge_status status = everything(&t, table);
        assert_int_equal(t.held_bytes, held);
        if (t.calls < n) {
            assert_int_equal(status, MIDGE_OK);
            break;
        }
        assert_int_equal(status, MIDGE_E_NOMEM);
    }
    midge_table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_and_shows),  cmocka_unit_test(refuses),
        cmocka_unit_test(picks_and_merges), cmocka_unit_test(shuffles),
        cmocka_unit_test(from_a_table),     cmocka_unit_test(scales),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
