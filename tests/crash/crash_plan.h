/* crash_plan.h: the graph of quick tasks that child and parent agree on. */
#ifndef CRASH_PLAN_H
#define CRASH_PLAN_H

#include <stdio.h>

#include "midge/buf.h"

#define CRASH_TASKS 300u

/* Task i copies the value of task i-3 and also waits for i-7: the 7 with which
 * the first tasks begin must arrive in every result. */
static inline void crash_plan_write(midge_buf *plan) {
    char line[256];
    midge_buf_puts(plan, "{\"name\":\"crash\",\"key\":\"once\",\"tasks\":[");
    for (unsigned i = 0; i < CRASH_TASKS; i++) {
        const char *comma = i ? "," : "";
        if (i < 7) {
            snprintf(line, sizeof line,
                     "%s{\"name\":\"t%u\",\"kind\":\"test.slow\",\"input\":"
                     "{\"value\":7}}",
                     comma, i);
        } else {
            snprintf(line, sizeof line,
                     "%s{\"name\":\"t%u\",\"kind\":\"test.slow\",\"after\":"
                     "[\"t%u\",\"t%u\"],\"input\":{\"value\":{\"$task\":"
                     "\"t%u\",\"path\":\"/value\"}}}",
                     comma, i, i - 3, i - 7, i - 3);
        }
        midge_buf_puts(plan, line);
    }
    midge_buf_puts(plan, "]}");
}

#endif
