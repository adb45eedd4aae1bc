/* decide.c: commands to events, and what several commands have in common.
 *
 * A decision reads the state as it was before all of its events. Where one
 * event of a decision bears on a later one (two tasks of a run end in the same
 * TICK), `marks` and `deltas` hold what was already decided. */
#include <string.h>

#include "base/alloc.h"
#include "swarm/state.h"

midge_event *mdg_emit(mdg_decision *d, midge_event_type type) {
    midge_events *events = d->events;
    if (events->count == events->capacity) {
        size_t grown = events->capacity ? events->capacity * 2 : 8;
        midge_event *items = mdg_resize(events->env, events->items,
                                        events->capacity, grown, sizeof *items);
        if (!items) {
            return NULL;
        }
        events->items = items;
        events->capacity = grown;
    }
    midge_event *event = &events->items[events->count++];
    memset(event, 0, sizeof *event);
    event->type = type;
    event->seq = d->swarm->last_seq + events->count;
    event->at_ms = d->command->now_ms;
    return event;
}

midge_event *mdg_emit_task(mdg_decision *d, midge_event_type type,
                           uint32_t task) {
    midge_event *event = mdg_emit(d, type);
    if (event) {
        const mdg_task *t = &d->swarm->tasks[task];
        event->run = t->run;
        event->task = task;
        event->agent = t->agent;
        event->attempt = t->attempt;
        event->fence = t->fence;
    }
    return event;
}

/* Stamped arrays: an element counts only if its stamp is this decision's. */
static midge_status grow_stamped(const midge_env *env, void **items,
                                 uint32_t *capacity, uint32_t need,
                                 size_t size) {
    uint32_t old = *capacity;
    MIDGE_TRY(mdg_grow(env, items, capacity, need, size));
    memset((char *)*items + old * size, 0, (*capacity - old) * size);
    return MIDGE_OK;
}

static mdg_run_delta *delta_of(mdg_decision *d, uint32_t run) {
    midge_events *events = d->events;
    if (run >= events->deltas_capacity &&
        grow_stamped(events->env, (void **)&events->deltas,
                     &events->deltas_capacity, d->swarm->n_runs + 1,
                     sizeof *events->deltas) != MIDGE_OK) {
        return NULL;
    }
    mdg_run_delta *delta = &events->deltas[run];
    if (delta->stamp != events->stamp) {
        memset(delta, 0, sizeof *delta);
        delta->stamp = events->stamp;
    }
    return delta;
}

midge_status mdg_emit_final(mdg_decision *d, uint32_t run,
                            midge_task_state state) {
    mdg_run_delta *delta = delta_of(d, run);
    if (!delta) {
        return MIDGE_E_NOMEM;
    }
    const mdg_run *r = &d->swarm->runs[run];
    delta->n_final++;
    delta->n_succeeded += state == MIDGE_TASK_SUCCEEDED;
    delta->n_cancelled += state == MIDGE_TASK_CANCELLED;
    uint32_t final = delta->n_final;
    for (uint32_t s = 0; s < MDG_TASK_STATES; s++) {
        final += mdg_state_is_final(s) ? r->n_by_state[s] : 0;
    }
    if (final < r->n_tasks) {
        return MIDGE_OK;
    }
    midge_event *event = mdg_emit(d, MIDGE_EVENT_RUN_FINISHED);
    if (!event) {
        return MIDGE_E_NOMEM;
    }
    event->run = run;
    event->run_state = (int32_t)mdg_run_outcome(
        r->n_tasks, r->n_by_state[MIDGE_TASK_SUCCEEDED] + delta->n_succeeded,
        r->n_by_state[MIDGE_TASK_CANCELLED] + delta->n_cancelled);
    return MIDGE_OK;
}

