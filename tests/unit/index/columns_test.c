/* columns_test.c: what is put comes back; what does not fit is refused by name;
 * memory stays bounded.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "index/columns.h"
#include "midge/index.h"
#include "test_env.h"

struct world {
    struct test_env t;
    mdg_columns columns;
    midge_arena arena;
    midge_buf out;
};

static void init(struct world *w) {
    static const struct {
        const char *name;
        midge_column_kind kind;
    } all[] = {{"year", MIDGE_META_INT},
               {"score", MIDGE_META_FLOAT},
               {"lang", MIDGE_META_STRING},
               {"draft", MIDGE_META_BOOL},
               {"tag", MIDGE_META_SET}};
    memset(w, 0, sizeof *w);
    test_env_init(&w->t);
    mdg_columns_init(&w->columns, &w->t.env, 1);
    midge_arena_init(&w->arena, &w->t.env, 0);
    midge_buf_init(&w->out, &w->t.env, 0);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(
            mdg_columns_add(&w->columns, all[i].name, all[i].kind, NULL),
            MIDGE_OK);
    }
}

static void deinit(struct world *w) {
    mdg_columns_deinit(&w->columns);
    midge_arena_deinit(&w->arena);
    midge_buf_deinit(&w->out);
    assert_int_equal(w->t.held_bytes, 0);
}

static const midge_json *read_json(struct world *w, const char *text) {
    const midge_json *value;
    midge_arena_deinit(&w->arena);
    assert_int_equal(
        midge_json_read(&w->arena, text, strlen(text), &value, NULL), MIDGE_OK);
    return value;
}

static void put(struct world *w, uint32_t row, const char *text) {
    const midge_json *object = text ? read_json(w, text) : NULL;
    midge_error err;
    uint32_t n = w->columns.n_rows;
    assert_int_equal(mdg_columns_reserve(&w->columns, row >= n ? row + 1 : n),
                     MIDGE_OK);
    if (mdg_columns_prepare(&w->columns, object, &err) != MIDGE_OK) {
        fail_msg("%s: %s", text ? text : "nothing", err.text);
    }
    mdg_columns_set(&w->columns, row, object);
}

static const char *get(struct world *w, uint32_t row) {
    midge_json_writer writer;
    midge_buf_clear(&w->out);
    midge_json_writer_init(&writer, &w->out, 0);
    mdg_columns_write(&w->columns, row, &writer);
    assert_int_equal(midge_json_writer_end(&writer), MIDGE_OK);
    assert_int_equal(midge_buf_terminate(&w->out), MIDGE_OK);
    return w->out.data;
}

static void values_come_back(void **state) {
    (void)state;
    struct world w;
    init(&w);
    put(&w, 0, "{\"tag\":[\"b\",\"a\",\"b\"],\"year\":-9223372036854775808}");
    put(&w, 2, "{\"lang\":\"\",\"score\":3,\"draft\":false,\"tag\":[]}");
    put(&w, 3, "{\"year\":null,\"tag\":\"one\"}");
    put(&w, 5, NULL);
    put(&w, 4, "{\"score\":-0.5e-7,\"tag\":[\"a\",\"one\"]}");
    assert_string_equal(
        get(&w, 0), "{\"year\":-9223372036854775808,\"tag\":[\"a\",\"b\"]}");
    assert_string_equal(get(&w, 1), "{}");
    assert_string_equal(
        get(&w, 2), "{\"score\":3,\"lang\":\"\",\"draft\":false,\"tag\":[]}");
    assert_string_equal(get(&w, 3), "{\"tag\":[\"one\"]}");
    assert_string_equal(get(&w, 4),
                        "{\"score\":-5e-8,\"tag\":[\"a\",\"one\"]}");
    assert_string_equal(get(&w, 5), "{}");
    assert_string_equal(get(&w, 6), "{}"); /* there is no such row */
    put(&w, 2, "{\"draft\":true}");        /* all values are replaced */
    assert_string_equal(get(&w, 2), "{\"draft\":true}");
    assert_int_equal(mdg_columns_add(&w.columns, "late", MIDGE_META_BOOL, NULL),
                     MIDGE_OK);
    assert_string_equal(get(&w, 2), "{\"draft\":true}");
    put(&w, 2, "{\"late\":false}");
    assert_string_equal(get(&w, 2), "{\"late\":false}");
    deinit(&w);
}

