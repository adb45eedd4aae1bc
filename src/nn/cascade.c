/* cascade.c: networks that grow (Fahlman & Lebiere 1990; the two phases and
 * their rules as FANN's Cascade2): outputs, candidates, outputs, ... and each
 * best candidate as a new layer of one unit before the outputs. */
#include "nn/cascade.h"

#include "base/alloc.h"
#include "base/mdg_assert.h"

#include <string.h>

#define LINE 16 /* floats of a line of memory */

/* ---- Memory. */

static void *take_bytes(mdg_slab *slab, size_t count, size_t size) {
    return mdg_slab_take(slab, count,
                         (size + sizeof(float) - 1) / sizeof(float));
}

static void lay_out_update(mdg_update *u, size_t rows, size_t columns,
                           mdg_slab *slab) {
    u->w = mdg_slab_take(slab, rows, columns);
    u->gradient = mdg_slab_take(slab, rows, columns);
    u->a = mdg_slab_take(slab, rows, columns);
    u->b = mdg_slab_take(slab, rows, columns);
}

static void lay_out(mdg_cascade *c, mdg_slab *slab) {
    c->values = mdg_slab_take(slab, c->max_values, c->stride);
    c->targets = mdg_slab_take(slab, c->n_out, c->stride);
    c->y = mdg_slab_take(slab, c->n_out, c->stride);
    c->z = mdg_slab_take(slab, c->n_out, c->stride);
    c->slope = mdg_slab_take(slab, c->n_out, c->stride);
    c->error = mdg_slab_take(slab, c->n_out, c->stride);
    lay_out_update(&c->update, c->n_out, c->max_values, slab);
    lay_out_update(&c->candidates, c->n_candidates, c->max_values + c->n_out,
                   slab);
    c->f = mdg_slab_take(slab, c->n_candidates, c->chunk);
    c->sum = mdg_slab_take(slab, c->n_candidates, c->chunk);
    c->back = mdg_slab_take(slab, c->n_candidates, c->chunk);
    c->turned = mdg_slab_take(slab, c->n_candidates, c->chunk);
    c->side_by_side =
        mdg_slab_take(slab, c->n_candidates, c->max_values + c->n_out);
    c->follows = take_bytes(slab, c->n_candidates, c->n_out * sizeof(double));
    c->candidate = take_bytes(slab, c->n_candidates, sizeof(mdg_candidate));
}

/* ---- What is there at the start. */

/* 1, then what the network's inputs and hidden units say to each row. */
static void fill_values(mdg_cascade *c, mdg_pass *pass) {
    const size_t n_in = mdg_net_inputs(c->net);
    const size_t n_values = mdg_net_last(c->net)->n_in;
    for (size_t at = 0; at < c->n_rows; at += pass->max_rows) {
        const size_t left = c->n_rows - at;
        const size_t rows = left < pass->max_rows ? left : pass->max_rows;
        size_t stride;
        mdg_pass_forward(pass, rows, c->data->x + at * n_in, NULL);
        const float *row = mdg_pass_output(pass, &stride) - n_values;
        for (size_t i = at; i < at + rows; i++, row += stride) {
            for (size_t k = 0; k < n_values; k++) {
                c->values[(k + 1) * c->stride + i] = row[k];
            }
        }
    }
    for (size_t i = 0; i < c->n_rows; i++) {
        c->values[i] = 1.0f;
    }
    c->n_values = n_values + 1;
}

/* The outputs' weights, bias first; the network's are (n_in, n_out). */
static void copy_outputs(mdg_cascade *c, int into_net) {
    const mdg_layer *last = mdg_net_last(c->net);
    float *net = c->net->weights;
    for (size_t j = 0; j < c->n_out; j++) {
        for (size_t k = 0; k < c->n_values; k++) {
            float *here = &c->update.w[j * c->n_values + k];
            float *there = k == 0 ? &net[last->b + j]
                                  : &net[last->w + (k - 1) * c->n_out + j];
            *(into_net ? there : here) = *(into_net ? here : there);
        }
    }
}

static void fill_targets(mdg_cascade *c) {
    for (size_t i = 0; i < c->n_rows; i++) {
        for (size_t j = 0; j < c->n_out; j++) {
            c->targets[j * c->stride + i] = c->data->t[i * c->n_out + j];
        }
    }
}

/* ---- Kinds of candidates. */

