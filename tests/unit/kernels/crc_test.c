/* crc_test.c: the checksum of the file formats, every variant against the one
 * of base: all sizes around a word and around three streams, every offset, in
 * one piece and in two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "kernel_values.h"
#include "variants.h"

#define BYTES 13000

static uint8_t bytes[BYTES];

static void check(const struct variants *v, size_t from, size_t size,
                  size_t first) {
    const uint32_t want = mdg_crc32c(0, bytes + from, size);
    uint8_t *copy = exact_copy(size, bytes + from);
    for (int i = 0; i < v->count; i++) {
        const mdg_kernels *k = v->table[i];
        assert_true(k->crc32c(0, copy, size) == want);
        uint32_t crc = k->crc32c(0, copy, first);
        assert_true(k->crc32c(crc, copy + first, size - first) == want);
    }
    free(copy);
}

static void fill(uint32_t *seed) {
    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (uint8_t)(next_random(seed) >> 5);
    }
}

static void every_variant_is_that_of_base(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 7;
    fill(&seed);
    for (size_t size = 0; size < 200; size++) {
        for (size_t from = 0; from < 9; from++) {
            check(&v, from, size, next_random(&seed) % (size + 1));
        }
    }
    for (size_t size = 4070; size < 4110; size++) {
        check(&v, size % 8, size, next_random(&seed) % (size + 1));
        check(&v, size % 8, 2 * size, next_random(&seed) % (size + 1));
        check(&v, size % 8, 3 * size, size);
    }
}

static void the_published_value(void **state) {
    struct variants v = variants_here();
    for (int i = 0; i < v.count; i++) {
        assert_true(v.table[i]->crc32c(0, "123456789", 9) == 0xe3069283u);
        assert_true(v.table[i]->crc32c(0, NULL, 0) == 0);
    }
}

/* A checksum of a block finds each single bit that differs. */
static void every_bit_counts(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 8;
    fill(&seed);
    for (int i = 0; i < v.count; i++) {
        const uint32_t want = v.table[i]->crc32c(0, bytes, 4096);
        for (size_t bit = 0; bit < 8 * 4096; bit += 37) {
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_true(v.table[i]->crc32c(0, bytes, 4096) != want);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_is_that_of_base),
        cmocka_unit_test(the_published_value),
        cmocka_unit_test(every_bit_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
