/* net_update.c: one step of each trainer over a run of weights.
 *
 * Adam by Kingma & Ba 2015, its decoupled decay by Loshchilov & Hutter 2019,
 * RMSprop by Tieleman & Hinton 2012; iRPROP- by Igel & Huesken 2000, Quickprop
 * by Fahlman 1988 and SARPROP by Treadgold & Gedeon 1998 with the rules and
 * bounds that FANN gave them. FANN speaks of slopes, which point down: they are
 * minus the gradient here. */
#include "nn/net_update.h"

#include "base/fmath.h"

#include <string.h>

/* As the kernels do: see kernels/update.h. */
static float drop(float x) {
    return x < MDG_UPDATE_TINY && x > -MDG_UPDATE_TINY ? 0.0f : x;
}

static void nesterov(const mdg_update *u, size_t first, size_t count,
                     float rate, float decay) {
    const float momentum = u->o->momentum;
    const float *restrict g = u->gradient + first;
    float *restrict w = u->w + first;
    float *restrict v = u->a + first;
    for (size_t i = 0; i < count; i++) {
        float h = g[i] + decay * w[i];
        v[i] = drop(momentum * v[i] + h);
        w[i] -= rate * (h + momentum * v[i]);
    }
}

void mdg_update_sgd(const mdg_update *u, size_t first, size_t count, float rate,
                    float decay) {
    const mdg_sgd step = {
        .rate = rate, .momentum = u->o->momentum, .decay = decay};
    if (u->o->nesterov) {
        nesterov(u, first, count, rate, decay);
        return;
    }
    MDG_KERNEL(u->kernels, sgd_f32)(count, &step, u->gradient + first,
                                    u->w + first, u->a + first);
}

void mdg_update_rmsprop(const mdg_update *u, size_t first, size_t count,
                        float rate, float decay) {
    const float keep = u->o->beta2;
    const float rest = 1.0f - keep;
    const float momentum = u->o->momentum;
    const float epsilon = u->o->epsilon;
    const float *restrict g = u->gradient + first;
    float *restrict w = u->w + first;
    float *restrict moved = u->a + first;
    float *restrict square = u->b + first;
    for (size_t i = 0; i < count; i++) {
        float h = g[i] + decay * w[i];
        square[i] = drop(keep * square[i] + rest * (h * h));
        moved[i] =
            drop(momentum * moved[i] + h / (mdg_sqrt_f32(square[i]) + epsilon));
        w[i] -= rate * moved[i];
    }
}

static void adam(const mdg_update *u, size_t first, size_t count, float rate,
                 float decay) {
    mdg_adam step = {.beta1 = u->o->beta1, .beta2 = u->o->beta2};
    step.rate = (float)((double)rate / (1.0 - u->beta1_t));
    step.v_scale = (float)(1.0 / mdg_sqrt_f64(1.0 - u->beta2_t));
    step.epsilon = u->o->epsilon;
    step.decay = decay;
    MDG_KERNEL(u->kernels, adam_f32)(count, &step, u->gradient + first,
                                     u->w + first, u->a + first, u->b + first);
}

void mdg_update_adam(const mdg_update *u, size_t first, size_t count,
                     float rate, float decay) {
    if (decay > 0.0f) {
        MDG_KERNEL(u->kernels, axpy_f32)(count, decay, u->w + first,
                                         u->gradient + first);
    }
    adam(u, first, count, rate, 0.0f);
}

void mdg_update_adamw(const mdg_update *u, size_t first, size_t count,
                      float rate, float decay) {
    adam(u, first, count, rate, rate * decay);
}

void mdg_rule_batch(const mdg_update *u, size_t n,
                    const mdg_epoch_facts *facts) {
    const float rate = u->o->learning_rate / (float)facts->n_rows;
    MDG_KERNEL(u->kernels, axpy_f32)(n, -rate, u->gradient, u->w);
}

/* Where FANN stops a weight, and its least step of RPROP. */
#define WEIGHT_MOST      1500.0f
#define RPROP_STEP_LEAST 0.0001f

static float least(float x, float y) {
    return x < y ? x : y;
}

static float most(float x, float y) {
    return x > y ? x : y;
}

/* Without branches, so that the compiler makes vectors of it. In FANN a slope
 * of exactly 0 counts as one upwards, and one without a sign to compare with
 * lets the step grow; in the paper neither does anything, and a weight whose
 * input is always 0 stays where it is. */
void mdg_rule_rprop(const mdg_update *u, size_t n,
                    const mdg_epoch_facts *facts) {
    const float up = u->o->rprop_increase;
    const float down = u->o->rprop_decrease;
    const float step_most = u->o->rprop_delta_max;
    const float step_least = u->o->rprop_delta_min;
    const float *restrict g = u->gradient;
    float *restrict w = u->w;
    float *restrict last = u->a;
    float *restrict size = u->b;
    const int fann = u->o->fann_gradient;
    const float still = fann ? 1.0f : 0.0f;
    (void)facts;
    for (size_t i = 0; i < n; i++) {
        float before = most(size[i], RPROP_STEP_LEAST);
        float grown = least(before * up, step_most);
        float shrunk = most(before * down, step_least);
        float product = last[i] * g[i];
        float h = product < 0.0f ? 0.0f : g[i];
        float even = fann ? grown : before;
        float step = product < 0.0f ? shrunk : product > 0.0f ? grown : even;
        size[i] = step;
        last[i] = h;
        float moved = w[i] + (h > 0.0f   ? -step
                              : h < 0.0f ? step
                                         : still * step);
        w[i] = most(least(moved, WEIGHT_MOST), -WEIGHT_MOST);
    }
}

