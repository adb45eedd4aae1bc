/* net_mask.c: which connections exist.
 *
 * A share of the connections of a layer is drawn so that every unit keeps one:
 * first the rows and columns of W are paired off in a random order, each at
 * least once; then the rest is a sample without replacement (Knuth's selection
 * sampling, TAOCP 3.4.2 S). With shortcuts the rows that must be paired are
 * those of the layer just before; a unit needs one way out, not one to each
 * later layer. */
#include "base/alloc.h"
#include "base/mdg_assert.h"
#include "nn/net.h"

#include <string.h>

enum { STREAM_CONNECTIONS = 0x636f6e6e }; /* away from those of the layers */

void mdg_net_apply_mask(const midge_net *net, float *run) {
    for (size_t i = 0; net->mask && i < net->n_weights; i++) {
        run[i] = net->mask[i] ? run[i] : 0.0f;
    }
}

const uint8_t *midge_net_mask(const midge_net *net) {
    return net ? net->mask : NULL;
}

size_t midge_net_n_connections(const midge_net *net) {
    size_t n = net ? net->n_weights : 0;
    if (!net || !net->mask) {
        return n;
    }
    n = 0;
    for (size_t i = 0; i < net->n_weights; i++) {
        n += net->mask[i] != 0;
    }
    return n;
}

/* Takes the mask; see mdg_net_set_mask. */
static void install(midge_net *net, uint8_t *mask) {
    mdg_release(net->env, net->mask, net->n_weights, 1);
    net->mask = mask;
    if (mask && midge_net_n_connections(net) == net->n_weights) {
        mdg_release(net->env, mask, net->n_weights, 1);
        net->mask = NULL;
    }
    mdg_net_apply_mask(net, net->weights);
}

midge_status mdg_net_set_mask(midge_net *net, const uint8_t *mask) {
    uint8_t *copy = NULL;
    if (mask) {
        copy = mdg_alloc(net->env, net->n_weights, 1);
        if (!copy) {
            return MIDGE_E_NOMEM;
        }
        for (size_t i = 0; i < net->n_weights; i++) {
            copy[i] = mask[i] != 0;
        }
    }
    install(net, copy);
    return MIDGE_OK;
}

static void shuffled(mdg_rng *rng, uint32_t *items, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        items[i] = i;
    }
    mdg_rng_shuffle(rng, items, count);
}

/* The mask of W of one layer, which is all 0 yet. `rows` and `columns` have
 * room for as many numbers as it has. */
static void draw_layer(const mdg_layer *l, uint32_t first_row, float rate,
                       mdg_rng *rng, uint32_t *rows, uint32_t *columns,
                       uint8_t *mask) {
    size_t n = (size_t)l->n_in * l->n_out;
    size_t wanted = (size_t)((double)rate * (double)n + 0.5);
    uint32_t n_rows = l->n_in - first_row;
    uint32_t pairs = n_rows > l->n_out ? n_rows : l->n_out;
    if (mdg_never(n_rows == 0 || l->n_out == 0)) { /* no layer is empty */
        return;
    }
    shuffled(rng, rows, n_rows);
    shuffled(rng, columns, l->n_out);
    for (uint32_t i = 0; i < pairs; i++) {
        size_t row = first_row + rows[i % n_rows];
        mask[row * l->n_out + columns[i % l->n_out]] = 1;
    }
    size_t missing = wanted > pairs ? wanted - pairs : 0;
    size_t left = n - pairs;
    for (size_t i = 0; i < n && missing > 0; i++) {
        if (!mask[i]) {
            if (mdg_rng_below(rng, (uint32_t)left) < missing) {
                mask[i] = 1;
                missing--;
            }
            left--;
        }
    }
}

midge_status mdg_net_draw_mask(midge_net *net, float rate, uint64_t seed) {
    size_t most = 0;
    for (uint32_t l = 0; l < net->n_layers; l++) {
        const mdg_layer *layer = &net->layers[l];
        most = layer->n_in > most ? layer->n_in : most;
        most = layer->n_out > most ? layer->n_out : most;
    }
    uint32_t *rows = mdg_alloc(net->env, 2 * most, sizeof *rows);
    uint8_t *mask = mdg_alloc_zero(net->env, net->n_weights, 1);
    if (!rows || !mask) {
        mdg_release(net->env, mask, net->n_weights, 1);
        mdg_release(net->env, rows, 2 * most, sizeof *rows);
        return MIDGE_E_NOMEM;
    }
    for (uint32_t l = 0; l < net->n_layers; l++) {
        const mdg_layer *layer = &net->layers[l];
        uint32_t before = l > 0 ? net->layers[l - 1].n_out : layer->n_in;
        mdg_rng rng;
        mdg_rng_seed(&rng, mdg_rng_mix(seed, STREAM_CONNECTIONS + l));
        draw_layer(layer, layer->n_in - before, rate, &rng, rows, rows + most,
                   mask + layer->w);
        memset(mask + layer->b, 1, layer->n_out);
    }
    mdg_release(net->env, rows, 2 * most, sizeof *rows);
    install(net, mask);
    return MIDGE_OK;
}
