/* shape_file.h: what all files of networks begin with (spec/formats/net.md):
 * how many layers, flags, sizes, runs of units. And their scalings. */
#ifndef MDG_SHAPE_FILE_H
#define MDG_SHAPE_FILE_H

#include "base/bytes.h"
#include "nn/net.h"

#define MDG_RUN_BYTES 12
/* What stands before the runs' end. */
#define MDG_SHAPE_BYTES(n_layers, n_units)                                     \
    (16 + (size_t)4 * (n_layers) + (size_t)MDG_RUN_BYTES * (n_units))

/* How many runs, and the runs. */
midge_status mdg_put_runs(const mdg_units *units, uint32_t n, midge_buf *out);

/* A shape that was read, not judged yet, in memory of its own. */
typedef struct mdg_shape_file {
    uint32_t flags;
    mdg_shape shape;
    mdg_units *units; /* room for the runs, and behind them for the sizes */
    size_t room;
} mdg_shape_file;

/* Flags above `flags_known` are MIDGE_E_CORRUPT, as is what leaves no room for
 * the sizes and runs. Memory is at most twice what the file takes for them;
 * give it back with mdg_shape_file_deinit, after a failure too. */
midge_status mdg_get_shape(const midge_env *env, mdg_reader *r,
                           uint32_t flags_known, mdg_shape_file *out,
                           midge_error *err);
void mdg_shape_file_deinit(const midge_env *env, mdg_shape_file *file);

/* n scalings; nothing for NULL. */
midge_status mdg_put_scaling(const midge_scaling *s, size_t n, midge_buf *out);
/* MIDGE_E_CORRUPT: one that mdg_scaling_good refuses. */
midge_status mdg_get_scaling(mdg_reader *r, size_t n, midge_scaling *out,
                             midge_error *err);

#endif
