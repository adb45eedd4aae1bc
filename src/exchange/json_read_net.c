/* json_read_net.c: a network from JSON (spec/formats/net_json.md). All arrays
 * are as long as they should be before there is memory for weights, so that it
 * is in proportion to the text. */
#include "midge/nn_exchange.h"

#include <string.h>

#include "base/alloc.h"
#include "midge/json.h"
#include "nn/net.h"

#define KEY_SHOWN 100 /* bytes of an unknown key that an error repeats */

typedef struct reader {
    midge_arena arena;
    midge_error *err;
    midge_net *net;
    uint8_t *mask; /* of all weights */
} reader;

/* Where a value stands: a layer of "layers" (or NOWHERE), a key in it, and an
 * index of that (or NOWHERE). */
#define NOWHERE UINT32_MAX
typedef struct place {
    uint32_t layer;
    const char *key;
    uint32_t index;
} place;

static midge_status refuse(const reader *r, place at, const char *wrong) {
    midge_error layer, index;
    layer.text[0] = '\0';
    index.text[0] = '\0';
    if (at.layer != NOWHERE) {
        (void)midge_fail(&layer, MIDGE_E_PARSE, "layers[%u]%s", at.layer,
                         at.key[0] != '\0' ? "." : "");
    }
    if (at.index != NOWHERE) {
        (void)midge_fail(&index, MIDGE_E_PARSE, "[%u]", at.index);
    }
    return midge_fail(r->err, MIDGE_E_PARSE, "%s%s%s: %s", layer.text, at.key,
                      index.text, wrong);
}

/* The members of an object with these n names, in their order; nothing else
 * may be in it. */
static midge_status take_members(const reader *r, place at,
                                 const midge_json *object,
                                 const char *const *names, size_t n,
                                 const midge_json **out) {
    if (object->type != MIDGE_JSON_OBJECT) {
        return refuse(r, at, "not an object");
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = midge_json_get(object, names[i]);
        if (!out[i]) {
            midge_error wrong;
            (void)midge_fail(&wrong, MIDGE_E_PARSE, "\"%s\" is missing",
                             names[i]);
            return refuse(r, at, wrong.text);
        }
    }
    for (const midge_json *m = object->child; m; m = m->next) {
        size_t i = 0;
        while (i < n && strcmp(names[i], m->key) != 0) {
            i++;
        }
        if (i == n || strlen(m->key) != m->key_size) {
            midge_error wrong;
            (void)midge_fail(&wrong, MIDGE_E_PARSE, "\"%.*s\" is no key of it",
                             KEY_SHOWN, m->key);
            return refuse(r, at, wrong.text);
        }
    }
    return MIDGE_OK;
}

static midge_status take_float(const reader *r, place at,
                               const midge_json *value, float *out) {
    *out = (float)value->number;
    if ((value->type != MIDGE_JSON_INT && value->type != MIDGE_JSON_DOUBLE) ||
        *out - *out != 0.0f) {
        return refuse(r, at, "not a number that a float can hold");
    }
    return MIDGE_OK;
}

static midge_status take_count(const reader *r, place at,
                               const midge_json *value, uint32_t *out) {
    if (value->type != MIDGE_JSON_INT || value->integer < 1 ||
        value->integer > MIDGE_NET_UNITS_MAX) {
        return refuse(r, at, "not a whole number from 1 to 65536");
    }
    *out = (uint32_t)value->integer;
    return MIDGE_OK;
}

/* An array of `count` elements. */
static midge_status expect_array(const reader *r, place at,
                                 const midge_json *value, uint32_t count) {
    if (value->type != MIDGE_JSON_ARRAY) {
        return refuse(r, at, "not an array");
    }
    if (value->count != count) {
        midge_error wrong;
        (void)midge_fail(&wrong, MIDGE_E_PARSE, "%u elements, not %u",
                         value->count, count);
        return refuse(r, at, wrong.text);
    }
    return MIDGE_OK;
}

/* ---- The shape. ---------------------------------------------------------- */

static const char *const layer_keys[] = {"units", "weights", "biases"};
enum { LAYER_UNITS, LAYER_WEIGHTS, LAYER_BIASES, LAYER_KEYS };

static midge_status take_units(const reader *r, place at,
                               const midge_json *value, mdg_units *units) {
    static const char *const names[] = {"count", "activation", "steepness"};
    const midge_json *member[3];
    MIDGE_TRY(take_members(r, at, value, names, 3, member));
    MIDGE_TRY(take_count(r, at, member[0], &units->count));
    const char *name =
        member[1]->type == MIDGE_JSON_STRING ? member[1]->string : "";
    const int activation = midge_activation_find(name);
    if (activation < 0) {
        return refuse(r, at, "\"activation\" is none that there is");
    }
    units->activation = (midge_activation)activation;
    return take_float(r, at, member[2], &units->steepness);
}

