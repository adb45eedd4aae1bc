/* swarm_new.c: a swarm's memory: made, given back, and taken in advance.
 *
 * midge_swarm_reserve may be called for several events before the first of them
 * is applied (a driver reserves a whole decision, writes it down, applies it):
 * reserved_* count what was promised. Text memory waits in `prepared`, in the
 * order of the events, so that apply finds its block at the head. */
#include <string.h>

#include "base/alloc.h"
#include "swarm/state.h"

midge_status midge_swarm_new(const midge_env *env, midge_swarm **out) {
    if (!env || !out) {
        return MIDGE_E_INVALID;
    }
    *out = NULL;
    midge_swarm *swarm = mdg_alloc_zero(env, 1, sizeof *swarm);
    if (!swarm) {
        return MIDGE_E_NOMEM;
    }
    swarm->env = env;
    *out = swarm;
    return MIDGE_OK;
}

static void free_texts(midge_swarm *s) {
    for (uint32_t id = 1; id <= s->n_tasks; id++) {
        mdg_task *t = &s->tasks[id];
        size_t size = (size_t)t->name_size + t->kind_size + t->input_size;
        mdg_release(s->env, t->text, size, 1);
        mdg_release(s->env, t->outcome, t->outcome_size, 1);
    }
    for (uint32_t id = 1; id <= s->n_runs; id++) {
        mdg_run *run = &s->runs[id];
        size_t size = (size_t)run->name_size + run->key_size;
        mdg_release(s->env, run->text, size, 1);
    }
    for (uint32_t id = 1; id <= s->n_agents; id++) {
        mdg_agent *agent = &s->agents[id];
        size_t size = (size_t)agent->name_size + agent->pattern_size;
        mdg_release(s->env, agent->text, size, 1);
    }
    for (uint32_t i = s->prepared_head; i < s->prepared_end; i++) {
        mdg_release(s->env, s->prepared[i].data, s->prepared[i].size, 1);
    }
}

void midge_swarm_free(midge_swarm *s) {
    if (!s) {
        return;
    }
    free_texts(s);
    const midge_env *env = s->env;
    mdg_release(env, s->tasks, s->tasks_capacity, sizeof *s->tasks);
    mdg_release(env, s->nodes, s->nodes_capacity, sizeof *s->nodes);
    mdg_release(env, s->edges, s->edges_capacity, sizeof *s->edges);
    mdg_release(env, s->agents, s->agents_capacity, sizeof *s->agents);
    mdg_release(env, s->runs, s->runs_capacity, sizeof *s->runs);
    mdg_release(env, s->signatures, s->signatures_capacity,
                sizeof *s->signatures);
    mdg_release(env, s->prepared, s->prepared_capacity, sizeof *s->prepared);
    mdg_name_index_release(&s->task_names, env);
    mdg_name_index_release(&s->agent_names, env);
    mdg_name_index_release(&s->run_keys, env);
    mdg_name_index_release(&s->signature_masks, env);
    mdg_release(env, s, 1, sizeof *s);
}

midge_status mdg_grow(const midge_env *env, void **items, uint32_t *capacity,
                      uint64_t need, size_t element_size) {
    if (need <= *capacity) {
        return MIDGE_OK;
    }
    uint64_t grown = *capacity ? (uint64_t)*capacity * 2 : 8;
    grown = grown < need ? need : grown;
    if (grown > UINT32_MAX) {
        return MIDGE_E_LIMIT;
    }
    void *block =
        mdg_resize(env, *items, *capacity, (size_t)grown, element_size);
    if (!block) {
        return MIDGE_E_NOMEM;
    }
    *items = block;
    *capacity = (uint32_t)grown;
    return MIDGE_OK;
}

#define GROW(s, array, need)                                                   \
    mdg_grow((s)->env, (void **)&(s)->array, &(s)->array##_capacity, (need),   \
             sizeof *(s)->array)

/* Texts were checked: no block passes 32 bits. */
static midge_status prepare(midge_swarm *s, size_t size) {
    if (size == 0) {
        return MIDGE_OK;
    }
    if (s->prepared_head == s->prepared_end) {
        s->prepared_head = 0;
        s->prepared_end = 0;
    }
    MIDGE_TRY(GROW(s, prepared, (uint64_t)s->prepared_end + 1));
    char *data = mdg_alloc(s->env, size, 1);
    if (!data) {
        return MIDGE_E_NOMEM;
    }
    s->prepared[s->prepared_end].data = data;
    s->prepared[s->prepared_end].size = (uint32_t)size;
    s->prepared_end++;
    return MIDGE_OK;
}

static midge_status reserve_agent(midge_swarm *s, const midge_event *event) {
    uint32_t more = s->reserved_agents + 1;
    MIDGE_TRY(GROW(s, agents, (uint64_t)s->n_agents + more + 1));
    MIDGE_TRY(mdg_name_index_reserve(&s->agent_names, s->env, more));
    MIDGE_TRY(prepare(s, event->name.size + event->pattern.size));
    s->reserved_agents = more;
    return MIDGE_OK;
}

static midge_status reserve_run(midge_swarm *s, const midge_event *event) {
    uint32_t more = s->reserved_runs + 1;
    MIDGE_TRY(GROW(s, runs, (uint64_t)s->n_runs + more + 1));
    MIDGE_TRY(mdg_name_index_reserve(&s->run_keys, s->env, more));
    MIDGE_TRY(prepare(s, event->name.size + event->key.size));
    s->reserved_runs = more;
    return MIDGE_OK;
}

static midge_status reserve_task(midge_swarm *s, const midge_event *event) {
    uint32_t more = s->reserved_tasks + 1;
    uint64_t more_edges = (uint64_t)s->reserved_edges + event->n_deps;
    if (more_edges > MDG_SWARM_EDGES_MAX) {
        return MIDGE_E_LIMIT;
    }
    MIDGE_TRY(GROW(s, tasks, (uint64_t)s->n_tasks + more + 1));
    MIDGE_TRY(GROW(s, nodes, (uint64_t)s->n_tasks + more + 1));
    MIDGE_TRY(GROW(s, edges, s->n_edges + more_edges + 1));
    MIDGE_TRY(GROW(s, signatures, (uint64_t)s->n_signatures + more + 1));
    MIDGE_TRY(mdg_name_index_reserve(&s->signature_masks, s->env, more));
    MIDGE_TRY(mdg_name_index_reserve(&s->task_names, s->env, more));
    MIDGE_TRY(
        prepare(s, event->name.size + event->kind.size + event->input.size));
    s->reserved_tasks = more;
    s->reserved_edges = (uint32_t)more_edges;
    return MIDGE_OK;
}

midge_status midge_swarm_reserve(midge_swarm *swarm, const midge_event *event) {
    if (!swarm || !event) {
        return MIDGE_E_INVALID;
    }
    switch (event->type) {
    case MIDGE_EVENT_AGENT_JOINED:
        return reserve_agent(swarm, event);
    case MIDGE_EVENT_RUN_SUBMITTED:
        return reserve_run(swarm, event);
    case MIDGE_EVENT_TASK_ADDED:
        return reserve_task(swarm, event);
    case MIDGE_EVENT_TASK_SUCCEEDED:
        return prepare(swarm, event->result.size);
    case MIDGE_EVENT_TASK_RETRIED:
    case MIDGE_EVENT_TASK_FAILED:
        return prepare(swarm, event->error.size);
    default:
        return MIDGE_OK;
    }
}
