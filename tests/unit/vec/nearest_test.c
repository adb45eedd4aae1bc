/* nearest_test.c: exact neighbours against a naive one in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../kernels/variants.h"
#include "base/rng.h"

#include "midge/os.h"
#include "test_env.h"
#include "vec/nearest.h"

enum { ROWS_MAX = 1100, QUERIES_MAX = 300, N_QUERIES = 40, K_MAX = 1200 };

static float rows[ROWS_MAX * 64];
static float queries[QUERIES_MAX * 64];
static mdg_neighbour found[N_QUERIES * K_MAX];

static void fill(float *values, size_t count, uint64_t seed) {
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        values[i] = mdg_rng_normal(&rng);
    }
}

/* Whole numbers: every sum is exact, so that order and ties are exact too. */
static void fill_whole(float *values, size_t count, uint64_t seed,
                       uint32_t span) {
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)mdg_rng_below(&rng, span) - (float)(span / 2);
    }
}

static double naive(mdg_nearest_by metric, uint32_t dim, const float *q,
                    const float *x) {
    double sum = 0, qq = 0, xx = 0, qx = 0;
    for (uint32_t i = 0; i < dim; i++) {
        double a = (double)q[i], b = (double)x[i];
        sum += (a - b) * (a - b);
        qq += a * a;
        xx += b * b;
        qx += a * b;
    }
    if (metric == MDG_NEAREST_BY_L2SQ) {
        return sum;
    }
    return qq == 0 || xx == 0 ? 1.0 : 1.0 - qx / sqrt(qq * xx);
}

static mdg_nearest *make(struct test_env *t, uint32_t dim,
                         mdg_nearest_by metric, size_t n) {
    mdg_nearest *index;
    assert_int_equal(mdg_nearest_new(&t->env, dim, metric, &index, NULL),
                     MIDGE_OK);
    assert_int_equal(mdg_nearest_add(index, n, rows, NULL), MIDGE_OK);
    assert_int_equal(mdg_nearest_count(index), n);
    assert_int_equal(mdg_nearest_dim(index), dim);
    assert_int_equal(mdg_nearest_metric(index), metric);
    return index;
}

static void free_all(struct test_env *t, mdg_nearest *index) {
    mdg_nearest_free(index);
    assert_int_equal(t->held_bytes, 0);
}

/* Every distance is right, they grow, no row is there twice, and no row that is
 * left out is nearer. */
static void check_query(mdg_nearest_by metric, uint32_t dim, size_t n,
                        const float *q, uint32_t k, const mdg_neighbour *near) {
    static unsigned char seen[ROWS_MAX];
    memset(seen, 0, sizeof seen);
    size_t held = n < k ? n : k;
    for (size_t i = 0; i < held; i++) {
        uint32_t row = near[i].row;
        assert_true(row < n && !seen[row]);
        seen[row] = 1;
        double want = naive(metric, dim, q, rows + (size_t)row * dim);
        assert_true(near[i].distance >= 0.0f);
        assert_true(fabs((double)near[i].distance - want) <=
                    1e-6 + 1e-5 * want);
        if (i > 0) {
            const mdg_neighbour *b = &near[i - 1];
            assert_true(b->distance < near[i].distance ||
                        (b->distance == near[i].distance && b->row < row));
        }
    }
    for (size_t i = held; i < k; i++) {
        assert_int_equal(near[i].row, UINT32_MAX);
        assert_true(near[i].distance > 3.4e38f);
    }
    for (size_t r = 0; r < n && held == k; r++) {
        double d = naive(metric, dim, q, rows + r * dim);
        assert_true(seen[r] ||
                    d >= (double)near[k - 1].distance * (1 - 1e-5) - 1e-6);
    }
}