/* Rows of weights and biases: as many as the shape says. */
static midge_status check_rows(const reader *r, uint32_t layer, uint64_t n_in,
                               uint32_t n_out,
                               const midge_json *const *member) {
    const midge_json *weights = member[LAYER_WEIGHTS];
    place at = {layer, "weights", NOWHERE};
    MIDGE_TRY(expect_array(r, at, weights, (uint32_t)n_in));
    at.index = 0;
    for (const midge_json *v = weights->child; v; v = v->next, at.index++) {
        MIDGE_TRY(expect_array(r, at, v, n_out));
    }
    at = (place){layer, "biases", NOWHERE};
    return expect_array(r, at, member[LAYER_BIASES], n_out);
}

/* The runs of one layer; *size: how many units they are together. */
static midge_status take_layer(const reader *r, uint32_t layer, uint64_t n_in,
                               const midge_json *value, mdg_units *units,
                               uint32_t *size) {
    const midge_json *member[LAYER_KEYS];
    place at = {layer, "", NOWHERE};
    MIDGE_TRY(take_members(r, at, value, layer_keys, LAYER_KEYS, member));
    at.key = "units";
    const midge_json *runs = member[LAYER_UNITS];
    MIDGE_TRY(expect_array(r, at, runs, runs->count));
    *size = 0;
    at.index = 0;
    for (const midge_json *v = runs->child; v; v = v->next, at.index++) {
        MIDGE_TRY(take_units(r, at, v, &units[at.index]));
        units[at.index].first = *size;
        *size += units[at.index].count;
        if (*size > MIDGE_NET_UNITS_MAX) {
            return refuse(r, at, "more than 65536 units in a layer");
        }
    }
    return check_rows(r, layer, n_in, *size, member);
}

static uint32_t count_runs(const midge_json *layers) {
    uint32_t n = 0;
    for (const midge_json *l = layers->child; l; l = l->next) {
        const midge_json *runs = midge_json_get(l, "units");
        n += runs && runs->type == MIDGE_JSON_ARRAY ? runs->count : 0;
    }
    return n;
}

static midge_status make_net(reader *r, const midge_env *env,
                             const midge_json *inputs,
                             const midge_json *shortcuts,
                             const midge_json *layers) {
    place at = {NOWHERE, "layers", NOWHERE};
    MIDGE_TRY(expect_array(r, at, layers, layers->count));
    if (layers->count > MIDGE_NET_LAYERS_MAX) {
        return midge_fail(r->err, MIDGE_E_LIMIT, "%u layers, more than %d",
                          layers->count, MIDGE_NET_LAYERS_MAX);
    }
    uint32_t n_runs = count_runs(layers);
    uint32_t *sizes =
        midge_arena_alloc(&r->arena, (layers->count + 1) * sizeof *sizes);
    mdg_units *units =
        midge_arena_alloc(&r->arena, (n_runs + 1) * sizeof *units);
    if (!sizes || !units) {
        return mdg_no_memory("a network", r->err);
    }
    at.key = "inputs";
    MIDGE_TRY(take_count(r, at, inputs, &sizes[0]));
    at.key = "shortcuts";
    if (shortcuts->type != MIDGE_JSON_BOOL) {
        return refuse(r, at, "neither true nor false");
    }
    const mdg_shape shape = {.n_layers = layers->count,
                             .sizes = sizes,
                             .shortcut = shortcuts->integer != 0,
                             .units = units,
                             .n_units = n_runs};
    uint64_t n_in = sizes[0];
    uint32_t l = 0;
    for (const midge_json *v = layers->child; v; v = v->next, l++) {
        MIDGE_TRY(take_layer(r, l, n_in, v, units, &sizes[l + 1]));
        units += midge_json_get(v, "units")->count;
        n_in = (shape.shortcut ? n_in : 0) + sizes[l + 1];
    }
    return mdg_net_make(env, &shape, MIDGE_E_PARSE, &r->net, r->err);
}

/* ---- Numbers. ------------------------------------------------------------ */

/* Numbers and nulls, to the weights from `at` on. */
static midge_status take_row(reader *r, place where, const midge_json *row,
                             size_t at) {
    for (const midge_json *v = row->child; v; v = v->next, at++) {
        r->mask[at] = v->type != MIDGE_JSON_NULL;
        if (r->mask[at]) {
            MIDGE_TRY(take_float(r, where, v, &r->net->weights[at]));
        }
    }
    return MIDGE_OK;
}

static midge_status take_weights(reader *r, const midge_json *layers) {
    uint32_t l = 0;
    for (const midge_json *v = layers->child; v; v = v->next, l++) {
        const mdg_layer *layer = &r->net->layers[l];
        const midge_json *row = midge_json_get(v, "weights")->child;
        place at = {l, "weights", 0};
        for (; row; row = row->next, at.index++) {
            MIDGE_TRY(take_row(r, at, row,
                               layer->w + (size_t)at.index * layer->n_out));
        }
        at = (place){l, "biases", NOWHERE};
        MIDGE_TRY(take_row(r, at, midge_json_get(v, "biases"), layer->b));
    }
    return mdg_net_set_mask(r->net, r->mask) == MIDGE_OK
               ? MIDGE_OK
               : mdg_no_memory("a network", r->err);
}

