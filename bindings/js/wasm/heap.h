/* heap.h: the allocator of the wasm build, in the shape a midge_env wants. */
#ifndef HEAP_H
#define HEAP_H

#include <stddef.h>

/* Between the last block and the end of the memory: what reads a little too far
 * ahead does not trap. */
#define HEAP_TAIL_BYTES 128u

/* A midge_realloc_fn; `ctx` is not used. Blocks are 64-byte aligned. */
void *heap_realloc(void *ctx, void *block, size_t old_bytes, size_t new_bytes);
/* Bytes in use now, rounded as they are held. */
size_t heap_used_bytes(void);
/* The most that was in use at one time. */
size_t heap_peak_bytes(void);

#endif
