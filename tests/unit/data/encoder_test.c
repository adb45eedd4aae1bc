/* encoder_test.c: what an encoder makes of a table, value by value. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "encoder_fixture.h"

static int near(float a, double b) {
    return fabs((double)a - b) <= 1e-5 * (1 + fabs(b));
}

/* Birds without number 22, whose mass is missing, for when that is the target.
 */
static size_t rows_with_mass(uint32_t rows[BIRDS]) {
    size_t n = 0;
    for (uint32_t r = 0; r < BIRDS; r++) {
        if (r != 2 && r != 22) {
            rows[n++] = r;
        }
    }
    return n;
}

static void birds_by_species(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_table *table = table_of(&t, birds_csv);
    midge_encoder *e;
    assert_int_equal(fit_on(&t, table, "Species", BIRDS, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_problem(e), MIDGE_PROBLEM_CLASSIFY);
    assert_string_equal(midge_encoder_target(e), "Species");
    assert_int_equal(midge_encoder_n_outputs(e), 3);
    assert_string_equal(midge_encoder_class(e, 0), "Adelie");
    assert_string_equal(midge_encoder_class(e, 2), "Gentoo");
    assert_null(midge_encoder_class(e, 3));
    /* Island 3, Bill, Mass, Sex 2, Tag 24 */
    assert_int_equal(midge_encoder_n_features(e), 3 + 1 + 1 + 2 + 24);
    assert_int_equal(midge_encoder_n_dropped(e), 2);
    assert_string_equal(midge_encoder_dropped(e, 0), "Planet");
    assert_string_equal(midge_encoder_dropped(e, 1), "Nothing");
    assert_null(midge_encoder_dropped(e, 2));
    float x[BIRDS * 31], targets[BIRDS * 3], label[BIRDS];
    assert_int_equal(
        midge_encoder_features(e, table, all_rows(), BIRDS, x, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_targets(e, table, all_rows(), BIRDS, targets,
                                           label, NULL),
                     MIDGE_OK);
    double sum = 0, squares = 0;
    const float *bill = midge_table_numbers(table, 2);
    for (int r = 0; r < BIRDS; r++) {
        sum += r == 2 ? 0 : (double)bill[r] / 23;
    }
    for (int r = 0; r < BIRDS; r++) {
        squares += r == 2 ? 0 : pow((double)bill[r] - sum, 2) / 23;
    }
    for (int r = 0; r < BIRDS; r++) {
        const float *row = x + r * 31;
        assert_true(near(
            row[3], r == 2 ? 0.0 : ((double)bill[r] - sum) / sqrt(squares)));
        for (int i = 0; i < 24; i++) {
            assert_true(row[7 + i] == (float)(i == r));
        }
        float island = row[0] + row[1] + row[2];
        assert_true(island == (float)(r != 13));
        assert_true(row[5] + row[6] == (float)(r != 2 && r != 7));
        assert_true(label[r] == (float)(r / 8));
        for (int c = 0; c < 3; c++) {
            assert_true(targets[r * 3 + c] == (float)(c == r / 8));
        }
    }
    assert_true(x[5] == 1.0f && x[31 + 6] == 1.0f); /* MALE, then FEMALE */
    assert_true(midge_encoder_unscale(e, 0.25f) == 0.25f);
    midge_encoder_free(e);
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

static void birds_by_mass(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_table *table = table_of(&t, birds_csv);
    midge_encoder *e;
    midge_error err;
    uint32_t rows[BIRDS];
    size_t n = rows_with_mass(rows);
    assert_int_equal(fit_on(&t, table, "Mass", BIRDS, &e, &err),
                     MIDGE_E_INVALID);
    assert_non_null(strstr(err.text, "row 3 of the data has no 'Mass'"));
    assert_int_equal(
        midge_encoder_fit(&t.env, table, 3, rows, n, NULL, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_problem(e), MIDGE_PROBLEM_REGRESS);
    assert_int_equal(midge_encoder_n_outputs(e), 1);
    assert_null(midge_encoder_class(e, 0));
    float targets[BIRDS], label[BIRDS];
    assert_int_equal(
        midge_encoder_targets(e, table, rows, n, targets, label, NULL),
        MIDGE_OK);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)targets[i];
        squares += (double)targets[i] * (double)targets[i];
        assert_true(label[i] == midge_table_numbers(table, 3)[rows[i]]);
        assert_true(
            near(midge_encoder_unscale(e, targets[i]), (double)label[i]));
    }
    assert_true(fabs(sum) < 1e-4 && fabs(squares / (double)n - 1) < 1e-4);
    assert_int_equal(
        midge_encoder_targets(e, table, all_rows(), 3, targets, label, &err),
        MIDGE_E_INVALID);
    assert_non_null(strstr(err.text, "row 3"));
    midge_encoder_free(e);
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

/* A target of n_values whole values (or more) in `rows` rows. */
static int problem_of(size_t n_values, size_t rows, const char *suffix) {
    struct test_env t;
    test_env_init(&t);
    static char csv[65536];
    size_t at = (size_t)sprintf(csv, "x,y\n");
    for (size_t r = 0; r < rows; r++) {
        at += (size_t)sprintf(csv + at, "%zu,%zu%s\n", r, r % n_values,
                              r == 0 ? suffix : "");
    }
    midge_table *table = table_of(&t, csv);
    midge_encoder *e;
    assert_int_equal(fit_on(&t, table, "y", rows, &e, NULL), MIDGE_OK);
    midge_problem problem = midge_encoder_problem(e);
    if (problem == MIDGE_PROBLEM_CLASSIFY) {
        assert_int_equal(midge_encoder_n_outputs(e), n_values);
        for (uint32_t c = 0; c < n_values; c++) {
            char name[8];
            sprintf(name, "%u", c);
            assert_string_equal(midge_encoder_class(e, c), name);
        }
    }
    midge_encoder_free(e);
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
    return problem == MIDGE_PROBLEM_CLASSIFY;
}

static void when_numbers_are_classes(void **state) {
    assert_true(problem_of(2, 4, ""));
    assert_true(problem_of(2, 4, ".0"));
    assert_false(problem_of(2, 400, ".5"));
    assert_false(problem_of(3, 29, ""));
    assert_true(problem_of(3, 30, ""));
    assert_true(problem_of(5, 406, "")); /* cylinders of cars */
    assert_false(problem_of(20, 199, ""));
    assert_true(problem_of(20, 200, ""));
    assert_false(problem_of(21, 2100, ""));
    assert_false(problem_of(10, 1000, ".000001"));
    assert_false(problem_of(10, 1000, "17000000")); /* past 2^24 */
}

/* Part of a table is the same problem as all of it; classes are those seen. */
static void a_part_is_the_same_problem(void **state) {
    struct test_env t;
    test_env_init(&t);
    static char csv[4096];
    size_t at = (size_t)sprintf(csv, "x,y,z\n");
    for (size_t r = 0; r < 60; r++) {
        at += (size_t)sprintf(csv + at, "%zu,%d,%c\n", r, 4 - (int)r / 10,
                              "abcdef"[r / 10]);
    }
    midge_table *table = table_of(&t, csv);
    midge_encoder *e;
    assert_int_equal(fit_on(&t, table, "y", 25, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_problem(e), MIDGE_PROBLEM_CLASSIFY);
    assert_int_equal(midge_encoder_n_outputs(e), 3);
    assert_string_equal(midge_encoder_class(e, 0), "2");
    assert_string_equal(midge_encoder_class(e, 2), "4");
    float targets[60 * 3], label[60], x[60 * 4];
    assert_int_equal(
        midge_encoder_targets(e, table, all_rows(), 60, targets, label, NULL),
        MIDGE_OK);
    for (int r = 0; r < 60; r++) {
        assert_true(label[r] == (float)(r < 30 ? 2 - r / 10 : -1));
        for (int c = 0; c < 3; c++) {
            assert_true(targets[r * 3 + c] == (float)((float)c == label[r]));
        }
    }
    /* Categories that were not seen are zeros. */
    assert_int_equal(midge_encoder_n_features(e), 4);
    assert_int_equal(midge_encoder_features(e, table, all_rows(), 60, x, NULL),
                     MIDGE_OK);
    for (int r = 0; r < 60; r++) {
        for (int c = 0; c < 3; c++) {
            assert_true(x[r * 4 + 1 + c] == (float)(c == r / 10));
        }
    }
    midge_encoder_free(e);
    assert_int_equal(fit_on(&t, table, "z", 25, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_targets(e, table, all_rows() + 30, 30,
                                           targets, label, NULL),
                     MIDGE_OK);
    for (int r = 0; r < 30; r++) {
        assert_true(label[r] == -1.0f);
        assert_true(targets[r * 3] + targets[r * 3 + 1] + targets[r * 3 + 2] ==
                    0.0f);
    }
    midge_encoder_free(e);
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

/* 33 categories are too many for an input, 1001 for a target. */
static void too_many_categories(void **state) {
    struct test_env t;
    test_env_init(&t);
    static char csv[65536];
    size_t at = (size_t)sprintf(csv, "x,few,many,id\n");
    for (size_t r = 0; r < 1001; r++) {
        at += (size_t)sprintf(csv + at, "%zu,f%zu,m%zu,i%zu\n", r, r % 32,
                              r % 33, r);
    }
    midge_table *table = table_of(&t, csv);
    midge_encoder *e;
    midge_error err;
    assert_int_equal(fit_on(&t, table, "x", 1001, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_n_features(e), 32);
    assert_int_equal(midge_encoder_n_dropped(e), 2);
    assert_string_equal(midge_encoder_dropped(e, 0), "many");
    assert_string_equal(midge_encoder_dropped(e, 1), "id");
    midge_encoder_free(e);
    assert_int_equal(fit_on(&t, table, "id", 1001, &e, &err), MIDGE_E_LIMIT);
    assert_null(e);
    assert_non_null(strstr(err.text, "1001 classes"));
    assert_int_equal(fit_on(&t, table, "id", 1000, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_n_outputs(e), 1000);
    midge_encoder_free(e);
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

static void what_cannot_be_learned(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_encoder *e = (midge_encoder *)&t;
    midge_error err;
    midge_table *table = table_of(&t, "a,b,c,d\n1,x,7,u\n2,x,7,v\n3,y,7,w\n");
    assert_int_equal(fit_on(&t, table, "c", 3, &e, &err), MIDGE_E_INVALID);
    assert_null(e);
    assert_non_null(strstr(err.text, "'c' has the same value"));
    assert_int_equal(fit_on(&t, table, "b", 2, &e, &err), MIDGE_E_INVALID);
    assert_int_equal(fit_on(&t, table, "b", 0, &e, &err), MIDGE_E_INVALID);
    assert_int_equal(fit_on(&t, table, "a", 4, &e, &err), MIDGE_E_INVALID);
    assert_int_equal(fit_on(&t, table, "nope", 3, &e, &err), MIDGE_E_INVALID);
    midge_table_free(table);
    table = table_of(&t, "a,b\n1,x\n2,x\n3,x\n");
    assert_int_equal(fit_on(&t, table, "a", 3, &e, &err), MIDGE_E_INVALID);
    assert_non_null(strstr(err.text, "no column but the target"));
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

/* Columns in another order are found; wrong ones are named. */
static void other_tables(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_table *table = table_of(&t, "a,s,y\n1,p,1.5\n2,q,2.5\n3,p,3.5\n");
    midge_table *turned = table_of(&t, "y,s,z,a\n0,p,9,1\n0,r,9,2\n0,,9,\n");
    midge_table *without = table_of(&t, "s,y\np,1\n");
    midge_table *wrong = table_of(&t, "a,s,y\nx,p,1\n");
    midge_table *empty = table_of(&t, "a,s\n1,\n2,\n");
    midge_encoder *e;
    midge_error err;
    float x[9], y[9], label[3];
    assert_int_equal(fit_on(&t, table, "y", 3, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_features(e, table, all_rows(), 3, x, NULL),
                     MIDGE_OK);
    assert_int_equal(midge_encoder_features(e, turned, all_rows(), 3, y, NULL),
                     MIDGE_OK);
    assert_memory_equal(x, y, 3 * sizeof(float));
    assert_true(y[3] == x[3] && y[4] == 0.0f && y[5] == 0.0f);
    assert_true(y[6] == 0.0f && y[7] == 0.0f && y[8] == 0.0f); /* the mean */
    assert_int_equal(midge_encoder_features(e, empty, all_rows(), 2, y, NULL),
                     MIDGE_OK);
    assert_true(y[1] == 0.0f && y[2] == 0.0f && y[4] == 0.0f && y[5] == 0.0f);
    assert_int_equal(midge_encoder_features(e, without, all_rows(), 1, y, &err),
                     MIDGE_E_MISMATCH);
    assert_non_null(strstr(err.text, "no column named 'a'"));
    assert_int_equal(midge_encoder_features(e, wrong, all_rows(), 1, y, &err),
                     MIDGE_E_MISMATCH);
    assert_non_null(strstr(err.text, "'a' must be numbers"));
    assert_int_equal(
        midge_encoder_targets(e, empty, all_rows(), 1, y, label, &err),
        MIDGE_E_MISMATCH);
    assert_int_equal(midge_encoder_features(e, table, all_rows(), 4, x, &err),
                     MIDGE_E_INVALID);
    midge_encoder_free(e);
    midge_table_free(table);
    midge_table_free(turned);
    midge_table_free(without);
    midge_table_free(wrong);
    midge_table_free(empty);
    assert_int_equal(t.held_bytes, 0);
}

static void far_values_stay_finite(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_table *table =
        table_of(&t, "a,y\n0,0.5\n1,1.5\n0,2.5\n3e38,1\n-3e38,1\n1e5,1\n");
    midge_encoder *e;
    float x[6];
    assert_int_equal(fit_on(&t, table, "y", 3, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_features(e, table, all_rows(), 6, x, NULL),
                     MIDGE_OK);
    assert_true(x[3] == 1e6f && x[4] == -1e6f && x[5] < 1e6f && x[5] > 1e5f);
    midge_encoder_free(e);
    assert_int_equal(fit_on(&t, table, "y", 6, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_features(e, table, all_rows(), 6, x, NULL),
                     MIDGE_OK);
    for (int i = 0; i < 6; i++) {
        assert_true(fabsf(x[i]) <= 1e6f);
    }
    midge_encoder_free(e);
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

/* A 4 x 4 array of bytes: one centre and scale for all columns that are used.
 */
static void arrays_share_a_scale(void **state) {
    struct test_env t;
    test_env_init(&t);
    static const unsigned char cells[] = {10, 5, 200, 0, 20, 5, 100, 1,
                                          30, 5, 50,  0, 40, 5, 250, 1};
    char file[128 + sizeof cells];
    memset(file, ' ', 128);
    memcpy(file, "\x93NUMPY\x01\x00\x76\x00", 10);
    const char *head =
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 4), }";
    memcpy(file + 10, head, strlen(head));
    file[127] = '\n';
    memcpy(file + 128, cells, sizeof cells);
    midge_table *table;
    midge_encoder *e;
    assert_int_equal(midge_table_read(&t.env, file, sizeof file, &table, NULL),
                     MIDGE_OK);
    assert_int_equal(fit_on(&t, table, "-1", 4, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_problem(e), MIDGE_PROBLEM_CLASSIFY);
    assert_string_equal(midge_encoder_dropped(e, 0), "c1");
    float x[8];
    assert_int_equal(midge_encoder_features(e, table, all_rows(), 4, x, NULL),
                     MIDGE_OK);
    double mean = (10 + 20 + 30 + 40 + 200 + 100 + 50 + 250) / 8.0, squares = 0;
    for (int i = 0; i < 16; i++) {
        squares += i % 2 == 0 ? pow(cells[i] - mean, 2) / 8 : 0;
    }
    for (int i = 0; i < 8; i++) {
        assert_true(near(x[i], (cells[2 * i] - mean) / sqrt(squares)));
    }
    midge_encoder_free(e);
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

static void every_allocation_may_fail(void **state) {
    struct test_env t;
    midge_status status;
    long fail_at = 0;
    do {
        test_env_init(&t);
        midge_table *table = table_of(&t, birds_csv);
        size_t held = t.held_bytes;
        midge_encoder *e;
        t.calls = 0;
        t.fail_at = ++fail_at;
        status = fit_on(&t, table, "Species", BIRDS, &e, NULL);
        assert_int_equal(status, t.calls < fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        assert_true(status == MIDGE_OK || t.held_bytes == held);
        midge_encoder_free(e);
        midge_table_free(table);
        assert_int_equal(t.held_bytes, 0);
    } while (status != MIDGE_OK);
    assert_true(fail_at > 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(birds_by_species),
        cmocka_unit_test(birds_by_mass),
        cmocka_unit_test(when_numbers_are_classes),
        cmocka_unit_test(a_part_is_the_same_problem),
        cmocka_unit_test(too_many_categories),
        cmocka_unit_test(what_cannot_be_learned),
        cmocka_unit_test(other_tables),
        cmocka_unit_test(far_values_stay_finite),
        cmocka_unit_test(arrays_share_a_scale),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
