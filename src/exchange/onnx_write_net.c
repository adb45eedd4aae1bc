/* onnx_write_net.c: a network as an ONNX model, IR version 8, operators of the
 * standard domain, version 17 (https://onnx.ai/onnx/repo-docs/IR.html). A layer
 * is a Gemm and the operators of its activations; units of more than one kind
 * are split and joined again; shortcuts are joined with Concat. Outputs agree
 * with ours to rounding: each runtime has its own arithmetic. */
#include "midge/nn_exchange.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/decimal.h"
#include "exchange/protobuf.h"
#include "nn/net.h"

/* Fields of the messages of onnx.proto. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    OPSET_VERSION = 2,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_OPERATOR = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_TYPE = 20,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_ELEMENT = 1,
    TENSOR_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_PARAM = 2
};
enum { TYPE_FLOAT = 1, TYPE_INT64 = 7, TYPE_ATTRIBUTE_INT = 2 };

/* What a value is called: "x", or a letter and a number. */
typedef struct name {
    char text[12];
} name;

#define CONSTANTS 32 /* scalars that are kept to be used again */

typedef struct graph {
    const midge_net *net;
    midge_buf *out;
    uint32_t n_names;
    float constant[CONSTANTS];
    name constant_name[CONSTANTS];
    uint32_t n_constants;
} graph;

static name new_name(graph *g) {
    name n = {"t"};
    char digits[MDG_DECIMAL_MAX];
    const size_t size = mdg_decimal_write_i64(g->n_names++, digits);
    memcpy(n.text + 1, digits, size);
    return n;
}

/* ---- Tensors. ------------------------------------------------------------ */

/* The beginning of an initializer: shape, type and name. dims[1] 0: it has one
 * dimension; both 0: none. */
static size_t begin_tensor(graph *g, const uint32_t dims[2], unsigned type,
                           const name *called) {
    const size_t begun = mdg_pb_begin(g->out);
    for (int i = 0; i < 2 && dims[i] > 0; i++) {
        mdg_pb_uint(g->out, TENSOR_DIMS, dims[i]);
    }
    mdg_pb_uint(g->out, TENSOR_TYPE, type);
    mdg_pb_text(g->out, TENSOR_NAME, called->text);
    return begun;
}

static name put_floats(graph *g, uint32_t rows, uint32_t columns,
                       const float *values, size_t count) {
    const name n = new_name(g);
    const size_t begun =
        begin_tensor(g, (uint32_t[2]){rows, columns}, TYPE_FLOAT, &n);
    const size_t raw = mdg_pb_begin(g->out);
    (void)mdg_put_f32s(g->out, values, count);
    mdg_pb_end(g->out, TENSOR_RAW, raw);
    mdg_pb_end(g->out, GRAPH_INITIALIZER, begun);
    return n;
}

/* A scalar, which there is once for many uses. */
static name constant(graph *g, float value) {
    for (uint32_t i = 0; i < g->n_constants; i++) {
        if (g->constant[i] == value) {
            return g->constant_name[i];
        }
    }
    const name n = put_floats(g, 0, 0, &value, 1);
    if (g->n_constants < CONSTANTS) {
        g->constant[g->n_constants] = value;
        g->constant_name[g->n_constants++] = n;
    }
    return n;
}

/* ---- Operators. ---------------------------------------------------------- */

static void put_axis(graph *g, uint32_t axis) {
    const size_t begun = mdg_pb_begin(g->out);
    mdg_pb_text(g->out, ATTRIBUTE_NAME, "axis");
    mdg_pb_uint(g->out, ATTRIBUTE_INT, axis);
    mdg_pb_uint(g->out, ATTRIBUTE_TYPE, TYPE_ATTRIBUTE_INT);
    mdg_pb_end(g->out, NODE_ATTRIBUTE, begun);
}

typedef struct names {
    const name *at;
    size_t count;
} names;

/* Concat and Split have an axis, the columns. */
static void put_node(graph *g, const char *op, names inputs, names outputs) {
    const size_t begun = mdg_pb_begin(g->out);
    for (size_t i = 0; i < inputs.count; i++) {
        mdg_pb_text(g->out, NODE_INPUT, inputs.at[i].text);
    }
    for (size_t i = 0; i < outputs.count; i++) {
        mdg_pb_text(g->out, NODE_OUTPUT, outputs.at[i].text);
    }
    mdg_pb_text(g->out, NODE_OPERATOR, op);
    if (strcmp(op, "Concat") == 0 || strcmp(op, "Split") == 0) {
        put_axis(g, 1);
    }
    mdg_pb_end(g->out, GRAPH_NODE, begun);
}

