/* swarm.h: the state of a swarm, as a fold over events.
 *
 *     decide(const state, command) -> events      may fail, changes nothing
 *     apply(state, event)                         cannot fail, changes state
 *
 * Nothing here reads a clock, draws a random number or touches a disk: time
 * arrives inside the command. A driver (host/loop) decides, writes the events
 * down, applies them. Replaying the events gives the same state, and the same
 * hash, natively and in WebAssembly.
 *
 * A task:
 *
 *   task.added       -> pending, or ready when it depends on nothing
 *   task.ready       pending, retry_wait -> ready
 *   task.leased      ready -> leased: attempt + 1, fence + 1
 *   lease.extended   leased -> leased: only the lease's end moves
 *   task.released    leased -> ready: owner gone, the attempt is given back
 *   task.retried     leased -> retry_wait: an attempt failed, more are left
 *   task.succeeded   leased -> succeeded
 *   task.failed      leased -> failed: last attempt, or not retryable
 *   task.skipped     pending -> skipped: a dependency did not succeed
 *   task.cancelled   any but final -> cancelled
 *   result.rejected  no change: a command with an old fence
 *
 * Promise: a task may be executed more than once (a worker may die), but one
 * result is recorded, and only the current fence can record it.
 */
#ifndef MIDGE_SWARM_H
#define MIDGE_SWARM_H

#include "midge/buf.h"
#include "midge/hash.h"
#include "midge/json.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MIDGE_SWARM_TASKS_MAX        1000000u
#define MIDGE_SWARM_AGENTS_MAX       65536u
#define MIDGE_SWARM_CAPABILITIES_MAX 64u  /* distinct ones in one swarm */
#define MIDGE_SWARM_NAME_MAX         128u /* bytes of a name, kind, capability */
#define MIDGE_SWARM_VALUE_MAX        262144u /* bytes of an input or a result */

typedef struct midge_swarm midge_swarm;

typedef enum midge_task_state {
    MIDGE_TASK_PENDING,
    MIDGE_TASK_READY,
    MIDGE_TASK_LEASED,
    MIDGE_TASK_RETRY_WAIT,
    MIDGE_TASK_SUCCEEDED,
    MIDGE_TASK_FAILED,
    MIDGE_TASK_CANCELLED,
    MIDGE_TASK_SKIPPED
} midge_task_state;

typedef enum midge_run_state {
    MIDGE_RUN_ACTIVE,
    MIDGE_RUN_SUCCEEDED,
    MIDGE_RUN_FAILED,
    MIDGE_RUN_CANCELLED
} midge_run_state;

/* X(NAME, "name in files", the fields it carries: see spec/events/) */
#define MIDGE_EVENT_LIST(X)                                                    \
    X(AGENT_JOINED, "agent.joined")                                            \
    X(AGENT_LEFT, "agent.left")                                                \
    X(RUN_SUBMITTED, "run.submitted")                                          \
    X(RUN_FINISHED, "run.finished")                                            \
    X(TASK_ADDED, "task.added")                                                \
    X(TASK_READY, "task.ready")                                                \
    X(TASK_LEASED, "task.leased")                                              \
    X(LEASE_EXTENDED, "lease.extended")                                        \
    X(TASK_RELEASED, "task.released")                                          \
    X(TASK_RETRIED, "task.retried")                                            \
    X(TASK_SUCCEEDED, "task.succeeded")                                        \
    X(TASK_FAILED, "task.failed")                                              \
    X(TASK_SKIPPED, "task.skipped")                                            \
    X(TASK_CANCELLED, "task.cancelled")                                        \
    X(RESULT_REJECTED, "result.rejected")

typedef enum midge_event_type {
#define MIDGE_EVENT_ENUM(name, text) MIDGE_EVENT_##name,
    MIDGE_EVENT_LIST(MIDGE_EVENT_ENUM)
#undef MIDGE_EVENT_ENUM
        MIDGE_EVENT_TYPES /* how many there are */
} midge_event_type;

/* One event; which fields count depends on the type (spec/events/). Texts and
 * arrays are borrowed. Ids count from 1 in order of appearance; 0 is "none". */
