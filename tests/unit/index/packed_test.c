/* packed_test.c: estimates against distances in double, walks by them against
 * exact searches, and blocks that stay in step with the graph. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "index/packed.h"
#include "midge/os.h"
#include "test_env.h"
#include "test_share.h"

#define QUERIES 50u

/* ---- Data and indexes ---------------------------------------------------- */

/* 20 clusters; lengths differ. Queries lie behind the rows. */
static float *data_new(size_t rows, uint32_t dim, uint64_t seed) {
    float *x = malloc(rows * dim * sizeof *x);
    float *middles = malloc(20 * (size_t)dim * sizeof *middles);
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t i = 0; i < 20 * (size_t)dim; i++) {
        middles[i] = 1.5f * mdg_rng_normal(&rng);
    }
    for (size_t row = 0; row < rows; row++) {
        const float *middle = middles + mdg_rng_below(&rng, 20) * dim;
        float length = 0.5f + mdg_rng_float(&rng);
        for (uint32_t i = 0; i < dim; i++) {
            x[row * dim + i] = length * (middle[i] + mdg_rng_normal(&rng));
        }
    }
    free(middles);
    return x;
}

static midge_index_options options_of(uint32_t dim, midge_metric metric,
                                      midge_storage storage) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    o.dim = dim;
    o.metric = metric;
    o.kind = MIDGE_INDEX_HNSW;
    o.storage = storage;
    o.walk = MIDGE_WALK_PACKED;
    o.seed = 9;
    return o;
}

static midge_status try_add(midge_index *index, const float *x, size_t first,
                            size_t count) {
    uint64_t *ids = malloc((count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        ids[i] = first + i;
    }
    midge_rows rows = {.count = count, .ids = ids};
    rows.vectors = x + first * index->options.dim;
    midge_status status = midge_index_add(index, &rows, NULL, NULL);
    free(ids);
    return status;
}

static midge_index *index_of(const midge_env *env, midge_index_options o,
                             const float *x, size_t count) {
    midge_index *index;
    assert_int_equal(midge_index_new(env, &o, &index, NULL), MIDGE_OK);
    assert_int_equal(try_add(index, x, 0, count), MIDGE_OK);
    return index;
}

/* ---- Estimates ----------------------------------------------------------- */

typedef struct errors {
    size_t count;
    size_t beyond; /* what the theorem leaves to chance */
    double sum, squares;
} errors;

static double product(const float *a, const float *b, uint32_t n) {
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += (double)a[i] * b[i];
    }
    return sum;
}

static double true_distance(midge_metric metric, const float *q, const float *x,
                            uint32_t n) {
    double qx = product(q, x, n), qq = product(q, q, n), xx = product(x, x, n);
    switch (metric) {
    case MIDGE_METRIC_L2SQ:
        return qq - 2 * qx + xx;
    case MIDGE_METRIC_COSINE:
        return 1 - qx / __builtin_sqrt(qq * xx);
    default:
        return -qx;
    }
}

/* r and what the query has beyond c (packed.h), in double. */
static void differences(midge_metric metric, const float *q, const float *c,
                        const float *x, uint32_t n, double *r2, double *rest2) {
    double qn = 1, cn = 1, xn = 1, t = 1;
    if (metric == MIDGE_METRIC_COSINE) {
        qn = 1 / __builtin_sqrt(product(q, q, n));
        cn = 1 / __builtin_sqrt(product(c, c, n));
        xn = 1 / __builtin_sqrt(product(x, x, n));
    } else if (metric == MIDGE_METRIC_IP) {
        t = product(q, c, n) / product(c, c, n);
    }
    *r2 = *rest2 = 0;
    for (uint32_t i = 0; i < n; i++) {
        double r = xn * x[i] - cn * c[i], rest = qn * q[i] - t * cn * c[i];
        *r2 += r * r;
        *rest2 += rest * rest;
    }
}

/* The errors of one row's neighbours, in units of 2 |r| |q - c| / sqrt(n), or
 * half of it where the product counts once. */
