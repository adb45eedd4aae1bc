/* index_plan.h: the changes that child and parent agree on. Step s is decided
 * by s alone, so what an index must hold after it can be told without the
 * child.
 *
 * A step adds, replaces or deletes some rows, and always replaces the row
 * "mark", whose metadata say how many steps were done: that is how an index
 * that was found tells where it is.
 */
#ifndef INDEX_PLAN_H
#define INDEX_PLAN_H

#include "index_maker.h"

#define INDEX_PLAN_STEPS 400u
#define INDEX_PLAN_IDS   240u
#define INDEX_PLAN_ROWS  24u /* of a step, at most */

static inline midge_index_options index_plan_options(void) {
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    o.dim = 16;
    o.metric = MIDGE_METRIC_L2SQ;
    o.kind = MIDGE_INDEX_HNSW;
    o.id_type = MIDGE_ID_TEXT;
    o.m = 5;
    o.ef_construction = 24;
    return o;
}

/* The ids of a step, each once; *deletes says what happens to them. */
static inline size_t index_plan_ids(uint32_t step, uint64_t *ids,
                                    int *deletes) {
    uint64_t r = maker_mix(step + 99);
    size_t wanted = 1 + (size_t)(r % INDEX_PLAN_ROWS);
    size_t count = 0;
    *deletes = r >> 32 & 1 && step > 20;
    for (size_t i = 0; i < wanted; i++) {
        uint64_t id = maker_mix(r + i) % INDEX_PLAN_IDS;
        int seen = 0;
        for (size_t k = 0; k < count; k++) {
            seen |= ids[k] == id;
        }
        if (!seen) {
            ids[count++] = id;
        }
    }
    return count;
}

/* The version of every id (0: not there) after `steps` steps. */
static inline void index_plan_expect(uint32_t steps,
                                     uint32_t versions[INDEX_PLAN_IDS]) {
    memset(versions, 0, INDEX_PLAN_IDS * sizeof *versions);
    for (uint32_t step = 0; step < steps; step++) {
        uint64_t ids[INDEX_PLAN_ROWS];
        int deletes;
        size_t count = index_plan_ids(step, ids, &deletes);
        for (size_t i = 0; i < count; i++) {
            versions[ids[i]] = deletes ? 0 : step + 1;
        }
    }
}

/* Says in the index that `steps` steps were done. */
static inline midge_status index_plan_mark(const midge_env *env,
                                           midge_index *index, uint32_t steps,
                                           midge_error *err) {
    midge_arena arena;
    const midge_json *json = NULL;
    char text[32];
    float x[16] = {(float)steps, 1e4f};
    const midge_text key = {"mark", 4};
    snprintf(text, sizeof text, "{\"year\":%u}", steps);
    midge_arena_init(&arena, env, 0);
    midge_status status =
        midge_json_read(&arena, text, strlen(text), &json, err);
    if (status == MIDGE_OK) {
        const midge_rows rows = {
            .count = 1, .vectors = x, .keys = &key, .metadata = &json};
        const midge_add_options add = {.upsert = 1};
        status = midge_index_add(index, &rows, &add, err);
    }
    midge_arena_deinit(&arena);
    return status;
}

static inline midge_status index_plan_do(const midge_env *env,
                                         midge_index *index, uint32_t step,
                                         midge_error *err) {
    uint64_t ids[INDEX_PLAN_ROWS];
    int deletes;
    size_t n;
    if (step == 0) {
        MIDGE_TRY(maker_columns(index));
    }
    size_t count = index_plan_ids(step, ids, &deletes);
    MIDGE_TRY(deletes ? maker_delete(index, count, ids, &n, err)
                      : maker_put(env, index, count, ids, step + 1, 1, err));
    return index_plan_mark(env, index, step + 1, err);
}

/* How many steps the index holds. */
static inline uint32_t index_plan_step(midge_index *index) {
    const midge_text key = {"mark", 4};
    uint32_t row = midge_index_find_key(index, key);
    float x[16];
    if (row == MIDGE_INDEX_NO_ROW ||
        midge_index_vector(index, row, x, NULL) != MIDGE_OK) {
        return 0;
    }
    return (uint32_t)x[0];
}

#endif
