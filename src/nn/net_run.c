/* net_run.c: one layer, and running a whole network: blocks of rows, so that
 * the scratch memory stays small, which changes no bit because every element of
 * a product is summed by itself.
 *
 * Rows of hidden values: in a layered network two matrices take turns; with
 * shortcuts there is one, of the inputs and all hidden units side by side, and
 * a layer reads as many of its columns as it has inputs. The last layer writes
 * to y in both. */
#include "nn/net.h"
#include "nn/pass.h"
#include "vec/matmul.h"

#include <string.h>

/* Rows of a block: enough for a gemm to spread the cost of packing the weights,
 * few enough that a block of hidden values is at most 16 MiB. */
#define RUN_ROWS      256
#define RUN_ROWS_WIDE 64
#define WIDE          8192

/* A layer of one unit: dot products, which a tile of a gemm would be one
 * sixteenth full of. */
static void one_unit(const midge_net *net, const mdg_layer *l, size_t rows,
                     const float *x, size_t x_stride, float *z,
                     size_t z_stride) {
    const float *w = net->weights + l->w;
    float bias = net->weights[l->b];
    float part[64];
    for (size_t at = 0; at < rows; at += 64) {
        size_t n = rows - at < 64 ? rows - at : 64;
        MDG_KERNEL(net->kernels, gemv_f32)(n, l->n_in, x + at * x_stride,
                                           x_stride, w, part);
        for (size_t i = 0; i < n; i++) {
            z[(at + i) * z_stride] = part[i] + bias;
        }
    }
}

static void many_units(const midge_net *net, const mdg_layer *l, size_t rows,
                       const float *x, size_t x_stride, float *z,
                       size_t z_stride, mdg_element_function activate) {
    mdg_gemm g = {.m = rows, .n = l->n_out, .k = l->n_in};
    g.a = x;
    g.a_row = x_stride;
    g.a_col = 1;
    g.b = net->weights + l->w;
    g.ldb = l->n_out;
    g.c = z;
    g.ldc = z_stride;
    g.bias = net->weights + l->b;
    g.activate = activate;
    mdg_matmul(net->env, net->kernels, &g, MDG_MATMUL_SAME_BITS);
}

void mdg_layer_forward(const midge_net *net, uint32_t layer, size_t rows,
                       const float *x, size_t x_stride, float *y,
                       size_t y_stride, float *z) {
    const mdg_layer *l = &net->layers[layer];
    const mdg_units *u = &net->units[l->units];
    mdg_element_function whole = NULL;
    if (l->n_out == 1) {
        one_unit(net, l, rows, x, x_stride, z ? z : y, y_stride);
    } else {
        if (!z && l->n_units == 1) {
            whole = mdg_activation_kernel(net->kernels, u->activation,
                                          u->steepness);
        }
        many_units(net, l, rows, x, x_stride, z ? z : y, y_stride, whole);
    }
    for (size_t i = 0; z && i < rows; i++) {
        memcpy(y + i * y_stride, z + i * y_stride, l->n_out * sizeof *y);
    }
    for (uint32_t i = 0; !whole && i < l->n_units; i++) {
        mdg_activate(net->kernels, u[i].activation, u[i].steepness, rows,
                     u[i].count, y_stride, y + u[i].first);
    }
}

/* Floats of one row of hidden values, rounded up to 64 bytes. */
static size_t hidden_stride(const midge_net *net) {
    size_t widest = 0;
    if (net->shortcut) {
        widest = net->n_layers > 1 ? mdg_net_last(net)->n_in : 0;
    }
    for (uint32_t l = 0; !net->shortcut && l + 1 < net->n_layers; l++) {
        if (net->layers[l].n_out > widest) {
            widest = net->layers[l].n_out;
        }
    }
    return (widest + 15) / 16 * 16;
}

static size_t run_rows(size_t stride, size_t n_rows) {
    size_t most = stride > WIDE ? RUN_ROWS_WIDE : RUN_ROWS;
    return n_rows < most ? n_rows : most;
}

size_t midge_net_workspace_bytes(const midge_net *net, size_t n_rows) {
    if (!net) {
        return 0;
    }
    /* Layered: two layers are alive at a time, at most 2 * 64 * 2^16 floats.
     * With shortcuts the widest layer has fewer than 2^18 inputs, or there
     * would be too many weights. */
    size_t stride = hidden_stride(net);
    size_t rows = run_rows(stride, n_rows);
    size_t matrices = net->shortcut ? 1 : 2;
    size_t bytes = matrices * rows * stride * sizeof(float);
    return bytes ? bytes : 64;
}

static void run_layered(const midge_net *net, size_t rows, const float *x,
                        float *y, float *workspace, size_t stride) {
    float *half[2] = {workspace, workspace + rows * stride};
    const float *in = x;
    for (uint32_t l = 0; l < net->n_layers; l++) {
        float *out = l + 1 == net->n_layers ? y : half[l % 2];
        mdg_layer_forward(net, l, rows, in, net->layers[l].n_in, out,
                          net->layers[l].n_out, NULL);
        in = out;
    }
}

static void run_shortcuts(const midge_net *net, size_t rows, const float *x,
                          float *y, float *values, size_t stride) {
    size_t n_in = mdg_net_inputs(net);
    uint32_t last = net->n_layers - 1;
    for (size_t i = 0; i < rows && last > 0; i++) {
        memcpy(values + i * stride, x + i * n_in, n_in * sizeof *x);
    }
    for (uint32_t l = 0; l < last; l++) {
        mdg_layer_forward(net, l, rows, values, stride,
                          values + net->layers[l].n_in, stride, NULL);
    }
    mdg_layer_forward(net, last, rows, last > 0 ? values : x,
                      last > 0 ? stride : n_in, y, net->layers[last].n_out,
                      NULL);
}

midge_status midge_net_run(const midge_net *net, size_t n_rows, const float *x,
                           float *y, void *workspace) {
    if (!net || (n_rows > 0 && (!x || !y || !workspace))) {
        return MIDGE_E_INVALID;
    }
    size_t n_in = midge_net_n_inputs(net);
    size_t n_out = midge_net_n_outputs(net);
    size_t stride = hidden_stride(net);
    size_t rows;
    for (size_t at = 0; at < n_rows; at += rows) {
        rows = run_rows(stride, n_rows - at);
        if (net->shortcut) {
            run_shortcuts(net, rows, x + at * n_in, y + at * n_out, workspace,
                          stride);
        } else {
            run_layered(net, rows, x + at * n_in, y + at * n_out, workspace,
                        stride);
        }
    }
    return MIDGE_OK;
}