static void add_errors(const midge_index *index, const mdg_packed_query *query,
                       const float *q, uint32_t c, const float *x, errors *e) {
    const midge_metric metric = index->options.metric;
    const uint32_t dim = index->options.dim;
    const double n = mdg_rotation_size(dim);
    const float *of_c = x + midge_index_id(index, c) * dim;
    float out[MDG_PACKED_GROUP];
    const float far = __builtin_inff();
    double exact = true_distance(metric, q, of_c, dim);
    uint32_t below =
        mdg_packed_estimate(query, index, c, (float)exact, 0, far, out);
    const mdg_packed_group g = mdg_packed_group_of(
        index->packed, mdg_packed_block(index->packed, c), 0);
    for (uint32_t i = 0; i < MDG_PACKED_GROUP; i++) {
        if (!(below >> i & 1)) {
            continue;
        }
        const float *of_x = x + midge_index_id(index, g.link[i]) * dim;
        double r2, rest2;
        differences(metric, q, of_c, of_x, dim, &r2, &rest2);
        double twice = metric == MIDGE_METRIC_L2SQ ? 2 : 1;
        double f = -g.factors[MDG_PACKED_GROUP + i] / twice;
        double cosine = __builtin_sqrt(r2 / n) / f; /* of code and r */
        double unit = twice * __builtin_sqrt(r2 * rest2 / n);
        double error = (out[i] - true_distance(metric, q, of_x, dim)) / unit;
        double sigma = __builtin_sqrt(1 / (cosine * cosine) - 1);
        e->count++;
        e->sum += error;
        e->squares += error * error;
        e->beyond += __builtin_fabs(error) > 3 * sigma + 0.05;
    }
}

/* Without bias, and with an error like sqrt(1 / x^2 - 1) / sqrt(n - 1), x being
 * the cosine of code and residual, some 0.8 (theorem 3.2 of RaBitQ). */
static void check_estimates(midge_metric metric, uint32_t dim) {
    const uint32_t rows = 600;
    struct test_env t;
    test_env_init(&t);
    float *x = data_new(rows + QUERIES, dim, dim + metric);
    midge_index *index =
        index_of(&t.env, options_of(dim, metric, MIDGE_STORAGE_F32), x, rows);
    mdg_packed_query query = {0};
    errors e = {0, 0, 0, 0};
    assert_int_equal(mdg_packed_query_reserve(&query, index), MIDGE_OK);
    for (uint32_t i = 0; i < QUERIES; i++) {
        const float *q = x + (size_t)(rows + i) * dim;
        mdg_packed_query_set(&query, index, q);
        for (uint32_t c = i; c < rows; c += 17) {
            add_errors(index, &query, q, c, x, &e);
        }
    }
    double mean = e.sum / (double)e.count;
    double rms = __builtin_sqrt(e.squares / (double)e.count);
    if (!(__builtin_fabs(mean) < 0.06 && rms > 0.5 && rms < 0.9)) {
        print_error("metric %d dim %u: mean %.4f rms %.4f of %zu\n",
                    (int)metric, (unsigned)dim, mean, rms, e.count);
    }
    assert_true(e.count > 10000);
    assert_true(__builtin_fabs(mean) < 0.06);
    assert_true(rms > 0.5 && rms < 0.9);
    assert_true((double)e.beyond < 0.01 * (double)e.count);
    mdg_packed_query_deinit(&query, &t.env);
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
    free(x);
}

static void estimates_are_within_the_bound(void **state) {
    static const uint32_t dims[] = {64, 100, 128, 300};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        check_estimates(MIDGE_METRIC_L2SQ, dims[i]);
        check_estimates(MIDGE_METRIC_COSINE, dims[i]);
        check_estimates(MIDGE_METRIC_IP, dims[i]);
    }
}

/* ---- Walks --------------------------------------------------------------- */

/* The share of the true k nearest that are found. With `walked` no query may
 * be answered by comparing with all rows. */
