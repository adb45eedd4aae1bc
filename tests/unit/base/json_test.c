/* json_test.c: the classes of the public JSON test suites, round trips of
 * random documents, truncation, the allocation sweep, and wrong use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "midge/json.h"
#include "test_env.h"

#define BYTES(text) {text, sizeof(text) - 1}

typedef struct sample {
    const char *text;
    size_t size;
} sample;

static const sample accepted[] = {
    BYTES("null"),
    BYTES(" true "),
    BYTES("\t\r\n[]\n"),
    BYTES("{}"),
    BYTES("[1,2 , 3]"),
    BYTES("0"),
    BYTES("-0"),
    BYTES("1E+2"),
    BYTES("0e1"),
    BYTES("-9223372036854775807"),
    BYTES("123456789012345678901"),
    BYTES("1.5e-400"),
    BYTES("{\"\":0}"),
    BYTES("{\"a\":{\"a\":1}}"),
    BYTES("\"\\u0000\\ud834\\udd1e\\/\\b\""),
    BYTES("\"\xC3\xA9\x7F\""),
    BYTES("\"\xF4\x8F\xBF\xBF\xEF\xBF\xBF\xE2\x80\xA8\""),
};

static const sample refused[] = {
    BYTES(""),
    BYTES(" "),
    BYTES("[1,]"),
    BYTES("[,1]"),
    BYTES("[1 2]"),
    BYTES("[1"),
    BYTES("]"),
    BYTES("[}"),
    BYTES("{\"a\"}"),
    BYTES("{\"a\":}"),
    BYTES("{\"a\":1,}"),
    BYTES("{a:1}"),
    BYTES("{1:1}"),
    BYTES("{'a':1}"),
    BYTES("{\"a\":1,\"a\":2}"),
    BYTES("{\"a\":1,\"\\u0061\":2}"),
    BYTES("nul"),
    BYTES("True"),
    BYTES("nullx"),
    BYTES("1 1"),
    BYTES("[]]"),
    BYTES("01"),
    BYTES("-"),
    BYTES("+1"),
    BYTES(".5"),
    BYTES("1."),
    BYTES("1e"),
    BYTES("0x1"),
    BYTES("NaN"),
    BYTES("-Infinity"),
    BYTES("1e400"),
    BYTES("--1"),
    BYTES("1\0"),
    BYTES("[1]\0"),
    BYTES("\""),
    BYTES("\"\\\""),
    BYTES("\"\\x\""),
    BYTES("\"\\u12g4\""),
    BYTES("\"\\ud800\""),
    BYTES("\"\\ud800\\u0041\""),
    BYTES("\"\\udc00\""),
    BYTES("\"a\nb\""),
    BYTES("\"\0\""),
    BYTES("\"\x80\""),
    BYTES("\"\xC0\x80\""),
    BYTES("\"\xE0\x80\x80\""),
    BYTES("\"\xED\xA0\x80\""),
    BYTES("\"\xF4\x90\x80\x80\""),
    BYTES("\"\xF0\x80\x80\x80\""),
    BYTES("\"\xE2\x82\""),
    BYTES("\"\xFF\""),
    BYTES("\xEF\xBB\xBF[]"),
    BYTES("[1]//"),
    BYTES("/**/1"),
    BYTES("\f1"),
};

static midge_status read_once(const char *text, size_t size, midge_error *err) {
    struct test_env t;
    midge_arena arena;
    const midge_json *value;
    test_env_init(&t);
    midge_arena_init(&arena, &t.env, 0);
    midge_status status = midge_json_read(&arena, text, size, &value, err);
    assert_true((status == MIDGE_OK) == (value != NULL));
    midge_arena_deinit(&arena);
    assert_int_equal(t.held_bytes, 0);
    return status;
}

static void accepts_and_refuses(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        if (read_once(accepted[i].text, accepted[i].size, NULL) != MIDGE_OK) {
            fail_msg("refused: %s", accepted[i].text);
        }
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        midge_error err;
        if (read_once(refused[i].text, refused[i].size, &err) !=
            MIDGE_E_PARSE) {
            fail_msg("accepted: %s", refused[i].text);
        }
        assert_true(err.offset >= 0 && (size_t)err.offset <= refused[i].size);
        assert_true(err.line >= 1 && err.column >= 1);
    }
}

