/* packed_walk.c: walking by one-bit codes (packed.h). */
#include <float.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "index/packed.h"
#include "index/walk.h"

#define LINE 64u
/* Of a block or a row, fetched ahead; the hardware follows from there. */
#define BYTES_AHEAD ((size_t)2048)
#define LEAST       1e-30f /* of a query that tells a direction */

/* ---- The query ----------------------------------------------------------- */

midge_status mdg_packed_query_reserve(mdg_packed_query *q,
                                      const midge_index *index) {
    const midge_env *env = index->env;
    const size_t size = mdg_rotation_size(index->options.dim);
    if (q->size > 0) {
        return MIDGE_OK;
    }
    q->rotated = mdg_alloc(env, size, sizeof *q->rotated);
    q->lut = mdg_alloc(env, 4 * size, 1);
    q->size = size;
    if (!q->rotated || !q->lut) {
        mdg_packed_query_deinit(q, env);
        return MIDGE_E_NOMEM;
    }
    return MIDGE_OK;
}

void mdg_packed_query_deinit(mdg_packed_query *q, const midge_env *env) {
    mdg_release(env, q->rotated, q->size, sizeof *q->rotated);
    mdg_release(env, q->lut, 4 * q->size, 1);
    *q = (mdg_packed_query){0};
}

/* The largest sum of four lengths, the sum, and that of the negative ones. */
static float measure(size_t size, const float *x, float *sum, float *low) {
    float sums[4] = {0}, lows[4] = {0}, most = 0.0f;
    for (size_t i = 0; i < size; i += 4) {
        float lengths[4];
        for (size_t j = 0; j < 4; j++) {
            float v = x[i + j];
            sums[j] += v;
            lows[j] += v < 0.0f ? v : 0.0f;
            lengths[j] = v < 0.0f ? -v : v;
        }
        float four = (lengths[0] + lengths[1]) + (lengths[2] + lengths[3]);
        most = four > most ? four : most;
    }
    *sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    *low = (lows[0] + lows[1]) + (lows[2] + lows[3]);
    return most;
}

void mdg_packed_query_set(mdg_packed_query *q, const midge_index *index,
                          const float *vector) {
    const mdg_kernels *k = index->kernels;
    float factor = 1.0f, sum, low;
    q->packed = index->packed;
    if (index->options.metric == MIDGE_METRIC_COSINE) {
        factor = mdg_packed_inverse_norm(
            MDG_KERNEL(k, dot_f32)(index->options.dim, vector, vector));
    }
    mdg_rotate(&q->packed->rotation, factor, vector, q->rotated);
    float most = measure(q->size, q->rotated, &sum, &low);
    if (!(most > LEAST && most < FLT_MAX) || sum - sum != 0.0f) {
        q->scale = q->shift = 0.0f;
        memset(q->lut, 0, 4 * q->size);
        return;
    }
    MDG_KERNEL(k, onebit_tables)
    (q->size, q->rotated, MDG_ONEBIT_TOP / most, q->lut);
    q->scale = 2.0f * most / 255.0f;
    q->shift = 2.0f * low - sum;
}

/* ---- Estimating ---------------------------------------------------------- */

/* t of packed.h; not below 0, so that slots without a neighbour stay far. */
static float tilt_of(const midge_index *index, uint32_t c, float distance) {
    if (index->options.metric != MIDGE_METRIC_IP) {
        return 1.0f;
    }
    float norm2 = mdg_factors(
        &index->rows, c)[index->options.storage == MIDGE_STORAGE_INT8 ? 1 : 0];
    float tilt = -distance / norm2;
    return tilt > 0.0f && tilt < FLT_MAX ? tilt : 0.0f;
}

static uint32_t estimate(const mdg_packed_query *q, const mdg_kernels *k,
                         uint8_t *block, uint32_t group,
                         const mdg_onebit_terms *terms, float *out) {
    const mdg_packed_group g = mdg_packed_group_of(q->packed, block, group);
    return MDG_KERNEL(k, onebit_scan)(q->size / 4, g.codes, q->lut, g.factors,
                                      terms, out);
}

uint32_t mdg_packed_estimate(const mdg_packed_query *q,
                             const midge_index *index, uint32_t c,
                             float distance, uint32_t group, float limit,
                             float out[MDG_PACKED_GROUP]) {
    const mdg_onebit_terms terms = {distance, tilt_of(index, c, distance),
                                    q->scale, q->shift, limit};
    return estimate(q, index->kernels, mdg_packed_block(q->packed, c), group,
                    &terms, out);
}

/* ---- Steps --------------------------------------------------------------- */

static int is_visited(const mdg_visited *v, uint32_t node) {
    return (int)(v->words[node >> 6] >> (node & 63) & 1);
}

