/* filter_test.c: filters against the naive answer of filter_model.h, row by row
 * and in runs; while words come and are renumbered; errors and limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "filter_model.h"
#include "index/filter.h"
#include "midge/json.h"
#include "test_env.h"

enum { N_ROWS = 1500, N_ASKED = 1700, N_FILTERS = 3000 };

struct world {
    struct test_env t;
    mdg_columns columns;
    struct row rows[N_ASKED]; /* those from n_rows on have nothing */
    uint32_t n_rows;
    mdg_rng rng;
};

static uint32_t draw(struct world *w, uint32_t n) {
    return mdg_rng_below(&w->rng, n);
}

/* ---- Rows ---------------------------------------------------------------- */

static void put_row(struct world *w, uint32_t at) {
    midge_buf buf;
    midge_json_writer writer;
    midge_arena arena;
    const midge_json *object;
    midge_buf_init(&buf, &w->t.env, 0);
    midge_arena_init(&arena, &w->t.env, 0);
    midge_json_writer_init(&writer, &buf, 0);
    write_row(&writer, &w->rows[at]);
    assert_int_equal(midge_json_writer_end(&writer), MIDGE_OK);
    assert_int_equal(midge_json_read(&arena, buf.data, buf.size, &object, NULL),
                     MIDGE_OK);
    uint32_t places = at >= w->n_rows ? at + 1 : w->n_rows;
    assert_int_equal(mdg_columns_reserve(&w->columns, places), MIDGE_OK);
    assert_int_equal(mdg_columns_prepare(&w->columns, object, NULL), MIDGE_OK);
    mdg_columns_set(&w->columns, at, object);
    midge_arena_deinit(&arena);
    midge_buf_deinit(&buf);
    w->n_rows = at >= w->n_rows ? at + 1 : w->n_rows;
}

static void init(struct world *w, uint32_t n_rows, uint32_t n_words) {
    static const midge_column_kind kinds[] = {MIDGE_META_INT, MIDGE_META_FLOAT,
                                              MIDGE_META_STRING,
                                              MIDGE_META_BOOL, MIDGE_META_SET};
    memset(w, 0, sizeof *w);
    test_env_init(&w->t);
    mdg_rng_seed(&w->rng, 5);
    mdg_columns_init(&w->columns, &w->t.env, 3);
    for (int i = 0; i < N_COLUMNS; i++) {
        assert_int_equal(
            mdg_columns_add(&w->columns, column_names[i], kinds[i], NULL),
            MIDGE_OK);
    }
    for (uint32_t i = 0; i < n_rows; i++) {
        draw_row(&w->rng, &w->rows[i], n_words);
        put_row(w, i);
    }
}

static void deinit(struct world *w) {
    mdg_columns_deinit(&w->columns);
    assert_int_equal(w->t.held_bytes, 0);
}

static midge_filter *filter_of(struct world *w, const char *text) {
    midge_filter *filter;
    midge_error err;
    if (mdg_filter_make(&w->t.env, &w->columns, text, strlen(text), &filter,
                        &err) != MIDGE_OK) {
        fail_msg("%s\n%s", text, err.text);
    }
    return filter;
}

/* ---- Against the naive answer -------------------------------------------- */

static void check(struct world *w, const midge_filter *filter,
                  const struct expression *e, const char *text) {
    uint64_t bits[(N_ASKED + 63) / 64];
    uint32_t first = draw(w, 4) ? 0 : 64 * draw(w, 20);
    uint32_t count = draw(w, 2) ? N_ASKED - first : draw(w, N_ASKED - first);
    memset(bits, 0xa5, sizeof bits);
    mdg_filter_rows(filter, first, count, bits);
    for (uint32_t i = 0; i < (count + 63) / 64 * 64; i++) {
        int want = i < count && value_of(e, &w->rows[first + i]) == YES;
        int got = (int)(bits[i / 64] >> i % 64 & 1);
        if (got != want ||
            (i < count && mdg_filter_passes(filter, first + i) != want)) {
            fail_msg("row %u: want %d, got %d in a run, filter:\n%s", first + i,
                     want, got, text);
        }
    }
}

static void filters_are_as_the_naive_answer(void **state) {
    (void)state;
    struct world *w = malloc(sizeof *w);
    struct printer *p = calloc(1, sizeof *p);
    init(w, N_ROWS, N_WORDS);
    mdg_rng_seed(&p->rng, 11);
    for (int i = 0; i < N_FILTERS; i++) {
        struct expression *e = print_filter(p);
        midge_filter *filter = filter_of(w, p->text);
        check(w, filter, e, p->text);
        midge_filter_free(filter);
    }
    deinit(w);
    free(p);
    free(w);
}

