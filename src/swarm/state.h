/* state.h: what a swarm is in memory; shared by the files of this room only.
 *
 * Ids count from 1 and are positions in plain arrays, whose place 0 is unused.
 *
 * Invariants, checked by the property test after every event:
 *  1. A task is in at most one queue: that of its signature while it is ready,
 *     the time queue while it is leased (key: the lease's end) or waits for a
 *     retry (key: the moment it is due).
 *  2. `deps_left` is the number of dependencies that have not succeeded; a task
 *     becomes ready only at 0, and is skipped only when one ended otherwise.
 *  3. `attempt` counts the leases that were used or are held; a released lease
 *     gives its attempt back. `fence` counts every lease and never goes back.
 *  4. run.n_by_state and agent.leased equal a recount.
 *  5. A task's dependencies ascend and have smaller ids than the task, in the
 *     same run: there are no cycles.
 */
#ifndef MDG_SWARM_STATE_H
#define MDG_SWARM_STATE_H

#include "midge/swarm.h"
#include "swarm/name_index.h"
#include "swarm/queue.h"

#define MDG_SWARM_EDGES_MAX  16000000u
#define MDG_SWARM_SLOTS_MAX  65536u
#define MDG_ATTEMPTS_MAX     1000u
#define MDG_ATTEMPTS_DEFAULT 3u
#define MDG_BACKOFF_DEFAULT  1000
#define MDG_BACKOFF_MAX_MS   600000
#define MDG_LEASE_DEFAULT_MS 30000
#define MDG_TASK_STATES      8

typedef struct mdg_task {
    char *text;    /* name, kind, input, one after the other */
    char *outcome; /* the result once succeeded, else the last error */
    uint64_t fence;
    int64_t backoff_ms;
    uint32_t run;
    uint32_t agent;
    uint32_t attempt;
    uint32_t max_attempts;
    uint32_t deps_left;
    uint32_t first_edge; /* its dependencies are n_deps edges from here */
    uint32_t n_deps;
    uint32_t last_child; /* edge to its newest dependent; see mdg_edge */
    uint32_t input_size;
    uint32_t outcome_size;
    int32_t priority;
    uint8_t state;
    uint8_t name_size;
    uint8_t kind_size;
} mdg_task;

/* `task` depends on `dep`. `next` makes a ring of all edges with this dep, in
 * order of appearance; the dep points at the last one, whose next is the first.
 * Edge 0 is unused. */
typedef struct mdg_edge {
    uint32_t task;
    uint32_t dep;
    uint32_t next;
} mdg_edge;

typedef struct mdg_agent {
    char *text; /* name, pattern */
    uint64_t mask;
    uint32_t slots;
    uint32_t leased;
    uint32_t succeeded;
    uint32_t failed;
    uint8_t present;
    uint8_t name_size;
    uint8_t pattern_size;
} mdg_agent;

typedef struct mdg_run {
    char *text; /* name, key */
    uint32_t first_task;
    uint32_t n_tasks;
    uint32_t n_by_state[MDG_TASK_STATES];
    uint8_t state;
    uint8_t name_size;
    uint8_t key_size;
} mdg_run;

/* All tasks that require the same set of capabilities share a ready queue. */
typedef struct mdg_signature {
    uint64_t mask;
    uint32_t ready; /* root of the queue; 0: empty */
} mdg_signature;

typedef struct mdg_block {
    char *data;
    uint32_t size;
} mdg_block;

struct midge_swarm {
    const midge_env *env;
    uint64_t last_seq;
    uint32_t open_run; /* the run that may still get tasks: the last event was
                          its run.submitted or one of its task.added */
    uint32_t n_tasks;
    uint32_t n_edges;
    uint32_t n_agents;
    uint32_t n_runs;
    uint32_t n_signatures;
    uint32_t timed; /* root of the time queue */

    mdg_task *tasks;
    mdg_node *nodes; /* one per task, in its signature's or the time queue */
    mdg_edge *edges;
    mdg_agent *agents;
    mdg_run *runs;
    mdg_signature *signatures;
    uint32_t tasks_capacity;
    uint32_t nodes_capacity;
    uint32_t edges_capacity;
    uint32_t agents_capacity;
    uint32_t runs_capacity;
    uint32_t signatures_capacity;

    mdg_name_index task_names;  /* of (run, name) */
    mdg_name_index agent_names; /* of those present */
    mdg_name_index run_keys;
    mdg_name_index signature_masks;

    /* Reserved for events that were not applied yet. */
    uint32_t reserved_tasks;
    uint32_t reserved_edges;
    uint32_t reserved_agents;
    uint32_t reserved_runs;
    mdg_block *prepared; /* text memory, first in first out */
    uint32_t prepared_head;
    uint32_t prepared_end;
    uint32_t prepared_capacity;

    uint32_t n_capabilities;
    uint8_t capability_sizes[MIDGE_SWARM_CAPABILITIES_MAX];
    char capabilities[MIDGE_SWARM_CAPABILITIES_MAX][MIDGE_SWARM_NAME_MAX];
};

/* A list of ids that keeps its memory. */
typedef struct mdg_ids {
    uint32_t *items;
    uint32_t count;
    uint32_t capacity;
} mdg_ids;

/* What earlier events of the same decision did to a run. */
typedef struct mdg_run_delta {
    uint32_t stamp;
    uint32_t n_succeeded;
    uint32_t n_cancelled;
    uint32_t n_final;
} mdg_run_delta;

