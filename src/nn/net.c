/* net.c: making, copying and running a network. The weights are one run (see
 * net.h); running goes through blocks of rows so that the scratch memory stays
 * small, which changes no bit because a gemm sums each element by itself. */
#include "nn/net.h"
#include "base/alloc.h"
#include "base/fmath.h"

#include <string.h>

/* Rows of a block: enough for a gemm to spread the cost of packing the weights,
 * few enough that a block of hidden values is at most 16 MiB. */
#define RUN_ROWS      256
#define RUN_ROWS_WIDE 64
#define WIDE          8192

static int activation_known(midge_activation a) {
    return (int)a >= MIDGE_ACT_LINEAR && (int)a <= MIDGE_ACT_SOFTMAX;
}

static midge_status check_shape(const midge_net_options *o, midge_status bad,
                                midge_error *err) {
    if (o->n_layers < 1 || o->n_layers > MIDGE_NET_LAYERS_MAX) {
        return midge_fail(err, bad, "a network has 1 to %d layers, not %u",
                          MIDGE_NET_LAYERS_MAX, o->n_layers);
    }
    for (uint32_t i = 0; i <= o->n_layers; i++) {
        if (o->sizes[i] < 1 || o->sizes[i] > MIDGE_NET_UNITS_MAX) {
            return midge_fail(err, bad, "size %u is %u, not 1 to %d", i,
                              o->sizes[i], MIDGE_NET_UNITS_MAX);
        }
    }
    if (!activation_known(o->hidden) || !activation_known(o->output)) {
        return midge_fail(err, bad, "unknown activation");
    }
    if (o->hidden == MIDGE_ACT_SOFTMAX) {
        return midge_fail(err, bad, "softmax is for the output layer only");
    }
    return MIDGE_OK;
}

midge_status mdg_net_shape(const midge_net_options *shape, midge_status bad,
                           midge_net *net, midge_error *err) {
    MIDGE_TRY(check_shape(shape, bad, err));
    memset(net, 0, sizeof *net);
    net->n_layers = shape->n_layers;
    net->hidden = shape->hidden;
    net->output = shape->output;
    uint64_t count = 0; /* at most 16 (2^16 + 1) 2^16: cannot overflow */
    for (uint32_t l = 0; l < net->n_layers; l++) {
        mdg_layer *layer = &net->layers[l];
        layer->n_in = shape->sizes[l];
        layer->n_out = shape->sizes[l + 1];
        layer->activation =
            l + 1 == net->n_layers ? shape->output : shape->hidden;
        layer->w = (size_t)count;
        count += (uint64_t)layer->n_in * layer->n_out;
        layer->b = (size_t)count;
        count += layer->n_out;
        if (count > MIDGE_NET_WEIGHTS_MAX) {
            return midge_fail(err, MIDGE_E_LIMIT,
                              "more than %d weights in a network",
                              MIDGE_NET_WEIGHTS_MAX);
        }
    }
    net->n_weights = (size_t)count;
    return MIDGE_OK;
}

midge_status mdg_net_make(const midge_env *env, const midge_net *shape,
                          midge_net **out, midge_error *err) {
    midge_net *net = mdg_alloc(env, 1, sizeof *net);
    if (!net) {
        (void)mdg_no_memory("a network", err);
        return MIDGE_E_NOMEM;
    }
    *net = *shape;
    net->env = env;
    net->kernels = mdg_kernels_select(env->cpu);
    net->weights = mdg_alloc(env, net->n_weights, sizeof(float));
    if (!net->weights) {
        mdg_release(env, net, 1, sizeof *net);
        (void)midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu weights",
                         shape->n_weights);
        return MIDGE_E_NOMEM;
    }
    *out = net;
    return MIDGE_OK;
}

/* He et al. 2015 for ReLU: normal with variance 2 / n_in; Glorot & Bengio 2010
 * for the others: uniform with variance 2 / (n_in + n_out). */
static void init_layer(const mdg_layer *layer, mdg_rng *rng, float *weights) {
    float *w = weights + layer->w;
    size_t n = (size_t)layer->n_in * layer->n_out;
    if (layer->activation == MIDGE_ACT_RELU) {
        float deviation = mdg_sqrt_f32(2.0f / (float)layer->n_in);
        for (size_t i = 0; i < n; i++) {
            w[i] = deviation * mdg_rng_normal(rng);
        }
    } else {
        float limit =
            mdg_sqrt_f32(6.0f / ((float)layer->n_in + (float)layer->n_out));
        for (size_t i = 0; i < n; i++) {
            w[i] = limit * (2.0f * mdg_rng_float(rng) - 1.0f);
        }
    }
    memset(weights + layer->b, 0, layer->n_out * sizeof(float));
}