/* Moves the rows to other places and drops some: words that none has any more
 * go, and the others get other numbers. */
static void renumber(struct world *w) {
    static uint32_t new_of[N_ASKED];
    static struct row rows[N_ASKED];
    uint32_t left = 0;
    memset(rows, 0, sizeof rows);
    for (uint32_t row = w->n_rows; row-- > 0;) {
        int goes = w->rows[row].lang < 3 || (w->rows[row].tag & 21);
        new_of[row] = goes ? UINT32_MAX : left;
        if (!goes) {
            rows[left++] = w->rows[row];
        }
    }
    mdg_mover mover;
    assert_int_equal(mdg_columns_movable(&w->columns, w->n_rows), MIDGE_OK);
    assert_int_equal(mdg_mover_init(&mover, &w->t.env, new_of, w->n_rows, 8),
                     MIDGE_OK);
    mdg_columns_renumber(&w->columns, &mover, left);
    mdg_mover_deinit(&mover);
    memcpy(w->rows, rows, sizeof rows);
    w->n_rows = left;
}

/* Filters made on few words (or none) stay true while words come and go. */
static void filters_outlive_changes(void **state) {
    (void)state;
    struct world *w = malloc(sizeof *w);
    struct printer *p = calloc(1, sizeof *p);
    mdg_rng_seed(&p->rng, 12);
    for (int i = 0; i < 60; i++) {
        init(w, (uint32_t)(i % 3) * 30, 1 + (uint32_t)i % 4);
        for (int j = 0; j < 10; j++) {
            struct expression *e = print_filter(p);
            midge_filter *filter = filter_of(w, p->text);
            check(w, filter, e, p->text);
            for (uint32_t n = 0; n < 20; n++) {
                uint32_t at = draw(w, w->n_rows + 10);
                draw_row(&w->rng, &w->rows[at], N_WORDS);
                put_row(w, at);
            }
            check(w, filter, e, p->text);
            renumber(w);
            check(w, filter, e, p->text);
            midge_filter_free(filter);
        }
        deinit(w);
    }
    free(p);
    free(w);
}

/* Column after column is copied, whatever is dropped from memory. */
static void lack_of_memory_is_told(void **state) {
    (void)state;
    static const char text[] = "year in (3, 1) and not (lang in (\"a\", \"b\") "
                               "or lang starts \"\\u0061\") or score < 2 or "
                               "tag all (\"a\") or \"b\" in tag and draft";
    struct world *w = malloc(sizeof *w);
    init(w, 50, N_WORDS);
    size_t held = w->t.held_bytes;
    int ran_through = 0;
    for (long n = 1; !ran_through; n++) {
        midge_filter *filter;
        midge_error err;
        w->t.calls = 0;
        w->t.fail_at = n;
        midge_status status = mdg_filter_make(&w->t.env, &w->columns, text,
                                              sizeof text - 1, &filter, &err);
        ran_through = w->t.calls < n;
        assert_int_equal(status, ran_through ? MIDGE_OK : MIDGE_E_NOMEM);
        assert_true((filter != NULL) == ran_through);
        midge_filter_free(filter);
        assert_int_equal(w->t.held_bytes, held);
    }
    deinit(w);
    free(w);
}

/* What 64 bits of mantissa do not tell apart, so that the oracle cannot. */
static void whole_numbers_are_compared_exactly(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t year;
        int passes;
    } cases[] = {
        {"year = -9223372036854775808.5", INT64_MIN, 0},
        {"year > -9223372036854775808.5", INT64_MIN, 1},
        {"year <= -9223372036854775808.5", INT64_MIN, 0},
        {"year > -9223372036854775808", INT64_MIN, 0},
        {"year >= -9223372036854775808", INT64_MIN, 1},
        {"year < 9223372036854775807.0000000000000000001", INT64_MAX, 1},
        {"year >= 9223372036854775807.0000000000000000001", INT64_MAX, 0},
        {"year = 9223372036854775807.000000000000000000", INT64_MAX, 1},
        {"year = 922337203685477580.7e1", INT64_MAX, 1},
        {"year = 9223372036854775807000e-3", INT64_MAX, 1},
        {"year < 9223372036854775808", INT64_MAX, 1},
        {"year = 3.0000000000000000000000000001", 3, 0},
        {"year > 2.9999999999999999999999999999", 3, 1},
        {"year = 0.000000000000000000000003e24", 3, 1},
        {"year = 0e99999999999", 0, 1},
        {"year > -1e-99999999999", 0, 1},
        {"year = 1e-99999999999", 0, 0},
    };
    struct world *w = malloc(sizeof *w);
    init(w, 1, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        w->rows[0] = (struct row){.has = {1}, .year = cases[i].year};
        put_row(w, 0);
        midge_filter *filter = filter_of(w, cases[i].text);
        if (midge_filter_matches(filter, 0) != cases[i].passes) {
            fail_msg("%s", cases[i].text);
        }
        midge_filter_free(filter);
    }
    deinit(w);
    free(w);
}

