/* searcher.c: which way a query goes, and the memory that searches need.
 *
 * A query walks the graph, or is compared with every row: when it asks for
 * that, when there is no graph, when so few rows pass the filter that the walk
 * would take longer, and when the walk found fewer than are there.
 */
#include "base/alloc.h"
#include "base/parallel.h"
#include "index/hnsw.h"
#include "index/search_plan.h"

/* Of a radius: nodes somewhat beyond it may lead back into it. */
#define SLACK 0.05f

typedef struct worker {
    mdg_walk walks[MDG_WALKS];
    uint32_t *rows;   /* (rescore) */
    float *distances; /* (rescore) */
    uint32_t rescore_capacity;
    midge_status status;
    midge_error err;
} worker;

struct midge_searcher {
    const midge_env *env;
    const midge_index *index;
    unsigned n_workers;
    worker *workers;
    const midge_query *query;
    mdg_search_plan plan;
    midge_neighbour *found; /* (count, k) */
    size_t found_capacity;
    uint32_t *n_found; /* (count) */
    uint8_t *again;    /* (count) to be compared with every row */
    size_t count;
    size_t count_capacity;
    midge_search_stats stats;
};

/* ---- Making -------------------------------------------------------------- */

midge_status midge_searcher_new(const midge_index *index, midge_searcher **out,
                                midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!index) {
        return midge_fail(err, MIDGE_E_INVALID, "index missing");
    }
    midge_searcher *s = mdg_alloc_zero(index->env, 1, sizeof *s);
    if (s) {
        s->env = index->env;
        s->index = index;
        s->n_workers = mdg_workers(index->env);
        s->workers = mdg_alloc_zero(s->env, s->n_workers, sizeof *s->workers);
    }
    if (!s || !s->workers) {
        midge_searcher_free(s);
        return mdg_no_memory("a searcher", err);
    }
    for (unsigned i = 0; i < s->n_workers; i++) {
        for (unsigned j = 0; j < MDG_WALKS; j++) {
            mdg_walk_init(&s->workers[i].walks[j], index);
        }
    }
    *out = s;
    return MIDGE_OK;
}

void midge_searcher_free(midge_searcher *s) {
    if (!s) {
        return;
    }
    for (unsigned i = 0; s->workers && i < s->n_workers; i++) {
        worker *w = &s->workers[i];
        for (unsigned j = 0; j < MDG_WALKS; j++) {
            mdg_walk_deinit(&w->walks[j], s->env);
        }
        mdg_release(s->env, w->rows, w->rescore_capacity, sizeof *w->rows);
        mdg_release(s->env, w->distances, w->rescore_capacity,
                    sizeof *w->distances);
    }
    mdg_release(s->env, s->workers, s->n_workers, sizeof *s->workers);
    mdg_release(s->env, s->found, s->found_capacity, sizeof *s->found);
    mdg_release(s->env, s->n_found, s->count_capacity, sizeof *s->n_found);
    mdg_release(s->env, s->again, s->count_capacity, sizeof *s->again);
    mdg_release(s->env, s, 1, sizeof *s);
}

/* ---- Memory -------------------------------------------------------------- */

static midge_status grow(const midge_env *env, void **block, size_t *capacity,
                         size_t wanted, size_t size) {
    if (wanted <= *capacity) {
        return MIDGE_OK;
    }
    void *fresh = mdg_alloc(env, wanted, size);
    if (!fresh) {
        return MIDGE_E_NOMEM;
    }
    mdg_release(env, *block, *capacity, size);
    *block = fresh;
    *capacity = wanted;
    return MIDGE_OK;
}

static midge_status reserve_results(midge_searcher *s, size_t count,
                                    uint32_t k) {
    size_t places;
    if (!mdg_multiply_size(count, k, &places)) {
        return MIDGE_E_LIMIT;
    }
    void *block = s->found;
    midge_status status =
        grow(s->env, &block, &s->found_capacity, places, sizeof *s->found);
    s->found = block;
    MIDGE_TRY(status);
    if (count <= s->count_capacity) {
        return MIDGE_OK;
    }
    uint32_t *n_found = mdg_alloc(s->env, count, sizeof *n_found);
    uint8_t *again = mdg_alloc(s->env, count, sizeof *again);
    if (!n_found || !again) {
        mdg_release(s->env, n_found, count, sizeof *n_found);
        mdg_release(s->env, again, count, sizeof *again);
        return MIDGE_E_NOMEM;
    }
    mdg_release(s->env, s->n_found, s->count_capacity, sizeof *n_found);
    mdg_release(s->env, s->again, s->count_capacity, sizeof *again);
    s->n_found = n_found;
    s->again = again;
    s->count_capacity = count;
    return MIDGE_OK;
}

