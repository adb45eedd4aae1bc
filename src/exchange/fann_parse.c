/* fann_parse.c: the text of a FANN file, taken apart. Counts are believed only
 * as far as the rest of the text could hold what they count, so that a forged
 * file cannot ask for more memory than a few times its own size: the arena sees
 * to that, and the map's and reader's share (fann_map.c, fann_read.c) is in it.
 */
#include "exchange/fann_format.h"

#include <string.h>

#include "base/alloc.h"
#include "exchange/text_scan.h"

/* The fewest bytes that each can stand in. */
#define LAYER_BYTES      2 /* "3 " */
#define SCALE_BYTES      2
#define NEURON_BYTES     7 /* "(0,0,0)" */
#define CONNECTION_BYTES 5 /* "(0,1)" */

typedef struct parser {
    mdg_scan scan;
    mdg_fann_file *file;
    double multiplier; /* 1 for floating point */
    int has_scaling;   /* the version knows of scaling */
} parser;

static midge_status fail_count(const mdg_scan *s, const char *what,
                               size_t count) {
    return mdg_scan_fail(s, midge_fail(s->err, MIDGE_E_PARSE,
                                       "the file is too short for %zu %s",
                                       count, what));
}

static midge_status take(parser *p, size_t count, size_t bytes, void **out) {
    *out = midge_arena_alloc(&p->file->arena, count * bytes);
    return *out ? MIDGE_OK : mdg_no_memory("a FANN network", p->scan.err);
}

static midge_status read_version(parser *p) {
    mdg_scan *s = &p->scan;
    static const char *const versions[] = {"FANN_FLO_2.1", "FANN_FLO_2.0",
                                           "FANN_FIX_2.1", "FANN_FIX_2.0"};
    for (int i = 0; i < 4; i++) {
        if (mdg_scan_is(s, versions[i])) {
            p->file->is_fixed = i >= 2;
            p->has_scaling = i < 2;
            return MIDGE_OK;
        }
    }
    if (mdg_scan_is(s, "FANN_FLO_") || mdg_scan_is(s, "FANN_FIX_")) {
        return mdg_scan_fail(s, midge_fail(s->err, MIDGE_E_VERSION,
                                           "a FANN file of another version "
                                           "than 2.0 and 2.1"));
    }
    return mdg_scan_fail(s, midge_fail(s->err, MIDGE_E_PARSE,
                                       "not a FANN network: it begins with "
                                       "neither FANN_FLO_2.1 nor "
                                       "FANN_FIX_2.1"));
}

/* A float that fixed-point files have times the multiplier. */
static midge_status read_value(parser *p, const char *what, float *out) {
    double value;
    MIDGE_TRY(mdg_scan_number(&p->scan, what, p->file->is_fixed, &value));
    *out = (float)(value / p->multiplier);
    return MIDGE_OK;
}

static midge_status read_key(parser *p, const mdg_fann_key *key) {
    char *to = (char *)&p->file->header + key->offset;
    MIDGE_TRY(mdg_scan_key(&p->scan, key->name));
    if (key->kind == MDG_FANN_UINT) {
        return mdg_scan_uint(&p->scan, key->name, key->max,
                             (uint32_t *)(void *)to);
    }
    if (key->kind == MDG_FANN_VALUE) {
        return read_value(p, key->name, (float *)(void *)to);
    }
    double value;
    MIDGE_TRY(mdg_scan_number(&p->scan, key->name, 0, &value));
    *(float *)(void *)to = (float)value;
    return MIDGE_OK;
}

/* The kinds and steepnesses of the cascade's candidates. */
static midge_status read_lists(parser *p) {
    mdg_scan *s = &p->scan;
    midge_fann_settings *settings = &p->file->header.settings;
    const char *name = "cascade_activation_functions_count";
    MIDGE_TRY(mdg_scan_key(s, name));
    MIDGE_TRY(mdg_scan_uint(s, name, MDG_FANN_ACTIVATIONS_MAX,
                            &settings->cascade.n_activations));
    MIDGE_TRY(mdg_scan_key(s, "cascade_activation_functions"));
    for (uint32_t i = 0; i < settings->cascade.n_activations; i++) {
        uint32_t activation;
        MIDGE_TRY(mdg_scan_uint(s, "cascade_activation_functions",
                                MDG_FANN_ACTIVATIONS - 1, &activation));
        settings->activations[i] = (midge_activation)activation;
    }
    name = "cascade_activation_steepnesses_count";
    MIDGE_TRY(mdg_scan_key(s, name));
    MIDGE_TRY(mdg_scan_uint(s, name, MDG_FANN_STEEPNESSES_MAX,
                            &settings->cascade.n_steepnesses));
    MIDGE_TRY(mdg_scan_key(s, "cascade_activation_steepnesses"));
    for (uint32_t i = 0; i < settings->cascade.n_steepnesses; i++) {
        MIDGE_TRY(read_value(p, "cascade_activation_steepnesses",
                             &settings->steepnesses[i]));
    }
    return MIDGE_OK;
}