/* ---- Errors -------------------------------------------------------------- */

static void refused(struct world *w, const char *text, midge_status status,
                    int64_t offset, const char *part) {
    midge_filter *filter;
    midge_error err = {.offset = -1};
    midge_status got = mdg_filter_make(&w->t.env, &w->columns, text,
                                       strlen(text), &filter, &err);
    if (got != status || filter || err.offset != offset ||
        !strstr(err.text, part)) {
        fail_msg("%s\nstatus %d, offset %lld: %s", text, (int)got,
                 (long long)err.offset, err.text);
    }
}

static void errors_say_what_was_expected(void **state) {
    (void)state;
    struct world *w = malloc(sizeof *w);
    init(w, 5, 3);
    refused(w, "", MIDGE_E_PARSE, 0, "expected a column, found the end");
    refused(w, "lang =", MIDGE_E_PARSE, 6, "expected a literal, found the end");
    refused(w, "lang = en", MIDGE_E_PARSE, 7, "texts are in quotes");
    refused(w, "lnag = \"en\"", MIDGE_E_NOT_FOUND, 0,
            "no column \"lnag\"; did you mean \"lang\"?");
    refused(w, "true and Yaer > 1", MIDGE_E_NOT_FOUND, 9, "\"year\"?");
    refused(w, "colour = 1", MIDGE_E_NOT_FOUND, 0, "no column \"colour\"");
    refused(w, "year", MIDGE_E_PARSE, 4, "expected a comparison");
    refused(w, "year 3", MIDGE_E_PARSE, 5, "found 3");
    refused(w, "year = \"3\"", MIDGE_E_MISMATCH, 7, "\"year\" is an integer");
    refused(w, "lang = 3", MIDGE_E_MISMATCH, 7, "\"lang\" is a string");
    refused(w, "score = true", MIDGE_E_MISMATCH, 8, "compare it with a number");
    refused(w, "year = null", MIDGE_E_MISMATCH, 7, "write is null");
    refused(w, "year in (1, null)", MIDGE_E_MISMATCH, 12, "write is null");
    refused(w, "year starts 1", MIDGE_E_MISMATCH, 0, "use = !=");
    refused(w, "tag < \"a\"", MIDGE_E_MISMATCH, 0, "a set of strings");
    refused(w, "\"a\" in lang", MIDGE_E_MISMATCH, 7, "in needs a set");
    refused(w, "draft > true", MIDGE_E_MISMATCH, 0, "is a boolean");
    refused(w, "year in 1", MIDGE_E_PARSE, 8, "expected ( and a list");
    refused(w, "year in ()", MIDGE_E_PARSE, 9, "expected a literal");
    refused(w, "year in (1", MIDGE_E_PARSE, 10, "expected , or )");
    refused(w, "(draft", MIDGE_E_PARSE, 6, "expected and, or, or )");
    refused(w, "draft)", MIDGE_E_PARSE, 5, "expected and, or, or the end");
    refused(w, "draft year = 1", MIDGE_E_PARSE, 6, "or the end");
    refused(w, "year not 1", MIDGE_E_PARSE, 9, "expected in, all, starts");
    refused(w, "year is 1", MIDGE_E_PARSE, 8, "expected null");
    refused(w, "true not", MIDGE_E_PARSE, 8, "expected");
    refused(w, "lang = \"a", MIDGE_E_PARSE, 7, "does not end");
    refused(w, "lang = \"a\\", MIDGE_E_PARSE, 7, "does not end");
    refused(w, "lang = \"a\\q\"", MIDGE_E_PARSE, 9, "escapes are");
    refused(w, "lang = \"\\u12\"", MIDGE_E_PARSE, 8, "\\u code");
    refused(w, "lang = \"\\ud800\"", MIDGE_E_PARSE, 8, "\\u code");
    refused(w, "`lang = 1", MIDGE_E_PARSE, 0, "does not end");
    refused(w, "year = 1x", MIDGE_E_PARSE, 7, "not a number");
    refused(w, "year = 01", MIDGE_E_PARSE, 7, "not a number");
    refused(w, "score = 1e999", MIDGE_E_PARSE, 8, "beyond all doubles");
    refused(w, "year = ?", MIDGE_E_PARSE, 7, "means nothing");
    refused(w, "lang = \"\xff\"", MIDGE_E_PARSE, 8, "not UTF-8");
    midge_filter *filter;
    midge_error err;
    assert_int_equal(mdg_filter_make(&w->t.env, &w->columns,
                                     "draft and\n  yaer = 1", 20, &filter,
                                     &err),
                     MIDGE_E_NOT_FOUND);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 3);
    deinit(w);
    free(w);
}

