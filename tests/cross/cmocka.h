/* cmocka.h: what the tests use of cmocka, for a machine that has no package of
 * it: the tests of the core run under an emulator too. Writes what cmocka
 * writes; a failed assertion ends its test by a jump, as there. */
#ifndef TEST_CROSS_CMOCKA_H
#define TEST_CROSS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test_func)(void **state);
    void *initial_state;
};

static jmp_buf cross_failed;

#if defined(__GNUC__)
__attribute__((unused, noreturn))
#endif
static void
cross_fail(const char *file, int line, const char *what) {
    printf("[   LINE   ] --- %s:%d: error: %s\n", file, line, what);
    longjmp(cross_failed, 1);
}

#define CROSS_CHECK(holds)                                                     \
    ((holds) ? (void)0 : cross_fail(__FILE__, __LINE__, #holds))

#define assert_true(x)         CROSS_CHECK(x)
#define assert_false(x)        CROSS_CHECK(!(x))
#define assert_null(x)         CROSS_CHECK((x) == NULL)
#define assert_non_null(x)     CROSS_CHECK((x) != NULL)
#define assert_ptr_equal(a, b) CROSS_CHECK((a) == (b))
/* As in cmocka, whatever the types of the two are. */
#define assert_int_equal(a, b)                                                 \
    CROSS_CHECK((unsigned long long)(a) == (unsigned long long)(b))
#define assert_int_not_equal(a, b)                                             \
    CROSS_CHECK((unsigned long long)(a) != (unsigned long long)(b))
#define assert_string_equal(a, b)     CROSS_CHECK(strcmp((a), (b)) == 0)
#define assert_string_not_equal(a, b) CROSS_CHECK(strcmp((a), (b)) != 0)
#define assert_in_range(x, low, high) CROSS_CHECK((x) >= (low) && (x) <= (high))
#define assert_memory_equal(a, b, size)                                        \
    CROSS_CHECK(memcmp((a), (b), (size)) == 0)
#define assert_memory_not_equal(a, b, size)                                    \
    CROSS_CHECK(memcmp((a), (b), (size)) != 0)
#define assert_float_equal(a, b, within)                                       \
    CROSS_CHECK((a) - (b) <= (within) && (b) - (a) <= (within))
#define print_message(...) printf(__VA_ARGS__)
#define print_error(...)   printf(__VA_ARGS__)
#define fail()             cross_fail(__FILE__, __LINE__, "fail()")
#define fail_msg(...)                                                          \
    (printf(__VA_ARGS__), cross_fail(__FILE__, __LINE__, "fail_msg()"))

#define cmocka_unit_test(test) {#test, test, NULL}
#define cmocka_run_group_tests(tests, setup, teardown)                         \
    cross_run((tests), sizeof(tests) / sizeof *(tests))

static inline int cross_run(const struct CMUnitTest *tests, size_t count) {
    static int n_failed; /* not on the stack that the jump comes back to */
    static size_t i;
    for (i = 0; i < count; i++) {
        printf("[ RUN      ] %s\n", tests[i].name);
        if (setjmp(cross_failed) == 0) {
            void *state = tests[i].initial_state;
            tests[i].test_func(&state);
            printf("[       OK ] %s\n", tests[i].name);
        } else {
            printf("[  FAILED  ] %s\n", tests[i].name);
            n_failed++;
        }
        fflush(stdout);
    }
    return n_failed;
}

#endif
