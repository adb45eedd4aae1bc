/* exact.c: queries compared with every row that lives and passes.
 *
 * Many queries are shared among the workers; of few queries the rows are, and
 * each worker keeps the nearest of its own, which are then put together. What
 * is kept depends on distances and row numbers alone, and a distance on its
 * query and row alone: any shares give the same.
 */
#include "index/exact.h"

#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"

#define SHARE_QUERIES 32u     /* for each worker, or rows are shared */
#define SHARE_CELLS   500000u /* some 50 microseconds */
#define ROWS_UNIT     64u

/* A block of rows fills the first-level cache; by products the second. More
 * queries at once were slower, and so are heaps that leave the second. */
#define SCAN_BYTES          (32u * 1024u)
#define SCAN_QUERIES        256u
#define PRODUCT_BYTES       (512u * 1024u)
#define PRODUCT_QUERIES     256u
#define PRODUCT_QUERY_BYTES (1024u * 1024u)
#define HEAP_PLACES         (64u * 1024u)

/* What a worker has. */
typedef struct worker {
    mdg_exact_queries queries;
    mdg_exact_scratch scratch;
    mdg_best *best;          /* (n_queries) */
    void *room;              /* of scorers */
    midge_neighbour *places; /* (n_queries, k), when rows are shared */
} worker;

typedef struct search {
    mdg_exact e;
    midge_neighbour *found;
    uint32_t *n_found;
    unsigned n_workers;
    worker *workers;
    int by_rows;            /* the rows are shared */
    const worker *prepared; /* whose queries are searched, by rows */
} search;

static float reach_of(const midge_query *q) {
    return q->within ? q->radius : __builtin_inff();
}

/* The vectors of queries are floats, or bytes. */
static const void *query_vector(const mdg_exact *e, size_t i) {
    const mdg_vectors *v = &e->index->rows;
    const size_t size = v->storage == MIDGE_STORAGE_BINARY
                            ? ((size_t)v->dim + 7) / 8
                            : (size_t)v->dim * 4;
    return (const char *)e->query->vectors + i * size;
}

static void prepare(const mdg_exact *e, worker *w, size_t first, size_t count) {
    w->queries.first = (uint32_t)first;
    w->queries.count = (uint32_t)count;
    for (size_t q = 0; q < count; q++) {
        mdg_scorer_exact(&e->index->rows, query_vector(e, first + q), w->room,
                         w->queries.scorers + q);
    }
    if (e->by_products) {
        mdg_exact_filter_begin(e, &w->queries, query_vector(e, first));
    }
}

static void look_at_rows(const mdg_exact *e, const mdg_exact_queries *queries,
                         size_t begin, size_t end, worker *w) {
    for (uint32_t row = (uint32_t)begin; row < end;) {
        row = mdg_exact_rows_next(e, row, (uint32_t)end, &w->scratch.block);
        if (w->scratch.block.count == 0) {
            return;
        }
        if (e->by_products) {
            mdg_exact_filter(e, queries, &w->scratch, w->best);
        } else {
            mdg_exact_scan(queries, &w->scratch, w->best);
        }
    }
}

/* The k nearest of each query of `w`, into `places` (count, k). */
static void begin_best(const search *s, worker *w, size_t count,
                       midge_neighbour *places) {
    const uint32_t k = s->e.query->k;
    for (size_t q = 0; q < count; q++) {
        mdg_best_init(w->best + q, places + q * k, k, reach_of(s->e.query));
    }
}

static void finish_best(const search *s, size_t first, size_t count,
                        mdg_best *best) {
    for (size_t q = 0; q < count; q++) {
        mdg_best_sort(best + q);
        s->n_found[first + q] = best[q].held;
    }
}

/* ---- Sharing the queries ------------------------------------------------- */

