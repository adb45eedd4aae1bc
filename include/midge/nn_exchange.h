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

/* FANN's defaults. */
MIDGE_API void midge_fann_settings_init(midge_fann_settings *settings);

/* FANN's .net as version 2.2 writes it (spec/formats/fann_net.md): floats,
 * doubles or fixed point, where weights and steepnesses are divided by the
 * multiplier. Networks whose connections are not those of layers or shortcuts
 * become the smallest of these that has them, with a mask. `settings` may be
 * NULL. MIDGE_E_PARSE with the line; MIDGE_E_VERSION: FANN files before 2.0;
 * MIDGE_E_UNSUPPORTED: what no network here says (a steepness that is not above
 * 0; gaussian_stepwise, for which FANN computes 0); MIDGE_E_LIMIT.
 * FANN cuts v off at +-150 / steepness; that is not done here. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_read_fann(
    const midge_env *env, const void *bytes, size_t size, midge_net **out,
    midge_fann_settings *settings, midge_error *err);
/* A file that C FANN 2.2 opens, with the same outputs (to float rounding) as
 * long as its +-150 / steepness is not reached. `settings` NULL: FANN's
 * defaults. MIDGE_E_UNSUPPORTED names a layer whose activation FANN does not
 * have, a trainer or a loss. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_write_fann(const midge_net *net, const midge_fann_settings *settings,
                     midge_buf *out, midge_error *err);
/* Fixed point. *decimal_point says how many bits are behind the point, up to
 * 30; 0, or decimal_point NULL: as many as FANN takes, which cannot overflow;
 * it receives the number. Scaling has no place in these files and is left out.
 * MIDGE_E_UNSUPPORTED also for FANN's activations that its fixed-point library
 * cannot run (nn_quant.h); MIDGE_E_LIMIT: a number too large for 32 bits. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_write_fann_fixed(
    const midge_net *net, const midge_fann_settings *settings,
    uint32_t *decimal_point, midge_buf *out, midge_error *err);

/* JSON for people and for other programs (spec/formats/net_json.md). */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_write_json(const midge_net *net, midge_buf *out);
MIDGE_API MIDGE_NODISCARD midge_status midge_net_read_json(const midge_env *env,
                                                           const char *text,
                                                           size_t size,
                                                           midge_net **out,
                                                           midge_error *err);

/* An ONNX model (IR 8, opset 17): input "x" (N, n_inputs), output "y" (N,
 * n_outputs). Scaling, where there is any, is part of the graph. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_write_onnx(
    const midge_net *net, const char *name, midge_buf *out, midge_error *err);

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