static void as_a_naive_search(void **state) {
    const uint32_t dims[] = {1, 3, 16, 37, 64};
    const uint32_t ks[] = {1, 5, 100};
    fill(rows, ROWS_MAX * 64, 1);
    fill(queries, N_QUERIES * 64, 2);
    for (int metric = 0; metric < 2; metric++) {
        for (size_t d = 0; d < sizeof dims / sizeof dims[0]; d++) {
            struct test_env t;
            test_env_init(&t);
            size_t n = 300 + 3 * d;
            mdg_nearest *index = make(&t, dims[d], (mdg_nearest_by)metric, n);
            for (size_t i = 0; i < 3; i++) {
                assert_int_equal(
                    mdg_nearest_search(index, N_QUERIES, queries, ks[i], found),
                    MIDGE_OK);
                for (size_t q = 0; q < N_QUERIES; q++) {
                    check_query((mdg_nearest_by)metric, dims[d], n,
                                queries + q * dims[d], ks[i],
                                found + q * ks[i]);
                }
            }
            free_all(&t, index);
        }
    }
}

/* With exact distances the answer is one: sorted by distance, then by row. */
static void exact_answer(uint32_t dim, size_t n, const float *q, uint32_t k,
                         mdg_neighbour *out) {
    size_t held = 0;
    for (uint32_t r = 0; r < n; r++) {
        float d = (float)naive(MDG_NEAREST_BY_L2SQ, dim, q, rows + r * dim);
        size_t at = held < k ? held++ : k;
        while (at > 0 && out[at - 1].distance > d) {
            if (at < k) {
                out[at] = out[at - 1];
            }
            at--;
        }
        if (at < k) {
            out[at] = (mdg_neighbour){r, d};
        }
    }
    for (; held < k; held++) {
        out[held] = (mdg_neighbour){UINT32_MAX, __builtin_inff()};
    }
}

/* Few distinct distances, so that nearly all are ties; counts of rows around
 * the sizes of a block, counts of queries around theirs. */
static void ties_and_the_ends_of_blocks(void **state) {
    static const size_t counts[] = {1,   2,   7,   8,   9,    255, 256,
                                    257, 511, 512, 513, 1024, 1025};
    static const size_t n_queries[] = {1, 2, 40, 255, 256, 257, 300};
    mdg_neighbour want[64];
    fill_whole(rows, ROWS_MAX * 5, 3, 4);
    fill_whole(queries, QUERIES_MAX * 5, 4, 4);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct test_env t;
        test_env_init(&t);
        mdg_nearest *index = make(&t, 5, MDG_NEAREST_BY_L2SQ, counts[i]);
        for (size_t j = 0; j < sizeof n_queries / sizeof n_queries[0]; j++) {
            uint32_t k = (uint32_t)(1 + (i * 5 + j * 11) % 60);
            assert_int_equal(
                mdg_nearest_search(index, n_queries[j], queries, k, found),
                MIDGE_OK);
            for (size_t q = 0; q < n_queries[j]; q++) {
                exact_answer(5, counts[i], queries + q * 5, k, want);
                for (uint32_t p = 0; p < k; p++) {
                    assert_int_equal(found[q * k + p].row, want[p].row);
                    assert_true(found[q * k + p].distance == want[p].distance);
                }
            }
        }
        free_all(&t, index);
    }
}

/* A dimension so large that a block is the smallest one of 8 rows. */
static void a_large_dimension(void **state) {
    enum { DIM = 20000, N = 19 };
    float *x = malloc(sizeof(float) * DIM * N);
    fill(x, DIM * N, 5);
    struct test_env t;
    test_env_init(&t);
    mdg_nearest *index;
    mdg_neighbour near[N];
    assert_int_equal(
        mdg_nearest_new(&t.env, DIM, MDG_NEAREST_BY_L2SQ, &index, NULL),
        MIDGE_OK);
    assert_int_equal(mdg_nearest_add(index, N, x, NULL), MIDGE_OK);
    for (uint32_t q = 0; q < N; q++) {
        assert_int_equal(
            mdg_nearest_search(index, 1, x + (size_t)q * DIM, N, near),
            MIDGE_OK);
        assert_int_equal(near[0].row, q);
        assert_true(near[0].distance == 0.0f);
        for (size_t i = 1; i < N; i++) {
            double want = naive(MDG_NEAREST_BY_L2SQ, DIM, x + (size_t)q * DIM,
                                x + (size_t)near[i].row * DIM);
            assert_true(fabs((double)near[i].distance - want) < 1e-5 * want);
        }
    }
    free_all(&t, index);
    free(x);
}

