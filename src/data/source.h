/* source.h: what the readers of vector files share. */
#ifndef MDG_SOURCE_H
#define MDG_SOURCE_H

#include "data/csv_scan.h"
#include "data/npy.h"
#include "midge/vector_source.h"

#define MDG_SOURCE_CELL_MAX ((size_t)4 << 20) /* a vector as text */

typedef struct mdg_source_column {
    const char *name;
    midge_column_kind kind;
    int seen; /* a row has a value */
} mdg_source_column;

/* A column of a CSV file. */
typedef enum mdg_csv_role {
    MDG_CSV_META,
    MDG_CSV_ID,
    MDG_CSV_VECTOR,
    MDG_CSV_TEXT,
    MDG_CSV_COMPONENT
} mdg_csv_role;

typedef struct mdg_csv_column {
    const char *name;
    mdg_csv_role role;
    midge_column_kind kind; /* META_STRING as soon as one cell is no number */
    int seen;
    int64_t bad_line; /* of the first nan, inf or too large number; 0: none */
} mdg_csv_column;

struct midge_vector_source {
    const midge_env *env;
    const uint8_t *bytes;
    size_t size;
    midge_source_options options;
    uint64_t count;
    uint64_t done; /* rows that were handed out */
    uint32_t dim;
    int has_ids;
    midge_id_type id_type;
    midge_arena names; /* of columns; lives as long as the source */
    mdg_source_column columns[MIDGE_INDEX_COLUMNS_MAX];
    uint32_t n_columns;
    /* Where the next row is. */
    size_t at;
    int64_t line; /* of text */
    mdg_npy_head npy;
    mdg_csv csv;
    mdg_csv_column *csv_columns;
    size_t n_csv_columns;
    /* The rows handed out last. */
    midge_arena batch;
    void *vectors;
    size_t vectors_bytes;
};

/* Of a row: bytes of its vector as midge_rows wants it. */
size_t mdg_source_row_bytes(const midge_vector_source *source);

/* ---- source_binary.c ----------------------------------------------------- */

midge_status mdg_source_binary_open(midge_vector_source *s, midge_error *err);
midge_status mdg_source_binary_next(midge_vector_source *s, size_t count,
                                    midge_error *err);

/* ---- source_text.c: rows as JSON objects --------------------------------- */

midge_status mdg_source_text_open(midge_vector_source *s, midge_error *err);
midge_status mdg_source_text_next(midge_vector_source *s, size_t count,
                                  midge_source_rows *out, midge_error *err);
/* "line 7: what" as an error. */
midge_status mdg_source_fail(midge_error *err, midge_status status,
                             int64_t line, const char *what, const char *name);

/* ---- source_csv.c -------------------------------------------------------- */

midge_status mdg_source_csv_open(midge_vector_source *s, midge_error *err);
void mdg_source_csv_close(midge_vector_source *s);
void mdg_source_csv_rewind(midge_vector_source *s);
/* The next row as an object; NULL at the end. */
midge_status mdg_source_csv_row(midge_vector_source *s, midge_arena *arena,
                                const midge_json **out, midge_error *err);

#endif
