/* walk_choice.c: what a graph is walked by when its maker did not say.
 *
 * Copies in 8 bits are walked faster, but tell rows apart only as far as the
 * rows differ by more than the copies are rounded: where all lie far from the
 * origin and near each other, or one number of each is far larger than the
 * others, the copies of all are the same. So as soon as there are rows enough
 * the nearest of some are looked for among a sample, by rows and by copies.
 */
#include "base/alloc.h"
#include "base/parallel.h"
#include "index/hnsw.h"

#define SAMPLE  1024u
#define ASKED   32u
#define NEAREST 10u
/* By copies: as many as a search for the nearest measures again. */
#define ROUGH 36u
/* Of 100 that are wanted so many are found, or the copies are not used. */
#define ENOUGH 98u
/* Rows of fewer numbers are walked as fast as their copies. */
#define DIM_LEAST    64u
#define ENCODE_GRAIN 256u

int mdg_walk_may_choose(const midge_index_options *o) {
    const int floats =
        o->storage == MIDGE_STORAGE_F32 || o->storage == MIDGE_STORAGE_F16;
    return floats && o->kind != MIDGE_INDEX_FLAT &&
           o->metric != MIDGE_METRIC_L1 && o->dim >= DIM_LEAST;
}

/* ---- The trial ----------------------------------------------------------- */

typedef struct trial {
    const midge_index *index;
    mdg_vectors copies; /* (n) */
    float *vector;      /* (dim) */
    void *room;         /* of a scorer */
    uint32_t n;
    uint32_t rows[SAMPLE];
    uint32_t places[SAMPLE]; /* of their copies: 0, 1, 2, ... */
    float by_rows[SAMPLE];
    float by_copies[SAMPLE];
} trial;

/* Rows that live, spread over all. */
static void draw(trial *t) {
    const midge_index *index = t->index;
    const uint32_t live = index->n_rows - index->n_dead;
    const uint32_t step = (live + SAMPLE - 1) / SAMPLE;
    uint32_t n = 0;
    for (uint32_t row = 0; row < index->n_rows; row++) {
        if (!mdg_row_dead(index, row) && n++ % step == 0) {
            t->rows[t->n++] = row;
        }
    }
}

static void copy(trial *t) {
    for (uint32_t i = 0; i < t->n; i++) {
        mdg_vectors_get(&t->index->rows, t->rows[i], t->vector);
        mdg_vectors_set(&t->copies, i, t->vector);
        t->places[i] = i;
    }
}

/* The `most` nearest of one of the sample but itself. */
static void nearest(const trial *t, uint32_t self, const float *distances,
                    uint32_t most, mdg_buffer *found) {
    mdg_buffer_clear(found, most);
    for (uint32_t i = 0; i < t->n; i++) {
        if (i != self) {
            mdg_buffer_insert(found, mdg_key(distances[i], i));
        }
    }
}

/* How many of the nearest are among the first that the copies say. Rows at the
 * same distance are alike. */
static uint32_t found_of(trial *t, uint32_t self) {
    uint64_t keys[ROUGH] = {0};
    mdg_buffer found = {.keys = keys};
    mdg_scorer scorer;
    uint32_t hits = 0;
    mdg_vectors_get(&t->index->rows, t->rows[self], t->vector);
    mdg_scorer_exact(&t->index->rows, t->vector, t->room, &scorer);
    mdg_score(&scorer, t->n, t->rows, t->by_rows);
    mdg_scorer_walk(&t->copies, t->vector, t->room, &scorer);
    mdg_score(&scorer, t->n, t->places, t->by_copies);
    nearest(t, self, t->by_rows, NEAREST, &found);
    const float farthest = mdg_key_distance(keys[NEAREST - 1]);
    nearest(t, self, t->by_copies, ROUGH, &found);
    for (uint32_t i = 0; i < found.size; i++) {
        hits += t->by_rows[mdg_key_node(keys[i])] <= farthest;
    }
    return hits < NEAREST ? hits : NEAREST;
}

static int copies_do(trial *t) {
    uint32_t hits = 0;
    draw(t);
    copy(t);
    for (uint32_t i = 0; i < ASKED; i++) {
        hits += found_of(t, (uint32_t)((uint64_t)i * t->n / ASKED));
    }
    return hits * 100 >= ASKED * NEAREST * ENOUGH;
}

static midge_status try_copies(const midge_index *index, int *good) {
    const midge_env *env = index->env;
    const uint32_t dim = index->options.dim;
    const size_t room = mdg_scorer_bytes(&index->rows);
    trial *t = mdg_alloc_zero(env, 1, sizeof *t);
    if (!t) {
        return MIDGE_E_NOMEM;
    }
    t->index = index;
    t->copies = index->codes;
    t->copies.data = mdg_alloc(env, SAMPLE, t->copies.row_bytes);
    t->vector = mdg_alloc(env, dim, sizeof *t->vector);
    t->room = mdg_alloc(env, room, 1);
    const int there = t->copies.data && t->vector && t->room;
    if (there) {
        *good = copies_do(t);
    }
    mdg_release(env, t->room, room, 1);
    mdg_release(env, t->vector, dim, sizeof *t->vector);
    mdg_release(env, t->copies.data, SAMPLE, t->copies.row_bytes);
    mdg_release(env, t, 1, sizeof *t);
    return there ? MIDGE_OK : MIDGE_E_NOMEM;
}

/* ---- Copies of all ------------------------------------------------------- */

typedef struct copying {
    midge_index *index;
    float *vectors; /* (workers, dim) */
} copying;

static void copy_share(void *arg, size_t begin, size_t end, unsigned worker) {
    const copying *c = arg;
    midge_index *index = c->index;
    float *vector = c->vectors + (size_t)worker * index->options.dim;
    for (size_t row = begin; row < end; row++) {
        mdg_vectors_get(&index->rows, (uint32_t)row, vector);
        mdg_vectors_set(&index->codes, (uint32_t)row, vector);
    }
}

static midge_status copy_all(midge_index *index) {
    const midge_env *env = index->env;
    const size_t numbers = (size_t)mdg_workers(env) * index->options.dim;
    copying c = {index, mdg_alloc(env, numbers, sizeof *c.vectors)};
    void *data = NULL;
    midge_status status = MIDGE_E_NOMEM;
    if (c.vectors) {
        status = mdg_place_grow(env, &data, &index->codes.capacity, 0,
                                index->capacity, index->codes.row_bytes, 0);
    }
    if (status == MIDGE_OK) {
        index->codes.data = data;
        mdg_parallel_for(env, index->n_rows, ENCODE_GRAIN, copy_share, &c);
    }
    mdg_release(env, c.vectors, numbers, sizeof *c.vectors);
    return status;
}

midge_status mdg_walk_choose(midge_index *index, midge_error *err) {
    int good = 0;
    if (index->options.walk != MIDGE_WALK_AUTO ||
        index->n_rows - index->n_dead < MDG_WALK_CHOICE_ROWS) {
        return MIDGE_OK;
    }
    midge_status status = try_copies(index, &good);
    if (status == MIDGE_OK && good) {
        status = copy_all(index);
    }
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "no memory for copies of %u rows",
                          index->n_rows);
    }
    index->options.walk = good ? MIDGE_WALK_INT8 : MIDGE_WALK_ROWS;
    return MIDGE_OK;
}
