/* fixed_net.c: a network in whole numbers, as FANN's fixed-point library runs
 * it on x86-64, integer by integer.
 *
 * A value or weight v is v 2^decimal_point. Products are 32 bits wide, cut off
 * and shifted; sums wrap around. Where the library relies on what its machine
 * does (a double too large for an int becomes INT32_MIN) so does this, by
 * saying it: with a decimal point of 15, which FANN chooses for small weights,
 * the outermost points of its curves overflow.
 *
 * As there: linear units have no steepness, the sigmoids are always stepwise.
 */
#include "midge/nn_quant.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "exchange/fann_format.h"

#define POINTS 6 /* of a stepwise curve */

/* A curve through six points, at sums x; below the first it is min, above the
 * last max. */
typedef struct curve {
    int32_t x[POINTS]; /* times the multiplier once more */
    int32_t y[POINTS];
    int32_t min, max;
} curve;

typedef struct unit {
    uint32_t neuron;
    uint32_t n_from;
    midge_activation activation;
    int32_t x[POINTS]; /* of its curve, divided by its steepness */
} unit;

typedef struct source {
    int32_t weight;
    uint32_t neuron;
} source;

struct midge_net_fixed {
    const midge_env *env;
    uint32_t decimal_point;
    uint32_t n_inputs, n_outputs;
    uint32_t n_neurons; /* biases included */
    uint32_t n_units;
    size_t n_sources;
    curve sigmoid, symmetric;
    unit *units;
    source *sources; /* of all units, in their order */
    uint32_t *biases;
    uint32_t n_biases;
};

static int32_t to_int(double value) {
    return value > -2147483649.0 && value < 2147483648.0 ? (int32_t)value
                                                         : INT32_MIN;
}

static int32_t wrap(uint32_t value) {
    return (int32_t)value;
}

/* ---- Curves. FANN makes them in this mixture of floats and doubles. */
static void make_sigmoid(curve *c, uint32_t multiplier) {
    static const double share[POINTS / 2] = {200.0, 20.0, 4.0};
    const float one = (float)multiplier;
    const int32_t most = (int32_t)multiplier - 1;
    for (int i = 0; i < POINTS / 2; i++) {
        const int32_t low = to_int((double)multiplier / share[i] + 0.5);
        const int32_t high = (int32_t)multiplier - low;
        c->y[i] = low > 1 ? low : 1;
        c->y[POINTS - 1 - i] = high < most ? high : most;
    }
    for (int i = 0; i < POINTS; i++) {
        const double odds = mdg_log_f64((double)(one / (float)c->y[i] - 1.0f));
        c->x[i] = to_int(odds * (double)one / -2.0 * (double)one);
    }
    c->min = 0;
    c->max = (int32_t)multiplier;
}

static void make_symmetric(curve *c, uint32_t multiplier) {
    static const double share[POINTS / 2] = {100.0, 10.0, 2.0};
    const float one = (float)multiplier;
    const int32_t most = (int32_t)multiplier - 1;
    for (int i = 0; i < POINTS / 2; i++) {
        const double part = (double)multiplier / share[i];
        const int32_t low = to_int(part - (double)multiplier - 0.5);
        const int32_t high =
            (int32_t)multiplier - to_int(part + (i == 0 ? 1.0 : 0.5));
        c->y[i] = low > -most ? low : -most;
        c->y[POINTS - 1 - i] = high < most ? high : most;
    }
    for (int i = 0; i < POINTS; i++) {
        const float y = (float)c->y[i];
        const double odds = mdg_log_f64((double)((one - y) / (y + one)));
        c->x[i] = to_int(odds * (double)one / -2.0 * (double)one);
    }
    c->min = -(int32_t)multiplier;
    c->max = (int32_t)multiplier;
}

static const curve *curve_of(const midge_net_fixed *net,
                             midge_activation activation) {
    switch (activation) {
    case MIDGE_ACT_SIGMOID:
    case MIDGE_ACT_SIGMOID_STEPWISE:
        return &net->sigmoid;
    case MIDGE_ACT_SIGMOID_SYMMETRIC:
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
        return &net->symmetric;
    default:
        return NULL;
    }
}

