/* nn_entry.c: what JavaScript calls in midge-nn-*.wasm and
 * midge-nn-full-*.wasm: neural networks and their training. Options, layers and
 * results are the core's own structs, whose fields JavaScript knows
 * (tools/gen_js_layouts.py); those handed out here are good until the next
 * call.
 *
 * These modules import three functions, for training asks its caller between
 * batches: what JavaScript throws there is kept by src/network_calls.ts and
 * thrown again when the call has ended.
 */
#include "nn_entry.h"

#include "answer.h"
#include "base/alloc.h"
#include "entry.h"

#define IMPORT(name) __attribute__((import_module("midge"), import_name(#name)))

static struct {
    midge_train_options train;
    midge_train_result trained;
    midge_layer layer;
} shown;

IMPORT(on_epoch) int import_on_epoch(const midge_net_progress *progress);
IMPORT(cancelled) int import_cancelled(void);
IMPORT(now_ms) double import_now_ms(void);

EXPORT(net_new) network *entry_net_new(const midge_net_options *options);
EXPORT(net_open) network *entry_net_open(const void *bytes, size_t size);
EXPORT(net_close) void entry_net_close(network *o);
EXPORT(net_become) void entry_net_become(network *o, network *other);
EXPORT(net_inputs) uint32_t entry_net_inputs(const network *o);
EXPORT(net_outputs) uint32_t entry_net_outputs(const network *o);
EXPORT(net_reserve) int entry_net_reserve(network *o, size_t n_rows);
EXPORT(net_x) float *entry_net_x(const network *o);
EXPORT(net_y) float *entry_net_y(const network *o);
EXPORT(net_run) int entry_net_run(const network *o, size_t n_rows);
EXPORT(net_save) int entry_net_save(const network *o);
EXPORT(net_layers) uint32_t entry_net_layers(const network *o);
EXPORT(net_shortcuts) int entry_net_shortcuts(const network *o);
EXPORT(net_layer)
const midge_layer *entry_net_layer(const network *o, uint32_t layer);
EXPORT(net_unit)
const midge_layer *entry_net_unit(const network *o, uint32_t layer,
                                  uint32_t unit);
EXPORT(net_set_activation)
int entry_net_set_activation(network *o, uint32_t layer, uint32_t unit,
                             int activation, float steepness);
EXPORT(net_n_weights) size_t entry_net_n_weights(const network *o);
EXPORT(net_weights) const float *entry_net_weights(const network *o);
EXPORT(net_set_weights)
int entry_net_set_weights(network *o, const float *weights, size_t count);
EXPORT(net_init_weights)
int entry_net_init_weights(network *o, int init, float range, uint64_t seed);
EXPORT(net_mask) const uint8_t *entry_net_mask(const network *o);
EXPORT(net_connections) size_t entry_net_connections(const network *o);
EXPORT(net_scaling)
const midge_scaling *entry_net_scaling(const network *o, int outputs);
EXPORT(net_set_scaling)
int entry_net_set_scaling(network *o, const midge_scaling *inputs,
                          const midge_scaling *outputs);
EXPORT(scaling_apply)
void entry_scaling_apply(const midge_scaling *scaling, size_t n_columns,
                         size_t n_rows, float *x);
EXPORT(scaling_undo)
void entry_scaling_undo(const midge_scaling *scaling, size_t n_columns,
                        size_t n_rows, float *x);
EXPORT(train_defaults) midge_train_options *entry_train_defaults(int trainer);
EXPORT(net_train)
int entry_net_train(network *o, const midge_net_data *train,
                    const midge_net_data *valid);
EXPORT(train_result) const midge_train_result *entry_train_result(void);

/* ---- Objects ------------------------------------------------------------- */

static network *new_network(void) {
    network *o = entry_alloc(sizeof *o);
    if (o) {
        *o = (network){.net = NULL};
    } else {
        (void)mdg_no_memory("a network", &entry_error);
    }
    return o;
}

/* `o` when it could be made whole, else NULL. */
static network *made(network *o, midge_status status) {
    if (status) {
        entry_net_close(o);
        return NULL;
    }
    return o;
}

void entry_net_close(network *o) {
    midge_net_free(o->net);
    nn_room_release(&o->room);
    entry_release(o, sizeof *o);
}

network *entry_net_new(const midge_net_options *options) {
    network *o = new_network();
    return o ? made(o,
                    midge_net_new(&entry_env, options, &o->net, &entry_error))
             : NULL;
}

network *entry_net_open(const void *bytes, size_t size) {
    network *o = new_network();
    return o ? made(o, midge_net_read(&entry_env, bytes, size, &o->net,
                                      &entry_error))
             : NULL;
}

/* `other` is taken: `o` is that network from here on. */
void entry_net_become(network *o, network *other) {
    const network was = *o;
    *o = *other;
    *other = was;
    entry_net_close(other);
}

int entry_net_save(const network *o) {
    midge_buf_clear(&answer);
    return midge_net_write(o->net, &answer)
               ? (int)mdg_no_memory("a file", &entry_error)
               : 0;
}

/* ---- Running ------------------------------------------------------------- */

uint32_t entry_net_inputs(const network *o) {
    return midge_net_n_inputs(o->net);
}

uint32_t entry_net_outputs(const network *o) {
    return midge_net_n_outputs(o->net);
}