static midge_status read_header(parser *p) {
    mdg_scan *s = &p->scan;
    mdg_fann_file *f = p->file;
    MIDGE_TRY(read_version(p));
    if (f->is_fixed) {
        MIDGE_TRY(mdg_scan_key(s, "decimal_point"));
        MIDGE_TRY(mdg_scan_uint(s, "decimal_point", MDG_FANN_DECIMAL_POINT_MAX,
                                &f->decimal_point));
        p->multiplier = (double)(1u << f->decimal_point);
    }
    MIDGE_TRY(mdg_scan_key(s, "num_layers"));
    MIDGE_TRY(mdg_scan_uint(s, "num_layers", UINT32_MAX, &f->n_layers));
    for (size_t i = 0; i < MDG_FANN_KEYS; i++) {
        MIDGE_TRY(read_key(p, &mdg_fann_keys[i]));
    }
    return read_lists(p);
}

/* A layer has one neuron at least besides its bias. */
static midge_status read_sizes(parser *p) {
    mdg_scan *s = &p->scan;
    mdg_fann_file *f = p->file;
    MIDGE_TRY(mdg_scan_key(s, "layer_sizes"));
    if (f->n_layers < 2) {
        return mdg_scan_fail(s, midge_fail(s->err, MIDGE_E_PARSE,
                                           "a network has 2 layers or more, "
                                           "not %u",
                                           f->n_layers));
    }
    if (f->n_layers > MIDGE_NET_LAYERS_MAX + 1) {
        return mdg_scan_fail(
            s, midge_fail(s->err, MIDGE_E_LIMIT, "%u layers, more than %d",
                          f->n_layers, MIDGE_NET_LAYERS_MAX + 1));
    }
    if (f->n_layers > mdg_scan_left(s) / LAYER_BYTES) {
        return fail_count(s, "layers", f->n_layers);
    }
    void *sizes;
    MIDGE_TRY(take(p, f->n_layers, sizeof *f->sizes, &sizes));
    f->sizes = sizes;
    for (uint32_t l = 0; l < f->n_layers; l++) {
        const uint32_t bias = l == 0 || f->header.network_type == 0;
        MIDGE_TRY(mdg_scan_uint(s, "layer_sizes", UINT32_MAX, &f->sizes[l]));
        if (f->sizes[l] < 1 + bias) {
            return mdg_scan_fail(s, midge_fail(s->err, MIDGE_E_PARSE,
                                               "layer_sizes: a layer of no "
                                               "neurons"));
        }
        if (f->sizes[l] - bias > MIDGE_NET_UNITS_MAX) {
            return mdg_scan_fail(s, midge_fail(s->err, MIDGE_E_LIMIT,
                                               "layer_sizes: %u neurons, more "
                                               "than %d",
                                               f->sizes[l] - bias,
                                               MIDGE_NET_UNITS_MAX));
        }
        f->n_neurons += f->sizes[l];
    }
    return MIDGE_OK;
}

static midge_status read_scale_side(parser *p, const mdg_fann_scale_key *keys,
                                    uint32_t count, midge_scaling **out) {
    mdg_scan *s = &p->scan;
    if (count > mdg_scan_left(s) / SCALE_BYTES) {
        return fail_count(s, "columns of scaling", count);
    }
    void *columns;
    MIDGE_TRY(take(p, count, sizeof **out, &columns));
    *out = columns;
    for (size_t k = 0; k < MDG_FANN_SCALE_KEYS / 2; k++) {
        MIDGE_TRY(mdg_scan_key(s, keys[k].name));
        for (uint32_t i = 0; i < count; i++) {
            double value;
            MIDGE_TRY(mdg_scan_number(s, keys[k].name, 0, &value));
            char *to = (char *)&(*out)[i] + keys[k].offset;
            *(float *)(void *)to = (float)value;
        }
    }
    return MIDGE_OK;
}

