#include "base/bytes.h"

#include <string.h>

/* CRC-32C by nibbles: 16 words of table instead of 256 keep the wasm small.
 * Reflected polynomial 0x82F63B78. */
static const uint32_t crc_table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

uint32_t mdg_crc32c(uint32_t crc, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ crc_table[crc & 15];
        crc = (crc >> 4) ^ crc_table[crc & 15];
    }
    return ~crc;
}

midge_status mdg_put_u32(midge_buf *buf, uint32_t value) {
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    return midge_buf_append(buf, bytes, sizeof bytes);
}

midge_status mdg_put_u64(midge_buf *buf, uint64_t value) {
    MIDGE_TRY(mdg_put_u32(buf, (uint32_t)value));
    return mdg_put_u32(buf, (uint32_t)(value >> 32));
}

midge_status mdg_put_f32(midge_buf *buf, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return mdg_put_u32(buf, bits);
}

midge_status mdg_put_f32s(midge_buf *buf, const float *values, size_t count) {
    if (count > SIZE_MAX / sizeof *values) {
        return MIDGE_E_LIMIT;
    }
    MIDGE_TRY(midge_buf_reserve(buf, count * sizeof *values));
    for (size_t i = 0; i < count; i++) {
        MIDGE_TRY(mdg_put_f32(buf, values[i]));
    }
    return MIDGE_OK;
}

void mdg_reader_init(mdg_reader *reader, const void *bytes, size_t size) {
    *reader = (mdg_reader){bytes, size, 0, 0};
}

size_t mdg_reader_left(const mdg_reader *reader) {
    return reader->size - reader->at;
}

const uint8_t *mdg_get_bytes(mdg_reader *reader, size_t size) {
    if (reader->failed || size > mdg_reader_left(reader)) {
        reader->failed = 1;
        return NULL;
    }
    const uint8_t *bytes = reader->bytes + reader->at;
    reader->at += size;
    return bytes;
}

uint32_t mdg_get_u32(mdg_reader *reader) {
    const uint8_t *b = mdg_get_bytes(reader, 4);
    if (!b) {
        return 0;
    }
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

uint64_t mdg_get_u64(mdg_reader *reader) {
    uint64_t low = mdg_get_u32(reader);
    return low | (uint64_t)mdg_get_u32(reader) << 32;
}

float mdg_get_f32(mdg_reader *reader) {
    uint32_t bits = mdg_get_u32(reader);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void mdg_get_f32s(mdg_reader *reader, float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        values[i] = mdg_get_f32(reader);
    }
}
