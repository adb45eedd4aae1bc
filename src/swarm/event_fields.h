/* event_fields.h: made by tools/gen_events.py from spec/events/. */
#ifndef MDG_EVENT_FIELDS_H
#define MDG_EVENT_FIELDS_H

/* clang-format off */
/* X(member of midge_event and key in JSON, type) */
#define MDG_EVENT_FIELD_LIST(X) \
    X(seq, U64) \
    X(at_ms, I64) \
    X(run, U32) \
    X(task, U32) \
    X(agent, U32) \
    X(slots, U32) \
    X(run_state, RUN_STATE) \
    X(max_attempts, U32) \
    X(priority, I32) \
    X(backoff_ms, I64) \
    X(name, TEXT) \
    X(pattern, TEXT) \
    X(key, TEXT) \
    X(kind, TEXT) \
    X(input, JSON) \
    X(deps, U32S) \
    X(capabilities, TEXTS) \
    X(attempt, U32) \
    X(fence, U64) \
    X(until_ms, I64) \
    X(error, TEXT) \
    X(result, JSON)

/* X(NAME, which fields its events carry) */
#define MDG_EVENT_MASK_LIST(X) \
    X(AGENT_JOINED, 0x010c33u) \
    X(AGENT_LEFT, 0x000013u) \
    X(LEASE_EXTENDED, 0x0c001fu) \
    X(RESULT_REJECTED, 0x04001fu) \
    X(RUN_FINISHED, 0x000047u) \
    X(RUN_SUBMITTED, 0x001407u) \
    X(TASK_ADDED, 0x01e78fu) \
    X(TASK_CANCELLED, 0x00000fu) \
    X(TASK_FAILED, 0x16001fu) \
    X(TASK_LEASED, 0x0e001fu) \
    X(TASK_READY, 0x00000fu) \
    X(TASK_RELEASED, 0x06001fu) \
    X(TASK_RETRIED, 0x1e001fu) \
    X(TASK_SKIPPED, 0x00000fu) \
    X(TASK_SUCCEEDED, 0x26001fu)
/* clang-format on */

#endif
