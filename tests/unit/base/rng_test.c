/* rng_test.c: the generator against the published code, and what is made of
 * its numbers against their distributions. Seeds are fixed, so a statistic that
 * passes once passes always; the bounds lie far outside of what chance gives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

/* Written after the reference programs of Vigna, and not after rng.c. */
static uint64_t reference_state[4];

static uint64_t reference_splitmix(uint64_t *x) {
    uint64_t z = *x = *x + 0x9e3779b97f4a7c15u;
    z ^= z >> 30;
    z *= 0xbf58476d1ce4e5b9u;
    z ^= z >> 27;
    z *= 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t rotl(uint64_t x, unsigned k) {
    return x << k | x >> (64 - k);
}

static uint64_t reference_next(void) {
    uint64_t *s = reference_state;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    /* All four at once, from the old values. */
    uint64_t fresh[4] = {s[0] ^ s[3] ^ s[1], s[1] ^ s[2] ^ s[0],
                         s[2] ^ s[0] ^ s[1] << 17, rotl(s[3] ^ s[1], 45)};
    memcpy(s, fresh, sizeof fresh);
    return result;
}

static void agrees_with_the_reference(void **state) {
    static const uint64_t seeds[] = {0, 1, 42, UINT64_MAX, 0x8000000000000000u};
    (void)state;
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        mdg_rng rng;
        uint64_t x = seeds[i];
        mdg_rng_seed(&rng, seeds[i]);
        for (int k = 0; k < 4; k++) {
            reference_state[k] = reference_splitmix(&x);
        }
        for (int k = 0; k < 1000; k++) {
            assert_true(mdg_rng_next(&rng) == reference_next());
        }
    }
}

/* Published numbers: splitmix64 from 1234567, xoshiro256** from 1, 2, 3, 4. */
static void agrees_with_published_numbers(void **state) {
    static const uint64_t split[4] = {
        6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
        4593380528125082431u};
    static const uint64_t next[5] = {
        11520u, 0u, 1509978240u, 1215971899390074240u, 1216172134540287360u};
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 1234567);
    for (int i = 0; i < 4; i++) {
        assert_true(rng.s[i] == split[i]);
    }
    rng = (mdg_rng){{1, 2, 3, 4}};
    for (int i = 0; i < 5; i++) {
        assert_true(mdg_rng_next(&rng) == next[i]);
    }
}

static void streams_differ(void **state) {
    enum { SIDE = 64 };
    static uint64_t seen[SIDE * SIDE];
    size_t count = 0;
    (void)state;
    for (uint64_t seed = 0; seed < SIDE; seed++) {
        for (uint64_t stream = 0; stream < SIDE; stream++) {
            uint64_t mixed = mdg_rng_mix(seed, stream);
            assert_true(mixed == mdg_rng_mix(seed, stream));
            for (size_t i = 0; i < count; i++) {
                assert_true(seen[i] != mixed);
            }
            seen[count++] = mixed;
        }
    }
}

/* A step is linear over GF(2). Its matrix, squared 128 times, takes 2^128
 * steps; this shares nothing with the polynomial. row[i] is what bit i of the
 * state contributes to. */
#define STATE_BITS 256

static void apply(mdg_rng *const row, mdg_rng *x) {
    mdg_rng sum = {{0, 0, 0, 0}};
    for (int i = 0; i < STATE_BITS; i++) {
        if ((x->s[i / 64] >> (i % 64) & 1) != 0) {
            for (int k = 0; k < 4; k++) {
                sum.s[k] ^= row[i].s[k];
            }
        }
    }
    *x = sum;
}

static void split_goes_on_behind_2_to_the_128(void **state) {
    static mdg_rng row[STATE_BITS], square[STATE_BITS];
    (void)state;
    for (int i = 0; i < STATE_BITS; i++) {
        row[i] = (mdg_rng){{0, 0, 0, 0}};
        row[i].s[i / 64] = (uint64_t)1 << (i % 64);
        (void)mdg_rng_next(&row[i]);
    }
    for (int k = 0; k < 128; k++) {
        memcpy(square, row, sizeof row);
        for (int i = 0; i < STATE_BITS; i++) {
            apply(row, &square[i]);
        }
        memcpy(row, square, sizeof row);
    }
    for (uint64_t seed = 0; seed < 20; seed++) {
        mdg_rng rng, child, wanted;
        mdg_rng_seed(&rng, seed);
        wanted = rng;
        for (int part = 0; part < 3; part++) {
            mdg_rng_split(&rng, &child);
            assert_memory_equal(&child, &wanted, sizeof child);
            apply(row, &wanted);
            assert_memory_equal(&rng, &wanted, sizeof rng);
        }
    }
}

/* z-score of a chi-square statistic, nearly normal for many cells. */
static double chi_square(const uint32_t *cells, uint32_t count, double draws) {
    double expected = draws / count;
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        double d = cells[i] - expected;
        sum += d * d / expected;
    }
    return (sum - (count - 1)) / __builtin_sqrt(2.0 * (count - 1));
}

