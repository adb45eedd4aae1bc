/* store.h: the port through which the driver keeps events. One implementation
 * is SQLite (host/sqlite); tests have one in memory. */
#ifndef MIDGE_STORE_H
#define MIDGE_STORE_H

#include "midge/swarm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One event and its JSON text, both borrowed for the call. */
typedef struct midge_record {
    const midge_event *event;
    const char *json;
    size_t json_bytes;
} midge_record;

typedef midge_status (*midge_store_each_fn)(void *ctx, uint64_t seq,
                                            const char *json, size_t size,
                                            midge_error *err);

typedef struct midge_store midge_store;
struct midge_store {
    /* Appends all records and updates the projections in one transaction,
     * durable on return (as far as the store's durability setting says). On
     * failure nothing is kept. Called by one thread at a time. */
    midge_status (*append)(midge_store *store, const midge_record *records,
                           size_t n_records, midge_error *err);
    /* Calls fn for every event with seq > after, in order; stops on its first
     * failure and returns it. */
    midge_status (*each)(midge_store *store, uint64_t after,
                         midge_store_each_fn fn, void *ctx, midge_error *err);
    void (*close)(midge_store *store);
};

#ifdef __cplusplus
}
#endif
#endif
