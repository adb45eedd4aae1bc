/* protobuf.h: as much of Protocol Buffers' encoding as a writer needs: fields
 * one after the other, each a key (number and kind) and a value; what is nested
 * is preceded by its length. Failures stay in the buffer's status.
 * https://protobuf.dev/programming-guides/encoding */
#ifndef MDG_PROTOBUF_H
#define MDG_PROTOBUF_H

#include "midge/buf.h"

void mdg_pb_uint(midge_buf *out, uint32_t field, uint64_t value);
void mdg_pb_bytes(midge_buf *out, uint32_t field, const void *bytes,
                  size_t size);
void mdg_pb_text(midge_buf *out, uint32_t field, const char *text);

/* A message in a field: what is written between the two is in it. The length is
 * put before it when it is known, which moves it by a few bytes. */
size_t mdg_pb_begin(const midge_buf *out);
void mdg_pb_end(midge_buf *out, uint32_t field, size_t begun);

#endif
