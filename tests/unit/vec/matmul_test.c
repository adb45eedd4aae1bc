/* matmul_test.c: a shared product against the kernel called once: with shares
 * of odd sizes in reverse order, and with threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "midge/os.h"
#include "vec/matmul.h"

/* A parallel_fn that cuts a loop into shares of changing size, grain or more,
 * and runs them from the last to the first. */
typedef struct cutter {
    size_t calls;
    size_t shares;
} cutter;

static void cut_in_reverse(void *ctx, size_t count, size_t grain,
                           midge_range_fn body, void *arg) {
    cutter *c = ctx;
    size_t end = count;
    c->calls++;
    while (end > 0) {
        size_t share = (end - 1) % (grain + c->shares % 3) + 1;
        body(arg, end - share, end, (unsigned)(c->shares % 3));
        end -= share;
        c->shares++;
    }
}

static float *filled(size_t n, uint32_t seed) {
    float *x = malloc(n * sizeof *x + 1);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) * 0x1p-23f - 1.0f;
    }
    return x;
}

static void halve_and_step(size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = 0.5f * x[i] + 1.0f;
    }
}

static void run_kernel(const mdg_kernels *k, const mdg_gemm *g,
                       mdg_matmul_how how) {
    if (how == MDG_MATMUL_FAST) {
        k->gemm_fast_f32(g);
    } else {
        k->gemm_f32(g);
    }
}

static float largest_difference(size_t n, const float *x, const float *y) {
    float largest = 0.0f;
    for (size_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(x[i] - y[i]));
    }
    return largest;
}

/* bits 0 to 3 of `form`: transposed A, bias, activation, accumulate. */
static void compare(const midge_env *env, size_t m, size_t n, size_t k,
                    unsigned form) {
    mdg_gemm g = {.m = m, .n = n, .k = k, .ldb = n + 1, .ldc = n + 2};
    g.a_row = (form & 1) != 0 ? 1 : k;
    g.a_col = (form & 1) != 0 ? m : 1;
    float *a = filled(m * k, 1), *b = filled(k * g.ldb, 2),
          *bias = filled(n, 3);
    float *want = filled(m * g.ldc, 4), *got = filled(m * g.ldc, 4);
    g.a = a;
    g.b = b;
    g.bias = (form & 2) != 0 ? bias : NULL;
    g.activate = (form & 4) != 0 ? halve_and_step : NULL;
    g.accumulate = (form & 8) != 0;
    const mdg_kernels *kernels = mdg_kernels_select(env->cpu);
    const mdg_matmul_how how[] = {MDG_MATMUL_SAME_BITS, MDG_MATMUL_FAST};
    for (int i = 0; i < 2; i++) {
        g.c = want;
        run_kernel(kernels, &g, how[i]);
        g.c = got;
        mdg_matmul(env, kernels, &g, how[i]);
        if (how[i] == MDG_MATMUL_SAME_BITS) {
            assert_memory_equal(want, got, m * g.ldc * sizeof *got);
        }
        assert_true(largest_difference(m * g.ldc, want, got) < 1e-3f);
        memcpy(got, want, m * g.ldc * sizeof *got);
    }
    free(a);
    free(b);
    free(bias);
    free(want);
    free(got);
}

static midge_env cut_env(cutter *c, uint32_t cpu) {
    midge_env env = midge_os_env();
    *c = (cutter){0};
    env.cpu = cpu;
    env.parallel_fn = cut_in_reverse;
    env.parallel_ctx = c;
    env.workers = 3;
    return env;
}

static void cuts_change_no_bit(void **state) {
    static const size_t shape[][3] = {
        {300, 130, 120}, {420, 200, 70}, {5, 2000, 450}, {40, 900, 130}};
    const uint32_t cpu[] = {0, midge_os_env().cpu};
    for (size_t level = 0; level < 2; level++) {
        for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
            cutter c;
            midge_env env = cut_env(&c, cpu[level]);
            for (unsigned form = 0; form < 16; form += level == 0 ? 15 : 3) {
                compare(&env, shape[i][0], shape[i][1], shape[i][2], form);
            }
            assert_true(c.shares > c.calls);
        }
    }
}

static void what_is_small_is_not_shared(void **state) {
    cutter c;
    midge_env env = cut_env(&c, midge_os_env().cpu);
    compare(&env, 64, 64, 64, 6);
    compare(&env, 0, 10, 10, 6);
    compare(&env, 100, 0, 10, 0);
    compare(&env, 100, 50, 0, 6);
    compare(&env, 1, 1, 5000, 6);
    assert_int_equal(c.calls, 0);
    env.workers = 1;
    compare(&env, 300, 130, 120, 6);
    env.parallel_fn = NULL;
    env.workers = 3;
    compare(&env, 300, 130, 120, 6);
    assert_int_equal(c.calls, 0);
}

static void threads_change_no_bit(void **state) {
    midge_env env = midge_os_env();
    midge_os_pool *pool;
    assert_int_equal(midge_os_pool_new(3, &pool, NULL), MIDGE_OK);
    midge_os_pool_attach(pool, &env);
    for (unsigned form = 0; form < 16; form += 5) {
        compare(&env, 400, 150, 180, form);
        compare(&env, 9, 1500, 500, form);
    }
    midge_os_pool_free(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_change_no_bit),
        cmocka_unit_test(what_is_small_is_not_shared),
        cmocka_unit_test(threads_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
