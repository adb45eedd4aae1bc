/* nn_data.h: rows to learn from, in memory: read, split, shuffle, join. */
#ifndef MIDGE_NN_DATA_H
#define MIDGE_NN_DATA_H

#include "midge/nn_train.h"
#include "midge/table.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows of n_inputs inputs and n_outputs targets. */
typedef struct midge_dataset midge_dataset;

#define MIDGE_DATASET_FLOATS_MAX ((size_t)1 << 31)

/* Copies x (n_rows, n_inputs) and t (n_rows, n_outputs); NULL: zeros. At least
 * 1 row and 1 input; there may be 0 outputs. Values that are not finite are
 * MIDGE_E_INVALID, and named by row and column from 1; MIDGE_E_LIMIT: more than
 * MIDGE_DATASET_FLOATS_MAX numbers. */
MIDGE_API MIDGE_NODISCARD midge_status midge_dataset_new(
    const midge_env *env, size_t n_rows, uint32_t n_inputs, uint32_t n_outputs,
    const float *x, const float *t, midge_dataset **out, midge_error *err);
MIDGE_API void midge_dataset_free(midge_dataset *data);
MIDGE_API size_t midge_dataset_n_rows(const midge_dataset *data);
MIDGE_API uint32_t midge_dataset_n_inputs(const midge_dataset *data);
MIDGE_API uint32_t midge_dataset_n_outputs(const midge_dataset *data);
/* The rows themselves, to be changed in place. */
MIDGE_API float *midge_dataset_x(midge_dataset *data);
MIDGE_API float *midge_dataset_t(midge_dataset *data);
/* All rows as what a trainer takes; borrowed until the dataset changes. */
MIDGE_API midge_net_data midge_dataset_view(const midge_dataset *data);

/* FANN's training data: "n_rows n_inputs n_outputs", then the numbers, inputs
 * and outputs of a row after each other, with any white space between.
 * MIDGE_E_PARSE with the line: not a number, too few, too many. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_dataset_read_fann(const midge_env *env, const void *bytes, size_t size,
                        midge_dataset **out, midge_error *err);
/* The shortest decimals that read back to the same bits. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_dataset_write_fann(const midge_dataset *data, midge_buf *out);
/* For FANN's fixed point: each number times 2^decimal_point (0..30), cut off to
 * a whole one. MIDGE_E_LIMIT: one does not fit 32 bits. */
MIDGE_API MIDGE_NODISCARD midge_status midge_dataset_write_fann_fixed(
    const midge_dataset *data, uint32_t decimal_point, midge_buf *out,
    midge_error *err);
/* What an encoder makes of all rows of a table (NULL `rows`), or of some. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_dataset_from_table(const midge_env *env, const midge_encoder *encoder,
                         const midge_table *table, const uint32_t *rows,
                         size_t n_rows, midge_dataset **out, midge_error *err);

/* Copies of some rows, in the order of `rows` (repeated or not; a number
 * beyond the last is MIDGE_E_INVALID); of a run of rows; of all. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_dataset_pick(const midge_dataset *data, const uint32_t *rows,
                   size_t n_rows, midge_dataset **out, midge_error *err);
MIDGE_API MIDGE_NODISCARD midge_status
midge_dataset_subset(const midge_dataset *data, size_t first, size_t n_rows,
                     midge_dataset **out, midge_error *err);
MIDGE_API MIDGE_NODISCARD midge_status
midge_dataset_copy(const midge_dataset *data, midge_dataset **out);
/* The rows of a, then those of b. Other widths: MIDGE_E_MISMATCH. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_dataset_merge(const midge_dataset *a, const midge_dataset *b,
                    midge_dataset **out, midge_error *err);
/* The same order for the same seed, everywhere. */
MIDGE_API void midge_dataset_shuffle(midge_dataset *data, uint64_t seed);

/* Fits scalings on these rows and applies them to them; `inputs` (n_inputs) and
 * `outputs` (n_outputs) receive them, NULL: that side is left alone. What
 * midge_net_set_scaling takes. */
MIDGE_API MIDGE_NODISCARD midge_status midge_dataset_scale(
    midge_dataset *data, midge_scale kind, float new_min, float new_max,
    midge_scaling *inputs, midge_scaling *outputs);

/* ---- Splits. ---------------------------------------------------------------
 * Both number the rows of something: labels (n_rows; classes, any integers) ask
 * for stratified parts, in which every class has its share to within one row;
 * NULL for plain ones. Deterministic by seed. */

/* part[i] is 0 (train), 1 (validation) or 2 (test). The fractions are of all
 * rows, not negative, and below 1 together; each part that is asked for gets a
 * row at least, if need be of more than its share, or MIDGE_E_INVALID says that
 * there are too few. Scratch memory
 * from env. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_split(const midge_env *env, size_t n_rows, const int32_t *labels,
            double validation, double test, uint64_t seed, uint8_t *part,
            midge_error *err);
/* fold[i] is 0..k-1; 2 <= k <= n_rows. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_k_fold(const midge_env *env, size_t n_rows, const int32_t *labels,
             uint32_t k, uint64_t seed, uint32_t *fold, midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
