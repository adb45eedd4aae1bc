/* c_write_net.c: a network as a C99 file of its own. Weights are the shortest
 * decimals that a compiler reads as the same floats; layers are loops, and only
 * the activations that the network has are there. The compiler's arithmetic and
 * libm's functions are not ours: outputs agree to rounding, not to the bit. */
#include "midge/nn_exchange.h"

#include <string.h>

#include "base/decimal.h"
#include "nn/net.h"

#define LINE_MAX  80
#define NAME_SIZE 64

typedef struct writer {
    const midge_net *net;
    const char *name;
    midge_buf *out;
    size_t column; /* in a list of numbers */
} writer;

static void put(writer *w, const char *text) {
    (void)midge_buf_puts(w->out, text);
}

/* Text in which '@' stands for the name. */
static void put_named(writer *w, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '@') {
            put(w, w->name);
        } else {
            (void)midge_buf_append(w->out, text, 1);
        }
    }
}

static void put_uint(writer *w, size_t value) {
    char digits[MDG_DECIMAL_MAX];
    (void)midge_buf_append(w->out, digits,
                           mdg_decimal_write_i64((int64_t)value, digits));
}

/* "0.5f", "1.0f", "1e+21f"; returns its length. */
static size_t spell_float(float value, char out[MDG_DECIMAL_MAX + 4]) {
    size_t size = mdg_decimal_write_f32(value, out);
    if (!memchr(out, '.', size) && !memchr(out, 'e', size)) {
        out[size++] = '.';
        out[size++] = '0';
    }
    out[size++] = 'f';
    out[size] = '\0';
    return size;
}

static void put_float(writer *w, float value) {
    char text[MDG_DECIMAL_MAX + 4];
    (void)midge_buf_append(w->out, text, spell_float(value, text));
}

/* One more number of a list, which is broken into lines. */
static void list_float(writer *w, float value) {
    char text[MDG_DECIMAL_MAX + 4];
    const size_t size = spell_float(value, text);
    if (w->column + size + 2 > LINE_MAX) {
        put(w, "\n");
        w->column = 0;
    }
    put(w, w->column == 0 ? "    " : " ");
    w->column += (w->column == 0 ? 4 : 1) + size + 1;
    (void)midge_buf_append(w->out, text, size);
    put(w, ",");
}

static void begin_list(writer *w, const char *declaration) {
    put_named(w, declaration);
    put(w, " = {\n");
    w->column = 0;
}

static void end_list(writer *w) {
    put(w, "\n};\n\n");
}

/* ---- Activations: what becomes of v. ------------------------------------- */

