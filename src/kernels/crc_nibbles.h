/* crc_nibbles.h: CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) by half
 * bytes: crc_of_nibble[n] is what a register of n becomes after four bits. */
#ifndef MDG_KERNELS_CRC_NIBBLES_H
#define MDG_KERNELS_CRC_NIBBLES_H

#include <stddef.h>
#include <stdint.h>

static const uint32_t crc_of_nibble[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

/* The register (not inverted) after `size` bytes. */
static inline uint32_t crc_by_nibbles(uint32_t crc, const uint8_t *bytes,
                                      size_t size) {
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ crc_of_nibble[crc & 15];
        crc = crc >> 4 ^ crc_of_nibble[crc & 15];
    }
    return crc;
}

#endif
