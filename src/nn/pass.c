/* pass.c: the memory of a pass, and its forward half.
 *
 * Layered: each layer has a dense matrix of outputs. With shortcuts all values
 * of a row, inputs, then layer 0, then layer 1, ..., are columns of one matrix,
 * so that the inputs of every layer are the first columns of it; dropout then
 * has a second such matrix, and the sums z a third. */
#include "nn/pass.h"
#include "base/alloc.h"
#include "base/mdg_assert.h"

#include <string.h>

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
        if (n > largest && net->layers[l].n_out > 1) {
            largest = n;
        }
    }
    return largest;
}

static int needs_sums(const midge_net *net, const mdg_layer *l) {
    for (uint32_t i = 0; i < l->n_units; i++) {
        if (mdg_activation_needs_sum(net->units[l->units + i].activation)) {
            return 1;
        }
    }
    return 0;
}

/* Room for a pointer or a size for each layer, in the slab. */
static void *take_table(mdg_slab *slab, size_t n_layers) {
    return mdg_slab_take(slab, n_layers, sizeof(uint64_t) / sizeof(float));
}

/* The first layout only counts: there are no tables to write to yet. */
static void set(float **table, uint32_t layer, float *to) {
    if (table) {
        table[layer] = to;
    }
}

static void lay_out_layered(mdg_pass *p, int backward, mdg_slab *slab) {
    const midge_net *net = p->net;
    for (uint32_t l = 0; l < net->n_layers; l++) {
        const mdg_layer *layer = &net->layers[l];
        size_t n_out = layer->n_out;
        float *act = mdg_slab_take(slab, p->max_rows, n_out);
        set(p->act, l, act);
        if (p->stride) {
            p->stride[l] = n_out;
        }
        int sums = backward && needs_sums(net, layer);
        set(p->sum, l, sums ? mdg_slab_take(slab, p->max_rows, n_out) : NULL);
        if (l + 1 < net->n_layers) {
            set(p->input, l + 1,
                p->dropout ? mdg_slab_take(slab, p->max_rows, n_out) : act);
        }
    }
    if (backward) {
        p->delta[0] = mdg_slab_take(slab, p->max_rows, widest_output(net));
        p->delta[1] = mdg_slab_take(slab, p->max_rows, widest_output(net));
    }
}

/* A matrix as wide as all values. */
static float *take_values(const mdg_pass *p, int wanted, mdg_slab *slab) {
    return wanted ? mdg_slab_take(slab, p->max_rows, mdg_net_n_values(p->net))
                  : NULL;
}

static void lay_out_shortcuts(mdg_pass *p, int backward, mdg_slab *slab) {
    const midge_net *net = p->net;
    int any_sums = 0;
    for (uint32_t l = 0; l < net->n_layers; l++) {
        any_sums |= needs_sums(net, &net->layers[l]);
    }
    float *values = take_values(p, 1, slab);
    float *dropped = take_values(p, p->dropout, slab);
    float *sums = take_values(p, backward && any_sums, slab);
    p->delta[0] = take_values(p, backward, slab);
    for (uint32_t l = 0; slab->base && l < net->n_layers; l++) {
        const mdg_layer *layer = &net->layers[l];
        p->act[l] = values + layer->n_in;
        p->stride[l] = mdg_net_n_values(net);
        p->input[l] = p->dropout ? dropped : values;
        p->sum[l] =
            backward && needs_sums(net, layer) ? sums + layer->n_in : NULL;
    }
}

