/* decide_cancel.c: a run is given up. Cancelling twice is no error; cancelling
 * what has ended otherwise is. */
#include "swarm/state.h"

midge_status mdg_decide_cancel(mdg_decision *d) {
    uint32_t id = d->command->run;
    if (id == 0 || id > d->swarm->n_runs) {
        return midge_fail(d->err, MIDGE_E_NOT_FOUND, "no run %u", id);
    }
    const mdg_run *run = &d->swarm->runs[id];
    if (run->state == MIDGE_RUN_CANCELLED) {
        return MIDGE_OK;
    }
    if (run->state != MIDGE_RUN_ACTIVE) {
        return midge_fail(d->err, MIDGE_E_STATE, "run %u has %s", id,
                          midge_run_state_name((midge_run_state)run->state));
    }
    for (uint32_t i = 0; i < run->n_tasks; i++) {
        uint32_t task = run->first_task + i;
        if (mdg_state_is_final(d->swarm->tasks[task].state)) {
            continue;
        }
        if (!mdg_emit_task(d, MIDGE_EVENT_TASK_CANCELLED, task)) {
            return MIDGE_E_NOMEM;
        }
        MIDGE_TRY(mdg_emit_final(d, id, MIDGE_TASK_CANCELLED));
    }
    return MIDGE_OK;
}