/* The step of a weight whose last one was towards larger weights; the other
 * side is its mirror image. Where FANN would divide by 0, the parabola has no
 * end: the linear term alone. */
static float quickprop_step(float last_step, float slope, float last_slope,
                            float rate, float mu) {
    float step = slope > 0.0f ? rate * slope : 0.0f;
    if (slope > mu / (1.0f + mu) * last_slope) {
        return step + mu * last_step;
    }
    float change = last_slope - slope;
    return change != 0.0f ? step + last_step * slope / change : step;
}

#define QUICKPROP_STEP_LEAST 0.001f

void mdg_rule_quickprop(const mdg_update *u, size_t n,
                        const mdg_epoch_facts *facts) {
    const float rate = u->o->learning_rate / (float)facts->n_rows;
    const float mu = u->o->quickprop_mu;
    for (size_t i = 0; i < n; i++) {
        float slope = u->o->quickprop_decay * u->w[i] - u->gradient[i];
        float last = u->b[i];
        float step = rate * slope;
        if (last > QUICKPROP_STEP_LEAST) {
            step = quickprop_step(last, slope, u->a[i], rate, mu);
        } else if (last < -QUICKPROP_STEP_LEAST) {
            step = -quickprop_step(-last, -slope, -u->a[i], rate, mu);
        }
        u->b[i] = step;
        u->a[i] = slope;
        u->w[i] = most(least(u->w[i] + step, WEIGHT_MOST), -WEIGHT_MOST);
    }
}

#define SARPROP_STEP_LEAST 0.000001f

static float power_of_two(double x) {
    return (float)mdg_exp_f64(0.69314718055994530942 * x);
}

/* FANN leaves a weight whose slope has no sign to compare with the step size of
 * the weight before it in its arrays, an oversight; here it keeps its own. */
void mdg_rule_sarprop(const mdg_update *u, size_t n,
                      const mdg_epoch_facts *facts) {
    const midge_train_options *o = u->o;
    const double cooled =
        -(double)o->sarprop_temperature * (double)facts->epoch;
    const float decay =
        power_of_two(cooled + (double)o->sarprop_weight_decay_shift);
    const float noise =
        (float)mdg_sqrt_f64(facts->mse) *
        power_of_two(cooled + (double)o->sarprop_step_error_shift);
    const float threshold =
        o->sarprop_step_error_threshold_factor * (float)facts->mse;
    for (size_t i = 0; i < n; i++) {
        float h = u->gradient[i] - u->w[i] * decay;
        float product = u->a[i] * h;
        float step = most(u->b[i], SARPROP_STEP_LEAST);
        if (product < 0.0f) {
            u->b[i] = step < threshold
                          ? step * o->rprop_decrease +
                                mdg_rng_float(facts->noise) * noise
                          : most(step * o->rprop_decrease, SARPROP_STEP_LEAST);
            u->a[i] = 0.0f;
            continue;
        }
        if (product > 0.0f) {
            step = least(step * o->rprop_increase, o->rprop_delta_max);
        }
        u->w[i] += h < 0.0f ? step : -step;
        u->b[i] = step;
        u->a[i] = h;
    }
}

mdg_rule_fn mdg_rule_of(midge_trainer trainer) {
    switch ((int)trainer) {
    case MIDGE_TRAIN_BATCH:
        return mdg_rule_batch;
    case MIDGE_TRAIN_RPROP:
        return mdg_rule_rprop;
    case MIDGE_TRAIN_QUICKPROP:
        return mdg_rule_quickprop;
    case MIDGE_TRAIN_SARPROP:
        return mdg_rule_sarprop;
    default:
        return NULL;
    }
}

void mdg_rule_start(const mdg_update *u, size_t n) {
    const float first =
        u->o->trainer == MIDGE_TRAIN_RPROP ? u->o->rprop_delta_zero : 0.0f;
    for (size_t i = 0; i < n; i++) {
        u->a[i] = 0.0f;
        u->b[i] = first;
    }
}

void mdg_penalise_l1(const midge_net *net, float share, float *gradient) {
    for (uint32_t l = 0; l < net->n_layers; l++) {
        for (size_t i = net->layers[l].w; i < net->layers[l].b; i++) {
            const float w = net->weights[i];
            gradient[i] += w > 0.0f ? share : w < 0.0f ? -share : 0.0f;
        }
    }
}

void mdg_penalise_squares(const midge_net *net, float share, float *gradient) {
    for (uint32_t l = 0; l < net->n_layers; l++) {
        const mdg_layer *layer = &net->layers[l];
        MDG_KERNEL(net->kernels, axpy_f32)(layer->b - layer->w, share,
                                           net->weights + layer->w,
                                           gradient + layer->w);
    }
}

double mdg_penalty_squares(const midge_net *net, double share) {
    double sum = 0;
    for (uint32_t l = 0; share > 0.0 && l < net->n_layers; l++) {
        for (size_t i = net->layers[l].w; i < net->layers[l].b; i++) {
            sum += (double)net->weights[i] * (double)net->weights[i];
        }
    }
    return share * sum / 2;
}
