/* replay.c: events from a log, which may be damaged or hostile. Everything that
 * apply takes for granted is checked here, each in one place. */
#include "swarm/state.h"

typedef struct checker {
    const midge_swarm *swarm;
    const midge_event *event;
    midge_error *err;
} checker;

static midge_status bad(const checker *c, const char *why) {
    return midge_fail(c->err, MIDGE_E_CORRUPT, "event %llu (%s): %s",
                      (unsigned long long)c->event->seq,
                      midge_event_name(c->event->type), why);
}

#define REQUIRE(c, condition, why)                                             \
    do {                                                                       \
        if (!(condition)) {                                                    \
            return bad((c), (why));                                            \
        }                                                                      \
    } while (0)

static midge_status check_joined(const checker *c) {
    const midge_event *e = c->event;
    mdg_capability_check check = {.swarm = c->swarm};
    REQUIRE(c, e->agent == c->swarm->n_agents + 1, "agent ids are dense");
    REQUIRE(c, e->agent <= MIDGE_SWARM_AGENTS_MAX, "too many agents");
    REQUIRE(c, e->slots > 0 && e->slots <= MDG_SWARM_SLOTS_MAX, "slots");
    MIDGE_TRY(mdg_check_name(e->name, 1, "name", c->err));
    MIDGE_TRY(mdg_check_name(e->pattern, 0, "pattern", c->err));
    REQUIRE(c, midge_swarm_find_agent(c->swarm, e->name) == 0,
            "the name is taken");
    return mdg_capability_check_add(&check, e->capabilities, e->n_capabilities,
                                    c->err);
}

static midge_status check_left(const checker *c) {
    uint32_t id = c->event->agent;
    REQUIRE(c, id > 0 && id <= c->swarm->n_agents, "no such agent");
    REQUIRE(c, c->swarm->agents[id].present, "it had left already");
    REQUIRE(c, c->swarm->agents[id].leased == 0, "it still holds leases");
    return MIDGE_OK;
}

static midge_status check_submitted(const checker *c) {
    const midge_event *e = c->event;
    REQUIRE(c, e->run == c->swarm->n_runs + 1, "run ids are dense");
    /* Each run has a task, so runs are as limited as tasks. */
    REQUIRE(c, e->run <= MIDGE_SWARM_TASKS_MAX, "too many runs");
    MIDGE_TRY(mdg_check_name(e->name, 0, "name", c->err));
    MIDGE_TRY(mdg_check_name(e->key, 0, "key", c->err));
    REQUIRE(c, midge_swarm_find_run(c->swarm, e->key) == 0, "a known key");
    return MIDGE_OK;
}

static midge_status check_finished(const checker *c) {
    const midge_event *e = c->event;
    REQUIRE(c, e->run > 0 && e->run <= c->swarm->n_runs, "no such run");
    const mdg_run *run = &c->swarm->runs[e->run];
    REQUIRE(c, run->state == MIDGE_RUN_ACTIVE, "the run has finished already");
    uint32_t final = 0;
    for (uint32_t s = 0; s < MDG_TASK_STATES; s++) {
        final += mdg_state_is_final(s) ? run->n_by_state[s] : 0;
    }
    REQUIRE(c, final == run->n_tasks, "tasks of the run have not ended");
    midge_run_state expected =
        mdg_run_outcome(run->n_tasks, run->n_by_state[MIDGE_TASK_SUCCEEDED],
                        run->n_by_state[MIDGE_TASK_CANCELLED]);
    REQUIRE(c, e->run_state == (int32_t)expected, "not how the tasks ended");
    return MIDGE_OK;
}

static midge_status check_deps(const checker *c) {
    const midge_event *e = c->event;
    const mdg_run *run = &c->swarm->runs[e->run];
    REQUIRE(c, e->n_deps <= MDG_SWARM_EDGES_MAX - c->swarm->n_edges,
            "too many dependencies");
    for (uint32_t i = 0; i < e->n_deps; i++) {
        uint32_t least = i == 0 ? run->first_task : e->deps[i - 1] + 1;
        REQUIRE(c, e->deps[i] >= least && e->deps[i] < e->task,
                "dependencies ascend among earlier tasks of the run");
    }
    return MIDGE_OK;
}

static midge_status check_added(const checker *c) {
    const midge_event *e = c->event;
    mdg_capability_check check = {.swarm = c->swarm};
    REQUIRE(c, e->run != 0 && e->run == c->swarm->open_run,
            "tasks follow their run.submitted at once");
    REQUIRE(c, e->task == c->swarm->n_tasks + 1, "task ids are dense");
    REQUIRE(c, e->task <= MIDGE_SWARM_TASKS_MAX, "too many tasks");
    REQUIRE(c, e->max_attempts > 0 && e->max_attempts <= MDG_ATTEMPTS_MAX,
            "max_attempts");
    REQUIRE(c, e->backoff_ms >= 0, "backoff_ms");
    REQUIRE(c, e->input.size > 0 && e->input.size <= MIDGE_SWARM_VALUE_MAX,
            "input");
    MIDGE_TRY(mdg_check_name(e->name, 1, "name", c->err));
    MIDGE_TRY(mdg_check_name(e->kind, 1, "kind", c->err));
    REQUIRE(c, midge_swarm_find_task(c->swarm, e->run, e->name) == 0,
            "the name is taken");
    MIDGE_TRY(check_deps(c));
    return mdg_capability_check_add(&check, e->capabilities, e->n_capabilities,
                                    c->err);
}

