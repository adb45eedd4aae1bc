/* entry.h: what the doors of both modules share.
 *
 * A wasm instance is one thread with one memory, so a door, unlike the core
 * behind it, may hold an env and the last error. Handles are pointers; sizes
 * and counts are 32-bit. A function that can fail returns a midge_status, or a
 * handle that is 0; error_text then says why.
 */
#ifndef MIDGE_WASM_ENTRY_H
#define MIDGE_WASM_ENTRY_H

#include "midge/env.h"
#include "midge/status.h"

#define EXPORT(name) __attribute__((export_name(#name)))

extern const midge_env entry_env;
extern midge_error entry_error;

void *entry_alloc(size_t size);
void entry_release(void *block, size_t size);

#endif
