/* split_test.c: what parts and folds promise, for many sizes and mixtures of
 * classes: every row once, shares to within one row, the same for a seed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "midge/nn_data.h"
#include "test_env.h"
#include "test_share.h"

enum { ROWS = 700, CLASSES = 40 };

typedef struct mixture {
    size_t n;
    int32_t labels[ROWS]; /* of classes 0 .. CLASSES - 1, less OFFSET */
} mixture;
#define OFFSET 3 /* labels may be negative */

/* Classes of very unlike sizes. */
static void draw(mixture *m, mdg_rng *rng) {
    m->n = 3 + mdg_rng_below(rng, ROWS - 3);
    uint32_t k = 1 + mdg_rng_below(rng, CLASSES);
    for (size_t i = 0; i < m->n; i++) {
        m->labels[i] =
            (int32_t)mdg_rng_below(rng, 1 + mdg_rng_below(rng, k)) - OFFSET;
    }
}

static size_t class_size(const mixture *m, int32_t label) {
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        n += m->labels[i] == label;
    }
    return n;
}

static size_t rows_in(const mixture *m, const uint8_t *part, int p,
                      int32_t label, int any) {
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        n += part[i] == p && (any || m->labels[i] == label);
    }
    return n;
}

static void check_parts(const mixture *m, const uint8_t *part,
                        const double fraction[3]) {
    int borrowed = 0; /* a part was empty and took a row */
    for (int p = 0; p < 3; p++) {
        size_t total = rows_in(m, part, p, 0, 1);
        assert_true(fraction[p] > 0.0 ? total > 0 : total == 0);
        borrowed |= fraction[p] * (double)m->n < 2.0;
        assert_true(fabs((double)total - fraction[p] * (double)m->n) < 2.0);
    }
    for (int32_t c = -OFFSET; c < CLASSES && !borrowed; c++) {
        double size = (double)class_size(m, c);
        for (int p = 0; p < 3; p++) {
            double here = (double)rows_in(m, part, p, c, 0);
            assert_true(fabs(here - fraction[p] * size) < 1.0);
        }
    }
}

static void parts_are_stratified(void **state) {
    static mixture m;
    struct test_env t;
    mdg_rng rng;
    test_env_init(&t);
    mdg_rng_seed(&rng, 5);
    for (int round = 0; round < 2000 / TEST_SHARE; round++) {
        uint8_t part[ROWS], again[ROWS];
        double v = 0.05 * mdg_rng_below(&rng, 9);
        double w = 0.05 * mdg_rng_below(&rng, 9);
        draw(&m, &rng);
        memset(part, 9, sizeof part);
        assert_int_equal(midge_split(&t.env, m.n, m.labels, v, w,
                                     (uint64_t)round, part, NULL),
                         MIDGE_OK);
        check_parts(&m, part, (double[]){1.0 - v - w, v, w});
        for (size_t i = 0; i < m.n; i++) {
            assert_true(part[i] <= 2);
        }
        assert_int_equal(midge_split(&t.env, m.n, m.labels, v, w,
                                     (uint64_t)round, again, NULL),
                         MIDGE_OK);
        assert_memory_equal(part, again, m.n);
        assert_int_equal(t.held_bytes, 0);
    }
}

/* Without labels the totals are the shares, rounded. */
static void plain_parts(void **state) {
    struct test_env t;
    static uint8_t part[ROWS], other[ROWS];
    static mixture m;
    test_env_init(&t);
    memset(&m, 0, sizeof m);
    for (m.n = 3; m.n < ROWS; m.n++) {
        assert_int_equal(
            midge_split(&t.env, m.n, NULL, 0.15, 0.15, 1, part, NULL),
            MIDGE_OK);
        check_parts(&m, part, (double[]){0.7, 0.15, 0.15});
    }
    m.n = ROWS;
    assert_int_equal(midge_split(&t.env, m.n, NULL, 0.3, 0.2, 1, part, NULL),
                     MIDGE_OK);
    assert_int_equal(rows_in(&m, part, 1, 0, 1), 210);
    assert_int_equal(rows_in(&m, part, 2, 0, 1), 140);
    assert_int_equal(midge_split(&t.env, m.n, NULL, 0.3, 0.2, 2, other, NULL),
                     MIDGE_OK);
    assert_memory_not_equal(part, other, sizeof part);
}

