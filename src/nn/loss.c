/* loss.c: what training makes small, and its slope at the outputs. Values are
 * summed in double, row by row in order, so that neither blocks of rows nor the
 * instruction set show in them.
 *
 * Logarithms are kept finite: an output of 0 counts as the smallest normal
 * float, and 1 - y of a sigmoid that has rounded to 1 counts as 2^-25, half of
 * the last step below 1. A NaN stays one, which is how divergence is seen. */
#include "base/fmath.h"
#include "nn/pass.h"

#define SMALLEST_OUTPUT 0x1p-126
#define SMALLEST_REST   0x1p-25
#define TANH_EDGE       0.9999999 /* beyond it FANN's error has slope 17 */
#define TANH_SLOPE      17.0

/* ---- Values. ------------------------------------------------------------- */

static double safe_log(double x, double smallest) {
    return mdg_log_f64(x < smallest ? smallest : x);
}

static double binary_entropy(double p, double t) {
    double sum = 0;
    if (t != 0.0) {
        sum -= t * safe_log(p, SMALLEST_OUTPUT);
    }
    if (t != 1.0) {
        sum -= (1.0 - t) * safe_log(1.0 - p, SMALLEST_REST);
    }
    return sum;
}

/* x log x, 0 at 0. */
static double x_log_x(double x) {
    return x > 0.0 ? x * mdg_log_f64(x) : x == 0.0 ? 0.0 : x;
}

static double tanh_error(double e) {
    double size = e < 0.0 ? -e : e;
    double inside = size > TANH_EDGE ? TANH_EDGE : size;
    return x_log_x(1.0 + inside) + x_log_x(1.0 - inside) +
           (size > TANH_EDGE ? TANH_SLOPE * (size - TANH_EDGE) : 0.0);
}

/* Of one output; e = y - t. */
static double value_of(midge_loss loss, double p, double e) {
    double size = e < 0.0 ? -e : e;
    switch (loss) {
    case MIDGE_LOSS_TANH:
        return tanh_error(e);
    case MIDGE_LOSS_HUBER:
        return size <= p ? e * e / 2 : p * (size - p / 2);
    case MIDGE_LOSS_L1:
        return size;
    case MIDGE_LOSS_QUANTILE:
        return e < 0.0 ? p * size : (1.0 - p) * size;
    case MIDGE_LOSS_MSE:
    case MIDGE_LOSS_CROSS_ENTROPY: /* elsewhere */
        break;
    }
    return e * e / 2;
}

static double parameter_of(const mdg_objective *o) {
    if (o->parameter != 0.0f) {
        return (double)o->parameter;
    }
    return o->loss == MIDGE_LOSS_QUANTILE ? 0.5 : 1.0;
}

static double row_loss(const mdg_objective *o, int softmax, size_t n,
                       const float *y, const float *t) {
    double p = parameter_of(o);
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        double yj = (double)y[j];
        double tj = (double)t[j];
        if (o->loss != MIDGE_LOSS_CROSS_ENTROPY) {
            sum += value_of(o->loss, p, yj - tj);
        } else if (!softmax) {
            sum += binary_entropy(yj, tj);
        } else if (tj != 0.0) {
            sum -= tj * safe_log(yj, SMALLEST_OUTPUT);
        }
    }
    return sum;
}

float mdg_objective_half(const mdg_objective *o, const mdg_units *u) {
    return o->fann && mdg_activation_symmetric(u->activation) ? 0.5f : 1.0f;
}

void mdg_objective_errors(const mdg_objective *o, const mdg_units *u, size_t n,
                          const float *y, const float *t, mdg_tally *tally) {
    const float half = mdg_objective_half(o, u);
    for (size_t j = 0; j < n; j++) {
        float e = (y[j] - t[j]) * half;
        tally->squares += (double)e * (double)e;
        float size = e < 0.0f ? -e : e;
        tally->bit_fail += size < o->bit_fail_limit ? 0 : 1; /* NaN fails */
    }
}

void mdg_objective_tally(const mdg_objective *o, const mdg_units *u, size_t n,
                         const float *y, const float *t, mdg_tally *tally) {
    tally->loss += row_loss(o, u->activation == MIDGE_ACT_SOFTMAX, n, y, t);
    mdg_objective_errors(o, u, n, y, t, tally);
}

void mdg_pass_tally(const mdg_pass *pass, const mdg_objective *objective,
                    size_t rows, const float *t, mdg_tally *tally) {
    const mdg_layer *last = mdg_net_last(pass->net);
    const mdg_units *u = &pass->net->units[last->units];
    size_t stride;
    const float *y = mdg_pass_output(pass, &stride);
    for (size_t i = 0; i < rows; i++, y += stride, t += last->n_out) {
        for (uint32_t k = 0; k < last->n_units; k++) {
            mdg_objective_tally(objective, &u[k], u[k].count, y + u[k].first,
                                t + u[k].first, tally);
        }
    }
}

/* ---- Slopes. ------------------------------------------------------------- */