static void search_queries(void *arg, size_t begin, size_t end,
                           unsigned number) {
    const search *s = arg;
    worker *w = s->workers + number;
    for (size_t first = begin; first < end; first += s->e.n_queries) {
        const size_t left = end - first;
        const size_t count = left < s->e.n_queries ? left : s->e.n_queries;
        prepare(&s->e, w, first, count);
        begin_best(s, w, count, s->found + first * s->e.query->k);
        look_at_rows(&s->e, &w->queries, 0, s->e.index->n_rows, w);
        finish_best(s, first, count, w->best);
    }
}

static size_t share_queries(const search *s) {
    const size_t cells = (size_t)s->e.n_pass * s->e.index->options.dim;
    const size_t enough = SHARE_CELLS / (cells + 1);
    return enough < SHARE_QUERIES ? SHARE_QUERIES : enough;
}

/* ---- Sharing the rows ---------------------------------------------------- */

static void search_rows(void *arg, size_t begin, size_t end, unsigned number) {
    const search *s = arg;
    worker *w = s->workers + number;
    const size_t n_rows = s->e.index->n_rows;
    const size_t last = end * ROWS_UNIT < n_rows ? end * ROWS_UNIT : n_rows;
    look_at_rows(&s->e, &s->prepared->queries, begin * ROWS_UNIT, last, w);
}

/* What the other workers found is offered to the first. */
static void put_together(const search *s, size_t count) {
    for (unsigned i = 1; i < s->n_workers; i++) {
        for (size_t q = 0; q < count; q++) {
            const mdg_best *other = s->workers[i].best + q;
            for (uint32_t j = 0; j < other->held; j++) {
                mdg_best_offer(s->workers[0].best + q, other->at[j].row,
                               other->at[j].distance);
            }
        }
    }
}

static void share_rows(search *s) {
    const size_t n_queries = s->e.query->count;
    const size_t units = (s->e.index->n_rows + ROWS_UNIT - 1) / ROWS_UNIT;
    for (size_t first = 0; first < n_queries; first += s->e.n_queries) {
        const size_t left = n_queries - first;
        const size_t count = left < s->e.n_queries ? left : s->e.n_queries;
        const size_t unit = ROWS_UNIT * count * s->e.index->options.dim;
        prepare(&s->e, s->workers, first, count);
        s->prepared = s->workers;
        begin_best(s, s->workers, count, s->found + first * s->e.query->k);
        for (unsigned i = 1; i < s->n_workers; i++) {
            begin_best(s, s->workers + i, count, s->workers[i].places);
        }
        mdg_parallel_for(s->e.index->env, units, SHARE_CELLS / (unit + 1) + 1,
                         search_rows, s);
        put_together(s, count);
        finish_best(s, first, count, s->workers->best);
    }
}

/* ---- Memory -------------------------------------------------------------- */

/* An array of a worker, and how large it is. */
typedef struct part {
    void **memory;
    size_t count;
    size_t size;
} part;

enum { PARTS = 11 };

/* Those that this search needs; the others have no elements. */
static void list_parts(const search *s, unsigned i, part parts[PARTS]) {
    const mdg_exact *e = &s->e;
    const size_t dim = e->index->rows.dim, size = sizeof(float);
    const size_t queries = e->n_queries;
    const size_t places = s->by_rows && i > 0 ? queries * e->query->k : 0;
    const size_t n = e->by_products ? queries : 0;
    const size_t rows = e->by_products ? e->n_block : 0;
    worker *w = s->workers + i;
    mdg_exact_queries *q = &w->queries;
    mdg_exact_scratch *x = &w->scratch;
    parts[0] = (part){&w->room, 1, mdg_scorer_bytes(&e->index->rows)};
    parts[1] = (part){(void **)&w->best, queries, sizeof *w->best};
    parts[2] = (part){(void **)&q->scorers, queries, sizeof *q->scorers};
    parts[3] = (part){(void **)&x->decoded, dim, size};
    parts[4] = (part){(void **)&w->places, places, sizeof *w->places};
    parts[5] = (part){(void **)&q->transposed, n * dim, size};
    parts[6] = (part){(void **)&q->norms, n, size};
    parts[7] = (part){(void **)&x->limits, n, size};
    parts[8] = (part){(void **)&x->floats, rows * dim, size};
    parts[9] = (part){(void **)&x->products, rows * n, size};
    parts[10] = (part){(void **)&x->picked, n, sizeof *x->picked};
}

