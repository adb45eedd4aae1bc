/* swarm_entry.c: what JavaScript calls in midge-swarm.wasm: the state of a
 * swarm from its events. No floats are computed here, so one module serves all.
 */
#include "base/alloc.h"
#include "entry.h"
#include "midge/swarm.h"

EXPORT(swarm_open) midge_swarm *entry_swarm_open(void);
EXPORT(swarm_close) void entry_swarm_close(midge_swarm *swarm);
EXPORT(swarm_replay)
int entry_swarm_replay(midge_swarm *swarm, const char *text, size_t size);
EXPORT(swarm_last_seq) double entry_swarm_last_seq(const midge_swarm *swarm);
EXPORT(swarm_n_tasks) uint32_t entry_swarm_n_tasks(const midge_swarm *swarm);
EXPORT(swarm_hash) int entry_swarm_hash(const midge_swarm *swarm, char *hex);

midge_swarm *entry_swarm_open(void) {
    midge_swarm *swarm = NULL;
    if (midge_swarm_new(&entry_env, &swarm) != MIDGE_OK) {
        (void)mdg_no_memory("a swarm", &entry_error);
    }
    return swarm;
}

void entry_swarm_close(midge_swarm *swarm) {
    midge_swarm_free(swarm);
}

int entry_swarm_replay(midge_swarm *swarm, const char *text, size_t size) {
    midge_arena arena;
    midge_arena_init(&arena, &entry_env, 0);
    midge_event event;
    midge_status status =
        midge_event_read(&arena, text, size, &event, &entry_error);
    if (status == MIDGE_OK) {
        status = midge_swarm_replay(swarm, &event, &entry_error);
    }
    midge_arena_deinit(&arena);
    return (int)status;
}

/* A double holds every sequence number there can be, below 2^53. */
double entry_swarm_last_seq(const midge_swarm *swarm) {
    return (double)midge_swarm_last_seq(swarm);
}

uint32_t entry_swarm_n_tasks(const midge_swarm *swarm) {
    return midge_swarm_n_tasks(swarm);
}

int entry_swarm_hash(const midge_swarm *swarm, char *hex) {
    return (int)midge_swarm_hash(swarm, hex);
}
