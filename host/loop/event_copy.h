/* event_copy.h: an event that outlives the decision it came from. */
#ifndef MDG_EVENT_COPY_H
#define MDG_EVENT_COPY_H

#include "midge/swarm.h"

/* Copies `event` with all its texts and arrays into the arena; NULL without
 * memory. */
midge_event *mdg_event_copy(midge_arena *arena, const midge_event *event);

#endif