typedef struct midge_event {
    midge_event_type type;
    uint32_t run;
    uint32_t task;
    uint32_t agent;
    uint32_t attempt;
    uint32_t max_attempts;
    uint32_t slots;
    int32_t priority;
    int32_t run_state; /* midge_run_state, of run.finished */
    uint64_t seq;      /* dense from 1; set when the event is decided */
    uint64_t fence;
    int64_t at_ms;    /* Unix time */
    int64_t until_ms; /* end of a lease; moment of a retry */
    int64_t
        backoff_ms;  /* of task.added: wait before the 2nd attempt; doubles */
    midge_text name; /* of an agent, run, task */
    midge_text key;  /* idempotency key of a run */
    midge_text kind; /* the operation a task is */
    midge_text pattern;   /* cognitive pattern of an agent */
    midge_text input;     /* JSON */
    midge_text result;    /* JSON */
    midge_text error;     /* text for a person */
    const uint32_t *deps; /* task ids */
    uint32_t n_deps;
    const midge_text *capabilities; /* an agent's; or what a task requires */
    uint32_t n_capabilities;
} midge_event;

typedef enum midge_command_type {
    MIDGE_COMMAND_JOIN,     /* agent (name unique among present agents) */
    MIDGE_COMMAND_LEAVE,    /* agent: its leases are released */
    MIDGE_COMMAND_SUBMIT,   /* run with tasks; a known key changes nothing */
    MIDGE_COMMAND_CLAIM,    /* agent 0 means: any agent that fits best */
    MIDGE_COMMAND_EXTEND,   /* task, fence, lease_ms from now */
    MIDGE_COMMAND_COMPLETE, /* task, fence, result */
    MIDGE_COMMAND_FAIL,     /* task, fence, error, retryable */
    MIDGE_COMMAND_CANCEL,   /* run */
    MIDGE_COMMAND_RECOVER,  /* all leases of a process that is gone: released */
    MIDGE_COMMAND_TICK      /* time passed: expired leases, due retries */
} midge_command_type;

typedef struct midge_task_spec {
    midge_text name; /* unique in its run */
    midge_text kind;
    midge_text input;     /* JSON; may refer to results: {"$task":"name"} */
    const uint32_t *deps; /* positions in the submission, each one earlier */
    uint32_t n_deps;
    const midge_text *capabilities; /* required: all of them */
    uint32_t n_capabilities;
    int32_t priority;      /* higher first */
    uint32_t max_attempts; /* 0 means 3 */
    int64_t backoff_ms;    /* 0 means 1000 */
} midge_task_spec;

typedef struct midge_command {
    midge_command_type type;
    uint32_t agent;
    uint32_t run;
    uint32_t task;
    uint32_t slots; /* of JOIN; 0 means 1 */
    int retryable;  /* of FAIL */
    uint64_t fence;
    int64_t now_ms;
    int64_t lease_ms; /* of CLAIM and EXTEND; 0 means 30000 */
    midge_text name;
    midge_text key;
    midge_text pattern;
    midge_text result;
    midge_text error;
    const midge_text *capabilities;
    uint32_t n_capabilities;
    const midge_task_spec *tasks;
    uint32_t n_tasks;
} midge_command;

/* The events of one decision. Reused: clearing keeps the memory. */
typedef struct midge_events midge_events;
MIDGE_API MIDGE_NODISCARD midge_status midge_events_new(const midge_env *env,
                                                        midge_events **out);
MIDGE_API void midge_events_free(midge_events *events);
MIDGE_API size_t midge_events_count(const midge_events *events);
MIDGE_API const midge_event *midge_events_at(const midge_events *events,
                                             size_t position);

MIDGE_API MIDGE_NODISCARD midge_status midge_swarm_new(const midge_env *env,
                                                       midge_swarm **out);
MIDGE_API void midge_swarm_free(midge_swarm *swarm);

/* Fills `events` (cleared first) with what `command` means in this state. They
 * borrow from the command and the state until the next apply. No event is an
 * answer too: CLAIM with nothing to do, SUBMIT of a known key, TICK with
 * nothing due, CANCEL of a cancelled run. Errors: MIDGE_E_NOT_FOUND,
 * MIDGE_E_EXISTS (JOIN), MIDGE_E_STATE (CANCEL of a run that ended otherwise),
 * MIDGE_E_INVALID (cycle, unknown dependency, duplicate: named in err),
 * MIDGE_E_LIMIT, MIDGE_E_STALE (COMPLETE, FAIL and EXTEND with an old fence:
 * `events` then holds result.rejected, to be recorded although the command
 * failed). */
MIDGE_API MIDGE_NODISCARD midge_status
midge_swarm_decide(const midge_swarm *swarm, const midge_command *command,
                   midge_events *events, midge_error *err);

/* Memory for applying `event`, taken before it is written down. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_swarm_reserve(midge_swarm *swarm, const midge_event *event);
/* Changes the state. `event` was decided against this very state, or comes from
 * the log in order, and was reserved. */
