/* learn_config.c: the space that agents search.
 *
 * The defaults come from trials on digits, penguins and cars: few rows want a
 * small network, weight decay and many passes; many rows of many inputs want
 * width, dropout and few passes.
 */
#include "ops/learn_config.h"

#include <string.h>

#include "base/fmath.h"

static const char *const family_names[] = {"net", "knn", "features", "ensemble",
                                           "int8"};
/* Of the hidden layers that are tried. */
static const midge_activation activations[] = {MIDGE_ACT_RELU, MIDGE_ACT_TANH,
                                               MIDGE_ACT_SIGMOID};

const char *mdg_family_name(midge_family family) {
    return (unsigned)family < 5 ? family_names[family] : "unknown";
}

const char *mdg_problem_name(midge_problem problem) {
    return problem == MIDGE_PROBLEM_CLASSIFY ? "classification" : "regression";
}

midge_status mdg_problem_read(const char *name, midge_problem *out,
                              midge_error *err) {
    for (int p = 0; p < 2; p++) {
        *out = p == 0 ? MIDGE_PROBLEM_CLASSIFY : MIDGE_PROBLEM_REGRESS;
        if (strcmp(name, mdg_problem_name(*out)) == 0) {
            return MIDGE_OK;
        }
    }
    return midge_fail(err, MIDGE_E_INVALID,
                      "problem must be classification or regression");
}

static int is_large(const mdg_shape *shape) {
    return shape->n_rows >= 2000 && shape->n_inputs >= 64;
}

/* Random features whose normal equations take a bearable time. */
static uint32_t bearable_features(const mdg_shape *shape, uint32_t most) {
    double n = mdg_sqrt_f64(2e11 / (double)shape->n_rows);
    return n < (double)most ? (uint32_t)(n < 16.0 ? 16.0 : n) : most;
}

int mdg_config_knn_is_bearable(const mdg_shape *shape) {
    double rows = (double)shape->n_rows;
    return rows * rows * (double)shape->n_inputs <= 2e12;
}

static float clamp(float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
}

static uint32_t clamp_u32(double x, uint32_t low, uint32_t high) {
    return x < low ? low : x > high ? high : (uint32_t)x;
}

/* Passes over the rows that make about `steps` batches. */
static uint32_t epochs_for(const mdg_shape *shape, uint32_t batch,
                           double steps) {
    return clamp_u32(steps * batch / (double)shape->n_rows, 8, 400);
}

mdg_config mdg_config_net(const mdg_shape *shape) {
    mdg_config c;
    memset(&c, 0, sizeof c);
    c.family = MIDGE_FAMILY_NET;
    c.n_hidden = 1;
    c.activation = MIDGE_ACT_RELU;
    if (is_large(shape)) {
        c.hidden[0] = 256;
        c.batch = 64;
        c.epochs = epochs_for(shape, c.batch, 3200);
        c.rate = 0.0015f;
        c.dropout = 0.3f;
        c.input_dropout = 0.1f;
        c.decay = 1e-5f;
    } else {
        c.hidden[0] = shape->n_rows < 2000 ? 48 : 96;
        c.batch = shape->n_rows < 2000 ? 16 : 64;
        c.epochs = epochs_for(shape, c.batch, 3000);
        c.rate = 0.003f;
        c.dropout = 0.05f;
        c.decay = 1e-4f;
    }
    return c;
}

mdg_config mdg_config_knn(void) {
    mdg_config c;
    memset(&c, 0, sizeof c);
    c.family = MIDGE_FAMILY_KNN;
    c.k = 5;
    c.weighted = 1;
    return c;
}

mdg_config mdg_config_features(const mdg_shape *shape) {
    mdg_config c;
    memset(&c, 0, sizeof c);
    c.family = MIDGE_FAMILY_FEATURES;
    c.n_features = bearable_features(
        shape,
        is_large(shape) ? 2048 : clamp_u32((double)shape->n_rows, 128, 1024));
    c.gamma = 1.0f;
    c.lambda = is_large(shape) ? 1e-5f : 1e-3f;
    return c;
}

/* ---- Small steps --------------------------------------------------------- */

/* Up or down by `factor`. */
static float scaled(float x, float factor, mdg_rng *rng) {
    return mdg_rng_below(rng, 2) ? x * factor : x / factor;
}