/* 1 the first time in this decision, 0 later, -1 without memory. */
static int mark(mdg_decision *d, uint32_t task) {
    midge_events *events = d->events;
    if (task >= events->marks_capacity &&
        grow_stamped(events->env, (void **)&events->marks,
                     &events->marks_capacity, d->swarm->n_tasks + 1,
                     sizeof *events->marks) != MIDGE_OK) {
        return -1;
    }
    int first = events->marks[task] != events->stamp;
    events->marks[task] = events->stamp;
    return first;
}

static midge_status skip_task(mdg_decision *d, uint32_t task) {
    int first = mark(d, task);
    if (first < 0) {
        return MIDGE_E_NOMEM;
    }
    if (!first || d->swarm->tasks[task].state != MIDGE_TASK_PENDING) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_ids_add(d->events->env, &d->events->cascade, task));
    if (!mdg_emit_task(d, MIDGE_EVENT_TASK_SKIPPED, task)) {
        return MIDGE_E_NOMEM;
    }
    return mdg_emit_final(d, d->swarm->tasks[task].run, MIDGE_TASK_SKIPPED);
}

/* Everything that waits for a task that failed, directly or not. */
static midge_status skip_dependents(mdg_decision *d, uint32_t task) {
    const midge_swarm *swarm = d->swarm;
    mdg_ids *cascade = &d->events->cascade;
    cascade->count = 0;
    MIDGE_TRY(mdg_ids_add(d->events->env, cascade, task));
    for (uint32_t i = 0; i < cascade->count; i++) {
        uint32_t last = swarm->tasks[cascade->items[i]].last_child;
        uint32_t at = last;
        while (at != 0) {
            at = swarm->edges[at].next;
            MIDGE_TRY(skip_task(d, swarm->edges[at].task));
            if (at == last) {
                break;
            }
        }
    }
    return MIDGE_OK;
}

/* backoff_ms * 2^(attempt - 1), at most 10 minutes */
static int64_t backoff(const mdg_task *task) {
    int64_t wait = task->backoff_ms;
    for (uint32_t i = 1; i < task->attempt && wait < MDG_BACKOFF_MAX_MS; i++) {
        wait *= 2;
    }
    return wait < MDG_BACKOFF_MAX_MS ? wait : MDG_BACKOFF_MAX_MS;
}

midge_status mdg_emit_attempt_failed(mdg_decision *d, uint32_t task,
                                     midge_text error, int retryable) {
    const mdg_task *t = &d->swarm->tasks[task];
    int again = retryable && t->attempt < t->max_attempts;
    midge_event *event = mdg_emit_task(
        d, again ? MIDGE_EVENT_TASK_RETRIED : MIDGE_EVENT_TASK_FAILED, task);
    if (!event) {
        return MIDGE_E_NOMEM;
    }
    event->error = error;
    if (again) {
        event->until_ms = mdg_add_ms(d->command->now_ms, backoff(t));
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_emit_final(d, t->run, MIDGE_TASK_FAILED));
    return skip_dependents(d, task);
}

midge_status mdg_emit_released(mdg_decision *d, uint32_t agent) {
    MIDGE_TRY(mdg_find_timed(d, 0, 1));
    const mdg_ids *found = &d->events->found;
    for (uint32_t i = 0; i < found->count; i++) {
        const mdg_task *task = &d->swarm->tasks[found->items[i]];
        if (task->state != MIDGE_TASK_LEASED ||
            (agent != 0 && task->agent != agent)) {
            continue;
        }
        midge_event *event =
            mdg_emit_task(d, MIDGE_EVENT_TASK_RELEASED, found->items[i]);
        if (!event) {
            return MIDGE_E_NOMEM;
        }
        event->attempt--;
    }
    return MIDGE_OK;
}

