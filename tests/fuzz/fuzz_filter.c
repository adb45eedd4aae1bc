/* fuzz_filter.c: any bytes as a filter over an index with a column of each
 * kind. A filter that is taken gives the same for one row and for runs of rows;
 * so does its negation, true for no row that the filter is true for; and both
 * say the same after words came that were not there when they were made.
 */
#include "fuzz_support.h"
#include "index/filter.h"
#include "midge/index.h"

#define FIRST_ROWS 70
#define ALL_ROWS   150

static void add_rows(midge_index *index, const midge_env *env, int first,
                     int end) {
    static const float vector[2] = {1.0f, 2.0f};
    static const char *const texts[] = {"a", "b", "en", "", "mid", "\xc3\xa4"};
    for (int i = first; i < end; i++) {
        char text[300];
        int size = snprintf(
            text, sizeof text,
            "{\"year\":%s,\"score\":%s,\"lang\":%s%s%s,\"draft\":%s,"
            "\"tag\":[\"%s\",\"t%d\"]}",
            i % 7 ? "2020" : "null", i % 5 ? "-0.5" : "3",
            i % 3 ? "\"" : "null", i % 3 ? texts[i % 6] : "", i % 3 ? "\"" : "",
            i % 4 ? "true" : "null", texts[i % 5], i % 40);
        midge_arena arena;
        midge_arena_init(&arena, env, 0);
        const midge_json *object;
        FUZZ_CHECK(midge_json_read(&arena, text, (size_t)size, &object, NULL) ==
                   MIDGE_OK);
        midge_rows rows = {.count = 1, .vectors = vector, .metadata = &object};
        FUZZ_CHECK(midge_index_add(index, &rows, NULL, NULL) == MIDGE_OK);
        midge_arena_deinit(&arena);
    }
}

static midge_index *make_index(const midge_env *env) {
    midge_index_options options = MIDGE_INDEX_DEFAULTS;
    options.dim = 2;
    options.kind = MIDGE_INDEX_FLAT;
    midge_index *index;
    FUZZ_CHECK(midge_index_new(env, &options, &index, NULL) == MIDGE_OK);
    static const char *const names[] = {"year", "score", "lang", "draft",
                                        "tag"};
    for (int kind = 0; kind < 5; kind++) {
        FUZZ_CHECK(midge_index_column_add(index, names[kind],
                                          (midge_column_kind)kind,
                                          NULL) == MIDGE_OK);
    }
    add_rows(index, env, 0, FIRST_ROWS);
    return index;
}

static midge_filter *make_filter(const midge_index *index, const char *text,
                                 size_t size) {
    midge_filter *filter;
    midge_error err = {0};
    midge_status status = midge_filter_new(index, text, size, &filter, &err);
    FUZZ_CHECK((status == MIDGE_OK) == (filter != NULL));
    FUZZ_CHECK(status == MIDGE_OK || status == MIDGE_E_PARSE ||
               status == MIDGE_E_NOT_FOUND || status == MIDGE_E_MISMATCH ||
               status == MIDGE_E_LIMIT);
    fuzz_check_error(status, &err);
    FUZZ_CHECK(status == MIDGE_OK || err.offset <= (int64_t)size);
    return filter;
}

static void check_rows(const midge_filter *filter) {
    uint64_t bits[(ALL_ROWS + 63) / 64];
    mdg_filter_rows(filter, 0, ALL_ROWS, bits);
    for (uint32_t row = 0; row < ALL_ROWS; row++) {
        FUZZ_CHECK((int)(bits[row / 64] >> row % 64 & 1) ==
                   midge_filter_matches(filter, row));
    }
}

static midge_filter *make_opposite(const midge_index *index, const char *text,
                                   size_t size) {
    char *opposite = malloc(size + 8);
    FUZZ_CHECK(opposite != NULL);
    memcpy(opposite, "not (", 5);
    memcpy(opposite + 5, text, size);
    memcpy(opposite + 5 + size, ")", 1);
    midge_filter *filter = make_filter(index, opposite, size + 6);
    free(opposite);
    return filter; /* NULL when it is too deep now */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_index *index = make_index(&env);
    char *text = malloc(size ? size : 1); /* reading on is seen by ASan */
    FUZZ_CHECK(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    midge_filter *filter = make_filter(index, text, size);
    midge_filter *opposite = filter ? make_opposite(index, text, size) : NULL;
    if (filter) {
        check_rows(filter);
        add_rows(index, &env, FIRST_ROWS, ALL_ROWS);
        check_rows(filter);
        midge_filter *later = make_filter(index, text, size);
        for (uint32_t row = 0; row < ALL_ROWS; row++) {
            int matches = midge_filter_matches(filter, row);
            FUZZ_CHECK(matches == midge_filter_matches(later, row));
            FUZZ_CHECK(!opposite || !matches ||
                       !midge_filter_matches(opposite, row));
        }
        midge_filter_free(later);
    }
    midge_filter_free(filter);
    midge_filter_free(opposite);
    midge_index_free(index);
    free(text);
    return 0;
}