int entry_net_reserve(network *o, size_t n_rows) {
    return nn_room_reserve(&o->room, n_rows, midge_net_n_inputs(o->net),
                           midge_net_n_outputs(o->net),
                           midge_net_workspace_bytes(o->net, n_rows));
}

float *entry_net_x(const network *o) {
    return o->room.x;
}

float *entry_net_y(const network *o) {
    return o->room.y;
}

int entry_net_run(const network *o, size_t n_rows) {
    return (int)midge_net_run(o->net, n_rows, o->room.x, o->room.y,
                              o->room.workspace);
}

/* ---- Layers and weights -------------------------------------------------- */

uint32_t entry_net_layers(const network *o) {
    return midge_net_n_layers(o->net);
}

int entry_net_shortcuts(const network *o) {
    return midge_net_has_shortcuts(o->net);
}

/* NULL: there is no such layer. */
const midge_layer *entry_net_layer(const network *o, uint32_t layer) {
    return midge_net_layer(o->net, layer, &shown.layer) ? NULL : &shown.layer;
}

/* Its activation and steepness; NULL: there is no such unit. */
const midge_layer *entry_net_unit(const network *o, uint32_t layer,
                                  uint32_t unit) {
    return midge_net_unit(o->net, layer, unit, &shown.layer.activation,
                          &shown.layer.steepness)
               ? NULL
               : &shown.layer;
}

int entry_net_set_activation(network *o, uint32_t layer, uint32_t unit,
                             int activation, float steepness) {
    return (int)midge_net_set_activation(o->net, layer, unit,
                                         (midge_activation)activation,
                                         steepness, &entry_error);
}

size_t entry_net_n_weights(const network *o) {
    return midge_net_n_weights(o->net);
}

const float *entry_net_weights(const network *o) {
    return midge_net_weights(o->net);
}

int entry_net_set_weights(network *o, const float *weights, size_t count) {
    const midge_status status = midge_net_set_weights(o->net, weights, count);
    return status ? (int)midge_fail(&entry_error, status,
                                    "%zu weights are needed, all finite",
                                    midge_net_n_weights(o->net))
                  : 0;
}

int entry_net_init_weights(network *o, int init, float range, uint64_t seed) {
    const midge_status status =
        midge_net_init_weights(o->net, (midge_init)init, range, seed);
    return status ? (int)midge_fail(&entry_error, status,
                                    "no weights can be drawn like that")
                  : 0;
}

const uint8_t *entry_net_mask(const network *o) {
    return midge_net_mask(o->net);
}

size_t entry_net_connections(const network *o) {
    return midge_net_n_connections(o->net);
}

/* ---- Scaling ------------------------------------------------------------- */

const midge_scaling *entry_net_scaling(const network *o, int outputs) {
    return outputs ? midge_net_output_scaling(o->net)
                   : midge_net_input_scaling(o->net);
}

int entry_net_set_scaling(network *o, const midge_scaling *inputs,
                          const midge_scaling *outputs) {
    const midge_status status = midge_net_set_scaling(o->net, inputs, outputs);
    return status ? (int)midge_fail(&entry_error, status,
                                    "a scaling is not finite, or divides by 0")
                  : 0;
}

int entry_scaling_fit(int kind, float new_min, float new_max, size_t n_rows,
                      size_t n_columns, const float *x, midge_scaling *out) {
    for (size_t i = 0; i < n_columns; i++) {
        const midge_status status =
            midge_scaling_fit(&entry_env, (midge_scale)kind, new_min, new_max,
                              x + i, n_columns, n_rows, &out[i]);
        if (status) {
            return (int)midge_fail(&entry_error, status,
                                   "column %zu cannot be scaled like that", i);
        }
    }
    return 0;
}

void entry_scaling_apply(const midge_scaling *scaling, size_t n_columns,
                         size_t n_rows, float *x) {
    midge_scaling_apply(scaling, n_columns, n_rows, x);
}

void entry_scaling_undo(const midge_scaling *scaling, size_t n_columns,
                        size_t n_rows, float *x) {
    midge_scaling_undo(scaling, n_columns, n_rows, x);
}

/* ---- Training ------------------------------------------------------------ */

static int on_epoch(void *ctx, const midge_net_progress *progress) {
    (void)ctx;
    return import_on_epoch(progress);
}

static int cancelled(void *ctx) {
    (void)ctx;
    return import_cancelled();
}

static double now_ms(void *ctx) {
    (void)ctx;
    return import_now_ms();
}

void nn_ask_the_caller(midge_train_options *options) {
    options->on_epoch = on_epoch;
    options->cancelled = cancelled;
    options->now_ms = now_ms;
}

/* The options that net_train takes, to be changed where they lie. */
midge_train_options *entry_train_defaults(int trainer) {
    shown.train = midge_train_defaults((midge_trainer)trainer);
    nn_ask_the_caller(&shown.train);
    return &shown.train;
}

int entry_net_train(network *o, const midge_net_data *train,
                    const midge_net_data *valid) {
#ifndef MODULE_FULL
    if (shown.train.trainer >= MIDGE_TRAIN_LBFGS) {
        return (int)midge_fail(&entry_error, MIDGE_E_UNSUPPORTED,
                               "midge-nn-full has it");
    }
#endif
    return (int)midge_net_train(o->net, train, valid, &shown.train,
                                &shown.trained, &entry_error);
}

const midge_train_result *entry_train_result(void) {
    return &shown.trained;
}
