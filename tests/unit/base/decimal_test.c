/* decimal_test.c: decimals against strtod and printf of the C library, which
 * are the oracle here and nowhere else. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/rng.h"
#include "test_share.h"

static double from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Our reading of `text` has the bits of strtod's; overflow is refused. */
static void check_read(const char *text) {
    double want = strtod(text, NULL);
    double got = -1;
    int ok = mdg_decimal_read(text, strlen(text), &got);
    int fits = want - want == 0.0;
    if (ok != fits || (fits && memcmp(&got, &want, sizeof got) != 0)) {
        fail_msg("%s: read %d %a, strtod %a", text, ok, got, want);
    }
}

/* C's decimals: what only the loose reading takes has strtod's bits too. */
static void reads_decimals_of_c(void **state) {
    (void)state;
    static const char *const taken[] = {"+1",   "007",   ".5",       "5.",
                                        "-.5",  "+00.",  "-5.e3",    ".5E-7",
                                        "1e+2", "-0.10", "+000e000", "00.0625"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        double want = strtod(taken[i], NULL);
        double got = -1.0;
        assert_true(mdg_decimal_read_loose(taken[i], strlen(taken[i]), &got));
        assert_memory_equal(&got, &want, sizeof got);
    }
    static const char *const refused[] = {
        "",    ".",   "+",    "-",    "e5", ".e5", "1e",  "1e+", "+-1",
        "--1", "1..", "0x10", "1e5.", " 1", "1 ",  "inf", "nan", "1e999"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        double got = -1.0;
        assert_false(
            mdg_decimal_read_loose(refused[i], strlen(refused[i]), &got));
    }
}

/* Significant digits of a decimal: without sign, exponent and outer zeros. */
static int count_digits(const char *text) {
    int count = 0;
    int zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text >= '1' && *text <= '9') {
            count += zeros + 1;
            zeros = 0;
        } else if (*text == '0' && count > 0) {
            zeros++;
        }
    }
    return count;
}

/* What `text` should be by the C library: as near to the value as %.*e of as
 * many digits, and with one digit less none reads back. At a power of two the
 * gap below is narrower, and a decimal that is not the nearest may fit into the
 * wider one: there, one that is shorter is allowed. */
static void check_shortest(const char *text, double value, int is_float) {
    char other[64];
    int digits = count_digits(text);
    int exponent;
    snprintf(other, sizeof other, "%.*e", digits - 1, value);
    long double ours = fabsl(strtold(text, NULL) - (long double)value);
    long double nearest = fabsl(strtold(other, NULL) - (long double)value);
    if (ours > nearest * 1.01L && fabs(frexp(value, &exponent)) != 0.5) {
        fail_msg("%s is not as near as %s", text, other);
    }
    if (digits > 1) {
        snprintf(other, sizeof other, "%.*e", digits - 2, value);
        double back =
            is_float ? (double)strtof(other, NULL) : strtod(other, NULL);
        if (back == value) {
            fail_msg("%s is not as short as %s", text, other);
        }
    }
}

static void check_write(double value) {
    char text[MDG_DECIMAL_MAX];
    size_t size = mdg_decimal_write_f64(value, text);
    double back = strtod(text, NULL);
    double read = -1;
    assert_int_equal(size, strlen(text));
    if (memcmp(&back, &value, sizeof back) != 0) {
        fail_msg("%a written as %s", value, text);
    }
    assert_true(mdg_decimal_read(text, size, &read));
    if (memcmp(&read, &value, sizeof read) != 0) {
        fail_msg("%s read as %a", text, read);
    }
    if (value != 0) {
        check_shortest(text, value, 0);
    }
}

static void check_write_float(float value) {
    char text[MDG_DECIMAL_MAX];
    mdg_decimal_write_f32(value, text);
    float back = strtof(text, NULL);
    double read = 0;
    assert_memory_equal(&back, &value, sizeof back);
    assert_true(mdg_decimal_read(text, strlen(text), &read));
    assert_true((float)read == value);
    if (value != 0) {
        check_shortest(text, (double)value, 1);
    }
}

