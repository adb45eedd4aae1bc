/* top_k_test.c: every variant of top_k against sorting all the numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

typedef struct entry {
    float value;
    uint32_t index;
} entry;

static int by_value_then_index(const void *left, const void *right) {
    const entry *a = left, *b = right;
    if (a->value != b->value) {
        return a->value < b->value ? -1 : 1;
    }
    return (a->index > b->index) - (a->index < b->index);
}

/* What is there without the NaNs, in order. */
static size_t sorted(size_t n, const float *x, entry *out) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(x[i])) {
            out[count++] = (entry){x[i], (uint32_t)i};
        }
    }
    qsort(out, count, sizeof *out, by_value_then_index);
    return count;
}

static void check_one(const mdg_kernels *k, size_t n, const float *x,
                      size_t most, const entry *want, size_t there) {
    const size_t count = most < there ? most : there;
    float *value = malloc((most + 1) * sizeof *value);
    uint32_t *index = malloc((most + 1) * sizeof *index);
    assert_non_null(value);
    assert_non_null(index);
    value[most] = 12.0f;
    index[most] = 12;
    assert_int_equal(k->top_k_f32(n, x, most, value, index), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(index[i], want[i].index);
        assert_memory_equal(value + i, x + index[i], sizeof *value);
    }
    assert_true(value[most] == 12.0f);
    assert_int_equal(index[most], 12);
    free(value);
    free(index);
}

static void check(const struct variants *v, size_t n, const float *x,
                  size_t most) {
    entry *want = malloc((n + 1) * sizeof *want);
    assert_non_null(want);
    const size_t there = sorted(n, x, want);
    for (int i = 0; i < v->count; i++) {
        check_one(v->table[i], n, x, most, want, there);
    }
    free(want);
}

/* Inputs of every kind: many equal ones, corners of the format, in order. */
static void fill_kind(uint32_t kind, uint32_t *seed, size_t n, float *x) {
    fill_plain(seed, n, x, 1.0f);
    for (size_t i = 0; i < n; i++) {
        switch (kind) {
        case 1:
            x[i] = (float)(next_random(seed) % 7);
            break;
        case 2:
            x[i] = (float)i;
            break;
        case 3:
            x[i] = -(float)i;
            break;
        case 4:
            x[i] = next_random(seed) % 2 == 0 ? 0.0f : -0.0f;
            break;
        case 5:
            x[i] = next_random(seed) % 9 == 0 ? x[i] : NAN;
            break;
        default:
            break;
        }
    }
    if (kind == 6) {
        fill_corners(seed, n, x, 2);
    }
}

static void small_ones_are_sorted(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 3;
    for (size_t n = 0; n <= 130; n++) {
        for (uint32_t kind = 0; kind < 7; kind++) {
            float *x = malloc(n * sizeof *x + 1);
            assert_non_null(x);
            fill_kind(kind, &seed, n, x);
            check(&v, n, x, next_random(&seed) % 12);
            check(&v, n, x, next_random(&seed) % (n + 1));
            check(&v, n, x, n + next_random(&seed) % 3);
            free(x);
        }
    }
}

static void large_ones_are_sorted(void **state) {
    static const size_t most[] = {0, 1, 2, 10, 31, 100, 1000, 4990, 5000, 5001};
    struct variants v = variants_here();
    uint32_t seed = 5;
    enum { N = 5000 };
    static float x[N];
    for (uint32_t kind = 0; kind < 7; kind++) {
        for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
            fill_kind(kind, &seed, N, x);
            check(&v, N - i, x, most[i]);
        }
    }
}

static void any_alignment_is_the_same(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 7;
    float x[200];
    for (size_t offset = 0; offset < 16; offset++) {
        for (size_t n = 100; n < 160; n += 7) {
            fill_kind(0, &seed, 200, x);
            check(&v, n, x + offset, 10);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_ones_are_sorted),
        cmocka_unit_test(large_ones_are_sorted),
        cmocka_unit_test(any_alignment_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
