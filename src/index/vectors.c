/* vectors.c: records of vectors, and scorers over them. */
#include "index/vectors.h"

#include <string.h>

#include "base/fmath.h"

#define CHUNK 64u /* integer results converted at a time */

static size_t element_bytes(midge_storage storage, uint32_t dim) {
    switch (storage) {
    case MIDGE_STORAGE_F32:
        return (size_t)dim * 4;
    case MIDGE_STORAGE_F16:
        return (size_t)dim * 2;
    case MIDGE_STORAGE_INT8:
        return dim;
    default:
        return ((size_t)dim + 7) / 8;
    }
}

static size_t n_factors(midge_storage storage, midge_metric metric) {
    return storage == MIDGE_STORAGE_INT8 ? 2 : metric == MIDGE_METRIC_COSINE;
}

void mdg_vectors_init(mdg_vectors *v, const mdg_kernels *kernels,
                      midge_metric metric, midge_storage storage,
                      uint32_t dim) {
    *v = (mdg_vectors){0};
    v->metric = metric;
    v->storage = storage;
    v->dim = dim;
    v->kernels = kernels;
    v->factors_at = (element_bytes(storage, dim) + 3) / 4 * 4;
    v->row_bytes = v->factors_at + 4 * n_factors(storage, metric);
}

/* ---- Records ------------------------------------------------------------- */

static const float *floats_of(const void *record) {
    return record;
}

static float dot(const mdg_vectors *v, const float *a, const float *b) {
    return MDG_KERNEL(v->kernels, dot_f32)(v->dim, a, b);
}

/* 1 / sqrt(norm2), or 0 where there is no direction. */
static float inverse_norm(float norm2) {
    return norm2 > 0.0f && norm2 < __builtin_inff() ? 1.0f / mdg_sqrt_f32(norm2)
                                                    : 0.0f;
}

/* The codes of x, and the two factors of its record. */
static void encode_int8(const mdg_vectors *v, const float *x, int8_t *codes,
                        float factors[2]) {
    const mdg_kernels *k = v->kernels;
    float most = MDG_KERNEL(k, absmax_f32)(v->dim, x);
    float scale = most / 127.0f;
    MDG_KERNEL(k, f32_to_i8)
    (v->dim, most > 0.0f ? 127.0f / most : 0.0f, x, codes);
    float norm2 = (float)MDG_KERNEL(k, dot_i8)(v->dim, codes, codes);
    factors[0] = scale;
    factors[1] = v->metric == MIDGE_METRIC_COSINE ? inverse_norm(norm2)
                                                  : scale * scale * norm2;
}

static float norm2_of_floats(const mdg_vectors *v, const void *record) {
    return v->storage == MIDGE_STORAGE_F16
               ? MDG_KERNEL(v->kernels, dot_f16)(v->dim, record, record)
               : dot(v, record, record);
}

void mdg_vectors_set(mdg_vectors *v, uint32_t row, const void *vector) {
    uint8_t *record = mdg_record(v, row);
    float *factors = (float *)(void *)(record + v->factors_at);
    switch (v->storage) {
    case MIDGE_STORAGE_INT8:
        encode_int8(v, vector, (int8_t *)record, factors);
        return;
    case MIDGE_STORAGE_F16:
        MDG_KERNEL(v->kernels, f32_to_f16)
        (v->dim, vector, (uint16_t *)(void *)record);
        break;
    default:
        memcpy(record, vector, element_bytes(v->storage, v->dim));
    }
    if (v->row_bytes > v->factors_at) {
        factors[0] = inverse_norm(norm2_of_floats(v, record));
    }
}

void mdg_vectors_get(const mdg_vectors *v, uint32_t row, void *out) {
    const uint8_t *record = mdg_record(v, row);
    switch (v->storage) {
    case MIDGE_STORAGE_INT8:
        MDG_KERNEL(v->kernels, i8_to_f32)
        (v->dim, mdg_factors(v, row)[0], (const int8_t *)record, out);
        return;
    case MIDGE_STORAGE_F16:
        MDG_KERNEL(v->kernels, f16_to_f32)
        (v->dim, (const uint16_t *)(const void *)record, out);
        return;
    default:
        memcpy(out, record, element_bytes(v->storage, v->dim));
    }
}

/* ---- From products to distances ------------------------------------------ */

/* Where rounding or an overflow left the possible range nothing is known. */
static float cosine_distance(float product) {
    float distance = 1.0f - product;
    if (!(distance > -0.5f && distance < 2.5f)) {
        return 1.0f;
    }
    return distance < 0.0f ? 0.0f : distance;
}