static float tanh_slope(float e) {
    if (e > (float)TANH_EDGE) {
        return (float)TANH_SLOPE;
    }
    if (e < -(float)TANH_EDGE) {
        return -(float)TANH_SLOPE;
    }
    return mdg_log_f32((1.0f + e) / (1.0f - e));
}

static float slope_of(midge_loss loss, float p, float e) {
    switch (loss) {
    case MIDGE_LOSS_TANH:
        return tanh_slope(e);
    case MIDGE_LOSS_HUBER:
        return e > p ? p : e < -p ? -p : e;
    case MIDGE_LOSS_L1:
        return e > 0.0f ? 1.0f : e < 0.0f ? -1.0f : e;
    case MIDGE_LOSS_QUANTILE:
        return e > 0.0f ? 1.0f - p : e < 0.0f ? -p : e;
    case MIDGE_LOSS_MSE:
    case MIDGE_LOSS_CROSS_ENTROPY:
        break;
    }
    return e;
}

/* dv/dx of the activations that have a cross-entropy. */
static float entropy_scale(const mdg_units *u) {
    return u->activation == MIDGE_ACT_SIGMOID ? 2.0f * u->steepness
                                              : u->steepness;
}

void mdg_objective_slopes(const mdg_objective *o, const mdg_units *u,
                          float scale, size_t n, const float *restrict y,
                          const float *restrict t, float *restrict d) {
    const float half = mdg_objective_half(o, u);
    if (o->loss == MIDGE_LOSS_MSE || o->loss == MIDGE_LOSS_CROSS_ENTROPY) {
        float factor = half * scale; /* exact: half is a power of two */
        if (o->loss == MIDGE_LOSS_CROSS_ENTROPY) {
            factor *= entropy_scale(u);
        }
        for (size_t j = 0; j < n; j++) {
            d[j] = (y[j] - t[j]) * factor;
        }
        return;
    }
    float p = (float)parameter_of(o);
    for (size_t j = 0; j < n; j++) {
        d[j] = slope_of(o->loss, p, (y[j] - t[j]) * half) * scale;
    }
}

void mdg_pass_backward(mdg_pass *pass, const mdg_objective *objective,
                       size_t rows, float scale, const float *x,
                       const float *t) {
    const midge_net *net = pass->net;
    const mdg_layer *last = mdg_net_last(net);
    const mdg_units *u = &net->units[last->units];
    size_t y_stride;
    size_t d_stride;
    const float *y = mdg_pass_output(pass, &y_stride);
    float *d = mdg_pass_delta(pass, &d_stride);
    for (size_t i = 0; i < rows; i++) {
        for (uint32_t k = 0; k < last->n_units; k++) {
            size_t at = u[k].first;
            mdg_objective_slopes(
                objective, &u[k], scale, u[k].count, y + i * y_stride + at,
                t + i * last->n_out + at, d + i * d_stride + at);
        }
    }
    if (objective->loss != MIDGE_LOSS_CROSS_ENTROPY) {
        mdg_pass_activate_back(pass, net->n_layers - 1, objective->fann, rows,
                               d);
    }
    mdg_pass_back(pass, objective->fann, rows, x);
}

/* ---- Checks. ------------------------------------------------------------- */

midge_status mdg_loss_check(const midge_net *net, midge_loss loss,
                            float parameter, midge_error *err) {
    if ((int)loss < 0 || (int)loss >= MIDGE_LOSS_COUNT) {
        return midge_fail(err, MIDGE_E_INVALID, "unknown loss %d", (int)loss);
    }
    if (!(parameter >= 0.0f && parameter < 1e30f) ||
        (loss == MIDGE_LOSS_QUANTILE && parameter >= 1.0f)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "loss_parameter does not fit the loss");
    }
    const mdg_layer *last = mdg_net_last(net);
    for (uint32_t i = 0; i < last->n_units; i++) {
        midge_activation f = net->units[last->units + i].activation;
        if (loss == MIDGE_LOSS_CROSS_ENTROPY && f != MIDGE_ACT_SOFTMAX &&
            f != MIDGE_ACT_SIGMOID) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "cross-entropy needs a softmax or sigmoid "
                              "output, not %s",
                              midge_activation_name(f));
        }
    }
    return MIDGE_OK;
}

midge_status mdg_objective_check(const midge_net *net,
                                 const mdg_objective *objective,
                                 midge_error *err) {
    MIDGE_TRY(mdg_loss_check(net, objective->loss, objective->parameter, err));
    for (uint32_t l = 0; l < net->n_layers; l++) {
        const mdg_layer *layer = &net->layers[l];
        for (uint32_t i = 0; i < layer->n_units; i++) {
            midge_activation f = net->units[layer->units + i].activation;
            if (!mdg_activation_trainable(f)) {
                return midge_fail(err, MIDGE_E_INVALID,
                                  "layer %u: %s cannot be trained", l,
                                  midge_activation_name(f));
            }
        }
    }
    return MIDGE_OK;
}
