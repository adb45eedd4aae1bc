/* learn_rows.c: rows as bytes and back; the format is spec/formats/rows.md. */
#include "ops/learn_rows.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"

#define MAGIC      "MDGROWS" /* with its zero: 8 bytes */
#define VERSION    1u
#define HEAD_BYTES 24u

midge_status mdg_rows_init(mdg_rows *rows, const midge_env *env, size_t n_rows,
                           uint32_t n_parts, const uint32_t *width,
                           midge_error *err) {
    memset(rows, 0, sizeof *rows);
    rows->env = env;
    rows->n_rows = n_rows;
    rows->n_parts = n_parts;
    for (uint32_t p = 0; p < n_parts; p++) {
        rows->width[p] = width[p];
        size_t count;
        if (mdg_multiply_size(n_rows, width[p], &count)) {
            rows->part[p] = mdg_alloc_zero(env, count, sizeof(float));
        }
        if (!rows->part[p]) {
            mdg_rows_deinit(rows);
            return midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu rows",
                              n_rows);
        }
    }
    return MIDGE_OK;
}

void mdg_rows_deinit(mdg_rows *rows) {
    for (uint32_t p = 0; p < rows->n_parts; p++) {
        mdg_release(rows->env, rows->part[p], rows->n_rows * rows->width[p],
                    sizeof(float));
    }
    memset(rows, 0, sizeof *rows);
}

midge_status mdg_rows_write(const mdg_rows *rows, midge_buf *out) {
    size_t start = out->size;
    MIDGE_TRY(midge_buf_append(out, MAGIC, 8));
    MIDGE_TRY(mdg_put_u32(out, VERSION));
    MIDGE_TRY(mdg_put_u32(out, rows->n_parts));
    MIDGE_TRY(mdg_put_u64(out, rows->n_rows));
    for (uint32_t p = 0; p < rows->n_parts; p++) {
        MIDGE_TRY(mdg_put_u32(out, rows->width[p]));
    }
    for (uint32_t p = 0; p < rows->n_parts; p++) {
        MIDGE_TRY(
            mdg_put_f32s(out, rows->part[p], rows->n_rows * rows->width[p]));
    }
    return mdg_put_u32(out,
                       mdg_crc32c(0, out->data + start, out->size - start));
}

static midge_status damaged(midge_error *err, const char *what) {
    return midge_fail(err, MIDGE_E_CORRUPT, "rows: %s", what);
}

/* The header, checked against the size, so that nothing is allocated for a
 * header that lies. */
static midge_status read_head(mdg_reader *reader, uint64_t *n_rows,
                              uint32_t *n_parts, uint32_t *width,
                              midge_error *err) {
    const uint8_t *magic = mdg_get_bytes(reader, 8);
    uint32_t version = mdg_get_u32(reader);
    *n_parts = mdg_get_u32(reader);
    *n_rows = mdg_get_u64(reader);
    if (reader->failed || memcmp(magic, MAGIC, 8) != 0) {
        return damaged(err, "not a file of rows");
    }
    if (version != VERSION) {
        return midge_fail(err, MIDGE_E_VERSION, "rows: version %u", version);
    }
    if (*n_parts == 0 || *n_parts > MDG_ROWS_PARTS_MAX || *n_rows == 0 ||
        *n_rows > reader->size) {
        return damaged(err, "impossible header");
    }
    uint64_t bytes = 4; /* the checksum */
    for (uint32_t p = 0; p < *n_parts; p++) {
        width[p] = mdg_get_u32(reader);
        if (reader->failed || width[p] == 0 || width[p] > reader->size) {
            return damaged(err, "impossible width");
        }
        if (width[p] > reader->size / *n_rows) {
            return damaged(err, "shorter than its header says");
        }
        bytes += *n_rows * width[p] * 4;
    }
    if (bytes != mdg_reader_left(reader)) {
        return damaged(err, "not as long as its header says");
    }
    return MIDGE_OK;
}

midge_status mdg_rows_read(mdg_rows *rows, const midge_env *env,
                           const void *bytes, size_t size, midge_error *err) {
    memset(rows, 0, sizeof *rows);
    mdg_reader reader;
    mdg_reader_init(&reader, bytes, size);
    uint64_t n_rows;
    uint32_t n_parts;
    uint32_t width[MDG_ROWS_PARTS_MAX];
    MIDGE_TRY(read_head(&reader, &n_rows, &n_parts, width, err));
    mdg_reader tail;
    mdg_reader_init(&tail, (const uint8_t *)bytes + size - 4, 4);
    if (mdg_crc32c(0, bytes, size - 4) != mdg_get_u32(&tail)) {
        return damaged(err, "the checksum does not fit");
    }
    MIDGE_TRY(mdg_rows_init(rows, env, (size_t)n_rows, n_parts, width, err));
    for (uint32_t p = 0; p < n_parts; p++) {
        mdg_get_f32s(&reader, rows->part[p], rows->n_rows * width[p]);
    }
    return MIDGE_OK;
}

midge_status mdg_rows_put(const mdg_rows *rows, const midge_op_host *host,
                          char ref[72], midge_error *err) {
    midge_buf bytes;
    midge_buf_init(&bytes, rows->env, 0);
    midge_status status = mdg_rows_write(rows, &bytes);
    if (status == MIDGE_OK) {
        status = host->put_blob(host->ctx, bytes.data, bytes.size, ref, err);
    } else {
        (void)midge_fail(err, status, "no memory to write %zu rows",
                         rows->n_rows);
    }
    midge_buf_deinit(&bytes);
    return status;
}

midge_status mdg_rows_get(mdg_rows *rows, const midge_env *env,
                          const midge_op_host *host, const char *ref,
                          uint32_t n_parts, midge_error *err) {
    memset(rows, 0, sizeof *rows);
    midge_buf bytes;
    midge_buf_init(&bytes, env, 0);
    midge_status status = host->get_blob(host->ctx, ref, &bytes, err);
    if (status == MIDGE_OK) {
        status = mdg_rows_read(rows, env, bytes.data, bytes.size, err);
    }
    midge_buf_deinit(&bytes);
    if (status == MIDGE_OK && rows->n_parts != n_parts) {
        mdg_rows_deinit(rows);
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "rows: %u parts expected, as another task wrote them",
                          n_parts);
    }
    return status;
}
