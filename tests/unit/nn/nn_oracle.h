/* nn_oracle.h: a network once more, in double, with the C library and no code
 * of ours but what says its shape: what the tests of this room compare with. */
#ifndef NN_ORACLE_H
#define NN_ORACLE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "midge/nn_train.h"

#define ORACLE_UNITS_MAX  256
#define ORACLE_LAYERS_MAX 8

struct oracle_unit {
    midge_activation f;
    double s;
};

struct oracle {
    uint32_t n_layers;
    int shortcut;
    midge_layer layers[ORACLE_LAYERS_MAX];
    struct oracle_unit units[ORACLE_LAYERS_MAX][ORACLE_UNITS_MAX];
    /* Of layer l, (rows, n_out), or NULL: what its outputs are multiplied by.
     */
    const float *const *masks;
};

static inline void oracle_init(struct oracle *o, const midge_net *net) {
    memset(o, 0, sizeof *o);
    o->n_layers = midge_net_n_layers(net);
    o->shortcut = midge_net_has_shortcuts(net);
    for (uint32_t l = 0; l < o->n_layers; l++) {
        if (midge_net_layer(net, l, &o->layers[l]) != MIDGE_OK) {
            abort();
        }
        for (uint32_t j = 0; j < o->layers[l].n_out; j++) {
            float s;
            if (midge_net_unit(net, l, j, &o->units[l][j].f, &s) != MIDGE_OK) {
                abort();
            }
            o->units[l][j].s = (double)s;
        }
    }
}

static inline double oracle_line(const double *v, const double *y, double below,
                                 double above, double x) {
    if (x < v[0] || x >= v[5]) {
        return x < v[0] ? below : above;
    }
    int i = 1;
    while (x >= v[i]) {
        i++;
    }
    return y[i - 1] + (y[i] - y[i - 1]) * (x - v[i - 1]) / (v[i] - v[i - 1]);
}

static inline double oracle_stepwise(midge_activation f, double x) {
    /* logit / 2 of the heights; the Gaussian's are sqrt(-log y). */
    const double a = log(199) / 2, b = log(19) / 2, c = log(3) / 2;
    const double v[] = {-a, -b, -c, c, b, a};
    const double sigmoid[] = {.005, .05, .25, .75, .95, .995};
    const double symmetric[] = {-.99, -.9, -.5, .5, .9, .99};
    const double g[] = {-sqrt(-log(.01)), -sqrt(-log(.2)), -sqrt(-log(.9)),
                        sqrt(-log(.9)),   sqrt(-log(.2)),  sqrt(-log(.01))};
    const double gaussian[] = {.01, .2, .9, .9, .2, .01};
    return f == MIDGE_ACT_SIGMOID_STEPWISE ? oracle_line(v, sigmoid, 0, 1, x)
           : f == MIDGE_ACT_GAUSSIAN_STEPWISE
               ? oracle_line(g, gaussian, 0, 0, x)
               : oracle_line(v, symmetric, -1, 1, x);
}

