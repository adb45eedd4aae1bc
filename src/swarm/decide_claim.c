/* decide_claim.c: who works on what next. The best task is the one of highest
 * priority, then the oldest; only queues whose requirements the agent meets are
 * looked at. */
#include "swarm/state.h"

static int is_free(const mdg_agent *agent) {
    return agent->present && agent->leased < agent->slots;
}

static int fits(const mdg_agent *agent, uint64_t required) {
    return (required & ~agent->mask) == 0;
}

/* Most free slots, then least done, then the smallest id; 0 when none fits. */
static uint32_t best_agent(const midge_swarm *swarm, uint64_t required) {
    uint32_t best = 0;
    uint32_t best_free = 0;
    uint64_t best_done = 0;
    for (uint32_t id = 1; id <= swarm->n_agents; id++) {
        const mdg_agent *agent = &swarm->agents[id];
        if (!is_free(agent) || !fits(agent, required)) {
            continue;
        }
        uint32_t slots_free = agent->slots - agent->leased;
        uint64_t done = (uint64_t)agent->succeeded + agent->failed;
        if (best == 0 || slots_free > best_free ||
            (slots_free == best_free && done < best_done)) {
            best = id;
            best_free = slots_free;
            best_done = done;
        }
    }
    return best;
}

/* The best ready task for *agent, which is chosen too when it is 0. */
static uint32_t best_task(const midge_swarm *swarm, uint32_t *agent) {
    uint32_t best = 0;
    uint32_t chosen = *agent;
    for (uint32_t i = 1; i <= swarm->n_signatures; i++) {
        const mdg_signature *signature = &swarm->signatures[i];
        uint32_t task = signature->ready;
        if (task == 0 ||
            (best != 0 && !mdg_queue_before(swarm->nodes, task, best))) {
            continue;
        }
        if (*agent != 0 && fits(&swarm->agents[*agent], signature->mask)) {
            best = task;
        } else if (*agent == 0) {
            uint32_t who = best_agent(swarm, signature->mask);
            best = who ? task : best;
            chosen = who ? who : chosen;
        }
    }
    *agent = chosen;
    return best;
}

midge_status mdg_decide_claim(mdg_decision *d) {
    int64_t until_ms = 0;
    uint32_t agent = d->command->agent;
    MIDGE_TRY(mdg_lease_end(d, &until_ms));
    if (agent != 0) {
        MIDGE_TRY(mdg_check_agent(d, agent));
        if (!is_free(&d->swarm->agents[agent])) {
            return MIDGE_OK;
        }
    }
    uint32_t task = best_task(d->swarm, &agent);
    if (task == 0) {
        return MIDGE_OK;
    }
    midge_event *event = mdg_emit_task(d, MIDGE_EVENT_TASK_LEASED, task);
    if (!event) {
        return MIDGE_E_NOMEM;
    }
    event->agent = agent;
    event->attempt++;
    event->fence++;
    event->until_ms = until_ms;
    return MIDGE_OK;
}
