/* pq4_test.c: four-bit codes, every variant against sums over the codes as they
 * were before packing, and the layout of pq4.h against its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define N_MAX 70 /* two blocks and a part of a third */
#define GUARD 64

static uint8_t codes[N_MAX * MDG_PQ4_MAX];
static uint8_t packed[MDG_PQ4_BYTES(N_MAX, MDG_PQ4_MAX) + GUARD];
static uint8_t lut[16 * MDG_PQ4_MAX + 1];
static uint16_t sums[96 + GUARD];

static void fill_random(uint32_t *seed, size_t n, uint8_t *byte) {
    for (size_t i = 0; i < n; i++) {
        byte[i] = (uint8_t)(next_random(seed) >> 6);
    }
}

static uint32_t sum_of(size_t m, const uint8_t *vector, const uint8_t *table) {
    uint32_t sum = 0;
    for (size_t p = 0; p < m; p++) {
        sum += table[16 * p + vector[p] % 16];
    }
    return sum;
}

/* At an odd address, in both directions of n. */
static void check(const mdg_kernels *k, size_t n, size_t m) {
    const size_t bytes = MDG_PQ4_BYTES(n, m), blocks = (n + 31) / 32;
    memset(packed, 0xee, sizeof packed);
    memset(sums, 0xee, sizeof sums);
    k->pq4_pack(n, m, codes, packed + 1);
    assert_int_equal(packed[0], 0xee);
    assert_int_equal(packed[1 + bytes], 0xee);
    k->pq4_sums(m, blocks, packed + 1, lut + 1, sums);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(sums[i], sum_of(m, codes + i * m, lut + 1));
    }
    static const uint8_t zeros[MDG_PQ4_MAX];
    for (size_t i = n; i < 32 * blocks; i++) {
        assert_int_equal(sums[i], sum_of(m, zeros, lut + 1));
    }
    assert_int_equal(sums[32 * blocks], 0xeeee);
}

static void sums_are_those_of_the_codes(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 41;
    for (size_t m = 0; m < 40; m++) {
        fill_random(&seed, sizeof codes, codes);
        fill_random(&seed, sizeof lut, lut);
        for (int i = 0; i < v.count; i++) {
            for (size_t n = 0; n <= N_MAX; n += 1 + n % 3) {
                check(v.table[i], n, m);
            }
        }
    }
}

static void nothing_else_is_touched(void **state) {
    struct variants v = variants_here();
    for (size_t m = 1; m < 40; m++) {
        const size_t n = 1 + m * 2 % N_MAX, blocks = (n + 31) / 32;
        uint8_t *from = exact_copy(n * m, codes);
        uint8_t *table = exact_copy(16 * m, lut);
        uint8_t *to = exact_copy(MDG_PQ4_BYTES(n, m), packed);
        uint16_t *out = exact_copy(32 * blocks * sizeof *out, sums);
        for (int i = 0; i < v.count; i++) {
            v.table[i]->pq4_pack(n, m, from, to);
            v.table[i]->pq4_sums(m, blocks, to, table, out);
        }
        free(from);
        free(table);
        free(to);
        free(out);
    }
}

static void sums_fit_at_the_limit(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 43;
    for (int i = 0; i < v.count; i++) {
        fill_random(&seed, sizeof codes, codes);
        fill_random(&seed, sizeof lut, lut);
        check(v.table[i], N_MAX, MDG_PQ4_MAX);
        memset(lut, 255, sizeof lut);
        check(v.table[i], N_MAX, MDG_PQ4_MAX);
        assert_int_equal(sums[0], 65535);
    }
}

static void codes_are_where_the_header_says(void **state) {
    struct variants v = variants_here();
    const size_t n = 50, m = 3;
    uint32_t seed = 47;
    fill_random(&seed, sizeof codes, codes);
    for (int i = 0; i < v.count; i++) {
        v.table[i]->pq4_pack(n, m, codes, packed);
        for (size_t at = 0; at < MDG_PQ4_BYTES(n, m); at++) {
            size_t block = at / (16 * m), p = at / 16 % m, j = at % 16;
            size_t low = 32 * block + j, high = low + 16;
            unsigned want = low < n ? codes[low * m + p] & 15u : 0;
            want |= high < n ? (codes[high * m + p] & 15u) << 4 : 0;
            assert_int_equal(packed[at], want);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_the_codes),
        cmocka_unit_test(sums_fit_at_the_limit),
        cmocka_unit_test(nothing_else_is_touched),
        cmocka_unit_test(codes_are_where_the_header_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