static void below_is_uniform(void **state) {
    static const uint32_t bounds[] = {2, 3, 7, 10, 64, 100, 1000};
    static uint32_t cells[1000];
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 5);
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        memset(cells, 0, sizeof cells);
        for (int i = 0; i < 300000; i++) {
            uint32_t x = mdg_rng_below(&rng, bounds[b]);
            assert_true(x < bounds[b]);
            cells[x]++;
        }
        assert_true(chi_square(cells, bounds[b], 300000.0) < 6.0);
    }
    assert_int_equal(mdg_rng_below(&rng, 1), 0);
}

/* A bound of 3 * 2^30: without rejection every third value would come twice as
 * often, which small bounds cannot show. */
static void below_is_unbiased_for_large_bounds(void **state) {
    uint32_t cells[3] = {0, 0, 0};
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 6);
    for (int i = 0; i < 300000; i++) {
        cells[mdg_rng_below(&rng, 3u << 30) % 3]++;
    }
    assert_true(chi_square(cells, 3, 300000.0) < 12.0);
}

#define CELLS 256
#define DRAWS 1000000

static void fractions_are_uniform(void **state) {
    static uint32_t floats[CELLS], doubles[CELLS];
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 7);
    for (int i = 0; i < DRAWS; i++) {
        float f = mdg_rng_float(&rng);
        double d = mdg_rng_double(&rng);
        assert_true(f >= 0.0f && f < 1.0f && d >= 0.0 && d < 1.0);
        floats[(int)(f * CELLS)]++;
        doubles[(int)(d * CELLS)]++;
    }
    assert_true(chi_square(floats, CELLS, DRAWS) < 6.0);
    assert_true(chi_square(doubles, CELLS, DRAWS) < 6.0);
    rng = (mdg_rng){{0, UINT64_MAX, 0, 0}}; /* the largest there can be */
    for (int i = 0; i < 100; i++) {
        assert_true(mdg_rng_float(&rng) < 1.0f);
        assert_true(mdg_rng_double(&rng) < 1.0);
    }
}

static void normal_has_its_moments(void **state) {
    double sum[5] = {0, 0, 0, 0, 0};
    int beyond[4] = {0, 0, 0, 0};
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 8);
    for (int i = 0; i < DRAWS; i++) {
        double x = (double)mdg_rng_normal(&rng);
        double power = 1.0;
        for (int k = 0; k < 5; k++) {
            sum[k] += power / DRAWS;
            power *= x;
        }
        for (int k = 1; k < 4; k++) {
            beyond[k] += __builtin_fabs(x) > k;
        }
    }
    /* Standard deviations of the averages: 0.001, 0.0014, 0.0039, 0.0098. */
    assert_true(__builtin_fabs(sum[1]) < 0.005);
    assert_true(__builtin_fabs(sum[2] - 1.0) < 0.007);
    assert_true(__builtin_fabs(sum[3]) < 0.02);
    assert_true(__builtin_fabs(sum[4] - 3.0) < 0.05);
    assert_true(__builtin_fabs(beyond[1] / 1e6 - 0.3173105) < 0.0025);
    assert_true(__builtin_fabs(beyond[2] / 1e6 - 0.0455003) < 0.0011);
    assert_true(__builtin_fabs(beyond[3] / 1e6 - 0.0026998) < 0.0003);
}

/* All 24 orders of four items come equally often. */
static void shuffle_is_uniform(void **state) {
    uint32_t cells[256] = {0};
    uint32_t orders[24];
    uint32_t found = 0;
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 9);
    for (int i = 0; i < 240000; i++) {
        uint32_t items[4] = {0, 1, 2, 3};
        mdg_rng_shuffle(&rng, items, 4);
        cells[items[0] << 6 | items[1] << 4 | items[2] << 2 | items[3]]++;
    }
    for (uint32_t i = 0; i < 256; i++) {
        if (cells[i] != 0) {
            assert_true(found < 24);
            orders[found++] = cells[i];
        }
    }
    assert_int_equal(found, 24);
    assert_true(chi_square(orders, 24, 240000.0) < 6.0);
}

static void shuffle_keeps_every_item(void **state) {
    uint32_t items[300];
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 10);
    for (uint32_t count = 0; count <= 300; count++) {
        uint8_t seen[300] = {0};
        for (uint32_t i = 0; i < count; i++) {
            items[i] = i;
        }
        mdg_rng_shuffle(&rng, items, count);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(items[i] < count && !seen[items[i]]);
            seen[items[i]] = 1;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_reference),
        cmocka_unit_test(agrees_with_published_numbers),
        cmocka_unit_test(streams_differ),
        cmocka_unit_test(split_goes_on_behind_2_to_the_128),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(below_is_unbiased_for_large_bounds),
        cmocka_unit_test(fractions_are_uniform),
        cmocka_unit_test(normal_has_its_moments),
        cmocka_unit_test(shuffle_is_uniform),
        cmocka_unit_test(shuffle_keeps_every_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
