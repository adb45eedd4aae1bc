/* learn_report.h: the parts a report is made of, and its Markdown form. */
#ifndef MDG_LEARN_REPORT_H
#define MDG_LEARN_REPORT_H

#include "midge/json.h"

typedef struct mdg_report {
    const char *title;
    const midge_json *agents;
    const midge_json *load;
    const midge_json *split;
    const midge_json *board;
    const midge_json *critiques;
    const midge_json *ensemble;
    const midge_json *test;
    int64_t seed;
} mdg_report;

/* What learn.test measured of an agent; NULL when nothing. */
const midge_json *mdg_report_tested(const mdg_report *report,
                                    const char *agent);
/* Failures stick to `out`. */
void mdg_report_markdown(const mdg_report *report, midge_buf *out);

#endif