static void bounds_depth(void **state) {
    char text[2 * (MIDGE_JSON_DEPTH_MAX + 1)];
    (void)state;
    for (size_t depth = MIDGE_JSON_DEPTH_MAX; depth <= MIDGE_JSON_DEPTH_MAX + 1;
         depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_true((read_once(text, 2 * depth, NULL) == MIDGE_OK) ==
                    (depth == MIDGE_JSON_DEPTH_MAX));
    }
}

static void says_where(void **state) {
    midge_error err;
    (void)state;
    assert_int_equal(read_once("{\n \"a\": ?}", 10, &err), MIDGE_E_PARSE);
    assert_int_equal(err.offset, 8);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 7);
}

static void random_string(mdg_rng *rng, midge_json_writer *w, int is_key,
                          unsigned number) {
    static const char *const pieces[] = {
        "a", "\"", "\\", "\n", "\x01", "\xC3\xA9", "/", "\xF0\x9D\x84\x9E"};
    char text[64] = "";
    for (uint32_t left = mdg_rng_below(rng, 8); left > 0; left--) {
        strcat(text, pieces[mdg_rng_below(rng, 8)]);
    }
    if (is_key) {
        char key[96];
        snprintf(key, sizeof key, "%s%u", text, number);
        midge_json_key(w, key);
    } else {
        midge_json_string(w, text);
    }
}

static void random_value(mdg_rng *rng, midge_json_writer *w, int depth) {
    uint64_t bits = mdg_rng_next(rng);
    double number;
    uint32_t kind = mdg_rng_below(rng, depth > 0 ? 7 : 5);
    memcpy(&number, &bits, sizeof number);
    if (kind == 0) {
        midge_json_bool(w, bits & 1);
    } else if (kind == 1) {
        midge_json_int(w, (int64_t)bits >> mdg_rng_below(rng, 64));
    } else if (kind == 2) {
        midge_json_double(w, number);
    } else if (kind == 3) {
        random_string(rng, w, 0, 0);
    } else if (kind == 4) {
        midge_json_null(w);
    } else {
        unsigned n = mdg_rng_below(rng, 40);
        kind == 5 ? midge_json_begin_array(w) : midge_json_begin_object(w);
        for (unsigned i = 0; i < n; i++) {
            if (kind == 6) {
                random_string(rng, w, 1, i);
            }
            random_value(rng, w, depth - 1);
        }
        kind == 5 ? midge_json_end_array(w) : midge_json_end_object(w);
    }
}

/* What is written can be read, and what was read is written the same. */
static void round_trips(void **state) {
    struct test_env t;
    mdg_rng rng;
    (void)state;
    test_env_init(&t);
    mdg_rng_seed(&rng, 7);
    for (unsigned i = 0; i < 300; i++) {
        midge_buf first, second;
        midge_arena arena;
        midge_json_writer w;
        const midge_json *value;
        midge_buf_init(&first, &t.env, 0);
        midge_buf_init(&second, &t.env, 0);
        midge_arena_init(&arena, &t.env, 0);
        midge_json_writer_init(&w, &first, i % 3);
        random_value(&rng, &w, 3);
        assert_int_equal(midge_json_writer_end(&w), MIDGE_OK);
        assert_int_equal(
            midge_json_read(&arena, first.data, first.size, &value, NULL),
            MIDGE_OK);
        midge_json_writer_init(&w, &second, i % 3);
        midge_json_value(&w, value);
        assert_int_equal(midge_json_writer_end(&w), MIDGE_OK);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.data, second.data, first.size);
        midge_arena_deinit(&arena);
        midge_buf_deinit(&first);
        midge_buf_deinit(&second);
    }
    assert_int_equal(t.held_bytes, 0);
}

static const char document[] =
    "{\"id\":7,\"name\":\"\\u00e9\xE2\x82\xAC\\n\",\"list\":[1.5,-2e3,true,"
    "null,\"x\"],\"deep\":{\"a\":{\"b\":[]}}}";

static void refuses_every_truncation(void **state) {
    (void)state;
    for (size_t size = 0; size < sizeof document - 1; size++) {
        char *exact = malloc(size + 1); /* no byte behind it, for ASan */
        char *cut = size ? realloc(exact, size) : exact;
        assert_non_null(cut);
        memcpy(cut, document, size);
        assert_int_equal(read_once(cut, size, NULL), MIDGE_E_PARSE);
        free(cut);
    }
    assert_int_equal(read_once(document, sizeof document - 1, NULL), MIDGE_OK);
}

