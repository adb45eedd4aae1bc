#include "base/frame.h"

#include <string.h>

#define HEAD_BYTES (MDG_FRAME_MAGIC + 4u)
#define CRC_BYTES  4u

midge_status mdg_frame_begin(midge_buf *out, const char *magic,
                             uint32_t version, size_t *start) {
    *start = out->size;
    MIDGE_TRY(midge_buf_append(out, magic, MDG_FRAME_MAGIC));
    return mdg_put_u32(out, version);
}

midge_status mdg_frame_end(midge_buf *out, size_t start, midge_status status) {
    if (status == MIDGE_OK) {
        uint32_t crc = mdg_crc32c(0, out->data + start, out->size - start);
        status = mdg_put_u32(out, crc);
    }
    if (status != MIDGE_OK) {
        out->size = start;
    }
    return status;
}

midge_status mdg_frame_open(const void *bytes, size_t size, const char *magic,
                            uint32_t version, const char *what,
                            mdg_reader *content, midge_error *err) {
    mdg_reader r;
    mdg_reader_init(content, NULL, 0);
    mdg_reader_init(&r, bytes, size);
    const uint8_t *found = mdg_get_bytes(&r, MDG_FRAME_MAGIC);
    if (!found || memcmp(found, magic, MDG_FRAME_MAGIC) != 0) {
        return midge_fail(err, MIDGE_E_PARSE, "not a %s", what);
    }
    uint32_t found_version = mdg_get_u32(&r);
    if (!r.failed && found_version != version) {
        return midge_fail(err, MIDGE_E_VERSION,
                          "version %u of the %s is not known", found_version,
                          what);
    }
    if (r.failed || mdg_reader_left(&r) < CRC_BYTES) {
        return midge_fail(err, MIDGE_E_CORRUPT, "%s cut short", what);
    }
    mdg_reader end;
    mdg_reader_init(&end, (const uint8_t *)bytes + size - CRC_BYTES, CRC_BYTES);
    if (mdg_get_u32(&end) != mdg_crc32c(0, bytes, size - CRC_BYTES)) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "the checksum of the %s does not fit", what);
    }
    mdg_reader_init(content, (const uint8_t *)bytes + HEAD_BYTES,
                    size - HEAD_BYTES - CRC_BYTES);
    return MIDGE_OK;
}
