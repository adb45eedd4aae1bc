/* swarm_fixture.h: a live swarm and a second one that only ever sees the log.
 *
 * fixture_do decides, reserves, applies; writes each event as JSON, reads it
 * back, replays it in the mirror, and checks after every event that both hash
 * alike and that all invariants of state.h hold. */
#ifndef SWARM_FIXTURE_H
#define SWARM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "midge/swarm.h"
#include "test_env.h"

typedef struct fixture {
    struct test_env memory;
    midge_swarm *live;
    midge_swarm *mirror;
    midge_events *events;
    midge_error err;
    char trace[8192]; /* the events of the last command, one a line */
    size_t trace_size;
    int check; /* 0: skip the comparison of hashes (for speed) */
} fixture;

void fixture_open(fixture *f);
void fixture_close(fixture *f);
midge_status fixture_do(fixture *f, const midge_command *command);
/* The same, which must succeed, and must come to these events. */
void fixture_expect(fixture *f, midge_command command, const char *trace);
midge_text text(const char *zero_terminated);
/* Recounts everything that state.h promises; ends the test when one is off. */
void check_invariants(const midge_swarm *swarm);

/* Short commands. */
midge_command cmd_join(const char *name, uint32_t slots, const midge_text *can,
                       uint32_t n);
midge_command cmd_submit(const char *key, const midge_task_spec *tasks,
                         uint32_t n);
midge_command cmd_claim(uint32_t agent, int64_t now_ms);
midge_command cmd_complete(uint32_t task, uint64_t fence, const char *result);
midge_command cmd_fail(uint32_t task, uint64_t fence, int retryable,
                       int64_t now_ms);
midge_command cmd(midge_command_type type, int64_t now_ms);

#endif