/* Files of version 2.0 may lack it. */
static midge_status read_scaling(parser *p) {
    mdg_fann_file *f = p->file;
    uint32_t included;
    if (!p->has_scaling || !mdg_scan_is(&p->scan, "scale_included=")) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_scan_uint(&p->scan, "scale_included", 1, &included));
    if (!included) {
        return MIDGE_OK;
    }
    MIDGE_TRY(read_scale_side(p, mdg_fann_scale_keys, mdg_fann_n_inputs(f),
                              &f->inputs));
    return read_scale_side(p, mdg_fann_scale_keys + MDG_FANN_SCALE_KEYS / 2,
                           mdg_fann_n_outputs(f), &f->outputs);
}

static midge_status read_neurons(parser *p) {
    mdg_scan *s = &p->scan;
    mdg_fann_file *f = p->file;
    MIDGE_TRY(mdg_scan_key(
        s, "neurons (num_inputs, activation_function, activation_steepness)"));
    if (f->n_neurons > mdg_scan_left(s) / NEURON_BYTES) {
        return fail_count(s, "neurons", f->n_neurons);
    }
    void *neurons;
    MIDGE_TRY(take(p, f->n_neurons, sizeof *f->neurons, &neurons));
    f->neurons = neurons;
    uint64_t n_connections = 0;
    for (size_t i = 0; i < f->n_neurons; i++) {
        mdg_fann_neuron *n = &f->neurons[i];
        MIDGE_TRY(mdg_scan_word(s, "("));
        MIDGE_TRY(mdg_scan_uint(s, "num_inputs", UINT32_MAX, &n->n_from));
        MIDGE_TRY(mdg_scan_word(s, ","));
        MIDGE_TRY(mdg_scan_uint(s, "activation_function", UINT32_MAX,
                                &n->activation));
        MIDGE_TRY(mdg_scan_word(s, ","));
        MIDGE_TRY(mdg_scan_number(s, "activation_steepness", f->is_fixed,
                                  &n->steepness));
        MIDGE_TRY(mdg_scan_word(s, ")"));
        n_connections += n->n_from;
    }
    if (n_connections > mdg_scan_left(s) / CONNECTION_BYTES) {
        return mdg_scan_fail(s, midge_fail(s->err, MIDGE_E_PARSE,
                                           "the file is too short for its "
                                           "connections"));
    }
    f->n_connections = (size_t)n_connections;
    return MIDGE_OK;
}

static midge_status read_connections(parser *p) {
    mdg_scan *s = &p->scan;
    mdg_fann_file *f = p->file;
    MIDGE_TRY(mdg_scan_key(s, "connections (connected_to_neuron, weight)"));
    void *connections;
    MIDGE_TRY(take(p, f->n_connections, sizeof *f->connections, &connections));
    f->connections = connections;
    const uint32_t last = (uint32_t)f->n_neurons - 1;
    for (size_t i = 0; i < f->n_connections; i++) {
        mdg_fann_connection *c = &f->connections[i];
        MIDGE_TRY(mdg_scan_word(s, "("));
        MIDGE_TRY(mdg_scan_uint(s, "connected_to_neuron", last, &c->from));
        MIDGE_TRY(mdg_scan_word(s, ","));
        MIDGE_TRY(mdg_scan_number(s, "weight", f->is_fixed, &c->weight));
        MIDGE_TRY(mdg_scan_word(s, ")"));
    }
    mdg_scan_space(s);
    if (mdg_scan_left(s) > 0) {
        return mdg_scan_fail(s, midge_fail(s->err, MIDGE_E_PARSE,
                                           "more text behind the last "
                                           "connection"));
    }
    return MIDGE_OK;
}

uint32_t mdg_fann_n_inputs(const mdg_fann_file *file) {
    return file->sizes[0] - 1;
}

uint32_t mdg_fann_n_outputs(const mdg_fann_file *file) {
    return file->sizes[file->n_layers - 1] - (file->header.network_type == 0);
}

midge_status mdg_fann_parse(const midge_env *env, const void *bytes,
                            size_t size, mdg_fann_file *file,
                            midge_error *err) {
    parser p = {.file = file, .multiplier = 1.0};
    memset(file, 0, sizeof *file);
    midge_arena_init(&file->arena, env,
                     size < SIZE_MAX / 16 ? 8 * size + 1024 : SIZE_MAX);
    midge_fann_settings_init(&file->header.settings);
    mdg_scan_init(&p.scan, bytes, size, err);
    MIDGE_TRY(read_header(&p));
    MIDGE_TRY(read_sizes(&p));
    MIDGE_TRY(read_scaling(&p));
    MIDGE_TRY(read_neurons(&p));
    return read_connections(&p);
}

void mdg_fann_file_deinit(mdg_fann_file *file) {
    midge_arena_deinit(&file->arena);
}
