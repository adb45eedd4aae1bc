/* walk.c: the steps of a walk (walk.h).
 *
 * The search of Malkov and Yashunin keeps two heaps, of candidates and of
 * results. Here both are one sorted array: what is no longer among the `ef`
 * nearest is neither a result nor worth looking at. An insertion moves some
 * hundred bytes on the average, in one go.
 */
#include "index/walk.h"

#include "base/alloc.h"

#define LINE          64u
#define VISITED_SHARE 4u /* of the words: a log as long as this is worth it */
/* Lines of a row that are fetched; the hardware follows from there. */
#ifdef __wasm__
#define LINES_AHEAD 8u
#else
#define LINES_AHEAD 16u
#endif

/* ---- Visited nodes ------------------------------------------------------- */

void mdg_visited_clear(mdg_visited *v) {
    if (v->n_log + 1 >= v->log_room) {
        memset(v->words, 0, v->n_words * sizeof *v->words);
    } else {
        for (uint32_t i = 0; i < v->n_log; i++) {
            v->words[v->log[i]] = 0;
        }
    }
    v->n_log = 0;
}

midge_status mdg_visited_reserve(const midge_env *env, mdg_visited *v,
                                 size_t nodes) {
    size_t n_words = nodes / 64 + 1;
    if (n_words <= v->n_words) {
        return MIDGE_OK;
    }
    uint32_t room = (uint32_t)(n_words / VISITED_SHARE) + 2;
    uint64_t *words = mdg_alloc_zero(env, n_words, sizeof *words);
    uint32_t *log = mdg_alloc(env, room, sizeof *log);
    if (!words || !log) {
        mdg_release(env, words, n_words, sizeof *words);
        mdg_release(env, log, room, sizeof *log);
        return MIDGE_E_NOMEM;
    }
    mdg_visited_free(env, v);
    *v = (mdg_visited){words, n_words, log, 0, room};
    return MIDGE_OK;
}

void mdg_visited_free(const midge_env *env, mdg_visited *v) {
    mdg_release(env, v->words, v->n_words, sizeof *v->words);
    mdg_release(env, v->log, v->log_room, sizeof *v->log);
    *v = (mdg_visited){NULL, 0, NULL, 0, 0};
}

/* ---- Memory -------------------------------------------------------------- */

void mdg_walk_init(mdg_walk *walk, const midge_index *index) {
    memset(walk, 0, sizeof *walk);
    walk->index = index;
}

void mdg_walk_deinit(mdg_walk *walk, const midge_env *env) {
    mdg_visited_free(env, &walk->visited);
    mdg_release(env, walk->buffer.keys, walk->keys_capacity, sizeof(uint64_t));
    mdg_release(env, walk->found.keys, walk->found_capacity, sizeof(uint64_t));
    mdg_release(env, walk->room, mdg_scorer_bytes(mdg_walked(walk->index)), 1);
    walk->buffer.keys = walk->found.keys = NULL;
    walk->keys_capacity = walk->found_capacity = 0;
    walk->room = NULL;
}

static midge_status reserve_keys(const midge_env *env, uint64_t **keys,
                                 uint32_t *capacity, uint32_t wanted) {
    if (wanted <= *capacity) {
        return MIDGE_OK;
    }
    uint64_t *grown = mdg_resize(env, *keys, *capacity, wanted, sizeof **keys);
    if (!grown) {
        return MIDGE_E_NOMEM;
    }
    *keys = grown;
    *capacity = wanted;
    return MIDGE_OK;
}

midge_status mdg_walk_reserve(mdg_walk *walk, uint32_t ef, uint32_t found) {
    const midge_env *env = walk->index->env;
    size_t room = mdg_scorer_bytes(mdg_walked(walk->index));
    if (!walk->room && room > 0) {
        walk->room = mdg_alloc(env, room, 1);
        if (!walk->room) {
            return MIDGE_E_NOMEM;
        }
    }
    ef = ef < MDG_WALK_WAYS ? MDG_WALK_WAYS : ef;
    MIDGE_TRY(reserve_keys(env, &walk->buffer.keys, &walk->keys_capacity, ef));
    MIDGE_TRY(
        reserve_keys(env, &walk->found.keys, &walk->found_capacity, found));
    return mdg_visited_reserve(env, &walk->visited, walk->index->capacity);
}

/* ---- Steps --------------------------------------------------------------- */

static void fetch_rows(const mdg_vectors *v, const uint32_t *rows, uint32_t n) {
    size_t bytes =
        v->row_bytes < LINES_AHEAD * LINE ? v->row_bytes : LINES_AHEAD * LINE;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *record = mdg_record(v, rows[i]);
        for (size_t at = 0; at < bytes; at += LINE) {
            __builtin_prefetch(record + at);
        }
        __builtin_prefetch(record + bytes - 1);
    }
}

static void fetch_links(const mdg_walk *walk) {
    const mdg_buffer *b = &walk->buffer;
    if (b->next < b->size) {
        const uint32_t *links =
            mdg_layer_links(&walk->layer, mdg_key_node(b->keys[b->next]));
        __builtin_prefetch(links);
        __builtin_prefetch(links + LINE / sizeof *links);
    }
}

