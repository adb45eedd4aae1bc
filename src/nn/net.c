/* net.c: making, copying and changing a network. The weights are one run (see
 * net.h); the shape is judged before any memory is asked for. */
#include "nn/net.h"
#include "base/alloc.h"

#include <string.h>

int mdg_activation_known(midge_activation a) {
    return (int)a >= 0 && (int)a < MIDGE_ACT_COUNT;
}

int mdg_steepness_good(float steepness) {
    return steepness > 0.0f && steepness - steepness == 0.0f;
}

/* ---- The judge. ---------------------------------------------------------- */

static midge_status check_sizes(const mdg_shape *s, midge_status bad,
                                midge_error *err) {
    if (s->n_layers < 1 || s->n_layers > MIDGE_NET_LAYERS_MAX) {
        return midge_fail(err, bad, "a network has 1 to %d layers, not %u",
                          MIDGE_NET_LAYERS_MAX, s->n_layers);
    }
    for (uint32_t i = 0; i <= s->n_layers; i++) {
        if (s->sizes[i] < 1 || s->sizes[i] > MIDGE_NET_UNITS_MAX) {
            return midge_fail(err, bad, "size %u is %u, not 1 to %d", i,
                              s->sizes[i], MIDGE_NET_UNITS_MAX);
        }
    }
    return MIDGE_OK;
}

static midge_status check_run(const mdg_shape *s, const mdg_units *u,
                              uint32_t layer, midge_status bad,
                              midge_error *err) {
    if (!mdg_activation_known(u->activation)) {
        return midge_fail(err, bad, "layer %u: unknown activation %d", layer,
                          (int)u->activation);
    }
    if (!mdg_steepness_good(u->steepness)) {
        return midge_fail(err, bad, "layer %u: a steepness is not above 0",
                          layer);
    }
    if (u->activation == MIDGE_ACT_SOFTMAX &&
        (layer + 1 < s->n_layers || u->count != s->sizes[layer + 1])) {
        return midge_fail(err, bad,
                          "softmax is for the whole output layer only");
    }
    return MIDGE_OK;
}

static int same_units(const mdg_units *a, const mdg_units *b) {
    return a->activation == b->activation && a->steepness == b->steepness;
}

/* The runs of units must cover each layer, from its first unit to its last. */
static midge_status check_units(const mdg_shape *s, midge_status bad,
                                midge_error *err) {
    uint32_t i = 0;
    for (uint32_t l = 0; l < s->n_layers; l++) {
        uint32_t covered = 0;
        while (covered < s->sizes[l + 1]) {
            if (i == s->n_units || s->units[i].first != covered ||
                s->units[i].count < 1 ||
                s->units[i].count > s->sizes[l + 1] - covered) {
                return midge_fail(
                    err, bad, "layer %u: activations do not fit its units", l);
            }
            MIDGE_TRY(check_run(s, &s->units[i], l, bad, err));
            covered += s->units[i].count;
            i++;
        }
    }
    return i == s->n_units
               ? MIDGE_OK
               : midge_fail(err, bad, "more activations than units");
}

/* Inputs of a layer: what the layer before has, or with shortcuts all before.
 */
static uint64_t inputs_of(const mdg_shape *s, uint32_t layer, uint64_t before) {
    return s->shortcut ? before + s->sizes[layer] : s->sizes[layer];
}

/* At most 2^16 more than the largest number allowed is added at a time, to at
 * most 2^16 rows of 2^28: cannot overflow. */
static midge_status count_weights(const mdg_shape *s, size_t *n_weights,
                                  midge_error *err) {
    uint64_t n_in = 0;
    uint64_t count = 0;
    for (uint32_t l = 0; l < s->n_layers; l++) {
        n_in = inputs_of(s, l, n_in);
        count += (n_in + 1) * s->sizes[l + 1];
        if (count > MIDGE_NET_WEIGHTS_MAX) {
            return midge_fail(err, MIDGE_E_LIMIT,
                              "more than %d weights in a network",
                              MIDGE_NET_WEIGHTS_MAX);
        }
    }
    *n_weights = (size_t)count;
    return MIDGE_OK;
}

/* ---- Memory. ------------------------------------------------------------- */

