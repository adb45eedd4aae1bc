/* csv_test.c: every way in which a CSV file can be right or wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "midge/table.h"
#include "test_env.h"

/* Reads a copy of exactly `size` bytes, so that a sanitizer sees one more. */
static midge_status read_copy(struct test_env *t, const void *bytes,
                              size_t size, midge_table **out,
                              midge_error *err) {
    char *copy = calloc(size ? size : 1, 1);
    memcpy(copy, bytes, size);
    midge_status status = midge_table_read(&t->env, copy, size, out, err);
    free(copy);
    return status;
}

static midge_table *read_text(struct test_env *t, const char *text) {
    midge_table *table;
    midge_error err = {.text = ""};
    test_env_init(t);
    if (read_copy(t, text, strlen(text), &table, &err) != MIDGE_OK) {
        fail_msg("%s: %s", text, err.text);
    }
    return table;
}

static void end_text(struct test_env *t, midge_table *table) {
    midge_table_free(table);
    assert_int_equal(t->held_bytes, 0);
}

struct wrong {
    const char *text;
    int64_t line;
    int64_t column;
    const char *says;
};

static const struct wrong wrongs[] = {
    {"a,b\n1,2\n3\n", 3, -1, "has 1 cells, the header has 2"},
    {"a,b\n1,2\n3,4,5\n", 3, -1, "more than 2 cells"},
    {"a,b\n\n1,2\n\n3", 5, -1, "has 1 cells"},
    {"a,b\n1,\"x\n", 2, 2, "never closed"},
    {"a,b\n1,\"x\ny\"\n2,\"z", 4, 2, "never closed"},
    {"a,b\n\"x\"y,2\n", 2, 1, "behind a closing quote"},
    {"a,b\n1,2\r3,4\n", 2, 2, "carriage return"},
    {"a,b\n1,2\nnan,3\n", 3, 1, "finite"},
    {"a,b\n1,2\n3,-Inf\n", 3, 2, "finite"},
    {"a,b\n1,2\n\n3,Infinity\n", 4, 2, "finite"},
    {"a,b\n1,1e39\n", 2, 2, "finite"},
    {"a,b\n1,1e999\n", 2, 2, "finite"},
    {"a,b\n1,-.1e99\n", 2, 2, "finite"},
    {"a,b\n", -1, -1, "no rows"},
    {"a,b", -1, -1, "no rows"},
    {"a,b\n\n\r\n", -1, -1, "no rows"},
    {"\na,b\n1,2\n", 1, 1, "header"},
    {"\n\n", 1, 1, "header"},
    {"a,,c\n1,2,3\n", 1, 2, "no name"},
    {"a,\"\",c\n1,2,3\n", 1, 2, "no name"},
    {"a,b,a\n1,2,3\n", 1, 3, "twice"},
    {"a,b\n1,\xff\n", 2, -1, "not a text file"},
    {"a,b\n1,2\n\xc3", 3, -1, "not a text file"},
};

static void wrong_files_are_named(void **state) {
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        const struct wrong *w = &wrongs[i];
        struct test_env t;
        test_env_init(&t);
        midge_error err = {.text = ""};
        midge_table *table = (midge_table *)&t;
        midge_status status =
            read_copy(&t, w->text, strlen(w->text), &table, &err);
        if (status != MIDGE_E_PARSE || err.line != w->line ||
            err.column != w->column || !strstr(err.text, w->says)) {
            fail_msg("case %zu: %d, line %lld, column %lld: %s", i, status,
                     (long long)err.line, (long long)err.column, err.text);
        }
        assert_null(table);
        assert_int_equal(t.held_bytes, 0);
        assert_int_equal(err.status, MIDGE_E_PARSE);
        assert_null(strchr(err.text, '\n'));
        assert_int_equal(read_copy(&t, w->text, strlen(w->text), &table, NULL),
                         MIDGE_E_PARSE);
    }
}

