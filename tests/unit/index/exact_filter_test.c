/* exact_filter_test.c: what products of matrices may not get wrong: values that
 * make them say little, and how much they leave out when they say much. */
#include "exact_support.h"

/* Values that make the products say little: `how` they are spread. SPREADS
 * itself: nothing special. */
enum spread {
    FAR_AWAY,
    NEAR_TIES,
    EQUAL,
    HUGE,
    TINY,
    ANY_SIZE,
    HOLES,
    SPREADS
};

static float one_value(mdg_rng *rng, enum spread how, float scale, uint32_t i) {
    const float x = mdg_rng_normal(rng);
    switch (how) {
    case FAR_AWAY: /* distances are small beside the norms */
        return 1000.0f + 0.001f * x;
    case NEAR_TIES:
        return (float)(i * 37 % 11) + 3e-7f * x;
    case EQUAL:
        return (float)(i * 37 % 11);
    case HUGE:
        return x * 1e18f;
    case TINY:
        return x * scale;
    default:
        return x * scale;
    }
}

/* `count` vectors; the sizes of TINY and ANY_SIZE differ from one to the next,
 * HOLES are zeros here and there. */
static void fill_spread(float *values, size_t count, uint32_t dim,
                        enum spread how, uint64_t seed) {
    static const float tiny[] = {1e-13f, 1e-20f, 3e-23f, 1e-38f, 1e-44f};
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t row = 0; row < count; row++) {
        const int e = (int)mdg_rng_below(&rng, 250) - 130;
        const int hole = how == HOLES && mdg_rng_below(&rng, 4) == 0;
        float scale = how == ANY_SIZE ? ldexpf(1.0f, e) : hole ? 0.0f : 1.0f;
        scale = how == TINY ? tiny[seed % 5] : scale;
        for (uint32_t i = 0; i < dim; i++) {
            values[row * dim + i] = one_value(&rng, how, scale, i);
        }
    }
}

static void products_never_lose_a_row(void **state) {
    static const uint32_t dims[] = {1, 7, 80};
    (void)state;
    for (size_t m = 0; m + 1 < MODES; m++) {
        for (size_t how = 0; how < SPREADS; how++) {
            for (uint64_t seed = 0; seed < (how == TINY ? 5 : 2); seed++) {
                const uint32_t dim = dims[(seed + how + m) % 3];
                if (modes[m].storage == MIDGE_STORAGE_F16 &&
                    (how == HUGE || how == ANY_SIZE)) {
                    continue; /* refused */
                }
                struct test_env t;
                test_env_init(&t);
                fill_spread(rows, 500, dim, (enum spread)how, seed);
                fill_spread(queries, 40, dim, (enum spread)how, seed + 5);
                midge_index *index = make(&t, modes[m], dim, 500);
                memcpy(queries, rows, 5 * dim * sizeof(float));
                midge_query q = ask(40, 1 + (uint32_t)seed * 12);
                check(index, &q, keep_all);
                free_all(&t, index);
            }
        }
    }
}

/* Queries and rows of sizes that have nothing to do with each other. */
static void sizes_of_all_kinds_together(void **state) {
    (void)state;
    for (size_t m = 0; m + 1 < MODES; m++) {
        struct test_env t;
        test_env_init(&t);
        fill_spread(rows, 600, 16, HOLES, 1);
        if (modes[m].storage != MIDGE_STORAGE_F16) {
            fill_spread(rows + 100 * 16, 100, 16, HUGE, 2);
            fill_spread(rows + 200 * 16, 100, 16, ANY_SIZE, 3);
        }
        fill_spread(rows + 300 * 16, 100, 16, TINY, 4);
        midge_index *index = make(&t, modes[m], 16, 600);
        fill_spread(queries, 10, 16, HUGE, 5);
        fill_spread(queries + 10 * 16, 20, 16, ANY_SIZE, 6);
        fill_spread(queries + 30 * 16, 10, 16, TINY, 7);
        fill_spread(queries + 40 * 16, 20, 16, HOLES, 8);
        midge_query q = ask(60, 15);
        check(index, &q, keep_all);
        free_all(&t, index);
    }
}

static size_t n_measured;
static float (*real_l2sq)(size_t n, const float *a, const float *b);

static float counted_l2sq(size_t n, const float *a, const float *b) {
    n_measured++;
    return real_l2sq(n, a, b);
}

/* How many rows 100 queries measure one by one, for their 5 nearest. */
static size_t measured(enum spread how) {
    midge_neighbour found[100 * 5];
    uint32_t n_found[100];
    struct test_env t;
    test_env_init(&t);
    fill_spread(rows, ROWS_MAX, DIM_MAX, how, 1);
    fill_spread(queries, QUERIES_MAX, DIM_MAX, how, 2);
    midge_index *index = make(&t, modes[0], DIM_MAX, ROWS_MAX);
    mdg_kernels counted = *index->kernels;
    real_l2sq = counted.l2sq_f32;
    counted.l2sq_f32 = counted_l2sq;
    index->kernels = &counted;
    index->rows.kernels = &counted;
    n_measured = 0;
    midge_query q = ask(100, 5);
    assert_int_equal(mdg_exact_search(index, &q, found, n_found, NULL, NULL),
                     MIDGE_OK);
    free_all(&t, index);
    return n_measured;
}

static void products_leave_most_rows_out(void **state) {
    (void)state;
    /* 5 (1 + ln(1500 / 5)) for each query, and some more. */
    assert_in_range(measured(SPREADS), 100 * 5, 100 * 45);
}

/* The first block is tried, and two or three later. */
static void useless_products_are_given_up(void **state) {
    (void)state;
    assert_in_range(measured(FAR_AWAY), 100 * 200, 100 * 800);
}

/* Blocks of the fewest rows, and the loosest bound: far from the origin, where
 * it leaves nothing out, and near it. */
static void a_large_dimension(void **state) {
    enum { N = 19 };
    static const uint32_t dims[] = {20000, MIDGE_INDEX_DIM_MAX};
    static const size_t chosen[] = {0, 1, 9}; /* of the modes */
    (void)state;
    for (size_t i = 0; i < 12; i += TEST_SHARE == 1 ? 1 : 5) {
        const uint32_t dim = dims[i % 2];
        float *x = malloc((size_t)2 * N * dim * sizeof *x);
        struct test_env t;
        test_env_init(&t);
        fill_spread(x, (size_t)2 * N, dim, i < 6 ? HOLES : FAR_AWAY, 3 + i);
        midge_index *index = make(&t, modes[chosen[i % 3]], dim, 0);
        const midge_rows r = {N, x, NULL, NULL, NULL};
        assert_int_equal(midge_index_add(index, &r, NULL, NULL), MIDGE_OK);
        midge_query q = {.count = N, .vectors = x + 5 * dim, .k = 3};
        check(index, &q, keep_all);
        free_all(&t, index);
        free(x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_never_lose_a_row),
        cmocka_unit_test(sizes_of_all_kinds_together),
        cmocka_unit_test(products_leave_most_rows_out),
        cmocka_unit_test(useless_products_are_given_up),
        cmocka_unit_test(a_large_dimension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
