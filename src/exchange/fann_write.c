/* fann_write.c: a network as FANN's .net file, floating or fixed point. Floats
 * that outputs depend on are written as the shortest decimals of the double
 * they are, so that FANN's double library gets the same weights as its float
 * library; settings as the shortest decimals of floats, which are nicer to
 * read. */
#include "exchange/fann_format.h"

#include "base/decimal.h"
#include "nn/net.h"

typedef struct writer {
    const midge_net *net;
    midge_buf *out;
    int is_fixed;
    double multiplier;
    int overflowed; /* a value that 32 bits do not hold */
} writer;

static void put(writer *w, const char *text) {
    (void)midge_buf_puts(w->out, text);
}

static void put_uint(writer *w, uint64_t value) {
    char digits[MDG_DECIMAL_MAX];
    (void)midge_buf_append(w->out, digits,
                           mdg_decimal_write_i64((int64_t)value, digits));
}

static void put_f32(writer *w, float value) {
    char digits[MDG_DECIMAL_MAX];
    (void)midge_buf_append(w->out, digits,
                           mdg_decimal_write_f32(value, digits));
}

/* To the nearest, halves up. */
static void put_fixed(writer *w, float value) {
    const double scaled = (double)value * w->multiplier + 0.5;
    if (!(scaled >= -2147483648.0 && scaled < 2147483648.0)) {
        w->overflowed = 1;
        return;
    }
    int64_t whole = (int64_t)scaled;
    whole -= (double)whole > scaled;
    put(w, whole < 0 ? "-" : "");
    put_uint(w, (uint64_t)(whole < 0 ? -whole : whole));
}

/* A weight or a steepness. */
static void put_number(writer *w, float value) {
    if (w->is_fixed) {
        put_fixed(w, value);
    } else {
        char digits[MDG_DECIMAL_MAX];
        (void)midge_buf_append(w->out, digits,
                               mdg_decimal_write_f64((double)value, digits));
    }
}

/* ---- The header. */
static void put_key(writer *w, const char *name) {
    put(w, name);
    put(w, "=");
}

static void put_keys(writer *w, const mdg_fann_header *header) {
    for (size_t i = 0; i < MDG_FANN_KEYS; i++) {
        const mdg_fann_key *key = &mdg_fann_keys[i];
        const char *from = (const char *)header + key->offset;
        put_key(w, key->name);
        if (key->kind == MDG_FANN_UINT) {
            put_uint(w, *(const uint32_t *)(const void *)from);
        } else if (key->kind == MDG_FANN_VALUE && w->is_fixed) {
            put_fixed(w, *(const float *)(const void *)from);
        } else {
            put_f32(w, *(const float *)(const void *)from);
        }
        put(w, "\n");
    }
}

static void put_lists(writer *w, const midge_fann_settings *settings) {
    const uint32_t n_activations = settings->cascade.n_activations;
    const uint32_t n_steepnesses = settings->cascade.n_steepnesses;
    put_key(w, "cascade_activation_functions_count");
    put_uint(w, n_activations);
    put(w, "\ncascade_activation_functions=");
    for (uint32_t i = 0; i < n_activations; i++) {
        put_uint(w, (uint64_t)settings->activations[i]);
        put(w, " ");
    }
    put(w, "\ncascade_activation_steepnesses_count=");
    put_uint(w, n_steepnesses);
    put(w, "\ncascade_activation_steepnesses=");
    for (uint32_t i = 0; i < n_steepnesses; i++) {
        if (w->is_fixed) {
            put_fixed(w, settings->steepnesses[i]);
        } else {
            put_f32(w, settings->steepnesses[i]);
        }
        put(w, " ");
    }
    put(w, "\n");
}

/* A layer's neurons without a bias: layer 0 is that of the inputs. */
static uint32_t size_of(const midge_net *net, uint32_t layer) {
    return layer == 0 ? mdg_net_inputs(net) : net->layers[layer - 1].n_out;
}

static void put_sizes(writer *w) {
    put_key(w, "layer_sizes");
    for (uint32_t l = 0; l <= w->net->n_layers; l++) {
        put_uint(w,
                 (uint64_t)size_of(w->net, l) + (l == 0 || !w->net->shortcut));
        put(w, " ");
    }
    put(w, "\n");
}

static void put_scaling(writer *w) {
    static const midge_scaling plain = {0.0f, 1.0f, -1.0f, 1.0f};
    const midge_net *net = w->net;
    const int included = net->inputs || net->outputs;
    put(w, included ? "scale_included=1\n" : "scale_included=0\n");
    for (size_t k = 0; included && k < MDG_FANN_SCALE_KEYS; k++) {
        const int is_input = k < MDG_FANN_SCALE_KEYS / 2;
        const midge_scaling *side = is_input ? net->inputs : net->outputs;
        const uint32_t count = size_of(net, is_input ? 0 : net->n_layers);
        put_key(w, mdg_fann_scale_keys[k].name);
        for (uint32_t i = 0; i < count; i++) {
            const char *from = (const char *)(side ? &side[i] : &plain) +
                               mdg_fann_scale_keys[k].offset;
            put_f32(w, *(const float *)(const void *)from);
            put(w, " ");
        }
        put(w, "\n");
    }
}

