/* ridge_test.c: the blocked Cholesky solution against a naive one in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../kernels/variants.h"
#include "base/rng.h"
#include "model/predictor.h"
#include "test_env.h"

/* Gaussian elimination with pivots: nothing in common with the code. */
static void naive_solve(size_t n, double *a, size_t m, double *b) {
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        for (size_t r = c + 1; r < n; r++) {
            pivot = fabs(a[r * n + c]) > fabs(a[pivot * n + c]) ? r : pivot;
        }
        for (size_t k = 0; k < n; k++) {
            double kept = a[c * n + k];
            a[c * n + k] = a[pivot * n + k];
            a[pivot * n + k] = kept;
        }
        for (size_t k = 0; k < m; k++) {
            double kept = b[c * m + k];
            b[c * m + k] = b[pivot * m + k];
            b[pivot * m + k] = kept;
        }
        for (size_t r = 0; r < n; r++) {
            double f = r == c ? 0 : a[r * n + c] / a[c * n + c];
            for (size_t k = 0; f != 0 && k < n; k++) {
                a[r * n + k] -= f * a[c * n + k];
            }
            for (size_t k = 0; f != 0 && k < m; k++) {
                b[r * m + k] -= f * b[c * m + k];
            }
        }
    }
    for (size_t r = 0; r < n; r++) {
        for (size_t k = 0; k < m; k++) {
            b[r * m + k] /= a[r * n + r];
        }
    }
}

struct equations {
    size_t n, m;
    float *a, *b, *scratch;
    double *wide_a, *wide_b;
};

/* A = Z'Z of 2 n random rows; above the diagonal it is NaN, for that part must
 * not be looked at. */
static void make(struct equations *e, size_t n, size_t m, float penalty) {
    mdg_rng rng;
    mdg_rng_seed(&rng, n * 31 + m);
    *e = (struct equations){n,
                            m,
                            malloc(n * n * 4),
                            malloc(n * m * 4),
                            malloc(n * 64 * 4),
                            malloc(n * n * 8),
                            malloc(n * m * 8)};
    float *z = malloc(2 * n * n * 4);
    for (size_t i = 0; i < 2 * n * n; i++) {
        z[i] = mdg_rng_normal(&rng);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < 2 * n; k++) {
                sum += (double)z[k * n + i] * (double)z[k * n + j];
            }
            float value = (float)sum;
            e->a[i * n + j] = j <= i ? value : __builtin_nanf("");
            e->wide_a[i * n + j] = (double)value;
        }
        e->wide_a[i * n + i] += i + 1 < n ? (double)penalty : 0;
    }
    for (size_t i = 0; i < n * m; i++) {
        e->b[i] = mdg_rng_normal(&rng);
        e->wide_b[i] = (double)e->b[i];
    }
    free(z);
}

static void end(struct equations *e) {
    free(e->a);
    free(e->b);
    free(e->scratch);
    free(e->wide_a);
    free(e->wide_b);
}

static void as_a_naive_solution(void **state) {
    static const size_t ns[] = {1, 2, 5, 63, 64, 65, 127, 128, 130, 200};
    static const size_t ms[] = {1, 3, 10};
    const mdg_kernels *kernels = mdg_kernels_select(0);
    for (size_t i = 0; i < sizeof ns / sizeof ns[0]; i++) {
        struct equations e;
        size_t m = ms[i % 3];
        float penalty = i % 2 ? 0.5f : 20.0f;
        make(&e, ns[i], m, penalty);
        naive_solve(e.n, e.wide_a, m, e.wide_b);
        assert_int_equal(
            mdg_ridge_solve(kernels, e.n, e.a, m, e.b, penalty, e.scratch),
            MIDGE_OK);
        double error = 0, size = 0;
        for (size_t k = 0; k < e.n * m; k++) {
            error += pow((double)e.b[k] - e.wide_b[k], 2);
            size += pow(e.wide_b[k], 2);
        }
        assert_true(sqrt(error) < 2e-4 * sqrt(size));
        end(&e);
    }
}

static void the_same_bits_on_every_table(void **state) {
    struct variants v = variants_here();
    struct equations want;
    make(&want, 130, 3, 1.0f);
    assert_int_equal(
        mdg_ridge_solve(v.table[0], 130, want.a, 3, want.b, 1.0f, want.scratch),
        MIDGE_OK);
    for (int i = 1; i < v.count; i++) {
        struct equations e;
        make(&e, 130, 3, 1.0f);
        assert_int_equal(
            mdg_ridge_solve(v.table[i], 130, e.a, 3, e.b, 1.0f, e.scratch),
            MIDGE_OK);
        assert_memory_equal(e.b, want.b, 130 * 3 * sizeof(float));
        end(&e);
    }
    end(&want);
}

/* Singular, negative and not a number: an error, at any place. */
static void what_has_no_root(void **state) {
    const mdg_kernels *kernels = mdg_kernels_select(0);
    const float bad[] = {0.0f, -1.0f, __builtin_nanf(""), __builtin_inff()};
    static const size_t at[] = {0, 1, 63, 64, 100, 129};
    static float a[130 * 130], b[130], scratch[130 * 64];
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 6; j++) {
            memset(a, 0, sizeof a);
            for (size_t k = 0; k < 130; k++) {
                a[k * 130 + k] = k == at[j] ? bad[i] : 2.0f;
                b[k] = 1.0f;
            }
            assert_int_equal(
                mdg_ridge_solve(kernels, 130, a, 1, b, 0.0f, scratch),
                MIDGE_E_STATE);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_a_naive_solution),
        cmocka_unit_test(the_same_bits_on_every_table),
        cmocka_unit_test(what_has_no_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
