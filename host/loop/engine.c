/* engine.c: decide, keep, apply, append, and starting over when that fails.
 *
 * 1. Events are applied before they are appended, because the next command of
 *    the batch must see them; nobody else may look until the append succeeded.
 * 2. What cannot be undone is not undone but forgotten: after any failure
 *    between the first reserve and the end of the append the state is thrown
 *    away and read again from the store (`torn`).
 */
#include "loop/engine.h"

#define EVENT_ARENA_BYTES                                                      \
    ((size_t)256 << 20) /* the longest dependency list                         \
                         */

typedef struct replay {
    const midge_env *env;
    midge_swarm *swarm;
} replay;

static midge_status replay_one(void *ctx, uint64_t seq, const char *json,
                               size_t size, midge_error *err) {
    replay *r = ctx;
    midge_event event;
    midge_arena arena;
    midge_arena_init(&arena, r->env, EVENT_ARENA_BYTES);
    midge_status status = midge_event_read(&arena, json, size, &event, err);
    if (status == MIDGE_OK && event.seq != seq) {
        status = midge_fail(
            err, MIDGE_E_CORRUPT, "the log's event %llu says it is %llu",
            (unsigned long long)seq, (unsigned long long)event.seq);
    }
    if (status == MIDGE_OK) {
        status = midge_swarm_replay(r->swarm, &event, err);
    }
    midge_arena_deinit(&arena);
    return status;
}

/* The old state stays when the new one cannot be made. */
static midge_status load(mdg_engine *engine, midge_error *err) {
    replay r = {engine->env, NULL};
    midge_status status = midge_swarm_new(engine->env, &r.swarm);
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "%s", midge_status_text(status));
    }
    status = engine->store->each(engine->store, 0, replay_one, &r, err);
    if (status != MIDGE_OK) {
        midge_swarm_free(r.swarm);
        return status;
    }
    midge_swarm_free(engine->swarm);
    engine->swarm = r.swarm;
    return MIDGE_OK;
}

midge_status mdg_engine_init(mdg_engine *engine, const midge_env *env,
                             midge_store *store, midge_error *err) {
    *engine = (mdg_engine){.env = env, .store = store};
    mdg_batch_init(&engine->batch, env);
    midge_status status = midge_events_new(env, &engine->events);
    if (status != MIDGE_OK) {
        midge_fail(err, status, "%s", midge_status_text(status));
    } else {
        status = load(engine, err);
    }
    if (status != MIDGE_OK) {
        mdg_engine_deinit(engine);
    }
    return status;
}

void mdg_engine_deinit(mdg_engine *engine) {
    midge_swarm_free(engine->swarm);
    midge_events_free(engine->events);
    mdg_batch_deinit(&engine->batch);
    *engine = (mdg_engine){0};
}

static void fill_reply(const mdg_engine *engine, const midge_command *command,
                       size_t first, midge_reply *reply) {
    for (size_t i = first; i < engine->batch.count; i++) {
        const midge_event *event = engine->batch.records[i].event;
        reply->seq = event->seq;
        if (event->type == MIDGE_EVENT_RUN_SUBMITTED) {
            reply->run = event->run;
        } else if (event->type == MIDGE_EVENT_AGENT_JOINED) {
            reply->agent = event->agent;
        } else if (event->type == MIDGE_EVENT_TASK_LEASED) {
            reply->run = event->run;
            reply->task = event->task;
            reply->agent = event->agent;
            reply->fence = event->fence;
        }
    }
    if (command->type == MIDGE_COMMAND_SUBMIT && reply->run == 0) {
        reply->run = midge_swarm_find_run(engine->swarm, command->key);
    }
}

/* Memory for all of a decision first: half a decision must not be applied. */
static midge_status apply_from(mdg_engine *engine, size_t first) {
    const mdg_batch *batch = &engine->batch;
    for (size_t i = first; i < batch->count; i++) {
        MIDGE_TRY(midge_swarm_reserve(engine->swarm, batch->records[i].event));
    }
    for (size_t i = first; i < batch->count; i++) {
        midge_swarm_apply(engine->swarm, batch->records[i].event);
    }
    return MIDGE_OK;
}

midge_status mdg_engine_decide(mdg_engine *engine, const midge_command *command,
                               midge_reply *reply, midge_error *err) {
    const size_t first = engine->batch.count;
    if (engine->torn) {
        return MIDGE_E_NOMEM; /* the commit will say why, to all */
    }
    midge_status decided =
        midge_swarm_decide(engine->swarm, command, engine->events, err);
    if (decided != MIDGE_OK && decided != MIDGE_E_STALE) {
        return decided;
    }
    midge_status status = mdg_batch_add(&engine->batch, engine->events);
    if (status == MIDGE_OK) {
        status = apply_from(engine, first);
        engine->torn = status != MIDGE_OK;
    }
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "%s", midge_status_text(status));
    }
    fill_reply(engine, command, first, reply);
    return decided;
}

midge_status mdg_engine_mend(mdg_engine *engine, midge_error *err) {
    if (engine->torn) {
        MIDGE_TRY(load(engine, err));
        engine->torn = 0;
    }
    return MIDGE_OK;
}

midge_status mdg_engine_commit(mdg_engine *engine, midge_error *err) {
    midge_status status = MIDGE_OK;
    if (engine->torn) {
        status = midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    } else if (engine->batch.count > 0) {
        status = mdg_batch_append(&engine->batch, engine->store, err);
        engine->torn = status != MIDGE_OK;
    }
    mdg_batch_clear(&engine->batch);
    if (status != MIDGE_OK) {
        /* When this fails too, the next batch tries again. */
        (void)mdg_engine_mend(engine, NULL);
    }
    return status;
}
