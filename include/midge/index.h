/* index.h: vectors with metadata, and the nearest of them.
 *
 * An index holds rows: a vector, an id and metadata each. A search compares a
 * query with all rows (exact), or walks a graph of near neighbours (HNSW:
 * Malkov and Yashunin, "Efficient and robust approximate nearest neighbor
 * search using hierarchical navigable small world graphs", 2016).
 *
 * Distances, smaller is nearer; q is the query, x a row as it is stored:
 *   l2sq     sum (q_i - x_i)^2
 *   cosine   1 - q.x / (|q| |x|), at least 0; 1 when a norm is 0 or overflows
 *   ip       -q.x (the largest inner product comes first)
 *   l1       sum |q_i - x_i|
 *   hamming  bits that differ
 * Of equal distances the smaller row number is first in an exact search.
 *
 * Threads: an index may be searched by any number of searchers at once; a
 * change needs it alone. Building and searching share their work among the
 * env's workers; what is built does not depend on how many they are.
 */
#ifndef MIDGE_INDEX_H
#define MIDGE_INDEX_H

#include "midge/json.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midge_index midge_index;
typedef struct midge_filter midge_filter;
typedef struct midge_searcher midge_searcher;

#define MIDGE_INDEX_DIM_MAX     65536u
#define MIDGE_INDEX_ROWS_MAX    ((uint32_t)1 << 31)
#define MIDGE_INDEX_M_MAX       128u
#define MIDGE_INDEX_EF_MAX      65536u
#define MIDGE_INDEX_COLUMNS_MAX 256u
#define MIDGE_INDEX_KEY_MAX     4096u /* bytes of a text id */
#define MIDGE_INDEX_NO_ROW      UINT32_MAX

/* The values of these enums are stored in files: frozen. */
typedef enum midge_metric {
    MIDGE_METRIC_L2SQ = 0,
    MIDGE_METRIC_COSINE = 1,
    MIDGE_METRIC_IP = 2,
    MIDGE_METRIC_L1 = 3,
    MIDGE_METRIC_HAMMING = 4
} midge_metric;

typedef enum midge_index_kind {
    MIDGE_INDEX_AUTO = 0, /* exact below 4096 rows, then HNSW, built once */
    MIDGE_INDEX_FLAT = 1, /* exact */
    MIDGE_INDEX_HNSW = 2
} midge_index_kind;

/* What is kept of a vector; distances are those to what is kept. */
typedef enum midge_storage {
    MIDGE_STORAGE_F32 = 0,
    MIDGE_STORAGE_F16 = 1, /* IEEE binary16, rounded to nearest */
    MIDGE_STORAGE_INT8 =
        2, /* x_i = s c_i, c_i -127..127, s = max |x_i| / 127 */
    MIDGE_STORAGE_BINARY =
        3 /* bits; goes with the Hamming metric and no other */
} midge_storage;

/* What the graph is walked by. With INT8 the nearest that the walk found are
 * measured again by the rows themselves: distances are always those of the
 * storage. AUTO becomes INT8, with storage f32 or f16 and the metrics that
 * INT8 has, once a thousand rows of 64 numbers or more are in a graph and a
 * sample of them says that 8 bits tell neighbours apart; else ROWS. What it
 * came to stays. */
typedef enum midge_walk {
    MIDGE_WALK_AUTO = 0,
    MIDGE_WALK_ROWS = 1, /* the rows as stored */
    MIDGE_WALK_INT8 = 2  /* a copy of each row in 8 bits, dim + 8 bytes more a
                            row; l2sq, cosine and ip */
} midge_walk;

typedef enum midge_id_type {
    MIDGE_ID_U64 = 0, /* numbered from 0 on when none are given */
    MIDGE_ID_TEXT = 1 /* UTF-8, 1 to MIDGE_INDEX_KEY_MAX bytes */
} midge_id_type;

typedef struct midge_index_options {
    uint32_t dim; /* 1 to MIDGE_INDEX_DIM_MAX; bits for Hamming */
    midge_metric metric;
    midge_index_kind kind;
    midge_storage storage;
    midge_walk walk;
    midge_id_type id_type;
    uint32_t m; /* links of a node, twice that on the lowest level;
                   2 to MIDGE_INDEX_M_MAX; 0: 16 */
    uint32_t ef_construction; /* candidates when a row is linked; 0: 128 */
    uint32_t ef;              /* candidates of a search; 0: 64 */
    uint64_t seed;
} midge_index_options;

