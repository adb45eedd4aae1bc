/* net_init.c: first weights. Every layer has a stream of random numbers of its
 * own, so that its width moves no weight of another. */
#include "base/fmath.h"
#include "nn/net.h"

#include <string.h>

#define UNIFORM_RANGE 0.1f /* FANN's */

/* Connections into a unit: their mean, where not all exist. */
static float fan_in(const midge_net *net, const mdg_layer *l) {
    size_t n = 0;
    if (!net->mask) {
        return (float)l->n_in;
    }
    for (size_t i = l->w; i < l->b; i++) {
        n += net->mask[i];
    }
    float mean = (float)((double)n / l->n_out);
    return mean < 1.0f ? 1.0f : mean;
}

static void fill_uniform(mdg_rng *rng, float range, size_t n, float *w) {
    for (size_t i = 0; i < n; i++) {
        w[i] = range * (2.0f * mdg_rng_float(rng) - 1.0f);
    }
}

/* He et al. 2015: normal with variance 2 / n_in. */
static void fill_he(mdg_rng *rng, float n_in, size_t n, float *w) {
    float deviation = mdg_sqrt_f32(2.0f / n_in);
    for (size_t i = 0; i < n; i++) {
        w[i] = deviation * mdg_rng_normal(rng);
    }
}

/* Nguyen & Widrow 1990: each unit bends in a part of the input's range of its
 * own. The weights of a unit get the length 0.7 H^(1/N). */
static void fill_nguyen_widrow(const midge_net *net, const mdg_layer *l,
                               mdg_rng *rng, float *weights) {
    float *w = weights + l->w;
    size_t n = (size_t)l->n_in * l->n_out;
    float length = 0.7f * mdg_pow_f32((float)l->n_out, 1.0f / fan_in(net, l));
    fill_uniform(rng, 1.0f, n, w);
    mdg_net_apply_mask(net, weights);
    for (uint32_t j = 0; j < l->n_out; j++) {
        double squares = 0;
        for (size_t i = j; i < n; i += l->n_out) {
            squares += (double)w[i] * (double)w[i];
        }
        float scale = squares > 0 ? length / (float)mdg_sqrt_f64(squares) : 0;
        for (size_t i = j; i < n; i += l->n_out) {
            w[i] *= scale;
        }
    }
    fill_uniform(rng, length, l->n_out, weights + l->b);
}

/* What AUTO means before an activation. */
static midge_init usual(midge_activation activation) {
    switch (activation) {
    case MIDGE_ACT_RELU:
    case MIDGE_ACT_LEAKY_RELU:
    case MIDGE_ACT_ELU:
    case MIDGE_ACT_GELU:
    case MIDGE_ACT_SILU:
    case MIDGE_ACT_SOFTPLUS:
        return MIDGE_INIT_HE;
    default:
        return MIDGE_INIT_GLOROT;
    }
}

static void draw(midge_net *net, uint32_t layer, midge_init init, float range,
                 mdg_rng *rng) {
    const mdg_layer *l = &net->layers[layer];
    float *w = net->weights + l->w;
    float *b = net->weights + l->b;
    size_t n = (size_t)l->n_in * l->n_out;
    if (init == MIDGE_INIT_AUTO) {
        init = usual(net->units[l->units].activation);
    }
    if (init == MIDGE_INIT_NGUYEN_WIDROW && layer + 1 == net->n_layers) {
        init = MIDGE_INIT_UNIFORM; /* as in the paper */
        range = 0.5f;
    }
    switch (init) {
    case MIDGE_INIT_UNIFORM:
        fill_uniform(rng, range, n + l->n_out, w); /* the biases are behind */
        return;
    case MIDGE_INIT_NGUYEN_WIDROW:
        fill_nguyen_widrow(net, l, rng, net->weights);
        return;
    case MIDGE_INIT_HE:
        fill_he(rng, fan_in(net, l), n, w);
        break;
    case MIDGE_INIT_AUTO:
    case MIDGE_INIT_GLOROT:
        /* Glorot & Bengio 2010: uniform with variance 2 / (n_in + n_out). */
        fill_uniform(
            rng, mdg_sqrt_f32(6.0f / (fan_in(net, l) + (float)l->n_out)), n, w);
        break;
    }
    memset(b, 0, l->n_out * sizeof *b);
}

void mdg_net_draw_weights(midge_net *net, midge_init init, float range,
                          uint64_t seed) {
    for (uint32_t l = 0; l < net->n_layers; l++) {
        mdg_rng rng;
        mdg_rng_seed(&rng, mdg_rng_mix(seed, l));
        draw(net, l, init, range == 0.0f ? UNIFORM_RANGE : range, &rng);
    }
    mdg_net_apply_mask(net, net->weights);
}

midge_status midge_net_init_weights(midge_net *net, midge_init init,
                                    float range, uint64_t seed) {
    if (!net || (int)init < MIDGE_INIT_AUTO ||
        (int)init > MIDGE_INIT_NGUYEN_WIDROW ||
        !(range >= 0.0f && range < 1e30f)) {
        return MIDGE_E_INVALID;
    }
    mdg_net_draw_weights(net, init, range, seed);
    return MIDGE_OK;
}
