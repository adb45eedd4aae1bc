/* pass.c: one forward and backward computation over a block of rows.
 *
 * Forward: a_l = f(a_(l-1) W_l + b_l). Backward (Rumelhart, Hinton & Williams
 * 1986), with D_l = dLoss/dz_l of shape (rows, n_out):
 *
 *     dW_l = a_(l-1)^T D_l       a gemm that reads its A by columns
 *     db_l = sum over rows of D_l
 *     D_(l-1) = (D_l W_l^T) * mask * f'(a_(l-1))
 *
 * W^T is written out before its gemm: 1 / (2 rows) of the gemm's work, and the
 * gemm then runs along rows of B like every other. Layer 0 has no D before it.
 */
#include "base/alloc.h"
#include "base/mdg_assert.h"
#include "nn/net.h"
#include "vec/matmul.h"

#include <string.h>

float *mdg_slab_take(mdg_slab *slab, size_t rows, size_t columns) {
    size_t n;
    if (!mdg_multiply_size(rows, columns, &n) || n > SIZE_MAX / 8 ||
        slab->count > SIZE_MAX / 8) {
        slab->overflow = 1;
        return NULL;
    }
    size_t at = slab->count;
    slab->count = at + (n + 15) / 16 * 16;
    return slab->base ? slab->base + at : NULL;
}

midge_status mdg_slab_allocate(mdg_slab *slab, size_t *total) {
    *total = 0;
    if (slab->overflow) {
        return MIDGE_E_NOMEM;
    }
    slab->base = mdg_alloc(slab->env, slab->count, sizeof(float));
    if (!slab->base) {
        return MIDGE_E_NOMEM;
    }
    *total = slab->count;
    slab->count = 0;
    return MIDGE_OK;
}

static size_t widest_output(const midge_net *net) {
    size_t widest = 0;
    for (uint32_t l = 0; l < net->n_layers; l++) {
        if (net->layers[l].n_out > widest) {
            widest = net->layers[l].n_out;
        }
    }
    return widest;
}

static size_t largest_matrix_behind_the_first(const midge_net *net) {
    size_t largest = 0;
    for (uint32_t l = 1; l < net->n_layers; l++) {
        size_t n = (size_t)net->layers[l].n_in * net->layers[l].n_out;
        if (n > largest) {
            largest = n;
        }
    }
    return largest;
}

static void lay_out(mdg_pass *p, int backward, mdg_slab *slab) {
    const midge_net *net = p->net;
    for (uint32_t l = 0; l < net->n_layers; l++) {
        size_t n_out = net->layers[l].n_out;
        p->act[l] = mdg_slab_take(slab, p->max_rows, n_out);
        if (l + 1 < net->n_layers) {
            p->input[l + 1] = p->act[l];
            if (p->dropout) {
                p->mask[l] = mdg_slab_take(slab, p->max_rows, n_out);
                p->input[l + 1] = mdg_slab_take(slab, p->max_rows, n_out);
            }
        }
    }
    if (backward) {
        size_t widest = widest_output(net);
        p->delta[0] = mdg_slab_take(slab, p->max_rows, widest);
        p->delta[1] = mdg_slab_take(slab, p->max_rows, widest);
        p->transposed =
            mdg_slab_take(slab, 1, largest_matrix_behind_the_first(net));
        p->gradient = mdg_slab_take(slab, 1, net->n_weights);
    }
}

midge_status mdg_pass_init(mdg_pass *pass, const midge_net *net,
                           size_t max_rows, int backward, int dropout) {
    memset(pass, 0, sizeof *pass);
    pass->net = net;
    pass->max_rows = max_rows;
    pass->dropout = dropout;
    mdg_slab slab = {.env = net->env};
    lay_out(pass, backward, &slab);
    MIDGE_TRY(mdg_slab_allocate(&slab, &pass->block_floats));
    pass->block = slab.base;
    lay_out(pass, backward, &slab);
    mdg_assert(slab.count == pass->block_floats);
    return MIDGE_OK;
}

void mdg_pass_deinit(mdg_pass *pass) {
    mdg_release(pass->net->env, pass->block, pass->block_floats, sizeof(float));
    pass->block = NULL;
}

typedef void (*function)(size_t n, float *x);

/* What a product applies to its elements by itself. */
static function element_function(const mdg_kernels *k,
                                 midge_activation activation) {
    switch (activation) {
    case MIDGE_ACT_SIGMOID:
        return MDG_KERNEL(k, sigmoid_f32);
    case MIDGE_ACT_TANH:
        return MDG_KERNEL(k, tanh_f32);
    case MIDGE_ACT_RELU:
        return MDG_KERNEL(k, relu_f32);
    case MIDGE_ACT_LINEAR:
    case MIDGE_ACT_SOFTMAX: /* row by row */
        break;
    }
    return NULL;
}

void mdg_layer_forward(const midge_net *net, uint32_t layer, size_t rows,
                       const float *x, float *y) {
    const mdg_layer *l = &net->layers[layer];
    mdg_gemm g = {.m = rows, .n = l->n_out, .k = l->n_in};
    g.a = x;
    g.a_row = l->n_in;
    g.a_col = 1;
    g.b = net->weights + l->w;
    g.ldb = l->n_out;
    g.c = y;
    g.ldc = l->n_out;
    g.bias = net->weights + l->b;
    g.activate = element_function(net->kernels, l->activation);
    mdg_matmul(net->env, net->kernels, &g, MDG_MATMUL_SAME_BITS);
    if (l->activation == MIDGE_ACT_SOFTMAX) {
        for (size_t i = 0; i < rows; i++) {
            MDG_KERNEL(net->kernels, softmax_f32)(l->n_out, y + i * l->n_out);
        }
    }
}

