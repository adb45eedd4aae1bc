/* unicode_words_test.c: what a word is, and its lower case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "embed/unicode_words.h"

/* The words of `text`, each in lower case, with | between them. */
static void join(const char *text, char *out) {
    size_t at = 0;
    size_t size;
    size_t n = 0;
    const char *word;
    size_t left = strlen(text);
    while ((word = mdg_next_word(text, left, &at, &size))) {
        assert_true(size > 0 && word + size == text + at);
        if (n > 0) {
            out[n++] = '|';
        }
        n += mdg_lower_word(word, size, out + n);
    }
    assert_int_equal(at, left);
    assert_int_equal(size, 0);
    out[n] = '\0';
}

static void texts_become_words(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", ""},
        {" .,;-!?\n\t", ""},
        {"The cat SAT.", "the|cat|sat"},
        {"don't re-use C3PO's v2.0", "don|t|re|use|c3po|s|v2|0"},
        {"a_b@c.de", "a|b|c|de"},
        {"\xC3\x84PFEL \xC3\x9C"
         "ber \xC3\x97 stra\xC3\x9F"
         "e",
         "\xC3\xA4pfel|\xC3\xBC"
         "ber|stra\xC3\x9F"
         "e"},
        /* Greek, Cyrillic, Armenian, Georgian capitals; final sigma is kept */
        {"\xCE\x91\xCE\x98\xCE\x97\xCE\x9D\xCE\x91\xCF\x82",
         "\xCE\xB1\xCE\xB8\xCE\xB7\xCE\xBD\xCE\xB1\xCF\x82"},
        {"\xD0\x9C\xD0\x98\xD0\xA0 \xD0\x81\xD0\xB6",
         "\xD0\xBC\xD0\xB8\xD1\x80|\xD1\x91\xD0\xB6"},
        /* a combining accent belongs to its letter */
        {"e\xCC\x81t\xC3\xA9", "e\xCC\x81t\xC3\xA9"},
        /* ideographs without spaces are one word; ideographic full stop */
        {"\xE6\x97\xA5\xE6\x9C\xAC\xE3\x80\x82\xE8\xAA\x9E",
         "\xE6\x97\xA5\xE6\x9C\xAC|\xE8\xAA\x9E"},
        /* Devanagari with vowel signs; danda */
        {"\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8\xE0\xA5\xA4\xE0\xA5\xA6",
         "\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8|\xE0\xA5\xA6"},
        /* superscript two is no decimal digit, an emoji no letter */
        {"m\xC2\xB2 ok\xF0\x9F\x98\x80ok", "m|ok|ok"},
        /* dashes, quotes, no-break space, soft hyphen, zero-width joiner */
        {"a\xE2\x80\x94"
         "b\xE2\x80\x99"
         "c\xC2\xA0"
         "d\xC2\xAD"
         "e\xE2\x80\x8D"
         "f",
         "a|b|c|d|e|f"},
        /* Deseret, beyond the first plane; mathematical capitals stay */
        {"\xF0\x90\x90\x80", "\xF0\x90\x90\xA8"},
        /* 2 bytes become 3, 3 become 1 and 2 */
        {"\xC8\xBA\xC8\xBE", "\xE2\xB1\xA5\xE2\xB1\xA6"},
        {"\xE2\x84\xAA\xE1\xBA\x9E", "k\xC3\x9F"},
        /* bytes that are not UTF-8 separate */
        {"a\xFF"
         "b\xC3"
         "c\xE2\x82"
         "d",
         "a|b|c|d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[256];
        join(cases[i].text, out);
        if (strcmp(out, cases[i].words) != 0) {
            fail_msg("case %zu: %s: %s", i, cases[i].text, out);
        }
    }
}

/* Over all of Unicode: lower case is a word character where the capital is, is
 * its own lower case, and needs no more room than promised. */
static void lower_case_is_sound(void **state) {
    (void)state;
    size_t n_words = 0;
    size_t n_lowered = 0;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        uint32_t low = mdg_lower_char(c);
        n_words += (size_t)mdg_is_word_char(c);
        if (low == c) {
            continue;
        }
        n_lowered++;
        assert_int_equal(mdg_lower_char(low), low);
        assert_int_equal(mdg_is_word_char(low), mdg_is_word_char(c));
        size_t from = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        size_t to = low < 0x80 ? 1 : low < 0x800 ? 2 : low < 0x10000 ? 3 : 4;
        assert_true(to <= mdg_lower_room(from));
    }
    /* Unicode 14.0: 131,756 letters, 2,408 marks, 660 decimal digits */
    assert_int_equal(n_words, 131756 + 2408 + 660);
    assert_int_equal(n_lowered, 1433);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_words),
        cmocka_unit_test(lower_case_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
