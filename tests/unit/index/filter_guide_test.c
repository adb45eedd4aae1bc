/* filter_guide_test.c: the examples of docs/guide/filters.md. A block of json
 * has a row a line; a block of filters has a filter a line and behind # the
 * rows that pass, or the error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "midge/index.h"
#include "test_env.h"

static const char *guide_path;

static midge_index *make_index(const midge_env *env) {
    static const struct {
        const char *name;
        midge_column_kind kind;
    } columns[] = {{"title", MIDGE_META_STRING}, {"lang", MIDGE_META_STRING},
                   {"year", MIDGE_META_INT},     {"score", MIDGE_META_FLOAT},
                   {"draft", MIDGE_META_BOOL},   {"tag", MIDGE_META_SET}};
    midge_index_options options = MIDGE_INDEX_DEFAULTS;
    midge_index *index;
    options.dim = 1;
    assert_int_equal(midge_index_new(env, &options, &index, NULL), MIDGE_OK);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        assert_int_equal(midge_index_column_add(index, columns[i].name,
                                                columns[i].kind, NULL),
                         MIDGE_OK);
    }
    return index;
}

static void add_row(midge_index *index, const midge_env *env,
                    const char *line) {
    static const float vector = 1.0f;
    midge_arena arena;
    midge_arena_init(&arena, env, 0);
    const midge_json *object;
    midge_error err;
    assert_int_equal(midge_json_read(&arena, line, strlen(line), &object, NULL),
                     MIDGE_OK);
    midge_rows rows = {.count = 1, .vectors = &vector, .metadata = &object};
    if (midge_index_add(index, &rows, NULL, &err) != MIDGE_OK) {
        fail_msg("%s: %s", line, err.text);
    }
    midge_arena_deinit(&arena);
}

static void run_example(const midge_index *index, char *line) {
    char *want = strstr(line, "  # ");
    midge_filter *filter;
    midge_error err;
    char got[400] = "";
    assert_non_null(want);
    *want = '\0';
    want += 4;
    size_t size = strlen(line);
    while (size > 0 && line[size - 1] == ' ') {
        size--;
    }
    if (midge_filter_new(index, line, size, &filter, &err) != MIDGE_OK) {
        assert_string_equal(err.text, want);
        return;
    }
    for (uint32_t row = 0; midge_index_has_row(index, row); row++) {
        if (midge_filter_matches(filter, row)) {
            (void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s%u",
                           got[0] ? " " : "", row);
        }
    }
    if (strcmp(got[0] ? got : "none", want) != 0) {
        fail_msg("%.*s\nguide: %s, got: %s", (int)size, line, want, got);
    }
    midge_filter_free(filter);
}

static void examples_are_true(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    midge_index *index = make_index(&t.env);
    FILE *guide = fopen(guide_path, "r");
    assert_non_null(guide);
    char line[1000], block[20] = "";
    int n_rows = 0, n_examples = 0;
    while (fgets(line, sizeof line, guide)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "```", 3) == 0) {
            (void)snprintf(block, sizeof block, "%.10s", line + 3);
        } else if (strcmp(block, "json") == 0) {
            add_row(index, &t.env, line);
            n_rows++;
        } else if (strcmp(block, "filters") == 0) {
            run_example(index, line);
            n_examples++;
        }
    }
    (void)fclose(guide);
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
    assert_int_equal(n_rows, 5);
    assert_true(n_examples > 40);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_are_true)};
    if (argc != 2) {
        return 2;
    }
    guide_path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