static double recall_of(const midge_index *index, const float *queries,
                        size_t count, uint32_t k, uint32_t ef, int walked) {
    midge_searcher *walk, *exact;
    midge_query q = {.count = count, .vectors = queries, .k = k, .ef = ef};
    assert_int_equal(midge_searcher_new(index, &walk, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_new(index, &exact, NULL), MIDGE_OK);
    assert_int_equal(midge_searcher_run(walk, &q, NULL), MIDGE_OK);
    if (walked) {
        assert_int_equal(midge_searcher_stats(walk).exact_queries, 0);
    }
    q.exact = 1;
    assert_int_equal(midge_searcher_run(exact, &q, NULL), MIDGE_OK);
    size_t hits = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n, n_true;
        const midge_neighbour *a = midge_searcher_found(walk, i, &n);
        const midge_neighbour *b = midge_searcher_found(exact, i, &n_true);
        assert_int_equal(n, n_true);
        for (size_t j = 0; j < n; j++) {
            assert_true(midge_index_has_row(index, a[j].row));
            assert_true(j == 0 || a[j - 1].distance <= a[j].distance);
            /* Sums of another order, and so other last bits. */
            float last = b[n - 1].distance;
            hits +=
                a[j].distance <= last + 1e-5f * __builtin_fabsf(last) + 1e-6f;
        }
        all += n;
    }
    midge_searcher_free(walk);
    midge_searcher_free(exact);
    return all > 0 ? (double)hits / (double)all : 1.0;
}

static void walks_find_the_nearest(void **state) {
    static const midge_metric metrics[] = {
        MIDGE_METRIC_L2SQ, MIDGE_METRIC_COSINE, MIDGE_METRIC_IP};
    static const midge_storage storages[] = {
        MIDGE_STORAGE_F32, MIDGE_STORAGE_F16, MIDGE_STORAGE_INT8};
    const size_t rows = 4000;
    const uint32_t dim = 48;
    for (int i = 0; i < 9; i += TEST_SHARE > 1 ? 4 : 1) {
        struct test_env t;
        test_env_init(&t);
        float *x = data_new(rows + QUERIES, dim, 77);
        midge_index *index = index_of(
            &t.env, options_of(dim, metrics[i / 3], storages[i % 3]), x, rows);
        assert_non_null(index->packed);
        double recall = recall_of(index, x + rows * dim, QUERIES, 10, 60, 1);
        if (recall < 0.95) {
            print_error("metric %d storage %d: %.3f\n", (int)metrics[i / 3],
                        (int)storages[i % 3], recall);
        }
        assert_true(recall >= 0.95);
        midge_index_free(index);
        assert_int_equal(t.held_bytes, 0);
        free(x);
    }
}

static void every_dimension_and_size_is_walked(void **state) {
    static const uint32_t dims[] = {1, 2, 3, 7, 16, 17, 65, 200, 1000, 1040};
    static const size_t sizes[] = {1, 2, 5, 40, 1500};
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const size_t rows = dims[d] > 200 ? sizes[s] / 3 + 1 : sizes[s];
            struct test_env t;
            test_env_init(&t);
            float *x = data_new(rows + QUERIES, dims[d], 5);
            midge_index *index = index_of(
                &t.env,
                options_of(dims[d], MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32), x,
                rows);
            double recall =
                recall_of(index, x + rows * dims[d], QUERIES, 3, 24, 0);
            if (recall < 0.9) {
                print_error("dim %u rows %zu: %.3f\n", (unsigned)dims[d], rows,
                            recall);
            }
            assert_true(recall >= 0.9);
            midge_index_free(index);
            assert_int_equal(t.held_bytes, 0);
            free(x);
        }
    }
}