static midge_status reserve_rescore(const midge_env *env, worker *w,
                                    uint32_t wanted) {
    if (wanted <= w->rescore_capacity) {
        return MIDGE_OK;
    }
    uint32_t *rows = mdg_alloc(env, wanted, sizeof *rows);
    float *distances = mdg_alloc(env, wanted, sizeof *distances);
    if (!rows || !distances) {
        mdg_release(env, rows, wanted, sizeof *rows);
        mdg_release(env, distances, wanted, sizeof *distances);
        return MIDGE_E_NOMEM;
    }
    mdg_release(env, w->rows, w->rescore_capacity, sizeof *rows);
    mdg_release(env, w->distances, w->rescore_capacity, sizeof *distances);
    w->rows = rows;
    w->distances = distances;
    w->rescore_capacity = wanted;
    return MIDGE_OK;
}

/* Of walks that have something to do. */
static midge_status reserve_walks(midge_searcher *s, const mdg_search_plan *p,
                                  size_t count) {
    for (unsigned i = 0; i < s->n_workers && i * MDG_WALKS < count; i++) {
        worker *w = &s->workers[i];
        w->status = MIDGE_OK;
        MIDGE_TRY(reserve_rescore(s->env, w, p->rescore));
        for (unsigned j = 0; j < MDG_WALKS && j < count; j++) {
            MIDGE_TRY(mdg_walk_reserve(&w->walks[j], p->limit, p->found));
        }
    }
    return MIDGE_OK;
}

/* ---- Walking ------------------------------------------------------------- */

static const void *vector_of(const midge_searcher *s, size_t query) {
    const midge_index_options *o = &s->index->options;
    size_t bytes = o->storage == MIDGE_STORAGE_BINARY
                       ? ((size_t)o->dim + 7) / 8
                       : (size_t)o->dim * sizeof(float);
    return (const char *)s->query->vectors + query * bytes;
}

static int passes(const void *ctx, uint32_t row) {
    const midge_searcher *s = ctx;
    return !mdg_row_dead(s->index, row) &&
           (!s->query->filter || midge_filter_matches(s->query->filter, row));
}

/* The lowest level is looked at as far as ef and the radius say. */
static void set_window(const midge_searcher *s, mdg_walk *walk) {
    walk->window = s->plan.ef;
    walk->reach = s->plan.pass ? UINT64_MAX : 0;
    if (s->query->within) {
        float r = s->query->radius;
        walk->reach =
            mdg_key(r + SLACK * (r < 0.0f ? -r : r), MDG_NO_NODE >> 1);
    }
}

static void start_query(const mdg_turns *turns, mdg_walk *walk, size_t item) {
    const midge_searcher *s = turns->ctx;
    const midge_index *index = s->index;
    mdg_scorer_walk(mdg_walked(index), vector_of(s, item), walk->room,
                    &walk->scorer);
    walk->pass = s->plan.pass ? passes : NULL;
    walk->pass_ctx = s;
    walk->err = &s->workers[turns->worker].err;
    mdg_buffer_clear(&walk->found, s->plan.found);
    mdg_walk_start(walk, s->plan.limit);
    if (walk->level == 0) {
        set_window(s, walk);
    }
}

/* Measures the first n keys by the rows as they are stored, and sorts them. */
static midge_status measure_again(const midge_searcher *s, worker *w,
                                  mdg_walk *walk, mdg_buffer *b, uint32_t n) {
    const midge_index *index = s->index;
    mdg_scorer scorer;
    for (uint32_t i = 0; i < n; i++) {
        w->rows[i] = mdg_key_node(b->keys[i]);
    }
    if (index->image) {
        MIDGE_TRY(
            mdg_image_need_vectors(index, &index->rows, n, w->rows, &w->err));
    }
    mdg_scorer_exact(&index->rows, vector_of(s, walk->item), walk->room,
                     &scorer);
    mdg_score(&scorer, n, w->rows, w->distances);
    walk->n_distances += n;
    for (uint32_t i = 0; i < n; i++) {
        b->keys[i] = mdg_key(w->distances[i], w->rows[i]);
    }
    mdg_sort_keys(b->keys, n);
    return MIDGE_OK;
}

static midge_status take_found(midge_searcher *s, worker *w, mdg_walk *walk) {
    mdg_buffer *b = s->plan.found > 0 ? &walk->found : &walk->buffer;
    const midge_query *q = s->query;
    midge_neighbour *out = s->found + walk->item * s->plan.k;
    if (s->plan.rescore > 0) {
        uint32_t first = b->size < s->plan.rescore ? b->size : s->plan.rescore;
        MIDGE_TRY(measure_again(s, w, walk, b, first));
    }
    uint32_t n = b->size < s->plan.k ? b->size : s->plan.k;
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (midge_neighbour){mdg_key_node(b->keys[i]),
                                   mdg_key_distance(b->keys[i])};
    }
    /* Where rows beyond the radius were met nobody within it was missed. */
    s->again[walk->item] = n < s->plan.k && !(q->within && n > 0 &&
                                              out[n - 1].distance > q->radius);
    while (q->within && n > 0 && out[n - 1].distance > q->radius) {
        n--;
    }
    s->n_found[walk->item] = n;
    return MIDGE_OK;
}

