/* heap.c: memory and the mem/str functions for the freestanding wasm build.
 *
 * The allocator needs no headers, because every user of a midge_env says how
 * large a block was when it gives it back. Sizes are rounded up to 64 bytes, so
 * every block is 64-byte aligned. Free blocks are one list ordered by address;
 * neighbours are joined, and the last block before the end of the heap can grow
 * the memory.
 *
 * Invariants: 1. list addresses strictly increase and no two blocks touch;
 * 2. every size is a multiple of GRAIN; 3. [heap_base, heap_end) is split into
 * blocks in use and blocks in the list.
 *
 * With bulk memory enabled the builtins below are single instructions
 * (memory.copy, memory.fill), not calls to themselves.
 */
#include "heap.h"

#include <stdint.h>
#include <string.h>

#define GRAIN 64u
#define PAGE  65536u

typedef struct free_block {
    size_t size;
    struct free_block *next;
} free_block;

extern unsigned char __heap_base;

static free_block *first_free;
static uintptr_t heap_end; /* 0 until the first allocation */
static size_t used_bytes;
static size_t peak_bytes;

void *memcpy(void *to, const void *from, size_t size) {
    return __builtin_memcpy(to, from, size);
}

void *memmove(void *to, const void *from, size_t size) {
    return __builtin_memmove(to, from, size);
}

void *memset(void *to, int value, size_t size) {
    return __builtin_memset(to, value, size);
}

int memcmp(const void *a, const void *b, size_t size) {
    const unsigned char *x = a;
    const unsigned char *y = b;
    for (size_t i = 0; i < size; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

void *memchr(const void *bytes, int wanted, size_t size) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) {
        if (at[i] == (unsigned char)wanted) {
            return (void *)(uintptr_t)(at + i);
        }
    }
    return NULL;
}

size_t strlen(const char *text) {
    size_t size = 0;
    while (text[size] != '\0') {
        size++;
    }
    return size;
}

int strcmp(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

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

/* More memory from the host, at least `size` bytes; 1 when it came. */
static int grow(size_t size) {
    if (heap_end == 0) {
        uintptr_t start = round_up((uintptr_t)&__heap_base);
        heap_end = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
        if (heap_end - start >= 2 * GRAIN) {
            give_back(start, heap_end - start);
            if (heap_end - start >= size) {
                return 1;
            }
        }
    }
    size_t pages = (size + PAGE - 1) / PAGE;
    if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX) {
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
