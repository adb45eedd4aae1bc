#include "base/bytes.h"

#include <string.h>

/* CRC-32C, reflected polynomial 0x82F63B78, four bytes at a time by nibbles:
 * crc_table[k][n] is the checksum of the nibble n with k nibbles of zeros
 * behind it. The eight look-ups of a step do not wait for each other: four
 * times as fast as one nibble after the other, from 512 bytes of tables (the
 * usual 256 words are twice that, which counts in wasm). */
static const uint32_t crc_table[8][16] = {
    {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
     0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
     0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75},
    {0x00000000, 0xf26b8303, 0xe13b70f7, 0x1350f3f4, 0xc79a971f, 0x35f1141c,
     0x26a1e7e8, 0xd4ca64eb, 0x8ad958cf, 0x78b2dbcc, 0x6be22838, 0x9989ab3b,
     0x4d43cfd0, 0xbf284cd3, 0xac78bf27, 0x5e133c24},
    {0x00000000, 0x3fc5f181, 0x7f8be302, 0x404e1283, 0xff17c604, 0xc0d23785,
     0x809c2506, 0xbf59d487, 0xfbc3faf9, 0xc4060b78, 0x844819fb, 0xbb8de87a,
     0x04d43cfd, 0x3b11cd7c, 0x7b5fdfff, 0x449a2e7e},
    {0x00000000, 0x13a29877, 0x274530ee, 0x34e7a899, 0x4e8a61dc, 0x5d28f9ab,
     0x69cf5132, 0x7a6dc945, 0x9d14c3b8, 0x8eb65bcf, 0xba51f356, 0xa9f36b21,
     0xd39ea264, 0xc03c3a13, 0xf4db928a, 0xe7790afd},
    {0x00000000, 0x70a27d8a, 0xe144fb14, 0x91e6869e, 0xc76580d9, 0xb7c7fd53,
     0x26217bcd, 0x56830647, 0x8b277743, 0xfb850ac9, 0x6a638c57, 0x1ac1f1dd,
     0x4c42f79a, 0x3ce08a10, 0xad060c8e, 0xdda47104},
    {0x00000000, 0xa541927e, 0x4f6f520d, 0xea2ec073, 0x9edea41a, 0x3b9f3664,
     0xd1b1f617, 0x74f06469, 0x38513ec5, 0x9d10acbb, 0x773e6cc8, 0xd27ffeb6,
     0xa68f9adf, 0x03ce08a1, 0xe9e0c8d2, 0x4ca15aac},
    {0x00000000, 0xe964b13d, 0xd725148b, 0x3e41a5b6, 0xaba65fe7, 0x42c2eeda,
     0x7c834b6c, 0x95e7fa51, 0x52a0c93f, 0xbbc47802, 0x8585ddb4, 0x6ce16c89,
     0xf90696d8, 0x106227e5, 0x2e238253, 0xc747336e},
    {0x00000000, 0xdd45aab8, 0xbf672381, 0x62228939, 0x7b2231f3, 0xa6679b4b,
     0xc4451272, 0x1900b8ca, 0xf64463e6, 0x2b01c95e, 0x49234067, 0x9466eadf,
     0x8d665215, 0x5023f8ad, 0x32017194, 0xef44db2c},
};

uint32_t mdg_load_u32(const uint8_t *in) {
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 |
           (uint32_t)in[3] << 24;
}

uint64_t mdg_load_u64(const uint8_t *in) {
    return mdg_load_u32(in) | (uint64_t)mdg_load_u32(in + 4) << 32;
}

void mdg_store_u32(uint8_t *out, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

void mdg_store_u64(uint8_t *out, uint64_t value) {
    mdg_store_u32(out, (uint32_t)value);
    mdg_store_u32(out + 4, (uint32_t)(value >> 32));
}

uint32_t mdg_crc32c(uint32_t crc, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    crc = ~crc;
    for (; size >= 4; at += 4, size -= 4) {
        uint32_t next = 0;
        crc ^= mdg_load_u32(at);
        for (int k = 0; k < 8; k++) {
            next ^= crc_table[k][crc >> (28 - 4 * k) & 15];
        }
        crc = next;
    }
    for (; size > 0; at++, size--) {
        crc ^= *at;
        crc = crc >> 8 ^ crc_table[1][crc & 15] ^ crc_table[0][crc >> 4 & 15];
    }
    return ~crc;
}

midge_status mdg_put_u32(midge_buf *buf, uint32_t value) {
    uint8_t bytes[4];
    mdg_store_u32(bytes, value);
    return midge_buf_append(buf, bytes, sizeof bytes);
}

midge_status mdg_put_u64(midge_buf *buf, uint64_t value) {
    uint8_t bytes[8];
    mdg_store_u64(bytes, value);
    return midge_buf_append(buf, bytes, sizeof bytes);
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

midge_status mdg_put_f32(midge_buf *buf, float value) {
    return mdg_put_u32(buf, bits_of(value));
}

midge_status mdg_put_f32s(midge_buf *buf, const float *values, size_t count) {
    if (count > SIZE_MAX / sizeof *values) {
        return MIDGE_E_LIMIT;
    }
    MIDGE_TRY(midge_buf_reserve(buf, count * sizeof *values));
    for (size_t i = 0; i < count; i++) {
        mdg_store_u32((uint8_t *)buf->data + buf->size, bits_of(values[i]));
        buf->size += sizeof *values;
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
    return b ? mdg_load_u32(b) : 0;
}

uint64_t mdg_get_u64(mdg_reader *reader) {
    const uint8_t *b = mdg_get_bytes(reader, 8); /* whole or not at all */
    return b ? mdg_load_u64(b) : 0;
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
