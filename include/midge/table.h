/* table.h: rows of data as people have them, and as learners need them.
 *
 * A table is parsed from CSV (RFC 4180, header line, types inferred per column)
 * or .npy (2-D array; columns are named c0, c1, ...). An encoder, fitted on
 * some rows of a table, turns rows into features (float matrix) and targets.
 * Parsers take bytes: reading files is the caller's.
 */
#ifndef MIDGE_TABLE_H
#define MIDGE_TABLE_H

#include "midge/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MIDGE_TABLE_COLUMNS_MAX 65536
#define MIDGE_TABLE_BYTES_MAX   ((size_t)1 << 30)

typedef struct midge_table midge_table;

typedef enum midge_column_type {
    MIDGE_COLUMN_NUMBER, /* missing cells are NaN */
    MIDGE_COLUMN_TEXT    /* cells are categories; missing is category -1 */
} midge_column_type;

/* Either parses the bytes by what they are (.npy magic, else CSV). Errors name
 * line and column: ragged rows, unclosed quotes, NaN or infinity as a value, no
 * data rows, duplicate or empty column names, binary junk. In CSV an empty
 * cell, NA, N/A and null are missing; "nan" and "inf" are refused. */
MIDGE_API MIDGE_NODISCARD midge_status midge_table_read(const midge_env *env,
                                                        const void *bytes,
                                                        size_t size,
                                                        midge_table **out,
                                                        midge_error *err);
MIDGE_API void midge_table_free(midge_table *table);

MIDGE_API size_t midge_table_n_rows(const midge_table *table);
MIDGE_API size_t midge_table_n_columns(const midge_table *table);
MIDGE_API const char *midge_table_column_name(const midge_table *table,
                                              size_t column);
MIDGE_API midge_column_type midge_table_column_type(const midge_table *table,
                                                    size_t column);
/* Column number by name, or by "-1" style index from the end when no column
 * has that name; -1 if there is none. */
MIDGE_API int64_t midge_table_find_column(const midge_table *table,
                                          const char *name);
/* The cells of a NUMBER column, n_rows values, NaN where missing; else NULL. */
MIDGE_API const float *midge_table_numbers(const midge_table *table,
                                           size_t column);
/* The cells of a TEXT column as category numbers, -1 where missing; and the
 * categories, in order of first appearance. */
MIDGE_API const int32_t *midge_table_categories(const midge_table *table,
                                                size_t column);
MIDGE_API size_t midge_table_n_categories(const midge_table *table,
                                          size_t column);
MIDGE_API const char *midge_table_category(const midge_table *table,
                                           size_t column, size_t category);
/* 1 when all columns are of one array (.npy) and share a unit. */
MIDGE_API int midge_table_is_array(const midge_table *table);

/* What is to be learned. */
typedef enum midge_problem {
    MIDGE_PROBLEM_CLASSIFY,
    MIDGE_PROBLEM_REGRESS
} midge_problem;

/* An encoder remembers how rows became numbers: which column is the target, the
 * mean that stands in for a missing number, centre and scale per feature, the
 * categories of a text column (one-hot), the classes of the target. Columns of
 * an array share one centre and scale; columns of a CSV have their own. A text
 * column with more than 32 categories and a constant column are left out, and
 * listed by midge_encoder_dropped. */
typedef struct midge_encoder midge_encoder;

/* Fits on the given rows only (so that held-out rows are not looked at).
 * Classification is chosen for a text target and for a number target with at
 * most 20 distinct whole values of which each occurs at least twice on average
 * ... see encoder.c for the exact rule. Rows with a missing target must not be
 * among `rows`. Errors: no such column, target constant, no usable feature. */
MIDGE_API MIDGE_NODISCARD midge_status midge_encoder_fit(
    const midge_env *env, const midge_table *table, size_t target_column,
    const uint32_t *rows, size_t n_rows, midge_encoder **out, midge_error *err);
MIDGE_API void midge_encoder_free(midge_encoder *encoder);
MIDGE_API midge_problem midge_encoder_problem(const midge_encoder *encoder);
MIDGE_API const char *midge_encoder_target(const midge_encoder *encoder);
MIDGE_API uint32_t midge_encoder_n_features(const midge_encoder *encoder);
/* Classes for classification, 1 for regression. */
MIDGE_API uint32_t midge_encoder_n_outputs(const midge_encoder *encoder);
MIDGE_API const char *midge_encoder_class(const midge_encoder *encoder,
                                          uint32_t index);
MIDGE_API size_t midge_encoder_n_dropped(const midge_encoder *encoder);
MIDGE_API const char *midge_encoder_dropped(const midge_encoder *encoder,
                                            size_t index);

/* Features of the given rows into x (n_rows, n_features). The table may be
 * another than the one fitted on: columns are found by name, and a missing
 * column or a wrong type is an error that names it. An unknown category is all
 * zeros. */
MIDGE_API MIDGE_NODISCARD midge_status midge_encoder_features(
    const midge_encoder *encoder, const midge_table *table,
    const uint32_t *rows, size_t n_rows, float *x, midge_error *err);
/* Targets of the given rows: t (n_rows, n_outputs), one-hot or standardised;
 * label (n_rows): class number, or the raw value. Either may be NULL. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_encoder_targets(const midge_encoder *encoder, const midge_table *table,
                      const uint32_t *rows, size_t n_rows, float *t,
                      float *label, midge_error *err);
/* A standardised regression output back in the target's own unit. */
MIDGE_API float midge_encoder_unscale(const midge_encoder *encoder, float y);

/* Checksummed bytes (spec/formats/encoder.md). */
MIDGE_API MIDGE_NODISCARD midge_status
midge_encoder_write(const midge_encoder *encoder, midge_buf *out);
MIDGE_API MIDGE_NODISCARD midge_status midge_encoder_read(const midge_env *env,
                                                          const void *bytes,
                                                          size_t size,
                                                          midge_encoder **out,
                                                          midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
