/* engine.h: the driver without threads: a state, its store, and the batch of
 * events between them. One thread at a time. */
#ifndef MDG_ENGINE_H
#define MDG_ENGINE_H

#include "loop/batch.h"
#include "loop/driver.h"

typedef struct mdg_engine {
    const midge_env *env;
    midge_store *store;
    midge_swarm *swarm;
    midge_events *events;
    mdg_batch batch;
    int torn; /* the state is not what the store and the batch say */
} mdg_engine;

/* Borrows the store. The swarm is what the store's events make. */
midge_status mdg_engine_init(mdg_engine *engine, const midge_env *env,
                             midge_store *store, midge_error *err);
void mdg_engine_deinit(mdg_engine *engine);

/* Decides, adds the events to the batch, applies them. MIDGE_E_STALE also adds
 * events (result.rejected). */
midge_status mdg_engine_decide(mdg_engine *engine, const midge_command *command,
                               midge_reply *reply, midge_error *err);
/* Appends the batch. On failure nothing of it is kept: the state is read again
 * from the store. Until that works, every commit fails. */
midge_status mdg_engine_commit(mdg_engine *engine, midge_error *err);
/* MIDGE_OK when the state can be trusted; reads it again when not. */
midge_status mdg_engine_mend(mdg_engine *engine, midge_error *err);

#endif
