/* elementwise_test.c: every variant of elementwise.h against the definition, at
 * every offset, in place too; nothing beside the results is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define N_MAX 130
#define ROOM  (N_MAX + 32)

enum { AXPY, SCALE, ADD, SUB, MUL, OPERATIONS };

/* out = operation of x and y, n elements. */
static void change(const mdg_kernels *k, int operation, size_t n,
                   const float *x, const float *y, float *out) {
    switch (operation) {
    case AXPY:
        k->axpy_f32(n, -1.7f, x, out);
        break;
    case SCALE:
        k->scale_f32(n, 0.3f, x, out);
        break;
    case ADD:
        k->add_f32(n, x, y, out);
        break;
    case SUB:
        k->sub_f32(n, x, y, out);
        break;
    default:
        k->mul_f32(n, x, y, out);
    }
}

static float one(int operation, float x, float y, float before) {
    float product = -1.7f * x;
    switch (operation) {
    case AXPY:
        return before + product;
    case SCALE:
        return 0.3f * x;
    case ADD:
        return x + y;
    case SUB:
        return x - y;
    default:
        return x * y;
    }
}

static void check(const mdg_kernels *k, size_t n, size_t offset,
                  uint32_t *seed) {
    float x[ROOM], y[ROOM], want[ROOM], got[ROOM];
    fill_corners(seed, ROOM, x, 20);
    fill_corners(seed, ROOM, y, 20);
    for (int operation = 0; operation < OPERATIONS; operation++) {
        fill_corners(seed, ROOM, want, 20);
        memcpy(got, want, sizeof got);
        const float *a = x + 15 - offset, *b = y + (offset * 5) % 16;
        change(k, operation, n, a, b, got + offset);
        for (size_t i = 0; i < n; i++) {
            want[offset + i] = one(operation, a[i], b[i], want[offset + i]);
        }
        assert_true(same_bits(ROOM, want, got));
    }
}

static void every_variant_is_the_loop(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 3;
    for (int i = 0; i < v.count; i++) {
        for (size_t n = 0; n <= N_MAX; n++) {
            for (size_t offset = 0; offset < 16; offset++) {
                check(v.table[i], n, offset, &seed);
            }
        }
    }
}

/* The result on top of either input. */
static void results_may_replace_an_input(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 5;
    float x[N_MAX], y[N_MAX], want[N_MAX], got[N_MAX];
    for (size_t n = 0; n <= N_MAX; n++) {
        fill_plain(&seed, N_MAX, x, 2.0f);
        fill_plain(&seed, N_MAX, y, 2.0f);
        for (int i = 0; i < v.count; i++) {
            const mdg_kernels *k = v.table[i];
            for (int operation = SCALE; operation < OPERATIONS; operation++) {
                change(k, operation, n, x, y, want);
                memcpy(got, x, sizeof got);
                change(k, operation, n, got, y, got);
                assert_true(same_bits(n, want, got));
                change(k, operation, n, x, x, want);
                memcpy(got, x, sizeof got);
                change(k, operation, n, got, got, got);
                assert_true(same_bits(n, want, got));
                change(k, operation, n, x, y, want);
                memcpy(got, y, sizeof got);
                if (operation != SCALE) {
                    change(k, operation, n, x, got, got);
                    assert_true(same_bits(n, want, got));
                }
            }
        }
    }
}

/* Arrays without a byte to spare: a sanitizer sees what is touched beyond. */
static void nothing_else_is_touched(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 7;
    for (size_t n = 1; n <= N_MAX; n++) {
        float *x = malloc(n * sizeof *x), *out = malloc(n * sizeof *out);
        assert_non_null(x);
        assert_non_null(out);
        fill_plain(&seed, n, x, 1.0f);
        fill_plain(&seed, n, out, 1.0f);
        for (int i = 0; i < v.count; i++) {
            for (int operation = 0; operation < OPERATIONS; operation++) {
                change(v.table[i], operation, n, x, x, out);
            }
        }
        free(x);
        free(out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_is_the_loop),
        cmocka_unit_test(results_may_replace_an_input),
        cmocka_unit_test(nothing_else_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
