/* packed.c: making blocks of one-bit codes, and keeping them (packed.h). */
#include "index/packed.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "base/parallel.h"
#include "index/walk.h"

#define FLOATS 5u /* arrays of a packer */
#define GRAIN  16u

/* ---- Memory -------------------------------------------------------------- */

static void packer_deinit(const midge_env *env, const mdg_packed *p,
                          mdg_packer *k) {
    mdg_release(env, k->vector, FLOATS * (size_t)p->rotation.size,
                sizeof(float));
    mdg_release(env, k->block, p->block_bytes, 1);
    mdg_release(env, k->room, p->room_bytes, 1);
    mdg_release(env, k->keys, p->slots, sizeof *k->keys);
}

static midge_status packer_init(const midge_env *env, const mdg_packed *p,
                                mdg_packer *k) {
    const size_t size = p->rotation.size;
    k->vector = mdg_alloc(env, FLOATS * size, sizeof(float));
    k->block = mdg_alloc(env, p->block_bytes, 1);
    k->room = p->room_bytes > 0 ? mdg_alloc(env, p->room_bytes, 1) : NULL;
    k->keys = mdg_alloc(env, p->slots, sizeof *k->keys);
    if (!k->vector || !k->block || !k->keys ||
        (!k->room && p->room_bytes > 0)) {
        return MIDGE_E_NOMEM;
    }
    k->centre = k->vector + size;
    k->other = k->centre + size;
    k->residual = k->other + size;
    k->signs = k->residual + size;
    return MIDGE_OK;
}

static void packed_free(const midge_env *env, mdg_packed *p) {
    for (unsigned i = 0; p->packers && i < p->n_packers; i++) {
        packer_deinit(env, p, &p->packers[i]);
    }
    mdg_release(env, p->packers, p->n_packers, sizeof *p->packers);
    mdg_place_free(env, p->blocks, p->capacity, p->block_bytes);
    mdg_rotation_deinit(&p->rotation, env);
    mdg_release(env, p, 1, sizeof *p);
}

void mdg_packed_free(midge_index *index) {
    if (index->packed) {
        packed_free(index->env, index->packed);
        index->packed = NULL;
    }
}

static midge_status packed_init(mdg_packed *p, const midge_index *index) {
    const midge_env *env = index->env;
    MIDGE_TRY(mdg_rotation_init(&p->rotation, env, index->kernels,
                                index->options.dim));
    p->groups = (index->graph.m0 + MDG_PACKED_GROUP - 1) / MDG_PACKED_GROUP;
    p->slots = p->groups * MDG_PACKED_GROUP;
    p->group_bytes = 3 * MDG_PACKED_GROUP * sizeof(uint32_t) +
                     (size_t)p->rotation.size / 4 * 16;
    p->block_bytes = p->groups * p->group_bytes;
    p->room_bytes = mdg_scorer_bytes(&index->rows);
    p->n_packers = mdg_workers(env);
    p->packers = mdg_alloc_zero(env, p->n_packers, sizeof *p->packers);
    if (!p->packers) {
        return MIDGE_E_NOMEM;
    }
    for (unsigned i = 0; i < p->n_packers; i++) {
        MIDGE_TRY(packer_init(env, p, &p->packers[i]));
    }
    return MIDGE_OK;
}

midge_status mdg_packed_new(midge_index *index) {
    mdg_packed *p = mdg_alloc_zero(index->env, 1, sizeof *p);
    if (!p) {
        return MIDGE_E_NOMEM;
    }
    midge_status status = packed_init(p, index);
    if (status != MIDGE_OK) {
        packed_free(index->env, p);
        return status;
    }
    index->packed = p;
    return MIDGE_OK;
}

size_t mdg_packed_stride(const midge_index *index) {
    return index->packed ? index->packed->block_bytes : 0;
}

uint64_t mdg_packed_bytes(const midge_index *index) {
    return (uint64_t)index->n_rows * mdg_packed_stride(index);
}

