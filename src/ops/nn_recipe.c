/* nn_recipe.c: names to values, and the defaults. docs/guide/nn.md has the
 * rules for people, with what they were measured on. */
#include "ops/nn_recipe.h"

#include <string.h>

static const char *const scales[] = {"none", "standard", "min_max", "robust"};
static const char *const missings[] = {"mean", "median", "refuse"};
static const char *const schedules[] = {"constant", "step", "cosine",
                                        "one_cycle", "plateau"};
static const char *const inits[] = {"auto", "uniform", "glorot", "he",
                                    "nguyen_widrow"};

/* ---- Arguments ----------------------------------------------------------- */

static int is_given(const midge_json *args, const char *key) {
    const midge_json *value = midge_json_get(args, key);
    return value && value->type != MIDGE_JSON_NULL;
}

static void get_float(const midge_json *args, const char *key, float *value) {
    *value = (float)midge_json_get_double(args, key, (double)*value);
}

static void get_u32(const midge_json *args, const char *key, uint32_t *value) {
    *value = (uint32_t)midge_json_get_int(args, key, *value);
}

/* Lists of names of this file and of the public interface, as one kind. */
typedef struct choice {
    const char *const *names; /* or, when NULL: */
    const char *(*name)(int i);
    int count;
} choice;

static const char *activation_name(int i) {
    return midge_activation_name((midge_activation)i);
}
static const char *trainer_name(int i) {
    return midge_trainer_name((midge_trainer)i);
}
static const char *loss_name(int i) {
    return midge_loss_name((midge_loss)i);
}

static const char *choice_name(const choice *c, int i) {
    return c->names ? c->names[i] : c->name(i);
}

static midge_status no_choice(const choice *c, const char *key,
                              const char *given, midge_error *err) {
    char list[MIDGE_ERROR_TEXT_MAX];
    size_t at = 0;
    for (int i = 0; i < c->count; i++) {
        const char *name = choice_name(c, i);
        size_t size = strlen(name);
        if (at + size + 3 > sizeof list) {
            break;
        }
        memcpy(list + at, ", ", 2);
        memcpy(list + at + 2, name, size);
        at += 2 + size;
    }
    list[at] = 0;
    return midge_fail(err, MIDGE_E_INVALID, "%s has no '%.*s'; there are: %s",
                      key, 30, given, list + 2);
}

/* Leaves *value alone when the argument is not there. Dashes count as
 * underscores, as in the names of options. */
static midge_status choose(const midge_json *args, const char *key,
                           const choice *c, int *value, midge_error *err) {
    const char *given = midge_json_get_string(args, key, NULL);
    char word[40];
    if (!given) {
        return MIDGE_OK;
    }
    size_t i = 0;
    for (; given[i] && i + 1 < sizeof word; i++) {
        word[i] = given[i] == '-' ? '_' : given[i];
    }
    word[i] = 0;
    if (c->name == activation_name && midge_activation_find(word) >= 0) {
        *value = midge_activation_find(word); /* "tanh" too */
        return MIDGE_OK;
    }
    for (int k = 0; k < c->count; k++) {
        if (strcmp(choice_name(c, k), word) == 0) {
            *value = k;
            return MIDGE_OK;
        }
    }
    return no_choice(c, key, given, err);
}

/* "64 32" or "64,32"; "none" or "0": no hidden layer. */
static midge_status read_layers(const char *text, mdg_nn_recipe *r,
                                midge_error *err) {
    const char *c = text;
    r->n_hidden = 0;
    if (strcmp(text, "none") == 0 || strcmp(text, "0") == 0) {
        return MIDGE_OK;
    }
    while (*c) {
        uint32_t units = 0;
        int digits = 0;
        while (*c == ' ' || *c == ',') {
            c++;
        }
        for (; *c >= '0' && *c <= '9' && units <= MIDGE_NET_UNITS_MAX; c++) {
            units = units * 10 + (uint32_t)(*c - '0');
            digits++;
        }
        if (digits == 0 || units == 0 || units > MIDGE_NET_UNITS_MAX ||
            (*c && *c != ' ' && *c != ',') ||
            r->n_hidden == MDG_NN_HIDDEN_MAX) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "layers '%.*s': sizes of at most %u hidden "
                              "layers, 1 to %d units each, as in '64 32'",
                              40, text, MDG_NN_HIDDEN_MAX, MIDGE_NET_UNITS_MAX);
        }
        r->hidden[r->n_hidden++] = units;
    }
    return MIDGE_OK;
}

