/* source_binary.c: .npy, .fvecs and its kin, .fbin. */
#include "data/source.h"

#include <string.h>

#include "base/alloc.h"

/* Bytes of an element of .fvecs, .bvecs, .ivecs. */
static size_t item_bytes(midge_vector_format format) {
    return format == MIDGE_VECTORS_BVECS ? 1 : 4;
}

static midge_status set_shape(midge_vector_source *s, uint64_t count,
                              uint64_t dim, midge_error *err) {
    uint64_t bits = s->options.bits ? dim * 8 : dim;
    if (bits == 0 || bits > MIDGE_INDEX_DIM_MAX) {
        return midge_fail(err, MIDGE_E_PARSE,
                          "rows of %llu numbers; an index takes 1 to %u",
                          (unsigned long long)bits, MIDGE_INDEX_DIM_MAX);
    }
    if (count == 0 || count > MIDGE_INDEX_ROWS_MAX) {
        return midge_fail(err, MIDGE_E_PARSE,
                          "%llu rows; an index takes 1 to %u",
                          (unsigned long long)count, MIDGE_INDEX_ROWS_MAX);
    }
    s->count = count;
    s->dim = (uint32_t)bits;
    return MIDGE_OK;
}

static midge_status need_bytes_for_bits(const midge_vector_source *s,
                                        int is_bytes, midge_error *err) {
    if (s->options.bits && !is_bytes) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "sets of bits come as bytes: .bvecs or .npy of u1");
    }
    return MIDGE_OK;
}

static midge_status open_npy(midge_vector_source *s, midge_error *err) {
    mdg_reader r;
    mdg_reader_init(&r, s->bytes, s->size);
    if (!mdg_is_npy(s->bytes, s->size)) {
        return midge_fail(err, MIDGE_E_PARSE, "this is no .npy file");
    }
    MIDGE_TRY(mdg_npy_read_head(&r, &s->npy, err));
    MIDGE_TRY(
        need_bytes_for_bits(s, s->npy.kind == 'u' && s->npy.item == 1, err));
    s->at = r.at;
    return set_shape(s, s->npy.n_rows, s->npy.n_columns, err);
}

static midge_status open_fbin(midge_vector_source *s, midge_error *err) {
    if (s->size < 8) {
        return midge_fail(err, MIDGE_E_PARSE,
                          "cut short: no header of 8 bytes");
    }
    uint64_t count = mdg_load_u32(s->bytes);
    uint64_t dim = mdg_load_u32(s->bytes + 4);
    MIDGE_TRY(need_bytes_for_bits(s, 0, err));
    if (dim > MIDGE_INDEX_DIM_MAX || count * dim * 4 != s->size - 8) {
        return midge_fail(
            err, MIDGE_E_PARSE, "%llu rows of %llu floats do not fit %zu bytes",
            (unsigned long long)count, (unsigned long long)dim, s->size);
    }
    s->at = 8;
    return set_shape(s, count, dim, err);
}

static midge_status open_vecs(midge_vector_source *s, midge_error *err) {
    size_t item = item_bytes(s->options.format);
    MIDGE_TRY(need_bytes_for_bits(s, item == 1, err));
    uint64_t dim = s->size >= 4 ? mdg_load_u32(s->bytes) : 0;
    uint64_t stride = 4 + dim * item;
    if (dim == 0 || dim > MIDGE_INDEX_DIM_MAX || s->size % stride != 0) {
        return midge_fail(err, MIDGE_E_PARSE,
                          "rows of %llu elements do not fill %zu bytes",
                          (unsigned long long)dim, s->size);
    }
    return set_shape(s, s->size / stride, dim, err);
}

