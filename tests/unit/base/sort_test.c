/* sort_test.c: against the C library's qsort; keys of floats keep their order.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/sort.h"

enum { N_MAX = 300 };

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sorts_as_qsort(void **state) {
    mdg_rng rng;
    mdg_rng_seed(&rng, 1);
    for (size_t n = 0; n < N_MAX; n++) {
        uint64_t ours[N_MAX], theirs[N_MAX];
        uint64_t mask = n % 3 == 0 ? 7 : UINT64_MAX; /* many alike */
        for (size_t i = 0; i < n; i++) {
            ours[i] = theirs[i] = mdg_rng_next(&rng) & mask;
        }
        mdg_sort_u64(ours, n);
        qsort(theirs, n, sizeof *theirs, compare);
        for (size_t i = 0; i < n; i++) {
            assert_true(ours[i] == theirs[i]);
        }
    }
}

static void keys_keep_the_order(void **state) {
    const float rising[] = {-INFINITY, -3e38f, -1.0f, -1e-45f, -0.0f,   0.0f,
                            1e-45f,    1.0f,   1.5f,  3e38f,   INFINITY};
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++) {
        uint32_t key = mdg_key_of_f32(rising[i]);
        assert_int_equal(mdg_bits_of_f32(mdg_f32_of_key(key)),
                         mdg_bits_of_f32(rising[i]));
        assert_true(i == 0 || key > mdg_key_of_f32(rising[i - 1]));
        uint64_t wide = mdg_key_of_f64((double)rising[i]);
        assert_true(mdg_bits_of_f64(mdg_f64_of_key(wide)) ==
                    mdg_bits_of_f64((double)rising[i]));
        assert_true(i == 0 || wide > mdg_key_of_f64((double)rising[i - 1]));
    }
    assert_true(mdg_key_of_f32(NAN) > mdg_key_of_f32(INFINITY));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_as_qsort),
        cmocka_unit_test(keys_keep_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
