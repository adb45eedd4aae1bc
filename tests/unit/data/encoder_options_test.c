/* encoder_options_test.c: scales against their definitions, with quantiles from
 * sorted copies; what stands in for missing cells, and that they are refused.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "encoder_fixture.h"

enum { ROWS = 61 };

static int near(float a, double b) {
    return fabs((double)a - b) <= 1e-5 * (1 + fabs(b));
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Of what is not NaN; as R does by default. */
static double plain_quantile(const float *values, size_t n, double share) {
    float sorted[4 * ROWS];
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i])) {
            sorted[m++] = values[i];
        }
    }
    qsort(sorted, m, sizeof *sorted, compare);
    double at = share * (double)(m - 1);
    size_t low = (size_t)floor(at), high = (size_t)ceil(at);
    return (double)sorted[low] +
           (at - floor(at)) * ((double)sorted[high] - (double)sorted[low]);
}

static midge_status fit_with(struct test_env *t, const midge_table *table,
                             const char *target, size_t n,
                             midge_encoder_options options, midge_encoder **out,
                             midge_error *err) {
    size_t column = (size_t)midge_table_find_column(table, target);
    return midge_encoder_fit(&t->env, table, column, all_rows(), n, &options,
                             out, err);
}

/* Columns a (with holes), b, y: numbers of both signs. */
static midge_table *random_table(struct test_env *t, mdg_rng *rng) {
    char csv[16384];
    size_t at = (size_t)sprintf(csv, "a,b,y\n");
    for (int r = 0; r < ROWS; r++) {
        int hole = mdg_rng_below(rng, 5) == 0;
        at += (size_t)sprintf(csv + at, hole ? "NA" : "%.7g",
                              (double)mdg_rng_normal(rng));
        at += (size_t)sprintf(csv + at, ",%u,%.7g\n", mdg_rng_below(rng, 9),
                              10.0 + (double)mdg_rng_normal(rng));
    }
    return table_of(t, csv);
}

static void plain_scale(const float *v, size_t n, midge_scale kind,
                        double *centre, double *scale) {
    double sum = 0, squares = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        sum += isnan(v[i]) ? 0 : (double)v[i];
        count += !isnan(v[i]);
    }
    for (size_t i = 0; i < n; i++) {
        squares += isnan(v[i]) ? 0 : pow((double)v[i] - sum / count, 2);
    }
    *centre = kind == MIDGE_SCALE_NONE       ? 0
              : kind == MIDGE_SCALE_STANDARD ? sum / count
              : kind == MIDGE_SCALE_MIN_MAX  ? plain_quantile(v, n, 0)
                                             : plain_quantile(v, n, 0.5);
    *scale =
        kind == MIDGE_SCALE_NONE       ? 1
        : kind == MIDGE_SCALE_STANDARD ? sqrt(squares / count)
        : kind == MIDGE_SCALE_MIN_MAX
            ? plain_quantile(v, n, 1) - *centre
            : (plain_quantile(v, n, 0.75) - plain_quantile(v, n, 0.25)) / 1.349;
}

static void check_scales(struct test_env *t, const midge_table *table,
                         midge_scale kind, midge_missing missing) {
    midge_encoder *e;
    float x[ROWS * 2], y[ROWS];
    midge_encoder_options options = {kind, kind, missing};
    assert_int_equal(fit_with(t, table, "y", ROWS, options, &e, NULL),
                     MIDGE_OK);
    assert_int_equal(
        midge_encoder_features(e, table, all_rows(), ROWS, x, NULL), MIDGE_OK);
    assert_int_equal(
        midge_encoder_targets(e, table, all_rows(), ROWS, y, NULL, NULL),
        MIDGE_OK);
    for (size_t c = 0; c < 3; c++) {
        const float *v = midge_table_numbers(table, c);
        double centre, scale, mean, deviation;
        plain_scale(v, ROWS, kind, &centre, &scale);
        plain_scale(v, ROWS, MIDGE_SCALE_STANDARD, &mean, &deviation);
        double fill = missing == MIDGE_MISSING_MEDIAN
                          ? plain_quantile(v, ROWS, 0.5)
                          : mean;
        for (size_t r = 0; r < ROWS; r++) {
            double is = isnan(v[r]) ? fill : (double)v[r];
            float made = c < 2 ? x[r * 2 + c] : y[r];
            assert_true(near(made, (is - centre) / scale));
        }
    }
    for (size_t r = 0; r < ROWS; r++) {
        assert_true(near(midge_encoder_unscale(e, y[r]),
                         (double)midge_table_numbers(table, 2)[r]));
    }
    midge_encoder_free(e);
}

