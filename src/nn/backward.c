/* backward.c: the backward half of a pass (Rumelhart, Hinton & Williams 1986).
 * With D_l = dLoss/dz_l of shape (rows, n_out):
 *
 *     dW_l = x_l^T D_l           a gemm that reads its A by columns
 *     db_l = sum over rows of D_l
 *     D_(l-1) = (D_l W_l^T) * mask * f'(z_(l-1))
 *
 * With shortcuts D_l W_l^T is added to the columns of all layers before l, in a
 * matrix like that of the values; a layer's columns are whole when its turn
 * comes, because every layer that reads them had its turn.
 *
 * W^T is written out before its gemm: 1 / (2 rows) of the gemm's work, and the
 * gemm then runs along rows of B like every other. A W of one column is its own
 * transpose. Layer 0 has no D before it. */
#include "nn/pass.h"

#include <string.h>

/* db = column sums of D, in the order of the rows. */
static void bias_gradient(const midge_net *net, const mdg_layer *l, size_t rows,
                          const float *d, size_t stride, float *bias) {
    memset(bias, 0, l->n_out * sizeof(float));
    for (size_t i = 0; i < rows && l->n_out > 1; i++) {
        MDG_KERNEL(net->kernels, axpy_f32)(l->n_out, 1.0f, d + i * stride,
                                           bias);
    }
    for (size_t i = 0; i < rows && l->n_out == 1; i++) {
        *bias += d[i * stride];
    }
}

/* Transposed once for each forward, however many gradients follow. */
static void sparse_gradient(mdg_pass *pass, const mdg_gemm *g) {
    if (pass->inputs == MDG_INPUTS_SPARSE) {
        mdg_sparse_transpose(&pass->sparse);
        pass->inputs = MDG_INPUTS_TRANSPOSED;
    }
    mdg_sparse_matmul(pass->net->env, pass->net->kernels, &pass->sparse, g);
}

/* dW = X^T D: with one output as D^T X, which fills the registers. */
static void layer_gradient(mdg_pass *pass, uint32_t layer, size_t rows,
                           const float *x, const float *d, size_t d_stride) {
    const midge_net *net = pass->net;
    const mdg_layer *l = &net->layers[layer];
    size_t x_stride;
    const float *in = mdg_pass_input(pass, layer, x, &x_stride);
    mdg_gemm g = {.m = l->n_in, .n = l->n_out, .k = rows};
    g.a = in;
    g.a_row = 1;
    g.a_col = x_stride;
    g.b = d;
    g.ldb = d_stride;
    if (l->n_out == 1) {
        g.m = 1;
        g.n = l->n_in;
        g.a = d;
        g.a_col = d_stride;
        g.b = in;
        g.ldb = x_stride;
    }
    g.c = pass->gradient + l->w;
    g.ldc = g.n;
    if (layer == 0 && pass->inputs != MDG_INPUTS_DENSE) {
        sparse_gradient(pass, &g);
    } else {
        mdg_matmul(net->env, net->kernels, &g, mdg_net_how(net, rows));
    }
    bias_gradient(net, l, rows, d, d_stride, pass->gradient + l->b);
}

/* before = [before +] D W^T, of the columns from `first` on. */
static void spread(const mdg_pass *pass, uint32_t layer, size_t rows,
                   const float *d, size_t d_stride, size_t first, float *before,
                   size_t before_stride, int accumulate) {
    const midge_net *net = pass->net;
    const mdg_layer *l = &net->layers[layer];
    mdg_gemm g = {.m = rows, .n = l->n_in - first, .k = l->n_out};
    g.a = d;
    g.a_row = d_stride;
    g.a_col = 1;
    g.b = net->weights + l->w + first;
    if (l->n_out > 1) {
        MDG_KERNEL(net->kernels, transpose_f32)(
            l->n_in, l->n_out, net->weights + l->w, pass->transposed);
        g.b = pass->transposed + first;
    }
    g.ldb = l->n_in;
    g.c = before;
    g.ldc = before_stride;
    g.accumulate = accumulate;
    mdg_matmul(net->env, net->kernels, &g, mdg_net_how(net, rows));
}

