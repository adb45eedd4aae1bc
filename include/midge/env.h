/* env.h: what the core gets from the world: memory, a log, the CPU's abilities,
 * and other threads to share a loop with.
 *
 * An env is given to constructors and borrowed for the life of what they make.
 * The core has no global state and never calls malloc; `midge_os_env` (os.h)
 * fills an env with the C library's allocator and the CPU that is running.
 */
#ifndef MIDGE_ENV_H
#define MIDGE_ENV_H

#include <stddef.h>
#include <stdint.h>

#include "midge/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One allocator function. `old_bytes` is the size asked for before (0 with a
 * NULL `block`); `new_bytes` 0 frees and returns NULL. Returns NULL when there
 * is no memory, and then `block` stays valid. Blocks are aligned to 64 bytes
 * when 64 bytes or larger, to 16 otherwise. */
typedef void *(*midge_realloc_fn)(void *ctx, void *block, size_t old_bytes,
                                  size_t new_bytes);

typedef enum midge_log_level {
    MIDGE_LOG_DEBUG,
    MIDGE_LOG_INFO,
    MIDGE_LOG_WARN,
    MIDGE_LOG_ERROR
} midge_log_level;

/* `message` is "key=value key=value", without a newline and without secrets. */
typedef void (*midge_log_fn)(void *ctx, midge_log_level level,
                             const char *message);

/* CPU abilities the kernels can use; 0 is the scalar definition. */
enum {
    MIDGE_CPU_V2 = 1,         /* x86-64-v2: SSE4.2, POPCNT */
    MIDGE_CPU_AVX2 = 2,       /* x86-64-v3: AVX2, BMI, FMA, F16C */
    MIDGE_CPU_AVX512 = 4,     /* x86-64-v4: AVX-512 F, BW, CD, DQ, VL */
    MIDGE_CPU_SIMD128 = 8,    /* WebAssembly SIMD */
    MIDGE_CPU_AVX512ICL = 16, /* and VNNI, VPOPCNTDQ, BITALG, VBMI */
    MIDGE_CPU_NEON = 32       /* AArch64, which always has it */
};

/* One share of a parallel loop: the indices from `begin` to below `end`. Shares
 * of a loop that run at the same time have different `worker`s, all below
 * env.workers; those of two loops may have the same. */
typedef void (*midge_range_fn)(void *arg, size_t begin, size_t end,
                               unsigned worker);

/* Calls `body` for shares that together are [0, count), each once, and returns
 * when all are done; their order and their threads are not specified. A share
 * has `grain` indices or more, but the last. A body may not start a loop on the
 * same env. Cannot fail. */
typedef void (*midge_parallel_fn)(void *ctx, size_t count, size_t grain,
                                  midge_range_fn body, void *arg);

typedef struct midge_env {
    midge_realloc_fn realloc_fn; /* required */
    void *alloc_ctx;
    midge_log_fn log_fn; /* may be NULL */
    void *log_ctx;
    uint32_t cpu; /* MIDGE_CPU_* bits */
    /* Shares loops among `workers` threads, the caller's one of them. NULL: the
     * caller does it all, and `workers` counts as 1. */
    midge_parallel_fn parallel_fn;
    void *parallel_ctx;
    unsigned workers;
} midge_env;

#ifdef __cplusplus
}
#endif
#endif
