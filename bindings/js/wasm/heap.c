/* heap.c: memory for the freestanding wasm build.
 *
 * The allocator needs no headers, because every user of a midge_env says how
 * large a block was when it gives it back. Sizes are rounded up to 64 bytes, so
 * every block is 64-byte aligned. Free blocks are one list ordered by address;
 * neighbours are joined, and the last block before the end of the heap can grow
 * the memory.
 *
 * Invariants: 1. list addresses strictly increase and no two blocks touch;
 * 2. every size is a multiple of GRAIN; 3. [heap_base, heap_end) is split into
 * blocks in use and blocks in the list; 4. heap_end is HEAP_TAIL_BYTES before
 * the end of the memory.
 */
#include "heap.h"

#include <stdint.h>
#include <string.h>

#define GRAIN 64u
#define PAGE  65536u

#ifdef __wasm__
extern unsigned char __heap_base;

static uintptr_t heap_base(void) {
    return (uintptr_t)&__heap_base;
}

static uintptr_t memory_end(void) {
    return (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
}

static int memory_grow(size_t pages) {
    return __builtin_wasm_memory_grow(0, pages) != SIZE_MAX;
}
#else /* the test has a memory of its own */
static uintptr_t heap_base(void);
static uintptr_t memory_end(void);
static int memory_grow(size_t pages);
#endif

typedef struct free_block {
    size_t size;
    struct free_block *next;
} free_block;

static free_block *first_free;
static uintptr_t heap_end; /* 0 until the first allocation */
static size_t used_bytes;
static size_t peak_bytes;

static size_t round_up(size_t size) {
    return (size + GRAIN - 1) & ~(size_t)(GRAIN - 1);
}

/* Puts a block back into the list and joins it with its neighbours. */
static void give_back(uintptr_t at, size_t size) {
    free_block **link = &first_free;
    free_block *before = NULL;
    while (*link && (uintptr_t)*link < at) {
        before = *link;
        link = &before->next;
    }
    free_block *block = (free_block *)at;
    block->size = size;
    block->next = *link;
    *link = block;
    if (block->next && at + block->size == (uintptr_t)block->next) {
        block->size += block->next->size;
        block->next = block->next->next;
    }
    if (before && (uintptr_t)before + before->size == at) {
        before->size += block->size;
        before->next = block->next;
    }
}

/* Bytes of the free block that ends where the heap ends. */
static size_t free_at_end(void) {
    free_block *block = first_free;
    while (block && block->next) {
        block = block->next;
    }
    return block && (uintptr_t)block + block->size == heap_end ? block->size
                                                               : 0;
}

/* More memory from the host, until a block of `size` bytes is free at the end;
 * 1 when it came. */
static int grow(size_t size) {
    if (heap_end == 0) {
        uintptr_t start = round_up(heap_base());
        heap_end = memory_end() - HEAP_TAIL_BYTES;
        if (heap_end >= start + GRAIN) {
            give_back(start, heap_end - start);
        }
    }
    size_t have = free_at_end();
    if (have >= size) {
        return 1;
    }
    size_t pages = (size - have + PAGE - 1) / PAGE;
    if (!memory_grow(pages)) {
        return 0;
    }
    uintptr_t at = heap_end;
    heap_end += pages * PAGE;
    give_back(at, pages * PAGE);
    return 1;
}

/* First fit; NULL when no free block is large enough. */
static void *take(size_t size) {
    for (free_block **link = &first_free; *link; link = &(*link)->next) {
        free_block *block = *link;
        if (block->size < size) {
            continue;
        }
        if (block->size > size) {
            free_block *rest = (free_block *)((uintptr_t)block + size);
            rest->size = block->size - size;
            rest->next = block->next;
            *link = rest;
        } else {
            *link = block->next;
        }
        return block;
    }
    return NULL;
}

static void *allocate(size_t size) {
    void *block = take(size);
    if (!block && grow(size)) {
        block = take(size);
    }
    used_bytes += block ? size : 0;
    peak_bytes = used_bytes > peak_bytes ? used_bytes : peak_bytes;
    return block;
}

void *heap_realloc(void *ctx, void *block, size_t old_bytes, size_t new_bytes) {
    (void)ctx;
    if (new_bytes > SIZE_MAX / 2) {
        return NULL;
    }
    size_t old_size = block ? round_up(old_bytes) : 0;
    size_t new_size = round_up(new_bytes);
    if (block && new_size == old_size) {
        return block;
    }
    if (block && new_size != 0 && new_size < old_size) {
        used_bytes -= old_size - new_size;
        give_back((uintptr_t)block + new_size, old_size - new_size);
        return block;
    }
    void *fresh = NULL;
    if (new_size != 0) {
        fresh = allocate(new_size);
        if (!fresh) {
            return NULL;
        }
        if (block) {
            memcpy(fresh, block, old_bytes < new_bytes ? old_bytes : new_bytes);
        }
    }
    if (block) {
        used_bytes -= old_size;
        give_back((uintptr_t)block, old_size);
    }
    return fresh;
}

size_t heap_used_bytes(void) {
    return used_bytes;
}

size_t heap_peak_bytes(void) {
    return peak_bytes;
}
