/* decide_fail.c: a worker reports that its attempt did not succeed. */
#include "swarm/state.h"

midge_status mdg_decide_fail(mdg_decision *d) {
    const midge_command *c = d->command;
    MIDGE_TRY(mdg_check_error_text(c->error, d->err));
    MIDGE_TRY(mdg_check_fence(d));
    return mdg_emit_attempt_failed(d, c->task, c->error, c->retryable);
}
