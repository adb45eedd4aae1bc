/* nn_file.h: a network out of any file that holds one. */
#ifndef MDG_NN_FILE_H
#define MDG_NN_FILE_H

#include "ops/nn_rows.h"

#include "midge/model.h"
#include "midge/nn_exchange.h"
#include "midge/nn_quant.h"

typedef enum mdg_nn_kind {
    MDG_NN_BUNDLE, /* an encoder and a model of any family */
    MDG_NN_NET,    /* our own file */
    MDG_NN_FANN,   /* FANN's, in floats or in fixed point */
    MDG_NN_JSON,   /* our own as text */
    MDG_NN_INT8    /* our own in small integers */
} mdg_nn_kind;

typedef struct mdg_nn_file {
    const midge_env *env;
    mdg_nn_kind kind;
    size_t bytes;
    midge_encoder *encoder;        /* of a bundle */
    midge_model *model;            /* of a bundle */
    midge_net *own;                /* else */
    midge_net_int8 *int8;          /* or */
    const midge_net *net;          /* of model or own; NULL: of neither */
    midge_fann_settings *settings; /* of FANN's */
} mdg_nn_file;

/* "bundle", "net", "fann", "json", "int8" */
const char *mdg_nn_kind_name(mdg_nn_kind kind);

midge_status mdg_nn_file_read(const midge_env *env, const midge_op_host *host,
                              const char *ref, mdg_nn_file *out,
                              midge_error *err);
void mdg_nn_file_deinit(mdg_nn_file *file);
/* The scaling that the network has by itself. */
const midge_scaling *mdg_nn_file_inputs(const mdg_nn_file *file);
const midge_scaling *mdg_nn_file_outputs(const mdg_nn_file *file);
uint32_t mdg_nn_file_n_inputs(const mdg_nn_file *file);
uint32_t mdg_nn_file_n_outputs(const mdg_nn_file *file);

/* How rows of the source become what this network takes, and what its outputs
 * mean; a table that a network without an encoder is to take must be of numbers
 * only, without a missing one, the inputs first and its outputs, if `targets`,
 * behind them: *source then becomes plain rows. */
midge_status mdg_nn_file_coding(const mdg_nn_file *file, mdg_nn_source *source,
                                int targets, mdg_nn_coding *out,
                                midge_error *err);
/* Raw outputs for coded rows, (n_rows, n_outputs). */
midge_status mdg_nn_file_run(const mdg_nn_file *file, size_t n_rows,
                             const float *x, float *y, midge_error *err);
/* The same of a network by itself, shared among the env's threads. */
midge_status mdg_nn_run(const midge_env *env, const midge_net *net,
                        size_t n_rows, const float *x, float *y,
                        midge_error *err);
midge_status mdg_nn_run_int8(const midge_env *env, const midge_net_int8 *net,
                             size_t n_rows, const float *x, float *y,
                             midge_error *err);

#endif
