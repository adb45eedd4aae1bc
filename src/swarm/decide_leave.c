/* decide_leave.c: an agent goes; what it held is free for others at once. */
#include "swarm/state.h"

midge_status mdg_decide_leave(mdg_decision *d) {
    uint32_t agent = d->command->agent;
    MIDGE_TRY(mdg_check_agent(d, agent));
    if (d->swarm->agents[agent].leased > 0) {
        MIDGE_TRY(mdg_emit_released(d, agent));
    }
    midge_event *event = mdg_emit(d, MIDGE_EVENT_AGENT_LEFT);
    if (!event) {
        return MIDGE_E_NOMEM;
    }
    event->agent = agent;
    return MIDGE_OK;
}