/* A network of these numbers, nothing in it set but that. */
static midge_status allocate(const midge_env *env, const midge_net *numbers,
                             midge_net **out) {
    midge_net *net = mdg_alloc_zero(env, 1, sizeof *net);
    if (!net) {
        return MIDGE_E_NOMEM;
    }
    net->env = env;
    net->kernels = mdg_kernels_select(env->cpu);
    net->n_layers = numbers->n_layers;
    net->n_units = numbers->n_units;
    net->n_weights = numbers->n_weights;
    net->shortcut = numbers->shortcut;
    net->layers = mdg_alloc(env, net->n_layers, sizeof *net->layers);
    net->units = mdg_alloc(env, net->n_units, sizeof *net->units);
    net->weights = mdg_alloc(env, net->n_weights, sizeof *net->weights);
    if (!net->layers || !net->units || !net->weights) {
        midge_net_free(net);
        return MIDGE_E_NOMEM;
    }
    *out = net;
    return MIDGE_OK;
}

void midge_net_free(midge_net *net) {
    if (!net) {
        return;
    }
    const midge_env *env = net->env;
    if (net->layers) { /* else the sizes below are not known, nor needed */
        uint32_t n_outputs = midge_net_n_outputs(net);
        mdg_release(env, net->inputs, mdg_net_inputs(net), sizeof *net->inputs);
        mdg_release(env, net->outputs, n_outputs, sizeof *net->outputs);
    }
    mdg_release(env, net->mask, net->n_weights, sizeof *net->mask);
    mdg_release(env, net->weights, net->n_weights, sizeof *net->weights);
    mdg_release(env, net->units, net->n_units, sizeof *net->units);
    mdg_release(env, net->layers, net->n_layers, sizeof *net->layers);
    mdg_release(env, net, 1, sizeof *net);
}

/* Appends the units to the runs of a layer that has `n` of them. */
static uint32_t append_units(mdg_units *runs, uint32_t n, mdg_units units) {
    if (n > 0 && same_units(&runs[n - 1], &units)) {
        runs[n - 1].count += units.count;
        return n;
    }
    runs[n] = units;
    return n + 1;
}

static void fill_layers(midge_net *net, const mdg_shape *s) {
    const mdg_units *u = s->units;
    uint64_t n_in = 0;
    size_t at = 0;
    uint32_t first = 0;
    for (uint32_t l = 0; l < s->n_layers; l++) {
        mdg_layer *layer = &net->layers[l];
        n_in = inputs_of(s, l, n_in);
        layer->n_in = (uint32_t)n_in;
        layer->n_out = s->sizes[l + 1];
        layer->w = at;
        layer->b = at + (size_t)layer->n_in * layer->n_out;
        at = layer->b + layer->n_out;
        layer->units = first;
        layer->n_units = 0;
        for (uint32_t covered = 0; covered < layer->n_out; u++) {
            layer->n_units =
                append_units(net->units + first, layer->n_units, *u);
            covered += u->count;
        }
        first += layer->n_units;
    }
}

midge_status mdg_net_judge(const mdg_shape *shape, midge_status bad,
                           size_t *n_weights, midge_error *err) {
    *n_weights = 0;
    MIDGE_TRY(check_sizes(shape, bad, err));
    MIDGE_TRY(count_weights(shape, n_weights, err));
    return check_units(shape, bad, err);
}

/* How many runs there are when neighbours differ. */
static uint32_t count_runs(const mdg_shape *s) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_units; i++) {
        n += s->units[i].first == 0 ||
             !same_units(&s->units[i], &s->units[i - 1]);
    }
    return n;
}

midge_status mdg_net_make(const midge_env *env, const mdg_shape *shape,
                          midge_status bad, midge_net **out, midge_error *err) {
    *out = NULL;
    midge_net numbers = {.n_layers = shape->n_layers,
                         .shortcut = shape->shortcut != 0};
    MIDGE_TRY(mdg_net_judge(shape, bad, &numbers.n_weights, err));
    numbers.n_units = count_runs(shape);
    midge_net *net;
    if (allocate(env, &numbers, &net) != MIDGE_OK) {
        return midge_fail(err, MIDGE_E_NOMEM, "no memory for %zu weights",
                          numbers.n_weights);
    }
    fill_layers(net, shape);
    memset(net->weights, 0, net->n_weights * sizeof *net->weights);
    *out = net;
    return MIDGE_OK;
}

/* ---- New networks. ------------------------------------------------------- */

static float steepness_or_default(float steepness, midge_activation a) {
    return steepness == 0.0f ? midge_activation_steepness(a) : steepness;
}

