/* libc_test.c: the mem and str functions of the wasm build against those of the
 * C library. Copies and fills are single instructions there and are what every
 * module runs on; here the written ones are compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void *wasm_memcpy(void *to, const void *from, size_t size);
void *wasm_memmove(void *to, const void *from, size_t size);
void *wasm_memset(void *to, int value, size_t size);
int wasm_memcmp(const void *a, const void *b, size_t size);
void *wasm_memchr(const void *bytes, int wanted, size_t size);
size_t wasm_strlen(const char *text);
int wasm_strcmp(const char *a, const char *b);

#define memcpy  wasm_memcpy
#define memmove wasm_memmove
#define memset  wasm_memset
#define memcmp  wasm_memcmp
#define memchr  wasm_memchr
#define strlen  wasm_strlen
#define strcmp  wasm_strcmp
#include "libc.c" /* NOLINT(bugprone-suspicious-include) */
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strcmp

static const char *const texts[] = {"",     "a",     "b",     "ab",
                                    "abc",  "abd",   "abcd",  "\x80",
                                    "\xff", "a\xff", "ab\x80"};
#define TEXTS (sizeof texts / sizeof *texts)

static int sign(int x) {
    return (x > 0) - (x < 0);
}

static void comparing_has_the_sign_of_the_library(void **state) {
    (void)state;
    for (size_t i = 0; i < TEXTS; i++) {
        assert_int_equal(wasm_strlen(texts[i]), strlen(texts[i]));
        for (size_t j = 0; j < TEXTS; j++) {
            const char *a = texts[i];
            const char *b = texts[j];
            size_t la = strlen(a), lb = strlen(b);
            size_t n = la < lb ? la : lb;
            assert_int_equal(sign(wasm_strcmp(a, b)), sign(strcmp(a, b)));
            assert_int_equal(sign(wasm_memcmp(a, b, n)), sign(memcmp(a, b, n)));
        }
    }
}

static void finding_stops_at_the_end(void **state) {
    (void)state;
    const unsigned char bytes[] = {1, 0, 200, 1, 255};
    for (int wanted = 0; wanted < 256; wanted++) {
        for (size_t n = 0; n <= sizeof bytes; n++) {
            assert_ptr_equal(wasm_memchr(bytes, wanted, n),
                             memchr(bytes, wanted, n));
        }
    }
    assert_ptr_equal(wasm_memchr(bytes, 256 + 200, 5), bytes + 2);
}

static void copies_may_overlap_where_they_should(void **state) {
    (void)state;
    char text[] = "0123456789";
    wasm_memmove(text + 2, text, 6);
    assert_string_equal(text, "0101234589");
    wasm_memmove(text, text + 2, 8);
    assert_string_equal(text, "0123458989");
    wasm_memset(text, 'x', 3);
    wasm_memcpy(text + 8, "yz", 2);
    assert_string_equal(text, "xxx34589yz");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing_has_the_sign_of_the_library),
        cmocka_unit_test(finding_stops_at_the_end),
        cmocka_unit_test(copies_may_overlap_where_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
