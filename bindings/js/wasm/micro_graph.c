/* micro_graph.c: linking and searching (micro.h). */
#include <string.h>

#include "entry.h"
#include "micro.h"

#define FIRST_ROWS 64u

/* ---- Memory -------------------------------------------------------------- */

static size_t first_slot(const micro *o, uint64_t id) {
    return (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) % (2 * o->capacity);
}

static size_t next_slot(const micro *o, size_t slot) {
    return slot + 1 < 2 * (size_t)o->capacity ? slot + 1 : 0;
}

void micro_remember(micro *o, uint32_t row) {
    size_t slot = first_slot(o, o->ids[row]);
    while (o->slots[slot] != 0) {
        slot = next_slot(o, slot);
    }
    o->slots[slot] = row + 1;
}

uint32_t micro_find(const micro *o, uint64_t id) {
    size_t slot = o->capacity ? first_slot(o, id) : 0;
    for (; o->capacity && o->slots[slot] != 0; slot = next_slot(o, slot)) {
        uint32_t row = o->slots[slot] - 1;
        if (o->ids[row] == id && !micro_dead(o, row)) {
            return row;
        }
    }
    return MDG_NO_NODE;
}

static size_t link_words(const micro *o) {
    return 1 + 2 * (size_t)o->m;
}

/* Of all arrays of rows. */
static uint64_t block_bytes(const micro *o, uint64_t capacity) {
    return capacity *
               (sizeof *o->ids + 2 * sizeof *o->slots +
                sizeof(uint32_t) * (link_words(o) + (uint64_t)o->stride)) +
           capacity / 4; /* visited and dead */
}

static void place(micro *o, uint8_t *block, size_t capacity) {
    o->capacity = (uint32_t)capacity;
    o->ids = (uint64_t *)(void *)block;
    o->visited = o->ids + capacity;
    o->slots = (uint32_t *)(void *)(o->visited + capacity / 64);
    o->links = o->slots + 2 * capacity;
    o->rows = (float *)(void *)(o->links + link_words(o) * capacity);
    o->dead = (uint8_t *)(void *)(o->rows + o->stride * capacity);
}

int micro_reserve(micro *o, uint32_t rows) {
    if (rows <= o->capacity) {
        return 1;
    }
    uint64_t to = 2 * (uint64_t)o->capacity;
    to = to < rows ? rows : to;
    to = to < FIRST_ROWS ? FIRST_ROWS : (to + 63) / 64 * 64;
    const uint64_t bytes = block_bytes(o, to);
    uint8_t *block = bytes < SIZE_MAX / 2 ? entry_alloc((size_t)bytes) : NULL;
    if (!block) {
        return 0;
    }
    const micro old = *o;
    memset(block, 0, (size_t)bytes);
    place(o, block, (size_t)to);
    if (old.capacity > 0) {
        memcpy(o->ids, old.ids, old.n * sizeof *o->ids);
        memcpy(o->links, old.links, old.n * link_words(o) * sizeof *o->links);
        memcpy(o->rows, old.rows, old.n * o->stride * sizeof *o->rows);
        memcpy(o->dead, old.dead, old.capacity / 8);
        entry_release(old.ids, (size_t)block_bytes(o, old.capacity));
    }
    for (uint32_t row = 0; row < o->n; row++) {
        micro_remember(o, row);
    }
    return 1;
}

static size_t level_words(const micro *o) {
    return 3 + (size_t)o->m;
}

int micro_reserve_level(const micro *o, micro_level *level, uint32_t nodes) {
    if (nodes <= level->capacity) {
        return 1;
    }
    const size_t to = 2 * (size_t)nodes;
    const size_t words = level_words(o);
    uint32_t *block = entry_alloc(to * words * sizeof *block);
    if (!block) {
        return 0;
    }
    const micro_level old = *level;
    level->capacity = (uint32_t)to;
    level->row = block;
    level->down = block + to;
    level->links = block + 2 * to;
    if (old.capacity > 0) {
        memcpy(level->row, old.row, old.count * sizeof *block);
        memcpy(level->down, old.down, old.count * sizeof *block);
        memcpy(level->links, old.links,
               old.count * (words - 2) * sizeof *block);
        entry_release(old.row, old.capacity * words * sizeof *block);
    }
    return 1;
}

static int reserve_keys(micro *o, uint32_t keys) {
    if (keys > o->keys_capacity) {
        uint64_t *fresh = entry_alloc((size_t)keys * sizeof *fresh);
        if (!fresh) {
            return 0;
        }
        entry_release(o->keys, o->keys_capacity * sizeof *fresh);
        o->keys = fresh;
        o->keys_capacity = keys;
    }
    return 1;
}