/* The straight line between points i and i + 1. The points are in order but for
 * those that overflowed; FANN asks for them in this order too. */
static int32_t follow(const curve *c, const int32_t *x, int32_t sum) {
    int i;
    if (sum < x[4]) {
        if (sum < x[2]) {
            if (sum < x[1] && sum < x[0]) {
                return c->min;
            }
            i = sum < x[1] ? 0 : 1;
        } else {
            i = sum < x[3] ? 2 : 3;
        }
    } else if (sum < x[5]) {
        i = 4;
    } else {
        return c->max;
    }
    const int32_t rise = wrap((uint32_t)c->y[i + 1] - (uint32_t)c->y[i]);
    const int32_t part =
        wrap((uint32_t)rise * ((uint32_t)sum - (uint32_t)x[i]));
    const int32_t run = wrap((uint32_t)x[i + 1] - (uint32_t)x[i]);
    return run == 0 ? c->y[i]
                    : wrap((uint32_t)(int32_t)((int64_t)part / run) +
                           (uint32_t)c->y[i]);
}

static int32_t activate(const midge_net_fixed *net, const unit *u,
                        int32_t sum) {
    const int32_t one = (int32_t)(1u << net->decimal_point);
    const curve *c = curve_of(net, u->activation);
    if (c) {
        return follow(c, u->x, sum);
    }
    switch (u->activation) {
    case MIDGE_ACT_THRESHOLD:
        return sum < 0 ? 0 : one;
    case MIDGE_ACT_THRESHOLD_SYMMETRIC:
        return sum < 0 ? -one : one;
    case MIDGE_ACT_LINEAR_PIECE:
        return sum < 0 ? 0 : sum > one ? one : sum;
    case MIDGE_ACT_LINEAR_PIECE_SYMMETRIC:
        return sum < -one ? -one : sum > one ? one : sum;
    default:
        return sum;
    }
}

/* ---- From a file. */
static midge_status take(midge_net_fixed *net, const mdg_fann_file *f,
                         const mdg_fann_map *map, midge_error *err) {
    net->n_inputs = mdg_fann_n_inputs(f);
    net->n_outputs = mdg_fann_n_outputs(f);
    net->n_neurons = (uint32_t)f->n_neurons;
    net->n_units = map->first[f->n_layers] - map->first[1];
    net->n_biases = net->n_neurons - net->n_inputs - net->n_units;
    net->n_sources = f->n_connections;
    net->units = mdg_alloc(net->env, net->n_units, sizeof *net->units);
    net->sources = mdg_alloc(net->env, net->n_sources, sizeof *net->sources);
    net->biases = mdg_alloc(net->env, net->n_biases, sizeof *net->biases);
    return net->units && net->sources && net->biases
               ? MIDGE_OK
               : mdg_no_memory("a fixed-point network", err);
}

static midge_status fill_unit(midge_net_fixed *net, const mdg_fann_neuron *n,
                              uint32_t neuron, unit *u, midge_error *err) {
    u->neuron = neuron;
    u->n_from = n->n_from;
    u->activation = (midge_activation)n->activation;
    if (!mdg_fann_has(u->activation, 1)) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED,
                          "neuron %u: no %s in fixed point", neuron,
                          midge_activation_name(u->activation));
    }
    const curve *c = curve_of(net, u->activation);
    for (int i = 0; i < POINTS; i++) {
        u->x[i] = c ? c->x[i] / (int32_t)n->steepness : 0;
    }
    return MIDGE_OK;
}

