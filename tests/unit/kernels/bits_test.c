/* bits_test.c: sets of bits, every variant against counting bit by bit, at
 * every offset, with bits set beside the sets that must not be counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define N_MAX 130
#define ROOM  (N_MAX + 64)

static void fill_random(uint32_t *seed, size_t n, uint8_t *byte) {
    for (size_t i = 0; i < n; i++) {
        uint32_t r = next_random(seed);
        byte[i] = r % 4 == 0 ? 255 : (uint8_t)(r >> 8);
    }
}

/* out = {popcount of a, hamming, and, or} */
static void by_oracle(size_t n, const uint8_t *a, const uint8_t *b,
                      uint64_t *out) {
    memset(out, 0, 4 * sizeof *out);
    for (size_t i = 0; i < 8 * n; i++) {
        unsigned x = a[i / 8] >> i % 8 & 1u, y = b[i / 8] >> i % 8 & 1u;
        out[0] += x;
        out[1] += x != y;
        out[2] += x & y;
        out[3] += x | y;
    }
}

static void check_counts(const struct variants *v, size_t n, const uint8_t *a,
                         const uint8_t *b) {
    uint64_t want[4];
    by_oracle(n, a, b, want);
    for (int i = 0; i < v->count; i++) {
        const mdg_kernels *k = v->table[i];
        assert_true(k->popcount_b1(n, a) == want[0]);
        assert_true(k->hamming_b1(n, a, b) == want[1]);
        assert_true(k->andcount_b1(n, a, b) == want[2]);
        assert_true(k->orcount_b1(n, a, b) == want[3]);
    }
}

static void counts_are_right_for_every_size_and_offset(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 31;
    uint8_t a[ROOM], b[ROOM];
    for (size_t n = 0; n <= N_MAX; n++) {
        for (size_t offset = 0; offset < 16; offset++) {
            fill_random(&seed, ROOM, a);
            fill_random(&seed, ROOM, b);
            check_counts(&v, n, a + offset, b + (offset * 5 + 2) % 16);
        }
    }
}

/* Counts in bytes must not run over, however many registers there are. */
static void counts_are_right_for_large_sets(void **state) {
    struct variants v = variants_here();
    static uint8_t a[100000], b[100000];
    uint32_t seed = 33;
    for (int i = 0; i < v.count; i++) {
        const mdg_kernels *k = v.table[i];
        memset(a, 255, sizeof a);
        memset(b, 0, sizeof b);
        for (size_t n = 1; n <= sizeof a; n += n / 2 + 1) {
            assert_true(k->popcount_b1(n, a) == 8 * n);
            assert_true(k->hamming_b1(n, a, b) == 8 * n);
            assert_true(k->andcount_b1(n, a, a) == 8 * n);
            assert_true(k->orcount_b1(n, b, a) == 8 * n);
            assert_true(k->hamming_b1(n, a, a) == 0);
        }
    }
    fill_random(&seed, sizeof a, a);
    fill_random(&seed, sizeof b, b);
    for (size_t n = 200; n < sizeof a; n = n * 2 + 17) {
        check_counts(&v, n, a, b);
    }
}

typedef void combine_fn(size_t n, const uint8_t *a, const uint8_t *b,
                        uint8_t *out);

static uint8_t combined(int op, uint8_t x, uint8_t y) {
    return (uint8_t)(op == 0 ? x ^ y : op == 1 ? x & y : x | y);
}