static mdg_units units_of(const midge_net_options *o, uint32_t layer) {
    int last = layer + 1 == o->n_layers;
    mdg_units u = {0, o->sizes[layer + 1], last ? o->output : o->hidden, 0};
    u.steepness = steepness_or_default(
        last ? o->output_steepness : o->hidden_steepness, u.activation);
    return u;
}

static midge_status make_from_options(const midge_env *env,
                                      const midge_net_options *o,
                                      midge_net **out, midge_error *err) {
    uint32_t n = o->n_layers;
    mdg_shape shape = {.n_layers = n,
                       .sizes = o->sizes,
                       .shortcut = o->shortcut,
                       .n_units = n};
    if (n < 1 || n > MIDGE_NET_LAYERS_MAX) { /* which is said there */
        return mdg_net_make(env, &shape, MIDGE_E_INVALID, out, err);
    }
    mdg_units *units = mdg_alloc(env, n, sizeof *units);
    if (!units) {
        return mdg_no_memory("a network", err);
    }
    for (uint32_t l = 0; l < n; l++) {
        units[l] = units_of(o, l);
    }
    shape.units = units;
    midge_status status = mdg_net_make(env, &shape, MIDGE_E_INVALID, out, err);
    mdg_release(env, units, n, sizeof *units);
    return status;
}

static midge_status check_options(const midge_env *env,
                                  const midge_net_options *o,
                                  midge_error *err) {
    if (!env || !env->realloc_fn || !o || !o->sizes) {
        return midge_fail(err, MIDGE_E_INVALID, "env or sizes missing");
    }
    if (!(o->connection_rate >= 0.0f && o->connection_rate <= 1.0f)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "connection_rate is not in [0, 1]");
    }
    if ((int)o->init < MIDGE_INIT_AUTO ||
        (int)o->init > MIDGE_INIT_NGUYEN_WIDROW) {
        return midge_fail(err, MIDGE_E_INVALID, "unknown init %d",
                          (int)o->init);
    }
    return MIDGE_OK;
}

midge_status midge_net_new(const midge_env *env,
                           const midge_net_options *options, midge_net **out,
                           midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    MIDGE_TRY(check_options(env, options, err));
    midge_net *net;
    MIDGE_TRY(make_from_options(env, options, &net, err));
    float rate = options->connection_rate;
    if (rate > 0.0f && rate < 1.0f &&
        mdg_net_draw_mask(net, rate, options->seed) != MIDGE_OK) {
        midge_net_free(net);
        return mdg_no_memory("the connections of a network", err);
    }
    mdg_net_draw_weights(net, options->init, 0.0f, options->seed);
    *out = net;
    return MIDGE_OK;
}

/* ---- Copies. ------------------------------------------------------------- */

/* A copy of `count` * `size` bytes into *to; NULL stays NULL. */
static midge_status duplicate(const midge_env *env, const void *from,
                              size_t count, size_t size, void **to) {
    *to = NULL;
    if (!from) {
        return MIDGE_OK;
    }
    *to = mdg_alloc(env, count, size);
    if (!*to) {
        return MIDGE_E_NOMEM;
    }
    memcpy(*to, from, count * size);
    return MIDGE_OK;
}

static midge_status copy_scaling(const midge_env *env,
                                 const midge_scaling *from, size_t count,
                                 midge_scaling **to) {
    void *copy;
    MIDGE_TRY(duplicate(env, from, count, sizeof *from, &copy));
    *to = copy;
    return MIDGE_OK;
}

midge_status midge_net_copy(const midge_net *net, midge_net **out) {
    if (!out) {
        return MIDGE_E_INVALID;
    }
    *out = NULL;
    if (!net) {
        return MIDGE_E_INVALID;
    }
    midge_net *copy;
    MIDGE_TRY(allocate(net->env, net, &copy));
    memcpy(copy->layers, net->layers, net->n_layers * sizeof *net->layers);
    memcpy(copy->units, net->units, net->n_units * sizeof *net->units);
    memcpy(copy->weights, net->weights, net->n_weights * sizeof(float));
    void *mask;
    midge_status status =
        duplicate(net->env, net->mask, net->n_weights, 1, &mask);
    copy->mask = mask;
    copy->fast = net->fast;
    if (status == MIDGE_OK) {
        status = midge_net_set_scaling(copy, net->inputs, net->outputs);
    }
    if (status != MIDGE_OK) {
        midge_net_free(copy);
        return status;
    }
    *out = copy;
    return MIDGE_OK;
}

