/* pool_loop.h: the loops of midge-threads-*.wasm, shared among the threads that
 * run instances of it over one memory.
 *
 * One thread, the caller, makes that memory's first instance and calls all
 * doors; it alone allocates. Every other thread runs an instance of its own
 * that does nothing but pool_serve. */
#ifndef MIDGE_WASM_POOL_LOOP_H
#define MIDGE_WASM_POOL_LOOP_H

#include "midge/env.h"

/* What the doors give to the core: loops are shared, memory comes from the heap
 * and traps when a body asks for some. */
extern midge_env pool_env;

/* MIDGE_OK, or how a worker failed while it had a share: then what was computed
 * is worth nothing and the pool is done for. */
midge_status pool_health(midge_error *err);

#endif