#define MIDGE_INDEX_DEFAULTS                                                   \
    {0,                                                                        \
     MIDGE_METRIC_COSINE,                                                      \
     MIDGE_INDEX_AUTO,                                                         \
     MIDGE_STORAGE_F32,                                                        \
     MIDGE_WALK_AUTO,                                                          \
     MIDGE_ID_U64,                                                             \
     0,                                                                        \
     0,                                                                        \
     0,                                                                        \
     0}

/* MIDGE_E_INVALID names the option that is out of its bounds or does not go
 * with another. The env is borrowed for the life of the index. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_new(const midge_env *env, const midge_index_options *options,
                midge_index **out, midge_error *err);
MIDGE_API void midge_index_free(midge_index *index);

/* ---- Metadata columns ---------------------------------------------------- */

typedef enum midge_column_kind { /* stored in files: frozen */
                                 MIDGE_META_INT = 0,   /* -2^63 to 2^63 - 1 */
                                 MIDGE_META_FLOAT = 1, /* finite doubles */
                                 MIDGE_META_STRING = 2,
                                 MIDGE_META_BOOL = 3,
                                 MIDGE_META_SET = 4 /* of strings */
} midge_column_kind;

/* Adds a column; rows that are there have no value in it. Names are UTF-8, 1 to
 * 64 bytes, a letter or _ first, then letters, digits, _ . or -; MIDGE_E_EXISTS
 * when it is there. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_column_add(midge_index *index, const char *name,
                       midge_column_kind kind, midge_error *err);
MIDGE_API uint32_t midge_index_n_columns(const midge_index *index);
/* NULL when there is no such column. */
MIDGE_API const char *midge_index_column_name(const midge_index *index,
                                              uint32_t column);
MIDGE_API midge_column_kind midge_index_column_kind(const midge_index *index,
                                                    uint32_t column);

/* ---- Changes ------------------------------------------------------------- */

typedef struct midge_rows {
    size_t count;
    /* (count, dim) floats, row-major; for Hamming (count, ceil(dim / 8)) bytes,
     * the bits past dim 0. */
    const void *vectors;
    const uint64_t *ids;    /* (count); NULL: numbered on from the largest */
    const midge_text *keys; /* (count); instead of ids when ids are texts */
    /* (count) objects whose members are columns of the index, NULL for a row
     * without; or NULL altogether. null and absent are the same: no value. */
    const midge_json *const *metadata;
} midge_rows;

/* Adds rows, all or none: MIDGE_E_INVALID names the row with a NaN or an
 * infinity or metadata that do not fit; MIDGE_E_EXISTS an id that is there
 * already or twice in `rows`. Upsert replaces the rows whose ids are there,
 * vector and metadata. Many rows at once are linked in parallel, and far faster
 * than one by one. Cost of a row in a graph: some ef_construction * m
 * distances. `progress` is called from the calling thread with rows done and
 * total, and ends the work with MIDGE_E_CANCELLED by returning non-zero (then
 * nothing was added); it may be NULL. */
typedef int (*midge_progress_fn)(void *ctx, size_t done, size_t total);
typedef struct midge_add_options {
    int upsert;
    midge_progress_fn progress;
    void *progress_ctx;
} midge_add_options;
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_add(midge_index *index, const midge_rows *rows,
                const midge_add_options *options, midge_error *err);

/* Deletes the rows with these ids (or keys), and tells how many were there. A
 * deleted row is never found again from then on; the graph walks through it
 * until it is repaired, which happens by itself when many are deleted, and in
 * midge_index_compact. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_delete(midge_index *index, size_t count, const uint64_t *ids,
                   const midge_text *keys, size_t *n_deleted, midge_error *err);

/* Repairs the graph around deleted rows and closes their gaps: row numbers
 * change, ids do not. */
MIDGE_API MIDGE_NODISCARD midge_status midge_index_compact(midge_index *index,
                                                           midge_error *err);

/* ---- What is in it ------------------------------------------------------- */

typedef struct midge_index_info {
    midge_index_options options; /* with the defaults filled in */
    uint64_t count;              /* rows that can be found */
    uint64_t n_deleted;          /* row numbers not in use */
    int has_graph;
    uint32_t n_columns;
    /* Held in memory or mapped, by part. */
    uint64_t vector_bytes; /* rows as stored */
    uint64_t walk_bytes;   /* what the walk has beside them */
    uint64_t graph_bytes;
    uint64_t id_bytes;
    uint64_t metadata_bytes;
} midge_index_info;
MIDGE_API void midge_index_info_get(const midge_index *index,
                                    midge_index_info *info);

