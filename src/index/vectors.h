/* vectors.h: records of vectors in one flat array, and scorers: a query made
 * ready, which measures a list of records in one call.
 *
 * A record is the stored elements, padded to four bytes, then factors (f32):
 *   f32, f16   cosine: 1 / |x| (0 when the norm is 0 or overflows); else none
 *   int8       s, then: cosine: 1 / |c|; l2sq and ip: |s c|^2
 *   binary     none
 * with x = s c for int8, c_i in -127..127 and s = max |x_i| / 127 (0 for a row
 * of zeros).
 */
#ifndef MDG_VECTORS_H
#define MDG_VECTORS_H

#include "kernels/kernels.h"
#include "midge/index.h"

typedef struct mdg_vectors {
    midge_metric metric;
    midge_storage storage;
    uint32_t dim;
    size_t row_bytes;  /* stride of records, a multiple of 4 */
    size_t factors_at; /* bytes from the start of a record */
    const mdg_kernels *kernels;
    uint8_t *data;     /* (capacity, row_bytes); NULL: none */
    uint32_t capacity; /* 0 with data: they lie in a file's bytes */
} mdg_vectors;

/* Sizes for a storage; `data` is NULL. */
void mdg_vectors_init(mdg_vectors *v, const mdg_kernels *kernels,
                      midge_metric metric, midge_storage storage, uint32_t dim);

static inline uint8_t *mdg_record(const mdg_vectors *v, uint32_t row) {
    return v->data + (size_t)row * v->row_bytes;
}

/* The factors of a record (their number depends on storage and metric). */
static inline const float *mdg_factors(const mdg_vectors *v, uint32_t row) {
    return (const float *)(const void *)(mdg_record(v, row) + v->factors_at);
}

/* Encodes a vector (floats, or bytes when binary) into the record of `row`. */
void mdg_vectors_set(mdg_vectors *v, uint32_t row, const void *vector);
/* The vector that is stored: floats (dim), or bytes when binary. */
void mdg_vectors_get(const mdg_vectors *v, uint32_t row, void *out);

typedef struct mdg_scorer mdg_scorer;
typedef void (*mdg_score_fn)(const mdg_scorer *scorer, size_t count,
                             const uint32_t *rows, float *out);

struct mdg_scorer {
    mdg_score_fn
        score; /* out_i = distance to rows_i; rows NULL: 0, 1, 2, ... (exact) */
    const mdg_vectors *vectors;
    const void *query; /* floats, codes or bytes */
    float *decoded;    /* room for one row as floats, where that is needed */
    float factor; /* of the query: 1 / norm for cosine, the scale of codes */
    float norm2;
};

/* Bytes of room that a scorer of these vectors needs, 64-byte aligned. */
size_t mdg_scorer_bytes(const mdg_vectors *v);
/* Distances of a query to stored rows, as index.h defines them. */
void mdg_scorer_exact(const mdg_vectors *v, const void *vector, void *room,
                      mdg_scorer *out);
/* The same for walking: faster for int8, where the query is rounded to 8 bits
 * too; otherwise as exact. */
void mdg_scorer_walk(const mdg_vectors *v, const void *vector, void *room,
                     mdg_scorer *out);
/* Distances between rows for linking; for ip -a.b, so that a row links to those
 * which answers come from (Morozov and Babenko, "Non-metric similarity graphs
 * for maximum inner product search", 2018). On rows of many lengths that found
 * 0.99 of the ten best where rows lifted to one length (Bachrach et al., 2014),
 * walked equally far, found 0.24. */
void mdg_scorer_row(const mdg_vectors *v, uint32_t row, void *room,
                    mdg_scorer *out);

static inline void mdg_score(const mdg_scorer *s, size_t count,
                             const uint32_t *rows, float *out) {
    s->score(s, count, rows, out);
}

#endif
