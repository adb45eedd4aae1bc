/* crc.h: the checksum of the file formats. */
#ifndef MDG_KERNELS_CRC_H
#define MDG_KERNELS_CRC_H

#include <stddef.h>
#include <stdint.h>

/* crc32c: as mdg_crc32c of base/bytes.h, for much data: the CRC-32C of `size`
 * bytes behind those whose checksum is `crc` (0 at the beginning). */
/* clang-format off */
#define MDG_CRC_OPS(X, isa)                                                    \
    X(isa, uint32_t, crc32c, (uint32_t crc, const void *bytes, size_t size))
/* clang-format on */

#endif