static const char *expression_of(midge_activation activation) {
    switch (activation) {
    case MIDGE_ACT_LINEAR:
        return "v";
    case MIDGE_ACT_THRESHOLD:
        return "v < 0.0f ? 0.0f : 1.0f";
    case MIDGE_ACT_THRESHOLD_SYMMETRIC:
        return "v < 0.0f ? -1.0f : 1.0f";
    case MIDGE_ACT_SIGMOID:
        return "1.0f / (1.0f + expf(-2.0f * v))";
    case MIDGE_ACT_SIGMOID_STEPWISE:
        return "on_steps(steps_of_sigmoid, v)";
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
        return "on_steps(steps_of_tanh, v)";
    case MIDGE_ACT_GAUSSIAN_STEPWISE:
        return "on_steps(steps_of_gaussian, v)";
    case MIDGE_ACT_SIGMOID_SYMMETRIC:
        return "tanhf(v)";
    case MIDGE_ACT_GAUSSIAN:
        return "expf(-(v * v))";
    case MIDGE_ACT_GAUSSIAN_SYMMETRIC:
        return "2.0f * expf(-(v * v)) - 1.0f";
    case MIDGE_ACT_ELLIOT:
        return "0.5f * (v / (1.0f + fabsf(v))) + 0.5f";
    case MIDGE_ACT_ELLIOT_SYMMETRIC:
        return "v / (1.0f + fabsf(v))";
    case MIDGE_ACT_LINEAR_PIECE:
        return "v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v";
    case MIDGE_ACT_LINEAR_PIECE_SYMMETRIC:
        return "v < -1.0f ? -1.0f : v > 1.0f ? 1.0f : v";
    case MIDGE_ACT_SIN_SYMMETRIC:
        return "sinf(v)";
    case MIDGE_ACT_COS_SYMMETRIC:
        return "cosf(v)";
    case MIDGE_ACT_SIN:
        return "0.5f * sinf(v) + 0.5f";
    case MIDGE_ACT_COS:
        return "0.5f * cosf(v) + 0.5f";
    case MIDGE_ACT_RELU:
        return "v > 0.0f ? v : 0.0f";
    case MIDGE_ACT_LEAKY_RELU:
        return "v > 0.0f ? v : 0.01f * v";
    case MIDGE_ACT_ELU:
        return "v > 0.0f ? v : expm1f(v)";
    case MIDGE_ACT_GELU: /* erfc keeps the digits of a negative v */
        return "0.5f * v * erfcf(-0.707106781f * v)";
    case MIDGE_ACT_SILU:
        return "v / (1.0f + expf(-v))";
    case MIDGE_ACT_SOFTPLUS:
        return "(v > 0.0f ? v : 0.0f) + log1pf(expf(-fabsf(v)))";
    case MIDGE_ACT_SOFTMAX:
        break;
    }
    return NULL;
}

static const char on_steps[] =
    "/* straight lines between six points: their v, their y, before, behind "
    "*/\n"
    "static float on_steps(const float *steps, float v) {\n"
    "    const float *at = steps;\n"
    "    const float *to = steps + 6;\n"
    "    int i = 0;\n"
    "    while (i < 6 && !(v < at[i])) {\n"
    "        i++;\n"
    "    }\n"
    "    if (i == 0 || i == 6) {\n"
    "        return i == 0 ? steps[12] : steps[13];\n"
    "    }\n"
    "    return (to[i] - to[i - 1]) * (v - at[i - 1]) / (at[i] - at[i - 1]) +\n"
    "           to[i - 1];\n"
    "}\n\n";

static const char softmax[] =
    "static void activate_softmax(int n, float steepness, float *z) {\n"
    "    float most = z[0];\n"
    "    float sum = 0.0f;\n"
    "    for (int i = 1; i < n; i++) {\n"
    "        most = z[i] > most ? z[i] : most;\n"
    "    }\n"
    "    for (int i = 0; i < n; i++) {\n"
    "        z[i] = expf(steepness * (z[i] - most));\n"
    "        sum += z[i];\n"
    "    }\n"
    "    for (int i = 0; i < n; i++) {\n"
    "        z[i] /= sum;\n"
    "    }\n"
    "}\n\n";

static void put_steps(writer *w, midge_activation activation) {
    const mdg_steps *s = mdg_activation_steps(activation);
    begin_list(w, activation == MIDGE_ACT_SIGMOID_STEPWISE
                      ? "static const float steps_of_sigmoid[14]"
                  : activation == MIDGE_ACT_GAUSSIAN_STEPWISE
                      ? "static const float steps_of_gaussian[14]"
                      : "static const float steps_of_tanh[14]");
    for (int i = 0; i < 6; i++) {
        list_float(w, s->v[i]);
    }
    for (int i = 0; i < 6; i++) {
        list_float(w, s->y[i]);
    }
    list_float(w, s->below);
    list_float(w, s->above);
    end_list(w);
}

static void put_activation(writer *w, midge_activation activation) {
    if (activation == MIDGE_ACT_SOFTMAX) {
        put(w, softmax);
        return;
    }
    if (mdg_activation_steps(activation)) {
        put_steps(w, activation);
    }
    put(w, "static void activate_");
    put(w, midge_activation_name(activation));
    put(w, "(int n, float steepness, float *z) {\n"
           "    for (int i = 0; i < n; i++) {\n"
           "        const float v = steepness * z[i];\n"
           "        z[i] = ");
    put(w, expression_of(activation));
    put(w, ";\n    }\n}\n\n");
}