midge_status mdg_check_fence(mdg_decision *d) {
    const midge_command *command = d->command;
    if (command->task == 0 || command->task > d->swarm->n_tasks) {
        return midge_fail(d->err, MIDGE_E_NOT_FOUND, "no task %u",
                          command->task);
    }
    const mdg_task *task = &d->swarm->tasks[command->task];
    if (task->state == MIDGE_TASK_LEASED && task->fence == command->fence) {
        return MIDGE_OK;
    }
    midge_event *event =
        mdg_emit_task(d, MIDGE_EVENT_RESULT_REJECTED, command->task);
    if (!event) {
        return MIDGE_E_NOMEM;
    }
    /* The agent that offered it and its fence, not the task's own. */
    event->agent = command->agent <= d->swarm->n_agents ? command->agent : 0;
    event->fence = command->fence <= INT64_MAX ? command->fence : 0;
    return midge_fail(
        d->err, MIDGE_E_STALE,
        "task %u is %s with fence %llu, not leased with %llu", command->task,
        midge_task_state_name((midge_task_state)task->state),
        (unsigned long long)task->fence, (unsigned long long)command->fence);
}

int64_t mdg_add_ms(int64_t a, int64_t b) {
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return INT64_MAX;
    }
    return sum;
}

midge_status mdg_lease_end(mdg_decision *d, int64_t *until_ms) {
    int64_t lease_ms = d->command->lease_ms;
    if (lease_ms < 0) {
        return midge_fail(d->err, MIDGE_E_INVALID, "negative lease_ms");
    }
    *until_ms = mdg_add_ms(d->command->now_ms,
                           lease_ms ? lease_ms : MDG_LEASE_DEFAULT_MS);
    return MIDGE_OK;
}

midge_status mdg_check_agent(mdg_decision *d, uint32_t agent) {
    if (agent == 0 || agent > d->swarm->n_agents ||
        !d->swarm->agents[agent].present) {
        return midge_fail(d->err, MIDGE_E_NOT_FOUND, "no agent %u is present",
                          agent);
    }
    return MIDGE_OK;
}

static midge_status dispatch(mdg_decision *d) {
    switch (d->command->type) {
    case MIDGE_COMMAND_JOIN:
        return mdg_decide_join(d);
    case MIDGE_COMMAND_LEAVE:
        return mdg_decide_leave(d);
    case MIDGE_COMMAND_SUBMIT:
        return mdg_decide_submit(d);
    case MIDGE_COMMAND_CLAIM:
        return mdg_decide_claim(d);
    case MIDGE_COMMAND_EXTEND:
        return mdg_decide_extend(d);
    case MIDGE_COMMAND_COMPLETE:
        return mdg_decide_complete(d);
    case MIDGE_COMMAND_FAIL:
        return mdg_decide_fail(d);
    case MIDGE_COMMAND_CANCEL:
        return mdg_decide_cancel(d);
    case MIDGE_COMMAND_RECOVER:
        return mdg_decide_recover(d);
    case MIDGE_COMMAND_TICK:
        return mdg_decide_tick(d);
    default:
        return midge_fail(d->err, MIDGE_E_INVALID, "no such command: %d",
                          (int)d->command->type);
    }
}

static void begin(midge_events *events) {
    events->count = 0;
    events->deps.count = 0;
    events->found.count = 0;
    events->cascade.count = 0;
    if (++events->stamp == 0) { /* wrapped: old stamps could seem new */
        memset(events->marks, 0, events->marks_capacity * sizeof(uint32_t));
        memset(events->deltas, 0,
               events->deltas_capacity * sizeof *events->deltas);
        events->stamp = 1;
    }
}

midge_status midge_swarm_decide(const midge_swarm *swarm,
                                const midge_command *command,
                                midge_events *events, midge_error *err) {
    if (!swarm || !command || !events) {
        return MIDGE_E_INVALID;
    }
    mdg_decision d = {swarm, command, events, err};
    begin(events);
    if (command->now_ms == INT64_MIN) { /* no integer in our JSON */
        return midge_fail(err, MIDGE_E_INVALID, "no such time");
    }
    midge_status status = dispatch(&d);
    if (status != MIDGE_OK && status != MIDGE_E_STALE) {
        events->count = 0;
    }
    if (status == MIDGE_E_NOMEM) {
        return midge_fail(err, status, "no memory to decide");
    }
    return status;
}