static int finish_query(const mdg_turns *turns, mdg_walk *walk) {
    midge_searcher *s = turns->ctx;
    worker *w = &s->workers[turns->worker];
    if (walk->status == MIDGE_OK && walk->level > 0) {
        mdg_walk_down(walk, walk->level > 1 ? MDG_WALK_WAYS : s->plan.limit);
        if (walk->level == 0) {
            set_window(s, walk);
        }
        return 1;
    }
    midge_status status =
        walk->status == MIDGE_OK ? take_found(s, w, walk) : walk->status;
    w->status = status == MIDGE_OK ? w->status : status;
    return 0;
}

static void walk_share(void *arg, size_t begin, size_t end, unsigned number) {
    midge_searcher *s = arg;
    const mdg_turns turns = {s, number, start_query, finish_query};
    mdg_walk_turns(&turns, s->workers[number].walks, MDG_WALKS, begin, end);
}

static midge_status run_walks(midge_searcher *s, midge_error *err) {
    for (unsigned i = 0; i < s->n_workers; i++) {
        s->workers[i].status = MIDGE_OK;
    }
    mdg_parallel_for(s->env, s->count, MDG_WALKS, walk_share, s);
    for (unsigned i = 0; i < s->n_workers; i++) {
        worker *w = &s->workers[i];
        if (w->status != MIDGE_OK) {
            if (err) {
                *err = w->err;
            }
            return w->status;
        }
        for (unsigned j = 0; j < MDG_WALKS; j++) {
            s->stats.distances += w->walks[j].n_distances;
            s->stats.steps += w->walks[j].n_steps;
            w->walks[j].n_distances = 0;
            w->walks[j].n_steps = 0;
        }
    }
    return MIDGE_OK;
}

/* ---- Running ------------------------------------------------------------- */

/* Compares queries from `first` on with every row. */
static midge_status compare(midge_searcher *s, size_t first, size_t count,
                            midge_error *err) {
    midge_query q = *s->query;
    midge_search_stats stats = {0, 0, 0, 0};
    q.count = count;
    q.vectors = vector_of(s, first);
    q.k = s->plan.k;
    MIDGE_TRY(mdg_exact_search(s->index, &q, s->found + first * s->plan.k,
                               s->n_found + first, &stats, err));
    s->stats.distances += stats.distances;
    s->stats.exact_queries += count;
    return MIDGE_OK;
}

static midge_status compare_again(midge_searcher *s, midge_error *err) {
    for (size_t i = 0; i < s->count; i++) {
        size_t run = i;
        while (run < s->count && s->again[run]) {
            run++;
        }
        if (run > i) {
            MIDGE_TRY(compare(s, i, run - i, err));
            i = run;
        }
    }
    return MIDGE_OK;
}

static midge_status run(midge_searcher *s, midge_error *err) {
    const mdg_search_plan *p = &s->plan;
    midge_status status = reserve_results(s, s->count, p->k);
    if (status == MIDGE_OK && !p->exact) {
        status = reserve_walks(s, p, s->count);
    }
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "no memory for a search of %zu queries",
                          s->count);
    }
    if (p->k == 0) {
        memset(s->n_found, 0, s->count * sizeof *s->n_found);
        return MIDGE_OK;
    }
    if (p->exact) {
        return compare(s, 0, s->count, err);
    }
    MIDGE_TRY(run_walks(s, err));
    return compare_again(s, err);
}

midge_status midge_searcher_run(midge_searcher *s, const midge_query *query,
                                midge_error *err) {
    if (!s || !query) {
        return midge_fail(err, MIDGE_E_INVALID, "searcher or query missing");
    }
    s->count = 0;
    MIDGE_TRY(mdg_search_check(s->index, query, err));
    s->query = query;
    s->plan = mdg_search_plan_make(s->index, query);
    s->stats = (midge_search_stats){0, 0, 0, s->plan.selectivity};
    s->count = query->count;
    midge_status status = s->count > 0 ? run(s, err) : MIDGE_OK;
    s->count = status == MIDGE_OK ? s->count : 0;
    s->query = NULL;
    return status;
}

const midge_neighbour *midge_searcher_found(const midge_searcher *s,
                                            size_t query, size_t *count) {
    int there = s && query < s->count;
    if (count) {
        *count = there ? s->n_found[query] : 0;
    }
    return there && s->found ? s->found + query * s->plan.k : NULL;
}

midge_search_stats midge_searcher_stats(const midge_searcher *s) {
    return s ? s->stats : (midge_search_stats){0, 0, 0, 0};
}