/* ---- What must be known first -------------------------------------------- */

static int is_bounded(midge_activation a) {
    return a != MIDGE_ACT_LINEAR && a < MIDGE_ACT_RELU;
}

midge_status mdg_nn_recipe_begin(const midge_json *args, mdg_nn_recipe *out,
                                 midge_error *err) {
    const choice scale = {scales, NULL, 4}, missing = {missings, NULL, 3};
    const choice activation = {NULL, activation_name, MIDGE_ACT_COUNT};
    int s = MIDGE_SCALE_STANDARD, m = MIDGE_MISSING_MEAN, o = MIDGE_ACT_LINEAR;
    memset(out, 0, sizeof *out);
    MIDGE_TRY(choose(args, "scale", &scale, &s, err));
    MIDGE_TRY(choose(args, "missing", &missing, &m, err));
    MIDGE_TRY(choose(args, "output_activation", &activation, &o, err));
    out->encode.scale = (midge_scale)s;
    out->encode.missing = (midge_missing)m;
    out->encode.target_scale = is_bounded((midge_activation)o)
                                   ? MIDGE_SCALE_MIN_MAX
                                   : MIDGE_SCALE_STANDARD;
    return MIDGE_OK;
}

/* ---- Defaults ------------------------------------------------------------ */

/* Too few to hold some out, or for mini-batches. */
static int is_tiny(const mdg_nn_size *size) {
    return size->n_rows < MDG_NN_FEW_ROWS;
}

static int is_large(const mdg_nn_size *size) {
    return size->n_rows >= 5000;
}

static midge_trainer default_trainer(const mdg_nn_size *size,
                                     const mdg_nn_recipe *r) {
    return is_tiny(size) || r->cascade > 0 ? MIDGE_TRAIN_RPROP
                                           : MIDGE_TRAIN_ADAMW;
}

static void default_layers(const mdg_nn_size *size, mdg_nn_recipe *r) {
    r->n_hidden = r->cascade > 0 ? 0 : 1;
    r->hidden[0] = size->n_rows < 100 ? 16 : is_large(size) ? 256 : 64;
}

static midge_activation default_output(const mdg_nn_size *size,
                                       const mdg_nn_recipe *r) {
    const mdg_nn_meaning *m = &size->meaning;
    if (m->problem == MIDGE_PROBLEM_REGRESS) {
        return MIDGE_ACT_LINEAR;
    }
    if (m->low < 0.0f) {
        return MIDGE_ACT_TANH;
    }
    int squares =
        r->cascade > 0 || r->train.trainer == MIDGE_TRAIN_LEVENBERG_MARQUARDT;
    return m->n_outputs == 1 || squares ? MIDGE_ACT_SIGMOID : MIDGE_ACT_SOFTMAX;
}

static midge_loss default_loss(const mdg_nn_recipe *r) {
    int squares =
        r->cascade > 0 || r->train.trainer == MIDGE_TRAIN_LEVENBERG_MARQUARDT;
    int entropy =
        r->output == MIDGE_ACT_SOFTMAX || r->output == MIDGE_ACT_SIGMOID;
    return entropy && !squares ? MIDGE_LOSS_CROSS_ENTROPY : MIDGE_LOSS_MSE;
}

static void default_training(const mdg_nn_size *size, mdg_nn_recipe *r) {
    midge_train_options *t = &r->train;
    if (is_tiny(size) || r->cascade > 0) { /* no validation tells when to end */
        t->stop_value = 1e-4f;
    }
    if (t->trainer < MIDGE_TRAIN_SGD || t->trainer >= MIDGE_TRAIN_LBFGS) {
        t->max_epochs = 1000;
        t->patience = 50;
        return;
    }
    t->batch_size = size->n_rows < 2000 ? 16 : is_large(size) ? 32 : 64;
    t->max_epochs = is_large(size) ? 100 : 500;
    t->patience = is_large(size) ? 10 : 40;
    t->dropout = is_large(size) ? 0.2f : 0.1f;
    if (t->trainer != MIDGE_TRAIN_SGD) {
        t->learning_rate = is_large(size) ? 0.001f : 0.003f;
    }
    if (t->trainer == MIDGE_TRAIN_ADAMW) {
        t->weight_decay = is_large(size) ? 0.01f : 0.05f;
    }
}