static midge_status check_leased(const checker *c, const mdg_task *task) {
    const midge_event *e = c->event;
    const midge_swarm *s = c->swarm;
    REQUIRE(c, task->state == MIDGE_TASK_READY, "the task is not ready");
    REQUIRE(c, e->agent > 0 && e->agent <= s->n_agents, "no such agent");
    const mdg_agent *agent = &s->agents[e->agent];
    uint64_t required = s->signatures[s->nodes[e->task].signature].mask;
    REQUIRE(c, agent->present && agent->leased < agent->slots,
            "the agent is not free");
    REQUIRE(c, (required & ~agent->mask) == 0, "the agent lacks a capability");
    REQUIRE(c, task->attempt < task->max_attempts, "no attempt is left");
    REQUIRE(c, e->attempt == task->attempt + 1, "attempt");
    REQUIRE(c, e->fence == task->fence + 1, "fence");
    return MIDGE_OK;
}

/* For what happens to a lease: the event names that very lease. */
static midge_status check_lease(const checker *c, const mdg_task *task,
                                uint32_t attempt) {
    const midge_event *e = c->event;
    REQUIRE(c, task->state == MIDGE_TASK_LEASED, "the task is not leased");
    REQUIRE(c, e->agent == task->agent, "not the owner of the lease");
    REQUIRE(c, e->fence == task->fence, "not the current fence");
    REQUIRE(c, e->type == MIDGE_EVENT_LEASE_EXTENDED || e->attempt == attempt,
            "attempt");
    return MIDGE_OK;
}

static midge_status check_ready(const checker *c, const mdg_task *task) {
    int dependencies_done =
        task->state == MIDGE_TASK_PENDING && task->deps_left == 0;
    REQUIRE(c, dependencies_done || task->state == MIDGE_TASK_RETRY_WAIT,
            "the task cannot become ready");
    return MIDGE_OK;
}

static midge_status check_skipped(const checker *c, const mdg_task *task) {
    REQUIRE(c, task->state == MIDGE_TASK_PENDING, "the task is not pending");
    for (uint32_t i = 0; i < task->n_deps; i++) {
        uint32_t dep = c->swarm->edges[task->first_edge + i].dep;
        uint8_t state = c->swarm->tasks[dep].state;
        if (mdg_state_is_final(state) && state != MIDGE_TASK_SUCCEEDED) {
            return MIDGE_OK;
        }
    }
    return bad(c, "no dependency ended without success");
}

static midge_status check_about_task(const checker *c) {
    const midge_event *e = c->event;
    REQUIRE(c, e->task > 0 && e->task <= c->swarm->n_tasks, "no such task");
    const mdg_task *task = &c->swarm->tasks[e->task];
    REQUIRE(c, e->run == task->run, "the task is of another run");
    switch (e->type) {
    case MIDGE_EVENT_TASK_READY:
        return check_ready(c, task);
    case MIDGE_EVENT_TASK_LEASED:
        return check_leased(c, task);
    case MIDGE_EVENT_LEASE_EXTENDED:
        return check_lease(c, task, task->attempt);
    case MIDGE_EVENT_TASK_RELEASED:
        return check_lease(c, task, task->attempt - 1);
    case MIDGE_EVENT_TASK_RETRIED:
        REQUIRE(c, task->attempt < task->max_attempts, "no attempt is left");
        MIDGE_TRY(mdg_check_error_text(e->error, c->err));
        return check_lease(c, task, task->attempt);
    case MIDGE_EVENT_TASK_SUCCEEDED:
        REQUIRE(c,
                e->result.size > 0 && e->result.size <= MIDGE_SWARM_VALUE_MAX,
                "result");
        return check_lease(c, task, task->attempt);
    case MIDGE_EVENT_TASK_FAILED:
        MIDGE_TRY(mdg_check_error_text(e->error, c->err));
        return check_lease(c, task, task->attempt);
    case MIDGE_EVENT_TASK_SKIPPED:
        return check_skipped(c, task);
    case MIDGE_EVENT_TASK_CANCELLED:
        REQUIRE(c, !mdg_state_is_final(task->state), "the task has ended");
        return MIDGE_OK;
    case MIDGE_EVENT_RESULT_REJECTED:
        REQUIRE(c, e->agent <= c->swarm->n_agents, "no such agent");
        return MIDGE_OK;
    default:
        return bad(c, "unknown type");
    }
}

midge_status mdg_check_event(const midge_swarm *swarm, const midge_event *event,
                             midge_error *err) {
    const checker c = {swarm, event, err};
    REQUIRE(&c, event->seq == swarm->last_seq + 1, "sequence number");
    int empty_run =
        swarm->open_run != 0 && swarm->runs[swarm->open_run].n_tasks == 0;
    REQUIRE(&c, !empty_run || event->type == MIDGE_EVENT_TASK_ADDED,
            "the run before it has no task");
    switch (event->type) {
    case MIDGE_EVENT_AGENT_JOINED:
        return check_joined(&c);
    case MIDGE_EVENT_AGENT_LEFT:
        return check_left(&c);
    case MIDGE_EVENT_RUN_SUBMITTED:
        return check_submitted(&c);
    case MIDGE_EVENT_RUN_FINISHED:
        return check_finished(&c);
    case MIDGE_EVENT_TASK_ADDED:
        return check_added(&c);
    default:
        return check_about_task(&c);
    }
}

midge_status midge_swarm_replay(midge_swarm *swarm, const midge_event *event,
                                midge_error *err) {
    if (!swarm || !event) {
        return MIDGE_E_INVALID;
    }
    if (mdg_check_event(swarm, event, err) != MIDGE_OK) {
        if (err) {
            err->status = MIDGE_E_CORRUPT;
        }
        return MIDGE_E_CORRUPT;
    }
    midge_status status = midge_swarm_reserve(swarm, event);
    if (status != MIDGE_OK) {
        return midge_fail(err, status, "no memory for event %llu",
                          (unsigned long long)event->seq);
    }
    midge_swarm_apply(swarm, event);
    return MIDGE_OK;
}
