/* decide_join.c: an agent arrives. Its name is free again once it has left. */
#include "swarm/state.h"

midge_status mdg_decide_join(mdg_decision *d) {
    const midge_command *c = d->command;
    mdg_capability_check check = {.swarm = d->swarm};
    MIDGE_TRY(mdg_check_name(c->name, 1, "the agent's name", d->err));
    MIDGE_TRY(mdg_check_name(c->pattern, 0, "the agent's pattern", d->err));
    MIDGE_TRY(mdg_capability_check_add(&check, c->capabilities,
                                       c->n_capabilities, d->err));
    if (midge_swarm_find_agent(d->swarm, c->name) != 0) {
        return midge_fail(d->err, MIDGE_E_EXISTS,
                          "an agent named '%.*s' is present", (int)c->name.size,
                          c->name.data);
    }
    if (d->swarm->n_agents >= MIDGE_SWARM_AGENTS_MAX ||
        c->slots > MDG_SWARM_SLOTS_MAX) {
        return midge_fail(d->err, MIDGE_E_LIMIT, "too many agents or slots");
    }
    midge_event *event = mdg_emit(d, MIDGE_EVENT_AGENT_JOINED);
    if (!event) {
        return MIDGE_E_NOMEM;
    }
    event->agent = d->swarm->n_agents + 1;
    event->name = c->name;
    event->pattern = c->pattern;
    event->slots = c->slots ? c->slots : 1;
    event->capabilities = c->capabilities;
    event->n_capabilities = c->n_capabilities;
    return MIDGE_OK;
}