static const midge_activation fann_activations[] = {
    MIDGE_ACT_SIGMOID,       MIDGE_ACT_SIGMOID_SYMMETRIC,
    MIDGE_ACT_GAUSSIAN,      MIDGE_ACT_GAUSSIAN_SYMMETRIC,
    MIDGE_ACT_ELLIOT,        MIDGE_ACT_ELLIOT_SYMMETRIC,
    MIDGE_ACT_SIN_SYMMETRIC, MIDGE_ACT_COS_SYMMETRIC,
    MIDGE_ACT_SIN,           MIDGE_ACT_COS,
};
static const float fann_steepnesses[] = {0.25f, 0.5f, 0.75f, 1.0f};

typedef struct kinds {
    const midge_activation *activations;
    size_t n_activations;
    const float *steepnesses;
    size_t n_steepnesses;
} kinds;

static kinds kinds_of(const midge_cascade_options *o) {
    kinds k = {fann_activations, 10, fann_steepnesses, 4};
    if (o->activations) {
        k.activations = o->activations;
        k.n_activations = o->n_activations;
    }
    if (o->steepnesses) {
        k.steepnesses = o->steepnesses;
        k.n_steepnesses = o->n_steepnesses;
    }
    return k;
}

static void fill_candidates(mdg_cascade *c) {
    const kinds k = kinds_of(c->o);
    for (size_t i = 0; i < c->n_candidates; i++) {
        const size_t kind = i / c->o->n_groups;
        c->candidate[i].activation = k.activations[kind / k.n_steepnesses];
        c->candidate[i].steepness = k.steepnesses[kind % k.n_steepnesses];
    }
}

/* ---- Checks. */

#define CANDIDATES_MAX 65536

static midge_status check_kinds(const midge_cascade_options *o,
                                midge_error *err) {
    const kinds k = kinds_of(o);
    for (size_t i = 0; i < k.n_activations; i++) {
        if (!mdg_activation_known(k.activations[i]) ||
            !mdg_activation_trainable(k.activations[i]) ||
            k.activations[i] == MIDGE_ACT_SOFTMAX) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "activations: no candidate can have number %d",
                              (int)k.activations[i]);
        }
    }
    for (size_t i = 0; i < k.n_steepnesses; i++) {
        if (!mdg_steepness_good(k.steepnesses[i])) {
            return midge_fail(err, MIDGE_E_INVALID, "steepnesses: %g",
                              (double)k.steepnesses[i]);
        }
    }
    if (k.n_activations < 1 || k.n_steepnesses < 1 || o->n_groups < 1 ||
        k.n_activations > CANDIDATES_MAX || k.n_steepnesses > CANDIDATES_MAX ||
        k.n_activations * k.n_steepnesses > CANDIDATES_MAX / o->n_groups) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "n_groups, n_activations and n_steepnesses make no "
                          "candidates, or more than %d",
                          CANDIDATES_MAX);
    }
    return MIDGE_OK;
}

static midge_status check_train(const midge_train_options *o,
                                midge_error *err) {
    MIDGE_TRY(mdg_train_check(o, 0, err));
    if (!mdg_rule_of(o->trainer)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a cascade is trained by batch, rprop, quickprop or "
                          "sarprop, not by %s",
                          midge_trainer_name(o->trainer));
    }
    if (o->loss != MIDGE_LOSS_MSE && o->loss != MIDGE_LOSS_TANH) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a cascade takes the loss mse or tanh");
    }
    if (o->weight_decay != 0.0f || o->l1 != 0.0f) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a cascade has no weight_decay and no l1: set 0");
    }
    return MIDGE_OK;
}

static int is_share(float x) {
    return x >= 0.0f && x < 1.0f;
}

static midge_status check_options(const midge_cascade_options *o,
                                  midge_error *err) {
    if (!is_share(o->output_change_fraction) ||
        !is_share(o->candidate_change_fraction)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a change_fraction is not in [0, 1)");
    }
    if (o->max_out_epochs < 1 || o->max_cand_epochs < 1) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "max_out_epochs or max_cand_epochs is 0");
    }
    if (!(o->weight_multiplier > -1e30f && o->weight_multiplier < 1e30f)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "weight_multiplier is not a number");
    }
    if (!(o->candidate_limit > 0.0f)) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "candidate_limit is not above 0");
    }
    MIDGE_TRY(check_train(&o->train, err));
    return check_kinds(o, err);
}

static midge_status check_net(const mdg_cascade *c, midge_error *err) {
    const midge_net *net = c->net;
    if (!net->shortcut) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a cascade grows networks with shortcuts: make it "
                          "with shortcut = 1");
    }
    if (net->mask) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a cascade grows networks with all connections");
    }
    if (c->o->max_units > MIDGE_NET_LAYERS_MAX - net->n_layers) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "max_units: with %u a network would have more than "
                          "%d layers",
                          (unsigned)c->o->max_units, MIDGE_NET_LAYERS_MAX);
    }
    MIDGE_TRY(mdg_objective_check(net, &c->objective, err));
    return mdg_train_check_data(net, c->data, "training rows", err);
}