static void step_net(mdg_config *c, mdg_rng *rng) {
    uint32_t layer = mdg_rng_below(rng, c->n_hidden);
    switch (mdg_rng_below(rng, 5)) {
    case 0:
        c->hidden[layer] = clamp_u32(
            (double)scaled((float)c->hidden[layer], 1.25f, rng), 8, 512);
        break;
    case 1:
        c->rate = clamp(scaled(c->rate, 1.4f, rng), 1e-4f, 0.02f);
        break;
    case 2:
        c->dropout = clamp(
            c->dropout + (mdg_rng_below(rng, 2) ? 0.07f : -0.07f), 0.0f, 0.6f);
        break;
    case 3:
        c->input_dropout =
            clamp(c->input_dropout + (mdg_rng_below(rng, 2) ? 0.05f : -0.05f),
                  0.0f, 0.3f);
        break;
    default:
        c->decay = clamp(scaled(c->decay, 2.0f, rng), 1e-7f, 0.01f);
        break;
    }
}

static void step_knn(mdg_config *c, mdg_rng *rng) {
    switch (mdg_rng_below(rng, 3)) {
    case 0:
        c->cosine = !c->cosine;
        break;
    case 1:
        c->weighted = !c->weighted;
        break;
    default:
        c->k = mdg_rng_below(rng, 2) || c->k < 3 ? c->k + 2 : c->k - 2;
        break;
    }
}

static void step_features(mdg_config *c, mdg_rng *rng) {
    if (mdg_rng_below(rng, 2)) {
        c->gamma = clamp(scaled(c->gamma, 1.3f, rng), 0.01f, 100.0f);
    } else {
        c->lambda = clamp(scaled(c->lambda, 2.0f, rng), 1e-8f, 10.0f);
    }
}

mdg_config mdg_config_step(const mdg_config *config, const mdg_shape *shape,
                           mdg_rng *rng) {
    mdg_config c = *config;
    (void)shape;
    for (int i = 0; i < 2; i++) {
        switch (c.family) {
        case MIDGE_FAMILY_KNN:
            step_knn(&c, rng);
            break;
        case MIDGE_FAMILY_FEATURES:
            step_features(&c, rng);
            break;
        default:
            step_net(&c, rng);
            break;
        }
    }
    return c;
}

/* ---- Random draws -------------------------------------------------------- */

/* Log-uniform in [low, high]. */
static double draw_log(mdg_rng *rng, double low, double high) {
    double at = mdg_rng_double(rng);
    return mdg_exp_f64(mdg_log_f64(low) +
                       at * (mdg_log_f64(high) - mdg_log_f64(low)));
}

mdg_config mdg_config_draw(const mdg_shape *shape, mdg_rng *rng) {
    mdg_config c = mdg_config_net(shape);
    double widest = 1.6 * c.hidden[0];
    c.n_hidden = 1 + mdg_rng_below(rng, 2);
    for (uint32_t l = 0; l < c.n_hidden; l++) {
        c.hidden[l] = clamp_u32(draw_log(rng, widest / 3.0, widest), 4, 512);
    }
    c.activation = activations[mdg_rng_below(rng, 3)];
    /* Sigmoid units pass on a quarter of the gradient at most. */
    float faster = c.activation == MIDGE_ACT_SIGMOID ? 2.5f : 1.0f;
    c.rate = faster * (float)draw_log(rng, c.rate / 1.5, c.rate * 2.5);
    c.dropout = 0.4f * mdg_rng_float(rng);
    c.input_dropout = is_large(shape) ? 0.25f * mdg_rng_float(rng) : 0.0f;
    c.decay = (float)draw_log(rng, 1e-6, 1e-3);
    return c;
}

static double abs_difference(double a, double b, double range) {
    double d = a > b ? a - b : b - a;
    return d > range ? 1.0 : d / range;
}

static double log_difference(double a, double b, double range) {
    return abs_difference(mdg_log_f64(a), mdg_log_f64(b), mdg_log_f64(range));
}

/* Units of layer l; 1 where there is none, so that the logarithm is 0. */
static double units(const mdg_config *c, uint32_t l) {
    return l < c->n_hidden ? (double)c->hidden[l] : 1.0;
}

double mdg_config_distance(const mdg_config *a, const mdg_config *b) {
    if (a->family != MIDGE_FAMILY_NET || b->family != MIDGE_FAMILY_NET) {
        return 1.0;
    }
    double sum = log_difference(units(a, 0), units(b, 0), 6.0);
    sum += abs_difference(a->n_hidden, b->n_hidden, 1.0);
    sum += a->activation != b->activation ? 1.0 : 0.0;
    sum += log_difference((double)a->rate, (double)b->rate, 8.0);
    sum += abs_difference((double)a->dropout, (double)b->dropout, 0.4);
    sum += abs_difference((double)a->input_dropout, (double)b->input_dropout,
                          0.25);
    sum += log_difference((double)a->decay, (double)b->decay, 1000.0);
    return sum / 7.0;
}