static void lay_out(mdg_pass *p, int backward, mdg_slab *slab) {
    const midge_net *net = p->net;
    p->act = take_table(slab, net->n_layers);
    p->stride = take_table(slab, net->n_layers);
    p->sum = take_table(slab, net->n_layers);
    p->mask = take_table(slab, net->n_layers);
    p->input = take_table(slab, net->n_layers);
    if (net->shortcut) {
        lay_out_shortcuts(p, backward, slab);
    } else {
        lay_out_layered(p, backward, slab);
    }
    for (uint32_t l = 0; l < net->n_layers; l++) {
        int masked = p->dropout && l + 1 < net->n_layers;
        set(p->mask, l,
            masked ? mdg_slab_take(slab, p->max_rows, net->layers[l].n_out)
                   : NULL);
    }
    size_t bytes = mdg_sparse_scratch_bytes(net, p->max_rows, backward);
    p->scratch =
        bytes > 0 ? mdg_slab_take(slab, bytes / sizeof(float), 1) : NULL;
    if (backward) {
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
    mdg_wave_free(pass->net->env, pass->wave);
    pass->wave = NULL;
}

const float *mdg_pass_output(const mdg_pass *pass, size_t *stride) {
    uint32_t last = pass->net->n_layers - 1;
    *stride = pass->stride[last];
    return pass->act[last];
}

const float *mdg_pass_input(const mdg_pass *pass, uint32_t layer,
                            const float *x, size_t *stride) {
    const midge_net *net = pass->net;
    *stride = net->shortcut && layer > 0 ? mdg_net_n_values(net)
                                         : net->layers[layer].n_in;
    return layer > 0 ? pass->input[layer] : x;
}

/* The outputs of a hidden layer as the next will see them. */
static void drop(mdg_pass *pass, uint32_t layer, size_t rows,
                 mdg_dropout *dropout) {
    const midge_net *net = pass->net;
    size_t n = net->layers[layer].n_out;
    size_t stride = pass->stride[layer];
    float *out = pass->input[layer + 1];
    out += net->shortcut ? net->layers[layer].n_in : 0;
    mdg_dropout_fill(dropout, rows * n, pass->mask[layer]);
    for (size_t i = 0; i < rows; i++) {
        MDG_KERNEL(net->kernels, mul_f32)(n, pass->act[layer] + i * stride,
                                          pass->mask[layer] + i * n,
                                          out + i * stride);
    }
}

/* The inputs, as the first columns of the matrix of all values. */
static void copy_inputs(const midge_net *net, size_t rows, const float *x,
                        float *values) {
    size_t n_in = mdg_net_inputs(net);
    size_t stride = mdg_net_n_values(net);
    for (size_t i = 0; i < rows; i++) {
        memcpy(values + i * stride, x + i * n_in, n_in * sizeof *x);
    }
}

static void first_layer(mdg_pass *pass, size_t rows, const float *x) {
    const midge_net *net = pass->net;
    const mdg_layer *l = &net->layers[0];
    if (pass->scratch &&
        mdg_sparse_take(net->kernels, rows, l->n_in, x, l->n_in, l->n_out,
                        pass->scratch, &pass->sparse)) {
        pass->inputs = MDG_INPUTS_SPARSE;
        mdg_layer_forward_sparse(net, &pass->sparse, pass->act[0],
                                 pass->stride[0], pass->sum[0]);
    } else {
        pass->inputs = MDG_INPUTS_DENSE;
        mdg_layer_forward(net, 0, rows, x, l->n_in, pass->act[0],
                          pass->stride[0], pass->sum[0]);
    }
}

/* A pass that could drop but was not asked to reads the outputs as they are. */
static void later_layer(mdg_pass *pass, uint32_t layer, size_t rows,
                        int dropped) {
    const midge_net *net = pass->net;
    size_t stride;
    const float *in = mdg_pass_input(pass, layer, NULL, &stride);
    if (pass->dropout && !dropped) {
        in = net->shortcut ? pass->act[0] - mdg_net_inputs(net)
                           : pass->act[layer - 1];
    }
    mdg_layer_forward(net, layer, rows, in, stride, pass->act[layer],
                      pass->stride[layer], pass->sum[layer]);
}

void mdg_pass_forward(mdg_pass *pass, size_t rows, const float *x,
                      mdg_dropout *dropout) {
    const midge_net *net = pass->net;
    mdg_assert(rows <= pass->max_rows);
    mdg_assert(!dropout || pass->dropout);
    if (net->shortcut) {
        copy_inputs(net, rows, x, pass->act[0] - mdg_net_inputs(net));
        if (pass->dropout) {
            copy_inputs(net, rows, x, pass->input[0]);
        }
    }
    for (uint32_t l = 0; l < net->n_layers; l++) {
        if (l == 0) {
            first_layer(pass, rows, x);
        } else {
            later_layer(pass, l, rows, dropout != NULL);
        }
        if (dropout && l + 1 < net->n_layers) {
            drop(pass, l, rows, dropout);
        }
    }
}
