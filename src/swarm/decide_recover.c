/* decide_recover.c: the process that held the leases is gone. Its attempts are
 * given back: they say nothing about the tasks. */
#include "swarm/state.h"

midge_status mdg_decide_recover(mdg_decision *d) {
    return mdg_emit_released(d, 0);
}
