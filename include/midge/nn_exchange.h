/* nn_exchange.h: networks as the files of others: FANN, JSON, ONNX, C source.
 */
#ifndef MIDGE_NN_EXCHANGE_H
#define MIDGE_NN_EXCHANGE_H

#include "midge/nn_train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a FANN file says of training besides the network. */
typedef struct midge_fann_settings {
    midge_train_options train;     /* trainer, loss, rates, stop, limits */
    midge_cascade_options cascade; /* its lists are those of this struct */
    midge_activation activations[MIDGE_ACT_COUNT];
    float steepnesses[16];
} midge_fann_settings;

/* FANN's .net, version FANN_FLO_2.1 (float and double) or FANN_FIX_2.1 (fixed
 * point: weights and steepnesses are divided by the multiplier). Networks whose
 * connections are not those of layers or shortcuts become the smallest of these
 * that has them, with a mask. `settings` may be NULL. MIDGE_E_PARSE with the
 * line, MIDGE_E_VERSION for FANN files of other versions, MIDGE_E_LIMIT.
 * FANN cuts sums off at +-150 / steepness; that is not done here. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_read_fann(const midge_env *env, const void *bytes, size_t size,
                    midge_net **out, midge_fann_settings *settings,
                    midge_error *err);
/* A file that C FANN 2.2 opens, with the same outputs. `settings` NULL: FANN's
 * defaults. MIDGE_E_UNSUPPORTED names a layer whose activation FANN does not
 * have, where no other way of saying it gives the same outputs. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_write_fann(
    const midge_net *net, const midge_fann_settings *settings, midge_buf *out,
    midge_error *err);
/* Fixed point: decimal_point 0: the largest that cannot overflow, as FANN
 * chooses it; *decimal_point receives it (may be NULL). */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_write_fann_fixed(
    const midge_net *net, const midge_fann_settings *settings,
    uint32_t *decimal_point, midge_buf *out, midge_error *err);

/* JSON for people and for other programs (spec/formats/net_json.md). */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_write_json(const midge_net *net,
                                                            midge_buf *out);
MIDGE_API MIDGE_NODISCARD midge_status midge_net_read_json(const midge_env *env,
                                                           const char *text,
                                                           size_t size,
                                                           midge_net **out,
                                                           midge_error *err);

/* An ONNX model (IR 8, opset 17): input "x" (N, n_inputs), output "y" (N,
 * n_outputs). Scaling, where there is any, is part of the graph. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_write_onnx(const midge_net *net,
                                                            const char *name,
                                                            midge_buf *out,
                                                            midge_error *err);

/* A C99 file of its own with the weights in it, no dependency but <math.h>:
 *     void <name>_run(const float *x, float *y);
 * and <name>_N_INPUTS, <name>_N_OUTPUTS. `name` must be a C identifier. Scaling
 * is part of the function. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_write_c(const midge_net *net,
                                                         const char *name,
                                                         midge_buf *out,
                                                         midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