void micro_free(micro *o) {
    for (uint32_t i = 0; i < MICRO_LEVELS; i++) {
        micro_level *level = &o->upper[i];
        entry_release(level->row,
                      level->capacity * level_words(o) * sizeof *level->row);
    }
    entry_release(o->keys, o->keys_capacity * sizeof *o->keys);
    entry_release(o->ids, (size_t)block_bytes(o, o->capacity));
    entry_release(o, sizeof *o);
}

/* ---- Distances ----------------------------------------------------------- */

static const float *vector_of(const micro *o, uint32_t row) {
    return o->rows + (size_t)row * o->stride;
}

/* As src/index/vectors.h describes them. */
static float distance(const micro *o, const micro_query *q, uint32_t row) {
    const float *x = vector_of(o, row);
    if (o->metric == MIDGE_METRIC_L2SQ) {
        return MDG_KERNEL(NULL, l2sq_f32)(o->dim, q->x, x);
    }
    const float dot = MDG_KERNEL(NULL, dot_f32)(o->dim, q->x, x);
    if (o->metric == MIDGE_METRIC_COSINE) {
        const float d = 1.0f - dot * q->factor * x[o->dim];
        return d > 0.0f ? d : 0.0f;
    }
    return -dot;
}

static micro_query query_of(const micro *o, uint32_t row) {
    const float *x = vector_of(o, row);
    return (micro_query){x, x[o->dim]};
}

static float inverse(float norm2) {
    const float norm = __builtin_sqrtf(norm2);
    return norm > 0.0f && norm < __builtin_inff() ? 1.0f / norm : 0.0f;
}

static float norm2_of(const micro *o, const float *x) {
    return MDG_KERNEL(NULL, dot_f32)(o->dim, x, x);
}

void micro_prepare(micro *o, uint32_t row) {
    float *x = o->rows + (size_t)row * o->stride;
    if (o->metric == MIDGE_METRIC_COSINE) {
        x[o->dim] = inverse(norm2_of(o, x));
    }
}

/* ---- Walking ------------------------------------------------------------- */

static uint32_t row_of(const micro *o, uint32_t level, uint32_t node) {
    return level == 0 ? node : o->upper[level - 1].row[node];
}

static uint32_t *links_of(micro *o, uint32_t level, uint32_t node) {
    return level == 0 ? o->links + (size_t)node * link_words(o)
                      : o->upper[level - 1].links + (size_t)node * (1 + o->m);
}

static uint64_t key_of(const micro *o, const micro_query *q, uint32_t level,
                       uint32_t node) {
    return mdg_key(distance(o, q, row_of(o, level, node)), node);
}

/* The nearest nodes of a level, found from one of them. */
static void walk(micro *o, const micro_query *q, uint32_t level, uint32_t node,
                 mdg_buffer *b) {
    const uint32_t nodes = level == 0 ? o->n : o->upper[level - 1].count;
    memset(o->visited, 0, ((size_t)nodes + 63) / 64 * sizeof *o->visited);
    o->visited[node >> 6] |= (uint64_t)1 << (node & 63);
    mdg_buffer_insert(b, key_of(o, q, level, node));
    while (b->next < b->size) {
        const uint32_t *links =
            links_of(o, level, mdg_key_node(mdg_buffer_take(b)));
        for (uint32_t i = 1; i <= links[0]; i++) {
            const uint64_t bit = (uint64_t)1 << (links[i] & 63);
            uint64_t *word = &o->visited[links[i] >> 6];
            if ((*word & bit) == 0) {
                *word |= bit;
                mdg_buffer_insert(b, key_of(o, q, level, links[i]));
            }
        }
    }
}

/* Down to `level`: the node to start from there. */
static uint32_t descend(micro *o, const micro_query *q, uint32_t level) {
    uint32_t node = o->entry;
    for (uint32_t i = o->n_levels; i > level; i--) {
        mdg_buffer b = {.keys = o->keys, .limit = 1};
        walk(o, q, i, node, &b);
        node = o->upper[i - 1].down[mdg_key_node(b.keys[0])];
    }
    return node;
}

/* ---- Linking ------------------------------------------------------------- */

/* Of the nearest, those that are nearer to the row than to each other. */
static void choose(micro *o, uint32_t level, const uint64_t *keys,
                   uint32_t count, uint32_t most, uint32_t *links) {
    links[0] = 0;
    for (uint32_t i = 0; i < count && links[0] < most; i++) {
        const uint32_t node = mdg_key_node(keys[i]);
        const micro_query q = query_of(o, row_of(o, level, node));
        int good = 1;
        for (uint32_t j = 1; j <= links[0] && good; j++) {
            good = distance(o, &q, row_of(o, level, links[j])) >
                   mdg_key_distance(keys[i]);
        }
        if (good) {
            links[++links[0]] = node;
        }
    }
}

