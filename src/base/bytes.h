/* bytes.h: little-endian numbers in byte strings, and CRC-32C (Castagnoli,
 * RFC 3720) over them: how every file format of ours is read and written. */
#ifndef MDG_BYTES_H
#define MDG_BYTES_H

#include "midge/buf.h"

/* The checksum of `size` bytes behind those whose checksum is `crc` (0 at the
 * beginning). */
uint32_t mdg_crc32c(uint32_t crc, const void *bytes, size_t size);

/* In place: 4 or 8 bytes at any address. */
uint32_t mdg_load_u32(const uint8_t *in);
uint64_t mdg_load_u64(const uint8_t *in);
void mdg_store_u32(uint8_t *out, uint32_t value);
void mdg_store_u64(uint8_t *out, uint64_t value);

midge_status mdg_put_u32(midge_buf *buf, uint32_t value);
midge_status mdg_put_u64(midge_buf *buf, uint64_t value);
midge_status mdg_put_f32(midge_buf *buf, float value);
/* count floats, little-endian. */
midge_status mdg_put_f32s(midge_buf *buf, const float *values, size_t count);

/* A bounded reader. The first read past the end sets `failed`; reads then give
 * zeros, so that a parser may read a whole header and look once. */
typedef struct mdg_reader {
    const uint8_t *bytes;
    size_t size;
    size_t at;
    int failed;
} mdg_reader;

void mdg_reader_init(mdg_reader *reader, const void *bytes, size_t size);
size_t mdg_reader_left(const mdg_reader *reader);
uint32_t mdg_get_u32(mdg_reader *reader);
uint64_t mdg_get_u64(mdg_reader *reader);
float mdg_get_f32(mdg_reader *reader);
void mdg_get_f32s(mdg_reader *reader, float *values, size_t count);
/* `size` bytes in place, or NULL past the end. */
const uint8_t *mdg_get_bytes(mdg_reader *reader, size_t size);

#endif