static void keep_found(mdg_walk *walk, uint32_t row, float distance) {
    const midge_index *index = walk->index;
    const uint64_t key = mdg_key(distance, row);
    if (!mdg_buffer_refuses(&walk->found, key) &&
        !(index->n_dead > 0 && mdg_row_dead(index, row)) &&
        (!walk->pass || walk->pass(walk->pass_ctx, row))) {
        mdg_buffer_insert(&walk->found, key);
    }
}

/* A node may lie in the buffer more than once: that many are not enough by
 * themselves. */
static int has_enough(const mdg_walk *walk) {
    return walk->found.size >= walk->window ||
           walk->found.size >= walk->found.limit;
}

/* The neighbours whose estimates are below those that will be looked at. */
static void keep_group(mdg_walk *walk, uint8_t *block, uint32_t group,
                       mdg_onebit_terms *terms) {
    mdg_buffer *b = &walk->buffer;
    const mdg_packed *p = walk->packed.packed;
    const uint32_t *link = mdg_packed_group_of(p, block, group).link;
    float distances[MDG_PACKED_GROUP];
    terms->limit = __builtin_inff();
    if (has_enough(walk) && b->size >= walk->window) {
        terms->limit = mdg_key_distance(b->keys[walk->window - 1]);
    } else if (b->size == b->limit) {
        terms->limit = mdg_key_distance(b->keys[b->size - 1]);
    }
    uint32_t below = estimate(&walk->packed, walk->index->kernels, block, group,
                              terms, distances);
    for (; below != 0; below &= below - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(below);
        if (link[i] < walk->index->n_rows &&
            !is_visited(&walk->visited, link[i])) {
            mdg_buffer_insert(b, mdg_key(distances[i], link[i]));
        }
    }
}

static void look_at(mdg_walk *walk, uint32_t row) {
    const midge_index *index = walk->index;
    const mdg_packed *p = walk->packed.packed;
    uint8_t *block = mdg_packed_block(p, row);
    float distance;
    mdg_score(&walk->scorer, 1, &row, &distance);
    walk->n_distances++;
    walk->n_steps++;
    keep_found(walk, row, distance);
    mdg_onebit_terms terms = {distance, tilt_of(index, row, distance),
                              walk->packed.scale, walk->packed.shift, 0.0f};
    for (uint32_t group = 0; group < p->groups; group++) {
        keep_group(walk, block, group, &terms);
    }
}

static void fetch(const void *from, size_t bytes) {
    const uint8_t *at = from;
    const uint8_t *end = at + (bytes < BYTES_AHEAD ? bytes : BYTES_AHEAD);
    for (; at < end; at += LINE) {
        __builtin_prefetch(at);
    }
}

static void fetch_node(const mdg_walk *walk, uint32_t row) {
    const mdg_vectors *v = &walk->index->rows;
    fetch(mdg_record(v, row), v->row_bytes);
    fetch(mdg_packed_block(walk->packed.packed, row),
          walk->packed.packed->block_bytes);
}

static midge_status need(mdg_walk *walk, uint32_t row) {
    const midge_index *index = walk->index;
    if (!index->image) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_image_need_vectors(index, &index->rows, 1, &row, walk->err));
    return mdg_image_need_packed(index, row, walk->err);
}

/* The next node that was not looked at, fetched; and the one that will follow
 * it if nothing nearer turns up. 0 when there is none. */
static int choose(mdg_walk *walk) {
    mdg_buffer *b = &walk->buffer;
    uint32_t row;
    do {
        if (!mdg_walk_goes_on(walk) &&
            (has_enough(walk) || b->next >= b->size)) {
            return 0;
        }
        row = mdg_key_node(mdg_buffer_take(b));
    } while (!mdg_visit(&walk->visited, row));
    walk->packed.node = row;
    walk->status = need(walk, row);
    if (walk->status != MIDGE_OK) {
        return 0;
    }
    fetch_node(walk, row);
    if (b->next < b->size) {
        fetch_node(walk, mdg_key_node(b->keys[b->next]));
    }
    return 1;
}

/* Where the level is entered: these were measured above, and are again. */
static void enter(mdg_walk *walk) {
    mdg_visited *v = &walk->visited;
    mdg_score(&walk->scorer, walk->n_list, walk->list, walk->distances);
    for (uint32_t i = 0; i < walk->n_list; i++) {
        uint32_t row = walk->list[i];
        v->words[row >> 6] &= ~((uint64_t)1 << (row & 63)); /* not looked at */
        mdg_buffer_insert(&walk->buffer, mdg_key(walk->distances[i], row));
    }
    walk->n_list = 0;
}

int mdg_packed_step(mdg_walk *walk) {
    if (walk->status != MIDGE_OK) {
        return 0;
    }
    if (walk->n_list > 0) {
        enter(walk);
    } else {
        look_at(walk, walk->packed.node);
    }
    return choose(walk);
}