/* A node has a new neighbour: it keeps the best. */
static void link_back(micro *o, uint32_t level, uint32_t node, uint32_t to) {
    const uint32_t most = level == 0 ? 2 * o->m : o->m;
    uint32_t *links = links_of(o, level, node);
    if (links[0] < most) {
        links[++links[0]] = to;
        return;
    }
    uint64_t keys[MDG_WALK_LIST + 2];
    mdg_buffer b = {.keys = keys, .limit = most + 1};
    const micro_query q = query_of(o, row_of(o, level, node));
    mdg_buffer_insert(&b, key_of(o, &q, level, to));
    for (uint32_t i = 1; i <= most; i++) {
        mdg_buffer_insert(&b, key_of(o, &q, level, links[i]));
    }
    choose(o, level, keys, b.size, most, links);
}

/* Each level has about 1 / m of the nodes of the one below. The same for the
 * same seed and row. */
static uint32_t draw_level(const micro *o, uint32_t row) {
    uint64_t x = (o->seed ^ (row + 1)) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    uint32_t level = 0;
    for (; x % o->m == 0 && level < MICRO_LEVELS; x /= o->m) {
        level++;
    }
    return level;
}

/* Nodes for the row on the upper levels; that on the highest. */
static uint32_t make_nodes(micro *o, uint32_t row, uint32_t level) {
    uint32_t below = row;
    for (uint32_t i = 0; i < level; i++) {
        micro_level *l = &o->upper[i];
        l->row[l->count] = row;
        l->down[l->count] = below;
        l->links[l->count * (1 + o->m)] = 0;
        below = l->count++;
    }
    return below;
}

int micro_link(micro *o, uint32_t row) {
    const uint32_t level = draw_level(o, row);
    const uint32_t ef = o->ef_construction;
    for (uint32_t i = 0; i < level; i++) {
        if (!micro_reserve_level(o, &o->upper[i], o->upper[i].count + 1)) {
            return 0;
        }
    }
    if (!reserve_keys(o, ef + 1)) {
        return 0;
    }
    const micro_query q = query_of(o, row);
    const int first = o->entry == MDG_NO_NODE;
    uint32_t top = level < o->n_levels ? level : o->n_levels;
    uint32_t from = first ? 0 : descend(o, &q, top);
    uint32_t node = make_nodes(o, row, level);
    const uint32_t highest = node;
    for (uint32_t i = level; !first; i--) {
        if (i <= top) {
            mdg_buffer b = {.keys = o->keys, .limit = ef};
            walk(o, &q, i, from, &b);
            uint32_t *links = links_of(o, i, node);
            choose(o, i, b.keys, b.size, o->m, links);
            from = mdg_key_node(b.keys[0]);
            for (uint32_t j = 1; j <= links[0]; j++) {
                link_back(o, i, links[j], node);
            }
            from = i > 0 ? o->upper[i - 1].down[from] : 0;
        }
        if (i == 0) {
            break;
        }
        node = o->upper[i - 1].down[node];
    }
    if (first || level > o->n_levels) {
        o->entry = highest;
        o->n_levels = level;
    }
    return 1;
}

/* ---- Searching ----------------------------------------------------------- */

/* Keys that a search needs. What is dead leads on, but is no answer: the buffer
 * is longer by as much. */
static uint32_t room_for(const micro *o, uint32_t k, uint32_t ef) {
    uint64_t room = ef > k ? ef : k;
    room = room * o->n / (o->n - o->n_dead) + (o->n_dead ? room : 0);
    return room < o->n ? (uint32_t)room : o->n;
}

uint32_t micro_search(micro *o, const float *x, uint32_t k, uint32_t ef,
                      int exact) {
    const micro_query q = {x, inverse(norm2_of(o, x))};
    if (o->n == o->n_dead) {
        return 0;
    }
    mdg_buffer b = {.limit = room_for(o, k, ef)};
    if (!reserve_keys(o, b.limit + 1)) {
        return MDG_NO_NODE;
    }
    b.keys = o->keys;
    if (exact || o->entry == MDG_NO_NODE) {
        b.limit = k;
        for (uint32_t row = 0; row < o->n; row++) {
            if (!micro_dead(o, row)) {
                mdg_buffer_insert(&b, key_of(o, &q, 0, row));
            }
        }
        return b.size;
    }
    const uint32_t from = descend(o, &q, 0);
    walk(o, &q, 0, from, &b);
    uint32_t found = 0;
    for (uint32_t i = 0; i < b.size && found < k; i++) {
        if (!micro_dead(o, mdg_key_node(b.keys[i]))) {
            o->keys[found++] = b.keys[i];
        }
    }
    return found;
}
