/* apply.c: the only writer of the state. Each function is one transition of the
 * diagram in midge/swarm.h; none of them can fail, none takes memory. */
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/mdg_assert.h"
#include "swarm/state.h"

/* The reserved block of this size: at the head, unless events were reserved and
 * then not applied. */
static char *take_prepared(midge_swarm *s, size_t size) {
    if (size == 0) {
        return NULL;
    }
    uint32_t head = s->prepared_head;
    uint32_t at = head;
    while (at < s->prepared_end && s->prepared[at].size != size) {
        at++;
    }
    if (mdg_never(at >= s->prepared_end)) {
        return NULL;
    }
    char *data = s->prepared[at].data;
    for (; at > head; at--) {
        s->prepared[at] = s->prepared[at - 1];
    }
    s->prepared_head++;
    return data;
}

static void use_reserved(uint32_t *reserved, uint32_t count) {
    *reserved -= *reserved < count ? *reserved : count;
}

static char *append(char *at, midge_text text) {
    if (at && text.size > 0) {
        memcpy(at, text.data, text.size);
    }
    return at ? at + text.size : NULL;
}

static void set_state(midge_swarm *s, mdg_task *task, midge_task_state state) {
    mdg_run *run = &s->runs[task->run];
    run->n_by_state[task->state]--;
    run->n_by_state[state]++;
    task->state = (uint8_t)state;
}

/* Out of the queue it is in, and from the agent that holds it. */
static void leave_queue(midge_swarm *s, uint32_t id) {
    mdg_task *task = &s->tasks[id];
    if (task->state == MIDGE_TASK_READY) {
        mdg_signature *signature = &s->signatures[s->nodes[id].signature];
        mdg_queue_remove(s->nodes, &signature->ready, id);
    } else if (task->state == MIDGE_TASK_LEASED ||
               task->state == MIDGE_TASK_RETRY_WAIT) {
        mdg_queue_remove(s->nodes, &s->timed, id);
    }
    if (task->state == MIDGE_TASK_LEASED) {
        s->agents[task->agent].leased--;
    }
}

static void enter_ready(midge_swarm *s, uint32_t id) {
    mdg_signature *signature = &s->signatures[s->nodes[id].signature];
    mdg_queue_push(s->nodes, &signature->ready, id,
                   -(int64_t)s->tasks[id].priority);
}

static void set_outcome(midge_swarm *s, mdg_task *task, midge_text text,
                        int is_json) {
    mdg_release(s->env, task->outcome, task->outcome_size, 1);
    task->outcome = take_prepared(s, text.size);
    task->outcome_size = task->outcome ? (uint32_t)text.size : 0;
    if (task->outcome && is_json) {
        mdg_copy_json(task->outcome, text);
    } else {
        append(task->outcome, text);
    }
}

static void agent_joined(midge_swarm *s, const midge_event *event) {
    mdg_agent *agent = &s->agents[++s->n_agents];
    use_reserved(&s->reserved_agents, 1);
    memset(agent, 0, sizeof *agent);
    agent->text = take_prepared(s, event->name.size + event->pattern.size);
    agent->name_size = (uint8_t)event->name.size;
    agent->pattern_size = (uint8_t)event->pattern.size;
    append(append(agent->text, event->name), event->pattern);
    agent->mask =
        mdg_capability_intern(s, event->capabilities, event->n_capabilities);
    agent->slots = event->slots;
    agent->present = 1;
    uint32_t hash = mdg_hash_bytes(0, event->name.data, event->name.size);
    mdg_name_index_put(&s->agent_names, hash, s->n_agents);
}

static void agent_left(midge_swarm *s, const midge_event *event) {
    mdg_agent *agent = &s->agents[event->agent];
    midge_text name = mdg_agent_name(agent);
    agent->present = 0;
    uint32_t hash = mdg_hash_bytes(0, name.data, name.size);
    mdg_name_index_remove(&s->agent_names, hash, event->agent);
}