/* Of one unit but softmax; v is steepness times sum. */
static inline double oracle_f(midge_activation f, double v) {
    switch (f) {
    case MIDGE_ACT_LINEAR:
    case MIDGE_ACT_SOFTMAX:
        return v;
    case MIDGE_ACT_THRESHOLD:
        return v < 0 ? 0 : 1;
    case MIDGE_ACT_THRESHOLD_SYMMETRIC:
        return v < 0 ? -1 : 1;
    case MIDGE_ACT_SIGMOID:
        return 1 / (1 + exp(-2 * v));
    case MIDGE_ACT_SIGMOID_SYMMETRIC:
        return tanh(v);
    case MIDGE_ACT_SIGMOID_STEPWISE:
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
    case MIDGE_ACT_GAUSSIAN_STEPWISE:
        return oracle_stepwise(f, v);
    case MIDGE_ACT_GAUSSIAN:
        return exp(-v * v);
    case MIDGE_ACT_GAUSSIAN_SYMMETRIC:
        return 2 * exp(-v * v) - 1;
    case MIDGE_ACT_ELLIOT:
        return v / 2 / (1 + fabs(v)) + .5;
    case MIDGE_ACT_ELLIOT_SYMMETRIC:
        return v / (1 + fabs(v));
    case MIDGE_ACT_LINEAR_PIECE:
        return fmin(1, fmax(0, v));
    case MIDGE_ACT_LINEAR_PIECE_SYMMETRIC:
        return fmin(1, fmax(-1, v));
    case MIDGE_ACT_SIN_SYMMETRIC:
        return sin(v);
    case MIDGE_ACT_COS_SYMMETRIC:
        return cos(v);
    case MIDGE_ACT_SIN:
        return sin(v) / 2 + .5;
    case MIDGE_ACT_COS:
        return cos(v) / 2 + .5;
    case MIDGE_ACT_RELU:
        return v > 0 ? v : 0;
    case MIDGE_ACT_LEAKY_RELU:
        return v > 0 ? v : v / 100;
    case MIDGE_ACT_ELU:
        return v > 0 ? v : expm1(v);
    case MIDGE_ACT_GELU:
        return v / 2 * (1 + erf(v / sqrt(2)));
    case MIDGE_ACT_SILU:
        return v / (1 + exp(-v));
    case MIDGE_ACT_SOFTPLUS:
        return fmax(v, 0) + log1p(exp(-fabs(v)));
    }
    return NAN;
}

static inline void oracle_activate(const struct oracle_unit *u, size_t n,
                                   double *z) {
    double sum = 0;
    double most = -INFINITY;
    for (size_t j = 0; j < n; j++) {
        z[j] = oracle_f(u[j].f, u[j].s * z[j]);
        most = fmax(most, z[j]);
    }
    for (size_t j = 0; u[0].f == MIDGE_ACT_SOFTMAX && j < n; j++) {
        z[j] = exp(z[j] - most);
        sum += z[j];
    }
    for (size_t j = 0; u[0].f == MIDGE_ACT_SOFTMAX && j < n; j++) {
        z[j] /= sum;
    }
}

/* One row; y has ORACLE_UNITS_MAX places. `w` is the run of weights. */
static inline void oracle_run(const struct oracle *o, const double *w,
                              size_t row, const float *x, double *y) {
    double in[4 * ORACLE_UNITS_MAX];
    uint32_t n_inputs = o->layers[0].n_in;
    for (uint32_t i = 0; i < n_inputs; i++) {
        in[i] = (double)x[row * n_inputs + i];
    }
    for (uint32_t l = 0; l < o->n_layers; l++) {
        const midge_layer *layer = &o->layers[l];
        uint32_t n_out = layer->n_out;
        for (uint32_t j = 0; j < n_out; j++) {
            y[j] = w[layer->b + j];
            for (uint32_t i = 0; i < layer->n_in; i++) {
                y[j] += in[i] * w[layer->w + (size_t)i * n_out + j];
            }
        }
        oracle_activate(o->units[l], n_out, y);
        for (uint32_t j = 0; j < n_out; j++) {
            double mask = 1;
            if (l + 1 < o->n_layers && o->masks) {
                mask = (double)o->masks[l][row * n_out + j];
            }
            in[(o->shortcut ? layer->n_in : 0) + j] = y[j] * mask;
        }
    }
}

static inline double oracle_x_log_x(double x) {
    return x > 0 ? x * log(x) : 0;
}