/* Row numbers run from 0 to below count + n_deleted. */
MIDGE_API int midge_index_has_row(const midge_index *index, uint32_t row);
/* 0 when ids are texts, or there is no such row. */
MIDGE_API uint64_t midge_index_id(const midge_index *index, uint32_t row);
/* {NULL, 0} when ids are not texts; borrowed until the next change. */
MIDGE_API midge_text midge_index_key(const midge_index *index, uint32_t row);
/* The row with that id, or MIDGE_INDEX_NO_ROW. */
MIDGE_API uint32_t midge_index_find(midge_index *index, uint64_t id);
MIDGE_API uint32_t midge_index_find_key(midge_index *index, midge_text key);
/* The vector as it is stored, as floats (dim) (Hamming: bytes). */
MIDGE_API MIDGE_NODISCARD midge_status midge_index_vector(
    const midge_index *index, uint32_t row, void *out, midge_error *err);
/* Writes the row's metadata as one JSON object. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_index_metadata(const midge_index *index, uint32_t row,
                     midge_json_writer *w, midge_error *err);

/* ---- Filters ------------------------------------------------------------- */

/* A condition on the metadata, parsed once against the columns of an index:
 *
 *     lang = "en" and year >= 2020 and tag in ("a", "b")
 *     not draft and (score > 0.5 or title starts "mid") and note is not null
 *
 * The grammar is in docs/guide/filters.md. MIDGE_E_PARSE has the offset in
 * `err`; MIDGE_E_NOT_FOUND names a column that is not there; MIDGE_E_MISMATCH a
 * comparison of unlike types. The filter borrows the index, and stays valid
 * while the index changes. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_filter_new(const midge_index *index, const char *text, size_t size,
                 midge_filter **out, midge_error *err);
MIDGE_API void midge_filter_free(midge_filter *filter);
MIDGE_API int midge_filter_matches(const midge_filter *filter, uint32_t row);

/* ---- Search -------------------------------------------------------------- */

typedef struct midge_neighbour {
    uint32_t row; /* see midge_index_id */
    float distance;
} midge_neighbour;

typedef struct midge_query {
    size_t count;        /* queries */
    const void *vectors; /* as in midge_rows */
    uint32_t k;          /* at most so many rows for each query, 1 or more */
    uint32_t ef;         /* 0: that of the index; at least k is used */
    int within;          /* 1: only rows at `radius` or nearer */
    float radius;
    int exact;                  /* 1: compare with every row */
    const midge_filter *filter; /* NULL: all rows */
} midge_query;

/* What a search did, summed over its queries. */
typedef struct midge_search_stats {
    uint64_t distances;     /* of rows and codes */
    uint64_t steps;         /* nodes whose neighbours were looked at */
    uint64_t exact_queries; /* answered by comparing with every row */
    double selectivity;     /* estimated share of rows that pass the filter;
                               1 without a filter */
} midge_search_stats;

/* A searcher holds the memory that searches need, so that they do not allocate:
 * one per thread that searches. It borrows the index, and follows its changes.
 */
MIDGE_API MIDGE_NODISCARD midge_status midge_searcher_new(
    const midge_index *index, midge_searcher **out, midge_error *err);
MIDGE_API void midge_searcher_free(midge_searcher *searcher);
/* MIDGE_E_INVALID when a query has NaN or infinity (named); MIDGE_E_CORRUPT
 * when a part of the file that the search came to is damaged. On failure there
 * are no results. */
MIDGE_API MIDGE_NODISCARD midge_status midge_searcher_run(
    midge_searcher *searcher, const midge_query *query, midge_error *err);
/* The rows found for a query of the last run, nearest first; borrowed until the
 * next run. Fewer than k only when no more rows pass. */
MIDGE_API const midge_neighbour *
midge_searcher_found(const midge_searcher *searcher, size_t query,
                     size_t *count);
MIDGE_API midge_search_stats
midge_searcher_stats(const midge_searcher *searcher);

/* Finds the smallest ef that reaches `recall` (of the k nearest, over `sample`
 * queries; NULL queries: rows of the index drawn by its seed, each asked for
 * its neighbours but itself), makes it the index's own, and tells what was
 * measured. MIDGE_E_LIMIT when MIDGE_INDEX_EF_MAX does not reach it; the report
 * is filled then too and nothing is changed. Cost: `sample` exact searches, and
 * some ten times as many others. */
typedef struct midge_tune_report {
    uint32_t ef;
    double recall; /* measured with that ef */
    size_t sample;
    uint32_t k;
} midge_tune_report;
MIDGE_API MIDGE_NODISCARD midge_status midge_index_tune(
    midge_index *index, double recall, uint32_t k, size_t sample,
    const void *queries, midge_tune_report *report, midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