static void more_wanted_than_there_is(void **state) {
    struct test_env t;
    test_env_init(&t);
    mdg_nearest *index;
    assert_int_equal(
        mdg_nearest_new(&t.env, 4, MDG_NEAREST_BY_L2SQ, &index, NULL),
        MIDGE_OK);
    fill(queries, 8, 6);
    assert_int_equal(mdg_nearest_search(index, 2, queries, 3, found), MIDGE_OK);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(found[i].row, UINT32_MAX);
    }
    fill(rows, 40, 7);
    assert_int_equal(mdg_nearest_add(index, 2, rows, NULL), MIDGE_OK);
    assert_int_equal(mdg_nearest_search(index, 2, queries, K_MAX, found),
                     MIDGE_OK);
    check_query(MDG_NEAREST_BY_L2SQ, 4, 2, queries, K_MAX, found);
    check_query(MDG_NEAREST_BY_L2SQ, 4, 2, queries + 4, K_MAX, found + K_MAX);
    assert_int_equal(mdg_nearest_search(index, 0, NULL, 3, NULL), MIDGE_OK);
    free_all(&t, index);
}

/* Directions that are equal or opposite, zero, and too long to be measured. */
static void cosine_at_its_ends(void **state) {
    struct test_env t;
    test_env_init(&t);
    fill(rows, 40 * 7, 8);
    for (size_t i = 0; i < 7; i++) {
        rows[7 * 40 + i] = 0.0f;
        rows[7 * 41 + i] = 2e38f;
    }
    mdg_nearest *index = make(&t, 7, MDG_NEAREST_BY_COSINE, 42);
    for (size_t r = 0; r < 40; r++) {
        float q[7];
        for (size_t s = 1; s < 9; s++) {
            for (size_t i = 0; i < 7; i++) {
                q[i] = rows[r * 7 + i] * (float)s * 0.37f;
            }
            assert_int_equal(mdg_nearest_search(index, 1, q, 42, found),
                             MIDGE_OK);
            assert_int_equal(found[0].row, r);
            assert_true(found[0].distance < 1e-6f);
            for (size_t i = 0; i < 42; i++) {
                float d = found[i].distance;
                assert_true(d >= 0.0f && d <= 2.000001f);
                assert_true(i == 0 || found[i - 1].distance <= d);
                assert_true(found[i].row < 40 || d == 1.0f);
            }
        }
    }
    const float odd[2][7] = {{0}, {-2e38f, 2e38f, 1, 0, 0, 2e38f, -2e38f}};
    assert_int_equal(mdg_nearest_search(index, 2, odd[0], 42, found), MIDGE_OK);
    for (uint32_t i = 0; i < 84; i++) {
        assert_true(found[i].distance == 1.0f);
        assert_int_equal(found[i].row, i % 42);
    }
    free_all(&t, index);
}

static void distances_that_overflow(void **state) {
    struct test_env t;
    test_env_init(&t);
    const float far[] = {3e38f, -3e38f, 1.0f, 3e38f};
    memcpy(rows, far, sizeof far);
    mdg_nearest *index = make(&t, 1, MDG_NEAREST_BY_L2SQ, 4);
    const float q = -3e38f;
    assert_int_equal(mdg_nearest_search(index, 1, &q, 4, found), MIDGE_OK);
    const uint32_t order[] = {1, 0, 2, 3};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(found[i].row, order[i]);
        assert_true(i == 0 ? found[i].distance == 0.0f
                           : found[i].distance > 3.4e38f);
    }
    free_all(&t, index);
}

