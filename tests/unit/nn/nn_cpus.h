/* nn_cpus.h: the tables of kernels that this machine can run, the scalar one
 * first. */
#ifndef NN_CPUS_H
#define NN_CPUS_H

#include "midge/env.h"

#define CPUS_MAX 5

/* MIDGE_CPU_* bits of each; returns how many. */
static inline size_t nn_cpus(uint32_t *bits) {
    size_t n = 0;
    bits[n++] = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt")) {
        bits[n++] = MIDGE_CPU_V2;
        if (__builtin_cpu_supports("avx2")) {
            bits[n++] = MIDGE_CPU_V2 | MIDGE_CPU_AVX2;
            if (__builtin_cpu_supports("avx512f") &&
                __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl")) {
                bits[n++] = MIDGE_CPU_V2 | MIDGE_CPU_AVX2 | MIDGE_CPU_AVX512;
                if (__builtin_cpu_supports("avx512vnni") &&
                    __builtin_cpu_supports("avx512vpopcntdq") &&
                    __builtin_cpu_supports("avx512bitalg") &&
                    __builtin_cpu_supports("avx512vbmi")) {
                    bits[n] = bits[n - 1] | MIDGE_CPU_AVX512ICL;
                    n++;
                }
            }
        }
    }
#elif defined(__aarch64__)
    bits[n++] = MIDGE_CPU_NEON;
#endif
    return n;
}

#endif