static void free_workers(search *s) {
    const midge_env *env = s->e.index->env;
    part parts[PARTS];
    for (unsigned i = 0; s->workers && i < s->n_workers; i++) {
        list_parts(s, i, parts);
        for (size_t p = 0; p < PARTS; p++) {
            mdg_release(env, *parts[p].memory, parts[p].count, parts[p].size);
        }
    }
    mdg_release(env, s->workers, s->n_workers, sizeof *s->workers);
}

static midge_status make_workers(search *s) {
    const midge_env *env = s->e.index->env;
    part parts[PARTS];
    s->workers = mdg_alloc_zero(env, s->n_workers, sizeof *s->workers);
    for (unsigned i = 0; s->workers && i < s->n_workers; i++) {
        list_parts(s, i, parts);
        for (size_t p = 0; p < PARTS; p++) {
            *parts[p].memory = mdg_alloc(env, parts[p].count, parts[p].size);
            if (!*parts[p].memory && parts[p].count > 0) {
                return MIDGE_E_NOMEM;
            }
        }
    }
    return s->workers ? MIDGE_OK : MIDGE_E_NOMEM;
}

/* ---- The search ---------------------------------------------------------- */

static size_t between(size_t x, size_t low, size_t high) {
    return x < low ? low : x > high ? high : x;
}

static void plan(search *s) {
    mdg_exact *e = &s->e;
    const size_t count = e->query->count;
    const size_t floats = e->index->rows.dim * sizeof(float);
    size_t rows = SCAN_BYTES / e->index->rows.row_bytes;
    size_t queries = SCAN_QUERIES;
    e->by_products = mdg_exact_filter_pays(e);
    if (e->by_products) {
        rows = between(PRODUCT_BYTES / floats, 16, MDG_EXACT_ROWS);
        queries = between(PRODUCT_QUERY_BYTES / floats, 16, PRODUCT_QUERIES);
    }
    const size_t heaps = HEAP_PLACES / e->query->k;
    e->n_block = (uint32_t)between(rows, 8, MDG_EXACT_ROWS);
    e->n_queries = (uint32_t)between(between(heaps, 32, queries), 1, count);
    s->n_workers = mdg_workers(e->index->env);
    s->by_rows =
        s->n_workers > 1 && count < (size_t)SHARE_QUERIES * s->n_workers;
}

static midge_status run(search *s, midge_error *err) {
    MIDGE_TRY(mdg_exact_rows_need(&s->e, err));
    if (make_workers(s) != MIDGE_OK) {
        return mdg_no_memory("a search", err);
    }
    if (s->by_rows) {
        share_rows(s);
    } else {
        mdg_parallel_for(s->e.index->env, s->e.query->count, share_queries(s),
                         search_queries, s);
    }
    return MIDGE_OK;
}

static void count_work(const mdg_exact *e, midge_search_stats *stats) {
    const uint32_t live = e->index->n_rows - e->index->n_dead;
    stats->distances += (uint64_t)e->n_pass * e->query->count;
    stats->exact_queries += e->query->count;
    stats->selectivity = live > 0 ? (double)e->n_pass / live : 1.0;
}

midge_status mdg_exact_search(const midge_index *index,
                              const midge_query *query, midge_neighbour *found,
                              uint32_t *n_found, midge_search_stats *stats,
                              midge_error *err) {
    search s = {.e = {.index = index, .query = query},
                .found = found,
                .n_found = n_found};
    if (query->count == 0) {
        return MIDGE_OK;
    }
    memset(n_found, 0, query->count * sizeof *n_found);
    plan(&s);
    MIDGE_TRY(mdg_exact_rows_init(&s.e, err));
    midge_status status = s.e.n_pass > 0 ? run(&s, err) : MIDGE_OK;
    if (status == MIDGE_OK && stats) {
        count_work(&s.e, stats);
    }
    free_workers(&s);
    mdg_exact_rows_deinit(&s.e);
    return status;
}
