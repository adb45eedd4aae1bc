/* net_names.c: what activations, trainers and losses are called, in files, on
 * the command line and in JavaScript. */
#include "nn/net.h"

#include <string.h>

static const char *const activations[MIDGE_ACT_COUNT] = {
    "linear",
    "threshold",
    "threshold_symmetric",
    "sigmoid",
    "sigmoid_stepwise",
    "sigmoid_symmetric",
    "sigmoid_symmetric_stepwise",
    "gaussian",
    "gaussian_symmetric",
    "gaussian_stepwise",
    "elliot",
    "elliot_symmetric",
    "linear_piece",
    "linear_piece_symmetric",
    "sin_symmetric",
    "cos_symmetric",
    "sin",
    "cos",
    "relu",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "softplus",
    "softmax",
};

static const char *const trainers[MIDGE_TRAIN_COUNT] = {
    "incremental",
    "batch",
    "rprop",
    "quickprop",
    "sarprop",
    "sgd",
    "rmsprop",
    "adam",
    "adamw",
    "lbfgs",
    "levenberg_marquardt",
};

static const char *const losses[MIDGE_LOSS_COUNT] = {
    "mse", "cross_entropy", "tanh", "huber", "l1", "quantile",
};

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int same_name(const char *a, const char *b) {
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

static int find(const char *const *names, int count, const char *name) {
    for (int i = 0; name && i < count; i++) {
        if (same_name(names[i], name)) {
            return i;
        }
    }
    return -1;
}

static const char *name_of(const char *const *names, int count, int i) {
    return i >= 0 && i < count ? names[i] : NULL;
}

const char *midge_activation_name(midge_activation activation) {
    if (activation == MIDGE_ACT_TANH) {
        return "tanh"; /* what all but FANN call it */
    }
    return name_of(activations, MIDGE_ACT_COUNT, (int)activation);
}

int midge_activation_find(const char *name) {
    static const char fann[] = "fann_";
    if (!name) {
        return -1;
    }
    size_t n = 0;
    while (n < sizeof fann - 1 && lower(name[n]) == fann[n]) {
        n++;
    }
    name += n == sizeof fann - 1 ? n : 0;
    if (same_name("tanh", name)) {
        return MIDGE_ACT_TANH;
    }
    return find(activations, MIDGE_ACT_COUNT, name);
}

const char *midge_trainer_name(midge_trainer trainer) {
    return name_of(trainers, MIDGE_TRAIN_COUNT, (int)trainer);
}

int midge_trainer_find(const char *name) {
    return find(trainers, MIDGE_TRAIN_COUNT, name);
}

const char *midge_loss_name(midge_loss loss) {
    return name_of(losses, MIDGE_LOSS_COUNT, (int)loss);
}

int midge_loss_find(const char *name) {
    return find(losses, MIDGE_LOSS_COUNT, name);
}