static void what_is_no_table_at_all(void **state) {
    struct test_env t;
    test_env_init(&t);
    midge_table *table;
    midge_error err;
    assert_int_equal(read_copy(&t, "", 0, &table, &err), MIDGE_E_PARSE);
    assert_non_null(strstr(err.text, "empty"));
    assert_int_equal(read_copy(&t, "a,b\n1,2\0\n", 9, &table, &err),
                     MIDGE_E_PARSE);
    assert_int_equal(err.line, 2);
    assert_int_equal(
        midge_table_read(&t.env, "a", MIDGE_TABLE_BYTES_MAX + 1, &table, &err),
        MIDGE_E_LIMIT);
    assert_int_equal(midge_table_read(NULL, "a", 1, &table, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_table_read(&t.env, NULL, 1, &table, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_table_read(&t.env, "a", 1, NULL, &err),
                     MIDGE_E_INVALID);
    midge_table_free(NULL);
    assert_int_equal(t.held_bytes, 0);
}

static midge_status read_long(size_t names, size_t cell, midge_error *err) {
    struct test_env t;
    test_env_init(&t);
    midge_buf buf;
    midge_table *table;
    midge_buf_init(&buf, &t.env, 0);
    for (size_t i = 0; i < names; i++) {
        char name[8] = "c";
        for (size_t d = 1, v = i; d < 7; d++, v /= 10) {
            name[d] = (char)('0' + v % 10);
        }
        (void)midge_buf_puts(&buf, i ? "," : "");
        (void)midge_buf_puts(&buf, name);
    }
    (void)midge_buf_puts(&buf, "\n");
    for (size_t i = 0; i < cell; i++) {
        (void)midge_buf_puts(&buf, "x");
    }
    for (size_t i = 1; i < names; i++) {
        (void)midge_buf_puts(&buf, ",");
    }
    midge_status status =
        midge_table_read(&t.env, buf.data, buf.size, &table, err);
    if (status == MIDGE_OK) {
        assert_int_equal(midge_table_n_columns(table), names);
        assert_int_equal(strlen(midge_table_category(table, 0, 0)), cell);
    }
    midge_table_free(table);
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
    return status;
}

static void limits_hold(void **state) {
    midge_error err;
    assert_int_equal(read_long(MIDGE_TABLE_COLUMNS_MAX, 1, &err), MIDGE_OK);
    assert_int_equal(read_long(MIDGE_TABLE_COLUMNS_MAX + 1, 1, &err),
                     MIDGE_E_LIMIT);
    assert_int_equal(err.line, 1);
    assert_int_equal(read_long(2, 65536, &err), MIDGE_OK);
    assert_int_equal(read_long(2, 65537, &err), MIDGE_E_LIMIT);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 1);
}

static void assert_category(const midge_table *table, size_t column, size_t row,
                            const char *text) {
    const int32_t *cells = midge_table_categories(table, column);
    assert_non_null(cells);
    assert_string_equal(midge_table_category(table, column, (size_t)cells[row]),
                        text);
}

static void types_are_inferred(void **state) {
    struct test_env t;
    midge_table *table = read_text(&t, "n,s,mixed,none,nanny\n"
                                       "1,x,1,,nan\n"
                                       "-2.5e1,y,two,NA,1\n"
                                       "+3,x,3,null,b\n"
                                       "na,N/A,,n/A,\n"
                                       " 4 , y ,4,NULL,nan\n");
    const float nan = __builtin_nanf("");
    const float n[] = {1, -25, 3, nan, 4};
    assert_int_equal(midge_table_n_rows(table), 5);
    assert_int_equal(midge_table_n_columns(table), 5);
    assert_int_equal(midge_table_column_type(table, 0), MIDGE_COLUMN_NUMBER);
    for (size_t r = 0; r < 5; r++) {
        float v = midge_table_numbers(table, 0)[r];
        assert_true(n[r] == n[r] ? v == n[r] : v != v);
        assert_true(midge_table_numbers(table, 3)[r] !=
                    midge_table_numbers(table, 3)[r]);
    }
    assert_null(midge_table_categories(table, 0));
    assert_null(midge_table_numbers(table, 1));
    const int32_t s[] = {0, 1, 0, -1, 1};
    assert_memory_equal(midge_table_categories(table, 1), s, sizeof s);
    assert_int_equal(midge_table_n_categories(table, 1), 2);
    assert_string_equal(midge_table_category(table, 1, 1), "y");
    assert_null(midge_table_category(table, 1, 2));
    const int32_t mixed[] = {0, 1, 2, -1, 3};
    assert_memory_equal(midge_table_categories(table, 2), mixed, sizeof mixed);
    assert_category(table, 4, 0, "nan");
    assert_int_equal(midge_table_is_array(table), 0);
    assert_null(midge_table_numbers(table, 5));
    assert_null(midge_table_categories(table, 5));
    assert_null(midge_table_column_name(table, 5));
    end_text(&t, table);
}

static void numbers_in_every_form(void **state) {
    struct test_env t;
    midge_table *table = read_text(&t, "n\n7\n007\n.5\n5.\n-.5e1\n+1E+2\n"
                                       "-0\n1.e-2\n00.25\n3.5e0\n\"-8\"\n"
                                       "16777217\n1e-60\n-000\n");
    const float values[] = {7,     7,     0.5f, 5,  -5,       100, 0,
                            0.01f, 0.25f, 3.5f, -8, 16777216, 0,   0};
    assert_int_equal(midge_table_n_rows(table), 14);
    assert_int_equal(midge_table_column_type(table, 0), MIDGE_COLUMN_NUMBER);
    for (size_t r = 0; r < 14; r++) {
        assert_true(midge_table_numbers(table, 0)[r] == values[r]);
    }
    end_text(&t, table);
    const char *const texts[] = {".",     "-",    "+",   "e5",   "1e",  "1e+",
                                 "1.2.3", "--1",  "+-1", "0x10", "1,5", "1 2",
                                 ".e5",   "1e5.", "1f",  "-.",   "1_0", "$5"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[32] = "n;m\n1;2\n";
        strcat(text, texts[i]);
        strcat(text, ";3\n");
        table = read_text(&t, text);
        assert_int_equal(midge_table_column_type(table, 0), MIDGE_COLUMN_TEXT);
        assert_category(table, 0, 1, texts[i]);
        end_text(&t, table);
    }
}

static void quotes_as_in_the_rfc(void **state) {
    struct test_env t;
    midge_table *table = read_text(&t, "\"a,1\",\"b\"\"c\",d,e\n"
                                       "\"x\ny\",\"\"\"\",\"12\",NA\n"
                                       "\" x \",\"\",\"7\",\"NA\"\n"
                                       "a\"b,\"p,q\",,\"na\"\n");
    assert_string_equal(midge_table_column_name(table, 0), "a,1");
    assert_string_equal(midge_table_column_name(table, 1), "b\"c");
    assert_int_equal(midge_table_n_rows(table), 3);
    assert_category(table, 0, 0, "x\ny");
    assert_category(table, 0, 1, " x ");
    assert_category(table, 0, 2, "a\"b");
    assert_category(table, 1, 0, "\"");
    assert_int_equal(midge_table_categories(table, 1)[1], -1);
    assert_category(table, 1, 2, "p,q");
    assert_int_equal(midge_table_column_type(table, 2), MIDGE_COLUMN_NUMBER);
    assert_true(midge_table_numbers(table, 2)[0] == 12);
    assert_int_equal(midge_table_categories(table, 3)[0], -1);
    assert_category(table, 3, 1, "NA");
    assert_category(table, 3, 2, "na");
    end_text(&t, table);
}

/* The same table, written in many ways. */
static void ends_of_lines_marks_and_separators(void **state) {
    const char *const same[] = {
        "a,b\n1,x y\n2,z\n",
        "a,b\n1,x y\n2,z",
        "a,b\r\n1,x y\r\n2,z\r\n",
        "\xEF\xBB\xBF\x61,b\n1,x y\n2,z\n",
        "a;b\n1;x y\n2;z\n",
        "a\tb\n1\tx y\n2\tz\n",
        "a,b\n\n1,x y\n\r\n\n2,z\n\n",
        " a , b \n 1 , x y \n2,z",
        "\xEF\xBB\xBF\"a\";\"b\"\n1;x y\n2;z\n",
        "a,b\n\"1\",\"x y\"\n2,z",
        "\"a\";b\r\n\"1\";\"x y\"\r\n2;z",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct test_env t;
        midge_table *table = read_text(&t, same[i]);
        assert_int_equal(midge_table_n_columns(table), 2);
        assert_int_equal(midge_table_n_rows(table), 2);
        assert_string_equal(midge_table_column_name(table, 0), "a");
        assert_string_equal(midge_table_column_name(table, 1), "b");
        assert_true(midge_table_numbers(table, 0)[0] == 1);
        assert_true(midge_table_numbers(table, 0)[1] == 2);
        assert_category(table, 1, 0, "x y");
        assert_category(table, 1, 1, "z");
        end_text(&t, table);
    }
}

static void the_separator_is_outside_of_quotes(void **state) {
    struct test_env t;
    midge_table *table = read_text(&t, "\"a,b\";c\td\n1;2\n");
    assert_int_equal(midge_table_n_columns(table), 2);
    assert_string_equal(midge_table_column_name(table, 0), "a,b");
    assert_string_equal(midge_table_column_name(table, 1), "c\td");
    end_text(&t, table);
    table = read_text(&t, "5\" pipe,b;c\n1,2\n");
    assert_string_equal(midge_table_column_name(table, 0), "5\" pipe");
    assert_string_equal(midge_table_column_name(table, 1), "b;c");
    end_text(&t, table);
    table = read_text(&t, "one\n1\n\nNA\n\"\"\n2\n");
    assert_int_equal(midge_table_n_rows(table), 4);
    end_text(&t, table);
}

static void columns_are_found(void **state) {
    struct test_env t;
    midge_table *table = read_text(&t, "a,-1,c\n1,2,3\n");
    assert_int_equal(midge_table_find_column(table, "a"), 0);
    assert_int_equal(midge_table_find_column(table, "-1"), 1); /* a name */
    assert_int_equal(midge_table_find_column(table, "-2"), 1);
    assert_int_equal(midge_table_find_column(table, "-3"), 0);
    const char *const none[] = {
        "-4", "-0", "-", "", "A", "-1x", "0", "1", "-99999999999999999999",
        NULL};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(midge_table_find_column(table, none[i]), -1);
    }
    end_text(&t, table);
    table = read_text(&t, "a,b,c\n1,2,3\n");
    assert_int_equal(midge_table_find_column(table, "-1"), 2);
    end_text(&t, table);
}

