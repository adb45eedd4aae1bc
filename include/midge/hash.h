/* hash.h: SHA-256 (FIPS 180-4), the name of a blob and of a state. */
#ifndef MIDGE_HASH_H
#define MIDGE_HASH_H

#include "midge/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MIDGE_SHA256_BYTES 32
#define MIDGE_SHA256_HEX   65 /* 64 digits and a zero */

typedef struct midge_sha256 {
    uint32_t state[8];
    uint64_t size_bytes;
    uint8_t block[64];
} midge_sha256;

MIDGE_API void midge_sha256_init(midge_sha256 *hash);
MIDGE_API void midge_sha256_update(midge_sha256 *hash, const void *bytes,
                                   size_t size);
MIDGE_API void midge_sha256_final(midge_sha256 *hash,
                                  uint8_t digest[MIDGE_SHA256_BYTES]);
/* One call for bytes in memory; `hex` gets 64 lower-case digits and a zero. */
MIDGE_API void midge_sha256_hex(const void *bytes, size_t size,
                                char hex[MIDGE_SHA256_HEX]);

#ifdef __cplusplus
}
#endif
#endif
