/* update.c: one step of each trainer over the whole run of weights.
 *
 * SGD with momentum as Sutskever et al. 2013 wrote the classical form (velocity
 * without the rate in it); Adam by Kingma & Ba 2015 with the decoupled decay of
 * Loshchilov & Hutter 2019; iRPROP- by Igel & Huesken 2000. Decay pulls at
 * weights, never at biases. */
#include "base/fmath.h"
#include "nn/net.h"

static void sgd_run(size_t n, float rate, float momentum, float decay,
                    const float *restrict g, float *restrict w,
                    float *restrict velocity) {
    for (size_t i = 0; i < n; i++) {
        velocity[i] = momentum * velocity[i] + (g[i] + decay * w[i]);
        w[i] -= rate * velocity[i];
    }
}

void mdg_update_sgd(const mdg_update *u, float rate, float momentum) {
    for (uint32_t l = 0; l < u->net->n_layers; l++) {
        const mdg_layer *layer = &u->net->layers[l];
        size_t w = layer->w;
        size_t b = layer->b;
        sgd_run(b - w, rate, momentum, u->weight_decay, u->gradient + w,
                u->w + w, u->a + w);
        sgd_run(layer->n_out, rate, momentum, 0.0f, u->gradient + b, u->w + b,
                u->a + b);
    }
}

void mdg_update_adam(const mdg_update *u, float rate, double beta1_t,
                     double beta2_t) {
    mdg_adam step = {.beta1 = MDG_ADAM_BETA1, .beta2 = MDG_ADAM_BETA2};
    step.rate = (float)((double)rate / (1.0 - beta1_t));
    step.v_scale = (float)(1.0 / mdg_sqrt_f64(1.0 - beta2_t));
    step.epsilon = MDG_ADAM_EPSILON;
    for (uint32_t l = 0; l < u->net->n_layers; l++) {
        const mdg_layer *layer = &u->net->layers[l];
        size_t w = layer->w;
        size_t b = layer->b;
        step.decay = rate * u->weight_decay;
        MDG_KERNEL(u->net->kernels, adam_f32)(b - w, &step, u->gradient + w,
                                              u->w + w, u->a + w, u->b + w);
        step.decay = 0.0f;
        MDG_KERNEL(u->net->kernels, adam_f32)(
            layer->n_out, &step, u->gradient + b, u->w + b, u->a + b, u->b + b);
    }
}

#define RPROP_FIRST 0.01f
#define RPROP_MIN   1e-6f
#define RPROP_MAX   50.0f
#define RPROP_UP    1.2f
#define RPROP_DOWN  0.5f

void mdg_update_rprop_start(const mdg_update *u) {
    for (size_t i = 0; i < u->net->n_weights; i++) {
        u->a[i] = 0.0f;
        u->b[i] = RPROP_FIRST;
    }
}

/* A change of sign means the last step went too far: the step shrinks and the
 * weight rests once, because the stored gradient is set to 0. */
static void rprop_run(size_t n, float decay, const float *restrict gradient,
                      float *restrict w, float *restrict last,
                      float *restrict step) {
    for (size_t i = 0; i < n; i++) {
        float g = gradient[i] + decay * w[i];
        float agree = g * last[i];
        if (agree > 0.0f) {
            step[i] =
                step[i] * RPROP_UP < RPROP_MAX ? step[i] * RPROP_UP : RPROP_MAX;
        } else if (agree < 0.0f) {
            step[i] = step[i] * RPROP_DOWN > RPROP_MIN ? step[i] * RPROP_DOWN
                                                       : RPROP_MIN;
            g = 0.0f;
        }
        w[i] += g > 0.0f ? -step[i] : g < 0.0f ? step[i] : 0.0f;
        last[i] = g;
    }
}

void mdg_update_rprop(const mdg_update *u) {
    for (uint32_t l = 0; l < u->net->n_layers; l++) {
        const mdg_layer *layer = &u->net->layers[l];
        size_t w = layer->w;
        size_t b = layer->b;
        rprop_run(b - w, u->weight_decay, u->gradient + w, u->w + w, u->a + w,
                  u->b + w);
        rprop_run(layer->n_out, 0.0f, u->gradient + b, u->w + b, u->a + b,
                  u->b + b);
    }
}
