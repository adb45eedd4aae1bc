/* search_plan.h: which way the queries of a run are answered. */
#ifndef MDG_SEARCH_PLAN_H
#define MDG_SEARCH_PLAN_H

#include "index/index_internal.h"

/* How the queries of a run are answered. */
typedef struct mdg_search_plan {
    int exact;
    int pass;         /* rows may be dead, or fail the filter */
    uint32_t k;       /* at most the rows there are */
    uint32_t ef;      /* nodes that the walk looks at, at least */
    uint32_t limit;   /* keys of the buffer */
    uint32_t found;   /* keys of those that pass */
    uint32_t rescore; /* rows measured again; 0: distances are right */
    double selectivity;
} mdg_search_plan;

/* MIDGE_E_INVALID when a query cannot be asked; names what is wrong. */
midge_status mdg_search_check(const midge_index *index, const midge_query *q,
                              midge_error *err);
mdg_search_plan mdg_search_plan_make(const midge_index *index,
                                     const midge_query *q);

#endif
