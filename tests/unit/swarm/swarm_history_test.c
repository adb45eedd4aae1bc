/* Random histories: thousands of swarms with random commands, dead workers,
 * late and repeated results, crashes (RECOVER), clock jumps. The fixture checks
 * after every event that the replayed state hashes like the live one and that
 * every invariant holds; here stands what only a whole history can show. */
#include "swarm_fixture.h"
#include "test_share.h"

#define TASKS_MAX  64
#define AGENTS_MAX 12

typedef struct history {
    fixture f;
    uint64_t random;
    int64_t now_ms;
    uint64_t last_fence[TASKS_MAX + 1];
    uint32_t results[TASKS_MAX + 1]; /* accepted ones */
    uint8_t cancelled[TASKS_MAX + 1];
    uint32_t n_rejected;
} history;

/* splitmix64 */
static uint32_t below(history *h, uint32_t bound) {
    uint64_t z = (h->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % bound);
}

static const char *const abilities[] = {"cpu", "gpu", "net"};

static void watch_event(history *h, const midge_event *e) {
    switch (e->type) {
    case MIDGE_EVENT_TASK_LEASED:
        assert_true(e->fence > h->last_fence[e->task]);
        assert_false(h->cancelled[e->task]);
        h->last_fence[e->task] = e->fence;
        break;
    case MIDGE_EVENT_TASK_SUCCEEDED:
        assert_int_equal(e->fence, h->last_fence[e->task]);
        assert_false(h->cancelled[e->task]);
        assert_int_equal(++h->results[e->task], 1);
        break;
    case MIDGE_EVENT_TASK_CANCELLED:
        h->cancelled[e->task] = 1;
        break;
    case MIDGE_EVENT_RESULT_REJECTED:
        h->n_rejected++;
        break;
    default:
        break;
    }
}

static midge_status act(history *h, midge_command c) {
    c.now_ms = h->now_ms;
    midge_status status = fixture_do(&h->f, &c);
    for (size_t i = 0; i < midge_events_count(h->f.events); i++) {
        watch_event(h, midge_events_at(h->f.events, i));
    }
    return status;
}

static void random_submit(history *h) {
    midge_task_spec tasks[8];
    uint32_t deps[8][8];
    char names[8][16];
    midge_text needs[8];
    uint32_t n = 1 + below(h, 8);
    if (midge_swarm_n_tasks(h->f.live) + n > TASKS_MAX) {
        return;
    }
    memset(tasks, 0, sizeof tasks);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "t%u", i);
        tasks[i].name = text(names[i]);
        tasks[i].kind = text("k");
        tasks[i].input = text("{\"a\":[1, 2.50]}");
        for (uint32_t d = 0; d < i; d++) {
            if (below(h, 3) == 0) {
                deps[i][tasks[i].n_deps++] = d;
            }
        }
        tasks[i].deps = deps[i];
        needs[i] = text(abilities[below(h, 3)]);
        tasks[i].capabilities = &needs[i];
        tasks[i].n_capabilities = below(h, 2);
        tasks[i].priority = (int32_t)below(h, 3) - 1;
        tasks[i].max_attempts = below(h, 4);
        tasks[i].backoff_ms = below(h, 3) * 700;
    }
    char key[16];
    snprintf(key, sizeof key, "k%u", below(h, 20));
    assert_int_equal(act(h, cmd_submit(key, tasks, n)), MIDGE_OK);
}

static void random_join(history *h) {
    midge_text can[3] = {text("cpu"), text("gpu"), text("net")};
    char name[16];
    snprintf(name, sizeof name, "w%u", below(h, 6));
    if (midge_swarm_n_agents(h->f.live) < AGENTS_MAX) {
        midge_status status =
            act(h, cmd_join(name, 1 + below(h, 3), can, below(h, 4)));
        assert_true(status == MIDGE_OK || status == MIDGE_E_EXISTS);
    }
}

/* A result or failure for a random task with the current or a wrong fence. */
static void random_report(history *h) {
    uint32_t n = midge_swarm_n_tasks(h->f.live);
    midge_task_view view;
    if (n == 0) {
        return;
    }
    midge_swarm_task(h->f.live, 1 + below(h, n), &view);
    uint64_t fence = view.fence;
    if (below(h, 4) == 0) {
        fence = below(h, 4);
    }
    int current = view.state == MIDGE_TASK_LEASED && fence == view.fence;
    uint32_t what = below(h, 4);
    midge_command c = what < 2 ? cmd_complete(view.id, fence, "[true]")
                               : cmd_fail(view.id, fence, below(h, 4) > 0, 0);
    if (what == 3) {
        c.type = MIDGE_COMMAND_EXTEND;
        c.lease_ms = below(h, 5000);
    }
    assert_int_equal(act(h, c), current ? MIDGE_OK : MIDGE_E_STALE);
}