/* Lists longer and shorter than a group. */
static void every_m_is_walked(void **state) {
    static const uint32_t ms[] = {2, 5, 16, 24, 40, 128};
    const size_t rows = 1500;
    const uint32_t dim = 32;
    float *x = data_new(rows + QUERIES, dim, 6);
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
        struct test_env t;
        test_env_init(&t);
        midge_index_options o =
            options_of(dim, MIDGE_METRIC_COSINE, MIDGE_STORAGE_F32);
        o.m = ms[i];
        midge_index *index = index_of(&t.env, o, x, rows);
        double recall = recall_of(index, x + rows * dim, QUERIES, 5, 16, 1);
        if (recall < (ms[i] < 5 ? 0.3 : 0.8)) {
            print_error("m %u: %.3f\n", (unsigned)ms[i], recall);
        }
        assert_true(recall >= (ms[i] < 5 ? 0.3 : 0.8));
        midge_index_free(index);
        assert_int_equal(t.held_bytes, 0);
    }
    free(x);
}

static void equal_rows_and_zeros_are_found(void **state) {
    const size_t rows = 1500;
    const uint32_t dim = 20;
    for (int i = 0; i < 6; i++) {
        const midge_metric metric = (midge_metric)(i % 3);
        struct test_env t;
        test_env_init(&t);
        float *x = data_new(rows + QUERIES, dim, 8);
        for (size_t row = 0; row < rows; row++) {
            if (i < 3 || row % 3 == 0) { /* all the same, or many 0 */
                for (uint32_t j = 0; j < dim; j++) {
                    x[row * dim + j] = i < 3 ? 2.0f : 0.0f;
                }
            }
        }
        midge_index *index = index_of(
            &t.env, options_of(dim, metric, MIDGE_STORAGE_F32), x, rows);
        assert_true(recall_of(index, x + rows * dim, QUERIES, 10, 32, 0) > 0.9);
        midge_index_free(index);
        free(x);
    }
}

/* ---- Blocks -------------------------------------------------------------- */

/* The links of a row stand first in its block, nobody twice, nobody dead when
 * `alive`; unlinked rows have empty blocks. */
static void check_blocks(const midge_index *index, int alive) {
    const mdg_packed *p = index->packed;
    for (uint32_t row = 0; row < index->n_rows; row++) {
        const uint32_t *links = mdg_links(index, row);
        uint32_t seen[2 * MIDGE_INDEX_M_MAX], n = 0;
        for (uint32_t slot = 0; slot < p->slots; slot++) {
            const uint32_t i = slot % MDG_PACKED_GROUP;
            const mdg_packed_group g = mdg_packed_group_of(
                p, mdg_packed_block(p, row), slot / MDG_PACKED_GROUP);
            if (g.factors[i] == __builtin_inff()) {
                assert_true(slot >= links[0]);
                continue;
            }
            assert_true(links[0] > 0);
            assert_true(slot >= links[0] || g.link[i] == links[1 + slot]);
            assert_true(g.link[i] < index->n_rows && g.link[i] != row);
            assert_false(alive && mdg_row_dead(index, g.link[i]));
            for (uint32_t j = 0; j < n; j++) {
                assert_true(seen[j] != g.link[i]);
            }
            seen[n++] = g.link[i];
        }
    }
}

static void blocks_follow_changes(void **state) {
    const size_t rows = 1800;
    const uint32_t dim = 24;
    struct test_env t;
    test_env_init(&t);
    float *x = data_new(rows + QUERIES, dim, 12);
    const float *queries = x + rows * dim;
    midge_index *index = index_of(
        &t.env, options_of(dim, MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32), x, 1000);
    check_blocks(index, 1);
    for (size_t at = 1000; at < rows; at += 40) { /* a few at a time */
        assert_int_equal(try_add(index, x, at, 40), MIDGE_OK);
    }
    check_blocks(index, 1);
    assert_true(recall_of(index, queries, QUERIES, 5, 24, 1) >= 0.9);
    for (uint64_t id = 0; id < rows; id += 2) {
        assert_int_equal(midge_index_delete(index, 1, &id, NULL, NULL, NULL),
                         MIDGE_OK);
    }
    check_blocks(index, 0);
    assert_true(recall_of(index, queries, QUERIES, 5, 48, 0) >= 0.95);
    for (size_t id = 0; id < 400; id += 2) {
        assert_int_equal(try_add(index, x, id, 1), MIDGE_OK);
    }
    assert_int_equal(midge_index_compact(index, NULL), MIDGE_OK);
    check_blocks(index, 1);
    assert_true(recall_of(index, queries, QUERIES, 5, 48, 0) >= 0.95);
    midge_index_free(index);
    assert_int_equal(t.held_bytes, 0);
    free(x);
}

