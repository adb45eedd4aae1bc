/* vectors_entry.c: what JavaScript calls in midge-vectors-*.wasm only. */
#include "base/bytes.h"
#include "entry.h"

EXPORT(crc32c)
uint32_t entry_crc32c(uint32_t crc, const void *bytes, size_t size);

uint32_t entry_crc32c(uint32_t crc, const void *bytes, size_t size) {
    return mdg_crc32c(crc, bytes, size);
}