static char *repeated(const char *part, size_t times, const char *end) {
    size_t size = strlen(part);
    char *text = malloc(size * times + strlen(end) + 1);
    for (size_t i = 0; i < times; i++) {
        memcpy(text + i * size, part, size);
    }
    memcpy(text + size * times, end, strlen(end) + 1);
    return text;
}

static void sizes_are_bounded(void **state) {
    (void)state;
    struct world *w = malloc(sizeof *w);
    init(w, 5, 3);
    char *text = repeated("(", 65, "draft");
    refused(w, text, MIDGE_E_LIMIT, 64, "more than 64 parentheses");
    free(text);
    char *closed = repeated(")", 64, "");
    text = repeated("(draft or year = 1 and ", 64, "true");
    text = realloc(text, strlen(text) + 65);
    memcpy(text + strlen(text), closed, 65);
    midge_filter *deep = filter_of(w, text);
    uint64_t bits;
    mdg_filter_rows(deep, 0, 5, &bits);
    for (uint32_t row = 0; row < 5; row++) {
        assert_int_equal(bits >> row & 1, mdg_filter_passes(deep, row));
        assert_int_equal(
            bits >> row & 1,
            (w->rows[row].has[DRAFT] && w->rows[row].draft) ||
                (w->rows[row].has[YEAR] && w->rows[row].year == 1));
    }
    midge_filter_free(deep);
    free(text);
    free(closed);
    text = repeated("draft or ", 4096, "draft");
    refused(w, text, MIDGE_E_LIMIT, 9 * 4096, "more than 4096 conditions");
    free(text);
    text = repeated("not ", (1 << 20) / 4, "draft");
    refused(w, text, MIDGE_E_LIMIT, -1, "at most 1048576");
    text[(1 << 20) - 8] = '\0';
    refused(w, text, MIDGE_E_PARSE, (1 << 20) - 8, "expected a column");
    free(text);
    text = repeated("1,", 200000, "3)");
    memcpy(text, "year in(1", 9);
    midge_filter *filter = filter_of(w, text);
    w->rows[0] = (struct row){.has = {1}, .year = 3};
    put_row(w, 0);
    assert_true(midge_filter_matches(filter, 0));
    midge_filter_free(filter);
    free(text);
    deinit(w);
    free(w);
}

/* The text may end anywhere: nothing is read behind it. */
static void cut_texts_are_refused_or_read(void **state) {
    (void)state;
    struct world *w = malloc(sizeof *w);
    struct printer *p = calloc(1, sizeof *p);
    init(w, 5, 3);
    mdg_rng_seed(&p->rng, 13);
    for (int i = 0; i < 100; i++) {
        (void)print_filter(p);
        for (size_t size = 0; size < p->size && size < 300; size++) {
            char *cut = malloc(size ? size : 1);
            memcpy(cut, p->text, size);
            midge_filter *filter;
            midge_error err = {.text = ""};
            midge_status status = mdg_filter_make(&w->t.env, &w->columns, cut,
                                                  size, &filter, &err);
            assert_true((status == MIDGE_OK) == (filter != NULL));
            assert_true(status == MIDGE_OK || err.text[0] != '\0');
            midge_filter_free(filter);
            free(cut);
        }
    }
    deinit(w);
    free(p);
    free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_are_as_the_naive_answer),
        cmocka_unit_test(filters_outlive_changes),
        cmocka_unit_test(whole_numbers_are_compared_exactly),
        cmocka_unit_test(lack_of_memory_is_told),
        cmocka_unit_test(errors_say_what_was_expected),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(cut_texts_are_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