midge_status mdg_source_binary_open(midge_vector_source *s, midge_error *err) {
    if (s->options.text) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "texts come in CSV or JSON Lines");
    }
    switch (s->options.format) {
    case MIDGE_VECTORS_NPY:
        return open_npy(s, err);
    case MIDGE_VECTORS_FBIN:
        return open_fbin(s, err);
    case MIDGE_VECTORS_FVECS:
    case MIDGE_VECTORS_BVECS:
    case MIDGE_VECTORS_IVECS:
        return open_vecs(s, err);
    default:
        return midge_fail(err, MIDGE_E_INVALID, "unknown format %d",
                          (int)s->options.format);
    }
}

/* ---- Rows ---------------------------------------------------------------- */

/* Numbers are little-endian in the file; so are ours on every target. */
static void copy_floats(float *out, const uint8_t *from, size_t count) {
    memcpy(out, from, count * sizeof *out);
}

static void next_npy(midge_vector_source *s, size_t count) {
    const mdg_npy_head *h = &s->npy;
    const uint8_t *data = s->bytes + s->at;
    if (s->options.bits && !h->fortran) {
        memcpy(s->vectors, data + s->done * h->n_columns, count * h->n_columns);
        return;
    }
    if (h->kind == 'f' && h->item == 4 && !h->fortran) {
        copy_floats(s->vectors, data + s->done * h->n_columns * 4,
                    count * h->n_columns);
        return;
    }
    for (size_t i = 0; i < count * h->n_columns; i++) {
        size_t row = (size_t)s->done + i / h->n_columns;
        size_t column = i % h->n_columns;
        size_t at =
            h->fortran ? column * h->n_rows + row : row * h->n_columns + column;
        double value = mdg_npy_value(h, data + at * h->item);
        if (s->options.bits) {
            ((uint8_t *)s->vectors)[i] = (uint8_t)value;
        } else {
            ((float *)s->vectors)[i] = (float)value;
        }
    }
}

static midge_status next_vecs(midge_vector_source *s, size_t count,
                              midge_error *err) {
    const size_t item = item_bytes(s->options.format);
    const size_t dim = s->options.bits ? s->dim / 8 : s->dim;
    const size_t stride = 4 + dim * item;
    for (size_t i = 0; i < count; i++) {
        size_t row = (size_t)s->done + i;
        const uint8_t *at = s->bytes + row * stride;
        float *out = (float *)s->vectors + i * dim;
        if (mdg_load_u32(at) != dim) {
            return midge_fail(err, MIDGE_E_PARSE,
                              "row %zu has %u elements, the first has %zu",
                              row + 1, mdg_load_u32(at), dim);
        }
        if (s->options.bits) {
            memcpy((uint8_t *)s->vectors + i * dim, at + 4, dim);
        } else if (s->options.format == MIDGE_VECTORS_FVECS) {
            copy_floats(out, at + 4, dim);
        } else {
            for (size_t j = 0; j < dim; j++) {
                out[j] = item == 1
                             ? (float)at[4 + j]
                             : (float)(int32_t)mdg_load_u32(at + 4 + 4 * j);
            }
        }
    }
    return MIDGE_OK;
}

/* The index would say so too, but not where in the file. */
static midge_status check_finite(const midge_vector_source *s, size_t count,
                                 midge_error *err) {
    const float *x = s->vectors;
    for (size_t i = 0; !s->options.bits && i < count * s->dim; i++) {
        if (x[i] - x[i] != 0.0f) {
            return midge_fail(
                err, MIDGE_E_PARSE, "row %llu: number %zu is not finite",
                (unsigned long long)(s->done + i / s->dim + 1), i % s->dim + 1);
        }
    }
    return MIDGE_OK;
}

midge_status mdg_source_binary_next(midge_vector_source *s, size_t count,
                                    midge_error *err) {
    switch (s->options.format) {
    case MIDGE_VECTORS_NPY:
        next_npy(s, count);
        break;
    case MIDGE_VECTORS_FBIN:
        copy_floats(s->vectors, s->bytes + 8 + s->done * s->dim * 4,
                    count * s->dim);
        break;
    default:
        MIDGE_TRY(next_vecs(s, count, err));
    }
    return check_finite(s, count, err);
}
