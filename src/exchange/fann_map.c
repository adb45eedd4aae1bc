/* fann_map.c: which neuron of a FANN file is what, and whether its connections
 * make a feed-forward network. */
#include "exchange/fann_format.h"

#include "base/alloc.h"

/* A layer, while its neurons are looked at. */
typedef struct place {
    const mdg_fann_file *file;
    const mdg_fann_map *map;
    uint32_t layer;
    size_t neuron;     /* the first of the layer */
    size_t before;     /* the first of the layer before */
    size_t connection; /* the first of the neuron */
} place;

static int has_bias(const mdg_fann_file *f, uint32_t layer) {
    return layer == 0 || f->header.network_type == 0;
}

static midge_status number_values(mdg_fann_file *f, mdg_fann_map *map,
                                  midge_error *err) {
    map->value =
        midge_arena_alloc(&f->arena, f->n_neurons * sizeof *map->value);
    map->first =
        midge_arena_alloc(&f->arena, (f->n_layers + 1) * sizeof *map->first);
    if (!map->value || !map->first) {
        return mdg_no_memory("a FANN network", err);
    }
    size_t neuron = 0;
    uint32_t value = 0;
    for (uint32_t l = 0; l < f->n_layers; l++) {
        map->first[l] = value;
        for (uint32_t i = has_bias(f, l) ? 1 : 0; i < f->sizes[l]; i++) {
            map->value[neuron++] = value++;
        }
        if (has_bias(f, l)) {
            map->value[neuron++] = MDG_FANN_BIAS;
        }
    }
    map->first[f->n_layers] = value;
    return MIDGE_OK;
}

static midge_status check_unit(const mdg_fann_neuron *n, size_t i,
                               midge_error *err) {
    if (n->n_from == 0) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED,
                          "neuron %zu has no connections: FANN takes it for a "
                          "bias",
                          i);
    }
    if (n->activation >= MDG_FANN_ACTIVATIONS) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED,
                          "neuron %zu: FANN 2.2 has no activation %u", i,
                          n->activation);
    }
    if (!mdg_fann_has((midge_activation)n->activation, 0)) {
        return midge_fail(
            err, MIDGE_E_UNSUPPORTED, "neuron %zu: FANN cannot compute %s", i,
            midge_activation_name((midge_activation)n->activation));
    }
    if (!((float)n->steepness > 0.0f)) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED,
                          "neuron %zu: a steepness of %g, not above 0", i,
                          n->steepness);
    }
    return MIDGE_OK;
}

/* With a connection_rate of 1 or more C FANN does not look at the numbers of
 * the neurons: it takes them from the first on. */
static midge_status check_sources(const place *p, size_t i, int *shortcut,
                                  midge_error *err) {
    const mdg_fann_file *f = p->file;
    const size_t start = f->header.network_type == 1 ? 0 : p->before;
    for (uint32_t c = 0; c < f->neurons[i].n_from; c++) {
        const uint32_t from = f->connections[p->connection + c].from;
        if (from >= p->neuron) {
            return midge_fail(err, MIDGE_E_PARSE,
                              "neuron %zu reads neuron %u, which is in no "
                              "layer before it",
                              i, from);
        }
        if (f->header.connection_rate >= 1.0f && from != start + c) {
            return midge_fail(err, MIDGE_E_PARSE,
                              "neuron %zu: connection %u is from neuron %u, "
                              "which a connection_rate of 1 contradicts",
                              i, c, from);
        }
        *shortcut |= p->map->value[from] != MDG_FANN_BIAS && from < p->before;
    }
    return MIDGE_OK;
}

midge_status mdg_fann_map_make(mdg_fann_file *file, mdg_fann_map *map,
                               midge_error *err) {
    place p = {.file = file, .map = map};
    map->shortcut = file->header.network_type == 1;
    MIDGE_TRY(number_values(file, map, err));
    for (; p.layer < file->n_layers; p.layer++) {
        const size_t end = p.neuron + file->sizes[p.layer];
        for (size_t i = p.neuron; i < end; i++) {
            const mdg_fann_neuron *n = &file->neurons[i];
            const int is_unit = p.layer > 0 && map->value[i] != MDG_FANN_BIAS;
            if (!is_unit && n->n_from > 0) {
                return midge_fail(err, MIDGE_E_UNSUPPORTED,
                                  "neuron %zu is an input or a bias, and has "
                                  "connections",
                                  i);
            }
            if (is_unit) {
                MIDGE_TRY(check_unit(n, i, err));
                MIDGE_TRY(check_sources(&p, i, &map->shortcut, err));
                p.connection += n->n_from;
            }
        }
        p.before = p.neuron;
        p.neuron = end;
    }
    return MIDGE_OK;
}