static void scales_by_definition(void **state) {
    struct test_env t;
    mdg_rng rng;
    test_env_init(&t);
    mdg_rng_seed(&rng, 2);
    for (int round = 0; round < 20; round++) {
        midge_table *table = random_table(&t, &rng);
        for (int kind = 0; kind <= MIDGE_SCALE_ROBUST; kind++) {
            check_scales(&t, table, (midge_scale)kind, MIDGE_MISSING_MEAN);
            check_scales(&t, table, (midge_scale)kind, MIDGE_MISSING_MEDIAN);
        }
        midge_table_free(table);
    }
    assert_int_equal(t.held_bytes, 0);
}

/* Quartiles that are the same must not divide by 0. */
static void mostly_one_value(void **state) {
    struct test_env t;
    midge_encoder *e;
    float x[8];
    test_env_init(&t);
    midge_table *table =
        table_of(&t, "a,y\n5,x\n5,y\n5,x\n5,y\n5,x\n5,y\n5,x\n9,y\n");
    midge_encoder_options options = {.scale = MIDGE_SCALE_ROBUST};
    assert_int_equal(fit_with(&t, table, "y", 8, options, &e, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_features(e, table, all_rows(), 8, x, NULL),
                     MIDGE_OK);
    assert_true(x[0] == 0.0f && near(x[7], 4.0 / sqrt(1.75)));
    midge_encoder_free(e);
    midge_table_free(table);
}

static void write_and_read(struct test_env *t, midge_encoder **e) {
    midge_buf bytes;
    midge_buf_init(&bytes, &t->env, 0);
    assert_int_equal(midge_encoder_write(*e, &bytes), MIDGE_OK);
    midge_encoder_free(*e);
    assert_int_equal(
        midge_encoder_read(&t->env, bytes.data, bytes.size, e, NULL), MIDGE_OK);
    midge_buf_deinit(&bytes);
}

/* When fitting, later on, and after a file. Columns that are left out do not
 * matter. */
static void missing_cells_are_refused(void **state) {
    struct test_env t;
    midge_error err;
    midge_encoder *e;
    float x[8];
    test_env_init(&t);
    midge_encoder_options options = {MIDGE_SCALE_STANDARD, MIDGE_SCALE_STANDARD,
                                     MIDGE_MISSING_REFUSE};
    midge_table *birds = table_of(&t, birds_csv);
    assert_int_equal(fit_with(&t, birds, "Species", BIRDS, options, &e, &err),
                     MIDGE_E_INVALID);
    assert_string_equal(err.text, "row 14 of the data has no 'Island', and "
                                  "missing cells are refused");
    midge_table_free(birds);
    midge_table *table =
        table_of(&t, "n,s,none,y\n1,a,,0\n2,b,,1\n3,a,,0\n,b,,1\n5,,,0\n");
    assert_int_equal(fit_with(&t, table, "y", 4, options, &e, &err),
                     MIDGE_E_INVALID);
    assert_non_null(strstr(err.text, "row 4 of the data has no 'n'"));
    assert_int_equal(fit_with(&t, table, "y", 3, options, &e, NULL), MIDGE_OK);
    for (int file = 0; file < 2; file++) {
        uint32_t rows[] = {2, 3, 4};
        assert_int_equal(midge_encoder_features(e, table, rows, 1, x, &err),
                         MIDGE_OK);
        assert_int_equal(midge_encoder_features(e, table, rows, 2, x, &err),
                         MIDGE_E_INVALID);
        assert_non_null(strstr(err.text, "row 4 of the data has no 'n'"));
        assert_int_equal(midge_encoder_features(e, table, rows + 2, 1, x, &err),
                         MIDGE_E_INVALID);
        assert_non_null(strstr(err.text, "row 5 of the data has no 's'"));
        write_and_read(&t, &e);
    }
    midge_encoder_free(e);
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

static void what_is_no_option(void **state) {
    struct test_env t;
    midge_encoder *e;
    test_env_init(&t);
    midge_table *table = table_of(&t, birds_csv);
    midge_encoder_options options = {.scale = MIDGE_SCALE_FANN};
    assert_int_equal(fit_with(&t, table, "Species", BIRDS, options, &e, NULL),
                     MIDGE_E_INVALID);
    options = (midge_encoder_options){.missing = (midge_missing)7};
    assert_int_equal(fit_with(&t, table, "Species", BIRDS, options, &e, NULL),
                     MIDGE_E_INVALID);
    assert_null(e);
    midge_table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales_by_definition),
        cmocka_unit_test(mostly_one_value),
        cmocka_unit_test(missing_cells_are_refused),
        cmocka_unit_test(what_is_no_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