static void refused(struct world *w, const char *text, midge_status status,
                    const char *part) {
    midge_error err = {.text = ""};
    const midge_json *object = read_json(w, text);
    midge_status got = mdg_columns_prepare(&w->columns, object, &err);
    if (got != status || !strstr(err.text, part)) {
        fail_msg("%s: %d %s", text, (int)got, err.text);
    }
}

static void what_does_not_fit_is_named(void **state) {
    (void)state;
    struct world w;
    init(&w);
    refused(&w, "{\"year\":1.0}", MIDGE_E_MISMATCH,
            "year is an integer, and this value is a number not written as");
    refused(&w, "{\"year\":\"1\"}", MIDGE_E_MISMATCH, "is a string");
    refused(&w, "{\"year\":true}", MIDGE_E_MISMATCH, "is true or false");
    refused(&w, "{\"year\":9223372036854775808}", MIDGE_E_MISMATCH, "year is");
    refused(&w, "{\"score\":\"x\"}", MIDGE_E_MISMATCH, "score is a number");
    refused(&w, "{\"lang\":[\"x\"]}", MIDGE_E_MISMATCH, "lang is a string");
    refused(&w, "{\"draft\":1}", MIDGE_E_MISMATCH, "draft is a boolean");
    refused(&w, "{\"tag\":[\"a\",3]}", MIDGE_E_MISMATCH,
            "an element is an int");
    refused(&w, "{\"tag\":{\"a\":3}}", MIDGE_E_MISMATCH, "tag is a set");
    refused(&w, "{\"yaer\":3}", MIDGE_E_NOT_FOUND, "did you mean \"year\"?");
    refused(&w, "{\"colour\":3}", MIDGE_E_NOT_FOUND,
            "no column \"colour\"; columns are added to the index before");
    refused(&w, "{\"colour\":null}", MIDGE_E_NOT_FOUND, "colour");
    refused(&w, "[1]", MIDGE_E_MISMATCH, "an object is needed");
    deinit(&w);
}

/* JSON has no such numbers, but a program that makes a midge_json may. */
static void numbers_are_finite(void **state) {
    (void)state;
    static const double bad[] = {(double)INFINITY, -(double)INFINITY,
                                 (double)NAN};
    const float vectors[] = {1.0f, 2.0f};
    midge_index_options options = MIDGE_INDEX_DEFAULTS;
    midge_index *index;
    struct test_env t;
    test_env_init(&t);
    options.dim = 1;
    assert_int_equal(midge_index_new(&t.env, &options, &index, NULL), MIDGE_OK);
    assert_int_equal(
        midge_index_column_add(index, "score", MIDGE_META_FLOAT, NULL),
        MIDGE_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        midge_error err = {.text = ""};
        const midge_json score = {.type = MIDGE_JSON_DOUBLE,
                                  .key = "score",
                                  .key_size = 5,
                                  .number = bad[i]};
        midge_json object = {.type = MIDGE_JSON_OBJECT, .count = 1};
        object.child = (midge_json *)(uintptr_t)&score;
        const midge_json *const metadata[] = {NULL, &object};
        const midge_rows rows = {
            .count = 2, .vectors = vectors, .metadata = metadata};
        assert_int_equal(midge_index_add(index, &rows, NULL, &err),
                         MIDGE_E_INVALID);
        assert_string_equal(err.text, "row 1: metadata: score is not finite");
        midge_index_info info;
        midge_index_info_get(index, &info);
        assert_int_equal(info.count, 0);
    }
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
}

