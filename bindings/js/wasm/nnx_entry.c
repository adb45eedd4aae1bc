/* nnx_entry.c: what JavaScript calls in midge-nnx-*.wasm: what is done with
 * networks besides training them, and is loaded when it is asked for: the files
 * of others, networks in small integers, measures, splits. Networks come in and
 * go out as the bytes of files; only those in small integers stay.
 */
#include "answer.h"
#include "base/alloc.h"
#include "entry.h"
#include "midge/measure.h"
#include "midge/nn_data.h"
#include "midge/nn_exchange.h"
#include "midge/nn_quant.h"
#include "nn_room.h"

enum { FORM_MIDGE, FORM_FANN, FORM_FANN_FIXED, FORM_JSON, FORM_ONNX, FORM_C };

/* A network in small integers; its doors have the names that midge-nn has. */
typedef struct network {
    midge_net_int8 *net;
    nn_room room;
} network;

static struct {
    midge_regression_measures regression;
    midge_classification_measures classification;
} shown;

/* Answers the bytes of the network in another form. `name` is that of the ONNX
 * graph or the C functions. */
EXPORT(net_convert)
int entry_net_convert(int from, const void *bytes, size_t size, int to,
                      const char *name);
EXPORT(net_quantise)
network *entry_net_quantise(const void *bytes, size_t size, size_t n_rows,
                            const float *x, float tail);
EXPORT(net_open) network *entry_net_open(const void *bytes, size_t size);
EXPORT(net_close) void entry_net_close(network *o);
EXPORT(net_inputs) uint32_t entry_net_inputs(const network *o);
EXPORT(net_outputs) uint32_t entry_net_outputs(const network *o);
EXPORT(net_bytes) size_t entry_net_bytes(const network *o);
EXPORT(net_reserve) int entry_net_reserve(network *o, size_t n_rows);
EXPORT(net_x) float *entry_net_x(const network *o);
EXPORT(net_y) float *entry_net_y(const network *o);
EXPORT(net_run) int entry_net_run(const network *o, size_t n_rows);
EXPORT(net_save) int entry_net_save(const network *o);
EXPORT(scaling_fit)
int entry_scaling_fit(int kind, float new_min, float new_max, size_t n_rows,
                      size_t n_columns, const float *x, midge_scaling *out);
EXPORT(measure_regression)
const midge_regression_measures *
entry_measure_regression(size_t n_rows, uint32_t n_outputs, const float *y,
                         const float *t, float bit_fail_limit);
EXPORT(measure_classes)
const midge_classification_measures *
entry_measure_classes(size_t n_rows, uint32_t n_outputs, const float *p,
                      const int32_t *label, midge_class_measures *classes,
                      uint64_t *confusion);
EXPORT(split)
int entry_split(size_t n_rows, const int32_t *labels, double validation,
                double test, uint64_t seed, uint8_t *part);

/* ---- Files of others ----------------------------------------------------- */

static midge_status read(int form, const void *bytes, size_t size,
                         midge_net **out) {
    switch (form) {
    case FORM_MIDGE:
        return midge_net_read(&entry_env, bytes, size, out, &entry_error);
    case FORM_FANN:
        return midge_net_read_fann(&entry_env, bytes, size, out, NULL,
                                   &entry_error);
    case FORM_JSON:
        return midge_net_read_json(&entry_env, bytes, size, out, &entry_error);
    default:
        return midge_fail(&entry_error, MIDGE_E_UNSUPPORTED,
                          "networks cannot be read from this");
    }
}

static midge_status write(const midge_net *net, int form, const char *name) {
    switch (form) {
    case FORM_FANN:
        return midge_net_write_fann(net, NULL, &answer, &entry_error);
    case FORM_FANN_FIXED:
        return midge_net_write_fann_fixed(net, NULL, NULL, &answer,
                                          &entry_error);
    case FORM_ONNX:
        return midge_net_write_onnx(net, name, &answer, &entry_error);
    case FORM_C:
        return midge_net_write_c(net, name, &answer, &entry_error);
    default: {
        const midge_status status = form == FORM_JSON
                                        ? midge_net_write_json(net, &answer)
                                        : midge_net_write(net, &answer);
        return status ? mdg_no_memory("a file", &entry_error) : MIDGE_OK;
    }
    }
}

