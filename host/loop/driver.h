/* driver.h: one swarm, driven: commands from any thread, one writer.
 *
 * The writer thread takes every command that waits, decides and applies each in
 * turn, appends all their events in one store transaction (group commit), and
 * only then answers. When the append fails, every command of the batch fails
 * and the state is rebuilt from the store: what was answered was kept.
 */
#ifndef MIDGE_DRIVER_H
#define MIDGE_DRIVER_H

#include "loop/store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midge_driver midge_driver;

/* Replays the store, releases the leases of the process that held it before,
 * starts the writer. Takes the store (closes it with the driver, also on
 * failure). */
MIDGE_API MIDGE_NODISCARD midge_status
midge_driver_open_take(const midge_env *env, midge_store *store,
                       midge_driver **out, midge_error *err);
/* Answers what waits, stops the writer, closes the store. */
MIDGE_API void midge_driver_close(midge_driver *driver);

/* What a command came to. `task` and `fence` are those of a claim (0: nothing
 * to do); `run` that of a submit (also when the key was known). */
typedef struct midge_reply {
    uint32_t run;
    uint32_t task;
    uint32_t agent;
    uint64_t fence;
    uint64_t seq; /* of the last event; 0 when there was none */
} midge_reply;

/* Returns when the outcome is durable. Thread-safe. now_ms is set here. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_driver_command(midge_driver *driver, const midge_command *command,
                     midge_reply *reply, midge_error *err);
/* COMPLETE or FAIL, and the next CLAIM, in one batch. When the first fails, its
 * status is returned and the claim is not tried. When only the claim fails, its
 * status is returned and reply->seq is not 0: the first was recorded. */
MIDGE_API MIDGE_NODISCARD midge_status midge_driver_command_pair(
    midge_driver *driver, const midge_command *first,
    const midge_command *second, midge_reply *reply, midge_error *err);

/* Calls fn with the state, which stands still meanwhile and holds nothing that
 * is not durable, except while midge_driver_failing is above 0 and the store
 * could not even be read again; be brief, and issue no command from inside. */
typedef void (*midge_driver_read_fn)(void *ctx, const midge_swarm *swarm);
MIDGE_API void midge_driver_read(midge_driver *driver, midge_driver_read_fn fn,
                                 void *ctx);

/* Waits until the state's sequence number is above `seq` or `timeout_ms` have
 * passed (< 0: for ever); returns the number then. This is how a thread without
 * work waits for some. */
MIDGE_API uint64_t midge_driver_wait(midge_driver *driver, uint64_t seq,
                                     int64_t timeout_ms);
/* Lets every thread that is in midge_driver_wait now return early. */
MIDGE_API void midge_driver_wake(midge_driver *driver);

/* How many appends failed since the last that did not; 0 when all is well.
 * `why` (may be NULL) receives the last failure. A store that stays full or
 * broken shows here; commands are answered with the same error. */
MIDGE_API uint32_t midge_driver_failing(midge_driver *driver, midge_error *why);

/* At most this many commands share a transaction (a pair is two, and stays
 * together); 0 means 1024. 1 commits each by itself: for measuring. */
MIDGE_API void midge_driver_limit_batch(midge_driver *driver,
                                        uint32_t max_commands);

typedef struct midge_driver_stats {
    uint64_t commands;
    uint64_t batches;
    uint64_t events;
    double append_ms; /* total time inside store->append */
} midge_driver_stats;
MIDGE_API void midge_driver_get_stats(midge_driver *driver,
                                      midge_driver_stats *out);

#ifdef __cplusplus
}
#endif
#endif
