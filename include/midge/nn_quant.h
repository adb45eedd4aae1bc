/* nn_quant.h: networks in small integers: int8 and fixed point. */
#ifndef MIDGE_NN_QUANT_H
#define MIDGE_NN_QUANT_H

#include "midge/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- int8. -----------------------------------------------------------------
 * Weights are bytes with a step for each output of a layer, the inputs of a
 * layer are bytes with a step and a zero point from calibration (affine
 * quantisation, Jacob et al. 2018); products are summed exactly in 32 bits, and
 * biases and activations are computed in float. The same bits everywhere, for
 * one row as in a batch. Networks without shortcuts.
 *
 * What it costs, in the sums of a layer before its activation, for inputs
 * within the range that calibration saw: at most t_j / 2 sum of |x_i| + s / 2
 * sum of |w_ij| (of the rounded weights), with s = range / 255 and
 * t_j = max_i |w_ij| / 127, and what rounding of floats adds. Networks with
 * large weights that cancel each other (trained far beyond need) lose most:
 * measure after quantising. */
typedef struct midge_net_int8 midge_net_int8;

/* Ranges of every layer's inputs are those of the calibration rows x (n_rows,
 * n_inputs), at least one: from the `tail` to the 1 - `tail` quantile of all
 * values (0: all of them), 0 included; values outside are cut off. The scaling
 * of `net` is copied. *out is yours; it borrows the env of `net`, not `net`.
 * MIDGE_E_UNSUPPORTED: shortcuts. MIDGE_E_INVALID: a value in x, or one that
 * the network computes from it, is not finite, or tail is not in [0, 0.5).
 * Takes scratch memory for two layers of all rows. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_quantise(const midge_net *net, size_t n_rows, const float *x,
                   float tail, midge_net_int8 **out, midge_error *err);
MIDGE_API void midge_net_int8_free(midge_net_int8 *net);
MIDGE_API uint32_t midge_net_int8_n_inputs(const midge_net_int8 *net);
MIDGE_API uint32_t midge_net_int8_n_outputs(const midge_net_int8 *net);
/* n_inputs, n_outputs of them, for midge_scaling_apply and _undo; NULL when
 * there are none. */
MIDGE_API const midge_scaling *
midge_net_int8_input_scaling(const midge_net_int8 *net);
MIDGE_API const midge_scaling *
midge_net_int8_output_scaling(const midge_net_int8 *net);
/* Weights, steps and biases. */
MIDGE_API size_t midge_net_int8_bytes(const midge_net_int8 *net);
MIDGE_API size_t midge_net_int8_workspace_bytes(const midge_net_int8 *net,
                                                size_t n_rows);
/* As midge_net_run; many rows are shared among the threads of the env. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_int8_run(const midge_net_int8 *net, size_t n_rows, const float *x,
                   float *y, void *workspace);
/* spec/formats/net_int8.md. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_int8_write(const midge_net_int8 *net, midge_buf *out);
MIDGE_API MIDGE_NODISCARD midge_status midge_net_int8_read(const midge_env *env,
                                                           const void *bytes,
                                                           size_t size,
                                                           midge_net_int8 **out,
                                                           midge_error *err);

/* ---- Fixed point. ----------------------------------------------------------
 * What FANN's fixed-point library computes, integer by integer: values and
 * weights times 2^decimal_point, stepwise sigmoids. FANN's activations but
 * gaussian, elliot, sine and cosine. */
typedef struct midge_net_fixed midge_net_fixed;

/* From a fixed-point file of FANN (spec/formats/fann_net.md). MIDGE_E_INVALID:
 * it is in floating point; MIDGE_E_UNSUPPORTED names an activation. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_net_fixed_read_fann(const midge_env *env, const void *bytes, size_t size,
                          midge_net_fixed **out, midge_error *err);
MIDGE_API void midge_net_fixed_free(midge_net_fixed *net);
MIDGE_API uint32_t midge_net_fixed_n_inputs(const midge_net_fixed *net);
MIDGE_API uint32_t midge_net_fixed_n_outputs(const midge_net_fixed *net);
MIDGE_API uint32_t midge_net_fixed_decimal_point(const midge_net_fixed *net);
MIDGE_API size_t midge_net_fixed_workspace_bytes(const midge_net_fixed *net);
/* One row; values times 2^decimal_point. */
MIDGE_API MIDGE_NODISCARD midge_status midge_net_fixed_run(
    const midge_net_fixed *net, const int32_t *x, int32_t *y, void *workspace);

#ifdef __cplusplus
}
#endif
#endif
