/* tune.c: the smallest ef that reaches a recall, measured on a sample.
 *
 * A row counts as found when it is as near as the k-th nearest: which of
 * several rows at that distance a search names is a matter of chance. */
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "index/index_internal.h"

typedef struct trial {
    midge_index *index;
    midge_searcher *searcher;
    size_t sample;
    uint32_t k;     /* neighbours that count */
    uint32_t asked; /* one more when a query is a row of the index */
    size_t vector_bytes;
    const void *queries;
    void *own;       /* (sample) vectors, when they are rows */
    uint32_t *rows;  /* (sample) the rows that they are; or NULL */
    float *farthest; /* (sample) the distance that counts as found */
    uint64_t wanted; /* neighbours, of all queries */
} trial;

/* ---- The sample ---------------------------------------------------------- */

static midge_status no_memory(const trial *t, midge_error *err) {
    return midge_fail(err, MIDGE_E_NOMEM, "no memory for a sample of %zu",
                      t->sample);
}

/* Rows that live, each at most once: the first of a shuffled list. */
static midge_status draw_rows(trial *t, midge_error *err) {
    const midge_index *index = t->index;
    const midge_env *env = index->env;
    const uint32_t n_rows = index->n_rows;
    uint32_t *live = mdg_alloc(env, n_rows, sizeof *live);
    uint32_t count = 0;
    mdg_rng rng;
    t->rows = mdg_alloc(env, t->sample, sizeof *t->rows);
    t->own = mdg_alloc(env, t->sample, t->vector_bytes);
    if (!live || !t->rows || !t->own) {
        mdg_release(env, live, n_rows, sizeof *live);
        return no_memory(t, err);
    }
    for (uint32_t row = 0; row < n_rows; row++) {
        if (!mdg_row_dead(index, row)) {
            live[count++] = row;
        }
    }
    mdg_rng_seed(&rng, index->options.seed);
    for (size_t i = 0; i < t->sample; i++) {
        uint32_t other = (uint32_t)i + mdg_rng_below(&rng, count - (uint32_t)i);
        t->rows[i] = live[other];
        live[other] = live[i];
    }
    mdg_release(env, live, n_rows, sizeof *live);
    return MIDGE_OK;
}

static midge_status take_rows(trial *t, midge_error *err) {
    const midge_index *index = t->index;
    MIDGE_TRY(draw_rows(t, err));
    if (index->image) {
        MIDGE_TRY(mdg_image_need_vectors(index, &index->rows, t->sample,
                                         t->rows, err));
    }
    for (size_t i = 0; i < t->sample; i++) {
        mdg_vectors_get(&index->rows, t->rows[i],
                        (char *)t->own + i * t->vector_bytes);
    }
    t->queries = t->own;
    t->asked = t->k + 1;
    return MIDGE_OK;
}

/* ---- What was found ------------------------------------------------------ */

/* Takes the query itself out, or the farthest, where more than k are there.
 * Returns how many are left. */
static size_t take_out(const trial *t, size_t query, size_t count,
                       midge_neighbour *found) {
    size_t at = 0;
    if (!t->rows) {
        return count;
    }
    while (at < count && found[at].row != t->rows[query]) {
        at++;
    }
    if (at < count) {
        memmove(found + at, found + at + 1, (count - at - 1) * sizeof *found);
        return count - 1;
    }
    return count < t->k ? count : t->k;
}

static midge_status find_truth(trial *t, midge_error *err) {
    const midge_env *env = t->index->env;
    const midge_query q = {
        .count = t->sample, .vectors = t->queries, .k = t->asked, .exact = 1};
    size_t places;
    midge_neighbour *found = NULL;
    uint32_t *n_found = mdg_alloc(env, t->sample, sizeof *n_found);
    midge_status status = MIDGE_E_NOMEM;
    t->farthest = mdg_alloc(env, t->sample, sizeof *t->farthest);
    if (mdg_multiply_size(t->sample, t->asked, &places)) {
        found = mdg_alloc(env, places, sizeof *found);
    }
    if (found && n_found && t->farthest) {
        status = mdg_exact_search(t->index, &q, found, n_found, NULL, err);
    } else {
        status = no_memory(t, err);
    }
    for (size_t i = 0; status == MIDGE_OK && i < t->sample; i++) {
        midge_neighbour *mine = found + i * t->asked;
        size_t count = take_out(t, i, n_found[i], mine);
        t->farthest[i] = count > 0 ? mine[count - 1].distance : 0.0f;
        t->wanted += count;
    }
    mdg_release(env, found, places, sizeof *found);
    mdg_release(env, n_found, t->sample, sizeof *n_found);
    return status;
}

