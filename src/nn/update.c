/* update.c: one step of each trainer over the whole run of weights.
 *
 * SGD with momentum as Sutskever et al. 2013 wrote the classical form (velocity
 * without the rate in it); Adam by Kingma & Ba 2015 with the decoupled decay of
 * Loshchilov & Hutter 2019; iRPROP- by Igel & Huesken 2000. Decay pulls at
 * weights, never at biases. */
#include "nn/update.h"
#include "base/fmath.h"

void mdg_update_sgd(const mdg_update *u, float rate, float momentum) {
    mdg_sgd step = {.rate = rate, .momentum = momentum};
    for (uint32_t l = 0; l < u->net->n_layers; l++) {
        const mdg_layer *layer = &u->net->layers[l];
        size_t w = layer->w;
        size_t b = layer->b;
        step.decay = u->o->weight_decay;
        MDG_KERNEL(u->net->kernels, sgd_f32)(b - w, &step, u->gradient + w,
                                             u->w + w, u->a + w);
        step.decay = 0.0f;
        MDG_KERNEL(u->net->kernels, sgd_f32)(
            layer->n_out, &step, u->gradient + b, u->w + b, u->a + b);
    }
}

void mdg_update_adam(const mdg_update *u, float rate, double beta1_t,
                     double beta2_t) {
    mdg_adam step = {.beta1 = u->o->beta1, .beta2 = u->o->beta2};
    step.rate = (float)((double)rate / (1.0 - beta1_t));
    step.v_scale = (float)(1.0 / mdg_sqrt_f64(1.0 - beta2_t));
    step.epsilon = u->o->epsilon;
    for (uint32_t l = 0; l < u->net->n_layers; l++) {
        const mdg_layer *layer = &u->net->layers[l];
        size_t w = layer->w;
        size_t b = layer->b;
        step.decay = rate * u->o->weight_decay;
        MDG_KERNEL(u->net->kernels, adam_f32)(b - w, &step, u->gradient + w,
                                              u->w + w, u->a + w, u->b + w);
        step.decay = 0.0f;
        MDG_KERNEL(u->net->kernels, adam_f32)(
            layer->n_out, &step, u->gradient + b, u->w + b, u->a + b, u->b + b);
    }
}

void mdg_update_rprop_start(const mdg_update *u) {
    for (size_t i = 0; i < u->net->n_weights; i++) {
        u->a[i] = 0.0f;
        u->b[i] = u->o->rprop_delta_zero;
    }
}

void mdg_update_rprop(const mdg_update *u) {
    mdg_rprop step = {.up = u->o->rprop_increase,
                      .down = u->o->rprop_decrease,
                      .least = u->o->rprop_delta_min,
                      .most = u->o->rprop_delta_max};
    for (uint32_t l = 0; l < u->net->n_layers; l++) {
        const mdg_layer *layer = &u->net->layers[l];
        size_t w = layer->w;
        size_t b = layer->b;
        step.decay = u->o->weight_decay;
        MDG_KERNEL(u->net->kernels, rprop_f32)(b - w, &step, u->gradient + w,
                                               u->w + w, u->a + w, u->b + w);
        step.decay = 0.0f;
        MDG_KERNEL(u->net->kernels, rprop_f32)(
            layer->n_out, &step, u->gradient + b, u->w + b, u->a + b, u->b + b);
    }
}