static name apply(graph *g, const char *op, const name *inputs, size_t count) {
    const name out = new_name(g);
    put_node(g, op, (names){inputs, count}, (names){&out, 1});
    return out;
}

static name apply1(graph *g, const char *op, name a) {
    return apply(g, op, &a, 1);
}

static name apply2(graph *g, const char *op, name a, name b) {
    return apply(g, op, (name[]){a, b}, 2);
}

static name apply3(graph *g, const char *op, name a, name b, name c) {
    return apply(g, op, (name[]){a, b, c}, 3);
}

static name times(graph *g, name a, float factor) {
    return factor == 1.0f ? a : apply2(g, "Mul", a, constant(g, factor));
}

static name plus(graph *g, name a, float term) {
    return apply2(g, "Add", a, constant(g, term));
}

/* v below a bound: then `low`, else `high`. */
static name choose(graph *g, name v, float bound, name low, name high) {
    const name below = apply2(g, "Less", v, constant(g, bound));
    return apply3(g, "Where", below, low, high);
}

/* ---- Activations, of v. -------------------------------------------------- */

static name clip(graph *g, name v, float low, float high) {
    return apply3(g, "Clip", v, constant(g, low), constant(g, high));
}

/* Between the first and the last point a sum of ramps, each as steep as its
 * line; flat outside. */
static name stepwise(graph *g, const mdg_steps *s, name v) {
    double start = (double)s->y[0];
    name ramps[5];
    for (int i = 0; i < 5; i++) {
        const double slope = ((double)s->y[i + 1] - (double)s->y[i]) /
                             ((double)s->v[i + 1] - (double)s->v[i]);
        ramps[i] = times(g, clip(g, v, s->v[i], s->v[i + 1]), (float)slope);
        start -= slope * (double)s->v[i];
    }
    name sum = apply(g, "Sum", ramps, 5);
    sum = plus(g, sum, (float)start);
    sum = choose(g, v, s->v[5], sum, constant(g, s->above));
    return choose(g, v, s->v[0], constant(g, s->below), sum);
}

static name gaussian(graph *g, name v) {
    return apply1(g, "Exp", apply1(g, "Neg", apply2(g, "Mul", v, v)));
}

static name halved(graph *g, name y) {
    return plus(g, times(g, y, 0.5f), 0.5f);
}

static name activate(graph *g, midge_activation activation, name v) {
    switch (activation) {
    case MIDGE_ACT_LINEAR:
        return v;
    case MIDGE_ACT_THRESHOLD:
        return choose(g, v, 0.0f, constant(g, 0.0f), constant(g, 1.0f));
    case MIDGE_ACT_THRESHOLD_SYMMETRIC:
        return choose(g, v, 0.0f, constant(g, -1.0f), constant(g, 1.0f));
    case MIDGE_ACT_SIGMOID:
        return apply1(g, "Sigmoid", times(g, v, 2.0f));
    case MIDGE_ACT_SIGMOID_STEPWISE:
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
    case MIDGE_ACT_GAUSSIAN_STEPWISE:
        return stepwise(g, mdg_activation_steps(activation), v);
    case MIDGE_ACT_SIGMOID_SYMMETRIC:
        return apply1(g, "Tanh", v);
    case MIDGE_ACT_GAUSSIAN:
        return gaussian(g, v);
    case MIDGE_ACT_GAUSSIAN_SYMMETRIC:
        return plus(g, times(g, gaussian(g, v), 2.0f), -1.0f);
    case MIDGE_ACT_ELLIOT:
        return halved(g, apply1(g, "Softsign", v));
    case MIDGE_ACT_ELLIOT_SYMMETRIC:
        return apply1(g, "Softsign", v);
    case MIDGE_ACT_LINEAR_PIECE:
        return clip(g, v, 0.0f, 1.0f);
    case MIDGE_ACT_LINEAR_PIECE_SYMMETRIC:
        return clip(g, v, -1.0f, 1.0f);
    case MIDGE_ACT_SIN_SYMMETRIC:
        return apply1(g, "Sin", v);
    case MIDGE_ACT_COS_SYMMETRIC:
        return apply1(g, "Cos", v);
    case MIDGE_ACT_SIN:
        return halved(g, apply1(g, "Sin", v));
    case MIDGE_ACT_COS:
        return halved(g, apply1(g, "Cos", v));
    case MIDGE_ACT_RELU:
        return apply1(g, "Relu", v);
    case MIDGE_ACT_LEAKY_RELU: /* alpha is 0.01 there too */
        return apply1(g, "LeakyRelu", v);
    case MIDGE_ACT_ELU: /* alpha 1 */
        return apply1(g, "Elu", v);
    case MIDGE_ACT_GELU: {
        const name erf = apply1(g, "Erf", times(g, v, 0.707106781f));
        return apply2(g, "Mul", times(g, v, 0.5f), plus(g, erf, 1.0f));
    }
    case MIDGE_ACT_SILU:
        return apply2(g, "Mul", v, apply1(g, "Sigmoid", v));
    case MIDGE_ACT_SOFTPLUS:
        return apply1(g, "Softplus", v);
    case MIDGE_ACT_SOFTMAX: /* over the last axis */
        return apply1(g, "Softmax", v);
    }
    return v;
}