/* ---- Installing. */

/* The new network's layers: those of the old, one of a unit, the outputs. */
static midge_status make_larger(const midge_net *net, const mdg_candidate *unit,
                                midge_net **out, midge_error *err) {
    const uint32_t n = net->n_layers;
    const uint32_t hidden = mdg_net_last(net)->units; /* runs */
    uint32_t *sizes = mdg_alloc(net->env, n + 2, sizeof *sizes);
    mdg_units *units = mdg_alloc(net->env, net->n_units + 1, sizeof *units);
    midge_status status = MIDGE_E_NOMEM;
    if (sizes && units) {
        sizes[0] = mdg_net_inputs(net);
        for (uint32_t l = 0; l < n; l++) {
            sizes[l + (l + 1 < n ? 1 : 2)] = net->layers[l].n_out;
        }
        sizes[n] = 1;
        memcpy(units, net->units, hidden * sizeof *units);
        units[hidden] = (mdg_units){0, 1, unit->activation, unit->steepness};
        memcpy(units + hidden + 1, net->units + hidden,
               (net->n_units - hidden) * sizeof *units);
        const mdg_shape shape = {n + 1, sizes, 1, units, net->n_units + 1};
        status = mdg_net_make(net->env, &shape, MIDGE_E_LIMIT, out, err);
    } else {
        status = mdg_no_memory("a larger network", err);
    }
    mdg_release(net->env, units, net->n_units + 1, sizeof *units);
    mdg_release(net->env, sizes, n + 2, sizeof *sizes);
    return status;
}

/* Puts the best candidate before the outputs, whose weights follow later. */
static midge_status grow_net(mdg_cascade *c, midge_error *err) {
    midge_net *net = c->net;
    midge_net *larger;
    MIDGE_TRY(make_larger(net, &c->candidate[c->best], &larger, err));
    const float *w = c->candidates.w + c->best * c->span;
    const mdg_layer *unit = &larger->layers[larger->n_layers - 2];
    memcpy(larger->weights, net->weights, mdg_net_last(net)->w * sizeof(float));
    memcpy(larger->weights + unit->w, w + 1, unit->n_in * sizeof(float));
    larger->weights[unit->b] = w[0];
    larger->inputs = net->inputs;
    larger->outputs = net->outputs;
    net->inputs = NULL;
    net->outputs = NULL;
    const midge_net old = *net;
    *net = *larger;
    *larger = old;
    midge_net_free(larger);
    return MIDGE_OK;
}

/* What the best candidate says to each row becomes a row of the values. */
static void add_best_value(mdg_cascade *c) {
    const mdg_candidate *best = &c->candidate[c->best];
    float *row = c->values + c->n_values * c->stride;
    mdg_gemm g = {.m = 1, .n = c->n_rows, .k = c->n_values};
    g.a = c->candidates.w + c->best * c->span;
    g.a_row = c->span;
    g.a_col = 1;
    g.b = c->values;
    g.ldb = c->stride;
    g.c = row;
    g.ldc = c->stride;
    MDG_KERNEL(c->kernels, gemm_f32)(&g);
    mdg_activate(c->kernels, best->activation, best->steepness, 1, c->n_rows,
                 c->stride, row);
    mdg_cascade_flush(row, c->n_rows);
    c->n_values++;
}

/* Each output gets a weight of the new unit, from the candidate's. */
static void widen_outputs(mdg_cascade *c) {
    const size_t n = c->n_values; /* after add_best_value */
    const float *u = c->candidates.w + c->best * c->span + n - 1;
    for (size_t j = c->n_out; j-- > 0;) {
        float *w = c->update.w + j * n;
        memmove(w, c->update.w + j * (n - 1), (n - 1) * sizeof(float));
        w[n - 1] = u[j] * c->o->weight_multiplier;
    }
}

static midge_status install(mdg_cascade *c, midge_error *err) {
    if (!mdg_all_finite(c->span, c->candidates.w + c->best * c->span)) {
        return midge_fail(err, MIDGE_E_STATE,
                          "the candidates for unit %u have no finite weights",
                          (unsigned)c->units + 1);
    }
    MIDGE_TRY(grow_net(c, err));
    add_best_value(c);
    widen_outputs(c);
    copy_outputs(c, 1);
    c->units++;
    return MIDGE_OK;
}

/* ---- The run. */

