/* variants.h: the tables of kernels that this CPU can run, scalar first. */
#ifndef TEST_KERNEL_VARIANTS_H
#define TEST_KERNEL_VARIANTS_H

#include <string.h>

#include "kernels/kernels.h"
#include "midge/env.h"

#define VARIANTS_MAX 4

struct variants {
    const mdg_kernels *table[VARIANTS_MAX];
    int count;
};

static inline void add_variant(struct variants *v, uint32_t bit,
                               const char *isa) {
    const mdg_kernels *k = mdg_kernels_select(bit);
    if (strcmp(k->isa, isa) == 0) {
        v->table[v->count++] = k;
    }
}

static inline struct variants variants_here(void) {
    struct variants v = {.count = 0};
    add_variant(&v, 0, "scalar");
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        add_variant(&v, MIDGE_CPU_V2, "v2");
    }
    if (__builtin_cpu_supports("avx2")) {
        add_variant(&v, MIDGE_CPU_AVX2, "avx2");
    }
    if (__builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        add_variant(&v, MIDGE_CPU_AVX512, "avx512");
    }
#endif
    return v;
}

#endif
