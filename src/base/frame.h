/* frame.h: what our file formats share: eight bytes of magic, a version, the
 * content, and a CRC-32C of everything before it. */
#ifndef MDG_FRAME_H
#define MDG_FRAME_H

#include "base/bytes.h"

#define MDG_FRAME_MAGIC 8

/* Appends magic (8 bytes) and version; *start is where the frame begins. */
midge_status mdg_frame_begin(midge_buf *out, const char *magic,
                             uint32_t version, size_t *start);
/* Appends the checksum. On failure the buffer is cut back to `start`, so that a
 * file is appended whole or not at all; `status` is what the content came to.
 */
midge_status mdg_frame_end(midge_buf *out, size_t start, midge_status status);

/* Checks magic (MIDGE_E_PARSE), version (MIDGE_E_VERSION) and checksum
 * (MIDGE_E_CORRUPT), in this order, and sets `content` to what is between
 * (nothing on failure). `what` names the file in errors ("model file"). */
midge_status mdg_frame_open(const void *bytes, size_t size, const char *magic,
                            uint32_t version, const char *what,
                            mdg_reader *content, midge_error *err);

#endif