static midge_status fill(midge_net_fixed *net, const mdg_fann_file *f,
                         const mdg_fann_map *map, midge_error *err) {
    uint32_t n_units = 0;
    uint32_t n_biases = 0;
    for (uint32_t i = 0; i < net->n_neurons; i++) {
        if (map->value[i] == MDG_FANN_BIAS) {
            net->biases[n_biases++] = i;
        } else if (map->value[i] >= net->n_inputs) {
            MIDGE_TRY(
                fill_unit(net, &f->neurons[i], i, &net->units[n_units++], err));
        }
    }
    for (size_t i = 0; i < net->n_sources; i++) {
        net->sources[i].weight = (int32_t)f->connections[i].weight;
        net->sources[i].neuron = f->connections[i].from;
    }
    return MIDGE_OK;
}

static midge_status build(const midge_env *env, mdg_fann_file *f,
                          midge_net_fixed **out, midge_error *err) {
    mdg_fann_map map;
    if (!f->is_fixed) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the FANN file is in floating point");
    }
    MIDGE_TRY(mdg_fann_map_make(f, &map, err));
    midge_net_fixed *net = mdg_alloc_zero(env, 1, sizeof *net);
    if (!net) {
        return mdg_no_memory("a fixed-point network", err);
    }
    net->env = env;
    net->decimal_point = f->decimal_point;
    make_sigmoid(&net->sigmoid, 1u << f->decimal_point);
    make_symmetric(&net->symmetric, 1u << f->decimal_point);
    midge_status status = take(net, f, &map, err);
    if (status == MIDGE_OK) {
        status = fill(net, f, &map, err);
    }
    if (status != MIDGE_OK) {
        midge_net_fixed_free(net);
        return status;
    }
    *out = net;
    return MIDGE_OK;
}

midge_status midge_net_fixed_read_fann(const midge_env *env, const void *bytes,
                                       size_t size, midge_net_fixed **out,
                                       midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    mdg_fann_file file;
    midge_status status = mdg_fann_parse(env, bytes, size, &file, err);
    if (status == MIDGE_OK) {
        status = build(env, &file, out, err);
    }
    mdg_fann_file_deinit(&file);
    return status;
}

void midge_net_fixed_free(midge_net_fixed *net) {
    if (!net) {
        return;
    }
    const midge_env *env = net->env;
    mdg_release(env, net->units, net->n_units, sizeof *net->units);
    mdg_release(env, net->sources, net->n_sources, sizeof *net->sources);
    mdg_release(env, net->biases, net->n_biases, sizeof *net->biases);
    mdg_release(env, net, 1, sizeof *net);
}

uint32_t midge_net_fixed_n_inputs(const midge_net_fixed *net) {
    return net ? net->n_inputs : 0;
}

uint32_t midge_net_fixed_n_outputs(const midge_net_fixed *net) {
    return net ? net->n_outputs : 0;
}

uint32_t midge_net_fixed_decimal_point(const midge_net_fixed *net) {
    return net ? net->decimal_point : 0;
}

size_t midge_net_fixed_workspace_bytes(const midge_net_fixed *net) {
    return net ? net->n_neurons * sizeof(int32_t) : 0;
}

midge_status midge_net_fixed_run(const midge_net_fixed *net, const int32_t *x,
                                 int32_t *y, void *workspace) {
    if (!net || !x || !y || !workspace) {
        return MIDGE_E_INVALID;
    }
    int32_t *value = workspace;
    memcpy(value, x, net->n_inputs * sizeof *value);
    for (uint32_t i = 0; i < net->n_biases; i++) {
        value[net->biases[i]] = (int32_t)(1u << net->decimal_point);
    }
    const source *from = net->sources;
    for (uint32_t i = 0; i < net->n_units; i++) {
        const unit *u = &net->units[i];
        uint32_t sum = 0;
        for (uint32_t c = u->n_from; c > 0; c--, from++) {
            const int32_t product =
                wrap((uint32_t)from->weight * (uint32_t)value[from->neuron]);
            sum += (uint32_t)(product >> net->decimal_point);
        }
        value[u->neuron] = activate(net, u, wrap(sum));
    }
    /* The outputs are the first neurons of the last layer. */
    memcpy(y, value + net->units[net->n_units - net->n_outputs].neuron,
           net->n_outputs * sizeof *y);
    return MIDGE_OK;
}