/* ---- Blocks without neighbours ------------------------------------------- */

static void clear_slot(mdg_packed_group *g, uint32_t i) {
    g->link[i] = 0;
    g->factors[i] = __builtin_inff();
    g->factors[MDG_PACKED_GROUP + i] = 0.0f;
}

static int has_slot(const mdg_packed_group *g, uint32_t i) {
    return g->factors[i] < __builtin_inff();
}

static void clear_block(const mdg_packed *p, uint8_t *block) {
    memset(block, 0, p->block_bytes);
    for (uint32_t j = 0; j < p->groups; j++) {
        mdg_packed_group g = mdg_packed_group_of(p, block, j);
        for (uint32_t i = 0; i < MDG_PACKED_GROUP; i++) {
            clear_slot(&g, i);
        }
    }
}

midge_status mdg_packed_reserve(midge_index *index, uint32_t capacity) {
    mdg_packed *p = index->packed;
    const uint32_t held = p->capacity;
    const uint32_t used = p->blocks ? index->n_rows : 0;
    void *blocks = p->blocks;
    midge_status status = mdg_place_grow(index->env, &blocks, &p->capacity,
                                         used, capacity, p->block_bytes, 0);
    p->blocks = blocks;
    for (uint32_t row = used; p->capacity > held && row < p->capacity; row++) {
        clear_block(p, mdg_packed_block(p, row));
    }
    return status;
}

float mdg_packed_inverse_norm(float norm2) {
    return norm2 > 0.0f && norm2 < __builtin_inff() ? 1.0f / mdg_sqrt_f32(norm2)
                                                    : 0.0f;
}

/* ---- One neighbour ------------------------------------------------------- */

/* A row as a vector, for cosine of length 1, rotated. */
static void rotate_row(const midge_index *index, mdg_packer *k, uint32_t row,
                       float *out) {
    const mdg_rotation *r = &index->packed->rotation;
    float factor = 1.0f;
    mdg_vectors_get(&index->rows, row, k->vector);
    if (index->options.metric == MIDGE_METRIC_COSINE) {
        float norm2 = MDG_KERNEL(index->kernels, dot_f32)(index->options.dim,
                                                          k->vector, k->vector);
        factor = mdg_packed_inverse_norm(norm2);
    }
    mdg_rotate(r, factor, k->vector, out);
}

static float dot(const midge_index *index, const float *a, const float *b) {
    return MDG_KERNEL(index->kernels, dot_f32)(index->packed->rotation.size, a,
                                               b);
}

static int is_finite(float x) {
    return x - x == 0.0f;
}

static void set_factors(const midge_index *index, const mdg_packer *k,
                        float *first, float *second) {
    const float r2 = dot(index, k->residual, k->residual);
    const float rs = dot(index, k->residual, k->signs);
    const float cs = dot(index, k->centre, k->signs);
    const float f = rs > 0.0f ? r2 / rs : 0.0f;
    switch (index->options.metric) {
    case MIDGE_METRIC_COSINE:
        *first = 0.5f * r2 + f * cs;
        *second = -f;
        break;
    case MIDGE_METRIC_IP:
        *first = f * cs - dot(index, k->centre, k->residual);
        *second = -f;
        break;
    default:
        *first = r2 + 2.0f * f * cs;
        *second = -2.0f * f;
    }
    if (!is_finite(*first) || !is_finite(*second)) { /* as near as c itself */
        *first = *second = 0.0f;
    }
}

static void set_codes(const mdg_packed *p, const float *signs, uint8_t *codes,
                      uint32_t i) {
    const unsigned shift = i < MDG_PACKED_GROUP / 2 ? 0 : 4;
    uint8_t *at = codes + i % (MDG_PACKED_GROUP / 2);
    for (uint32_t part = 0; part < p->rotation.size / 4; part++) {
        unsigned code = 0;
        for (unsigned j = 0; j < 4; j++) {
            code |= (unsigned)(signs[4 * part + j] > 0.0f) << j;
        }
        at[16 * part] = (uint8_t)(at[16 * part] | code << shift);
    }
}