/* 3000 keys: large objects take another way to find a key that occurs twice. */
static size_t many_keys(char *text, int twice) {
    size_t size = (size_t)sprintf(text, "{\"k0\":0");
    for (int i = 1; i < 3000; i++) {
        size += (size_t)sprintf(text + size, ",\"k%d\":%d", i, i);
    }
    return size + (size_t)sprintf(text + size, twice ? ",\"k1500\":1}" : "}");
}

static void large_objects_have_distinct_keys(void **state) {
    static char text[64 * 1024];
    (void)state;
    assert_int_equal(read_once(text, many_keys(text, 0), NULL), MIDGE_OK);
    assert_int_equal(read_once(text, many_keys(text, 1), NULL), MIDGE_E_PARSE);
}

static void survives_no_memory(void **state) {
    static char text[64 * 1024];
    size_t size = many_keys(text, 0);
    (void)state;
    for (long n = 1;; n++) {
        struct test_env t;
        midge_arena arena;
        const midge_json *value;
        test_env_init(&t);
        t.fail_at = n;
        midge_arena_init(&arena, &t.env, 0);
        midge_status status = midge_json_read(&arena, text, size, &value, NULL);
        midge_arena_deinit(&arena);
        assert_int_equal(t.held_bytes, 0);
        if (t.calls < n) {
            assert_int_equal(status, MIDGE_OK);
            return;
        }
        assert_int_equal(status, MIDGE_E_NOMEM);
    }
}

static void gets_members(void **state) {
    struct test_env t;
    midge_arena arena;
    const midge_json *v;
    static const char text[] =
        "{\"i\":-5,\"d\":0.5,\"s\":\"x\",\"b\":true,\"z\":-0}";
    (void)state;
    test_env_init(&t);
    midge_arena_init(&arena, &t.env, 0);
    assert_int_equal(midge_json_read(&arena, text, sizeof text - 1, &v, NULL),
                     MIDGE_OK);
    assert_int_equal(v->count, 5);
    assert_int_equal(midge_json_get_int(v, "i", 1), -5);
    assert_int_equal(midge_json_get_int(v, "d", 1), 1);
    assert_true(midge_json_get_double(v, "i", 1) == -5.0);
    assert_true(midge_json_get_double(v, "d", 1) == 0.5);
    assert_string_equal(midge_json_get_string(v, "s", ""), "x");
    assert_string_equal(midge_json_get_string(v, "i", "no"), "no");
    assert_int_equal(midge_json_get_bool(v, "b", 0), 1);
    assert_int_equal(midge_json_get_bool(v, "absent", 3), 3);
    assert_int_equal(midge_json_get(v, "z")->type, MIDGE_JSON_DOUBLE);
    assert_true(__builtin_signbit(midge_json_get(v, "z")->number));
    assert_null(midge_json_get(NULL, "i"));
    midge_arena_deinit(&arena);
}

/* Each digit is one call; what is out of order must not come out as JSON. */
static midge_status play(const char *calls) {
    struct test_env t;
    midge_buf buf;
    midge_json_writer w;
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 0);
    midge_json_writer_init(&w, &buf, 0);
    for (; *calls != '\0'; calls++) {
        switch (*calls) {
        case '{':
            midge_json_begin_object(&w);
            break;
        case '}':
            midge_json_end_object(&w);
            break;
        case '[':
            midge_json_begin_array(&w);
            break;
        case ']':
            midge_json_end_array(&w);
            break;
        case 'k':
            midge_json_key(&w, "k");
            break;
        default:
            midge_json_int(&w, 1);
            break;
        }
    }
    midge_status status = midge_json_writer_end(&w);
    midge_buf_deinit(&buf);
    return status;
}

static void refuses_wrong_calls(void **state) {
    static const char *const wrong[] = {"{1}", "{1]", "[}",    "{]",    "[k1]",
                                        "11",  "{k}", "{kk1}", "k",     "}",
                                        "[",   "{k",  "[]1",   "{k1}{}"};
    static const char *const right[] = {"1",    "[]",       "{}",
                                        "[11]", "{k1k[1]}", "[{}[]1]"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (play(wrong[i]) != MIDGE_E_STATE) {
            fail_msg("allowed: %s", wrong[i]);
        }
    }
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_int_equal(play(right[i]), MIDGE_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_and_refuses),
        cmocka_unit_test(bounds_depth),
        cmocka_unit_test(says_where),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(large_objects_have_distinct_keys),
        cmocka_unit_test(survives_no_memory),
        cmocka_unit_test(gets_members),
        cmocka_unit_test(refuses_wrong_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
