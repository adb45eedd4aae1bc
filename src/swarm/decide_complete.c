/* decide_complete.c: a result arrives. It counts only with the current fence;
 * tasks that waited for this one only become ready. */
#include "swarm/state.h"

static midge_status wake_dependents(mdg_decision *d, uint32_t task) {
    const midge_swarm *swarm = d->swarm;
    uint32_t last = swarm->tasks[task].last_child;
    uint32_t at = last;
    while (at != 0) {
        at = swarm->edges[at].next;
        const mdg_task *child = &swarm->tasks[swarm->edges[at].task];
        if (child->state == MIDGE_TASK_PENDING && child->deps_left == 1 &&
            !mdg_emit_task(d, MIDGE_EVENT_TASK_READY, swarm->edges[at].task)) {
            return MIDGE_E_NOMEM;
        }
        if (at == last) {
            break;
        }
    }
    return MIDGE_OK;
}

midge_status mdg_decide_complete(mdg_decision *d) {
    const midge_command *c = d->command;
    midge_text result =
        c->result.size ? mdg_trim_json(c->result) : mdg_text("null");
    MIDGE_TRY(mdg_check_fence(d));
    MIDGE_TRY(mdg_check_json(d->swarm->env, result, "the result", d->err));
    midge_event *event = mdg_emit_task(d, MIDGE_EVENT_TASK_SUCCEEDED, c->task);
    if (!event) {
        return MIDGE_E_NOMEM;
    }
    event->result = result;
    MIDGE_TRY(wake_dependents(d, c->task));
    return mdg_emit_final(d, d->swarm->tasks[c->task].run,
                          MIDGE_TASK_SUCCEEDED);
}
