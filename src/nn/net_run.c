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

static mdg_element_function kernel_of(const midge_net *net, const mdg_layer *l,
                                      const float *z) {
    const mdg_units *u = &net->units[l->units];
    return z || l->n_units > 1 ? NULL
                               : mdg_activation_kernel(
                                     net->kernels, u->activation, u->steepness);
}

/* y = f(z) where the product did not do it by itself. */
static void activate_layer(const midge_net *net, const mdg_layer *l,
                           size_t rows, float *y, size_t stride,
                           const float *z) {
    const mdg_units *u = &net->units[l->units];
    for (size_t i = 0; z && i < rows; i++) {
        memcpy(y + i * stride, z + i * stride, l->n_out * sizeof *y);
    }
    for (uint32_t i = 0; i < l->n_units; i++) {
        mdg_activate(net->kernels, u[i].activation, u[i].steepness, rows,
                     u[i].count, stride, y + u[i].first);
    }
}

/* The product x W + b into `to`, but for x. */
static mdg_gemm product_of(const midge_net *net, const mdg_layer *l, float *to,
                           size_t stride) {
    return (mdg_gemm){.n = l->n_out,
                      .k = l->n_in,
                      .b = net->weights + l->w,
                      .ldb = l->n_out,
                      .c = to,
                      .ldc = stride,
                      .bias = net->weights + l->b};
}

void mdg_layer_forward(const midge_net *net, uint32_t layer, size_t rows,
                       const float *x, size_t x_stride, float *y,
                       size_t y_stride, float *z) {
    const mdg_layer *l = &net->layers[layer];
    mdg_element_function f = NULL;
    if (l->n_out == 1) {
        one_unit(net, l, rows, x, x_stride, z ? z : y, y_stride);
    } else {
        mdg_gemm g = product_of(net, l, z ? z : y, y_stride);
        f = kernel_of(net, l, z);
        g.m = rows;
        g.a = x;
        g.a_row = x_stride;
        g.a_col = 1;
        g.activate = f;
        mdg_matmul(net->env, net->kernels, &g, mdg_net_how(net, rows));
    }
    if (!f) {
        activate_layer(net, l, rows, y, y_stride, z);
    }
}

void mdg_layer_forward_sparse(const midge_net *net, const mdg_sparse *x,
                              float *y, size_t y_stride, float *z) {
    const mdg_layer *l = &net->layers[0];
    mdg_gemm g = product_of(net, l, z ? z : y, y_stride);
    g.activate = kernel_of(net, l, z);
    mdg_sparse_matmul(net->env, net->kernels, x, &g);
    if (!g.activate) {
        activate_layer(net, l, x->rows, y, y_stride, z);
    }
}

/* A layer of one unit is a dot product, with another order of its sums. */
size_t mdg_sparse_scratch_bytes(const midge_net *net, size_t rows,
                                int backward) {
    const mdg_layer *l = &net->layers[0];
    return l->n_in < MDG_SPARSE_COLUMNS_MIN || l->n_out == 1
               ? 0
               : mdg_sparse_bytes(rows, l->n_in, backward);
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

/* How a run is cut into blocks, and its workspace: scratch for sparse inputs,
 * then hidden values. */
typedef struct plan {
    size_t rows;          /* of a block */
    size_t stride;        /* of hidden values */
    size_t scratch_bytes; /* 0: inputs are dense */
} plan;

static plan plan_of(const midge_net *net, size_t n_rows) {
    plan p = {.stride = hidden_stride(net)};
    size_t n_in = mdg_net_inputs(net);
    size_t most = p.stride > WIDE || n_in > WIDE ? RUN_ROWS_WIDE : RUN_ROWS;
    p.rows = n_rows < most ? n_rows : most;
    p.scratch_bytes = mdg_sparse_scratch_bytes(net, p.rows, 0);
    return p;
}

size_t midge_net_workspace_bytes(const midge_net *net, size_t n_rows) {
    if (!net) {
        return 0;
    }
    /* Layered: two layers are alive at a time, at most 2 * 64 * 2^16 floats.
     * With shortcuts the widest layer has fewer than 2^18 inputs, or there
     * would be too many weights. */
    plan p = plan_of(net, n_rows);
    size_t matrices = net->shortcut ? 1 : 2;
    size_t bytes =
        p.scratch_bytes + matrices * p.rows * p.stride * sizeof(float);
    return bytes ? bytes : 64;
}

static void first_layer(const midge_net *net, const plan *p, size_t rows,
                        const float *x, float *y, size_t y_stride,
                        void *scratch) {
    const mdg_layer *l = &net->layers[0];
    mdg_sparse sparse;
    if (p->scratch_bytes > 0 &&
        mdg_sparse_take(net->kernels, rows, l->n_in, x, l->n_in, l->n_out,
                        scratch, &sparse)) {
        mdg_layer_forward_sparse(net, &sparse, y, y_stride, NULL);
    } else {
        mdg_layer_forward(net, 0, rows, x, l->n_in, y, y_stride, NULL);
    }
}

static void run_layered(const midge_net *net, const plan *p, size_t rows,
                        const float *x, float *y, char *workspace) {
    float *half[2];
    half[0] = (float *)(void *)(workspace + p->scratch_bytes);
    half[1] = half[0] + rows * p->stride;
    const float *in = x;
    for (uint32_t l = 0; l < net->n_layers; l++) {
        size_t n_out = net->layers[l].n_out;
        float *out = l + 1 == net->n_layers ? y : half[l % 2];
        if (l == 0) {
            first_layer(net, p, rows, x, out, n_out, workspace);
        } else {
            mdg_layer_forward(net, l, rows, in, net->layers[l].n_in, out, n_out,
                              NULL);
        }
        in = out;
    }
}

static void run_shortcuts(const midge_net *net, const plan *p, size_t rows,
                          const float *x, float *y, char *workspace) {
    float *values = (float *)(void *)(workspace + p->scratch_bytes);
    size_t n_in = mdg_net_inputs(net);
    uint32_t last = net->n_layers - 1;
    if (last == 0) {
        first_layer(net, p, rows, x, y, net->layers[0].n_out, workspace);
        return;
    }
    for (size_t i = 0; i < rows; i++) {
        memcpy(values + i * p->stride, x + i * n_in, n_in * sizeof *x);
    }
    first_layer(net, p, rows, x, values + n_in, p->stride, workspace);
    for (uint32_t l = 1; l < last; l++) {
        mdg_layer_forward(net, l, rows, values, p->stride,
                          values + net->layers[l].n_in, p->stride, NULL);
    }
    mdg_layer_forward(net, last, rows, values, p->stride, y,
                      net->layers[last].n_out, NULL);
}

midge_status midge_net_run(const midge_net *net, size_t n_rows, const float *x,
                           float *y, void *workspace) {
    if (!net || (n_rows > 0 && (!x || !y || !workspace))) {
        return MIDGE_E_INVALID;
    }
    const plan p = plan_of(net, n_rows);
    size_t n_in = mdg_net_inputs(net);
    size_t n_out = mdg_net_last(net)->n_out;
    for (size_t at = 0; at < n_rows; at += p.rows) {
        size_t rows = n_rows - at < p.rows ? n_rows - at : p.rows;
        if (net->shortcut) {
            run_shortcuts(net, &p, rows, x + at * n_in, y + at * n_out,
                          workspace);
        } else {
            run_layered(net, &p, rows, x + at * n_in, y + at * n_out,
                        workspace);
        }
    }
    return MIDGE_OK;
}