static void names_are_checked(void **state) {
    (void)state;
    struct world w;
    init(&w);
    static const char *const bad[] = {"",    "1a",  "a b",  "-a",    ".a",
                                      "a=b", "a\n", "\xff", "a\xc3", "a`"};
    static const char *const good[] = {"_", "a.b-c_9", "\xc3\xa4ra", "Year"};
    midge_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(
            mdg_columns_add(&w.columns, bad[i], MIDGE_META_INT, &err),
            MIDGE_E_INVALID);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(
            mdg_columns_add(&w.columns, good[i], MIDGE_META_INT, &err),
            MIDGE_OK);
        assert_int_equal(mdg_columns_find(&w.columns, good[i], strlen(good[i])),
                         5 + i);
    }
    assert_int_equal(mdg_columns_add(&w.columns, "year", MIDGE_META_SET, &err),
                     MIDGE_E_EXISTS);
    char name[66];
    memset(name, 'n', sizeof name);
    name[65] = '\0';
    assert_int_equal(mdg_columns_add(&w.columns, name, MIDGE_META_INT, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(mdg_columns_find(&w.columns, name, 65), MDG_NO_COLUMN);
    name[64] = '\0';
    assert_int_equal(mdg_columns_add(&w.columns, name, MIDGE_META_INT, &err),
                     MIDGE_OK);
    assert_int_equal(mdg_columns_find(&w.columns, name, 64), 9);
    assert_int_equal(mdg_columns_find(&w.columns, name, 63), MDG_NO_COLUMN);
    for (uint32_t i = 10; i < MIDGE_INDEX_COLUMNS_MAX; i++) {
        (void)snprintf(name, sizeof name, "c%u", i);
        assert_int_equal(
            mdg_columns_add(&w.columns, name, MIDGE_META_SET, &err), MIDGE_OK);
    }
    assert_int_equal(mdg_columns_add(&w.columns, "more", MIDGE_META_INT, &err),
                     MIDGE_E_LIMIT);
    deinit(&w);
}

static void sizes_are_bounded(void **state) {
    (void)state;
    struct world w;
    init(&w);
    size_t room = MDG_COLUMN_STRING_MAX + 100;
    char *text = malloc(room);
    for (unsigned over = 0; over < 2; over++) {
        (void)snprintf(text, room, "{\"lang\":\"%0*d\"}",
                       (int)(MDG_COLUMN_STRING_MAX + over), 7);
        over ? refused(&w, text, MIDGE_E_LIMIT, "65537 bytes, at most 65536")
             : put(&w, 0, text);
    }
    for (unsigned over = 0; over < 2; over++) {
        size_t at = (size_t)snprintf(text, room, "{\"tag\":[\"x\"");
        for (unsigned i = 1; i < MDG_COLUMN_SET_MAX + over; i++) {
            at += (size_t)snprintf(text + at, room - at, ",\"%u\"",
                                   i * 7919 % 1024);
        }
        (void)snprintf(text + at, room - at, "]}");
        over ? refused(&w, text, MIDGE_E_LIMIT, "1025 elements, at most 1024")
             : put(&w, 1, text);
    }
    const midge_json *back = read_json(&w, get(&w, 1));
    assert_int_equal(back->child->count, 1024);
    const midge_json *before = NULL;
    for (const midge_json *e = back->child->child; e; e = e->next) {
        assert_true(!before || strcmp(before->string, e->string) < 0);
        before = e;
    }
    free(text);
    deinit(&w);
}

/* What is refused after a part of it was taken leaves no trace in rows, and
 * trying again for ever does not fill the memory. */
static void churn_is_bounded(void **state) {
    (void)state;
    struct world w;
    init(&w);
    size_t after = 0;
    char text[200];
    for (uint32_t i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"tag\":[\"%u\",\"%u\",\"%u\"],\"lang\":\"%u\"}",
                       i % 50, i % 7, i % 11, i % 100);
        put(&w, i % 10, text);
        const midge_json *bad =
            read_json(&w, "{\"tag\":[\"1\",\"2\"],\"year\":0.5}");
        assert_int_equal(mdg_columns_prepare(&w.columns, bad, NULL),
                         MIDGE_E_MISMATCH);
        midge_arena_deinit(&w.arena);
        after = i == 1000 ? w.t.held_bytes : after;
    }
    assert_true(w.t.held_bytes <= 2 * after);
    deinit(&w);
}