static float at_least_0(float x) {
    return x < 0.0f ? 0.0f : x;
}

/* The last factor of a record: 1 / |x| or 1 / |c| of cosine. */
static float last_factor(const mdg_vectors *v, uint32_t row) {
    const float *end =
        (const float *)(const void *)(mdg_record(v, row) + v->row_bytes);
    return end[-1];
}

/* `out` holds dot products of the query and rows of floats. */
static void finish_products(const mdg_scorer *s, size_t count,
                            const uint32_t *rows, float *out) {
    const mdg_vectors *v = s->vectors;
    for (size_t i = 0; i < count; i++) {
        if (v->metric == MIDGE_METRIC_COSINE) {
            float f = last_factor(v, rows[i]);
            out[i] = cosine_distance(out[i] * (s->factor * f));
        } else {
            out[i] = -out[i];
        }
    }
}

/* ---- Scoring floats ------------------------------------------------------ */

/* One row alone is not gathered: those kernels measure several at once. */
static void score_l2sq_f32(const mdg_scorer *s, size_t count,
                           const uint32_t *rows, float *out) {
    const mdg_vectors *v = s->vectors;
    if (count == 1) {
        const float *x = floats_of(mdg_record(v, rows[0]));
        out[0] = MDG_KERNEL(v->kernels, l2sq_f32)(v->dim, x, s->query);
        return;
    }
    MDG_KERNEL(v->kernels, gather_l2sq_f32)
    (count, rows, v->dim, floats_of(v->data), v->row_bytes / 4, s->query, out);
}

static void score_dot_f32(const mdg_scorer *s, size_t count,
                          const uint32_t *rows, float *out) {
    const mdg_vectors *v = s->vectors;
    if (count == 1) {
        out[0] = dot(v, floats_of(mdg_record(v, rows[0])), s->query);
    } else {
        MDG_KERNEL(v->kernels, gather_dot_f32)
        (count, rows, v->dim, floats_of(v->data), v->row_bytes / 4, s->query,
         out);
    }
    finish_products(s, count, rows, out);
}

static void score_l1_f32(const mdg_scorer *s, size_t count,
                         const uint32_t *rows, float *out) {
    const mdg_vectors *v = s->vectors;
    MDG_KERNEL(v->kernels, gather_l1_f32)
    (count, rows, v->dim, floats_of(v->data), v->row_bytes / 4, s->query, out);
}

static void score_f16(const mdg_scorer *s, size_t count, const uint32_t *rows,
                      float *out) {
    const mdg_vectors *v = s->vectors;
    const uint16_t *data = (const uint16_t *)(const void *)v->data;
    const size_t lda = v->row_bytes / 2;
    if (v->metric == MIDGE_METRIC_L2SQ) {
        MDG_KERNEL(v->kernels, gather_l2sq_f16)
        (count, rows, v->dim, data, lda, s->query, out);
        return;
    }
    MDG_KERNEL(v->kernels, gather_dot_f16)
    (count, rows, v->dim, data, lda, s->query, out);
    finish_products(s, count, rows, out);
}

/* Row by row over decoded floats: L1, and exact distances to bytes. */
static void score_decoded(const mdg_scorer *s, size_t count,
                          const uint32_t *rows, float *out) {
    const mdg_vectors *v = s->vectors;
    const mdg_kernels *k = v->kernels;
    for (size_t i = 0; i < count; i++) {
        uint32_t row = rows[i];
        const float *x = s->decoded;
        mdg_vectors_get(v, row, s->decoded);
        if (v->metric == MIDGE_METRIC_L1) {
            out[i] = MDG_KERNEL(k, l1_f32)(v->dim, x, s->query);
        } else if (v->metric == MIDGE_METRIC_L2SQ) {
            out[i] = MDG_KERNEL(k, l2sq_f32)(v->dim, x, s->query);
        } else if (v->metric == MIDGE_METRIC_IP) {
            out[i] = -dot(v, x, s->query);
        } else { /* 1 / |c| is the factor: its scale is taken out of x */
            float scale = mdg_factors(v, row)[0];
            float f = scale > 0.0f ? last_factor(v, row) / scale : 0.0f;
            out[i] = cosine_distance(dot(v, x, s->query) * (s->factor * f));
        }
    }
}

/* ---- Scoring bytes and bits ---------------------------------------------- */

static float finish_int8(const mdg_scorer *s, const float *factors,
                         float product) {
    const mdg_vectors *v = s->vectors;
    if (v->metric == MIDGE_METRIC_COSINE) {
        return cosine_distance(product * (s->factor * factors[1]));
    }
    float dot_product = product * (s->factor * factors[0]);
    if (v->metric == MIDGE_METRIC_L2SQ) {
        return at_least_0(s->norm2 + factors[1] - 2.0f * dot_product);
    }
    return -dot_product;
}

