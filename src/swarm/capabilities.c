/* capabilities.c: what agents can do and tasks require, as bits of one mask. A
 * name keeps its bit for ever; the order of appearance in the log decides. */
#include <string.h>

#include "base/mdg_assert.h"
#include "swarm/state.h"

/* Position of a known name, or n_capabilities. */
static uint32_t find(const midge_swarm *swarm, midge_text name) {
    uint32_t i = 0;
    while (i < swarm->n_capabilities) {
        midge_text known = {swarm->capabilities[i], swarm->capability_sizes[i]};
        if (mdg_text_equal(known, name)) {
            break;
        }
        i++;
    }
    return i;
}

static int is_fresh(const mdg_capability_check *check, midge_text name) {
    for (uint32_t i = 0; i < check->n_fresh; i++) {
        if (mdg_text_equal(check->fresh[i], name)) {
            return 0;
        }
    }
    return find(check->swarm, name) == check->swarm->n_capabilities;
}

midge_status mdg_capability_check_add(mdg_capability_check *check,
                                      const midge_text *names, uint32_t count,
                                      midge_error *err) {
    if (count > MIDGE_SWARM_CAPABILITIES_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT, "%u capabilities, at most %u",
                          count, MIDGE_SWARM_CAPABILITIES_MAX);
    }
    if (count > 0 && names == NULL) {
        return midge_fail(err, MIDGE_E_INVALID, "capabilities are missing");
    }
    for (uint32_t i = 0; i < count; i++) {
        MIDGE_TRY(mdg_check_name(names[i], 1, "a capability", err));
        if (!is_fresh(check, names[i])) {
            continue;
        }
        if (check->swarm->n_capabilities + check->n_fresh ==
            MIDGE_SWARM_CAPABILITIES_MAX) {
            return midge_fail(err, MIDGE_E_LIMIT,
                              "more than %u distinct capabilities",
                              MIDGE_SWARM_CAPABILITIES_MAX);
        }
        check->fresh[check->n_fresh++] = names[i];
    }
    return MIDGE_OK;
}

uint64_t mdg_capability_intern(midge_swarm *swarm, const midge_text *names,
                               uint32_t count) {
    uint64_t mask = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bit = find(swarm, names[i]);
        if (mdg_never(bit == MIDGE_SWARM_CAPABILITIES_MAX ||
                      names[i].size > MIDGE_SWARM_NAME_MAX)) {
            continue;
        }
        if (bit == swarm->n_capabilities) {
            memcpy(swarm->capabilities[bit], names[i].data, names[i].size);
            swarm->capability_sizes[bit] = (uint8_t)names[i].size;
            swarm->n_capabilities++;
        }
        mask |= (uint64_t)1 << bit;
    }
    return mask;
}
