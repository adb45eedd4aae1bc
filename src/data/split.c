/* split.c: which rows train, which validate, which test; folds.
 *
 * Rows are shuffled and put in order of their labels. Of each class a part gets
 * its share rounded down; the rows that remain go, one to a part, to the parts
 * that are furthest behind over all classes so far. So every part has of every
 * class its share rounded down or up, and of all rows nearly its share.
 */
#include "midge/nn_data.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/sort.h"

enum { TRAIN, VALIDATION, TEST, PARTS };

/* Rows in the order of their labels, at random within a class. */
typedef struct order {
    const midge_env *env;
    const int32_t *labels; /* NULL: one class */
    size_t n;
    uint32_t *shuffled;
    uint64_t *rows;
} order;

static void order_deinit(order *o) {
    mdg_release(o->env, o->shuffled, o->n, sizeof *o->shuffled);
    mdg_release(o->env, o->rows, o->n, sizeof *o->rows);
}

static midge_status order_init(order *o, uint64_t seed, midge_error *err) {
    o->shuffled = mdg_alloc(o->env, o->n, sizeof *o->shuffled);
    o->rows = mdg_alloc(o->env, o->n, sizeof *o->rows);
    if (!o->shuffled || !o->rows) {
        order_deinit(o);
        return mdg_no_memory("a split", err);
    }
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t i = 0; i < o->n; i++) {
        o->shuffled[i] = (uint32_t)i;
    }
    mdg_rng_shuffle(&rng, o->shuffled, o->n);
    for (size_t i = 0; i < o->n; i++) {
        uint32_t label = o->labels ? (uint32_t)o->labels[o->shuffled[i]] : 0;
        o->rows[i] = (uint64_t)label << 32 | i;
    }
    mdg_sort_u64(o->rows, o->n);
    for (size_t i = 0; i < o->n; i++) {
        o->rows[i] = o->shuffled[o->rows[i] & UINT32_MAX];
    }
    return MIDGE_OK;
}

/* Where the class that begins at `from` ends. */
static size_t class_end(const order *o, size_t from) {
    size_t end = from + 1;
    while (end < o->n && (!o->labels || o->labels[o->rows[end]] ==
                                            o->labels[o->rows[from]])) {
        end++;
    }
    return end;
}

/* How many of a class of n rows each part gets. `behind` is how many rows each
 * has less than its share of the classes before. */
static void share_out(size_t n, const double fraction[PARTS],
                      double behind[PARTS], size_t count[PARTS]) {
    double rest[PARTS];
    size_t left = n;
    for (int p = 0; p < PARTS; p++) {
        /* A hair more, lest 0.3 of 10 is 2. */
        count[p] = (size_t)(fraction[p] * (double)n + 1e-9);
        rest[p] = fraction[p] * (double)n - (double)count[p];
        behind[p] += rest[p];
        left -= count[p];
    }
    while (left > 0) {
        int most = -1;
        for (int p = 0; p < PARTS; p++) {
            int can = rest[p] > 1e-9;
            most = can && (most < 0 || behind[p] > behind[most]) ? p : most;
        }
        most = most < 0 ? TRAIN : most;
        count[most]++;
        behind[most] -= 1.0;
        rest[most] = 0.0;
        left--;
    }
}

/* A part that was asked for and got nothing takes a row to train on. */
static void fill_empty(const order *o, const double fraction[PARTS],
                       size_t total[PARTS], uint8_t *part) {
    for (int p = VALIDATION; p < PARTS; p++) {
        for (size_t i = 0; i < o->n && fraction[p] > 0.0 && total[p] == 0;
             i++) {
            if (part[o->shuffled[i]] == TRAIN) {
                part[o->shuffled[i]] = (uint8_t)p;
                total[p]++;
                total[TRAIN]--;
            }
        }
    }
    /* Rounding may have left nothing to train on. */
    for (size_t i = 0; i < o->n && total[TRAIN] == 0; i++) {
        uint8_t *p = &part[o->shuffled[i]];
        if (total[*p] > 1) {
            total[*p]--;
            total[TRAIN]++;
            *p = TRAIN;
        }
    }
}

static void split(const order *o, const double fraction[PARTS], uint8_t *part) {
    double behind[PARTS] = {0};
    size_t total[PARTS] = {0};
    size_t end;
    for (size_t at = 0; at < o->n; at = end) {
        size_t count[PARTS];
        end = class_end(o, at);
        share_out(end - at, fraction, behind, count);
        for (int p = 0; p < PARTS; p++) {
            total[p] += count[p];
            for (size_t k = 0; k < count[p]; k++) {
                part[o->rows[at++]] = (uint8_t)p;
            }
        }
    }
    fill_empty(o, fraction, total, part);
}

midge_status midge_split(const midge_env *env, size_t n_rows,
                         const int32_t *labels, double validation, double test,
                         uint64_t seed, uint8_t *part, midge_error *err) {
    if (!env || !env->realloc_fn || !part || n_rows > UINT32_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "an argument is NULL, or the rows are too many");
    }
    if (!(validation >= 0.0 && test >= 0.0 && validation + test < 1.0)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the shares of validation (%g) and test (%g) must "
                          "not be negative, and together below 1",
                          validation, test);
    }
    size_t parts = 1 + (size_t)(validation > 0.0) + (size_t)(test > 0.0);
    if (n_rows < parts) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "%zu rows are too few for %zu parts", n_rows, parts);
    }
    order o = {.env = env, .labels = labels, .n = n_rows};
    MIDGE_TRY(order_init(&o, seed, err));
    split(&o, (double[PARTS]){1.0 - validation - test, validation, test}, part);
    order_deinit(&o);
    return MIDGE_OK;
}

/* Dealt out in the order of the classes: of any run of rows, so of any class
 * and of all of them, two folds differ by one at most. */
midge_status midge_k_fold(const midge_env *env, size_t n_rows,
                          const int32_t *labels, uint32_t k, uint64_t seed,
                          uint32_t *fold, midge_error *err) {
    if (!env || !env->realloc_fn || !fold || n_rows > UINT32_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "an argument is NULL, or the rows are too many");
    }
    if (k < 2 || k > n_rows) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "%u folds of %zu rows: at least 2, and a row for "
                          "each",
                          k, n_rows);
    }
    order o = {.env = env, .labels = labels, .n = n_rows};
    MIDGE_TRY(order_init(&o, seed, err));
    for (size_t i = 0; i < n_rows; i++) {
        fold[o.rows[i]] = (uint32_t)(i % k);
    }
    order_deinit(&o);
    return MIDGE_OK;
}