/* ---- JSON ---------------------------------------------------------------- */

static void write_net(const mdg_config *c, midge_json_writer *w) {
    midge_json_key(w, "hidden");
    midge_json_begin_array(w);
    for (uint32_t l = 0; l < c->n_hidden; l++) {
        midge_json_int(w, c->hidden[l]);
    }
    midge_json_end_array(w);
    midge_json_key(w, "activation");
    midge_json_string(w, midge_activation_name(c->activation));
    midge_json_key(w, "epochs");
    midge_json_int(w, c->epochs);
    midge_json_key(w, "batch");
    midge_json_int(w, c->batch);
    midge_json_key(w, "rate");
    midge_json_float(w, c->rate);
    midge_json_key(w, "dropout");
    midge_json_float(w, c->dropout);
    midge_json_key(w, "input_dropout");
    midge_json_float(w, c->input_dropout);
    midge_json_key(w, "decay");
    midge_json_float(w, c->decay);
}

void mdg_config_write(const mdg_config *config, midge_json_writer *w) {
    midge_json_begin_object(w);
    switch (config->family) {
    case MIDGE_FAMILY_KNN:
        midge_json_key(w, "k");
        midge_json_int(w, config->k);
        midge_json_key(w, "cosine");
        midge_json_bool(w, config->cosine);
        midge_json_key(w, "weighted");
        midge_json_bool(w, config->weighted);
        break;
    case MIDGE_FAMILY_FEATURES:
        midge_json_key(w, "features");
        midge_json_int(w, config->n_features);
        midge_json_key(w, "gamma");
        midge_json_float(w, config->gamma);
        midge_json_key(w, "lambda");
        midge_json_float(w, config->lambda);
        break;
    default:
        write_net(config, w);
        break;
    }
    midge_json_end_object(w);
}

static float read_float(const midge_json *value, const char *key) {
    return (float)midge_json_get_double(value, key, 0.0);
}

static uint32_t read_u32(const midge_json *value, const char *key) {
    int64_t n = midge_json_get_int(value, key, 0);
    return n < 0 || n > 65536 ? 0 : (uint32_t)n;
}

static int read_net(const midge_json *value, mdg_config *c) {
    const midge_json *hidden = midge_json_get(value, "hidden");
    const char *name = midge_json_get_string(value, "activation", "");
    if (!hidden || hidden->type != MIDGE_JSON_ARRAY || hidden->count == 0 ||
        hidden->count > MDG_HIDDEN_MAX) {
        return 0;
    }
    for (const midge_json *n = hidden->child; n; n = n->next) {
        if (n->type != MIDGE_JSON_INT || n->integer < 1 || n->integer > 65536) {
            return 0;
        }
        c->hidden[c->n_hidden++] = (uint32_t)n->integer;
    }
    int known = 0;
    for (int a = 0; a < 3; a++) {
        if (midge_activation_find(name) == (int)activations[a]) {
            c->activation = activations[a];
            known = 1;
        }
    }
    c->epochs = read_u32(value, "epochs");
    c->batch = read_u32(value, "batch");
    c->rate = read_float(value, "rate");
    c->dropout = read_float(value, "dropout");
    c->input_dropout = read_float(value, "input_dropout");
    c->decay = read_float(value, "decay");
    return known && c->epochs > 0 && c->batch > 0;
}

midge_status mdg_config_read(const midge_json *value, const char *family,
                             mdg_config *out, midge_error *err) {
    int good = 0;
    memset(out, 0, sizeof *out);
    if (strcmp(family, "net") == 0) {
        out->family = MIDGE_FAMILY_NET;
        good = read_net(value, out);
    } else if (strcmp(family, "knn") == 0) {
        out->family = MIDGE_FAMILY_KNN;
        out->k = read_u32(value, "k");
        out->cosine = midge_json_get_bool(value, "cosine", 0);
        out->weighted = midge_json_get_bool(value, "weighted", 0);
        good = out->k > 0;
    } else if (strcmp(family, "features") == 0) {
        out->family = MIDGE_FAMILY_FEATURES;
        out->n_features = read_u32(value, "features");
        out->gamma = read_float(value, "gamma");
        out->lambda = read_float(value, "lambda");
        good = out->n_features > 0;
    }
    return good ? MIDGE_OK
                : midge_fail(err, MIDGE_E_INVALID,
                             "a configuration of family %s is not complete",
                             family);
}