/* ---- Connections. ----------------------------------------------------------
 * Of a unit, in the order of the neurons they come from. FANN counts on that
 * when all are there. */
typedef struct cursor {
    const midge_net *net;
    const mdg_layer *layer;
    uint32_t unit;
    uint32_t bias_at; /* the bias comes before this input */
    size_t start;     /* the neuron that the first input is */
    uint32_t next;    /* 0 to n_in, the bias one of them */
} cursor;

static cursor connections_of(const midge_net *net, uint32_t layer,
                             uint32_t unit, size_t start) {
    const mdg_layer *of = &net->layers[layer];
    const cursor c = {.net = net,
                      .layer = of,
                      .unit = unit,
                      .bias_at = net->shortcut ? mdg_net_inputs(net) : of->n_in,
                      .start = net->shortcut ? 0 : start};
    return c;
}

/* 0 when there are no more; else where it comes from and which weight it is. */
static int next_connection(cursor *c, size_t *neuron, size_t *weight) {
    while (c->next <= c->layer->n_in) {
        const uint32_t i = c->next++;
        *neuron = c->start + i;
        *weight = i == c->bias_at
                      ? c->layer->b + c->unit
                      : c->layer->w +
                            (size_t)(i - (i > c->bias_at)) * c->layer->n_out +
                            c->unit;
        if (!c->net->mask || c->net->mask[*weight]) {
            return 1;
        }
    }
    return 0;
}

static void put_neuron(writer *w, uint32_t n_from, uint64_t activation,
                       float steepness) {
    put(w, "(");
    put_uint(w, n_from);
    put(w, ", ");
    put_uint(w, activation);
    put(w, ", ");
    put_number(w, steepness);
    put(w, ") ");
}

static uint32_t count_connections(const midge_net *net, uint32_t layer,
                                  uint32_t unit) {
    cursor c = connections_of(net, layer, unit, 0);
    size_t neuron, weight;
    uint32_t count = 0;
    while (next_connection(&c, &neuron, &weight)) {
        count++;
    }
    return count;
}

static void put_neurons(writer *w) {
    const midge_net *net = w->net;
    put_key(w,
            "neurons (num_inputs, activation_function, activation_steepness)");
    for (uint32_t i = 0; i <= mdg_net_inputs(net); i++) {
        put_neuron(w, 0, 0, 0.0f);
    }
    for (uint32_t l = 0; l < net->n_layers; l++) {
        const mdg_layer *layer = &net->layers[l];
        const mdg_units *units = &net->units[layer->units];
        for (uint32_t r = 0; r < layer->n_units; r++) {
            for (uint32_t i = 0; i < units[r].count; i++) {
                put_neuron(w, count_connections(net, l, units[r].first + i),
                           (uint64_t)units[r].activation, units[r].steepness);
            }
        }
        if (!net->shortcut) {
            put_neuron(w, 0, 0, 0.0f);
        }
    }
    put(w, "\n");
}

static void put_connections(writer *w) {
    const midge_net *net = w->net;
    size_t start = 0;
    put_key(w, "connections (connected_to_neuron, weight)");
    for (uint32_t l = 0; l < net->n_layers; l++) {
        for (uint32_t j = 0; j < net->layers[l].n_out; j++) {
            cursor c = connections_of(net, l, j, start);
            size_t neuron, weight;
            while (next_connection(&c, &neuron, &weight)) {
                put(w, "(");
                put_uint(w, neuron);
                put(w, ", ");
                put_number(w, net->weights[weight]);
                put(w, ") ");
            }
        }
        start += (size_t)size_of(net, l) + 1;
    }
    put(w, "\n");
}

/* ---- All of it. */

/* Of the connections that are no bias; below 1 when one is missing, which is
 * what makes FANN look at the numbers of the neurons. */
static float connection_rate(const midge_net *net) {
    size_t possible = 0;
    size_t there = 0;
    for (uint32_t l = 0; net->mask && l < net->n_layers; l++) {
        const mdg_layer *layer = &net->layers[l];
        const size_t count = (size_t)layer->n_in * layer->n_out;
        possible += count;
        for (size_t i = 0; i < count; i++) {
            there += net->mask[layer->w + i];
        }
    }
    const float rate = (float)((double)there / (double)possible);
    return there == possible ? 1.0f : rate < 0.999999f ? rate : 0.999999f;
}