static void run_submitted(midge_swarm *s, const midge_event *event) {
    mdg_run *run = &s->runs[++s->n_runs];
    use_reserved(&s->reserved_runs, 1);
    memset(run, 0, sizeof *run);
    run->text = take_prepared(s, event->name.size + event->key.size);
    run->name_size = (uint8_t)event->name.size;
    run->key_size = (uint8_t)event->key.size;
    append(append(run->text, event->name), event->key);
    run->first_task = s->n_tasks + 1;
    run->state = MIDGE_RUN_ACTIVE;
    if (event->key.size > 0) {
        uint32_t hash = mdg_hash_bytes(0, event->key.data, event->key.size);
        mdg_name_index_put(&s->run_keys, hash, s->n_runs);
    }
}

static uint32_t signature_of(midge_swarm *s, uint64_t mask) {
    uint32_t hash = mdg_hash_bytes(0, (const char *)&mask, sizeof mask);
    uint32_t cursor = 0;
    uint32_t at;
    while ((at = mdg_name_index_next(&s->signature_masks, hash, &cursor))) {
        if (s->signatures[at].mask == mask) {
            return at;
        }
    }
    at = ++s->n_signatures;
    s->signatures[at].mask = mask;
    s->signatures[at].ready = 0;
    mdg_name_index_put(&s->signature_masks, hash, at);
    return at;
}

static void add_edge(midge_swarm *s, uint32_t id, uint32_t dep_id) {
    uint32_t at = ++s->n_edges;
    mdg_edge *edge = &s->edges[at];
    mdg_task *dep = &s->tasks[dep_id];
    edge->task = id;
    edge->dep = dep_id;
    edge->next = at;
    if (dep->last_child != 0) {
        edge->next = s->edges[dep->last_child].next;
        s->edges[dep->last_child].next = at;
    }
    dep->last_child = at;
}

static void fill_task(midge_swarm *s, mdg_task *task,
                      const midge_event *event) {
    memset(task, 0, sizeof *task);
    task->text = take_prepared(s, event->name.size + event->kind.size +
                                      event->input.size);
    task->name_size = (uint8_t)event->name.size;
    task->kind_size = (uint8_t)event->kind.size;
    task->input_size = (uint32_t)event->input.size;
    char *input = append(append(task->text, event->name), event->kind);
    if (input) {
        mdg_copy_json(input, event->input);
    }
    task->run = event->run;
    task->max_attempts = event->max_attempts;
    task->backoff_ms = event->backoff_ms;
    task->priority = event->priority;
    task->n_deps = event->n_deps;
    task->deps_left = event->n_deps;
    task->first_edge = s->n_edges + 1;
}

static void task_added(midge_swarm *s, const midge_event *event) {
    uint32_t id = ++s->n_tasks;
    mdg_task *task = &s->tasks[id];
    mdg_run *run = &s->runs[event->run];
    use_reserved(&s->reserved_tasks, 1);
    use_reserved(&s->reserved_edges, event->n_deps);
    fill_task(s, task, event);
    for (uint32_t i = 0; i < event->n_deps; i++) {
        add_edge(s, id, event->deps[i]);
    }
    uint64_t mask =
        mdg_capability_intern(s, event->capabilities, event->n_capabilities);
    memset(&s->nodes[id], 0, sizeof s->nodes[id]);
    s->nodes[id].signature = signature_of(s, mask);
    uint32_t hash =
        mdg_hash_bytes(event->run, event->name.data, event->name.size);
    mdg_name_index_put(&s->task_names, hash, id);
    run->n_tasks++;
    task->state = event->n_deps ? MIDGE_TASK_PENDING : MIDGE_TASK_READY;
    run->n_by_state[task->state]++;
    if (event->n_deps == 0) {
        enter_ready(s, id);
    }
}

static void task_ready(midge_swarm *s, const midge_event *event) {
    leave_queue(s, event->task);
    set_state(s, &s->tasks[event->task], MIDGE_TASK_READY);
    enter_ready(s, event->task);
}

static void task_leased(midge_swarm *s, const midge_event *event) {
    mdg_task *task = &s->tasks[event->task];
    leave_queue(s, event->task);
    set_state(s, task, MIDGE_TASK_LEASED);
    task->agent = event->agent;
    task->attempt = event->attempt;
    task->fence = event->fence;
    s->agents[event->agent].leased++;
    mdg_queue_push(s->nodes, &s->timed, event->task, event->until_ms);
}