/* The query is codes too. */
static void score_int8(const mdg_scorer *s, size_t count, const uint32_t *rows,
                       float *out) {
    const mdg_vectors *v = s->vectors;
    int32_t products[CHUNK];
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t n = count - first < CHUNK ? count - first : CHUNK;
        MDG_KERNEL(v->kernels, gather_dot_i8)
        (n, rows + first, v->dim, (const int8_t *)v->data, v->row_bytes,
         s->query, products);
        for (size_t i = 0; i < n; i++) {
            out[first + i] = finish_int8(s, mdg_factors(v, rows[first + i]),
                                         (float)products[i]);
        }
    }
}

static void score_binary(const mdg_scorer *s, size_t count,
                         const uint32_t *rows, float *out) {
    const mdg_vectors *v = s->vectors;
    const size_t bytes = element_bytes(v->storage, v->dim);
    uint32_t differ[CHUNK];
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t n = count - first < CHUNK ? count - first : CHUNK;
        MDG_KERNEL(v->kernels, gather_hamming_b1)
        (n, rows + first, bytes, v->data, v->row_bytes, s->query, differ);
        for (size_t i = 0; i < n; i++) {
            out[first + i] = (float)differ[i];
        }
    }
}

/* ---- Scorers ------------------------------------------------------------- */

static size_t room_bytes(uint32_t dim) {
    return ((size_t)dim * 4 + 63) / 64 * 64;
}

size_t mdg_scorer_bytes(const mdg_vectors *v) {
    return 2 * room_bytes(v->dim); /* a query, a decoded row */
}

static mdg_score_fn score_of_floats(const mdg_vectors *v) {
    if (v->metric == MIDGE_METRIC_L1) {
        return v->storage == MIDGE_STORAGE_F32 ? score_l1_f32 : score_decoded;
    }
    if (v->storage == MIDGE_STORAGE_F16) {
        return score_f16;
    }
    return v->metric == MIDGE_METRIC_L2SQ ? score_l2sq_f32 : score_dot_f32;
}

static void begin(const mdg_vectors *v, const void *query, void *room,
                  mdg_scorer *out) {
    *out = (mdg_scorer){.vectors = v, .query = query};
    out->decoded = (float *)(void *)((char *)room + room_bytes(v->dim));
}

void mdg_scorer_exact(const mdg_vectors *v, const void *vector, void *room,
                      mdg_scorer *out) {
    begin(v, vector, room, out);
    if (v->storage == MIDGE_STORAGE_BINARY) {
        out->score = score_binary;
        return;
    }
    out->score =
        v->storage == MIDGE_STORAGE_INT8 ? score_decoded : score_of_floats(v);
    if (v->metric == MIDGE_METRIC_COSINE) {
        out->factor = inverse_norm(dot(v, vector, vector));
    }
}

/* L1 has no product form: it is walked decoded. */
static int walks_by_codes(const mdg_vectors *v) {
    return v->storage == MIDGE_STORAGE_INT8 && v->metric != MIDGE_METRIC_L1;
}

void mdg_scorer_walk(const mdg_vectors *v, const void *vector, void *room,
                     mdg_scorer *out) {
    float factors[2];
    if (!walks_by_codes(v)) {
        mdg_scorer_exact(v, vector, room, out);
        return;
    }
    begin(v, room, room, out);
    encode_int8(v, vector, room, factors);
    out->score = score_int8;
    out->factor = factors[v->metric == MIDGE_METRIC_COSINE];
    out->norm2 = factors[1];
}

void mdg_scorer_row(const mdg_vectors *v, uint32_t row, void *room,
                    mdg_scorer *out) {
    const uint8_t *record = mdg_record(v, row);
    begin(v, record, room, out);
    if (v->storage == MIDGE_STORAGE_BINARY) {
        out->score = score_binary;
        return;
    }
    if (walks_by_codes(v)) {
        const float *factors = mdg_factors(v, row);
        out->score = score_int8;
        out->factor = factors[v->metric == MIDGE_METRIC_COSINE];
        out->norm2 = factors[1];
    } else {
        if (v->storage != MIDGE_STORAGE_F32) {
            mdg_vectors_get(v, row, room);
            out->query = room;
        }
        out->score = score_of_floats(v);
        if (v->metric == MIDGE_METRIC_COSINE) {
            out->factor = last_factor(v, row);
        }
    }
}
