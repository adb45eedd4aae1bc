/* utf8_test.c: every first four bytes against the definition: a sequence is
 * valid when encoding some code point in the shortest way gives it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "test_share.h"

/* The code point that `size` bytes stand for if the lead bits are believed;
 * the shortest encoding of it; valid when both agree. Nothing is shared with
 * the table of ranges in utf8.c. */
static size_t encode(uint32_t code, unsigned char out[4]) {
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size; i > 1; i--) {
        out[i - 1] = (unsigned char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (unsigned char)(lead[size] | code);
    return size;
}

static size_t oracle(const unsigned char *s, size_t left) {
    for (size_t size = 1; size <= 4 && size <= left; size++) {
        static const unsigned char data_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
        unsigned char again[4];
        uint32_t code = s[0] & data_bits[size];
        for (size_t i = 1; i < size; i++) {
            code = code << 6 | (s[i] & 0x3F);
        }
        if (code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) &&
            encode(code, again) == size && memcmp(s, again, size) == 0) {
            return size;
        }
    }
    return 0;
}

static void compare(const unsigned char s[4]) {
    for (size_t left = 1; left <= 4; left++) {
        unsigned char *exact = malloc(left);
        assert_non_null(exact);
        memcpy(exact, s, left); /* its own block: reading on is seen by ASan */
        size_t found = mdg_utf8_size((const char *)exact, left);
        if (found != oracle(exact, left)) {
            fail_msg("%02x %02x %02x %02x of %zu: %zu", s[0], s[1], s[2], s[3],
                     left, found);
        }
        free(exact);
    }
}

/* Bytes at which something changes, behind every first byte. */
static void agrees_at_every_edge(void **state) {
    static const unsigned char edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90,
                                          0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (size_t i = 0; i < sizeof edges * sizeof edges * sizeof edges;
             i++) {
            unsigned char s[4] = {(unsigned char)first, edges[i % 10],
                                  edges[i / 10 % 10], edges[i / 100]};
            compare(s);
        }
    }
}

/* Every first, second and third byte; the fourth goes through all its values
 * behind one in 64 of those with a lead of four bytes (2^32 would be long). */
static void agrees_on_all_prefixes(void **state) {
    const uint32_t step = TEST_SHARE > 1 ? 2 * TEST_SHARE + 1 : 1; /* odd */
    (void)state;
    for (uint32_t three = 0; three < 1u << 24; three += step) {
        unsigned char s[4] = {(unsigned char)(three >> 16),
                              (unsigned char)(three >> 8), (unsigned char)three,
                              0x80};
        unsigned last = s[0] >= 0xF0 && (s[2] & 0x3F) == 0x15 ? 256 : 1;
        for (unsigned fourth = 0; fourth < last; fourth++) {
            s[3] = (unsigned char)(last == 1 ? 0x80 : fourth);
            for (size_t left = 1; left <= 4; left++) {
                assert_true(mdg_utf8_size((char *)s, left) == oracle(s, left));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_at_every_edge),
        cmocka_unit_test(agrees_on_all_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
