/* cascade_output.c: the outputs of a cascade, trained alone: one layer, whose
 * inputs do not change. */
#include "nn/cascade.h"

#include <string.h>

/* y = f(weights values), for all rows. */
static void forward(mdg_cascade *c) {
    const mdg_layer *last = mdg_net_last(c->net);
    mdg_gemm g = {.m = c->n_out, .n = c->n_rows, .k = c->n_values};
    g.a = c->update.w;
    g.a_row = c->n_values;
    g.a_col = 1;
    g.b = c->values;
    g.ldb = c->stride;
    g.c = c->y;
    g.ldc = c->stride;
    MDG_KERNEL(c->kernels, gemm_f32)(&g);
    for (uint32_t i = 0; i < last->n_units; i++) {
        const mdg_units *u = &c->net->units[last->units + i];
        float *y = c->y + u->first * c->stride;
        if (mdg_activation_needs_sum(u->activation)) {
            memcpy(c->z + u->first * c->stride, y,
                   u->count * c->stride * sizeof(float));
        }
        mdg_activate(c->kernels, u->activation, u->steepness, u->count,
                     c->n_rows, c->stride, y);
    }
}

/* Without the loss, whose logarithms would take half of the time. */
static void count(mdg_cascade *c) {
    const mdg_layer *last = mdg_net_last(c->net);
    c->tally = (mdg_tally){0};
    for (uint32_t i = 0; i < last->n_units; i++) {
        const mdg_units *u = &c->net->units[last->units + i];
        for (size_t j = u->first; j < u->first + u->count; j++) {
            mdg_objective_errors(&c->objective, u, c->n_rows,
                                 c->y + j * c->stride,
                                 c->targets + j * c->stride, &c->tally);
        }
    }
}

static int reached(const mdg_cascade *c) {
    const midge_train_options *o = &c->o->train;
    const double mse =
        c->tally.squares / ((double)c->n_rows * (double)c->n_out);
    const double value =
        o->stop_at == MIDGE_STOP_AT_BITS ? (double)c->tally.bit_fail : mse;
    return o->stop_value >= 0.0f && value <= (double)o->stop_value;
}

/* The gradient of the sum of losses, and a step. */
static void step(mdg_cascade *c) {
    const mdg_layer *last = mdg_net_last(c->net);
    for (uint32_t i = 0; i < last->n_units; i++) {
        const mdg_units *u = &c->net->units[last->units + i];
        for (size_t j = u->first; j < u->first + u->count; j++) {
            const size_t at = j * c->stride;
            mdg_objective_slopes(&c->objective, u, 1.0f, c->n_rows, c->y + at,
                                 c->targets + at, c->slope + at);
            mdg_activate_back(c->kernels, u->activation, u->steepness,
                              c->objective.fann, 1, c->n_rows, c->stride,
                              c->y + at, c->z + at, c->slope + at);
            MDG_KERNEL(c->kernels, gemv_f32)(
                c->n_values, c->n_rows, c->values, c->stride, c->slope + at,
                c->update.gradient + j * c->n_values);
        }
    }
    const mdg_epoch_facts facts = {
        .n_rows = c->n_rows,
        .epoch = c->epoch,
        .mse = c->tally.squares / ((double)c->n_rows * (double)c->n_out),
        .noise = &c->noise,
    };
    mdg_rule_of(c->o->train.trainer)(&c->update, c->n_out * c->n_values,
                                     &facts);
    c->epoch++;
}

int mdg_stagnates(mdg_stagnation *s, double value, double fraction,
                  uint32_t patience, uint32_t epoch) {
    const double sign = s->target < 0.0 ? -1.0 : 1.0;
    if (sign * value > sign * s->target || sign * value < sign * s->backslide) {
        s->target = value * (1.0 + fraction);
        s->backslide = value * (1.0 - fraction);
        s->end = epoch + patience;
    }
    return epoch >= s->end;
}

/* `error` and the whole tally, of the last forward. */
static void judge(mdg_cascade *c) {
    const mdg_layer *last = mdg_net_last(c->net);
    c->tally = (mdg_tally){0};
    for (uint32_t i = 0; i < last->n_units; i++) {
        const mdg_units *u = &c->net->units[last->units + i];
        const float half = mdg_objective_half(&c->objective, u);
        for (size_t j = u->first; j < u->first + u->count; j++) {
            const float *y = c->y + j * c->stride;
            const float *t = c->targets + j * c->stride;
            float *error = c->error + j * c->stride;
            mdg_objective_tally(&c->objective, u, c->n_rows, y, t, &c->tally);
            MDG_KERNEL(c->kernels, sub_f32)(c->n_rows, t, y, error);
            MDG_KERNEL(c->kernels, scale_f32)(c->n_rows, half, error, error);
        }
    }
}

static midge_stop epochs(mdg_cascade *c) {
    const midge_cascade_options *o = c->o;
    mdg_stagnation s = {.backslide = -1e20, .end = o->max_out_epochs};
    double first = 0;
    for (uint32_t i = 0; i < o->max_out_epochs; i++) {
        const midge_stop halt = mdg_halt(&o->train, c->deadline_ms);
        if (halt != MIDGE_STOP_EPOCHS) {
            return halt;
        }
        forward(c);
        count(c);
        if (reached(c)) {
            return MIDGE_STOP_REACHED;
        }
        step(c);
        first = i == 0 ? c->tally.squares : first;
        if (i > 0 &&
            mdg_stagnates(&s, first - c->tally.squares,
                          (double)o->output_change_fraction,
                          o->output_stagnation_epochs, i) &&
            i >= o->min_out_epochs) {
            break;
        }
    }
    return MIDGE_STOP_EPOCHS;
}

midge_stop mdg_cascade_outputs(mdg_cascade *c) {
    mdg_rule_start(&c->update, c->n_out * c->n_values);
    const midge_stop stop = epochs(c);
    forward(c);
    judge(c);
    return stop == MIDGE_STOP_EPOCHS && reached(c) ? MIDGE_STOP_REACHED : stop;
}
