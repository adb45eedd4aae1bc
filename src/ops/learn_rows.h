/* learn_rows.h: matrices with the same rows, as blobs (spec/formats/rows.md).
 */
#ifndef MDG_LEARN_ROWS_H
#define MDG_LEARN_ROWS_H

#include "midge/ops.h"

#define MDG_ROWS_PARTS_MAX 4u

/* Parts of training and test rows; out-of-fold predictions have part 0 only. */
enum { MDG_ROWS_X, MDG_ROWS_T, MDG_ROWS_LABEL };

typedef struct mdg_rows {
    const midge_env *env;
    size_t n_rows;
    uint32_t n_parts;
    uint32_t width[MDG_ROWS_PARTS_MAX];
    float *part[MDG_ROWS_PARTS_MAX]; /* each (n_rows, width), zeroed */
} mdg_rows;

/* After a failure there is nothing to undo. */
midge_status mdg_rows_init(mdg_rows *rows, const midge_env *env, size_t n_rows,
                           uint32_t n_parts, const uint32_t *width,
                           midge_error *err);
void mdg_rows_deinit(mdg_rows *rows);

midge_status mdg_rows_write(const mdg_rows *rows, midge_buf *out);
midge_status mdg_rows_read(mdg_rows *rows, const midge_env *env,
                           const void *bytes, size_t size, midge_error *err);

/* The same through the blobs of a host. `n_parts` is how many there must be. */
midge_status mdg_rows_put(const mdg_rows *rows, const midge_op_host *host,
                          char ref[72], midge_error *err);
midge_status mdg_rows_get(mdg_rows *rows, const midge_env *env,
                          const midge_op_host *host, const char *ref,
                          uint32_t n_parts, midge_error *err);

#endif