static const char rich[] = "\xEF\xBB\xBFn,\"s \"\"q\"\"\",t\r\n"
                           "1,caf\xC3\xA9,\"a\nb\"\r\n\n"
                           "NA,\xF0\x9F\xA6\x97,x\n-2e3,,\"\"\n";

static void cut_at_every_byte(void **state) {
    struct test_env t;
    test_env_init(&t);
    size_t taken = 0;
    for (size_t size = 0; size < sizeof rich - 1; size++) {
        midge_table *table;
        midge_error err = {.text = ""};
        midge_status status = read_copy(&t, rich, size, &table, &err);
        assert_true(status == MIDGE_OK || status == MIDGE_E_PARSE);
        assert_true((status == MIDGE_OK) == (table != NULL));
        assert_true((status == MIDGE_OK) == (err.text[0] == '\0'));
        taken += status == MIDGE_OK;
        midge_table_free(table);
        assert_int_equal(t.held_bytes, 0);
    }
    assert_true(taken > 3);
}

static void every_allocation_may_fail(void **state) {
    struct test_env t;
    midge_status status;
    long fail_at = 0;
    do {
        midge_table *table;
        test_env_init(&t);
        t.fail_at = ++fail_at;
        status = read_copy(&t, rich, sizeof rich - 1, &table, NULL);
        assert_int_equal(status, t.calls < fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        midge_table_free(table);
        assert_int_equal(t.held_bytes, 0);
    } while (status != MIDGE_OK);
    assert_true(fail_at > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files_are_named),
        cmocka_unit_test(what_is_no_table_at_all),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(types_are_inferred),
        cmocka_unit_test(numbers_in_every_form),
        cmocka_unit_test(quotes_as_in_the_rfc),
        cmocka_unit_test(ends_of_lines_marks_and_separators),
        cmocka_unit_test(the_separator_is_outside_of_quotes),
        cmocka_unit_test(columns_are_found),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
