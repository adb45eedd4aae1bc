/* status_test.c: names and texts, and midge_fail against snprintf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <limits.h>

#include "base/rng.h"
#include "midge/status.h"

static void names_every_status(void **state) {
    (void)state;
#define CHECK(name, value, text)                                               \
    assert_int_equal(MIDGE_##name, value);                                     \
    assert_string_equal(midge_status_name(MIDGE_##name), #name);               \
    assert_string_equal(midge_status_text(MIDGE_##name), text);
    MIDGE_STATUS_LIST(CHECK)
#undef CHECK
    assert_string_equal(midge_status_name((midge_status)999), "E_UNKNOWN");
    assert_string_equal(midge_status_text((midge_status)999), "unknown status");
}

/* The format is written once and goes to both. */
#define SAME(...)                                                              \
    do {                                                                       \
        char wanted_[MIDGE_ERROR_TEXT_MAX];                                    \
        midge_error err_;                                                      \
        snprintf(wanted_, sizeof wanted_, __VA_ARGS__);                        \
        assert_int_equal(midge_fail(&err_, MIDGE_E_PARSE, __VA_ARGS__),        \
                         MIDGE_E_PARSE);                                       \
        assert_string_equal(err_.text, wanted_);                               \
    } while (0)

static void formats_integers_as_printf(void **state) {
    static const long long values[] = {0,       1,         -1,        9,
                                       10,      -10,       255,       INT_MAX,
                                       INT_MIN, INT64_MAX, INT64_MIN, 1000000};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        long long v = values[i];
        SAME("%d|%i|%5d|%05d|%-5d|%-12i|%012d|", (int)v, (int)v, (int)v, (int)v,
             (int)v, (int)v, (int)v);
        SAME("%u|%x|%8u|%08x|%-8x|%1u", (unsigned)v, (unsigned)v, (unsigned)v,
             (unsigned)v, (unsigned)v, (unsigned)v);
        SAME("%ld|%lu|%lx|%24ld|%024ld", (long)v, (unsigned long)v,
             (unsigned long)v, (long)v, (long)v);
        SAME("%lld|%llu|%llx|%030lld|%-30lld|", v, (unsigned long long)v,
             (unsigned long long)v, v, v);
        SAME("%zu|%zx|%22zu", (size_t)v, (size_t)v, (size_t)v);
    }
}

static void formats_text_as_printf(void **state) {
    static const char *const texts[] = {"", "a", "abc", "with % inside",
                                        "gr\xC3\xBC\xC3\x9F"};
    (void)state;
    SAME("plain");
    SAME("%%|100 %%|%c%c|%3c|%-3c|", 'x', '%', 'y', 'z');
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SAME("<%s><%10s><%-10s><%1s>", texts[i], texts[i], texts[i], texts[i]);
    }
    for (int size = 0; size < 8; size++) {
        SAME("<%.*s><%8.*s><%-8.*s><%.3s>", size, "abcdef", size, "abcdef",
             size, "abcdef", "abcdef");
    }
    static const char not_ended[3] = {'a', 'b', 'c'};
    SAME("<%.*s>", 3, not_ended);
}

/* Where it is meant to differ from printf. */
static void formats_its_own_way(void **state) {
    midge_error err;
    (void)state;
    (void)midge_fail(&err, MIDGE_E_IO, "%g %g %g %g", 0.1, 1e300, -2.0,
                     1.0 / 3.0);
    assert_string_equal(err.text, "0.1 1e+300 -2 0.3333333333333333");
    (void)midge_fail(&err, MIDGE_E_IO, "%g %g %g", __builtin_inf(),
                     -__builtin_inf(), __builtin_nan(""));
    assert_string_equal(err.text, "inf -inf nan");
    (void)midge_fail(&err, MIDGE_E_IO, "<%.*s>", -1, "abc");
    assert_string_equal(err.text, "<>");
    const char *volatile none = NULL;
    (void)midge_fail(&err, MIDGE_E_IO, "<%s>", none);
    assert_string_equal(err.text, "<(null)>");
    (void)midge_fail(&err, MIDGE_E_IO, "<%.*s>", 2, "a\xC3\xA9z");
    assert_string_equal(err.text, "<a>");
    (void)midge_fail(&err, MIDGE_E_IO, "<%.*s>", 3, "a\xC3\xA9z");
    assert_string_equal(err.text, "<a\xC3\xA9>");
}

static void fills_the_rest_of_the_error(void **state) {
    midge_error err;
    (void)state;
    memset(&err, 0x55, sizeof err);
    assert_int_equal(midge_fail(&err, MIDGE_E_BUSY, "x"), MIDGE_E_BUSY);
    assert_int_equal(err.status, MIDGE_E_BUSY);
    assert_int_equal(err.offset, -1);
    assert_int_equal(err.line, -1);
    assert_int_equal(err.column, -1);
    assert_int_equal(midge_fail(NULL, MIDGE_E_BUSY, "%s", "x"), MIDGE_E_BUSY);
}

/* Characters of 1 to 4 bytes up to and over the maximum, at every offset: the
 * text is the longest whole beginning that fits. */
static void cuts_between_characters(void **state) {
    static const char *const letters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC",
                                          "\xF0\x9D\x84\x9E"};
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        for (size_t before = 0; before < 8; before++) {
            char text[2 * MIDGE_ERROR_TEXT_MAX] = "";
            size_t step = strlen(letters[k]);
            memset(text, '.', before);
            while (strlen(text) < MIDGE_ERROR_TEXT_MAX + 8) {
                strcat(text, letters[k]);
            }
            size_t fits =
                before + (MIDGE_ERROR_TEXT_MAX - 1 - before) / step * step;
            midge_error err;
            (void)midge_fail(&err, MIDGE_E_IO, "%s%d", text, 5);
            assert_int_equal(strlen(err.text), fits);
            assert_memory_equal(err.text, text, fits);
            text[fits] = '\0'; /* what fits exactly stays whole */
            (void)midge_fail(&err, MIDGE_E_IO, "%s", text);
            assert_string_equal(err.text, text);
        }
    }
}

/* Any bytes at all: never past the end, always ended. */
static void bears_any_bytes(void **state) {
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 11);
    for (int round = 0; round < 5000; round++) {
        struct {
            midge_error err;
            unsigned char guard[8];
        } held;
        char text[400];
        size_t size = mdg_rng_below(&rng, sizeof text);
        for (size_t i = 0; i < size; i++) {
            text[i] = (char)(1 + mdg_rng_below(&rng, 255));
        }
        text[size] = '\0';
        memset(&held, 0xEE, sizeof held);
        (void)midge_fail(&held.err, MIDGE_E_IO, "%s", text);
        size_t written = strlen(held.err.text);
        assert_true(written < MIDGE_ERROR_TEXT_MAX);
        assert_memory_equal(held.err.text, text, written);
        assert_true(written == size || written + 4 >= MIDGE_ERROR_TEXT_MAX - 1);
        for (size_t i = 0; i < sizeof held.guard; i++) {
            assert_int_equal(held.guard[i], 0xEE);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_every_status),
        cmocka_unit_test(formats_integers_as_printf),
        cmocka_unit_test(formats_text_as_printf),
        cmocka_unit_test(formats_its_own_way),
        cmocka_unit_test(fills_the_rest_of_the_error),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(bears_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
