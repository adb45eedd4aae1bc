/* update_test.c: every variant of the trainers' steps against the definition,
 * and the definition against the same step in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define N_MAX 130
#define ROOM  (N_MAX + 32)

static const mdg_adam adam = {0.9f, 0.999f, 0.01f, 1.3f, 1e-8f, 1e-4f};
static const mdg_sgd sgd = {0.01f, 0.9f, 1e-4f};

typedef float state_of[3][ROOM];

/* One of the steps on w, p and q, at offsets of their own. */
static void take_step(const mdg_kernels *k, int which, size_t n, size_t offset,
                      const float *g, state_of s) {
    float *w = s[0] + offset, *p = s[1] + 15 - offset, *q = s[2] + offset / 2;
    if (which == 0) {
        k->adam_f32(n, &adam, g, w, p, q);
    } else {
        k->sgd_f32(n, &sgd, g, w, p);
    }
}

static void steps_are_the_same(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 3;
    float g[ROOM];
    state_of start, want, got;
    for (size_t n = 0; n <= N_MAX; n++) {
        for (size_t offset = 0; offset < 16; offset++) {
            for (int which = 0; which < 2; which++) {
                uint32_t rarity = offset % 2 == 0 ? 20 : 100000;
                fill_corners(&seed, ROOM, g, rarity);
                fill_corners(&seed, 3 * ROOM, start[0], rarity);
                memcpy(want, start, sizeof want);
                take_step(v.table[0], which, n, offset, g + 3, want);
                for (int i = 1; i < v.count; i++) {
                    memcpy(got, start, sizeof got);
                    take_step(v.table[i], which, n, offset, g + 3, got);
                    assert_true(same_bits(3 * ROOM, want[0], got[0]));
                }
            }
        }
    }
}

static void nothing_else_is_touched(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 4;
    float values[N_MAX];
    fill_plain(&seed, N_MAX, values, 1.0f);
    for (int i = 0; i < v.count; i++) {
        const mdg_kernels *k = v.table[i];
        for (size_t n = 1; n <= N_MAX; n++) {
            float *x[4];
            for (int j = 0; j < 4; j++) {
                x[j] = exact_copy(n * sizeof(float), values);
            }
            k->adam_f32(n, &adam, x[0], x[1], x[2], x[3]);
            k->sgd_f32(n, &sgd, x[0], x[1], x[2]);
            for (int j = 0; j < 4; j++) {
                free(x[j]);
            }
        }
    }
}

static int near(float got, double want, double size) {
    return fabs((double)got - want) <= 8 * 0x1p-24 * size;
}

/* Eight roundings of numbers no larger than the terms. */
static void adam_is_near_the_truth(void **state) {
    uint32_t seed = 5;
    for (int i = 0; i < 1000; i++) {
        float g = random_float(&seed, 1.0f), w = random_float(&seed, 1.0f);
        float m = random_float(&seed, 1.0f);
        float v = fabsf(random_float(&seed, 1.0f));
        double m1 = 0.9f * (double)m + (1.0 - (double)0.9f) * (double)g;
        double v1 = (double)0.999f * (double)v +
                    (1.0 - (double)0.999f) * (double)g * (double)g;
        double move =
            (double)0.01f * m1 / (sqrt(v1) * (double)1.3f + (double)1e-8f);
        double decay = (double)1e-4f * (double)w;
        double want = (double)w - move - decay;
        /* m1 may cancel: its error is that of its terms */
        double size =
            fabs((double)w) + decay +
            0.01 / (sqrt(v1) * 1.3) * (fabs((double)m) + fabs((double)g));
        mdg_kernels_select(0)->adam_f32(1, &adam, &g, &w, &m, &v);
        assert_true(near(w, want, size));
        assert_true(near(m, m1, 2.0));
        assert_true(near(v, v1, v1));
    }
}

static void sgd_is_near_the_truth(void **state) {
    uint32_t seed = 7;
    for (int i = 0; i < 1000; i++) {
        float g = random_float(&seed, 1.0f), w = random_float(&seed, 1.0f);
        float v = random_float(&seed, 1.0f);
        double v1 =
            (double)0.9f * (double)v + ((double)g + (double)1e-4f * (double)w);
        double want = (double)w - (double)0.01f * v1;
        mdg_kernels_select(0)->sgd_f32(1, &sgd, &g, &w, &v);
        assert_true(near(v, v1, 2.0));
        assert_true(near(w, want, 1.0));
    }
}

/* Moments that nothing feeds any more end at 0, not among denormals. */
static void what_is_tiny_becomes_zero(void **state) {
    struct variants v = variants_here();
    for (int i = 0; i < v.count; i++) {
        for (size_t n = 1; n < 40; n++) {
            float g[40], w[40], p[40], q[40];
            for (size_t j = 0; j < n; j++) {
                g[j] = j % 2 ? 0.0f : 1e-17f;
                w[j] = 1.0f;
                p[j] = j % 2 ? 1e-30f : -1e-30f;
                q[j] = 1e-36f;
            }
            v.table[i]->adam_f32(n, &adam, g, w, p, q);
            for (size_t j = 0; j < n; j++) {
                assert_true(q[j] == 0.0f);
                assert_true(fabsf(p[j]) == 0.9f * 1e-30f);
                w[j] = 0.0f;
                p[j] = 1e-30f;
                g[j] = -0.9f * 1e-30f + 1e-31f;
            }
            v.table[i]->sgd_f32(n, &sgd, g, w, p);
            for (size_t j = 0; j < n; j++) {
                assert_true(p[j] == 0.0f && w[j] == 0.0f);
            }
            p[n - 1] = NAN;
            v.table[i]->sgd_f32(n, &sgd, g, w, p);
            assert_true(isnan(p[n - 1]));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_the_same),
        cmocka_unit_test(nothing_else_is_touched),
        cmocka_unit_test(adam_is_near_the_truth),
        cmocka_unit_test(sgd_is_near_the_truth),
        cmocka_unit_test(what_is_tiny_becomes_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
