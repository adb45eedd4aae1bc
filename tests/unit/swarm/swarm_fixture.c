#include "swarm_fixture.h"

#include "swarm/state.h"

midge_text text(const char *zero_terminated) {
    midge_text t = {zero_terminated, (uint32_t)strlen(zero_terminated)};
    return t;
}

void fixture_open(fixture *f) {
    memset(f, 0, sizeof *f);
    test_env_init(&f->memory);
    f->check = 1;
    assert_int_equal(midge_swarm_new(&f->memory.env, &f->live), MIDGE_OK);
    assert_int_equal(midge_swarm_new(&f->memory.env, &f->mirror), MIDGE_OK);
    assert_int_equal(midge_events_new(&f->memory.env, &f->events), MIDGE_OK);
}

void fixture_close(fixture *f) {
    midge_swarm_free(f->live);
    midge_swarm_free(f->mirror);
    midge_events_free(f->events);
    assert_int_equal(f->memory.held_bytes, 0);
}

static void add(fixture *f, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(f->trace + f->trace_size, sizeof f->trace - f->trace_size,
                      format, args);
    va_end(args);
    f->trace_size += (size_t)n;
    if (f->trace_size >= sizeof f->trace) { /* long traces are not compared */
        f->trace_size = sizeof f->trace - 1;
    }
}

static void describe(fixture *f, const midge_event *e) {
    add(f, "%s", midge_event_name(e->type));
    switch (e->type) {
    case MIDGE_EVENT_AGENT_JOINED:
        add(f, " a%u %.*s slots=%u", e->agent, (int)e->name.size, e->name.data,
            e->slots);
        break;
    case MIDGE_EVENT_AGENT_LEFT:
        add(f, " a%u", e->agent);
        break;
    case MIDGE_EVENT_RUN_SUBMITTED:
        add(f, " r%u", e->run);
        break;
    case MIDGE_EVENT_RUN_FINISHED:
        add(f, " r%u %s", e->run,
            midge_run_state_name((midge_run_state)e->run_state));
        break;
    case MIDGE_EVENT_TASK_ADDED:
        add(f, " t%u %.*s deps=%u", e->task, (int)e->name.size, e->name.data,
            e->n_deps);
        break;
    case MIDGE_EVENT_TASK_LEASED:
        add(f, " t%u a%u attempt=%u fence=%d until=%d", e->task, e->agent,
            e->attempt, (int)e->fence, (int)e->until_ms);
        break;
    case MIDGE_EVENT_LEASE_EXTENDED:
        add(f, " t%u until=%d", e->task, (int)e->until_ms);
        break;
    case MIDGE_EVENT_TASK_RELEASED:
        add(f, " t%u a%u attempt=%u fence=%d", e->task, e->agent, e->attempt,
            (int)e->fence);
        break;
    case MIDGE_EVENT_TASK_RETRIED:
        add(f, " t%u attempt=%u until=%d '%.*s'", e->task, e->attempt,
            (int)e->until_ms, (int)e->error.size, e->error.data);
        break;
    case MIDGE_EVENT_TASK_SUCCEEDED:
        add(f, " t%u %.*s", e->task, (int)e->result.size, e->result.data);
        break;
    case MIDGE_EVENT_TASK_FAILED:
        add(f, " t%u attempt=%u '%.*s'", e->task, e->attempt,
            (int)e->error.size, e->error.data);
        break;
    case MIDGE_EVENT_RESULT_REJECTED:
        add(f, " t%u a%u fence=%d", e->task, e->agent, (int)e->fence);
        break;
    default:
        add(f, " t%u", e->task);
        break;
    }
    add(f, "\n");
}

static void mirror_event(fixture *f, const midge_event *event) {
    midge_buf line;
    midge_arena arena;
    midge_event back;
    char a[MIDGE_SHA256_HEX];
    char b[MIDGE_SHA256_HEX];
    midge_buf_init(&line, &f->memory.env, 0);
    midge_arena_init(&arena, &f->memory.env, (size_t)64 << 20);
    assert_int_equal(midge_event_write(event, &line), MIDGE_OK);
    if (midge_event_read(&arena, line.data, line.size, &back, &f->err) !=
            MIDGE_OK ||
        midge_swarm_replay(f->mirror, &back, &f->err) != MIDGE_OK) {
        fail_msg("%s: %.*s", f->err.text, (int)line.size, line.data);
    }
    assert_int_equal(midge_swarm_hash(f->live, a), MIDGE_OK);
    assert_int_equal(midge_swarm_hash(f->mirror, b), MIDGE_OK);
    assert_string_equal(a, b);
    midge_arena_deinit(&arena);
    midge_buf_deinit(&line);
}

midge_status fixture_do(fixture *f, const midge_command *command) {
    f->trace_size = 0;
    f->trace[0] = 0;
    midge_status status =
        midge_swarm_decide(f->live, command, f->events, &f->err);
    for (size_t i = 0; i < midge_events_count(f->events); i++) {
        const midge_event *event = midge_events_at(f->events, i);
        assert_int_equal(midge_swarm_reserve(f->live, event), MIDGE_OK);
    }
    for (size_t i = 0; i < midge_events_count(f->events); i++) {
        const midge_event *event = midge_events_at(f->events, i);
        describe(f, event);
        midge_swarm_apply(f->live, event);
        if (f->check) {
            mirror_event(f, event);
            check_invariants(f->live);
            check_invariants(f->mirror);
        }
    }
    return status;
}

void fixture_expect(fixture *f, midge_command command, const char *trace) {
    midge_status status = fixture_do(f, &command);
    if (status != MIDGE_OK) {
        fail_msg("%s: %s", midge_status_name(status), f->err.text);
    }
    assert_string_equal(f->trace, trace);
}

