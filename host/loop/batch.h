/* batch.h: the events of many commands on their way into one transaction.
 * Used by the writer thread only. */
#ifndef MDG_BATCH_H
#define MDG_BATCH_H

#include "loop/store.h"

typedef struct mdg_batch {
    const midge_env *env;
    midge_arena arena; /* copies of the events */
    midge_buf json;    /* their texts, one after the other */
    midge_record *records;
    size_t count;
    size_t capacity;
} mdg_batch;

void mdg_batch_init(mdg_batch *batch, const midge_env *env);
void mdg_batch_deinit(mdg_batch *batch);
/* Empties it; the lists keep their memory. */
void mdg_batch_clear(mdg_batch *batch);
/* Copies and encodes every event of one decision. On failure the batch is as it
 * was before. */
midge_status mdg_batch_add(mdg_batch *batch, const midge_events *events);
/* Appends all of it to the store. */
midge_status mdg_batch_append(mdg_batch *batch, midge_store *store,
                              midge_error *err);

#endif
