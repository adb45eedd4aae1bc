/* batch.c: copies, texts and records of the events of one transaction. */
#include "loop/batch.h"

#include "loop/event_copy.h"

#define ARENA_MAX_BYTES ((size_t)1 << 30)

void mdg_batch_init(mdg_batch *batch, const midge_env *env) {
    *batch = (mdg_batch){.env = env};
    midge_arena_init(&batch->arena, env, ARENA_MAX_BYTES);
    midge_buf_init(&batch->json, env, 0);
}

void mdg_batch_deinit(mdg_batch *batch) {
    midge_arena_deinit(&batch->arena);
    midge_buf_deinit(&batch->json);
    batch->env->realloc_fn(batch->env->alloc_ctx, batch->records,
                           batch->capacity * sizeof *batch->records, 0);
}

void mdg_batch_clear(mdg_batch *batch) {
    midge_arena_deinit(&batch->arena);
    midge_arena_init(&batch->arena, batch->env, ARENA_MAX_BYTES);
    midge_buf_clear(&batch->json);
    batch->count = 0;
}

static midge_status grow_records(mdg_batch *batch, size_t more) {
    if (batch->count + more <= batch->capacity) {
        return MIDGE_OK;
    }
    size_t capacity = batch->capacity * 2 + more;
    size_t bytes = 0;
    if (__builtin_mul_overflow(capacity, sizeof *batch->records, &bytes)) {
        return MIDGE_E_LIMIT;
    }
    midge_record *records =
        batch->env->realloc_fn(batch->env->alloc_ctx, batch->records,
                               batch->capacity * sizeof *batch->records, bytes);
    if (!records) {
        return MIDGE_E_NOMEM;
    }
    batch->records = records;
    batch->capacity = capacity;
    return MIDGE_OK;
}

/* The text's place is found at append: until then the buffer may move. */
static midge_status add_one(mdg_batch *batch, const midge_event *event) {
    const midge_event *copy = mdg_event_copy(&batch->arena, event);
    const size_t start = batch->json.size;
    if (!copy) {
        return MIDGE_E_NOMEM;
    }
    MIDGE_TRY(midge_event_write(copy, &batch->json));
    batch->records[batch->count++] =
        (midge_record){copy, NULL, batch->json.size - start};
    return MIDGE_OK;
}

midge_status mdg_batch_add(mdg_batch *batch, const midge_events *events) {
    const size_t n = midge_events_count(events);
    const size_t count = batch->count;
    const size_t size = batch->json.size;
    MIDGE_TRY(grow_records(batch, n));
    midge_status status = MIDGE_OK;
    for (size_t i = 0; i < n && status == MIDGE_OK; i++) {
        status = add_one(batch, midge_events_at(events, i));
    }
    if (status != MIDGE_OK) {
        batch->count = count;
        batch->json.size = size;
        batch->json.status = MIDGE_OK;
    }
    return status;
}

midge_status mdg_batch_append(mdg_batch *batch, midge_store *store,
                              midge_error *err) {
    const char *text = batch->json.data;
    for (size_t i = 0; i < batch->count; i++) {
        batch->records[i].json = text;
        text += batch->records[i].json_bytes;
    }
    return store->append(store, batch->records, batch->count, err);
}
