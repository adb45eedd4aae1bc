/* swarm_view.c: looking at the state from outside. */
#include <string.h>

#include "base/map.h"
#include "swarm/state.h"

const char *midge_task_state_name(midge_task_state state) {
    static const char *const names[MDG_TASK_STATES] = {
        "pending",   "ready",  "leased",    "retry_wait",
        "succeeded", "failed", "cancelled", "skipped"};
    return (unsigned)state < MDG_TASK_STATES ? names[state] : "unknown";
}

const char *midge_run_state_name(midge_run_state state) {
    static const char *const names[4] = {"active", "succeeded", "failed",
                                         "cancelled"};
    return (unsigned)state < 4 ? names[state] : "unknown";
}

int mdg_state_is_final(uint32_t state) {
    return state >= MIDGE_TASK_SUCCEEDED;
}

midge_run_state mdg_run_outcome(uint32_t n, uint32_t n_succeeded,
                                uint32_t n_cancelled) {
    if (n_cancelled > 0) {
        return MIDGE_RUN_CANCELLED;
    }
    return n_succeeded == n ? MIDGE_RUN_SUCCEEDED : MIDGE_RUN_FAILED;
}

uint64_t midge_swarm_last_seq(const midge_swarm *swarm) {
    return swarm->last_seq;
}

uint32_t midge_swarm_n_tasks(const midge_swarm *swarm) {
    return swarm->n_tasks;
}

uint32_t midge_swarm_n_agents(const midge_swarm *swarm) {
    return swarm->n_agents;
}

uint32_t midge_swarm_n_runs(const midge_swarm *swarm) {
    return swarm->n_runs;
}

int midge_swarm_task(const midge_swarm *swarm, uint32_t id,
                     midge_task_view *view) {
    memset(view, 0, sizeof *view);
    if (id == 0 || id > swarm->n_tasks) {
        return 0;
    }
    const mdg_task *task = &swarm->tasks[id];
    view->id = id;
    view->run = task->run;
    view->state = (midge_task_state)task->state;
    view->agent = task->agent;
    view->attempt = task->attempt;
    view->max_attempts = task->max_attempts;
    view->fence = task->fence;
    if (task->state == MIDGE_TASK_LEASED) {
        view->lease_until_ms = swarm->nodes[id].key;
    }
    view->priority = task->priority;
    view->name = mdg_task_name(task);
    view->kind = mdg_task_kind(task);
    view->input = mdg_task_input_text(task);
    midge_text outcome = {task->outcome ? task->outcome : "",
                          task->outcome_size};
    midge_text none = {"", 0};
    int succeeded = task->state == MIDGE_TASK_SUCCEEDED;
    view->result = succeeded ? outcome : none;
    view->error = succeeded ? none : outcome;
    return 1;
}

int midge_swarm_agent(const midge_swarm *swarm, uint32_t id,
                      midge_agent_view *view) {
    memset(view, 0, sizeof *view);
    if (id == 0 || id > swarm->n_agents) {
        return 0;
    }
    const mdg_agent *agent = &swarm->agents[id];
    view->id = id;
    view->present = agent->present;
    view->slots = agent->slots;
    view->leased = agent->leased;
    view->succeeded = agent->succeeded;
    view->failed = agent->failed;
    view->name = mdg_agent_name(agent);
    view->pattern = mdg_agent_pattern(agent);
    return 1;
}

int midge_swarm_run(const midge_swarm *swarm, uint32_t id,
                    midge_run_view *view) {
    memset(view, 0, sizeof *view);
    if (id == 0 || id > swarm->n_runs) {
        return 0;
    }
    const mdg_run *run = &swarm->runs[id];
    view->id = id;
    view->state = (midge_run_state)run->state;
    view->n_tasks = run->n_tasks;
    memcpy(view->n_by_state, run->n_by_state, sizeof view->n_by_state);
    view->first_task = run->first_task;
    view->name = mdg_run_name(run);
    view->key = mdg_run_key(run);
    return 1;
}

uint32_t midge_swarm_find_agent(const midge_swarm *swarm, midge_text name) {
    uint32_t hash = mdg_hash_bytes(0, name.data, name.size);
    uint32_t cursor = 0;
    uint32_t id;
    while ((id = mdg_name_index_next(&swarm->agent_names, hash, &cursor))) {
        if (mdg_text_equal(mdg_agent_name(&swarm->agents[id]), name)) {
            break;
        }
    }
    return id;
}

uint32_t midge_swarm_find_run(const midge_swarm *swarm, midge_text key) {
    if (key.size == 0) {
        return 0;
    }
    uint32_t hash = mdg_hash_bytes(0, key.data, key.size);
    uint32_t cursor = 0;
    uint32_t id;
    while ((id = mdg_name_index_next(&swarm->run_keys, hash, &cursor))) {
        if (mdg_text_equal(mdg_run_key(&swarm->runs[id]), key)) {
            break;
        }
    }
    return id;
}

uint32_t midge_swarm_find_task(const midge_swarm *swarm, uint32_t run,
                               midge_text name) {
    uint32_t hash = mdg_hash_bytes(run, name.data, name.size);
    uint32_t cursor = 0;
    uint32_t id;
    while ((id = mdg_name_index_next(&swarm->task_names, hash, &cursor))) {
        const mdg_task *task = &swarm->tasks[id];
        if (task->run == run && mdg_text_equal(mdg_task_name(task), name)) {
            break;
        }
    }
    return id;
}

int64_t midge_swarm_next_due_ms(const midge_swarm *swarm) {
    return swarm->timed == 0 ? INT64_MAX : swarm->nodes[swarm->timed].key;
}
