/* crc_scalar.c: CRC-32C, the definition. */
#include "kernels/crc_nibbles.h"
#include "kernels/scalar.h"

uint32_t mdg_crc32c_scalar(uint32_t crc, const void *bytes, size_t size) {
    return ~crc_by_nibbles(~crc, bytes, size);
}