/* Each one that the network has, once. Linear units of steepness 1 need none.
 */
static int is_plain(const mdg_units *u) {
    return u->activation == MIDGE_ACT_LINEAR && u->steepness == 1.0f;
}

static void put_activations(writer *w) {
    int is_used[MIDGE_ACT_COUNT] = {0};
    int has_steps = 0;
    for (uint32_t i = 0; i < w->net->n_units; i++) {
        const mdg_units *u = &w->net->units[i];
        is_used[u->activation] |= !is_plain(u);
        has_steps |= mdg_activation_steps(u->activation) != NULL;
    }
    if (has_steps) {
        put(w, on_steps);
    }
    for (int a = 0; a < MIDGE_ACT_COUNT; a++) {
        if (is_used[a]) {
            put_activation(w, (midge_activation)a);
        }
    }
}

/* ---- Scaling. ------------------------------------------------------------ */

static void put_scaling(writer *w, const char *declaration,
                        const midge_scaling *s, uint32_t count) {
    if (s) {
        begin_list(w, declaration);
        for (uint32_t i = 0; i < count; i++) {
            list_float(w, s[i].mean);
            list_float(w, s[i].deviation);
            list_float(w, s[i].new_min);
            list_float(w, s[i].factor);
        }
        end_list(w);
    }
}

static void put_scalings(writer *w) {
    const midge_net *net = w->net;
    if (net->inputs || net->outputs) {
        put(w, "/* mean, deviation, new_min and factor of each */\n");
    }
    put_scaling(w, "static const float @_input_scaling[]", net->inputs,
                mdg_net_inputs(net));
    put_scaling(w, "static const float @_output_scaling[]", net->outputs,
                mdg_net_last(net)->n_out);
    if (net->inputs) {
        put(w, "static void scale(const float *s, int n, float *x) {\n"
               "    for (int i = 0; i < n; i++, s += 4) {\n"
               "        x[i] = ((x[i] - s[0]) / s[1] + 1.0f) * s[3] + s[2];\n"
               "    }\n"
               "}\n\n");
    }
    if (net->outputs) {
        put(w, "static void unscale(const float *s, int n, float *y) {\n"
               "    for (int i = 0; i < n; i++, s += 4) {\n"
               "        y[i] = ((y[i] - s[2]) / s[3] - 1.0f) * s[1] + s[0];\n"
               "    }\n"
               "}\n\n");
    }
}

/* ---- Layers. ------------------------------------------------------------- */

static const char dense[] =
    "/* z = x W + b; W (n_in, n_out) by rows, then b */\n"
    "static void dense(const float *w, int n_in, int n_out, const float *x,\n"
    "                  float *z) {\n"
    "    const float *b = w + n_in * n_out;\n"
    "    for (int j = 0; j < n_out; j++) {\n"
    "        z[j] = b[j];\n"
    "    }\n"
    "    for (int i = 0; i < n_in; i++, w += n_out) {\n"
    "        for (int j = 0; j < n_out; j++) {\n"
    "            z[j] += x[i] * w[j];\n"
    "        }\n"
    "    }\n"
    "}\n\n";

/* Room for the widest layer, which layers use in turn two of; with shortcuts
 * all values lie side by side. */
static uint32_t widest(const midge_net *net) {
    uint32_t most = mdg_net_inputs(net);
    for (uint32_t l = 0; l < net->n_layers; l++) {
        most = net->layers[l].n_out > most ? net->layers[l].n_out : most;
    }
    return most;
}

/* Where what goes into a layer is, and what comes out of it. */
static size_t input_at(const midge_net *net, uint32_t layer) {
    return net->shortcut || layer % 2 == 0 ? 0 : widest(net);
}

static size_t output_at(const midge_net *net, uint32_t layer) {
    return net->shortcut    ? net->layers[layer].n_in
           : layer % 2 == 0 ? widest(net)
                            : 0;
}