struct midge_events {
    const midge_env *env;
    midge_event *items;
    size_t count;
    size_t capacity;
    /* Scratch of one decision. A mark or delta counts only with the stamp. */
    uint32_t stamp;
    mdg_ids deps;
    mdg_ids found;
    mdg_ids cascade;
    uint32_t *marks; /* by task */
    uint32_t marks_capacity;
    mdg_run_delta *deltas; /* by run */
    uint32_t deltas_capacity;
    mdg_name_index names;
};

/* swarm_text.c */
midge_text mdg_text(const char *zero_terminated);
int mdg_text_equal(midge_text a, midge_text b);
midge_text mdg_task_name(const mdg_task *task);
midge_text mdg_task_kind(const mdg_task *task);
midge_text mdg_task_input_text(const mdg_task *task);
midge_text mdg_agent_name(const mdg_agent *agent);
midge_text mdg_agent_pattern(const mdg_agent *agent);
midge_text mdg_run_name(const mdg_run *run);
midge_text mdg_run_key(const mdg_run *run);
/* At most MIDGE_SWARM_NAME_MAX bytes of UTF-8; `least` is 0 or 1. */
midge_status mdg_check_name(midge_text text, uint32_t least, const char *what,
                            midge_error *err);
/* At most MIDGE_SWARM_VALUE_MAX bytes of UTF-8. */
midge_status mdg_check_error_text(midge_text text, midge_error *err);
/* One JSON value, which still fits one level deeper. */
midge_status mdg_check_json(const midge_env *env, midge_text text,
                            const char *what, midge_error *err);
/* Without the blanks around it, which an event on one line does not keep. */
midge_text mdg_trim_json(midge_text json);
/* Copies JSON; line breaks and tabs between its tokens become blanks, so that
 * an event stays one line and the state does not depend on the round trip. */
void mdg_copy_json(char *out, midge_text json);

/* capabilities.c: names of capabilities as bits. */
typedef struct mdg_capability_check {
    const midge_swarm *swarm;
    uint32_t n_fresh;
    midge_text fresh[MIDGE_SWARM_CAPABILITIES_MAX];
} mdg_capability_check;
/* Checks the names, and that the swarm's and all fresh ones stay in limits. */
midge_status mdg_capability_check_add(mdg_capability_check *check,
                                      const midge_text *names, uint32_t count,
                                      midge_error *err);
/* The bits of names; unknown ones are given a new bit. */
uint64_t mdg_capability_intern(midge_swarm *swarm, const midge_text *names,
                               uint32_t count);

/* swarm_view.c, swarm_new.c */
int mdg_state_is_final(uint32_t state);
/* succeeded if all n did, cancelled if one was, else failed */
midge_run_state mdg_run_outcome(uint32_t n, uint32_t n_succeeded,
                                uint32_t n_cancelled);
/* Grows *items to at least `need` elements, by doubling. */
midge_status mdg_grow(const midge_env *env, void **items, uint32_t *capacity,
                      uint64_t need, size_t element_size);

/* replay.c: does `event` fit the state? */
midge_status mdg_check_event(const midge_swarm *swarm, const midge_event *event,
                             midge_error *err);

/* decide.c: one decision being made, and what several commands share. */
typedef struct mdg_decision {
    const midge_swarm *swarm;
    const midge_command *command;
    midge_events *events;
    midge_error *err;
} mdg_decision;

/* A zeroed event with sequence number and time; NULL without memory. */
midge_event *mdg_emit(mdg_decision *d, midge_event_type type);
/* The same about a task: its run, agent, attempt and fence are filled in. */
midge_event *mdg_emit_task(mdg_decision *d, midge_event_type type,
                           uint32_t task);
/* events.c; ascending */
void mdg_sort_ids(uint32_t *ids, uint32_t count);
midge_status mdg_ids_add(const midge_env *env, mdg_ids *ids, uint32_t id);
/* Adds to events->found, sorted: tasks of the time queue due at `due_ms` or
 * earlier, or (all != 0) every one. */
midge_status mdg_find_timed(mdg_decision *d, int64_t due_ms, int all);
/* A task's attempt failed: retry, or the end with all that follows. */
midge_status mdg_emit_attempt_failed(mdg_decision *d, uint32_t task,
                                     midge_text error, int retryable);
/* A task of the run became final in this decision; finishes the run when it was
 * the last one. */
midge_status mdg_emit_final(mdg_decision *d, uint32_t run,
                            midge_task_state state);
/* All leases of `agent` (0: of everyone) released. */
midge_status mdg_emit_released(mdg_decision *d, uint32_t agent);
/* MIDGE_OK when the command's task is leased with the command's fence; else
 * result.rejected is emitted and the answer MIDGE_E_STALE or NOT_FOUND. */
midge_status mdg_check_fence(mdg_decision *d);
/* now + lease_ms, without overflow; MIDGE_E_INVALID for a negative lease. */
midge_status mdg_lease_end(mdg_decision *d, int64_t *until_ms);
/* a + b, at most INT64_MAX; b >= 0. */
int64_t mdg_add_ms(int64_t a, int64_t b);
/* Present agent or MIDGE_E_NOT_FOUND. */
midge_status mdg_check_agent(mdg_decision *d, uint32_t agent);

midge_status mdg_decide_join(mdg_decision *d);
midge_status mdg_decide_leave(mdg_decision *d);
midge_status mdg_decide_submit(mdg_decision *d);
midge_status mdg_decide_claim(mdg_decision *d);
midge_status mdg_decide_extend(mdg_decision *d);
midge_status mdg_decide_complete(mdg_decision *d);
midge_status mdg_decide_fail(mdg_decision *d);
midge_status mdg_decide_cancel(mdg_decision *d);
midge_status mdg_decide_recover(mdg_decision *d);
midge_status mdg_decide_tick(mdg_decision *d);

#endif
