/* decide_tick.c: time passed. A lease that ended is a failed attempt; a retry
 * that is due is ready. */
#include "swarm/state.h"

midge_status mdg_decide_tick(mdg_decision *d) {
    MIDGE_TRY(mdg_find_timed(d, d->command->now_ms, 0));
    const mdg_ids *found = &d->events->found;
    for (uint32_t i = 0; i < found->count; i++) {
        uint32_t id = found->items[i];
        if (d->swarm->tasks[id].state == MIDGE_TASK_LEASED) {
            MIDGE_TRY(
                mdg_emit_attempt_failed(d, id, mdg_text("lease expired"), 1));
        } else if (!mdg_emit_task(d, MIDGE_EVENT_TASK_READY, id)) {
            return MIDGE_E_NOMEM;
        }
    }
    return MIDGE_OK;
}
