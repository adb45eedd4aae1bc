/* nn_oracle.h: a network once more, in double, with the C library and no code
 * of ours: what the tests of this room compare with. */
#ifndef NN_ORACLE_H
#define NN_ORACLE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "midge/nn.h"

#define ORACLE_UNITS_MAX 256

struct oracle {
    uint32_t n_layers;
    const uint32_t *sizes;
    midge_activation hidden;
    midge_activation output;
    /* Of layer l, (rows, n_out), or NULL: what its outputs are multiplied by.
     */
    const float *const *masks;
};

static inline void oracle_activate(midge_activation f, size_t n, double *z) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        switch (f) {
        case MIDGE_ACT_LINEAR:
            break;
        case MIDGE_ACT_SIGMOID:
            z[j] = 1 / (1 + exp(-z[j]));
            break;
        case MIDGE_ACT_TANH:
            z[j] = tanh(z[j]);
            break;
        case MIDGE_ACT_RELU:
            z[j] = z[j] > 0 ? z[j] : 0;
            break;
        case MIDGE_ACT_SOFTMAX:
            z[j] = exp(z[j]);
            sum += z[j];
            break;
        }
    }
    for (size_t j = 0; f == MIDGE_ACT_SOFTMAX && j < n; j++) {
        z[j] /= sum;
    }
}

/* One row; y has ORACLE_UNITS_MAX places. */
static inline void oracle_run(const struct oracle *o, const double *w,
                              size_t row, const float *x, double *y) {
    double in[ORACLE_UNITS_MAX];
    for (uint32_t i = 0; i < o->sizes[0]; i++) {
        in[i] = (double)x[row * o->sizes[0] + i];
    }
    for (uint32_t l = 0; l < o->n_layers; l++) {
        uint32_t n_in = o->sizes[l];
        uint32_t n_out = o->sizes[l + 1];
        for (uint32_t j = 0; j < n_out; j++) {
            y[j] = w[n_in * n_out + j];
            for (uint32_t i = 0; i < n_in; i++) {
                y[j] += in[i] * w[i * n_out + j];
            }
        }
        int last = l + 1 == o->n_layers;
        oracle_activate(last ? o->output : o->hidden, n_out, y);
        for (uint32_t j = 0; j < n_out; j++) {
            double mask = 1;
            if (!last && o->masks) {
                mask = (double)o->masks[l][row * n_out + j];
            }
            in[j] = y[j] * mask;
        }
        w += (n_in + 1) * n_out;
    }
}

static inline double oracle_row_loss(const struct oracle *o, midge_loss loss,
                                     const double *y, const float *t) {
    double sum = 0;
    for (uint32_t j = 0; j < o->sizes[o->n_layers]; j++) {
        double tj = (double)t[j];
        if (loss == MIDGE_LOSS_MSE) {
            sum += (y[j] - tj) * (y[j] - tj) / 2;
        } else if (o->output == MIDGE_ACT_SOFTMAX) {
            sum -= tj * log(y[j]);
        } else {
            sum -= tj * log(y[j]) + (1 - tj) * log(1 - y[j]);
        }
    }
    return sum;
}

static inline double oracle_loss(const struct oracle *o, const double *w,
                                 midge_loss loss, const midge_net_data *d) {
    double sum = 0;
    for (size_t i = 0; i < d->n_rows; i++) {
        double y[ORACLE_UNITS_MAX];
        oracle_run(o, w, i, d->x, y);
        sum += oracle_row_loss(o, loss, y, d->t + i * o->sizes[o->n_layers]);
    }
    return sum / (double)d->n_rows;
}

/* The largest |analytic - central difference| over all weights, as a share of
 * the largest |central difference|. */
static inline double oracle_gradient_error(const struct oracle *o,
                                           const float *weights, size_t n,
                                           midge_loss loss,
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
        double kept = w[i];
        w[i] = kept + h;
        double above = oracle_loss(o, w, loss, d);
        w[i] = kept - h;
        double below = oracle_loss(o, w, loss, d);
        w[i] = kept;
        double slope = (above - below) / (2 * h);
        worst = fmax(worst, fabs(slope - (double)gradient[i]));
        largest = fmax(largest, fabs(slope));
    }
    free(w);
    return worst / largest;
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
