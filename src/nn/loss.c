/* loss.c: what training makes small, summed in double, row by row in order, so
 * that neither blocks of rows nor the instruction set show in the value.
 *
 * Logarithms are kept finite: an output of 0 counts as the smallest normal
 * float, and 1 - y of a sigmoid that has rounded to 1 counts as 2^-25, half of
 * the last step below 1. A NaN stays one, which is how divergence is seen. */
#include "base/fmath.h"
#include "nn/net.h"

#include <string.h>

#define SMALLEST_OUTPUT 0x1p-126
#define SMALLEST_REST   0x1p-25

static double row_mse(size_t n, const float *y, const float *t) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        double e = (double)y[j] - (double)t[j];
        sum += e * e;
    }
    return sum / 2;
}

static double safe_log(double x, double smallest) {
    return mdg_log_f64(x < smallest ? smallest : x);
}

static double row_softmax_entropy(size_t n, const float *y, const float *t) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        if (t[j] != 0.0f) {
            sum -= (double)t[j] * safe_log((double)y[j], SMALLEST_OUTPUT);
        }
    }
    return sum;
}

static double row_binary_entropy(size_t n, const float *y, const float *t) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        double p = (double)y[j];
        double tj = (double)t[j];
        if (tj != 0.0) {
            sum -= tj * safe_log(p, SMALLEST_OUTPUT);
        }
        if (tj != 1.0) {
            sum -= (1.0 - tj) * safe_log(1.0 - p, SMALLEST_REST);
        }
    }
    return sum;
}

double mdg_pass_loss(const mdg_pass *pass, midge_loss loss, size_t rows,
                     const float *t, double sum) {
    const mdg_layer *last = &pass->net->layers[pass->net->n_layers - 1];
    const float *y = pass->act[pass->net->n_layers - 1];
    size_t n = last->n_out;
    for (size_t i = 0; i < rows; i++) {
        const float *yi = y + i * n;
        const float *ti = t + i * n;
        if (loss == MIDGE_LOSS_MSE) {
            sum += row_mse(n, yi, ti);
        } else if (last->activation == MIDGE_ACT_SOFTMAX) {
            sum += row_softmax_entropy(n, yi, ti);
        } else {
            sum += row_binary_entropy(n, yi, ti);
        }
    }
    return sum;
}

midge_status mdg_loss_check(const midge_net *net, midge_loss loss,
                            midge_error *err) {
    if (loss == MIDGE_LOSS_MSE) {
        return MIDGE_OK;
    }
    if (loss != MIDGE_LOSS_CROSS_ENTROPY) {
        return midge_fail(err, MIDGE_E_INVALID, "unknown loss %d", (int)loss);
    }
    if (net->output != MIDGE_ACT_SOFTMAX && net->output != MIDGE_ACT_SIGMOID) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "cross-entropy needs a softmax or sigmoid output");
    }
    return MIDGE_OK;
}

size_t mdg_block_rows(size_t n_rows) {
    return n_rows < MDG_PASS_ROWS ? n_rows : MDG_PASS_ROWS;
}

/* A gradient is summed first within a block and then over the blocks: two short
 * chains of roundings instead of one that is as long as the data. */
double mdg_pass_mean_loss(mdg_pass *pass, midge_loss loss,
                          const midge_net_data *data, float *gradient) {
    const midge_net *net = pass->net;
    size_t n_in = midge_net_n_inputs(net);
    size_t n_out = midge_net_n_outputs(net);
    float scale = (float)(1.0 / (double)data->n_rows);
    double sum = 0;
    if (gradient) {
        memset(gradient, 0, net->n_weights * sizeof(float));
    }
    for (size_t at = 0; at < data->n_rows; at += MDG_PASS_ROWS) {
        size_t rows = mdg_block_rows(data->n_rows - at);
        const float *x = data->x + at * n_in;
        const float *t = data->t + at * n_out;
        mdg_pass_forward(pass, rows, x, NULL);
        sum = mdg_pass_loss(pass, loss, rows, t, sum);
        if (gradient) {
            mdg_pass_backward(pass, loss, rows, scale, x, t);
            MDG_KERNEL(net->kernels, axpy_f32)(net->n_weights, 1.0f,
                                               pass->gradient, gradient);
        }
    }
    return sum / (double)data->n_rows;
}

midge_status midge_net_loss(const midge_net *net, midge_loss loss,
                            const midge_net_data *data, double *value,
                            float *gradient) {
    if (!value) {
        return MIDGE_E_INVALID;
    }
    *value = 0;
    if (!net || !data || data->n_rows == 0 || !data->x || !data->t) {
        return MIDGE_E_INVALID;
    }
    MIDGE_TRY(mdg_loss_check(net, loss, NULL));
    mdg_pass pass;
    MIDGE_TRY(mdg_pass_init(&pass, net, mdg_block_rows(data->n_rows),
                            gradient != NULL, 0));
    *value = mdg_pass_mean_loss(&pass, loss, data, gradient);
    mdg_pass_deinit(&pass);
    return MIDGE_OK;
}
