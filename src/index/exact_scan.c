/* exact_scan.c: a block of rows measured by the scorer of each query. The block
 * stays in a near cache while all queries of a share are compared with it. */
#include "index/exact.h"

void mdg_exact_scan(const mdg_exact_queries *queries,
                    mdg_exact_scratch *scratch, mdg_best *best) {
    const mdg_exact_block *block = &scratch->block;
    for (uint32_t q = 0; q < queries->count; q++) {
        mdg_scorer scorer = queries->scorers[q];
        scorer.decoded = scratch->decoded;
        mdg_score(&scorer, block->count, block->rows, scratch->distances);
        for (uint32_t i = 0; i < block->count; i++) {
            float d = scratch->distances[i];
            if (!(d > best[q].reach)) {
                mdg_best_offer(best + q, block->rows[i], d);
            }
        }
    }
}