/* Of the k that a search found: those at the distance that counts. */
static size_t count_found(const trial *t, size_t query) {
    size_t count, good = 0, others = 0;
    const midge_neighbour *found =
        midge_searcher_found(t->searcher, query, &count);
    for (size_t i = 0; i < count && others < t->k; i++) {
        if (!t->rows || found[i].row != t->rows[query]) {
            good += found[i].distance <= t->farthest[query];
            others++;
        }
    }
    return good;
}

static midge_status measure(trial *t, uint32_t ef, double *recall,
                            midge_error *err) {
    const midge_query q = {
        .count = t->sample, .vectors = t->queries, .k = t->asked, .ef = ef};
    uint64_t good = 0;
    MIDGE_TRY(midge_searcher_run(t->searcher, &q, err));
    for (size_t i = 0; i < t->sample; i++) {
        good += count_found(t, i);
    }
    *recall = t->wanted > 0 ? (double)good / (double)t->wanted : 1.0;
    return MIDGE_OK;
}

/* ---- The search for ef --------------------------------------------------- */

/* Doubles ef until it is enough, then halves the interval. On success
 * report->ef is the smallest that was seen to be enough. */
static midge_status find_ef(trial *t, double wanted, midge_tune_report *report,
                            midge_error *err) {
    uint32_t low = t->asked - 1; /* not enough, as far as we know */
    uint32_t ef = t->asked;
    for (;;) {
        MIDGE_TRY(measure(t, ef, &report->recall, err));
        report->ef = ef;
        if (report->recall >= wanted) {
            break;
        }
        if (ef >= MIDGE_INDEX_EF_MAX) {
            return midge_fail(err, MIDGE_E_LIMIT,
                              "a recall of %g is not reached: ef %u gives "
                              "%g",
                              wanted, ef, report->recall);
        }
        low = ef;
        ef = ef < MIDGE_INDEX_EF_MAX / 2 ? 2 * ef : MIDGE_INDEX_EF_MAX;
    }
    while (report->ef - low > 1) {
        double recall;
        ef = low + (report->ef - low) / 2;
        MIDGE_TRY(measure(t, ef, &recall, err));
        if (recall >= wanted) {
            report->ef = ef;
            report->recall = recall;
        } else {
            low = ef;
        }
    }
    return MIDGE_OK;
}

static midge_status prepare(trial *t, const void *queries, midge_error *err) {
    const midge_index *index = t->index;
    const uint32_t live = index->n_rows - index->n_dead;
    const size_t dim = index->options.dim;
    t->vector_bytes = index->options.metric == MIDGE_METRIC_HAMMING
                          ? (dim + 7) / 8
                          : dim * sizeof(float);
    t->queries = queries;
    t->asked = t->k;
    if (!queries) {
        t->sample = t->sample < live ? t->sample : live;
        MIDGE_TRY(take_rows(t, err));
    }
    MIDGE_TRY(midge_searcher_new(index, &t->searcher, err));
    return find_truth(t, err);
}

static void finish(trial *t) {
    const midge_env *env = t->index->env;
    midge_searcher_free(t->searcher);
    mdg_release(env, t->own, t->sample, t->vector_bytes);
    mdg_release(env, t->rows, t->sample, sizeof *t->rows);
    mdg_release(env, t->farthest, t->sample, sizeof *t->farthest);
}

midge_status midge_index_tune(midge_index *index, double recall, uint32_t k,
                              size_t sample, const void *queries,
                              midge_tune_report *report, midge_error *err) {
    midge_tune_report own;
    report = report ? report : &own;
    *report = (midge_tune_report){0, 0.0, 0, k};
    if (!index || sample == 0 || k == 0 || k >= MIDGE_INDEX_EF_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "index missing, no sample, or k is not 1 to %u",
                          MIDGE_INDEX_EF_MAX - 1);
    }
    if (!(recall > 0.0 && recall <= 1.0)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "recall is %g, it must be above 0 and at most 1",
                          recall);
    }
    if (index->n_rows == index->n_dead) {
        return midge_fail(err, MIDGE_E_STATE, "there are no rows to tune on");
    }
    trial t = {.index = index, .sample = sample, .k = k};
    midge_status status = prepare(&t, queries, err);
    report->sample = t.sample;
    if (status == MIDGE_OK) {
        status = find_ef(&t, recall, report, err);
    }
    if (status == MIDGE_OK) {
        index->options.ef = report->ef;
        index->generation++;
    }
    finish(&t);
    return status;
}