/* ---- Looking. ------------------------------------------------------------ */

uint32_t midge_net_n_inputs(const midge_net *net) {
    return net ? mdg_net_inputs(net) : 0;
}

uint32_t midge_net_n_outputs(const midge_net *net) {
    return net ? mdg_net_last(net)->n_out : 0;
}

uint32_t midge_net_n_layers(const midge_net *net) {
    return net ? net->n_layers : 0;
}

int midge_net_has_shortcuts(const midge_net *net) {
    return net ? net->shortcut : 0;
}

size_t midge_net_n_weights(const midge_net *net) {
    return net ? net->n_weights : 0;
}

const float *midge_net_weights(const midge_net *net) {
    return net ? net->weights : NULL;
}

midge_status midge_net_layer(const midge_net *net, uint32_t layer,
                             midge_layer *out) {
    if (!out) {
        return MIDGE_E_INVALID;
    }
    memset(out, 0, sizeof *out);
    if (!net || layer >= net->n_layers) {
        return MIDGE_E_INVALID;
    }
    const mdg_layer *l = &net->layers[layer];
    const mdg_units *u = &net->units[l->units];
    *out = (midge_layer){l->n_in,        l->n_out, u->activation, u->steepness,
                         l->n_units > 1, l->w,     l->b};
    return MIDGE_OK;
}

midge_status midge_net_unit(const midge_net *net, uint32_t layer, uint32_t unit,
                            midge_activation *activation, float *steepness) {
    if (!activation || !steepness) {
        return MIDGE_E_INVALID;
    }
    *activation = MIDGE_ACT_LINEAR;
    *steepness = 0.0f;
    if (!net || layer >= net->n_layers || unit >= net->layers[layer].n_out) {
        return MIDGE_E_INVALID;
    }
    const mdg_units *u = &net->units[net->layers[layer].units];
    while (unit >= u->first + u->count) {
        u++;
    }
    *activation = u->activation;
    *steepness = u->steepness;
    return MIDGE_OK;
}

/* ---- Changing. ----------------------------------------------------------- */

/* x - x is 0 exactly for finite x, and the inner loop has no branch to stop it
 * from being vectorised; blocks, to end early on bad data. */
int mdg_all_finite(size_t n, const float *x) {
    for (size_t at = 0; at < n; at += 4096) {
        size_t end = n - at < 4096 ? n : at + 4096;
        unsigned bad = 0;
        for (size_t i = at; i < end; i++) {
            bad |= (unsigned)!(x[i] - x[i] == 0.0f);
        }
        if (bad) {
            return 0;
        }
    }
    return 1;
}

midge_status midge_net_set_weights(midge_net *net, const float *weights,
                                   size_t count) {
    if (!net || !weights) {
        return MIDGE_E_INVALID;
    }
    if (count != net->n_weights) {
        return MIDGE_E_MISMATCH;
    }
    if (!mdg_all_finite(count, weights)) {
        return MIDGE_E_INVALID;
    }
    memmove(net->weights, weights, count * sizeof(float));
    mdg_net_apply_mask(net, net->weights);
    return MIDGE_OK;
}

static midge_status check_change(const midge_net *net, uint32_t layer,
                                 uint32_t unit, midge_activation activation,
                                 midge_error *err) {
    if (!net || layer >= net->n_layers) {
        return midge_fail(err, MIDGE_E_INVALID, "no layer %u", layer);
    }
    uint32_t n_out = net->layers[layer].n_out;
    if (unit != MIDGE_NET_ALL_UNITS && unit >= n_out) {
        return midge_fail(err, MIDGE_E_INVALID, "layer %u has no unit %u",
                          layer, unit);
    }
    int whole = unit == MIDGE_NET_ALL_UNITS || n_out == 1;
    int output = layer + 1 == net->n_layers;
    int was_softmax =
        net->units[net->layers[layer].units].activation == MIDGE_ACT_SOFTMAX;
    if ((activation == MIDGE_ACT_SOFTMAX && !(whole && output)) ||
        (was_softmax && !whole)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "softmax is for the whole output layer only");
    }
    return MIDGE_OK;
}

/* The runs of `layer` with those units changed, into `runs`, which has room for
 * two more; returns how many. */
