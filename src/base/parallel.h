/* parallel.h: loops that may run on several threads, if the env has them. */
#ifndef MDG_PARALLEL_H
#define MDG_PARALLEL_H

#include "midge/env.h"

/* Shares that can run at once: at least 1. Scratch memory is kept per worker.
 */
static inline unsigned mdg_workers(const midge_env *env) {
    return env->parallel_fn && env->workers > 1 ? env->workers : 1;
}

/* See midge_parallel_fn. A loop that fits one share runs in the caller, as
 * worker 0. */
static inline void mdg_parallel_for(const midge_env *env, size_t count,
                                    size_t grain, midge_range_fn body,
                                    void *arg) {
    if (count == 0) {
        return;
    }
    if (mdg_workers(env) == 1 || count <= grain) {
        body(arg, 0, count, 0);
        return;
    }
    env->parallel_fn(env->parallel_ctx, count, grain, body, arg);
}

#endif