midge_status midge_net_new(const midge_env *env,
                           const midge_net_options *options, midge_net **out,
                           midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || !options || !options->sizes) {
        return midge_fail(err, MIDGE_E_INVALID, "env or sizes missing");
    }
    midge_net shape;
    MIDGE_TRY(mdg_net_shape(options, MIDGE_E_INVALID, &shape, err));
    MIDGE_TRY(mdg_net_make(env, &shape, out, err));
    for (uint32_t l = 0; l < shape.n_layers; l++) {
        mdg_rng rng; /* a stream per layer: its width moves no other weight */
        mdg_rng_seed(&rng, mdg_rng_mix(options->seed, l));
        init_layer(&shape.layers[l], &rng, (*out)->weights);
    }
    return MIDGE_OK;
}

void midge_net_free(midge_net *net) {
    if (!net) {
        return;
    }
    const midge_env *env = net->env;
    mdg_release(env, net->weights, net->n_weights, sizeof(float));
    mdg_release(env, net, 1, sizeof *net);
}

midge_status midge_net_copy(const midge_net *net, midge_net **out) {
    if (!out) {
        return MIDGE_E_INVALID;
    }
    *out = NULL;
    if (!net) {
        return MIDGE_E_INVALID;
    }
    MIDGE_TRY(mdg_net_make(net->env, net, out, NULL));
    memcpy((*out)->weights, net->weights, net->n_weights * sizeof(float));
    return MIDGE_OK;
}

uint32_t midge_net_n_inputs(const midge_net *net) {
    return net ? net->layers[0].n_in : 0;
}

uint32_t midge_net_n_outputs(const midge_net *net) {
    return net ? net->layers[net->n_layers - 1].n_out : 0;
}

uint32_t midge_net_n_layers(const midge_net *net) {
    return net ? net->n_layers : 0;
}

size_t midge_net_n_weights(const midge_net *net) {
    return net ? net->n_weights : 0;
}

const float *midge_net_weights(const midge_net *net) {
    return net ? net->weights : NULL;
}

/* x - x is 0 exactly for finite x, and the inner loop has no branch to stop it
 * from being vectorised; blocks, to end early on bad data. */
int mdg_all_finite(size_t n, const float *x) {
    for (size_t at = 0; at < n; at += 4096) {
        size_t end = n - at < 4096 ? n : at + 4096;
        unsigned bad = 0;
        for (size_t i = at; i < end; i++) {
            bad |= (unsigned)!(x[i] - x[i] == 0.0f);
        }
        if (bad) {
            return 0;
        }
    }
    return 1;
}

midge_status midge_net_set_weights(midge_net *net, const float *weights,
                                   size_t count) {
    if (!net || !weights) {
        return MIDGE_E_INVALID;
    }
    if (count != net->n_weights) {
        return MIDGE_E_MISMATCH;
    }
    if (!mdg_all_finite(count, weights)) {
        return MIDGE_E_INVALID;
    }
    memmove(net->weights, weights, count * sizeof(float));
    return MIDGE_OK;
}

/* Floats of one row of hidden values, rounded up to 64 bytes. */
static size_t hidden_stride(const midge_net *net) {
    size_t widest = 0;
    for (uint32_t l = 0; l + 1 < net->n_layers; l++) {
        if (net->layers[l].n_out > widest) {
            widest = net->layers[l].n_out;
        }
    }
    return (widest + 15) / 16 * 16;
}

static size_t run_rows(const midge_net *net, size_t n_rows) {
    size_t most = hidden_stride(net) > WIDE ? RUN_ROWS_WIDE : RUN_ROWS;
    return n_rows < most ? n_rows : most;
}

size_t midge_net_workspace_bytes(const midge_net *net, size_t n_rows) {
    if (!net) {
        return 0;
    }
    /* Two layers are alive at a time; at most 2 * 64 * 2^16 floats. */
    size_t rows = run_rows(net, n_rows);
    size_t bytes = 2 * rows * hidden_stride(net) * sizeof(float);
    return bytes ? bytes : 64;
}

static void run_block(const midge_net *net, size_t rows, const float *x,
                      float *y, float *workspace) {
    float *half[2] = {workspace, workspace + rows * hidden_stride(net)};
    const float *in = x;
    for (uint32_t l = 0; l < net->n_layers; l++) {
        float *out = l + 1 == net->n_layers ? y : half[l % 2];
        mdg_layer_forward(net, l, rows, in, out);
        in = out;
    }
}

midge_status midge_net_run(const midge_net *net, size_t n_rows, const float *x,
                           float *y, void *workspace) {
    if (!net || (n_rows > 0 && (!x || !y || !workspace))) {
        return MIDGE_E_INVALID;
    }
    size_t n_in = midge_net_n_inputs(net);
    size_t n_out = midge_net_n_outputs(net);
    size_t rows;
    for (size_t at = 0; at < n_rows; at += rows) {
        rows = run_rows(net, n_rows - at);
        run_block(net, rows, x + at * n_in, y + at * n_out, workspace);
    }
    return MIDGE_OK;
}