/* Each row is in the test part about as often as any other. */
static void parts_are_drawn_evenly(void **state) {
    enum { N = 50, ROUNDS = 4000 };
    struct test_env t;
    int times[N] = {0};
    test_env_init(&t);
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        uint8_t part[N];
        assert_int_equal(
            midge_split(&t.env, N, NULL, 0.2, 0.2, seed, part, NULL), MIDGE_OK);
        for (int i = 0; i < N; i++) {
            times[i] += part[i] == 2;
        }
    }
    for (int i = 0; i < N; i++) { /* 800; 6 standard deviations are 152 */
        assert_true(times[i] > 648 && times[i] < 952);
    }
}

static void folds_are_stratified(void **state) {
    static mixture m;
    struct test_env t;
    mdg_rng rng;
    test_env_init(&t);
    mdg_rng_seed(&rng, 6);
    for (int round = 0; round < 1000 / TEST_SHARE; round++) {
        uint32_t fold[ROWS];
        draw(&m, &rng);
        uint32_t k =
            2 + mdg_rng_below(&rng, (uint32_t)(m.n < 12 ? m.n - 1 : 11));
        assert_int_equal(midge_k_fold(&t.env, m.n, m.labels, k, 1, fold, NULL),
                         MIDGE_OK);
        size_t count[CLASSES + 1][16] = {{0}}, all[16] = {0};
        for (size_t i = 0; i < m.n; i++) {
            assert_true(fold[i] < k);
            count[m.labels[i] + OFFSET][fold[i]]++;
            all[fold[i]]++;
        }
        for (uint32_t f = 0; f < k; f++) {
            assert_true(all[f] == m.n / k || all[f] == m.n / k + 1);
            for (int c = 0; c < CLASSES; c++) {
                size_t size = class_size(&m, c - OFFSET);
                assert_true(count[c][f] == size / k ||
                            count[c][f] == size / k + 1);
            }
        }
    }
    assert_int_equal(t.held_bytes, 0);
}

static void refuses_what_cannot_be(void **state) {
    struct test_env t;
    midge_error err;
    uint8_t part[4];
    uint32_t fold[4];
    test_env_init(&t);
    assert_int_equal(midge_split(&t.env, 4, NULL, 0.5, 0.5, 1, part, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_split(&t.env, 4, NULL, -0.1, 0.5, 1, part, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_split(&t.env, 4, NULL, NAN, 0.5, 1, part, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_split(&t.env, 2, NULL, 0.2, 0.2, 1, part, &err),
                     MIDGE_E_INVALID);
    assert_non_null(strstr(err.text, "2 rows are too few for 3 parts"));
    assert_int_equal(midge_split(&t.env, 0, NULL, 0, 0, 1, part, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_split(&t.env, 1, NULL, 0, 0, 1, part, &err),
                     MIDGE_OK);
    assert_int_equal(midge_k_fold(&t.env, 4, NULL, 1, 1, fold, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_k_fold(&t.env, 4, NULL, 5, 1, fold, &err),
                     MIDGE_E_INVALID);
}

static void memory_runs_out(void **state) {
    for (long n = 1;; n++) {
        struct test_env t;
        uint8_t part[9];
        uint32_t fold[9];
        test_env_init(&t);
        t.fail_at = n;
        midge_status a = midge_split(&t.env, 9, NULL, 0.2, 0.2, 1, part, NULL);
        midge_status b = midge_k_fold(&t.env, 9, NULL, 3, 1, fold, NULL);
        assert_int_equal(t.held_bytes, 0);
        if (t.calls < n) {
            assert_true(a == MIDGE_OK && b == MIDGE_OK);
            return;
        }
        assert_true(a == MIDGE_E_NOMEM || b == MIDGE_E_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_stratified),
        cmocka_unit_test(plain_parts),
        cmocka_unit_test(parts_are_drawn_evenly),
        cmocka_unit_test(folds_are_stratified),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
