/* quant.h: a network of bytes, as the files quant*.c see it. */
#ifndef MDG_QUANT_H
#define MDG_QUANT_H

#include "midge/nn_quant.h"
#include "nn/net.h"

/* Steps below this have no inverse, or squares that vanish. */
#define MDG_STEP_MIN 0x1p-100f

typedef struct mdg_layer_int8 {
    uint32_t n_in, n_out;
    uint32_t units, n_units; /* its runs: the first, how many */
    float step;              /* of the inputs: x = step (byte - zero) */
    uint8_t zero;
    /* Padded to MDG_GEMM_I8_COLS(n_out), but for weights: */
    float *weight_step;
    float *bias;
    int8_t *weights; /* packed as gemm_i8.h says */
    /* What gemm_i8 wants, made from the above by mdg_int8_finish. */
    int32_t *offset;
    float *factor;
} mdg_layer_int8;

struct midge_net_int8 {
    const midge_env *env;
    const mdg_kernels *kernels;
    uint32_t n_layers;
    uint32_t n_units;
    mdg_layer_int8 *layers;
    mdg_units *units;
    midge_scaling *inputs;  /* n_inputs, or NULL */
    midge_scaling *outputs; /* n_outputs, or NULL */
    size_t block_floats;    /* all of this is one block, `layers` its start */
};

/* Room for a network of a shape that was judged, all padding 0, the rest to be
 * filled in; mdg_int8_finish comes after that. */
midge_status mdg_int8_make(const midge_env *env, const mdg_shape *shape,
                           int inputs, int outputs, midge_net_int8 **out);
void mdg_int8_finish(midge_net_int8 *net);

static inline const mdg_layer_int8 *mdg_int8_last(const midge_net_int8 *net) {
    return &net->layers[net->n_layers - 1];
}

#endif