static void lease_extended(midge_swarm *s, const midge_event *event) {
    mdg_queue_remove(s->nodes, &s->timed, event->task);
    mdg_queue_push(s->nodes, &s->timed, event->task, event->until_ms);
}

static void task_released(midge_swarm *s, const midge_event *event) {
    mdg_task *task = &s->tasks[event->task];
    leave_queue(s, event->task);
    set_state(s, task, MIDGE_TASK_READY);
    task->agent = 0;
    task->attempt = event->attempt;
    enter_ready(s, event->task);
}

static void task_retried(midge_swarm *s, const midge_event *event) {
    mdg_task *task = &s->tasks[event->task];
    leave_queue(s, event->task);
    set_state(s, task, MIDGE_TASK_RETRY_WAIT);
    s->agents[task->agent].failed++;
    task->agent = 0;
    set_outcome(s, task, event->error, 0);
    mdg_queue_push(s->nodes, &s->timed, event->task, event->until_ms);
}

static void task_succeeded(midge_swarm *s, const midge_event *event) {
    mdg_task *task = &s->tasks[event->task];
    leave_queue(s, event->task);
    set_state(s, task, MIDGE_TASK_SUCCEEDED);
    s->agents[task->agent].succeeded++;
    set_outcome(s, task, event->result, 1);
    uint32_t at = task->last_child;
    while (at != 0) {
        at = s->edges[at].next;
        s->tasks[s->edges[at].task].deps_left--;
        if (at == task->last_child) {
            break;
        }
    }
}

static void task_failed(midge_swarm *s, const midge_event *event) {
    mdg_task *task = &s->tasks[event->task];
    leave_queue(s, event->task);
    set_state(s, task, MIDGE_TASK_FAILED);
    s->agents[task->agent].failed++;
    set_outcome(s, task, event->error, 0);
}

/* Skipped or cancelled. */
static void task_ended(midge_swarm *s, const midge_event *event,
                       midge_task_state state) {
    mdg_task *task = &s->tasks[event->task];
    leave_queue(s, event->task);
    set_state(s, task, state);
    task->agent = 0;
}

static void apply_to_task(midge_swarm *s, const midge_event *event) {
    switch (event->type) {
    case MIDGE_EVENT_TASK_READY:
        task_ready(s, event);
        break;
    case MIDGE_EVENT_TASK_LEASED:
        task_leased(s, event);
        break;
    case MIDGE_EVENT_LEASE_EXTENDED:
        lease_extended(s, event);
        break;
    case MIDGE_EVENT_TASK_RELEASED:
        task_released(s, event);
        break;
    case MIDGE_EVENT_TASK_RETRIED:
        task_retried(s, event);
        break;
    case MIDGE_EVENT_TASK_SUCCEEDED:
        task_succeeded(s, event);
        break;
    case MIDGE_EVENT_TASK_FAILED:
        task_failed(s, event);
        break;
    case MIDGE_EVENT_TASK_SKIPPED:
        task_ended(s, event, MIDGE_TASK_SKIPPED);
        break;
    case MIDGE_EVENT_TASK_CANCELLED:
        task_ended(s, event, MIDGE_TASK_CANCELLED);
        break;
    default: /* result.rejected changes nothing */
        break;
    }
}

void midge_swarm_apply(midge_swarm *swarm, const midge_event *event) {
    switch (event->type) {
    case MIDGE_EVENT_AGENT_JOINED:
        agent_joined(swarm, event);
        break;
    case MIDGE_EVENT_AGENT_LEFT:
        agent_left(swarm, event);
        break;
    case MIDGE_EVENT_RUN_SUBMITTED:
        run_submitted(swarm, event);
        break;
    case MIDGE_EVENT_TASK_ADDED:
        task_added(swarm, event);
        break;
    case MIDGE_EVENT_RUN_FINISHED:
        swarm->runs[event->run].state = (uint8_t)event->run_state;
        break;
    default:
        apply_to_task(swarm, event);
        break;
    }
    int opens = event->type == MIDGE_EVENT_RUN_SUBMITTED ||
                event->type == MIDGE_EVENT_TASK_ADDED;
    swarm->open_run = opens ? event->run : 0;
    swarm->last_seq = event->seq;
}