static void random_step(history *h) {
    uint32_t dice = below(h, 100);
    uint32_t n_agents = midge_swarm_n_agents(h->f.live);
    midge_command c;
    if (dice < 10) {
        random_submit(h);
    } else if (dice < 20) {
        random_join(h);
    } else if (dice < 45) {
        c = cmd_claim(below(h, n_agents + 1), 0);
        c.lease_ms = below(h, 3) * 1000;
        midge_status status = act(h, c);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOT_FOUND);
    } else if (dice < 80) {
        random_report(h);
    } else if (dice < 83) {
        c = cmd(MIDGE_COMMAND_LEAVE, 0);
        c.agent = below(h, n_agents + 2);
        (void)!act(h, c);
    } else if (dice < 84) {
        c = cmd(MIDGE_COMMAND_CANCEL, 0);
        c.run = below(h, midge_swarm_n_runs(h->f.live) + 2);
        (void)!act(h, c);
    } else if (dice < 86) {
        assert_int_equal(act(h, cmd(MIDGE_COMMAND_RECOVER, 0)), MIDGE_OK);
    } else {
        int64_t jump = below(h, 3) == 0 ? 20000 : 500;
        h->now_ms += below(h, 10) == 0 ? -jump : (int64_t)below(h, 20) * jump;
        assert_int_equal(act(h, cmd(MIDGE_COMMAND_TICK, 0)), MIDGE_OK);
        assert_true(midge_swarm_next_due_ms(h->f.live) > h->now_ms);
    }
}

/* With an agent that can do all, and patience, every run ends. */
static void finish_everything(history *h) {
    midge_text can[3] = {text("cpu"), text("gpu"), text("net")};
    assert_int_equal(act(h, cmd(MIDGE_COMMAND_RECOVER, 0)), MIDGE_OK);
    assert_int_equal(act(h, cmd_join("able", 2, can, 3)), MIDGE_OK);
    uint32_t able = midge_swarm_find_agent(h->f.live, text("able"));
    for (int round = 0; round < 2000; round++) {
        assert_int_equal(act(h, cmd_claim(able, 0)), MIDGE_OK);
        if (midge_events_count(h->f.events) == 1) {
            midge_event e = *midge_events_at(h->f.events, 0);
            midge_command c = below(h, 3) == 0
                                  ? cmd_fail(e.task, e.fence, 1, 0)
                                  : cmd_complete(e.task, e.fence, "1");
            assert_int_equal(act(h, c), MIDGE_OK);
            continue;
        }
        int64_t due = midge_swarm_next_due_ms(h->f.live);
        if (due == INT64_MAX) {
            break;
        }
        h->now_ms = due > h->now_ms ? due : h->now_ms;
        assert_int_equal(act(h, cmd(MIDGE_COMMAND_TICK, 0)), MIDGE_OK);
    }
    for (uint32_t r = 1; r <= midge_swarm_n_runs(h->f.live); r++) {
        midge_run_view run;
        midge_swarm_run(h->f.live, r, &run);
        assert_int_not_equal(run.state, MIDGE_RUN_ACTIVE);
    }
}

static uint32_t play(uint64_t seed, int check, uint32_t n_steps) {
    history h;
    memset(&h, 0, sizeof h);
    fixture_open(&h.f);
    h.f.check = check;
    h.random = seed;
    h.now_ms = 1000000;
    for (uint32_t i = 0; i < n_steps; i++) {
        random_step(&h);
    }
    finish_everything(&h);
    check_invariants(h.f.live);
    fixture_close(&h.f);
    return h.n_rejected;
}

static void every_event_of_some_histories(void **state) {
    uint32_t n_rejected = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        n_rejected += play(seed, 1, 150);
    }
    assert_true(n_rejected > 100); /* the fault was really played */
}

static void the_end_of_many_histories(void **state) {
    for (uint64_t seed = 1000; seed < 1000 + 5000 / TEST_SHARE; seed++) {
        play(seed, 0, 150);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_of_some_histories),
        cmocka_unit_test(the_end_of_many_histories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