void mdg_pass_forward(mdg_pass *pass, size_t rows, const float *x,
                      mdg_dropout *dropout) {
    const midge_net *net = pass->net;
    const float *in = x;
    mdg_assert(rows <= pass->max_rows);
    mdg_assert(!dropout || pass->dropout);
    for (uint32_t l = 0; l < net->n_layers; l++) {
        mdg_layer_forward(net, l, rows, in, pass->act[l]);
        in = pass->act[l];
        if (dropout && l + 1 < net->n_layers) {
            size_t n = rows * net->layers[l].n_out;
            mdg_dropout_fill(dropout, n, pass->mask[l]);
            MDG_KERNEL(net->kernels, mul_f32)(n, pass->act[l], pass->mask[l],
                                              pass->input[l + 1]);
            in = pass->input[l + 1];
        }
    }
}

/* d becomes that before the activation y = f(z): every f here has f' as a
 * function of y. */
static void activate_back(const mdg_kernels *k, midge_activation activation,
                          size_t rows, size_t columns, const float *y,
                          float *d) {
    switch (activation) {
    case MIDGE_ACT_LINEAR:
        break;
    case MIDGE_ACT_SIGMOID:
        MDG_KERNEL(k, sigmoid_back_f32)(rows * columns, y, d);
        break;
    case MIDGE_ACT_TANH:
        MDG_KERNEL(k, tanh_back_f32)(rows * columns, y, d);
        break;
    case MIDGE_ACT_RELU:
        MDG_KERNEL(k, relu_back_f32)(rows * columns, y, d);
        break;
    case MIDGE_ACT_SOFTMAX:
        for (size_t i = 0; i < rows; i++) {
            MDG_KERNEL(k, softmax_back_f32)(columns, y + i * columns,
                                            d + i * columns);
        }
        break;
    }
}

/* D of the last layer. Cross-entropy through the activation that belongs to it
 * is y - t, without the division that the two factors would have apart. */
static void output_delta(const mdg_pass *pass, midge_loss loss, size_t rows,
                         float scale, const float *restrict t,
                         float *restrict d) {
    const midge_net *net = pass->net;
    const mdg_layer *last = &net->layers[net->n_layers - 1];
    const float *y = pass->act[net->n_layers - 1];
    size_t n = rows * last->n_out;
    for (size_t i = 0; i < n; i++) {
        d[i] = (y[i] - t[i]) * scale;
    }
    if (loss == MIDGE_LOSS_CROSS_ENTROPY) {
        return;
    }
    activate_back(net->kernels, last->activation, rows, last->n_out, y, d);
}

/* dW = X^T D and db = column sums of D, in the order of the rows. */
static void layer_gradient(const midge_net *net, const mdg_layer *l,
                           size_t rows, const float *x, const float *d,
                           float *gradient) {
    mdg_gemm g = {.m = l->n_in, .n = l->n_out, .k = rows};
    g.a = x;
    g.a_row = 1;
    g.a_col = l->n_in;
    g.b = d;
    g.ldb = l->n_out;
    g.c = gradient + l->w;
    g.ldc = l->n_out;
    mdg_matmul(net->env, net->kernels, &g, MDG_MATMUL_SAME_BITS);
    float *bias = gradient + l->b;
    memset(bias, 0, l->n_out * sizeof(float));
    for (size_t i = 0; i < rows; i++) {
        MDG_KERNEL(net->kernels, axpy_f32)(l->n_out, 1.0f, d + i * l->n_out,
                                           bias);
    }
}

/* D of the layer before `layer`, from the D of it. */
static void delta_before(mdg_pass *pass, uint32_t layer, size_t rows,
                         const float *d, float *before) {
    const midge_net *net = pass->net;
    const mdg_layer *l = &net->layers[layer];
    MDG_KERNEL(net->kernels, transpose_f32)(
        l->n_in, l->n_out, net->weights + l->w, pass->transposed);
    mdg_gemm g = {.m = rows, .n = l->n_in, .k = l->n_out};
    g.a = d;
    g.a_row = l->n_out;
    g.a_col = 1;
    g.b = pass->transposed;
    g.ldb = l->n_in;
    g.c = before;
    g.ldc = l->n_in;
    mdg_matmul(net->env, net->kernels, &g, MDG_MATMUL_SAME_BITS);
    size_t n = rows * l->n_in;
    if (pass->dropout) {
        MDG_KERNEL(net->kernels, mul_f32)(n, before, pass->mask[layer - 1],
                                          before);
    }
    activate_back(net->kernels, net->layers[layer - 1].activation, rows,
                  l->n_in, pass->act[layer - 1], before);
}

void mdg_pass_backward(mdg_pass *pass, midge_loss loss, size_t rows,
                       float scale, const float *x, const float *t) {
    const midge_net *net = pass->net;
    float *d = pass->delta[0];
    float *other = pass->delta[1];
    output_delta(pass, loss, rows, scale, t, d);
    for (uint32_t l = net->n_layers; l-- > 0;) {
        const float *in = l == 0 ? x : pass->input[l];
        layer_gradient(net, &net->layers[l], rows, in, d, pass->gradient);
        if (l > 0) {
            delta_before(pass, l, rows, d, other);
            float *swap = d;
            d = other;
            other = swap;
        }
    }
}
