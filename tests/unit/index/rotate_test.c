/* rotate_test.c: lengths and angles stay, and no axis keeps its weight. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "index/rotate.h"
#include "test_env.h"

static const uint32_t dims[] = {1,  2,   3,   15,  16,  17,  63,   64,
                                65, 100, 128, 300, 384, 784, 1000, 1536};
#define DIMS (sizeof dims / sizeof *dims)

static double dot(const float *a, const float *b, uint32_t n) {
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += (double)a[i] * b[i];
    }
    return sum;
}

static mdg_rotation rotation_of(struct test_env *t, uint32_t dim) {
    mdg_rotation r;
    const mdg_kernels *k = mdg_kernels_select(t->env.cpu);
    assert_int_equal(mdg_rotation_init(&r, &t->env, k, dim), MIDGE_OK);
    assert_true(r.size >= dim && r.size % 16 == 0);
    return r;
}

static void products_are_kept(void **state) {
    struct test_env t;
    static float a[1536], b[1536], ra[1536], rb[1536];
    mdg_rng rng;
    test_env_init(&t);
    mdg_rng_seed(&rng, 3);
    for (size_t d = 0; d < DIMS; d++) {
        mdg_rotation r = rotation_of(&t, dims[d]);
        for (uint32_t i = 0; i < r.dim; i++) {
            a[i] = mdg_rng_normal(&rng);
            b[i] = mdg_rng_normal(&rng);
        }
        mdg_rotate(&r, 1.0f, a, ra);
        mdg_rotate(&r, 3.0f, b, rb);
        double scale = dot(a, a, r.dim) + dot(b, b, r.dim);
        assert_true(__builtin_fabs(dot(ra, ra, r.size) - dot(a, a, r.dim)) <
                    1e-5 * scale);
        assert_true(__builtin_fabs(dot(ra, rb, r.size) - 3 * dot(a, b, r.dim)) <
                    3e-5 * scale);
        mdg_rotation_deinit(&r, &t.env);
    }
    assert_int_equal(t.held_bytes, 0);
}

/* One axis is spread like noise: no element of it is large, and the sum of
 * fourth powers is near the 3 / n of normal numbers. */
static void axes_are_spread(void **state) {
    struct test_env t;
    static float x[1536], out[1536];
    test_env_init(&t);
    for (size_t d = 0; d < DIMS; d++) {
        mdg_rotation r = rotation_of(&t, dims[d]);
        double fourth = 0;
        const uint32_t axes = r.dim < 40 ? r.dim : 40;
        for (uint32_t axis = 0; axis < axes; axis++) {
            uint32_t at = axis * (r.dim / axes);
            memset(x, 0, sizeof x);
            x[at] = 1.0f;
            mdg_rotate(&r, 1.0f, x, out);
            for (uint32_t i = 0; i < r.size; i++) {
                double square = (double)out[i] * out[i] * r.size;
                assert_true(square < 36);
                fourth += square * square / r.size / axes;
            }
        }
        assert_true(axes < 10 || (fourth > 1.5 && fourth < 4.0));
        mdg_rotation_deinit(&r, &t.env);
    }
}

static void every_cpu_has_the_same_bits(void **state) {
    struct test_env plain, here;
    static float x[1000], a[1024], b[1024];
    mdg_rng rng;
    test_env_init(&plain);
    test_env_init(&here);
    plain.env.cpu = 0;
    mdg_rng_seed(&rng, 4);
    mdg_rotation r = rotation_of(&plain, 1000), s = rotation_of(&here, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        x[i] = mdg_rng_normal(&rng);
    }
    mdg_rotate(&r, 0.5f, x, a);
    mdg_rotate(&s, 0.5f, x, b);
    assert_memory_equal(a, b, sizeof a);
    mdg_rotation_deinit(&r, &plain.env);
    mdg_rotation_deinit(&s, &here.env);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_kept),
        cmocka_unit_test(axes_are_spread),
        cmocka_unit_test(every_cpu_has_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