/* ---- The rest ------------------------------------------------------------ */

static midge_status choose_all(const midge_json *args, const mdg_nn_size *size,
                               mdg_nn_recipe *r, midge_error *err) {
    const choice activations = {NULL, activation_name, MIDGE_ACT_COUNT};
    const choice trainers = {NULL, trainer_name, MIDGE_TRAIN_COUNT};
    const choice losses = {NULL, loss_name, MIDGE_LOSS_COUNT};
    const choice by = {schedules, NULL, 5}, init = {inits, NULL, 5};
    int trainer = (int)default_trainer(size, r), hidden, output, loss;
    int schedule = MIDGE_SCHEDULE_CONSTANT, first = MIDGE_INIT_AUTO;
    MIDGE_TRY(choose(args, "trainer", &trainers, &trainer, err));
    r->train = midge_train_defaults((midge_trainer)trainer);
    hidden = trainer <= MIDGE_TRAIN_SARPROP || trainer >= MIDGE_TRAIN_LBFGS
                 ? MIDGE_ACT_TANH
                 : MIDGE_ACT_RELU;
    MIDGE_TRY(choose(args, "activation", &activations, &hidden, err));
    output = (int)default_output(size, r);
    MIDGE_TRY(choose(args, "output_activation", &activations, &output, err));
    r->activation = (midge_activation)hidden;
    r->output = (midge_activation)output;
    loss = (int)default_loss(r);
    MIDGE_TRY(choose(args, "loss", &losses, &loss, err));
    MIDGE_TRY(choose(args, "schedule", &by, &schedule, err));
    MIDGE_TRY(choose(args, "init", &init, &first, err));
    default_training(size, r);
    r->train.loss = (midge_loss)loss;
    /* FANN's slips belong to FANN's activations. */
    r->train.fann_gradient = r->train.fann_gradient &&
                             hidden < MIDGE_ACT_RELU && output < MIDGE_ACT_RELU;
    r->train.schedule = (midge_schedule)schedule;
    r->init = (midge_init)first;
    return MIDGE_OK;
}

static void read_numbers(const midge_json *args, mdg_nn_recipe *r) {
    midge_train_options *t = &r->train;
    get_u32(args, "epochs", &t->max_epochs);
    get_u32(args, "batch", &t->batch_size);
    get_u32(args, "patience", &t->patience);
    get_float(args, "rate", &t->learning_rate);
    get_float(args, "momentum", &t->momentum);
    get_float(args, "weight_decay", &t->weight_decay);
    get_float(args, "l1", &t->l1);
    get_float(args, "dropout", &t->dropout);
    get_float(args, "clip", &t->clip_norm);
    get_float(args, "stop_mse", &t->stop_value);
    t->time_limit_ms = 1000.0 * midge_json_get_double(args, "time_limit", 0.0);
}

static midge_status read_shares(const midge_json *args, const mdg_nn_size *size,
                                mdg_nn_recipe *r, midge_error *err) {
    double share = is_tiny(size) ? 0.0 : 0.15;
    double most = r->cascade > 0 ? 0.0 : share;
    r->validation = midge_json_get_double(args, "validation", most);
    r->test = midge_json_get_double(args, "test", r->folds > 0 ? 0.0 : share);
    if (r->cascade > 0 && r->validation > 0.0) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a cascade has no use for validation rows");
    }
    if (r->folds > 0 && r->test > 0.0) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "folds are measured one after the other: no test "
                          "rows besides");
    }
    return MIDGE_OK;
}

midge_status mdg_nn_recipe_finish(const midge_json *args,
                                  const mdg_nn_size *size, mdg_nn_recipe *out,
                                  midge_error *err) {
    get_u32(args, "cascade", &out->cascade);
    get_u32(args, "folds", &out->folds);
    out->seed = (uint64_t)midge_json_get_int(args, "seed", 1);
    if (out->folds == 1) {
        return midge_fail(err, MIDGE_E_INVALID, "folds must be 2 or more");
    }
    MIDGE_TRY(choose_all(args, size, out, err));
    read_numbers(args, out);
    default_layers(size, out);
    if (is_given(args, "layers")) {
        if (out->cascade > 0) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "a cascade makes its layers itself: give layers "
                              "or cascade");
        }
        MIDGE_TRY(
            read_layers(midge_json_get_string(args, "layers", ""), out, err));
    }
    return read_shares(args, size, out, err);
}