/* Of one output that is y where t was wanted; p is never 0 here. */
static inline double oracle_output_loss(midge_loss loss, double p, double y,
                                        double t) {
    double e = y - t;
    switch (loss) {
    case MIDGE_LOSS_MSE:
        return e * e / 2;
    case MIDGE_LOSS_CROSS_ENTROPY:
        return -t * log(y) - (1 - t) * log(1 - y);
    case MIDGE_LOSS_TANH:
        if (fabs(e) > .9999999) {
            return oracle_x_log_x(1.9999999) + oracle_x_log_x(1e-7) +
                   17 * (fabs(e) - .9999999);
        }
        return oracle_x_log_x(1 + e) + oracle_x_log_x(1 - e);
    case MIDGE_LOSS_HUBER:
        return fabs(e) <= p ? e * e / 2 : p * (fabs(e) - p / 2);
    case MIDGE_LOSS_L1:
        return fabs(e);
    case MIDGE_LOSS_QUANTILE:
        return t > y ? p * (t - y) : (1 - p) * (y - t);
    }
    return NAN;
}

static inline double oracle_row_loss(const struct oracle *o, midge_loss loss,
                                     double p, const double *y,
                                     const float *t) {
    double sum = 0;
    const uint32_t last = o->n_layers - 1;
    for (uint32_t j = 0; j < o->layers[last].n_out; j++) {
        double tj = (double)t[j];
        if (loss == MIDGE_LOSS_CROSS_ENTROPY &&
            o->units[last][0].f == MIDGE_ACT_SOFTMAX) {
            sum -= tj * log(y[j]);
        } else {
            sum += oracle_output_loss(loss, p, y[j], tj);
        }
    }
    return sum;
}

/* p 0: what the loss has by itself. */
static inline double oracle_loss(const struct oracle *o, const double *w,
                                 midge_loss loss, double p,
                                 const midge_net_data *d) {
    double sum = 0;
    p = p != 0 ? p : loss == MIDGE_LOSS_QUANTILE ? 0.5 : 1;
    for (size_t i = 0; i < d->n_rows; i++) {
        double y[ORACLE_UNITS_MAX];
        oracle_run(o, w, i, d->x, y);
        sum += oracle_row_loss(o, loss, p, y,
                               d->t + i * o->layers[o->n_layers - 1].n_out);
    }
    return sum / (double)d->n_rows;
}

/* The largest |analytic - central difference| over all weights that exist, as a
 * share of the largest |central difference|; of those that do not, the gradient
 * must be 0. `exists` may be NULL. */
static inline double oracle_gradient_error(const struct oracle *o,
                                           const float *weights,
                                           const uint8_t *exists, size_t n,
                                           midge_loss loss, double p,
                                           const midge_net_data *d,
                                           const float *gradient) {
    const double h = 1e-6;
    double *w = malloc(n * sizeof *w);
    double worst = 0;
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        w[i] = (double)weights[i];
    }
    for (size_t i = 0; i < n; i++) {
        if (exists && !exists[i]) {
            worst = gradient[i] == 0.0f ? worst : INFINITY;
            continue;
        }
        double kept = w[i];
        w[i] = kept + h;
        double above = oracle_loss(o, w, loss, p, d);
        w[i] = kept - h;
        double below = oracle_loss(o, w, loss, p, d);
        w[i] = kept;
        double slope = (above - below) / (2 * h);
        worst = fmax(worst, fabs(slope - (double)gradient[i]));
        largest = fmax(largest, fabs(slope));
    }
    free(w);
    return worst == 0 ? 0 : worst / largest;
}

/* Numbers for test data, from a generator that is not ours. */
static inline float oracle_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f; /* [-1, 1) */
}

/* x in [-1, 1); t one-hot, or in (0, 1) when `soft`. */
static inline void oracle_fill(uint32_t seed, size_t rows, size_t n_in,
                               size_t n_out, int soft, float *x, float *t) {
    uint32_t state = seed * 2654435761u + 12345u;
    for (size_t i = 0; i < rows * n_in; i++) {
        x[i] = oracle_random(&state);
    }
    memset(t, 0, rows * n_out * sizeof *t);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; soft && j < n_out; j++) {
            t[i * n_out + j] = 0.5f + 0.45f * oracle_random(&state);
        }
        if (!soft) {
            float draw = (oracle_random(&state) + 1.0f) * 0.5f;
            t[i * n_out + (size_t)(draw * (float)n_out)] = 1.0f;
        }
    }
}

#endif