/* A unit that reads nothing would be a bias to FANN. */
static midge_status check_connections(const midge_net *net, midge_error *err) {
    for (uint32_t l = 0; net->mask && l < net->n_layers; l++) {
        for (uint32_t j = 0; j < net->layers[l].n_out; j++) {
            if (count_connections(net, l, j) == 0) {
                return midge_fail(err, MIDGE_E_UNSUPPORTED,
                                  "layer %u: unit %u has no connections, nor "
                                  "a bias",
                                  l, j);
            }
        }
    }
    return MIDGE_OK;
}

static midge_status check_activations(const midge_net *net, int is_fixed,
                                      midge_error *err) {
    for (uint32_t l = 0; l < net->n_layers; l++) {
        const mdg_layer *layer = &net->layers[l];
        for (uint32_t r = 0; r < layer->n_units; r++) {
            const midge_activation activation =
                net->units[layer->units + r].activation;
            if (!mdg_fann_has(activation, is_fixed)) {
                return midge_fail(err, MIDGE_E_UNSUPPORTED,
                                  "layer %u: FANN%s has no activation %s", l,
                                  is_fixed ? " in fixed point" : "",
                                  midge_activation_name(activation));
            }
        }
    }
    return MIDGE_OK;
}

static midge_status make_header(const midge_net *net,
                                const midge_fann_settings *settings,
                                mdg_fann_header *header, midge_error *err) {
    midge_fann_settings defaults;
    if (!settings) {
        midge_fann_settings_init(&defaults);
        settings = &defaults;
    }
    MIDGE_TRY(mdg_fann_header_from_settings(settings, header, err));
    header->network_type = net->shortcut != 0;
    header->connection_rate = connection_rate(net);
    return MIDGE_OK;
}

static midge_status write_file(writer *w, uint32_t decimal_point,
                               const midge_fann_settings *settings,
                               midge_error *err) {
    mdg_fann_header header;
    MIDGE_TRY(check_activations(w->net, w->is_fixed, err));
    MIDGE_TRY(check_connections(w->net, err));
    MIDGE_TRY(make_header(w->net, settings, &header, err));
    put(w, w->is_fixed ? "FANN_FIX_2.0\ndecimal_point=" : "FANN_FLO_2.1\n");
    if (w->is_fixed) {
        put_uint(w, decimal_point);
        put(w, "\n");
    }
    put_key(w, "num_layers");
    put_uint(w, (uint64_t)w->net->n_layers + 1);
    put(w, "\n");
    put_keys(w, &header);
    put_lists(w, &header.settings);
    put_sizes(w);
    if (!w->is_fixed) {
        put_scaling(w);
    }
    put_neurons(w);
    put_connections(w);
    if (w->overflowed) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "a weight or setting is too large for 32 bits with "
                          "%u behind the point",
                          decimal_point);
    }
    if (w->out->status != MIDGE_OK) {
        return midge_fail(err, w->out->status, "the FANN file: %s",
                          midge_status_text(w->out->status));
    }
    return MIDGE_OK;
}

midge_status midge_net_write_fann(const midge_net *net,
                                  const midge_fann_settings *settings,
                                  midge_buf *out, midge_error *err) {
    if (!net || !out) {
        return midge_fail(err, MIDGE_E_INVALID, "net or out missing");
    }
    writer w = {.net = net, .out = out};
    return write_file(&w, 0, settings, err);
}

/* Two fixed-point numbers are multiplied in 32 bits: half of what the largest
 * possible sum, a sign and the stepwise curves' minus leave. FANN adds in
 * floats, in this order. */
static uint32_t largest_decimal_point(const midge_net *net) {
    float most = 0.0f;
    for (uint32_t l = 0; l < net->n_layers; l++) {
        for (uint32_t j = 0; j < net->layers[l].n_out; j++) {
            cursor c = connections_of(net, l, j, 0);
            size_t neuron, weight;
            float sum = 0.0f;
            while (next_connection(&c, &neuron, &weight)) {
                const float value = net->weights[weight];
                sum += value > 0.0f ? value : -value;
            }
            most = sum > most ? sum : most;
        }
    }
    uint32_t bits = 0;
    for (; most >= 1.0f && bits < 30; bits++) {
        most /= 2.0f;
    }
    return (30 - bits) / 2;
}

midge_status midge_net_write_fann_fixed(const midge_net *net,
                                        const midge_fann_settings *settings,
                                        uint32_t *decimal_point, midge_buf *out,
                                        midge_error *err) {
    if (!net || !out) {
        return midge_fail(err, MIDGE_E_INVALID, "net or out missing");
    }
    uint32_t point = decimal_point ? *decimal_point : 0;
    if (point > MDG_FANN_DECIMAL_POINT_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a decimal point of %u bits, more than %d", point,
                          MDG_FANN_DECIMAL_POINT_MAX);
    }
    if (point == 0) {
        point = largest_decimal_point(net);
    }
    writer w = {.net = net,
                .out = out,
                .is_fixed = 1,
                .multiplier = (double)(1u << point)};
    MIDGE_TRY(write_file(&w, point, settings, err));
    if (decimal_point) {
        *decimal_point = point;
    }
    return MIDGE_OK;
}
