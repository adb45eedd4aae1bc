/* buf.h: what crosses public interfaces: borrowed text, and two memory helpers,
 * a growable byte buffer with a maximum and an arena. Neither locks; one thread
 * at a time. */
#ifndef MIDGE_BUF_H
#define MIDGE_BUF_H

#include "midge/env.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Borrowed text; not zero-terminated. */
typedef struct midge_text {
    const char *data;
    size_t size;
} midge_text;

/* A growable run of bytes. A failed append leaves the content as it was and is
 * remembered in `status`, so that a writer may append freely and look once. */
typedef struct midge_buf {
    const midge_env *env;
    char *data; /* NULL while empty; not zero-terminated unless asked */
    size_t size;
    size_t capacity;
    size_t max_bytes;
    midge_status status; /* the first failure, MIDGE_OK until then */
} midge_buf;

/* `max_bytes` 0 means 1 GiB; past it MIDGE_E_LIMIT. Nothing is allocated yet.
 */
MIDGE_API void midge_buf_init(midge_buf *buf, const midge_env *env,
                              size_t max_bytes);
MIDGE_API void midge_buf_deinit(midge_buf *buf);
/* Empties without giving memory back, and forgets an earlier failure. */
MIDGE_API void midge_buf_clear(midge_buf *buf);
/* Makes room, so that appends of `more_bytes` together cannot fail. */
MIDGE_API midge_status midge_buf_reserve(midge_buf *buf, size_t more_bytes);
MIDGE_API midge_status midge_buf_append(midge_buf *buf, const void *bytes,
                                        size_t size);
/* Appends the zero-terminated `text`, without its zero. */
MIDGE_API midge_status midge_buf_puts(midge_buf *buf, const char *text);
/* Makes `data` a zero-terminated string without changing `size`; the zero
 * counts towards the maximum. */
MIDGE_API midge_status midge_buf_terminate(midge_buf *buf);

/* Memory freed all at once. Blocks never move. */
typedef struct midge_arena {
    const midge_env *env;
    void *blocks;      /* newest block first */
    size_t used_bytes; /* total handed out, in steps of 16 */
    size_t max_bytes;
} midge_arena;

/* `max_bytes` bounds used_bytes; 0 means 1 GiB. Nothing is allocated yet. */
MIDGE_API void midge_arena_init(midge_arena *arena, const midge_env *env,
                                size_t max_bytes);
/* Gives everything back; the arena is empty then, and may be used again. */
MIDGE_API void midge_arena_deinit(midge_arena *arena);
/* 16-byte aligned, not zeroed; NULL without memory or past the maximum. */
MIDGE_API void *midge_arena_alloc(midge_arena *arena, size_t bytes);
/* A zero-terminated copy of `size` bytes; NULL as above. */
MIDGE_API char *midge_arena_copy(midge_arena *arena, const char *bytes,
                                 size_t size);

#ifdef __cplusplus
}
#endif
#endif