/* Many objects are prepared before the first is set. */
static void prepared_objects_have_room(void **state) {
    (void)state;
    struct world w;
    init(&w);
    enum { N = 300 };
    char *texts = malloc(N * 100);
    const midge_json *objects[N];
    for (int round = 0; round < 3; round++) {
        assert_int_equal(mdg_columns_reserve(&w.columns, N), MIDGE_OK);
        midge_arena_deinit(&w.arena);
        for (int i = 0; i < N; i++) {
            char *text = texts + (size_t)i * 100;
            int size = snprintf(text, 100,
                                "{\"lang\":\"%d\",\"tag\":"
                                "[\"%d\",\"%d\"]}",
                                i * round, i + 1000, i + 1001 + round);
            assert_int_equal(midge_json_read(&w.arena, text, (size_t)size,
                                             &objects[i], NULL),
                             MIDGE_OK);
            assert_int_equal(mdg_columns_prepare(&w.columns, objects[i], NULL),
                             MIDGE_OK);
        }
        long calls = w.t.calls;
        for (uint32_t i = 0; i < N; i++) {
            mdg_columns_set(&w.columns, i, objects[i]);
        }
        assert_int_equal(w.t.calls, calls);
        for (uint32_t i = 0; i < N; i++) {
            assert_string_equal(get(&w, i), texts + (size_t)i * 100);
        }
    }
    free(texts);
    deinit(&w);
}

static void renumbering_gives_up_what_is_unused(void **state) {
    (void)state;
    struct world w;
    init(&w);
    static const uint32_t new_of[] = {4, UINT32_MAX, 0, 3, 2, 1};
    put(&w, 0, "{\"lang\":\"x\",\"tag\":[\"p\",\"q\"],\"year\":1}");
    put(&w, 1, "{\"lang\":\"gone\",\"tag\":[\"gone\"],\"year\":2}");
    put(&w, 2, "{\"lang\":\"y\",\"tag\":[\"q\"],\"year\":3}");
    put(&w, 3, "{\"lang\":\"x\",\"draft\":true}"); /* rows 4, 5: nothing */
    mdg_mover mover;
    assert_int_equal(mdg_columns_movable(&w.columns, 6), MIDGE_OK);
    assert_int_equal(mdg_mover_init(&mover, &w.t.env, new_of, 6, 8), MIDGE_OK);
    mdg_columns_renumber(&w.columns, &mover, 5);
    mdg_mover_deinit(&mover);
    assert_string_equal(get(&w, 0),
                        "{\"year\":3,\"lang\":\"y\",\"tag\":[\"q\"]}");
    assert_string_equal(get(&w, 1), "{}");
    assert_string_equal(get(&w, 2), "{}");
    assert_string_equal(get(&w, 3), "{\"lang\":\"x\",\"draft\":true}");
    assert_string_equal(get(&w, 4),
                        "{\"year\":1,\"lang\":\"x\",\"tag\":[\"p\",\"q\"]}");
    assert_int_equal(w.columns.columns[2].words.count, 2);
    assert_int_equal(w.columns.columns[4].words.count, 2);
    assert_int_equal(w.columns.columns[4].elements_size, 3);
    put(&w, 1, "{\"lang\":\"gone\",\"tag\":[\"p\",\"gone\"]}");
    assert_string_equal(get(&w, 1),
                        "{\"lang\":\"gone\",\"tag\":[\"gone\",\"p\"]}");
    deinit(&w);
}