/* Counts the nodes of a queue and checks order, links and members. */
static uint32_t count_queue(const midge_swarm *s, uint32_t root, int timed) {
    uint32_t stack[4096];
    uint32_t depth = 0;
    uint32_t n = 0;
    if (root != 0) {
        stack[depth++] = root;
    }
    while (depth > 0) {
        uint32_t id = stack[--depth];
        uint8_t state = s->tasks[id].state;
        n++;
        assert_true(timed ? state == MIDGE_TASK_LEASED ||
                                state == MIDGE_TASK_RETRY_WAIT
                          : state == MIDGE_TASK_READY);
        uint32_t before = id;
        for (uint32_t c = s->nodes[id].child; c; c = s->nodes[c].next) {
            assert_int_equal(s->nodes[c].prev, before);
            assert_true(mdg_queue_before(s->nodes, id, c));
            assert_true(depth < 4096);
            stack[depth++] = c;
            before = c;
        }
    }
    return n;
}

static void check_task(const midge_swarm *s, uint32_t id) {
    const mdg_task *t = &s->tasks[id];
    uint32_t left = 0;
    for (uint32_t i = 0; i < t->n_deps; i++) {
        const mdg_edge *edge = &s->edges[t->first_edge + i];
        assert_int_equal(edge->task, id);
        assert_true(edge->dep < id);
        assert_int_equal(s->tasks[edge->dep].run, t->run);
        left += s->tasks[edge->dep].state != MIDGE_TASK_SUCCEEDED;
    }
    assert_int_equal(t->deps_left, left);
    assert_true(t->attempt <= t->max_attempts);
    assert_true(t->attempt <= t->fence);
    if (t->state != MIDGE_TASK_PENDING && t->state != MIDGE_TASK_SKIPPED &&
        t->state != MIDGE_TASK_CANCELLED) {
        assert_int_equal(left, 0); /* never started before its dependencies */
    }
    if (t->state == MIDGE_TASK_LEASED) {
        uint64_t need = s->signatures[s->nodes[id].signature].mask;
        assert_true(s->agents[t->agent].present);
        assert_int_equal(need & ~s->agents[t->agent].mask, 0);
    }
}

void check_invariants(const midge_swarm *s) {
    uint32_t ready = 0;
    uint32_t timed = 0;
    uint32_t total = 0;
    for (uint32_t id = 1; id <= s->n_tasks; id++) {
        check_task(s, id);
        ready += s->tasks[id].state == MIDGE_TASK_READY;
        timed += s->tasks[id].state == MIDGE_TASK_LEASED ||
                 s->tasks[id].state == MIDGE_TASK_RETRY_WAIT;
    }
    uint32_t queued = 0;
    for (uint32_t i = 1; i <= s->n_signatures; i++) {
        queued += count_queue(s, s->signatures[i].ready, 0);
    }
    assert_int_equal(queued, ready);
    assert_int_equal(count_queue(s, s->timed, 1), timed);
    for (uint32_t r = 1; r <= s->n_runs; r++) {
        uint32_t counts[MDG_TASK_STATES] = {0};
        for (uint32_t i = 0; i < s->runs[r].n_tasks; i++) {
            counts[s->tasks[s->runs[r].first_task + i].state]++;
            assert_int_equal(s->tasks[s->runs[r].first_task + i].run, r);
        }
        assert_memory_equal(counts, s->runs[r].n_by_state, sizeof counts);
        total += s->runs[r].n_tasks;
    }
    assert_int_equal(total, s->n_tasks);
    for (uint32_t a = 1; a <= s->n_agents; a++) {
        uint32_t leased = 0;
        for (uint32_t id = 1; id <= s->n_tasks; id++) {
            leased += s->tasks[id].state == MIDGE_TASK_LEASED &&
                      s->tasks[id].agent == a;
        }
        assert_int_equal(leased, s->agents[a].leased);
        assert_true(leased <= s->agents[a].slots);
    }
}

midge_command cmd(midge_command_type type, int64_t now_ms) {
    midge_command c = {.type = type, .now_ms = now_ms};
    return c;
}

midge_command cmd_join(const char *name, uint32_t slots, const midge_text *can,
                       uint32_t n) {
    midge_command c = cmd(MIDGE_COMMAND_JOIN, 0);
    c.name = text(name);
    c.pattern = text("convergent");
    c.slots = slots;
    c.capabilities = can;
    c.n_capabilities = n;
    return c;
}

midge_command cmd_submit(const char *key, const midge_task_spec *tasks,
                         uint32_t n) {
    midge_command c = cmd(MIDGE_COMMAND_SUBMIT, 0);
    c.name = text("run");
    c.key = text(key);
    c.tasks = tasks;
    c.n_tasks = n;
    return c;
}

midge_command cmd_claim(uint32_t agent, int64_t now_ms) {
    midge_command c = cmd(MIDGE_COMMAND_CLAIM, now_ms);
    c.agent = agent;
    return c;
}

midge_command cmd_complete(uint32_t task, uint64_t fence, const char *result) {
    midge_command c = cmd(MIDGE_COMMAND_COMPLETE, 0);
    c.task = task;
    c.fence = fence;
    c.result = text(result);
    return c;
}

midge_command cmd_fail(uint32_t task, uint64_t fence, int retryable,
                       int64_t now_ms) {
    midge_command c = cmd(MIDGE_COMMAND_FAIL, now_ms);
    c.task = task;
    c.fence = fence;
    c.retryable = retryable;
    c.error = text("no luck");
    return c;
}
