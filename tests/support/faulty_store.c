/* faulty_store.c: the memory store behind a fault. */
#include "faulty_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/memory_store.h"

static midge_status faulty_append(midge_store *store,
                                  const midge_record *records, size_t n_records,
                                  midge_error *err) {
    faulty_store *f = (faulty_store *)store;
    f->appends++;
    if (f->fail_at == f->appends) {
        return midge_fail(err, MIDGE_E_IO, "the disk is full");
    }
    return f->inner->append(f->inner, records, n_records, err);
}

static midge_status faulty_each(midge_store *store, uint64_t after,
                                midge_store_each_fn fn, void *ctx,
                                midge_error *err) {
    faulty_store *f = (faulty_store *)store;
    if (f->fail_each) {
        return midge_fail(err, MIDGE_E_IO, "the disk is gone");
    }
    return f->inner->each(f->inner, after, fn, ctx, err);
}

static void faulty_close(midge_store *store) {
    faulty_store *f = (faulty_store *)store;
    if (!f->keep) {
        f->inner->close(f->inner);
        free(f);
    }
}

faulty_store *faulty_store_new(const midge_env *env) {
    faulty_store *f = calloc(1, sizeof *f);
    if (!f || midge_memory_store_new(env, &f->inner) != MIDGE_OK) {
        abort();
    }
    f->env = env;
    f->port.append = faulty_append;
    f->port.each = faulty_each;
    f->port.close = faulty_close;
    return f;
}

typedef struct replaying {
    const midge_env *env;
    midge_swarm *swarm;
    uint64_t seq;
    uint64_t last;
} replaying;

static midge_status replay_one(void *ctx, uint64_t seq, const char *json,
                               size_t size, midge_error *err) {
    replaying *r = ctx;
    midge_arena arena;
    midge_event event;
    if (r->last != 0 && seq > r->last) {
        return MIDGE_OK;
    }
    midge_arena_init(&arena, r->env, (size_t)16 << 20);
    midge_status status = midge_event_read(&arena, json, size, &event, err);
    if (status == MIDGE_OK && seq != r->seq + 1) {
        status = midge_fail(err, MIDGE_E_CORRUPT, "a hole in the log");
    }
    if (status == MIDGE_OK) {
        status = midge_swarm_replay(r->swarm, &event, err);
    }
    r->seq = seq;
    midge_arena_deinit(&arena);
    return status;
}

midge_swarm *replay_store(const midge_env *env, midge_store *store,
                          uint64_t last) {
    replaying r = {env, NULL, 0, last};
    midge_error err = {0};
    if (midge_swarm_new(env, &r.swarm) != MIDGE_OK ||
        store->each(store, 0, replay_one, &r, &err) != MIDGE_OK) {
        fprintf(stderr, "replay: %s\n", err.text);
        abort();
    }
    return r.swarm;
}

typedef struct moment {
    uint64_t seq;
    char hash[MIDGE_SHA256_HEX];
} moment;

static void look(void *ctx, const midge_swarm *swarm) {
    moment *m = ctx;
    m->seq = midge_swarm_last_seq(swarm);
    if (midge_swarm_hash(swarm, m->hash) != MIDGE_OK) {
        abort();
    }
}

int faulty_store_matches(faulty_store *store, midge_driver *driver) {
    moment live;
    moment replayed;
    midge_driver_read(driver, look, &live);
    midge_swarm *swarm = replay_store(store->env, store->inner, live.seq);
    look(&replayed, swarm);
    midge_swarm_free(swarm);
    return live.seq == replayed.seq && strcmp(live.hash, replayed.hash) == 0;
}
