/* variants.h: the tables of kernels that this CPU can run, scalar first. */
#ifndef TEST_KERNEL_VARIANTS_H
#define TEST_KERNEL_VARIANTS_H

#include <string.h>

#include "kernels/kernels.h"
#include "midge/os.h"

#define VARIANTS_MAX 6

struct variants {
    const mdg_kernels *table[VARIANTS_MAX];
    int count;
};

static inline uint32_t cpu_here(void) {
    return midge_os_env().cpu;
}

/* Each level of the CPU's abilities has a table; one that the build lacks
 * selects a table that is there already. */
static inline struct variants variants_here(void) {
    static const uint32_t levels[] = {MIDGE_CPU_V2, MIDGE_CPU_AVX2,
                                      MIDGE_CPU_AVX512, MIDGE_CPU_AVX512ICL,
                                      MIDGE_CPU_NEON};
    struct variants v = {.table = {mdg_kernels_select(0)}, .count = 1};
    const uint32_t cpu = cpu_here();
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        const mdg_kernels *k = mdg_kernels_select(levels[i]);
        if ((cpu & levels[i]) != 0 && k != v.table[v.count - 1]) {
            v.table[v.count++] = k;
        }
    }
    return v;
}

#endif
