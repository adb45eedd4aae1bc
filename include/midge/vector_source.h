/* vector_source.h: vectors as people have them in files, some rows at a time,
 * ready for midge_index_add.
 *
 *   .npy     a 2-D array (n, dim): u1 i1 b1 u2 i2 u4 i4 i8 f4 f8
 *   .fvecs   rows of a 32-bit dim and dim floats; .bvecs: bytes; .ivecs: 32-bit
 *            integers (the files of the TEXMEX corpus)
 *   .fbin    32-bit n and dim, then floats (n, dim) (big-ann-benchmarks)
 *   .csv     a header line; the vector is one column, as "[0.1, 0.2]" or
 *            "0.1 0.2", or else all columns of numbers together
 *   .jsonl   an object a line: {"id": 7, "vector": [0.1, 0.2], "lang": "en"}
 *
 * Numbers and missing cells of CSV are as in a table (midge/table.h): "007",
 * "+1e3" and ".5" are numbers; empty, NA, N/A and null mean no value; nan, inf
 * and numbers too large are refused where the others of the column are numbers.
 * Only that in a column of texts NA, N/A and null are texts, and that true and
 * false are booleans and ["a","b"] is a set.
 *
 * All are little-endian. In CSV and JSON Lines what is neither id nor vector
 * (nor text) is metadata; its columns and their kinds are found by looking at
 * every row first. In JSON Lines the members of an object "metadata" count as
 * if they stood beside it.
 *
 * A source belongs to one thread at a time.
 */
#ifndef MIDGE_VECTOR_SOURCE_H
#define MIDGE_VECTOR_SOURCE_H

#include "midge/index.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum midge_vector_format {
    MIDGE_VECTORS_NPY,
    MIDGE_VECTORS_FVECS,
    MIDGE_VECTORS_BVECS,
    MIDGE_VECTORS_IVECS,
    MIDGE_VECTORS_FBIN,
    MIDGE_VECTORS_CSV,
    MIDGE_VECTORS_JSONL
} midge_vector_format;

/* By the end of a file's name ("data.fvecs", "-.jsonl"; .ndjson and .tsv too).
 * 0 when it has none of them. */
MIDGE_API int midge_vector_format_of(const char *name,
                                     midge_vector_format *out);

typedef struct midge_source_options {
    midge_vector_format format;
    int bits;       /* rows of bytes are sets of bits, for Hamming: a byte of
                       .bvecs or .npy u1 is eight, a number of a text file one */
    const char *id; /* CSV, JSON Lines: the member that is the id; NULL: "id" */
    const char *vector; /* the one that is the vector; NULL: "vector" */
    const char *text;   /* the one that is a text to be embedded: there is no
                           vector then; NULL: none */
} midge_source_options;

typedef struct midge_vector_source midge_vector_source;

/* `bytes` are borrowed. Errors name line or row, from 1: MIDGE_E_PARSE for what
 * is not in the format, rows of unlike dim, a member that is a number here and
 * a text there, ids in some rows only; MIDGE_E_NOT_FOUND when no row has a
 * vector (or the text). Cost: text files are parsed once here and once again in
 * reading. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_vector_source_new(const midge_env *env, const void *bytes, size_t size,
                        const midge_source_options *options,
                        midge_vector_source **out, midge_error *err);
MIDGE_API void midge_vector_source_free(midge_vector_source *source);

MIDGE_API uint64_t midge_vector_source_count(const midge_vector_source *source);
/* 0 for texts. With `bits`: bits. */
MIDGE_API uint32_t midge_vector_source_dim(const midge_vector_source *source);
/* Whether rows have ids, and of which type. */
MIDGE_API int midge_vector_source_has_ids(const midge_vector_source *source,
                                          midge_id_type *type);
MIDGE_API uint32_t
midge_vector_source_n_columns(const midge_vector_source *source);
MIDGE_API const char *
midge_vector_source_column(const midge_vector_source *source, uint32_t column,
                           midge_column_kind *kind);

typedef struct midge_source_rows {
    midge_rows rows; /* `vectors` is NULL for texts */
    const midge_text *texts;
    uint64_t first; /* number of the first row, from 0 */
} midge_source_rows;

/* The next rows, at most `max`; a count of 0 is the end. Borrowed until the
 * next call. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_vector_source_next(midge_vector_source *source, size_t max,
                         midge_source_rows *out, midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