static uint32_t changed_runs(const midge_net *net, const mdg_layer *layer,
                             const mdg_units *change, mdg_units *runs) {
    uint32_t n = 0;
    uint32_t end = change->first + change->count;
    for (uint32_t i = 0; i < layer->n_units; i++) {
        mdg_units u = net->units[layer->units + i];
        uint32_t u_end = u.first + u.count;
        if (u.first < change->first) {
            mdg_units head = u;
            head.count =
                (u_end < change->first ? u_end : change->first) - u.first;
            n = append_units(runs, n, head);
        }
        if (change->first >= u.first && change->first < u_end) {
            n = append_units(runs, n, *change);
        }
        if (u_end > end) {
            mdg_units tail = u;
            tail.first = u.first > end ? u.first : end;
            tail.count = u_end - tail.first;
            n = append_units(runs, n, tail);
        }
    }
    return n;
}

static midge_status replace_units(midge_net *net, uint32_t layer,
                                  const mdg_units *change) {
    mdg_layer *l = &net->layers[layer];
    uint32_t room = l->n_units + 2;
    mdg_units *runs = mdg_alloc(net->env, room, sizeof *runs);
    if (!runs) {
        return MIDGE_E_NOMEM;
    }
    uint32_t n = changed_runs(net, l, change, runs);
    uint32_t total = net->n_units - l->n_units + n;
    mdg_units *all = mdg_alloc(net->env, total, sizeof *all);
    if (all) {
        uint32_t behind = l->units + l->n_units;
        memcpy(all, net->units, l->units * sizeof *all);
        memcpy(all + l->units, runs, n * sizeof *all);
        memcpy(all + l->units + n, net->units + behind,
               (net->n_units - behind) * sizeof *all);
        mdg_release(net->env, net->units, net->n_units, sizeof *all);
        for (uint32_t i = layer + 1; i < net->n_layers; i++) {
            net->layers[i].units += total - net->n_units; /* modulo 2^32 */
        }
        l->n_units = n;
        net->units = all;
        net->n_units = total;
    }
    mdg_release(net->env, runs, room, sizeof *runs);
    return all ? MIDGE_OK : MIDGE_E_NOMEM;
}

midge_status midge_net_set_activation(midge_net *net, uint32_t layer,
                                      uint32_t unit,
                                      midge_activation activation,
                                      float steepness, midge_error *err) {
    if (!mdg_activation_known(activation)) {
        return midge_fail(err, MIDGE_E_INVALID, "unknown activation %d",
                          (int)activation);
    }
    steepness = steepness_or_default(steepness, activation);
    if (!mdg_steepness_good(steepness)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "steepness is not above 0 and finite");
    }
    MIDGE_TRY(check_change(net, layer, unit, activation, err));
    mdg_units change = {unit, 1, activation, steepness};
    if (unit == MIDGE_NET_ALL_UNITS) {
        change.first = 0;
        change.count = net->layers[layer].n_out;
    }
    return replace_units(net, layer, &change) == MIDGE_OK
               ? MIDGE_OK
               : mdg_no_memory("activations", err);
}

midge_status midge_net_set_scaling(midge_net *net, const midge_scaling *inputs,
                                   const midge_scaling *outputs) {
    if (!net) {
        return MIDGE_E_INVALID;
    }
    size_t n_in = mdg_net_inputs(net);
    size_t n_out = mdg_net_last(net)->n_out;
    if ((inputs && !mdg_scaling_good(n_in, inputs)) ||
        (outputs && !mdg_scaling_good(n_out, outputs))) {
        return MIDGE_E_INVALID;
    }
    midge_scaling *new_inputs;
    midge_scaling *new_outputs;
    MIDGE_TRY(copy_scaling(net->env, inputs, n_in, &new_inputs));
    midge_status status = copy_scaling(net->env, outputs, n_out, &new_outputs);
    if (status != MIDGE_OK) {
        mdg_release(net->env, new_inputs, n_in, sizeof *inputs);
        return status;
    }
    mdg_release(net->env, net->inputs, n_in, sizeof *inputs);
    mdg_release(net->env, net->outputs, n_out, sizeof *outputs);
    net->inputs = new_inputs;
    net->outputs = new_outputs;
    return MIDGE_OK;
}

const midge_scaling *midge_net_input_scaling(const midge_net *net) {
    return net ? net->inputs : NULL;
}

const midge_scaling *midge_net_output_scaling(const midge_net *net) {
    return net ? net->outputs : NULL;
}

void midge_net_set_fast(midge_net *net, int fast) {
    if (net) {
        net->fast = fast != 0;
    }
}
