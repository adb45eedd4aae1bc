/* index_numbers.h: numbers as JavaScript lays them out for the doors of an
 * index, the whole one and the small one: little-endian words, in this order.
 */
#ifndef MIDGE_WASM_INDEX_NUMBERS_H
#define MIDGE_WASM_INDEX_NUMBERS_H

#include <stdint.h>

#define ID_EXACT ((uint64_t)1 << 53) /* doubles tell those below apart */

typedef struct index_numbers {
    uint32_t dim, metric, kind, storage, walk, id_type, m, ef_construction, ef;
    uint32_t seed_low, seed_high;
} index_numbers;

typedef struct search_numbers {
    uint32_t count, k, ef, within, exact;
    float radius;
} search_numbers;

#endif