static void put_layer(writer *w, uint32_t l) {
    const mdg_layer *layer = &w->net->layers[l];
    const mdg_units *units = &w->net->units[layer->units];
    const size_t to = output_at(w->net, l);
    put_named(w, "    dense(@_weights + ");
    put_uint(w, layer->w);
    put(w, ", ");
    put_uint(w, layer->n_in);
    put(w, ", ");
    put_uint(w, layer->n_out);
    put(w, ", v + ");
    put_uint(w, input_at(w->net, l));
    put(w, ", v + ");
    put_uint(w, to);
    put(w, ");\n");
    for (uint32_t i = 0; i < layer->n_units; i++) {
        if (is_plain(&units[i])) {
            continue;
        }
        put(w, "    activate_");
        put(w, midge_activation_name(units[i].activation));
        put(w, "(");
        put_uint(w, units[i].count);
        put(w, ", ");
        put_float(w, units[i].steepness);
        put(w, ", v + ");
        put_uint(w, to + units[i].first);
        put(w, ");\n");
    }
}

static void put_run(writer *w) {
    const midge_net *net = w->net;
    put_named(w, "void @_run(const float *x, float *y) {\n    float v[");
    put_uint(w,
             net->shortcut ? mdg_net_n_values(net) : 2 * (size_t)widest(net));
    put_named(w, "];\n    for (int i = 0; i < @_N_INPUTS; i++) {\n"
                 "        v[i] = x[i];\n    }\n");
    if (net->inputs) {
        put_named(w, "    scale(@_input_scaling, @_N_INPUTS, v);\n");
    }
    for (uint32_t l = 0; l < net->n_layers; l++) {
        put_layer(w, l);
    }
    put_named(w, "    for (int i = 0; i < @_N_OUTPUTS; i++) {\n"
                 "        y[i] = v[");
    put_uint(w, output_at(net, net->n_layers - 1));
    put(w, " + i];\n    }\n");
    if (net->outputs) {
        put_named(w, "    unscale(@_output_scaling, @_N_OUTPUTS, y);\n");
    }
    put(w, "}\n");
}

static void put_head(writer *w) {
    put_named(w, "/* @: a neural network, inputs: ");
    put_uint(w, mdg_net_inputs(w->net));
    put(w, ", outputs: ");
    put_uint(w, mdg_net_last(w->net)->n_out);
    put_named(w, ". Written by Midge.\n"
                 " * C99; needs <math.h> and nothing else. */\n"
                 "#include <math.h>\n\n#define @_N_INPUTS  ");
    put_uint(w, mdg_net_inputs(w->net));
    put_named(w, "\n#define @_N_OUTPUTS ");
    put_uint(w, mdg_net_last(w->net)->n_out);
    put_named(w, "\n\n/* One row; any number of threads at once. */\n"
                 "void @_run(const float *x, float *y);\n\n");
}

static int is_identifier(const char *name) {
    const size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        const char c = name[i];
        const int letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return 0;
        }
    }
    return size > 0 && size < NAME_SIZE;
}

midge_status midge_net_write_c(const midge_net *net, const char *name,
                               midge_buf *out, midge_error *err) {
    if (!net || !name || !out) {
        return midge_fail(err, MIDGE_E_INVALID, "net, name or out missing");
    }
    if (!is_identifier(name)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "\"%.*s\" is not a C identifier of at most %d "
                          "letters",
                          NAME_SIZE, name, NAME_SIZE - 1);
    }
    writer w = {.net = net, .name = name, .out = out};
    put_head(&w);
    begin_list(&w, "static const float @_weights[]");
    for (size_t i = 0; i < net->n_weights; i++) {
        list_float(&w, net->weights[i]);
    }
    end_list(&w);
    put_scalings(&w);
    put(&w, dense);
    put_activations(&w);
    put_run(&w);
    return out->status == MIDGE_OK
               ? MIDGE_OK
               : midge_fail(err, out->status, "the C file: %s",
                            midge_status_text(out->status));
}