/* *out stays NULL when there is none. */
static midge_status take_scaling(reader *r, const char *key,
                                 const midge_json *value, uint32_t count,
                                 midge_scaling **out) {
    static const char *const names[] = {"mean", "deviation", "new_min",
                                        "factor"};
    place at = {NOWHERE, key, NOWHERE};
    *out = NULL;
    if (value->type == MIDGE_JSON_NULL) {
        return MIDGE_OK;
    }
    MIDGE_TRY(expect_array(r, at, value, count));
    midge_scaling *s = midge_arena_alloc(&r->arena, count * sizeof *s);
    if (!s) {
        return mdg_no_memory("a network", r->err);
    }
    at.index = 0;
    for (const midge_json *v = value->child; v; v = v->next, at.index++) {
        const midge_json *member[4];
        midge_scaling *to = &s[at.index];
        MIDGE_TRY(take_members(r, at, v, names, 4, member));
        MIDGE_TRY(take_float(r, at, member[0], &to->mean));
        MIDGE_TRY(take_float(r, at, member[1], &to->deviation));
        MIDGE_TRY(take_float(r, at, member[2], &to->new_min));
        MIDGE_TRY(take_float(r, at, member[3], &to->factor));
        if (!mdg_scaling_good(1, to)) {
            return refuse(r, at, "a deviation or factor of 0");
        }
    }
    *out = s;
    return MIDGE_OK;
}

/* ---- All of it. ---------------------------------------------------------- */

static const char *const net_keys[] = {
    "format",        "version",        "inputs", "shortcuts",
    "input_scaling", "output_scaling", "layers",
};
enum {
    NET_FORMAT,
    NET_VERSION,
    NET_INPUTS,
    NET_SHORTCUTS,
    NET_INPUT_SCALING,
    NET_OUTPUT_SCALING,
    NET_LAYERS,
    NET_KEYS
};

/* Before anything else, so that a newer file is called one. */
static midge_status check_format(const reader *r, const midge_json *root) {
    const char *format = midge_json_get_string(root, "format", "");
    if (strcmp(format, "midge-net") != 0) {
        return midge_fail(r->err, MIDGE_E_PARSE,
                          "not a network: \"format\" is not \"midge-net\"");
    }
    const int64_t version = midge_json_get_int(root, "version", -1);
    if (version != 1) {
        return midge_fail(r->err, MIDGE_E_VERSION,
                          "a network in JSON of version %lld, not 1",
                          (long long)version);
    }
    return MIDGE_OK;
}

static midge_status take_net(reader *r, const midge_env *env,
                             const midge_json *root) {
    const midge_json *member[NET_KEYS];
    const place top = {NOWHERE, "the network", NOWHERE};
    MIDGE_TRY(check_format(r, root));
    MIDGE_TRY(take_members(r, top, root, net_keys, NET_KEYS, member));
    MIDGE_TRY(make_net(r, env, member[NET_INPUTS], member[NET_SHORTCUTS],
                       member[NET_LAYERS]));
    r->mask = mdg_alloc(env, r->net->n_weights, 1);
    if (!r->mask) {
        return mdg_no_memory("a network", r->err);
    }
    MIDGE_TRY(take_weights(r, member[NET_LAYERS]));
    midge_scaling *inputs, *outputs;
    MIDGE_TRY(take_scaling(r, "input_scaling", member[NET_INPUT_SCALING],
                           mdg_net_inputs(r->net), &inputs));
    MIDGE_TRY(take_scaling(r, "output_scaling", member[NET_OUTPUT_SCALING],
                           mdg_net_last(r->net)->n_out, &outputs));
    return midge_net_set_scaling(r->net, inputs, outputs) == MIDGE_OK
               ? MIDGE_OK
               : mdg_no_memory("a network", r->err);
}

midge_status midge_net_read_json(const midge_env *env, const char *text,
                                 size_t size, midge_net **out,
                                 midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || (!text && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or text missing");
    }
    reader r = {.err = err};
    const midge_json *root;
    midge_arena_init(&r.arena, env, 0);
    midge_status status = midge_json_read(&r.arena, text, size, &root, err);
    if (status == MIDGE_OK) {
        status = take_net(&r, env, root);
    }
    mdg_release(env, r.mask, r.net ? r.net->n_weights : 0, 1);
    midge_arena_deinit(&r.arena);
    if (status != MIDGE_OK) {
        midge_net_free(r.net);
        return status;
    }
    *out = r.net;
    return MIDGE_OK;
}