/* The neighbour in slot i of a cleared block whose row is in k->centre. */
static void set_slot(const midge_index *index, mdg_packer *k, uint32_t slot,
                     uint32_t row) {
    const mdg_packed *p = index->packed;
    const uint32_t i = slot % MDG_PACKED_GROUP;
    mdg_packed_group g =
        mdg_packed_group_of(p, k->block, slot / MDG_PACKED_GROUP);
    rotate_row(index, k, row, k->other);
    MDG_KERNEL(index->kernels, sub_f32)
    (p->rotation.size, k->other, k->centre, k->residual);
    for (uint32_t j = 0; j < p->rotation.size; j++) {
        k->signs[j] = k->residual[j] >= 0.0f ? 1.0f : -1.0f;
    }
    g.link[i] = row;
    set_factors(index, k, &g.factors[i], &g.factors[MDG_PACKED_GROUP + i]);
    set_codes(p, k->signs, g.codes, i);
}

/* ---- Blocks -------------------------------------------------------------- */

/* With fewer shares at once than packers one is always free. */
static mdg_packer *take_packer(mdg_packed *p) {
    for (unsigned i = 0;; i = (i + 1) % p->n_packers) {
        int *busy = &p->packers[i].busy;
        if (!__atomic_exchange_n(busy, 1, __ATOMIC_ACQUIRE)) {
            return &p->packers[i];
        }
    }
}

static void give_packer(mdg_packer *k) {
    __atomic_store_n(&k->busy, 0, __ATOMIC_RELEASE);
}

static void begin_block(const midge_index *index, mdg_packer *k, uint32_t row) {
    const uint32_t *links = mdg_links(index, row);
    clear_block(index->packed, k->block);
    if (links[0] > 0) {
        rotate_row(index, k, row, k->centre);
    }
    for (uint32_t i = 0; i < links[0]; i++) {
        set_slot(index, k, i, links[1 + i]);
    }
}

static void finish_block(const midge_index *index, const mdg_packer *k,
                         uint32_t row) {
    memcpy(mdg_packed_block(index->packed, row), k->block,
           index->packed->block_bytes);
}

static int is_listed(const uint32_t *links, uint32_t row) {
    for (uint32_t i = 1; i <= links[0]; i++) {
        if (links[i] == row) {
            return 1;
        }
    }
    return 0;
}

/* The block as it was may have neighbours beside the row's links: they stay
 * while there is room. */
void mdg_packed_row(midge_index *index, uint32_t row) {
    mdg_packed *p = index->packed;
    mdg_packer *k = take_packer(p);
    const uint32_t *links = mdg_links(index, row);
    uint32_t n = links[0];
    begin_block(index, k, row);
    for (uint32_t slot = 0; n > 0 && slot < p->slots && n < p->slots; slot++) {
        mdg_packed_group g = mdg_packed_group_of(p, mdg_packed_block(p, row),
                                                 slot / MDG_PACKED_GROUP);
        uint32_t i = slot % MDG_PACKED_GROUP;
        if (has_slot(&g, i) && g.link[i] < index->n_rows && g.link[i] != row &&
            !is_listed(links, g.link[i])) {
            set_slot(index, k, n++, g.link[i]);
        }
    }
    finish_block(index, k, row);
    give_packer(k);
}

/* ---- Filling up ---------------------------------------------------------- */

