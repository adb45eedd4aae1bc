/* fann_read.c: a FANN file as a network. Weights become a dense matrix with a
 * mask, since that is what a network is here; a file of few connections between
 * wide layers therefore needs memory as its layers are wide, up to
 * MIDGE_NET_WEIGHTS_MAX weights. */
#include "exchange/fann_format.h"

#include "base/alloc.h"
#include "nn/net.h"

typedef struct builder {
    mdg_fann_file *file;
    mdg_fann_map map;
    double multiplier;
    midge_net *net;
    uint8_t *mask; /* of all weights */
    midge_error *err;
} builder;

/* Each unit by itself; those that are alike are joined in the network. */
static void list_units(const mdg_fann_file *f, const mdg_fann_map *map,
                       double multiplier, mdg_units *units) {
    const mdg_fann_neuron *n = f->neurons + f->sizes[0];
    for (uint32_t l = 1; l < f->n_layers; l++) {
        const uint32_t count = map->first[l + 1] - map->first[l];
        for (uint32_t j = 0; j < count; j++) {
            *units++ = (mdg_units){j, 1, (midge_activation)n[j].activation,
                                   (float)(n[j].steepness / multiplier)};
        }
        n += f->sizes[l];
    }
}

static midge_status make_net(builder *b, const midge_env *env) {
    mdg_fann_file *f = b->file;
    const uint32_t *first = b->map.first;
    const uint32_t n_units = first[f->n_layers] - first[1];
    mdg_units *units = midge_arena_alloc(&f->arena, n_units * sizeof *units);
    uint32_t *sizes = midge_arena_alloc(&f->arena, f->n_layers * sizeof *sizes);
    if (!units || !sizes) {
        return mdg_no_memory("a FANN network", b->err);
    }
    for (uint32_t l = 0; l < f->n_layers; l++) {
        sizes[l] = first[l + 1] - first[l];
    }
    list_units(f, &b->map, b->multiplier, units);
    const mdg_shape shape = {.n_layers = f->n_layers - 1,
                             .sizes = sizes,
                             .shortcut = b->map.shortcut,
                             .units = units,
                             .n_units = n_units};
    return mdg_net_make(env, &shape, MIDGE_E_PARSE, &b->net, b->err);
}

/* The weight that a connection is, as an index into all weights. */
static size_t weight_of(const builder *b, uint32_t layer, uint32_t unit,
                        uint32_t from) {
    const mdg_layer *to = &b->net->layers[layer];
    const uint32_t value = b->map.value[from];
    if (value == MDG_FANN_BIAS) {
        return to->b + unit;
    }
    const uint32_t start = b->net->shortcut ? 0 : b->map.first[layer];
    return to->w + (size_t)(value - start) * to->n_out + unit;
}

static midge_status fill(builder *b) {
    const mdg_fann_file *f = b->file;
    const mdg_fann_connection *c = f->connections;
    size_t neuron = f->sizes[0];
    for (uint32_t l = 0; l < b->net->n_layers; l++) {
        const mdg_layer *layer = &b->net->layers[l];
        for (uint32_t j = 0; j < layer->n_out; j++) {
            for (uint32_t i = f->neurons[neuron + j].n_from; i > 0; i--, c++) {
                const size_t at = weight_of(b, l, j, c->from);
                if (b->mask[at]) {
                    return midge_fail(b->err, MIDGE_E_UNSUPPORTED,
                                      "neuron %zu reads neuron %u, or a bias, "
                                      "twice",
                                      neuron + j, c->from);
                }
                b->mask[at] = 1;
                b->net->weights[at] = (float)(c->weight / b->multiplier);
            }
        }
        neuron += f->sizes[l + 1];
    }
    return mdg_net_set_mask(b->net, b->mask) == MIDGE_OK
               ? MIDGE_OK
               : mdg_no_memory("a FANN network", b->err);
}

/* What leaves every value as it is, C FANN writes for a side without scaling.
 */
static const midge_scaling *unless_plain(const midge_scaling *scaling,
                                         uint32_t count) {
    for (uint32_t i = 0; scaling && i < count; i++) {
        const midge_scaling *s = &scaling[i];
        if (s->mean != 0.0f || s->deviation != 1.0f || s->new_min != -1.0f ||
            s->factor != 1.0f) {
            return scaling;
        }
    }
    return NULL;
}

static midge_status set_scaling(builder *b) {
    const mdg_fann_file *f = b->file;
    midge_status status = midge_net_set_scaling(
        b->net, unless_plain(f->inputs, mdg_fann_n_inputs(f)),
        unless_plain(f->outputs, mdg_fann_n_outputs(f)));
    if (status == MIDGE_E_INVALID) {
        return midge_fail(b->err, MIDGE_E_UNSUPPORTED,
                          "a scaling with a deviation or factor of 0");
    }
    return status == MIDGE_OK ? MIDGE_OK
                              : mdg_no_memory("a FANN network", b->err);
}

static midge_status build(builder *b, const midge_env *env) {
    MIDGE_TRY(mdg_fann_map_make(b->file, &b->map, b->err));
    MIDGE_TRY(make_net(b, env));
    b->mask = mdg_alloc_zero(env, b->net->n_weights, 1);
    if (!b->mask) {
        return mdg_no_memory("a FANN network", b->err);
    }
    midge_status status = fill(b);
    mdg_release(env, b->mask, b->net->n_weights, 1);
    MIDGE_TRY(status);
    return set_scaling(b);
}

midge_status midge_net_read_fann(const midge_env *env, const void *bytes,
                                 size_t size, midge_net **out,
                                 midge_fann_settings *settings,
                                 midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    mdg_fann_file file;
    builder b = {.file = &file, .err = err};
    midge_status status = mdg_fann_parse(env, bytes, size, &file, err);
    if (status == MIDGE_OK) {
        b.multiplier = (double)(1u << file.decimal_point);
        status = build(&b, env);
    }
    if (status == MIDGE_OK && settings) {
        mdg_fann_header_to_settings(&file.header, settings);
    }
    mdg_fann_file_deinit(&file);
    if (status != MIDGE_OK) {
        midge_net_free(b.net);
        return status;
    }
    *out = b.net;
    return MIDGE_OK;
}