int entry_net_convert(int from, const void *bytes, size_t size, int to,
                      const char *name) {
    midge_net *net = NULL;
    midge_buf_clear(&answer);
    MIDGE_TRY(read(from, bytes, size, &net));
    const midge_status status = write(net, to, name);
    midge_net_free(net);
    return (int)status;
}

/* ---- Small integers ------------------------------------------------------ */

static network *new_network(void) {
    network *o = entry_alloc(sizeof *o);
    if (o) {
        *o = (network){.net = NULL};
    } else {
        (void)mdg_no_memory("a network", &entry_error);
    }
    return o;
}

void entry_net_close(network *o) {
    midge_net_int8_free(o->net);
    nn_room_release(&o->room);
    entry_release(o, sizeof *o);
}

static midge_status quantise(const void *bytes, size_t size, size_t n_rows,
                             const float *x, float tail, midge_net_int8 **out) {
    midge_net *net = NULL;
    MIDGE_TRY(midge_net_read(&entry_env, bytes, size, &net, &entry_error));
    const midge_status status =
        midge_net_quantise(net, n_rows, x, tail, out, &entry_error);
    midge_net_free(net);
    return status;
}

/* `bytes` are those of a network of floats. */
network *entry_net_quantise(const void *bytes, size_t size, size_t n_rows,
                            const float *x, float tail) {
    network *o = new_network();
    if (o && quantise(bytes, size, n_rows, x, tail, &o->net)) {
        entry_net_close(o);
        return NULL;
    }
    return o;
}

network *entry_net_open(const void *bytes, size_t size) {
    network *o = new_network();
    if (o &&
        midge_net_int8_read(&entry_env, bytes, size, &o->net, &entry_error)) {
        entry_net_close(o);
        return NULL;
    }
    return o;
}

int entry_net_save(const network *o) {
    midge_buf_clear(&answer);
    return midge_net_int8_write(o->net, &answer)
               ? (int)mdg_no_memory("a file", &entry_error)
               : 0;
}

uint32_t entry_net_inputs(const network *o) {
    return midge_net_int8_n_inputs(o->net);
}

uint32_t entry_net_outputs(const network *o) {
    return midge_net_int8_n_outputs(o->net);
}

size_t entry_net_bytes(const network *o) {
    return midge_net_int8_bytes(o->net);
}

int entry_net_reserve(network *o, size_t n_rows) {
    return nn_room_reserve(&o->room, n_rows, midge_net_int8_n_inputs(o->net),
                           midge_net_int8_n_outputs(o->net),
                           midge_net_int8_workspace_bytes(o->net, n_rows));
}

float *entry_net_x(const network *o) {
    return o->room.x;
}

float *entry_net_y(const network *o) {
    return o->room.y;
}

int entry_net_run(const network *o, size_t n_rows) {
    return (int)midge_net_int8_run(o->net, n_rows, o->room.x, o->room.y,
                                   o->room.workspace);
}

/* ---- Data and measures --------------------------------------------------- */

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

static const void *measured(midge_status status, const void *measures) {
    if (status) {
        (void)midge_fail(&entry_error, status, "this cannot be measured");
        return NULL;
    }
    return measures;
}

const midge_regression_measures *
entry_measure_regression(size_t n_rows, uint32_t n_outputs, const float *y,
                         const float *t, float bit_fail_limit) {
    return measured(midge_measure_regression(n_rows, n_outputs, y, t,
                                             bit_fail_limit, &shown.regression),
                    &shown.regression);
}

const midge_classification_measures *
entry_measure_classes(size_t n_rows, uint32_t n_outputs, const float *p,
                      const int32_t *label, midge_class_measures *classes,
                      uint64_t *confusion) {
    return measured(
        midge_measure_classification(&entry_env, n_rows, n_outputs, p, label,
                                     &shown.classification, classes, confusion),
        &shown.classification);
}

int entry_split(size_t n_rows, const int32_t *labels, double validation,
                double test, uint64_t seed, uint8_t *part) {
    return (int)midge_split(&entry_env, n_rows, labels, validation, test, seed,
                            part, &entry_error);
}
