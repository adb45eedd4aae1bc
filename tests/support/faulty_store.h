/* faulty_store.h: a store in memory whose n-th append fails, half done. */
#ifndef FAULTY_STORE_H
#define FAULTY_STORE_H

#include "loop/driver.h"

typedef struct faulty_store {
    midge_store port; /* first */
    const midge_env *env;
    midge_store *inner;
    uint64_t appends;
    uint64_t fail_at; /* this append fails with "the disk is full"; 0: none */
    int fail_each;    /* reading fails */
    int keep;         /* close does nothing */
} faulty_store;

/* Aborts without memory. */
faulty_store *faulty_store_new(const midge_env *env);
/* 1 when the driver's state has the hash of a replay of the store. */
int faulty_store_matches(faulty_store *store, midge_driver *driver);

/* A fresh swarm from a store's events up to `last` (0: all of them); aborts
 * when they do not replay. */
midge_swarm *replay_store(const midge_env *env, midge_store *store,
                          uint64_t last);

#endif