void mdg_pass_activate_back(const mdg_pass *pass, uint32_t layer, int fann,
                            size_t rows, float *d) {
    const midge_net *net = pass->net;
    const mdg_layer *l = &net->layers[layer];
    const mdg_units *u = &net->units[l->units];
    for (uint32_t i = 0; i < l->n_units; i++) {
        uint32_t at = u[i].first;
        const float *sum = pass->sum[layer];
        mdg_activate_back(net->kernels, u[i].activation, u[i].steepness, fann,
                          rows, u[i].count, pass->stride[layer],
                          pass->act[layer] + at, sum ? sum + at : NULL, d + at);
    }
}

/* dLoss/dy of a hidden layer, as its columns were left, becomes dLoss/dz. */
static void through_hidden(const mdg_pass *pass, uint32_t layer, int fann,
                           size_t rows, float *d) {
    const midge_net *net = pass->net;
    size_t n = net->layers[layer].n_out;
    size_t stride = pass->stride[layer];
    for (size_t i = 0; pass->dropout && i < rows; i++) {
        MDG_KERNEL(net->kernels, mul_f32)(
            n, d + i * stride, pass->mask[layer] + i * n, d + i * stride);
    }
    mdg_pass_activate_back(pass, layer, fann, rows, d);
}

static void back_layered(mdg_pass *pass, int fann, size_t rows,
                         const float *x) {
    const midge_net *net = pass->net;
    float *d = pass->delta[0];
    float *before = pass->delta[1];
    for (uint32_t l = net->n_layers; l-- > 0;) {
        size_t n_out = net->layers[l].n_out;
        layer_gradient(pass, l, rows, x, d, n_out);
        if (l > 0) {
            spread(pass, l, rows, d, n_out, 0, before, net->layers[l].n_in, 0);
            through_hidden(pass, l - 1, fann, rows, before);
            float *swap = d;
            d = before;
            before = swap;
        }
    }
}

static void back_shortcuts(mdg_pass *pass, int fann, size_t rows,
                           const float *x) {
    const midge_net *net = pass->net;
    size_t stride = mdg_net_n_values(net);
    size_t n_inputs = mdg_net_inputs(net);
    uint32_t last = net->n_layers - 1;
    for (uint32_t l = net->n_layers; l-- > 0;) {
        float *d = pass->delta[0] + net->layers[l].n_in;
        if (l < last) {
            through_hidden(pass, l, fann, rows, d);
        }
        layer_gradient(pass, l, rows, x, d, stride);
        if (l > 0) {
            spread(pass, l, rows, d, stride, n_inputs,
                   pass->delta[0] + n_inputs, stride, l < last);
        }
    }
}

float *mdg_pass_delta(const mdg_pass *pass, size_t *stride) {
    const midge_net *net = pass->net;
    *stride = pass->stride[net->n_layers - 1];
    return pass->delta[0] + (net->shortcut ? mdg_net_last(net)->n_in : 0);
}

void mdg_pass_back(mdg_pass *pass, int fann, size_t rows, const float *x) {
    if (pass->net->shortcut) {
        back_shortcuts(pass, fann, rows, x);
    } else {
        back_layered(pass, fann, rows, x);
    }
    mdg_net_apply_mask(pass->net, pass->gradient);
}

void mdg_pass_backward_from(mdg_pass *pass, int fann, size_t rows,
                            const float *x, float *g) {
    size_t n = mdg_net_last(pass->net)->n_out;
    size_t stride;
    float *d = mdg_pass_delta(pass, &stride);
    for (size_t i = 0; i < rows; i++) {
        memcpy(d + i * stride, g + i * n, n * sizeof *g);
    }
    mdg_pass_activate_back(pass, pass->net->n_layers - 1, fann, rows, d);
    mdg_pass_back(pass, fann, rows, x);
}
