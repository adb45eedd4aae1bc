/* memory_store.c: the store port over two growing arrays: all texts, one after
 * the other, and where each ends. Projections are nobody's here: the state
 * itself is in memory. */
#include "memory/memory_store.h"

#include <string.h>

typedef struct entry {
    uint64_t seq;
    size_t end; /* of its text */
} entry;

typedef struct memory_store {
    midge_store port; /* first: a midge_store * is also this */
    const midge_env *env;
    midge_buf texts;
    midge_buf entries; /* of entry */
} memory_store;

static size_t entry_count(const memory_store *s) {
    return s->entries.size / sizeof(entry);
}

static entry entry_at(const memory_store *s, size_t at) {
    entry e;
    memcpy(&e, s->entries.data + at * sizeof e, sizeof e);
    return e;
}

static uint64_t last_seq(const memory_store *s) {
    return entry_count(s) > 0 ? entry_at(s, entry_count(s) - 1).seq : 0;
}

static midge_status append_one(memory_store *s, const midge_record *record) {
    if (record->event->seq <= last_seq(s)) {
        return MIDGE_E_CORRUPT; /* what a primary key would say */
    }
    MIDGE_TRY(midge_buf_append(&s->texts, record->json, record->json_bytes));
    entry e = {record->event->seq, s->texts.size};
    return midge_buf_append(&s->entries, &e, sizeof e);
}

static midge_status memory_append(midge_store *store,
                                  const midge_record *records, size_t n_records,
                                  midge_error *err) {
    memory_store *s = (memory_store *)store;
    const size_t texts_size = s->texts.size;
    const size_t entries_size = s->entries.size;
    midge_status status = MIDGE_OK;
    for (size_t i = 0; i < n_records && status == MIDGE_OK; i++) {
        status = append_one(s, &records[i]);
    }
    if (status != MIDGE_OK) {
        s->texts.size = texts_size;
        s->entries.size = entries_size;
        s->texts.status = MIDGE_OK;
        s->entries.status = MIDGE_OK;
        return midge_fail(err, status, "the memory store: %s",
                          midge_status_text(status));
    }
    return MIDGE_OK;
}

static midge_status memory_each(midge_store *store, uint64_t after,
                                midge_store_each_fn fn, void *ctx,
                                midge_error *err) {
    memory_store *s = (memory_store *)store;
    size_t start = 0;
    for (size_t i = 0; i < entry_count(s); i++) {
        entry e = entry_at(s, i);
        if (e.seq > after) {
            MIDGE_TRY(
                fn(ctx, e.seq, s->texts.data + start, e.end - start, err));
        }
        start = e.end;
    }
    return MIDGE_OK;
}

static void memory_close(midge_store *store) {
    memory_store *s = (memory_store *)store;
    midge_buf_deinit(&s->texts);
    midge_buf_deinit(&s->entries);
    s->env->realloc_fn(s->env->alloc_ctx, s, sizeof *s, 0);
}

midge_status midge_memory_store_new(const midge_env *env, midge_store **out) {
    *out = NULL;
    memory_store *s = env->realloc_fn(env->alloc_ctx, NULL, 0, sizeof *s);
    if (!s) {
        return MIDGE_E_NOMEM;
    }
    memset(s, 0, sizeof *s);
    s->env = env;
    s->port.append = memory_append;
    s->port.each = memory_each;
    s->port.close = memory_close;
    midge_buf_init(&s->texts, env, 0);
    midge_buf_init(&s->entries, env, 0);
    *out = &s->port;
    return MIDGE_OK;
}
