/* protobuf.c: keys, numbers, and messages in messages. */
#include "exchange/protobuf.h"

#include <string.h>

enum { KIND_VARINT = 0, KIND_SIZED = 2 };

#define VARINT_MAX 10 /* bytes of 64 bits, seven at a time */

static size_t encode(uint64_t value, char out[VARINT_MAX]) {
    size_t n = 0;
    do {
        const uint64_t rest = value >> 7;
        out[n++] = (char)((value & 0x7F) | (rest ? 0x80 : 0));
        value = rest;
    } while (value != 0);
    return n;
}

/* A key, and the number or size behind it. */
static size_t encode_pair(uint32_t field, unsigned kind, uint64_t value,
                          char out[2 * VARINT_MAX]) {
    const size_t n = encode((uint64_t)field << 3 | kind, out);
    return n + encode(value, out + n);
}

void mdg_pb_uint(midge_buf *out, uint32_t field, uint64_t value) {
    char pair[2 * VARINT_MAX];
    (void)midge_buf_append(out, pair,
                           encode_pair(field, KIND_VARINT, value, pair));
}

void mdg_pb_bytes(midge_buf *out, uint32_t field, const void *bytes,
                  size_t size) {
    char pair[2 * VARINT_MAX];
    (void)midge_buf_append(out, pair,
                           encode_pair(field, KIND_SIZED, size, pair));
    (void)midge_buf_append(out, bytes, size);
}

void mdg_pb_text(midge_buf *out, uint32_t field, const char *text) {
    mdg_pb_bytes(out, field, text, strlen(text));
}

size_t mdg_pb_begin(const midge_buf *out) {
    return out->size;
}

void mdg_pb_end(midge_buf *out, uint32_t field, size_t begun) {
    char pair[2 * VARINT_MAX];
    const size_t size = out->size - begun;
    const size_t n = encode_pair(field, KIND_SIZED, size, pair);
    if (out->status == MIDGE_OK && midge_buf_append(out, pair, n) == MIDGE_OK) {
        memmove(out->data + begun + n, out->data + begun, size);
        memcpy(out->data + begun, pair, n);
    }
}