MIDGE_API void midge_swarm_apply(midge_swarm *swarm, const midge_event *event);
/* For events from a log: checks that `event` fits the state (sequence, ids,
 * transition), reserves, applies. MIDGE_E_CORRUPT says what does not fit. */
MIDGE_API MIDGE_NODISCARD midge_status midge_swarm_replay(
    midge_swarm *swarm, const midge_event *event, midge_error *err);

/* SHA-256 over a canonical serialisation of the whole state. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_swarm_hash(const midge_swarm *swarm, char hex[MIDGE_SHA256_HEX]);

/* An event as one line of JSON without a newline, and back. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_event_write(const midge_event *event, midge_buf *out);
MIDGE_API MIDGE_NODISCARD midge_status midge_event_read(midge_arena *arena,
                                                        const char *text,
                                                        size_t size,
                                                        midge_event *out,
                                                        midge_error *err);
MIDGE_API const char *midge_event_name(midge_event_type type);
MIDGE_API const char *midge_task_state_name(midge_task_state state);
MIDGE_API const char *midge_run_state_name(midge_run_state state);

/* Views, borrowed until the next apply. */
typedef struct midge_task_view {
    uint32_t id;
    uint32_t run;
    midge_task_state state;
    uint32_t agent; /* owner of the lease, or who finished it */
    uint32_t attempt;
    uint32_t max_attempts;
    uint64_t fence;
    int64_t lease_until_ms;
    int32_t priority;
    midge_text name;
    midge_text kind;
    midge_text input;
    midge_text result;
    midge_text error;
} midge_task_view;

typedef struct midge_agent_view {
    uint32_t id;
    int present;
    uint32_t slots;
    uint32_t leased; /* tasks it holds now */
    uint32_t succeeded;
    uint32_t failed; /* attempts */
    midge_text name;
    midge_text pattern;
} midge_agent_view;

typedef struct midge_run_view {
    uint32_t id;
    midge_run_state state;
    uint32_t n_tasks;
    uint32_t n_by_state[8]; /* by midge_task_state */
    uint32_t first_task;    /* ids of a run's tasks are consecutive */
    midge_text name;
    midge_text key;
} midge_run_view;

MIDGE_API uint64_t midge_swarm_last_seq(const midge_swarm *swarm);
MIDGE_API uint32_t midge_swarm_n_tasks(const midge_swarm *swarm);
MIDGE_API uint32_t midge_swarm_n_agents(const midge_swarm *swarm);
MIDGE_API uint32_t midge_swarm_n_runs(const midge_swarm *swarm);
/* 1 and a filled view, or 0 when there is no such id. */
MIDGE_API int midge_swarm_task(const midge_swarm *swarm, uint32_t id,
                               midge_task_view *view);
MIDGE_API int midge_swarm_agent(const midge_swarm *swarm, uint32_t id,
                                midge_agent_view *view);
MIDGE_API int midge_swarm_run(const midge_swarm *swarm, uint32_t id,
                              midge_run_view *view);
/* Ids by name or key; 0 when absent. */
MIDGE_API uint32_t midge_swarm_find_agent(const midge_swarm *swarm,
                                          midge_text name);
MIDGE_API uint32_t midge_swarm_find_run(const midge_swarm *swarm,
                                        midge_text key);
MIDGE_API uint32_t midge_swarm_find_task(const midge_swarm *swarm, uint32_t run,
                                         midge_text name);
/* When TICK next has something to do (Unix ms), or INT64_MAX. */
MIDGE_API int64_t midge_swarm_next_due_ms(const midge_swarm *swarm);

/* The input of a task with every {"$task":"name","path":"/a/b"} replaced by
 * that task's result (same run; path is a JSON Pointer, optional). */
MIDGE_API MIDGE_NODISCARD midge_status midge_swarm_task_input(
    const midge_swarm *swarm, uint32_t task, midge_buf *out, midge_error *err);

/* A SUBMIT command from a plan:
 *   {"name":"...","key":"...","tasks":[{"name":"a","kind":"op","input":{},
 *    "after":["b"],"requires":["compute"],"priority":0,"max_attempts":3,
 *    "backoff_ms":1000}]}
 * Tasks may stand in any order; cycles, unknown names and duplicates are
 * refused with the names. The command borrows from the arena. now_ms is left
 * to the caller. */
MIDGE_API MIDGE_NODISCARD midge_status midge_plan_read(midge_arena *arena,
                                                       const char *text,
                                                       size_t size,
                                                       midge_command *out,
                                                       midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
