/* component_test.c: the first right singular vector, against power iteration in
 * doubles and against matrices whose vector is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "embed/words.h"
#include "midge/os.h"
#include "test_env.h"

/* Rows with a common direction of strength `common` and noise. */
static float *make_rows(size_t rows, size_t dim, float common, uint64_t seed) {
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    float *x = malloc(rows * dim * sizeof *x);
    float *u = malloc(dim * sizeof *u);
    for (size_t j = 0; j < dim; j++) {
        u[j] = mdg_rng_normal(&rng);
    }
    for (size_t i = 0; i < rows; i++) {
        float s = common * mdg_rng_normal(&rng);
        for (size_t j = 0; j < dim; j++) {
            x[i * dim + j] = s * u[j] + mdg_rng_normal(&rng);
        }
    }
    free(u);
    return x;
}

/* The plain way, everything in doubles, far more often than needed. */
static void oracle(size_t rows, size_t dim, const float *x, double *u) {
    double *y = malloc(dim * sizeof *y);
    for (size_t j = 0; j < dim; j++) {
        u[j] = 1.0 / (double)(j + 1);
    }
    for (int n = 0; n < 2000; n++) {
        double squares = 0;
        for (size_t j = 0; j < dim; j++) {
            y[j] = 0;
        }
        for (size_t i = 0; i < rows; i++) {
            double s = 0;
            for (size_t j = 0; j < dim; j++) {
                s += (double)x[i * dim + j] * u[j];
            }
            for (size_t j = 0; j < dim; j++) {
                y[j] += s * (double)x[i * dim + j];
            }
        }
        for (size_t j = 0; j < dim; j++) {
            squares += y[j] * y[j];
        }
        for (size_t j = 0; j < dim; j++) {
            u[j] = y[j] / sqrt(squares);
        }
    }
    free(y);
}

static void as_power_iteration_in_doubles(void **state) {
    (void)state;
    static const size_t shapes[][2] = {{16, 3},    {40, 1},   {17, 100},
                                       {300, 50},  {256, 16}, {257, 16},
                                       {1000, 20}, {1, 5}};
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        size_t rows = shapes[k][0];
        size_t dim = shapes[k][1];
        struct test_env t;
        test_env_init(&t);
        float *x = make_rows(rows, dim, 1.0f, k + 1);
        float *u = malloc(dim * sizeof *u);
        double *wanted = malloc(dim * sizeof *wanted);
        assert_int_equal(
            mdg_component(&t.env, mdg_kernels_select(0), rows, dim, x, u),
            MIDGE_OK);
        oracle(rows, dim, x, wanted);
        double along = 0;
        double squares = 0;
        float largest = 0;
        for (size_t j = 0; j < dim; j++) {
            along += (double)u[j] * wanted[j];
            squares += (double)u[j] * (double)u[j];
            largest = fabsf(u[j]) > fabsf(largest) ? u[j] : largest;
        }
        assert_true(fabs(squares - 1) < 1e-5);
        assert_true(fabs(fabs(along) - 1) < 1e-6);
        assert_true(largest > 0);
        assert_int_equal(t.held_bytes, 0);
        free(x);
        free(u);
        free(wanted);
    }
}

/* The rows' own direction, however they point along it, and not their mean. */
static void it_is_not_centred(void **state) {
    (void)state;
    float x[40];
    float u[2];
    midge_env env = midge_os_env();
    for (size_t i = 0; i < 20; i++) {
        x[2 * i] = 3.0f;
        x[2 * i + 1] = i % 2 ? 0.5f : -0.5f;
    }
    assert_int_equal(
        mdg_component(&env, mdg_kernels_select(env.cpu), 20, 2, x, u),
        MIDGE_OK);
    assert_float_equal(u[0], 1, 1e-6);
    assert_float_equal(u[1], 0, 1e-4);
}

static void same_bits_everywhere(void **state) {
    (void)state;
    enum { ROWS = 3000, DIM = 37 };
    float *x = make_rows(ROWS, DIM, 0.3f, 9);
    float first[DIM], u[DIM];
    midge_env env = midge_os_env();
    static const uint32_t cpus[] = {0, MIDGE_CPU_V2, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        midge_os_pool *pool;
        assert_int_equal(midge_os_pool_new((unsigned)i + 1, &pool, NULL),
                         MIDGE_OK);
        midge_env shared = env;
        midge_os_pool_attach(pool, &shared);
        assert_int_equal(mdg_component(&shared,
                                       mdg_kernels_select(env.cpu & cpus[i]),
                                       ROWS, DIM, x, i ? u : first),
                         MIDGE_OK);
        if (i > 0) {
            assert_memory_equal(u, first, sizeof u);
        }
        midge_os_pool_free(pool);
    }
    free(x);
}

static void without_a_direction(void **state) {
    (void)state;
    struct test_env t;
    float zeros[64] = {0};
    float large[64];
    float u[4];
    test_env_init(&t);
    for (size_t i = 0; i < 64; i++) {
        large[i] = 3e38f;
    }
    const mdg_kernels *k = mdg_kernels_select(0);
    assert_int_equal(mdg_component(&t.env, k, 16, 4, zeros, u),
                     MIDGE_E_NOT_FOUND);
    assert_int_equal(mdg_component(&t.env, k, 16, 4, large, u), MIDGE_E_LIMIT);
    for (long n = 1; n <= 4; n++) {
        t.calls = 0;
        t.fail_at = n;
        assert_int_equal(mdg_component(&t.env, k, 16, 4, zeros, u),
                         MIDGE_E_NOMEM);
        assert_int_equal(t.held_bytes, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_power_iteration_in_doubles),
        cmocka_unit_test(it_is_not_centred),
        cmocka_unit_test(same_bits_everywhere),
        cmocka_unit_test(without_a_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
