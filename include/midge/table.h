/* table.h: rows of data as people have them, and as learners need them.
 *
 * A table is parsed from CSV (RFC 4180, header line, types inferred per column)
 * or .npy (2-D array; columns are named c0, c1, ...). An encoder, fitted on
 * some rows of a table, turns rows into features (float matrix) and targets.
 * Parsers take bytes: reading files is the caller's.
 */
#ifndef MIDGE_TABLE_H
#define MIDGE_TABLE_H

#include "midge/nn.h"

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

/* Parses the bytes by what they are (.npy magic, else CSV).
 *
 * CSV: UTF-8 with a header in the first line; LF or CRLF; quotes as in RFC 4180
 * where a cell begins with one; spaces around other cells do not count. The
 * separator is the comma if the header has one outside of quotes, else the
 * first semicolon or tab in it. Empty lines are no rows. An empty cell is
 * missing, and so are NA, N/A and null, in any case, without quotes. A column
 * is text when one of its cells is neither missing nor a number ("7", "-.5",
 * "+1e3", "007"); in a column of numbers nan, inf, infinity, with a sign or
 * not, and what no float can hold are refused. (Files of vectors have the same
 * numbers: midge/vector_source.h.)
 *
 * .npy: versions 1 to 3, two dimensions, C or Fortran order, little-endian
 * u1 i1 b1 u2 i2 u4 i4 i8 f4 f8. NaN and infinity are refused.
 *
 * Errors: MIDGE_E_PARSE, with line and column in `err` where there is one (of a
 * .npy: row and column, from 1): ragged rows, a quote that is not closed, a
 * value that is refused, no rows, names that are empty or there twice, not a
 * text. MIDGE_E_LIMIT: more than MIDGE_TABLE_COLUMNS_MAX columns or
 * MIDGE_TABLE_BYTES_MAX bytes, or a cell of more than 65536 bytes. */
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
/* The column of that name. When there is none and the name is a minus and
 * digits it counts from the end: "-1" is the last column, "-2" the one before.
 * -1 if neither gives a column. */
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
/* 1 when all columns are of one array (.npy): they share a unit. */
MIDGE_API int midge_table_is_array(const midge_table *table);

/* What is to be learned. */
typedef enum midge_problem {
    MIDGE_PROBLEM_CLASSIFY,
    MIDGE_PROBLEM_REGRESS
} midge_problem;

/* An encoder remembers how rows became numbers: which column is the target, the
 * mean that stands in for a missing number, centre and scale per feature, the
 * categories of a text column (one-hot), the classes of the target. */
typedef struct midge_encoder midge_encoder;

typedef enum midge_missing {
    MIDGE_MISSING_MEAN,   /* the mean of the column stands in for a number */
    MIDGE_MISSING_MEDIAN, /* its median does */
    MIDGE_MISSING_REFUSE  /* MIDGE_E_INVALID names row and column, when fitting
                             and later on */
} midge_missing;

/* The scales are STANDARD, MIN_MAX (the least value is 0, the largest 1),
 * ROBUST (the deviation, where the quartiles are the same) or NONE. */
typedef struct midge_encoder_options {
    midge_scale scale;        /* of columns of numbers */
    midge_scale target_scale; /* of a regression target */
    midge_missing missing;    /* cells; for texts 0 in all categories is the
                                 mean and the median */
} midge_encoder_options;
#define MIDGE_ENCODER_DEFAULTS                                                 \
    {MIDGE_SCALE_STANDARD, MIDGE_SCALE_STANDARD, MIDGE_MISSING_MEAN}

/* Fits on the given rows only, so that held-out rows are not looked at; but
 * whether numbers are classes is asked of the whole target column, so that all
 * parts of a table are the same problem.
 *
 * Problem: a text target is classification. A target of numbers is too when all
 * its values are whole and between -2^24 and 2^24, there are at most 20
 * distinct ones, and either two of them or on average at least 10 rows for
 * each. Else it is regression.
 *
 * Classes: those that occur in `rows`, at least 2 and at most 1000; numbers in
 * ascending order, texts in the order of the table.
 *
 * Inputs: every other column but those that are constant in `rows` (or without
 * any value) and text columns with more than 32 categories there; these are
 * listed by midge_encoder_dropped. A number becomes (v - centre) / scale, kept
 * within -1e6 and 1e6; so does a regression target, but it is not kept. The
 * columns of an array that are used share one centre and scale.
 * A text becomes one feature per category, 1 for its own; a missing one, or one
 * that was not in `rows`, is zeros. (A text column of one category and missing
 * cells is not constant.)
 *
 * `options` NULL: the defaults.
 *
 * Errors: MIDGE_E_INVALID when there is no such column, a row without a target
 * or not in the table, a constant target, or no column that can be used;
 * MIDGE_E_LIMIT for too many classes. */
MIDGE_API MIDGE_NODISCARD midge_status midge_encoder_fit(
    const midge_env *env, const midge_table *table, size_t target_column,
    const uint32_t *rows, size_t n_rows, const midge_encoder_options *options,
    midge_encoder **out, midge_error *err);
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

/* What feature `index` is made from: the name of a column; *category receives
 * the category of a text column, NULL for a column of numbers. NULL when there
 * is no such feature. */
MIDGE_API const char *midge_encoder_feature(const midge_encoder *encoder,
                                            uint32_t index,
                                            const char **category);
/* How features are scaled, as a network's own scaling (inputs: n_features), and
 * a regression target (outputs: 1; not touched for classes). With them the
 * network of a bundle takes plain numbers. Either may be NULL. */
MIDGE_API void midge_encoder_scaling(const midge_encoder *encoder,
                                     midge_scaling *inputs,
                                     midge_scaling *outputs);

/* Features of the given rows into x (n_rows, n_features), all finite. The table
 * may be another than the one fitted on: columns are found by name, and one
 * that is not there or has another type is MIDGE_E_MISMATCH and named (a column
 * without any value counts as text where text is wanted). */
MIDGE_API MIDGE_NODISCARD midge_status midge_encoder_features(
    const midge_encoder *encoder, const midge_table *table,
    const uint32_t *rows, size_t n_rows, float *x, midge_error *err);
/* Targets of the given rows: t (n_rows, n_outputs), one-hot or standardised;
 * label (n_rows): class number, or the raw value. Either may be NULL. A class
 * that was not among the rows fitted on has label -1 and a row of zeros. A row
 * without a target is MIDGE_E_INVALID. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_encoder_targets(const midge_encoder *encoder, const midge_table *table,
                      const uint32_t *rows, size_t n_rows, float *t,
                      float *label, midge_error *err);
/* A standardised regression output back in the target's own unit; for
 * classification y itself. */
MIDGE_API float midge_encoder_unscale(const midge_encoder *encoder, float y);

/* Checksummed bytes (spec/formats/encoder.md). Writing appends, all or nothing.
 */
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