static name activate_units(graph *g, const mdg_units *units, name z) {
    return activate(g, units->activation, times(g, z, units->steepness));
}

/* ---- Layers. ------------------------------------------------------------- */

static name put_widths(graph *g, const mdg_units *units, uint32_t count) {
    const name n = new_name(g);
    const size_t begun =
        begin_tensor(g, (uint32_t[2]){count, 0}, TYPE_INT64, &n);
    const size_t raw = mdg_pb_begin(g->out);
    for (uint32_t i = 0; i < count; i++) {
        (void)mdg_put_u64(g->out, units[i].count);
    }
    mdg_pb_end(g->out, TENSOR_RAW, raw);
    mdg_pb_end(g->out, GRAPH_INITIALIZER, begun);
    return n;
}

/* Runs of units, each by itself. */
static midge_status mixed(graph *g, const mdg_layer *layer, name z, name *out) {
    const mdg_units *units = g->net->units + layer->units;
    const uint32_t count = layer->n_units;
    name *parts = mdg_alloc(g->net->env, count, sizeof *parts);
    if (!parts) {
        return MIDGE_E_NOMEM;
    }
    const name widths = put_widths(g, units, count);
    for (uint32_t i = 0; i < count; i++) {
        parts[i] = new_name(g);
    }
    put_node(g, "Split", (names){(name[]){z, widths}, 2},
             (names){parts, count});
    for (uint32_t i = 0; i < count; i++) {
        parts[i] = activate_units(g, &units[i], parts[i]);
    }
    *out = apply(g, "Concat", parts, count);
    mdg_release(g->net->env, parts, count, sizeof *parts);
    return MIDGE_OK;
}

static midge_status put_layer(graph *g, const mdg_layer *layer, name x,
                              name *out) {
    const float *weights = g->net->weights;
    const name w = put_floats(g, layer->n_in, layer->n_out, weights + layer->w,
                              (size_t)layer->n_in * layer->n_out);
    const name b =
        put_floats(g, layer->n_out, 0, weights + layer->b, layer->n_out);
    const name z = apply3(g, "Gemm", x, w, b);
    if (layer->n_units > 1) {
        return mixed(g, layer, z, out);
    }
    *out = activate_units(g, g->net->units + layer->units, z);
    return MIDGE_OK;
}

/* One of the four parameters of all columns. */
static name put_column(graph *g, const midge_scaling *s, uint32_t count,
                       size_t offset) {
    const name n = new_name(g);
    const size_t begun =
        begin_tensor(g, (uint32_t[2]){count, 0}, TYPE_FLOAT, &n);
    const size_t raw = mdg_pb_begin(g->out);
    for (uint32_t i = 0; i < count; i++) {
        const char *from = (const char *)&s[i] + offset;
        (void)mdg_put_f32(g->out, *(const float *)(const void *)from);
    }
    mdg_pb_end(g->out, TENSOR_RAW, raw);
    mdg_pb_end(g->out, GRAPH_INITIALIZER, begun);
    return n;
}

