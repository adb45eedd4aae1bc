/* decide_submit.c: a run and its tasks, all or nothing. */
#include "base/map.h"
#include "swarm/state.h"

typedef struct submission {
    mdg_decision *d;
    mdg_capability_check capabilities;
} submission;

/* Seen before among the first `position` names? Else remembered. */
static int is_duplicate(mdg_decision *d, uint32_t position) {
    const midge_task_spec *tasks = d->command->tasks;
    midge_text name = tasks[position].name;
    uint32_t hash = mdg_hash_bytes(0, name.data, name.size);
    uint32_t cursor = 0;
    uint32_t at;
    while ((at = mdg_name_index_next(&d->events->names, hash, &cursor)) != 0) {
        if (mdg_text_equal(tasks[at - 1].name, name)) {
            return 1;
        }
    }
    mdg_name_index_put(&d->events->names, hash, position + 1);
    return 0;
}

static midge_status fail_task(mdg_decision *d, uint32_t position,
                              const char *why) {
    midge_text name = d->command->tasks[position].name;
    return midge_fail(d->err, MIDGE_E_INVALID, "task '%.*s' %s", (int)name.size,
                      name.data, why);
}

static midge_status check_deps(mdg_decision *d, uint32_t position) {
    const midge_task_spec *task = &d->command->tasks[position];
    for (uint32_t i = 0; i < task->n_deps; i++) {
        if (task->deps[i] >= position) {
            return fail_task(d, position, "depends on a later or unknown task");
        }
    }
    return MIDGE_OK;
}

static midge_status check_task(submission *s, uint32_t position) {
    mdg_decision *d = s->d;
    const midge_task_spec *task = &d->command->tasks[position];
    MIDGE_TRY(mdg_check_name(task->name, 1, "a task's name", d->err));
    MIDGE_TRY(mdg_check_name(task->kind, 1, "a task's kind", d->err));
    if (task->input.size > 0) {
        MIDGE_TRY(
            mdg_check_json(d->swarm->env, task->input, "an input", d->err));
    }
    if (is_duplicate(d, position)) {
        return fail_task(d, position, "appears twice");
    }
    if (task->max_attempts > MDG_ATTEMPTS_MAX || task->backoff_ms < 0) {
        return fail_task(d, position, "has a bad max_attempts or backoff_ms");
    }
    if (task->n_deps > 0 && (!task->deps || task->n_deps > position)) {
        return fail_task(d, position, "has more dependencies than tasks");
    }
    MIDGE_TRY(check_deps(d, position));
    return mdg_capability_check_add(&s->capabilities, task->capabilities,
                                    task->n_capabilities, d->err);
}

static midge_status check_run(mdg_decision *d, uint64_t *n_deps) {
    const midge_command *c = d->command;
    MIDGE_TRY(mdg_check_name(c->name, 0, "the run's name", d->err));
    MIDGE_TRY(mdg_check_name(c->key, 0, "the run's key", d->err));
    if (c->n_tasks == 0 || !c->tasks) {
        return midge_fail(d->err, MIDGE_E_INVALID, "a run without tasks");
    }
    if (c->n_tasks > MIDGE_SWARM_TASKS_MAX - d->swarm->n_tasks) {
        return midge_fail(d->err, MIDGE_E_LIMIT, "more than %u tasks",
                          MIDGE_SWARM_TASKS_MAX);
    }
    for (uint32_t i = 0; i < c->n_tasks; i++) {
        *n_deps += c->tasks[i].n_deps;
    }
    if (*n_deps > MDG_SWARM_EDGES_MAX - d->swarm->n_edges) {
        return midge_fail(d->err, MIDGE_E_LIMIT, "more than %u dependencies",
                          MDG_SWARM_EDGES_MAX);
    }
    return MIDGE_OK;
}

/* As ids, ascending; a dependency that is named twice shows by then. */
static midge_status add_deps(mdg_decision *d, uint32_t position) {
    const midge_task_spec *task = &d->command->tasks[position];
    mdg_ids *deps = &d->events->deps;
    if (task->n_deps == 0) {
        return MIDGE_OK; /* no run of tasks had one: items may be NULL */
    }
    uint32_t *first = deps->items + deps->count;
    for (uint32_t i = 0; i < task->n_deps; i++) {
        first[i] = d->swarm->n_tasks + 1 + task->deps[i];
    }
    mdg_sort_ids(first, task->n_deps);
    for (uint32_t i = 1; i < task->n_deps; i++) {
        if (first[i] == first[i - 1]) {
            return fail_task(d, position, "names a dependency twice");
        }
    }
    deps->count += task->n_deps;
    return MIDGE_OK;
}

static midge_status emit_task_added(mdg_decision *d, uint32_t position) {
    const midge_task_spec *task = &d->command->tasks[position];
    mdg_ids *deps = &d->events->deps; /* has room: its items do not move */
    midge_event *event = mdg_emit(d, MIDGE_EVENT_TASK_ADDED);
    if (!event) {
        return MIDGE_E_NOMEM;
    }
    event->run = d->swarm->n_runs + 1;
    event->task = d->swarm->n_tasks + 1 + position;
    event->name = task->name;
    event->kind = task->kind;
    event->input =
        task->input.size ? mdg_trim_json(task->input) : mdg_text("null");
    event->deps = deps->items ? deps->items + deps->count : NULL;
    event->n_deps = task->n_deps;
    MIDGE_TRY(add_deps(d, position));
    event->capabilities = task->capabilities;
    event->n_capabilities = task->n_capabilities;
    event->priority = task->priority;
    event->max_attempts =
        task->max_attempts ? task->max_attempts : MDG_ATTEMPTS_DEFAULT;
    event->backoff_ms =
        task->backoff_ms ? task->backoff_ms : MDG_BACKOFF_DEFAULT;
    return MIDGE_OK;
}

midge_status mdg_decide_submit(mdg_decision *d) {
    const midge_command *c = d->command;
    midge_events *events = d->events;
    submission s = {d, {.swarm = d->swarm}};
    uint64_t n_deps = 0;
    if (midge_swarm_find_run(d->swarm, c->key) != 0) {
        return MIDGE_OK;
    }
    MIDGE_TRY(check_run(d, &n_deps));
    mdg_name_index_clear(&events->names);
    MIDGE_TRY(mdg_name_index_reserve(&events->names, events->env, c->n_tasks));
    for (uint32_t i = 0; i < c->n_tasks; i++) {
        MIDGE_TRY(check_task(&s, i));
    }
    MIDGE_TRY(mdg_grow(events->env, (void **)&events->deps.items,
                       &events->deps.capacity, n_deps,
                       sizeof *events->deps.items));
    midge_event *event = mdg_emit(d, MIDGE_EVENT_RUN_SUBMITTED);
    if (!event) {
        return MIDGE_E_NOMEM;
    }
    event->run = d->swarm->n_runs + 1;
    event->name = c->name;
    event->key = c->key;
    for (uint32_t i = 0; i < c->n_tasks; i++) {
        MIDGE_TRY(emit_task_added(d, i));
    }
    return MIDGE_OK;
}