static void what_is_refused(void **state) {
    struct test_env t;
    test_env_init(&t);
    mdg_nearest *index = (mdg_nearest *)&t;
    midge_error err;
    assert_int_equal(
        mdg_nearest_new(&t.env, 0, MDG_NEAREST_BY_L2SQ, &index, &err),
        MIDGE_E_INVALID);
    assert_null(index);
    assert_int_equal(mdg_nearest_new(&t.env, MDG_NEAREST_DIM_MAX + 1,
                                     MDG_NEAREST_BY_L2SQ, &index, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(
        mdg_nearest_new(&t.env, 3, (mdg_nearest_by)2, &index, &err),
        MIDGE_E_INVALID);
    fill(rows, 30, 9);
    index = make(&t, 3, MDG_NEAREST_BY_L2SQ, 4);
    const float bad[] = {__builtin_nanf(""), __builtin_inff(),
                         -__builtin_inff()};
    for (size_t i = 0; i < 3; i++) {
        float more[] = {1, 2, 3, 4, bad[i], 6};
        assert_int_equal(mdg_nearest_add(index, 2, more, &err),
                         MIDGE_E_INVALID);
        assert_non_null(strstr(err.text, "row 1"));
        assert_int_equal(mdg_nearest_count(index), 4);
        found[0] = (mdg_neighbour){7, 7.0f};
        assert_int_equal(mdg_nearest_search(index, 2, more, 1, found),
                         MIDGE_E_INVALID);
        assert_int_equal(found[0].row, 7);
    }
    assert_int_equal(mdg_nearest_search(index, 1, rows, 0, found),
                     MIDGE_E_INVALID);
    assert_int_equal(mdg_nearest_search(NULL, 1, rows, 1, found),
                     MIDGE_E_INVALID);
    assert_int_equal(mdg_nearest_search(index, 1, NULL, 1, found),
                     MIDGE_E_INVALID);
    assert_int_equal(mdg_nearest_add(index, SIZE_MAX / 2, rows, &err),
                     MIDGE_E_LIMIT);
    mdg_nearest_free(NULL);
    free_all(&t, index);
}

/* Added in pieces or at once; searched one by one or together; by any table of
 * kernels: the same bits. */
static void the_same_bits_in_every_way(void **state) {
    static mdg_neighbour other[N_QUERIES * 9];
    struct variants v = variants_here();
    const uint32_t cpus[] = {0, MIDGE_CPU_V2, MIDGE_CPU_AVX2, MIDGE_CPU_AVX512};
    fill(rows, 700 * 37, 10);
    fill(queries, N_QUERIES * 37, 11);
    for (int metric = 0; metric < 2; metric++) {
        struct test_env t;
        test_env_init(&t);
        mdg_nearest *index = make(&t, 37, (mdg_nearest_by)metric, 700);
        assert_int_equal(
            mdg_nearest_search(index, N_QUERIES, queries, 9, found), MIDGE_OK);
        for (int i = 0; i < 4; i++) {
            struct test_env u;
            test_env_init(&u);
            u.env.cpu = cpus[i];
            const mdg_kernels *k = mdg_kernels_select(cpus[i]);
            int known = 0;
            for (int j = 0; j < v.count; j++) {
                known |= v.table[j] == k;
            }
            if (!known) {
                continue;
            }
            mdg_nearest *pieces = make(&u, 37, (mdg_nearest_by)metric, 1);
            for (size_t r = 1; r < 700; r += 50) {
                size_t n = 700 - r < 50 ? 700 - r : 50;
                assert_int_equal(
                    mdg_nearest_add(pieces, n, rows + r * 37, NULL), MIDGE_OK);
            }
            assert_memory_equal(mdg_nearest_rows(pieces), rows,
                                700 * 37 * sizeof(float));
            for (size_t q = 0; q < N_QUERIES; q++) {
                assert_int_equal(mdg_nearest_search(pieces, 1, queries + q * 37,
                                                    9, other + q * 9),
                                 MIDGE_OK);
            }
            assert_memory_equal(other, found, sizeof other);
            free_all(&u, pieces);
        }
        free_all(&t, index);
    }
}

/* Shares of odd sizes, the last first. `ctx` counts the loops. */
static void odd_shares(void *ctx, size_t count, size_t grain,
                       midge_range_fn body, void *arg) {
    size_t size = grain + (count - grain) / 7;
    for (size_t i = (count - 1) / size + 1; i-- > 0;) {
        size_t end = (i + 1) * size;
        body(arg, i * size, end < count ? end : count, i % 2);
    }
    ++*(int *)ctx;
}

static void the_same_bits_from_any_threads(void **state) {
    static mdg_neighbour other[QUERIES_MAX * 9];
    int n_loops = 0;
    fill(rows, 1000 * 37, 13);
    fill(queries, QUERIES_MAX * 37, 14);
    for (int metric = 0; metric < 2; metric++) {
        struct test_env t;
        test_env_init(&t);
        mdg_nearest *index = make(&t, 37, (mdg_nearest_by)metric, 1000);
        assert_int_equal(
            mdg_nearest_search(index, QUERIES_MAX, queries, 9, found),
            MIDGE_OK);
        t.env.workers = 2;
        t.env.parallel_fn = odd_shares;
        t.env.parallel_ctx = &n_loops;
        assert_int_equal(
            mdg_nearest_search(index, QUERIES_MAX, queries, 9, other),
            MIDGE_OK);
        assert_memory_equal(other, found, sizeof other);
        for (unsigned threads = 1; threads < 5; threads++) {
            midge_os_pool *pool = NULL;
            assert_int_equal(midge_os_pool_new(threads, &pool, NULL), MIDGE_OK);
            midge_os_pool_attach(pool, &t.env);
            memset(other, 0, sizeof other);
            assert_int_equal(
                mdg_nearest_search(index, QUERIES_MAX, queries, 9, other),
                MIDGE_OK);
            assert_memory_equal(other, found, sizeof other);
            midge_os_pool_free(pool);
        }
        free_all(&t, index);
    }
    assert_int_equal(n_loops, 2); /* so much work is worth sharing */
}

static void every_allocation_may_fail(void **state) {
    long fail_at = 0;
    fill(rows, 300, 12);
    struct test_env t;
    do {
        test_env_init(&t);
        t.fail_at = ++fail_at;
        mdg_nearest *index;
        midge_status s =
            mdg_nearest_new(&t.env, 3, MDG_NEAREST_BY_COSINE, &index, NULL);
        for (size_t n = 0; s == MIDGE_OK && n < 4; n++) {
            size_t before = mdg_nearest_count(index);
            s = mdg_nearest_add(index, 20, rows + n * 60, NULL);
            assert_int_equal(mdg_nearest_count(index),
                             before + (s == MIDGE_OK ? 20 : 0));
            assert_memory_equal(
                mdg_nearest_rows(index) ? mdg_nearest_rows(index) : rows, rows,
                before * 3 * sizeof(float));
        }
        assert_int_equal(s, t.calls < fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        free_all(&t, index);
    } while (t.calls >= fail_at);
    assert_true(fail_at > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_a_naive_search),
        cmocka_unit_test(ties_and_the_ends_of_blocks),
        cmocka_unit_test(a_large_dimension),
        cmocka_unit_test(more_wanted_than_there_is),
        cmocka_unit_test(cosine_at_its_ends),
        cmocka_unit_test(distances_that_overflow),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(the_same_bits_in_every_way),
        cmocka_unit_test(the_same_bits_from_any_threads),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