static name scale(graph *g, const midge_scaling *s, uint32_t count, name x,
                  int undo) {
    const name mean = put_column(g, s, count, offsetof(midge_scaling, mean));
    const name deviation =
        put_column(g, s, count, offsetof(midge_scaling, deviation));
    const name new_min =
        put_column(g, s, count, offsetof(midge_scaling, new_min));
    const name factor =
        put_column(g, s, count, offsetof(midge_scaling, factor));
    x = apply2(g, "Sub", x, undo ? new_min : mean);
    x = apply2(g, "Div", x, undo ? factor : deviation);
    x = plus(g, x, undo ? -1.0f : 1.0f);
    x = apply2(g, "Mul", x, undo ? deviation : factor);
    return apply2(g, "Add", x, undo ? mean : new_min);
}

/* ---- All of it. ---------------------------------------------------------- */

/* An input or output: a matrix of N rows. */
static void put_matrix(graph *g, uint32_t field, const char *called,
                       uint32_t columns) {
    const size_t value = mdg_pb_begin(g->out);
    mdg_pb_text(g->out, VALUE_NAME, called);
    const size_t type = mdg_pb_begin(g->out);
    const size_t tensor = mdg_pb_begin(g->out);
    mdg_pb_uint(g->out, TENSOR_ELEMENT, TYPE_FLOAT);
    const size_t shape = mdg_pb_begin(g->out);
    const size_t rows = mdg_pb_begin(g->out);
    mdg_pb_text(g->out, DIM_PARAM, "N");
    mdg_pb_end(g->out, SHAPE_DIM, rows);
    const size_t width = mdg_pb_begin(g->out);
    mdg_pb_uint(g->out, DIM_VALUE, columns);
    mdg_pb_end(g->out, SHAPE_DIM, width);
    mdg_pb_end(g->out, TENSOR_SHAPE, shape);
    mdg_pb_end(g->out, TYPE_TENSOR, tensor);
    mdg_pb_end(g->out, VALUE_TYPE, type);
    mdg_pb_end(g->out, field, value);
}

static midge_status put_graph(graph *g) {
    const midge_net *net = g->net;
    const uint32_t n_outputs = mdg_net_last(net)->n_out;
    name x = {"x"};
    name y = x;
    if (net->inputs) {
        x = scale(g, net->inputs, mdg_net_inputs(net), x, 0);
    }
    for (uint32_t l = 0; l < net->n_layers; l++) {
        MIDGE_TRY(put_layer(g, &net->layers[l], x, &y));
        x = net->shortcut && l + 1 < net->n_layers ? apply2(g, "Concat", x, y)
                                                   : y;
    }
    if (net->outputs) {
        y = scale(g, net->outputs, n_outputs, y, 1);
    }
    const name last = {"y"};
    put_node(g, "Identity", (names){&y, 1}, (names){&last, 1});
    put_matrix(g, GRAPH_INPUT, "x", mdg_net_inputs(net));
    put_matrix(g, GRAPH_OUTPUT, "y", n_outputs);
    return MIDGE_OK;
}

midge_status midge_net_write_onnx(const midge_net *net, const char *called,
                                  midge_buf *out, midge_error *err) {
    if (!net || !called || !out) {
        return midge_fail(err, MIDGE_E_INVALID, "net, name or out missing");
    }
    graph g = {.net = net, .out = out};
    mdg_pb_uint(out, MODEL_IR_VERSION, 8);
    mdg_pb_text(out, MODEL_PRODUCER, "Midge");
    const size_t opset = mdg_pb_begin(out);
    mdg_pb_uint(out, OPSET_VERSION, 17);
    mdg_pb_end(out, MODEL_OPSET, opset);
    const size_t begun = mdg_pb_begin(out);
    mdg_pb_text(out, GRAPH_NAME, called);
    midge_status status = put_graph(&g);
    mdg_pb_end(out, MODEL_GRAPH, begun);
    status = status == MIDGE_OK ? out->status : status;
    return status == MIDGE_OK ? MIDGE_OK
                              : midge_fail(err, status, "the ONNX model: %s",
                                           midge_status_text(status));
}
