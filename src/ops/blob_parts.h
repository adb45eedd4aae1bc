/* blob_parts.h: blobs as the things they hold. `ref` may be "", which is a blob
 * that is not there. On failure nothing is kept and the outputs are NULL. */
#ifndef MDG_BLOB_PARTS_H
#define MDG_BLOB_PARTS_H

#include "midge/model.h"
#include "midge/ops.h"

midge_status mdg_blob_table(const midge_env *env, const midge_op_host *host,
                            const char *ref, midge_table **out,
                            midge_error *err);
midge_status mdg_blob_encoder(const midge_env *env, const midge_op_host *host,
                              const char *ref, midge_encoder **out,
                              midge_error *err);
midge_status mdg_blob_model(const midge_env *env, const midge_op_host *host,
                            const char *ref, midge_model **out,
                            midge_error *err);
midge_status mdg_blob_bundle(const midge_env *env, const midge_op_host *host,
                             const char *ref, midge_encoder **encoder,
                             midge_model **model, midge_error *err);

#endif