/* Makes the nodes of the list rows and has them fetched. */
static void fetch_list(mdg_walk *walk) {
    const mdg_vectors *v = mdg_walked(walk->index);
    for (uint32_t i = 0; i < walk->n_list; i++) {
        walk->rows[i] =
            walk->layer.rows ? walk->layer.rows[walk->list[i]] : walk->list[i];
    }
    if (walk->index->image) {
        walk->status = mdg_image_need_vectors(walk->index, v, walk->n_list,
                                              walk->rows, walk->err);
        walk->n_list = walk->status == MIDGE_OK ? walk->n_list : 0;
    }
    fetch_rows(v, walk->rows, walk->n_list);
}

static void keep_passing(mdg_walk *walk, uint64_t key) {
    if (!mdg_buffer_refuses(&walk->found, key) &&
        walk->pass(walk->pass_ctx, mdg_key_node(key))) {
        mdg_buffer_insert(&walk->found, key);
    }
}

static void measure_list(mdg_walk *walk) {
    uint32_t n = walk->n_list;
    if (n == 0) {
        return;
    }
    mdg_score(&walk->scorer, n, walk->rows, walk->distances);
    walk->n_distances += n;
    walk->n_list = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = mdg_key(walk->distances[i], walk->list[i]);
        if (walk->distinct) {
            mdg_buffer_insert_distinct(&walk->buffer,
                                       walk->index->options.metric, key);
        } else {
            mdg_buffer_insert(&walk->buffer, key);
        }
        if (walk->pass && walk->level == 0) {
            keep_passing(walk, key);
        }
    }
}

/* Is there a node that is worth looking at? */
static int goes_on(const mdg_walk *walk) {
    const mdg_buffer *b = &walk->buffer;
    if (b->next >= b->size || walk->status != MIDGE_OK) {
        return 0;
    }
    uint64_t key = b->keys[b->next];
    if (walk->pass && walk->level == 0) {
        return !mdg_buffer_refuses(&walk->found, key) &&
               (walk->found.size < walk->window || key <= walk->reach);
    }
    return b->next < walk->window || key <= walk->reach;
}

int mdg_walk_step(mdg_walk *walk) {
    if (walk->n_list > 0) {
        measure_list(walk);
        fetch_links(walk);
        return 1;
    }
    if (!goes_on(walk)) {
        return 0;
    }
    uint32_t node = mdg_key_node(mdg_buffer_take(&walk->buffer));
    if (walk->index->image && walk->level == 0) {
        walk->status = mdg_image_need_links(walk->index, node, walk->err);
        if (walk->status != MIDGE_OK) {
            return 0;
        }
    }
    const uint32_t *links = mdg_layer_links(&walk->layer, node);
    walk->n_list = mdg_visit(&walk->visited, links[0], links + 1, walk->list);
    walk->n_steps++;
    fetch_links(walk);
    fetch_list(walk);
    return 1;
}

/* A level without anything found yet; the list holds where it begins. */
static void begin_level(mdg_walk *walk, uint32_t level, uint32_t ef) {
    walk->level = level;
    walk->layer = mdg_layer_of(walk->index, level);
    mdg_visited_clear(&walk->visited);
    mdg_buffer_clear(&walk->buffer, ef);
    walk->window = ef;
    walk->reach = 0;
    walk->n_list =
        mdg_visit(&walk->visited, walk->n_list, walk->list, walk->list);
    fetch_list(walk);
}

void mdg_walk_enter(mdg_walk *walk, uint32_t level, uint32_t node,
                    uint32_t ef) {
    walk->status = MIDGE_OK;
    walk->list[0] = node;
    walk->n_list = 1;
    begin_level(walk, level, ef);
}

void mdg_walk_start(mdg_walk *walk, uint32_t ef) {
    const mdg_graph *g = &walk->index->graph;
    mdg_walk_enter(walk, g->n_levels, g->entry,
                   g->n_levels > 0 ? MDG_WALK_WAYS : ef);
}

void mdg_walk_down(mdg_walk *walk, uint32_t ef) {
    const mdg_level *level = walk->index->graph.upper + (walk->level - 1);
    const mdg_buffer *b = &walk->buffer;
    walk->n_list = b->size < MDG_WALK_WAYS ? b->size : MDG_WALK_WAYS;
    for (uint32_t i = 0; i < walk->n_list; i++) {
        walk->list[i] = level->down[mdg_key_node(b->keys[i])];
    }
    begin_level(walk, walk->level - 1, ef);
}

void mdg_walk_turns(const mdg_turns *turns, mdg_walk *walks, size_t n,
                    size_t begin, size_t end) {
    mdg_walk *turn[MDG_WALKS];
    size_t left = 0;
    for (; left < n && begin < end; left++, begin++) {
        turn[left] = &walks[left];
        turn[left]->item = begin;
        turns->start(turns, turn[left], begin);
    }
    while (left > 0) {
        for (size_t i = 0; i < left; i++) {
            if (mdg_walk_step(turn[i]) || turns->finish(turns, turn[i])) {
                continue;
            }
            if (begin < end) {
                turn[i]->item = begin;
                turns->start(turns, turn[i], begin++);
            } else {
                turn[i--] = turn[--left];
            }
        }
    }
}
