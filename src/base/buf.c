#include "midge/buf.h"

#include <string.h>

#include "base/alloc.h"

#define DEFAULT_MAX_BYTES ((size_t)1 << 30)
#define FIRST_BYTES       128u

void midge_buf_init(midge_buf *buf, const midge_env *env, size_t max_bytes) {
    memset(buf, 0, sizeof *buf);
    buf->env = env;
    buf->max_bytes = max_bytes ? max_bytes : DEFAULT_MAX_BYTES;
}

void midge_buf_deinit(midge_buf *buf) {
    mdg_release(buf->env, buf->data, buf->capacity, 1);
    midge_buf_init(buf, buf->env, buf->max_bytes);
}

void midge_buf_clear(midge_buf *buf) {
    buf->size = 0;
    buf->status = MIDGE_OK;
}

static midge_status fail(midge_buf *buf, midge_status status) {
    if (buf->status == MIDGE_OK) {
        buf->status = status;
    }
    return status;
}

midge_status midge_buf_reserve(midge_buf *buf, size_t more_bytes) {
    if (more_bytes <= buf->capacity - buf->size) {
        return MIDGE_OK;
    }
    if (more_bytes > buf->max_bytes - buf->size) {
        return fail(buf, MIDGE_E_LIMIT);
    }
    size_t wanted = buf->size + more_bytes;
    size_t grown = buf->capacity ? buf->capacity * 2 : FIRST_BYTES;
    if (grown > buf->max_bytes) {
        grown = buf->max_bytes;
    }
    if (grown < wanted) {
        grown = wanted;
    }
    char *data = mdg_resize(buf->env, buf->data, buf->capacity, grown, 1);
    if (!data) {
        return fail(buf, MIDGE_E_NOMEM);
    }
    buf->data = data;
    buf->capacity = grown;
    return MIDGE_OK;
}

midge_status midge_buf_append(midge_buf *buf, const void *bytes, size_t size) {
    MIDGE_TRY(midge_buf_reserve(buf, size));
    if (size > 0) {
        memcpy(buf->data + buf->size, bytes, size);
        buf->size += size;
    }
    return MIDGE_OK;
}

midge_status midge_buf_puts(midge_buf *buf, const char *text) {
    return midge_buf_append(buf, text, strlen(text));
}

midge_status midge_buf_terminate(midge_buf *buf) {
    MIDGE_TRY(midge_buf_reserve(buf, 1));
    buf->data[buf->size] = '\0';
    return MIDGE_OK;
}
