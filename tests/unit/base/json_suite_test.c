/* json_suite_test.c: the classes of the public JSON test suite, by its names:
 * y_ must be taken, n_ refused, i_ is open and decided here. Two of y_ are
 * refused on purpose, and stand in bad_objects: objects with a key twice, of
 * which RFC 8259 says that what a reader makes of them cannot be known. Each
 * document is read from a block of exactly its size, so that ASan sees reading
 * on. */
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

#define BYTES(text)  {text, sizeof(text) - 1}
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

typedef struct sample {
    const char *text;
    size_t size;
} sample;

static const sample accepted[] = {
    BYTES("[[]   ]"),
    BYTES("[\"\"]"),
    BYTES("[]"),
    BYTES("[\"a\"]"),
    BYTES("[false]"),
    BYTES("[null, 1, \"1\", {}]"),
    BYTES("[null]"),
    BYTES("[1\n]"),
    BYTES(" [1]"),
    BYTES("[1,null,null,null,2]"),
    BYTES("[2] "),
    BYTES("[123e65]"),
    BYTES("[0e+1]"),
    BYTES("[0e1]"),
    BYTES("[ 4]"),
    BYTES("[-0."
          "00000000000000000000000000000000000000000000000000000000000000000000"
          "0000000001]"),
    BYTES("[20e1]"),
    BYTES("[-0]"),
    BYTES("[-123]"),
    BYTES("[-1]"),
    BYTES("[1E22]"),
    BYTES("[1E-2]"),
    BYTES("[1E+2]"),
    BYTES("[123e45]"),
    BYTES("[123.456e78]"),
    BYTES("[1e-2]"),
    BYTES("[1e+2]"),
    BYTES("[123]"),
    BYTES("[123.456789]"),
    BYTES("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"),
    BYTES("{\"asd\":\"sdf\"}"),
    BYTES("{}"),
    BYTES("{\"\":0}"),
    BYTES("{\"foo\\u0000bar\": 42}"),
    BYTES("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"),
    BYTES("{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], "
          "\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}"),
    BYTES("{\"a\":[]}"),
    BYTES("{\"title\":\"\\u041f\\u043e\\u043b\"}"),
    BYTES("{\n\"a\": \"b\"\n}"),
    BYTES("[\"\\u0060\\u012a\\u12AB\"]"),
    BYTES("[\"\\uD801\\udc37\"]"),
    BYTES("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
    BYTES("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
    BYTES("[\"\\\\u0000\"]"),
    BYTES("[\"\\\"\"]"),
    BYTES("[\"a/*b*/c/*d//e\"]"),
    BYTES("[\"\\\\a\"]"),
    BYTES("[\"\\\\n\"]"),
    BYTES("[\"\\u0012\"]"),
    BYTES("[\"\\uFFFF\"]"),
    BYTES("[\"asd\"]"),
    BYTES("[ \"asd\"]"),
    BYTES("[\"\\uDBFF\\uDFFF\"]"),
    BYTES("[\"new\\u00A0line\"]"),
    BYTES("[\"\xf4\x8f\xbf\xbf\"]"),
    BYTES("[\"\xef\xbf\xbf\"]"),
    BYTES("[\"\\u0000\"]"),
    BYTES("[\"\\u002c\"]"),
    BYTES("[\"\xcf\x80\"]"),
    BYTES("[\"\xf0\x9b\xbf\xbf\"]"),
    BYTES("[\"asd \"]"),
    BYTES("\" \""),
    BYTES("[\"\\uD834\\uDd1e\"]"),
    BYTES("[\"\\u0821\"]"),
    BYTES("[\"\\u0123\"]"),
    BYTES("[\"\xe2\x80\xa8\"]"),
    BYTES("[\"\xe2\x80\xa9\"]"),
    BYTES("[\"\\u0061\\u30af\\u30EA\\u30b9\"]"),
    BYTES("[\"new\\u000Aline\"]"),
    BYTES("[\"\x7f\"]"),
    BYTES("[\"\\uA66D\"]"),
    BYTES("[\"\\u005C\"]"),
    BYTES("[\"\xe2\x8d\x82\xe3\x88\xb4\xe2\x8d\x82\"]"),
    BYTES("[\"\\uDBFF\\uDFFE\"]"),
    BYTES("[\"\\uD83F\\uDFFE\"]"),
    BYTES("[\"\\u200B\"]"),
    BYTES("[\"\\u2064\"]"),
    BYTES("[\"\\uFDD0\"]"),
    BYTES("[\"\\uFFFE\"]"),
    BYTES("[\"\\u0022\"]"),
    BYTES("[\"\xe2\x82\xac\xf0\x9d\x84\x9e\"]"),
    BYTES("[\"a\x7f"
          "a\"]"),
    BYTES("false"),
    BYTES("42"),
    BYTES("-0.1"),
    BYTES("null"),
    BYTES("\"asd\""),
    BYTES("true"),
    BYTES("\"\""),
    BYTES("[\"a\"]\n"),
    BYTES("[true]"),
    BYTES(" [] "),
};

/* Left open by the RFC (i_): numbers that round. */
static const sample rounded[] = {
    BYTES("[123.456e-789]"),
    BYTES("[123123e-10000000]"),
    BYTES("[-123123123123123123123123123123]"),
    BYTES("[100000000000000000000]"),
    BYTES("[-237462374673276894279832749832423479823246327846]"),
    BYTES("[1.7976931348623157e308]"),
    BYTES("[4.9e-324]"),
};

/* n_array: commas, brackets, what stands between. */
static const sample bad_arrays[] = {
    BYTES("[1 true]"),
    BYTES("[a\xe5]"),
    BYTES("[\"\": 1]"),
    BYTES("[\"\"],"),
    BYTES("[,1]"),
    BYTES("[1,,2]"),
    BYTES("[\"x\",,]"),
    BYTES("[\"x\"]]"),
    BYTES("[\"\",]"),
    BYTES("[\"x\""),
    BYTES("[x"),
    BYTES("[3[4]]"),
    BYTES("[\xff]"),
    BYTES("[1:2]"),
    BYTES("[,]"),
    BYTES("[-]"),
    BYTES("[   , \"\"]"),
    BYTES("[\"a\",\n4\n,1,"),
    BYTES("[1,]"),
    BYTES("[1,,]"),
    BYTES("[\"\x0b"
          "a\"\\f]"),
    BYTES("[*]"),
    BYTES("[\"\""),
    BYTES("[1,"),
    BYTES("[1,\n1\n,1"),
    BYTES("[{}"),
};

/* n_incomplete and words that are not of JSON. */
static const sample bad_words[] = {
    BYTES("[fals]"),      BYTES("[nul]"),     BYTES("[tru]"),
    BYTES("nul"),         BYTES("[True]"),    BYTES("[nan]"),
    BYTES("[undefined]"), BYTES("truefalse"), BYTES("nullnull"),
};

/* n_number: signs, points, exponents, leading zeros, other notations. */
static const sample bad_numbers[] = {
    BYTES("[++1234]"),       BYTES("[+1]"),
    BYTES("[+Inf]"),         BYTES("[-01]"),
    BYTES("[-1.0.]"),        BYTES("[-2.]"),
    BYTES("[-NaN]"),         BYTES("[.-1]"),
    BYTES("[.2e-3]"),        BYTES("[0.1.2]"),
    BYTES("[0.3e+]"),        BYTES("[0.3e]"),
    BYTES("[0.e1]"),         BYTES("[0E+]"),
    BYTES("[0E]"),           BYTES("[0e+]"),
    BYTES("[0e]"),           BYTES("[1.0e+]"),
    BYTES("[1.0e-]"),        BYTES("[1.0e]"),
    BYTES("[1 000.0]"),      BYTES("[1eE2]"),
    BYTES("[2.e+3]"),        BYTES("[2.e-3]"),
    BYTES("[2.e3]"),         BYTES("[9.e+]"),
    BYTES("[Inf]"),          BYTES("[NaN]"),
    BYTES("[\xef\xbc\x91]"), BYTES("[1+2]"),
    BYTES("[0x1]"),          BYTES("[0x42]"),
    BYTES("[Infinity]"),     BYTES("[0e+-1]"),
    BYTES("[-123.123foo]"),  BYTES("[123\xe5]"),
    BYTES("[1e1\xe5]"),      BYTES("[0\xe5]"),
    BYTES("[-Infinity]"),    BYTES("[-foo]"),
    BYTES("[- 1]"),          BYTES("[-012]"),
    BYTES("[-.123]"),        BYTES("[-1x]"),
    BYTES("[1ea]"),          BYTES("[1e\xe5]"),
    BYTES("[1.]"),           BYTES("[.123]"),
    BYTES("[1.2a-3]"),       BYTES("[1.8011670033376514H-308]"),
    BYTES("[012]"),          BYTES("[00.0]"),
    BYTES("[00e0]"),         BYTES("[-00.0]"),
    BYTES("[-00e0]"),        BYTES("-"),
    BYTES("[0.]"),           BYTES("[1e]"),
    BYTES("123\x00"),        BYTES("0123"),
    BYTES("[1_000]"),        BYTES("[1,000.0.]"),
    BYTES("[--1]"),          BYTES("[1e1.5]"),
};

/* n_object: keys, colons, commas, text behind, keys that stand twice. */
static const sample bad_objects[] = {
    BYTES("[\"x\", truth]"),
    BYTES("{[: \"x\"}\n"),
    BYTES("{\"x\", null}"),
    BYTES("{\"x\"::\"b\"}"),
    BYTES("{\xf0\x9f\x87\xa8\xf0\x9f\x87\xad}"),
    BYTES("{\"a\":\"a\" 123}"),
    BYTES("{key: 'value'}"),
    BYTES("{\"\xb9\":\"0\",}"),
    BYTES("{\"a\" b}"),
    BYTES("{:\"b\"}"),
    BYTES("{\"a\" \"b\"}"),
    BYTES("{\"a\":"),
    BYTES("{\"a\""),
    BYTES("{1:1}"),
    BYTES("{9999E9999:1}"),
    BYTES("{null:null,null:null}"),
    BYTES("{\"id\":0,,,,,}"),
    BYTES("{'a':0}"),
    BYTES("{\"id\":0,}"),
    BYTES("{\"a\":\"b\"}/**/"),
    BYTES("{\"a\":\"b\"}/**//"),
    BYTES("{\"a\":\"b\"}//"),
    BYTES("{\"a\":\"b\"}/"),
    BYTES("{\"a\":\"b\",,\"c\":\"d\"}"),
    BYTES("{a: \"b\"}"),
    BYTES("{\"a\":\"a"),
    BYTES("{ \"foo\" : \"bar\", \"a\" }"),
    BYTES("{\"a\":\"b\"}#"),
    BYTES("{\"a\":\"b\",\"a\":\"c\"}"),
    BYTES("{\"a\":\"b\",\"a\":\"b\"}"),
    BYTES("{\"a\":0,\"b\":1,\"\\u0061\":2}"),
};

/* n_string: escapes, quotes, control characters. */
static const sample bad_strings[] = {
    BYTES(" "),
    BYTES("[\"\\uD800\\\"]"),
    BYTES("[\"\\uD800\\u\"]"),
    BYTES("[\"\\uD800\\u1\"]"),
    BYTES("[\"\\uD800\\u1x\"]"),
    BYTES("[\xc3\xa9]"),
    BYTES("[\"\\\x00\"]"),
    BYTES("[\"\\x00\"]"),
    BYTES("[\"\\\\\\\"]"),
    BYTES("[\"\\\t\"]"),
    BYTES("[\"\\\xf0\x9f\x8c\x80\"]"),
    BYTES("[\"\\\"]"),
    BYTES("[\"\\u00A\"]"),
    BYTES("[\"\\uD834\\uDd\"]"),
    BYTES("[\"\\uD800\\uD800\\x\"]"),
    BYTES("[\"\\u\xe5\"]"),
    BYTES("[\"\\a\"]"),
    BYTES("[\"\\uqqqq\"]"),
    BYTES("[\"\\\xe5\"]"),
    BYTES("[\\u0020\"asd\"]"),
    BYTES("[\\n]"),
    BYTES("\""),
    BYTES("['single quote']"),
    BYTES("abc"),
    BYTES("[\"\\"),
    BYTES("[\"a\x00"
          "a\"]"),
    BYTES("[\"new\nline\"]"),
    BYTES("[\"\t\"]"),
    BYTES("\"\\UA66D\""),
    BYTES("\"\"x"),
    BYTES("\"\\012\""),
};

/* i_string: lone surrogates, bytes that are not UTF-8, byte order marks,
 * UTF-16; open in the RFC, refused here. */
static const sample bad_encodings[] = {
    BYTES("[\"\\uDADA\"]"),
    BYTES("[\"\\uD800\\uE000\"]"),
    BYTES("[\"\\uD800\\uDBFF\"]"),
    BYTES("[\"\\uD888\\u1234\"]"),
    BYTES("[\"\\uD800\\n\"]"),
    BYTES("[\"\\uDd1ea\"]"),
    BYTES("[\"\\uD800\\uD800\\n\"]"),
    BYTES("[\"\\ud800\"]"),
    BYTES("[\"\\ud800abc\"]"),
    BYTES("[\"\\uDd1e\\uD834\"]"),
    BYTES("[\"\\uDFAA\"]"),
    BYTES("[\"\xe6\x97\xa5\xd1\x88\xfa\"]"),
    BYTES("[\"\xed\xa0\x80\"]"),
    BYTES("[\"\xff\"]"),
    BYTES("[\"\x81\"]"),
    BYTES("[\"\xf4\xbf\xbf\xbf\"]"),
    BYTES("[\"\xfb\xbf\xbf\xbf\xbf\"]"),
    BYTES("[\"\xfc\x83\xbf\xbf\xbf\xbf\"]"),
    BYTES("[\"\xc0\xaf\"]"),
    BYTES("[\"\xfc\x80\x80\x80\x80\x80\"]"),
    BYTES("[\"\xe0\xff\"]"),
    BYTES("[\"\xe9\"]"),
    BYTES("{\"\\uDFAA\":0}"),
    BYTES("{\"\xed\xbf\xbf\":0}"),
    BYTES("{\"\xc1\xa1\":0}"),
    BYTES("[\x00\"\x00\xe9\x00\"\x00]\x00"),
    BYTES("\xff\xfe[\x00\"\x00\xe9\x00\"\x00]\x00"),
    BYTES("\x00[\x00\"\x00\xe9\x00\"\x00]"),
    BYTES("\xef\xbb\xbf{}"),
    BYTES("[\"\xf0\x80\x80\x80\"]"),
};

/* n_structure: brackets that are open or too many, text behind, blanks that
 * are not of JSON. */
static const sample bad_structures[] = {
    BYTES(""),
    BYTES("<.>"),
    BYTES("[<null>]"),
    BYTES("[1]x"),
    BYTES("[1]]"),
    BYTES("[\"asd]"),
    BYTES("a\xc3\xa5"),
    BYTES("[True]"),
    BYTES("1]"),
    BYTES("{\"x\": true,"),
    BYTES("[][]"),
    BYTES("]"),
    BYTES("\xef\xbb\xbf"),
    BYTES("\xef\xbb{}"),
    BYTES("\xe5"),
    BYTES("\xe9"),
    BYTES("["),
    BYTES("2@"),
    BYTES("{}}"),
    BYTES("{\"\":"),
    BYTES("{\"a\":/*comment*/\"b\"}"),
    BYTES("{\"a\": true} \"x\""),
    BYTES("['"),
    BYTES("[,"),
    BYTES("[{"),
    BYTES("[\"a"),
    BYTES("[\"a\""),
    BYTES("{"),
    BYTES("{]"),
    BYTES("{,"),
    BYTES("{["),
    BYTES("{\"a"),
    BYTES("{'a'"),
    BYTES("[\"\\{[\"\\{[\"\\{[\"\\{"),
    BYTES("*"),
    BYTES("{\"a\":\"b\"}#{}"),
    BYTES("[\\u000A\"\"]"),
    BYTES("[1"),
    BYTES("[ false, nul"),
    BYTES("[ true, fals"),
    BYTES("[ false, tru"),
    BYTES("{\"asd\":\"asd\""),
    BYTES("\xc3\xa5"),
    BYTES("[\xe2\x81\xa0]"),
    BYTES("\xe2\x81\xa0"),
    BYTES("[\x0c]"),
    BYTES("[\x1f]"),
    BYTES("[]\x00"),
    BYTES("[\x00]"),
    BYTES("[1]\x0b"),
    BYTES("\xc2\xa0[]"),
    BYTES("[1]\xe2\x80\xa8"),
    BYTES("{\"a\":1]"),
    BYTES("[1}"),
    BYTES("(1)"),
};

/* i_number: left open by the RFC; what overflows is refused here. */
static const sample bad_ranges[] = {
    BYTES("[123.456e-789e]"),
    BYTES("[0."
          "4e006699999999999999999999999999999999999999999999999999999999999999"
          "99999999999999999999999999999999999999999999999999999999999999999999"
          "999999969999999006]"),
    BYTES("[-1e+9999]"),
    BYTES("[1.5e+9999]"),
    BYTES("[-123123e100000]"),
    BYTES("[123123e100000]"),
    BYTES("[1e309]"),
    BYTES("[-1.8e308]"),
};

/* Reads `s` and checks all that is promised of any reading. */
static midge_status read_sample(const sample *s, midge_error *err) {
    struct test_env t;
    midge_arena arena;
    const midge_json *value;
    char *exact = malloc(s->size + 1);
    char *text = s->size ? realloc(exact, s->size) : exact;
    assert_non_null(text);
    memcpy(text, s->text, s->size);
    test_env_init(&t);
    midge_arena_init(&arena, &t.env, 0);
    midge_status status = midge_json_read(&arena, text, s->size, &value, err);
    assert_int_equal(status == MIDGE_OK, value != NULL);
    if (status == MIDGE_E_PARSE) {
        assert_true(err->offset >= 0 && err->offset <= (int64_t)s->size);
        assert_true(err->line >= 1 && err->column >= 1);
    }
    midge_arena_deinit(&arena);
    assert_int_equal(t.held_bytes, 0);
    free(text);
    return status;
}

static void expect(const sample *table, size_t count, midge_status wanted) {
    for (size_t i = 0; i < count; i++) {
        midge_error err;
        midge_status status = read_sample(&table[i], &err);
        if (status != wanted) {
            fail_msg("%s: %s", midge_status_name(status), table[i].text);
        }
    }
}

static void takes_what_is_json(void **state) {
    (void)state;
    expect(accepted, COUNT(accepted), MIDGE_OK);
    expect(rounded, COUNT(rounded), MIDGE_OK);
}

static void refuses_what_is_not(void **state) {
    (void)state;
    expect(bad_arrays, COUNT(bad_arrays), MIDGE_E_PARSE);
    expect(bad_words, COUNT(bad_words), MIDGE_E_PARSE);
    expect(bad_numbers, COUNT(bad_numbers), MIDGE_E_PARSE);
    expect(bad_objects, COUNT(bad_objects), MIDGE_E_PARSE);
    expect(bad_strings, COUNT(bad_strings), MIDGE_E_PARSE);
    expect(bad_encodings, COUNT(bad_encodings), MIDGE_E_PARSE);
    expect(bad_structures, COUNT(bad_structures), MIDGE_E_PARSE);
    expect(bad_ranges, COUNT(bad_ranges), MIDGE_E_PARSE);
}

/* n_structure_100000_opening_arrays, n_structure_open_array_object, and the
 * 500 levels that i_structure leaves open: all deeper than our limit. */
static void refuses_depth(void **state) {
    static const char *const pieces[] = {"[", "[{\"\":", "{\"a\":", "[[],"};
    enum { TIMES = 50000 };
    (void)state;
    for (size_t i = 0; i < COUNT(pieces); i++) {
        size_t step = strlen(pieces[i]);
        char *text = malloc(step * TIMES);
        assert_non_null(text);
        for (size_t k = 0; k < TIMES; k++) {
            memcpy(text + k * step, pieces[i], step);
        }
        sample s = {text, step * TIMES};
        midge_error err;
        assert_int_equal(read_sample(&s, &err), MIDGE_E_PARSE);
        assert_true(err.offset <= 64 * (int64_t)step);
        assert_non_null(strstr(err.text, "deep"));
        free(text);
    }
}

/* Every byte that may follow a backslash, or stand alone in a string. */
static void knows_every_escape(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[] = {'"', '\\', (char)c, '"'};
        sample escape = {text, 4};
        sample alone[] = {{(char[]){'"', (char)c, '"'}, 3}};
        midge_error err;
        int known = c != 0 && c != 'u' && strchr("\"\\/bfnrt", c) != NULL;
        int plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
        assert_int_equal(read_sample(&escape, &err) == MIDGE_OK, known);
        assert_int_equal(read_sample(alone, &err) == MIDGE_OK, plain);
    }
}

/* Every \uXXXX alone: taken unless it is a surrogate, and decoded. */
static void knows_every_code_unit(void **state) {
    (void)state;
    for (unsigned unit = 0; unit <= 0xFFFF; unit++) {
        struct test_env t;
        midge_arena arena;
        const midge_json *value;
        char text[16];
        snprintf(text, sizeof text, unit & 1 ? "\"\\u%04x\"" : "\"\\u%04X\"",
                 unit);
        size_t size = unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
        char one[] = {(char)unit};
        char two[] = {(char)(0xC0 | unit >> 6), (char)(0x80 | (unit & 0x3F))};
        char three[] = {(char)(0xE0 | unit >> 12),
                        (char)(0x80 | (unit >> 6 & 0x3F)),
                        (char)(0x80 | (unit & 0x3F))};
        const char *wanted = size == 1 ? one : size == 2 ? two : three;
        test_env_init(&t);
        midge_arena_init(&arena, &t.env, 0);
        midge_status status = midge_json_read(&arena, text, 8, &value, NULL);
        if (unit >= 0xD800 && unit <= 0xDFFF) {
            assert_int_equal(status, MIDGE_E_PARSE);
        } else {
            assert_int_equal(status, MIDGE_OK);
            assert_int_equal(value->count, size);
            assert_memory_equal(value->string, wanted, size);
            assert_int_equal(value->string[size], 0);
        }
        midge_arena_deinit(&arena);
    }
}

static void keeps_integers_exact(void **state) {
    static const struct {
        const char *text;
        midge_json_type type;
        int64_t integer;
    } cases[] = {
        {"0", MIDGE_JSON_INT, 0},
        {"-1", MIDGE_JSON_INT, -1},
        {"9007199254740993", MIDGE_JSON_INT, 9007199254740993},
        {"9223372036854775807", MIDGE_JSON_INT, INT64_MAX},
        {"-9223372036854775807", MIDGE_JSON_INT, -INT64_MAX},
        {"-9223372036854775808", MIDGE_JSON_INT, INT64_MIN},
        {"9223372036854775808", MIDGE_JSON_DOUBLE, 0},
        {"-9223372036854775809", MIDGE_JSON_DOUBLE, 0},
        {"9999999999999999999", MIDGE_JSON_DOUBLE, 0},
        {"18446744073709551616", MIDGE_JSON_DOUBLE, 0},
        {"18446744073709551617", MIDGE_JSON_DOUBLE, 0},
        {"1.0", MIDGE_JSON_DOUBLE, 0},
        {"1e2", MIDGE_JSON_DOUBLE, 0},
        {"-0", MIDGE_JSON_DOUBLE, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct test_env t;
        midge_arena arena;
        const midge_json *value;
        test_env_init(&t);
        midge_arena_init(&arena, &t.env, 0);
        assert_int_equal(midge_json_read(&arena, cases[i].text,
                                         strlen(cases[i].text), &value, NULL),
                         MIDGE_OK);
        assert_int_equal(value->type, cases[i].type);
        assert_true(value->number == strtod(cases[i].text, NULL));
        if (value->type == MIDGE_JSON_INT) {
            assert_true(value->integer == cases[i].integer);
        }
        midge_arena_deinit(&arena);
    }
}

/* Objects of any size with some keys twice, against looking at all pairs: the
 * error stands where the first key stands again. */
static void finds_the_first_key_that_stands_again(void **state) {
    enum { MOST = 120 };
    static char text[MOST * 16];
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 12);
    for (int round = 0; round < 4000; round++) {
        uint32_t keys[MOST];
        size_t key_at[MOST];
        uint32_t count = mdg_rng_below(&rng, MOST);
        uint32_t kinds = 1 + mdg_rng_below(&rng, 4000);
        size_t size = 0;
        int64_t wanted = -1;
        text[size++] = '{';
        for (uint32_t i = 0; i < count; i++) {
            keys[i] = mdg_rng_below(&rng, kinds);
            key_at[i] = size + (i > 0);
            size += (size_t)sprintf(text + size, "%s\"%u\":[]",
                                    i > 0 ? "," : "", keys[i]);
            for (uint32_t k = 0; k < i && wanted < 0; k++) {
                wanted = keys[k] == keys[i] ? (int64_t)key_at[i] : -1;
            }
        }
        text[size++] = '}';
        sample s = {text, size};
        midge_error err = {.offset = -1};
        assert_int_equal(read_sample(&s, &err),
                         wanted < 0 ? MIDGE_OK : MIDGE_E_PARSE);
        assert_int_equal(err.offset, wanted);
    }
}

/* The keys are compared; how often depends on how many there are and not on
 * what they are: 100,000 equal beginnings, sorted, reversed. */
static void large_objects_keep_their_order(void **state) {
    enum { MANY = 100000 };
    char *text = malloc((size_t)MANY * 24);
    (void)state;
    assert_non_null(text);
    for (int way = 0; way < 3; way++) {
        struct test_env t;
        midge_arena arena;
        const midge_json *value;
        size_t size = 1;
        text[0] = '{';
        for (uint32_t i = 0; i < MANY; i++) {
            uint32_t key = way == 0 ? i : way == 1 ? MANY - i : i * 2654435761u;
            size += (size_t)sprintf(text + size, "%s\"%011u\":%u",
                                    i > 0 ? "," : "", key, i % 10);
        }
        text[size++] = '}';
        test_env_init(&t);
        midge_arena_init(&arena, &t.env, 0);
        assert_int_equal(midge_json_read(&arena, text, size, &value, NULL),
                         MIDGE_OK);
        assert_int_equal(value->count, MANY);
        int64_t at = 0;
        for (const midge_json *m = value->child; m; m = m->next) {
            assert_int_equal(m->integer, at++ % 10);
        }
        midge_arena_deinit(&arena);
        assert_int_equal(t.held_bytes, 0);
    }
    free(text);
}

static void write_text(midge_buf *buf, const char *text, size_t size) {
    midge_json_writer w;
    midge_buf_clear(buf);
    midge_json_writer_init(&w, buf, 0);
    midge_json_string_n(&w, text, size);
    assert_int_equal(midge_json_writer_end(&w), MIDGE_OK);
}

/* What is not UTF-8 is written as U+FFFD, byte by byte, in keys too. */
static void writes_only_utf8(void **state) {
    struct test_env t;
    midge_buf buf;
    midge_json_writer w;
    (void)state;
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 0);
    midge_json_writer_init(&w, &buf, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "\xFF");
    midge_json_string(&w,
                      "a\xC3\xA9\xE2\x82\n\xED\xA0\x80\xF0\x9D\x84\x9E\xC3");
    midge_json_end_object(&w);
    assert_int_equal(midge_json_writer_end(&w), MIDGE_OK);
    assert_int_equal(midge_buf_terminate(&buf), MIDGE_OK);
#define BAD "\xEF\xBF\xBD"
    assert_string_equal(buf.data,
                        "{\"" BAD "\":\"a\xC3\xA9" BAD BAD "\\n" BAD BAD BAD
                        "\xF0\x9D\x84\x9E" BAD "\"}");
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

/* Any bytes can be written, and what is written can be read. */
static void writes_any_bytes_as_json(void **state) {
    struct test_env t;
    midge_buf buf;
    mdg_rng rng;
    (void)state;
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 0);
    mdg_rng_seed(&rng, 13);
    for (int round = 0; round < 5000; round++) {
        char text[40];
        size_t size = mdg_rng_below(&rng, sizeof text);
        for (size_t i = 0; i < size; i++) {
            uint32_t high = mdg_rng_below(&rng, 3) ? 0x80 : 0;
            text[i] = (char)(high | mdg_rng_below(&rng, 256));
        }
        midge_error err;
        write_text(&buf, text, size);
        sample s = {buf.data, buf.size};
        assert_int_equal(read_sample(&s, &err), MIDGE_OK);
    }
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_json),
        cmocka_unit_test(refuses_what_is_not),
        cmocka_unit_test(refuses_depth),
        cmocka_unit_test(knows_every_escape),
        cmocka_unit_test(knows_every_code_unit),
        cmocka_unit_test(keeps_integers_exact),
        cmocka_unit_test(finds_the_first_key_that_stands_again),
        cmocka_unit_test(large_objects_keep_their_order),
        cmocka_unit_test(writes_only_utf8),
        cmocka_unit_test(writes_any_bytes_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
