/* memory_store.h: a store without a disk, for tests and for swarms that need
 * not survive their process. */
#ifndef MIDGE_MEMORY_STORE_H
#define MIDGE_MEMORY_STORE_H

#include "loop/store.h"

#ifdef __cplusplus
extern "C" {
#endif

MIDGE_API MIDGE_NODISCARD midge_status
midge_memory_store_new(const midge_env *env, midge_store **out);

#ifdef __cplusplus
}
#endif
#endif