static void reads_random_decimals(void **state) {
    mdg_rng rng;
    char text[96];
    (void)state;
    mdg_rng_seed(&rng, 1);
    for (int i = 0; i < 100000 / TEST_SHARE; i++) {
        double value = from_bits(mdg_rng_next(&rng));
        if (value - value == 0.0) {
            snprintf(text, sizeof text, "%.*e", (int)mdg_rng_below(&rng, 30),
                     value);
            check_read(text);
        }
    }
    for (int i = 0; i < 100000 / TEST_SHARE; i++) {
        snprintf(text, sizeof text, "%llu.%lluE%d",
                 (unsigned long long)mdg_rng_next(&rng) >>
                     mdg_rng_below(&rng, 64),
                 (unsigned long long)mdg_rng_next(&rng),
                 (int)mdg_rng_below(&rng, 700) - 350);
        check_read(text);
    }
}

/* The exact midpoint between two doubles, all digits of it, and the same with
 * one more digit behind it: the hardest decimals there are. */
static void reads_midpoints(void **state) {
    static char text[2048];
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 2);
    for (int i = 0; i < 2000 / TEST_SHARE; i++) {
        uint64_t bits = mdg_rng_next(&rng) & (UINT64_MAX >> 1);
        if (i % 4 == 0) {
            bits >>= 11 + mdg_rng_below(&rng, 52); /* subnormal */
        }
        long double below = from_bits(bits);
        long double above = from_bits(bits + 1);
        if (above - above != 0.0L) {
            continue;
        }
        int size = snprintf(text, sizeof text - 2, "%.1100Le",
                            below + (above - below) / 2);
        check_read(text);
        char *e = strchr(text, 'e');
        memmove(e + 1, e, (size_t)(text + size - e) + 1);
        *e = '1';
        check_read(text);
    }
}

static void reads_hard_cases(void **state) {
    static const char *const cases[] = {
        "0",
        "-0",
        "0.0e-999",
        "-0e99999999999999999999",
        "1e308",
        "1e309",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "1e-99999",
        "9007199254740993",
        "9007199254740992.0000000000000000000001",
        "6.631236846766476e-316",
        "5e-324",
        "123456789012345678901234567890",
        "0.000000000000000000000000000000000000000000001e45",
        "1e22",
        "1e23"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_read(cases[i]);
    }
}

static void refuses_what_is_no_number(void **state) {
    static const char *const cases[] = {
        "",    "-",     "+1",  ".5",  "1.",   "01",    "-01",  "1e",
        "1e+", "0x1",   "1.e", "nan", "1 ",   " 1",    "1..2", "--1",
        "inf", "1e1.5", "1a",  "1-",  "1e5e", "1.2.3", "e5",   "-.1"};
    double value;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (mdg_decimal_read(cases[i], strlen(cases[i]), &value)) {
            fail_msg("'%s' was read as %g", cases[i], value);
        }
    }
}

static void writes_shortest_doubles(void **state) {
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 3);
    for (int i = 0; i < 25000 / TEST_SHARE; i++) {
        double value = from_bits(mdg_rng_next(&rng));
        if (value - value == 0.0) {
            check_write(value);
        }
        check_write(mdg_rng_double(&rng));
        check_write((double)mdg_rng_below(&rng, 1000000) / 1000);
        check_write((double)(int64_t)mdg_rng_next(&rng));
    }
    for (uint64_t power = 0; power < 2047; power += TEST_SHARE) {
        check_write(from_bits(power << 52));
        check_write(from_bits((power << 52) + 1));
        check_write(from_bits((power << 52 | 1) - (power > 0 ? 2 : 1)));
    }
}

static void writes_shortest_floats(void **state) {
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 4);
    for (int i = 0; i < 80000 / TEST_SHARE; i++) {
        uint32_t bits = (uint32_t)mdg_rng_next(&rng);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (value - value == 0.0f) {
            check_write_float(value);
        }
        check_write_float(mdg_rng_float(&rng));
    }
}

static void lays_numbers_out(void **state) {
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},       {-0.0, "-0"},         {1e21, "1e+21"},
                 {100, "100"},       {5e-324, "5e-324"},   {0.5, "0.5"},
                 {-12.25, "-12.25"}, {1.5e300, "1.5e+300"}};
    char text[MDG_DECIMAL_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mdg_decimal_write_f64(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_decimals_of_c),
        cmocka_unit_test(reads_random_decimals),
        cmocka_unit_test(reads_midpoints),
        cmocka_unit_test(reads_hard_cases),
        cmocka_unit_test(refuses_what_is_no_number),
        cmocka_unit_test(writes_shortest_doubles),
        cmocka_unit_test(writes_shortest_floats),
        cmocka_unit_test(lays_numbers_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
