/* arena.c: blocks in a list, the newest first; each allocation is taken from
 * the end of the newest block, or starts a new one twice as large. */
#include "base/alloc.h"
#include "midge/buf.h"

#include <string.h>

#define FIRST_BLOCK_BYTES   4096u
#define LARGEST_BLOCK_BYTES (1u << 20)
#define DEFAULT_MAX_BYTES   ((size_t)1 << 30)

typedef struct arena_block {
    struct arena_block *older;
    size_t size; /* of the whole block, this header included */
    size_t at;   /* first free byte */
} arena_block;

#define HEADER_BYTES ((sizeof(arena_block) + 15u) & ~(size_t)15u)

void midge_arena_init(midge_arena *arena, const midge_env *env,
                      size_t max_bytes) {
    arena->env = env;
    arena->blocks = NULL;
    arena->used_bytes = 0;
    arena->max_bytes = max_bytes ? max_bytes : DEFAULT_MAX_BYTES;
}

void midge_arena_deinit(midge_arena *arena) {
    arena_block *block = arena->blocks;
    while (block) {
        arena_block *older = block->older;
        mdg_release(arena->env, block, block->size, 1);
        block = older;
    }
    arena->blocks = NULL;
    arena->used_bytes = 0;
}

static arena_block *add_block(midge_arena *arena, size_t bytes) {
    arena_block *newest = arena->blocks;
    size_t size = newest ? newest->size * 2 : FIRST_BLOCK_BYTES;
    if (size > LARGEST_BLOCK_BYTES) {
        size = LARGEST_BLOCK_BYTES;
    }
    if (size < HEADER_BYTES + bytes) {
        size = HEADER_BYTES + bytes;
    }
    arena_block *block = mdg_alloc(arena->env, size, 1);
    if (!block) {
        return NULL;
    }
    block->older = newest;
    block->size = size;
    block->at = HEADER_BYTES;
    arena->blocks = block;
    return block;
}

void *midge_arena_alloc(midge_arena *arena, size_t bytes) {
    size_t left = arena->max_bytes - arena->used_bytes;
    if (bytes > SIZE_MAX - HEADER_BYTES - 15u) {
        return NULL;
    }
    size_t rounded = (bytes + 15u) & ~(size_t)15u;
    if (rounded > left) {
        return NULL;
    }
    arena_block *block = arena->blocks;
    if (!block || rounded > block->size - block->at) {
        block = add_block(arena, rounded);
        if (!block) {
            return NULL;
        }
    }
    void *out = (char *)block + block->at;
    block->at += rounded;
    arena->used_bytes += rounded;
    return out;
}

char *midge_arena_copy(midge_arena *arena, const char *bytes, size_t size) {
    if (size == SIZE_MAX) {
        return NULL;
    }
    char *copy = midge_arena_alloc(arena, size + 1);
    if (!copy) {
        return NULL;
    }
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    copy[size] = '\0';
    return copy;
}
