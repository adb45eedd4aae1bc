/* learn_candidate.h: what a search found, as JSON and blobs.
 *
 *     {"name","agent","pattern","round","family","config",
 *      "score","score_se","folds","rows","seconds",
 *      "epochs_planned","epochs_done","stopped_early",
 *      "oof": blob of the out-of-fold predictions, "model": blob}
 */
#ifndef MDG_LEARN_CANDIDATE_H
#define MDG_LEARN_CANDIDATE_H

#include "ops/learn_fit.h"

typedef struct mdg_candidate_head {
    const char *agent;
    const char *pattern;
    int64_t round; /* the name is agent-round, or agent-check when < 0 */
} mdg_candidate_head;

/* Fits `config`, stores the blobs and writes {"candidate", "reason"} members
 * into the open object: null, why, and the seconds spent when training came to
 * nothing (diverged, or too little time). `gain` (n_rows, may be NULL) receives
 * each row's gain, `score` their mean; *found is 0 for a null candidate. */
midge_status mdg_candidate_make(const mdg_fit *fit, const mdg_config *config,
                                const mdg_candidate_head *head,
                                midge_json_writer *w, double *gain,
                                double *score, int *found, midge_error *err);

/* The candidates of a board; NULL when there are none. */
const midge_json *mdg_board_first(const midge_json *board);
/* The configuration of a candidate. */
midge_status mdg_candidate_config(const midge_json *candidate, mdg_config *out,
                                  midge_error *err);

#endif