static midge_status train_outputs(mdg_cascade *c, midge_stop *stop,
                                  midge_error *err) {
    *stop = mdg_cascade_outputs(c);
    if (!mdg_all_finite(c->n_out * c->n_values, c->update.w) ||
        c->tally.squares - c->tally.squares != 0.0) {
        return midge_fail(err, MIDGE_E_STATE,
                          "the outputs stopped being finite after unit %u",
                          (unsigned)c->units);
    }
    copy_outputs(c, 1);
    return MIDGE_OK;
}

static double mse_of(const mdg_cascade *c) {
    return c->tally.squares / ((double)c->n_rows * (double)c->n_out);
}

static int caller_stops(const mdg_cascade *c) {
    const midge_train_options *o = &c->o->train;
    const midge_net_progress p = {
        .epoch = c->units,
        .max_epochs = c->o->max_units,
        .train_loss = c->tally.loss / (double)c->n_rows,
        .valid_loss = (double)__builtin_nanf(""),
        .train_mse = mse_of(c),
        .bit_fail = c->tally.bit_fail,
        .learning_rate = o->learning_rate,
    };
    return o->on_epoch && o->on_epoch(o->ctx, &p) != 0;
}

static midge_status grow(mdg_cascade *c, midge_stop *stop, midge_error *err) {
    MIDGE_TRY(train_outputs(c, stop, err));
    while (*stop == MIDGE_STOP_EPOCHS && c->units < c->o->max_units) {
        *stop = mdg_cascade_candidates(c);
        if (*stop != MIDGE_STOP_EPOCHS) {
            return MIDGE_OK;
        }
        MIDGE_TRY(install(c, err));
        MIDGE_TRY(train_outputs(c, stop, err));
        if (caller_stops(c) && *stop == MIDGE_STOP_EPOCHS) {
            *stop = MIDGE_STOP_CALLER;
        }
    }
    return MIDGE_OK;
}

static midge_status init(mdg_cascade *c) {
    const midge_net *net = c->net;
    const kinds k = kinds_of(c->o);
    c->kernels = net->kernels;
    c->n_rows = c->data->n_rows;
    c->n_out = mdg_net_last(net)->n_out;
    c->stride = (c->n_rows + LINE - 1) / LINE * LINE;
    c->chunk = c->stride < MDG_CASCADE_ROWS ? c->stride : MDG_CASCADE_ROWS;
    c->max_values = 1 + (size_t)mdg_net_last(net)->n_in + c->o->max_units;
    c->n_candidates = k.n_activations * k.n_steepnesses * c->o->n_groups;
    mdg_pass pass;
    MIDGE_TRY(mdg_pass_init(&pass, net, mdg_block_rows(c->n_rows), 0, 0));
    mdg_slab slab = {.env = net->env};
    lay_out(c, &slab);
    const midge_status status = mdg_slab_allocate(&slab, &c->block_floats);
    if (status == MIDGE_OK) {
        c->block = slab.base;
        lay_out(c, &slab);
        mdg_assert(slab.count == c->block_floats);
        /* What lies between rows and lines is computed with, for nothing. */
        memset(c->block, 0, c->block_floats * sizeof(float));
        fill_values(c, &pass);
    }
    mdg_pass_deinit(&pass);
    return status;
}

static void start(mdg_cascade *c) {
    const midge_train_options *o = &c->o->train;
    c->update.o = o;
    c->update.kernels = c->kernels;
    c->candidates.o = o;
    c->candidates.kernels = c->kernels;
    c->deadline_ms = mdg_deadline(o);
    mdg_rng_seed(&c->noise, mdg_rng_mix(o->seed, MDG_STREAM_NOISE));
    fill_targets(c);
    fill_candidates(c);
    copy_outputs(c, 0);
}

midge_status midge_net_cascade(midge_net *net, const midge_net_data *train,
                               const midge_cascade_options *options,
                               midge_cascade_result *result, midge_error *err) {
    midge_cascade_result ignored;
    midge_cascade_result *r = result ? result : &ignored;
    memset(r, 0, sizeof *r);
    if (!net || !train || !options) {
        return midge_fail(err, MIDGE_E_INVALID, "net, rows or options missing");
    }
    mdg_cascade c = {.o = options, .net = net, .data = train};
    MIDGE_TRY(check_options(options, err));
    c.objective = mdg_train_objective(&options->train);
    MIDGE_TRY(check_net(&c, err));
    if (init(&c) != MIDGE_OK) {
        return mdg_no_memory("a cascade", err);
    }
    start(&c);
    const midge_status status = grow(&c, &r->stop, err);
    r->units = c.units;
    r->mse = mse_of(&c);
    r->bit_fail = c.tally.bit_fail;
    mdg_release(net->env, c.block, c.block_floats, sizeof(float));
    return status;
}