/* Columns whose arrays lie in a file, which is never written. */
static void borrowed_arrays_are_left_alone(void **state) {
    (void)state;
    static const uint8_t missing[] = {0xf8};
    static const uint32_t strings[] = {1, 0, 1};
    static const uint64_t sets[] = {0 << 16 | 2, 2 << 16 | 0, 2 << 16 | 1};
    static const uint32_t elements[] = {0, 1, 1};
    static const uint64_t at[] = {0, 3, 6};
    static const char texts[] = "onetwo";
    for (int change = 0; change < 3; change++) {
        struct world w;
        init(&w);
        w.columns.n_rows = 3;
        for (int i = 0; i < 5; i++) {
            static const uint64_t zeros[3];
            mdg_column *c = &w.columns.columns[i];
            c->of.any = (void *)(uintptr_t)(i == 2   ? (const void *)strings
                                            : i == 4 ? (const void *)sets
                                                     : zeros);
            c->missing = (uint8_t *)(uintptr_t)missing;
            c->words.count = 2;
            c->words.at = (uint64_t *)(uintptr_t)at;
            c->words.texts = (char *)(uintptr_t)texts;
            c->elements = (uint32_t *)(uintptr_t)elements;
            c->elements_size = i == 4 ? 3 : 0;
        }
        assert_string_equal(get(&w, 0),
                            "{\"year\":0,\"score\":0,\"lang\":\"two\","
                            "\"draft\":false,\"tag\":[\"one\",\"two\"]}");
        if (change == 1) {
            put(&w, 1, "{\"tag\":[\"zero\",\"two\"],\"lang\":\"three\"}");
            assert_string_equal(
                get(&w, 1), "{\"lang\":\"three\",\"tag\":[\"two\",\"zero\"]}");
        } else if (change == 2) {
            static const uint32_t new_of[] = {UINT32_MAX, 1, 0};
            mdg_mover mover;
            assert_int_equal(mdg_columns_movable(&w.columns, 3), MIDGE_OK);
            assert_int_equal(mdg_mover_init(&mover, &w.t.env, new_of, 3, 8),
                             MIDGE_OK);
            mdg_columns_renumber(&w.columns, &mover, 2);
            mdg_mover_deinit(&mover);
            assert_string_equal(get(&w, 1),
                                "{\"year\":0,\"score\":0,\"lang\":\"one\","
                                "\"draft\":false,\"tag\":[]}");
        }
        deinit(&w);
    }
}

static midge_status fill(struct world *w, const midge_json *object) {
    static const uint32_t new_of[] = {1, UINT32_MAX, 0};
    midge_status status = MIDGE_OK;
    for (uint32_t row = 0; row < 3; row++) {
        MIDGE_TRY(mdg_columns_reserve(&w->columns, row + 1));
        midge_error err = {.text = ""};
        status = mdg_columns_prepare(&w->columns, object, &err);
        assert_true(status == MIDGE_OK || err.text[0] != '\0');
        MIDGE_TRY(status);
        mdg_columns_set(&w->columns, row, object);
    }
    MIDGE_TRY(mdg_columns_add(&w->columns, "late", MIDGE_META_SET, NULL));
    mdg_mover mover;
    MIDGE_TRY(mdg_columns_movable(&w->columns, 3));
    MIDGE_TRY(mdg_mover_init(&mover, w->columns.env, new_of, 3, 8));
    mdg_columns_renumber(&w->columns, &mover, 2);
    mdg_mover_deinit(&mover);
    return MIDGE_OK;
}

static void lack_of_memory_is_told(void **state) {
    (void)state;
    static const char text[] = "{\"year\":1,\"score\":2,\"lang\":\"x\","
                               "\"draft\":true,\"tag\":[\"y\",\"z\"]}";
    int ran_through = 0;
    for (long n = 1; !ran_through; n++) {
        struct world w;
        init(&w);
        const midge_json *object = read_json(&w, text);
        w.t.calls = 0;
        w.t.fail_at = n;
        midge_status status = fill(&w, object);
        ran_through = w.t.calls < n;
        /* Some memory is only wanted, not needed. */
        assert_true(status == MIDGE_E_NOMEM || status == MIDGE_OK);
        assert_true(!ran_through || status == MIDGE_OK);
        w.t.fail_at = 0;
        if (status == MIDGE_OK) {
            assert_string_equal(get(&w, 1), text);
        }
        deinit(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(numbers_are_finite),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(churn_is_bounded),
        cmocka_unit_test(prepared_objects_have_room),
        cmocka_unit_test(renumbering_gives_up_what_is_unused),
        cmocka_unit_test(borrowed_arrays_are_left_alone),
        cmocka_unit_test(lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