static void check_combine(combine_fn *combine, int op, size_t n, size_t offset,
                          uint32_t *seed) {
    uint8_t a[ROOM], b[ROOM], want[ROOM], got[ROOM];
    fill_random(seed, ROOM, a);
    fill_random(seed, ROOM, b);
    memset(want, 0x5a, ROOM);
    memset(got, 0x5a, ROOM);
    const uint8_t *x = a + 15 - offset, *y = b + offset;
    for (size_t i = 0; i < n; i++) {
        want[offset + i] = combined(op, x[i], y[i]);
    }
    combine(n, x, y, got + offset);
    assert_memory_equal(got, want, ROOM);
    /* into one of the inputs, which stays what it is beside */
    memcpy(got, b, ROOM);
    combine(n, x, got + offset, got + offset);
    assert_memory_equal(got + offset, want + offset, n);
    assert_memory_equal(got, b, offset);
    assert_memory_equal(got + offset + n, b + offset + n, ROOM - offset - n);
    memcpy(got, a, ROOM);
    combine(n, got + 15 - offset, y, got + 15 - offset);
    assert_memory_equal(got + 15 - offset, want + offset, n);
}

static void sets_are_combined(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 35;
    for (int i = 0; i < v.count; i++) {
        const mdg_kernels *k = v.table[i];
        for (size_t n = 0; n <= N_MAX; n++) {
            for (size_t offset = 0; offset < 16; offset++) {
                check_combine(k->xor_b1, 0, n, offset, &seed);
                check_combine(k->and_b1, 1, n, offset, &seed);
                check_combine(k->or_b1, 2, n, offset, &seed);
            }
        }
    }
}

static void touch_all(const mdg_kernels *k, size_t n, const uint8_t *a,
                      const uint8_t *b, uint8_t *out) {
    static const uint32_t index[2] = {0, 0};
    uint32_t rows[2];
    (void)k->popcount_b1(n, a);
    (void)k->hamming_b1(n, a, b);
    (void)k->andcount_b1(n, a, b);
    (void)k->orcount_b1(n, a, b);
    k->gather_hamming_b1(2, index, n, a, n, b, rows);
    k->xor_b1(n, a, b, out);
    k->and_b1(n, a, b, out);
    k->or_b1(n, a, b, out);
}

static void nothing_else_is_touched(void **state) {
    struct variants v = variants_here();
    static const uint8_t zeros[3 * N_MAX];
    for (size_t n = 1; n <= 3 * N_MAX; n++) {
        uint8_t *a = exact_copy(n, zeros), *b = exact_copy(n, zeros);
        uint8_t *out = exact_copy(n, zeros);
        for (int i = 0; i < v.count; i++) {
            touch_all(v.table[i], n, a, b, out);
        }
        free(a);
        free(b);
        free(out);
    }
}

#define ROWS 21

static void check_rows(const mdg_kernels *k, size_t count,
                       const uint32_t *index, size_t n, const uint8_t *a,
                       size_t lda, const uint8_t *x) {
    uint32_t got[ROWS + 1];
    memset(got, 0xa5, sizeof got);
    k->gather_hamming_b1(count, index, n, a, lda, x, got);
    for (size_t i = 0; i < count; i++) {
        uint64_t want[4];
        by_oracle(n, a + (index ? index[i] : i) * lda, x, want);
        assert_true(got[i] == want[1]);
    }
    assert_int_equal(got[count], 0xa5a5a5a5u);
}

static void rows_are_gathered(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 37, index[ROWS];
    static uint8_t a[ROWS * (N_MAX + 10)], x[N_MAX];
    fill_random(&seed, sizeof x, x);
    for (size_t n = 0; n <= N_MAX; n++) {
        size_t lda = n + next_random(&seed) % 10;
        fill_random(&seed, sizeof a, a);
        for (size_t i = 0; i < ROWS; i++) {
            index[i] = next_random(&seed) % ROWS;
        }
        for (int i = 0; i < v.count; i++) {
            size_t count = (n + (size_t)i) % (ROWS + 1);
            check_rows(v.table[i], count, index, n, a, lda, x);
            check_rows(v.table[i], count, NULL, n, a, lda, x);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_right_for_every_size_and_offset),
        cmocka_unit_test(counts_are_right_for_large_sets),
        cmocka_unit_test(sets_are_combined),
        cmocka_unit_test(rows_are_gathered),
        cmocka_unit_test(nothing_else_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