/* Scalar code and what this CPU has. */
static void every_cpu_makes_the_same_blocks(void **state) {
    const size_t rows = 700;
    const uint32_t dim = 37;
    float *x = data_new(rows, dim, 13);
    for (int metric = 0; metric < 3; metric++) {
        struct test_env plain, here;
        test_env_init(&plain);
        test_env_init(&here);
        plain.env.cpu = 0;
        here.env.cpu = midge_os_env().cpu;
        midge_index_options o =
            options_of(dim, (midge_metric)metric, MIDGE_STORAGE_F16);
        midge_index *a = index_of(&plain.env, o, x, rows);
        midge_index *b = index_of(&here.env, o, x, rows);
        assert_memory_equal(a->packed->blocks, b->packed->blocks,
                            rows * a->packed->block_bytes);
        midge_index_free(a);
        midge_index_free(b);
    }
    free(x);
}

/* However many make them. */
static void workers_make_the_same_blocks(void **state) {
    const size_t rows = 900;
    const uint32_t dim = 33;
    float *x = data_new(rows, dim, 15);
    struct test_env one, three;
    midge_os_pool *pool;
    test_env_init(&one);
    test_env_init(&three);
    assert_int_equal(midge_os_pool_new(3, &pool, NULL), MIDGE_OK);
    midge_os_pool_attach(pool, &three.env);
    midge_index_options o =
        options_of(dim, MIDGE_METRIC_L2SQ, MIDGE_STORAGE_F32);
    midge_index *a = index_of(&one.env, o, x, 600);
    midge_index *b = index_of(&three.env, o, x, 600);
    assert_int_equal(try_add(a, x, 600, 300), MIDGE_OK);
    assert_int_equal(try_add(b, x, 600, 300), MIDGE_OK);
    assert_memory_equal(a->packed->blocks, b->packed->blocks,
                        rows * a->packed->block_bytes);
    midge_index_free(a);
    midge_index_free(b);
    midge_os_pool_free(pool);
    free(x);
}

static void memory_may_fail(void **state) {
    const size_t rows = 60;
    const uint32_t dim = 10;
    float *x = data_new(rows, dim, 14);
    for (long n = 1;; n += 1 + n / 20) {
        struct test_env t;
        midge_index *index;
        midge_searcher *s = NULL;
        midge_query q = {.count = 3, .vectors = x, .k = 2};
        midge_index_options o =
            options_of(dim, MIDGE_METRIC_IP, MIDGE_STORAGE_F32);
        test_env_init(&t);
        t.fail_at = n;
        midge_status status = midge_index_new(&t.env, &o, &index, NULL);
        if (status == MIDGE_OK) {
            status = try_add(index, x, 0, rows);
        }
        if (status == MIDGE_OK) {
            status = midge_searcher_new(index, &s, NULL);
        }
        if (status == MIDGE_OK) {
            status = midge_searcher_run(s, &q, NULL);
        }
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        midge_searcher_free(s);
        midge_index_free(index);
        assert_int_equal(t.held_bytes, 0);
        if (t.calls < n) {
            assert_int_equal(status, MIDGE_OK);
            break;
        }
    }
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_are_within_the_bound),
        cmocka_unit_test(walks_find_the_nearest),
        cmocka_unit_test(every_dimension_and_size_is_walked),
        cmocka_unit_test(every_m_is_walked),
        cmocka_unit_test(equal_rows_and_zeros_are_found),
        cmocka_unit_test(blocks_follow_changes),
        cmocka_unit_test(every_cpu_makes_the_same_blocks),
        cmocka_unit_test(workers_make_the_same_blocks),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