/* Keeps the `room` nearest of one list in `found`, each row once. */
static void keep_nearest(const midge_index *index, const mdg_scorer *scorer,
                         const uint32_t *mine, const uint32_t *theirs,
                         uint32_t row, mdg_buffer *found) {
    float distances[MDG_WALK_LIST];
    mdg_score(scorer, theirs[0], theirs + 1, distances);
    for (uint32_t i = 0; i < theirs[0]; i++) {
        uint32_t other = theirs[1 + i];
        uint64_t key = mdg_key(distances[i], other);
        if (other == row || mdg_buffer_refuses(found, key) ||
            mdg_row_dead(index, other) || is_listed(mine, other)) {
            continue;
        }
        uint32_t same = 0;
        while (same < found->size && found->keys[same] != key) {
            same++;
        }
        if (same == found->size) {
            mdg_buffer_insert(found, key);
        }
    }
}

static void fill_up(const midge_index *index, mdg_packer *k, uint32_t row) {
    const uint32_t *links = mdg_links(index, row);
    const uint32_t n = links[0];
    mdg_scorer scorer;
    mdg_buffer found = {.keys = k->keys};
    if (n == 0 || n >= index->packed->slots) {
        return;
    }
    mdg_buffer_clear(&found, index->packed->slots - n);
    mdg_scorer_row(&index->rows, row, k->room, &scorer);
    for (uint32_t i = 1; i <= n; i++) {
        keep_nearest(index, &scorer, links, mdg_links(index, links[i]), row,
                     &found);
    }
    for (uint32_t i = 0; i < found.size; i++) {
        set_slot(index, k, n + i, mdg_key_node(found.keys[i]));
    }
}

static void build_share(void *arg, size_t begin, size_t end, unsigned worker) {
    midge_index *index = arg;
    mdg_packed *p = index->packed;
    mdg_packer *k = take_packer(p);
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        const uint32_t row = (uint32_t)i;
        begin_block(index, k, row);
        fill_up(index, k, row);
        if (memcmp(mdg_packed_block(p, row), k->block, p->block_bytes) != 0) {
            mdg_mark(index, row, MDG_CHANGED_LINKS);
            finish_block(index, k, row);
        }
    }
    give_packer(k);
}

midge_status mdg_packed_build(midge_index *index, midge_error *err) {
    const int is_new = !index->packed;
    midge_status status = is_new ? mdg_packed_new(index) : MIDGE_OK;
    if (status == MIDGE_OK) {
        status = mdg_packed_reserve(index, index->capacity);
    }
    if (status != MIDGE_OK) {
        if (is_new) {
            mdg_packed_free(index);
        }
        return midge_fail(err, status, "no memory for packed codes");
    }
    mdg_parallel_for(index->env, index->n_rows, GRAIN, build_share, index);
    return MIDGE_OK;
}

/* ---- Moving -------------------------------------------------------------- */

static void rename_links(mdg_packed *p, uint8_t *block, const uint32_t *new_of,
                         uint32_t n_rows) {
    for (uint32_t slot = 0; slot < p->slots; slot++) {
        uint32_t i = slot % MDG_PACKED_GROUP;
        mdg_packed_group g =
            mdg_packed_group_of(p, block, slot / MDG_PACKED_GROUP);
        if (!has_slot(&g, i)) {
            continue;
        }
        uint32_t to = g.link[i] < n_rows ? new_of[g.link[i]] : MDG_NO_NODE;
        if (to == MDG_NO_NODE) {
            clear_slot(&g, i);
        } else {
            g.link[i] = to;
        }
    }
}

void mdg_packed_renumber(midge_index *index, mdg_mover *mover) {
    mdg_packed *p = index->packed;
    uint32_t n_left = 0;
    if (!p) {
        return;
    }
    for (uint32_t row = 0; row < mover->n_rows; row++) {
        rename_links(p, mdg_packed_block(p, row), mover->new_of, mover->n_rows);
        n_left += mover->new_of[row] != MDG_NO_NODE;
    }
    mdg_mover_apply(mover, p->blocks, p->block_bytes);
    for (uint32_t row = n_left; row < mover->n_rows; row++) {
        clear_block(p, mdg_packed_block(p, row));
    }
}
