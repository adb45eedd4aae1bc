/* decide_extend.c: a sign of life: the lease ends lease_ms from now. */
#include "swarm/state.h"

midge_status mdg_decide_extend(mdg_decision *d) {
    int64_t until_ms = 0;
    MIDGE_TRY(mdg_lease_end(d, &until_ms));
    MIDGE_TRY(mdg_check_fence(d));
    midge_event *event =
        mdg_emit_task(d, MIDGE_EVENT_LEASE_EXTENDED, d->command->task);
    if (!event) {
        return MIDGE_E_NOMEM;
    }
    event->until_ms = until_ms;
    return MIDGE_OK;
}
