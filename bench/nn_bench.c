/* nn_bench.c: the time of an epoch of a 784-128-10 network (ReLU, softmax and
 * cross-entropy, batch 32) over 60,000 rows, and of running it; one thread.
 * nn_torch.py measures the same with PyTorch. One JSON line per repetition.
 *
 *     nn_bench adam|sgd REPETITIONS
 *
 * The first epoch warms up and is not printed. The rows are like scanned
 * digits: bytes / 255, four of five 0; the class is the stripe of pixels with
 * the largest sum, so that the loss falls when the work is really done. */
#define _POSIX_C_SOURCE 199309L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "midge/midge.h"
#include "midge/os.h"

#define ROWS    60000
#define INPUTS  784
#define CLASSES 10
#define STRIPE  78  /* pixels of a class */
#define BLOCK   256 /* rows of one run */

struct clock_of_epochs {
    const char *trainer;
    double last_ms;
};

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint64_t next(uint64_t *state) { /* splitmix64 */
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void fill(float *x, float *t) {
    uint64_t state = 1;
    memset(t, 0, sizeof(float) * ROWS * CLASSES);
    for (size_t i = 0; i < ROWS; i++) {
        size_t best = 0;
        float best_sum = -1.0f;
        for (size_t j = 0; j < INPUTS; j++) {
            uint64_t r = next(&state);
            x[i * INPUTS + j] = r % 5 == 0 ? (float)(r >> 56) / 255.0f : 0.0f;
        }
        for (size_t c = 0; c < CLASSES; c++) {
            float sum = 0;
            for (size_t j = 0; j < STRIPE; j++) {
                sum += x[i * INPUTS + c * STRIPE + j];
            }
            best = sum > best_sum ? c : best;
            best_sum = sum > best_sum ? sum : best_sum;
        }
        t[i * CLASSES + best] = 1.0f;
    }
}

static int on_epoch(void *ctx, const midge_net_progress *p) {
    struct clock_of_epochs *c = ctx;
    double now = now_ms();
    if (p->epoch > 1) {
        printf("{\"engine\":\"midge\",\"what\":\"epoch_%s\",\"ms\":%.3f,"
               "\"loss\":%.4f}\n",
               c->trainer, now - c->last_ms, p->train_loss);
    }
    fflush(stdout);
    c->last_ms = now_ms();
    return 0;
}

static midge_status measure_runs(const midge_net *net, const float *x,
                                 int repetitions) {
    static float y[BLOCK * CLASSES];
    void *workspace = aligned_alloc(64, midge_net_workspace_bytes(net, BLOCK));
    midge_status s = workspace ? MIDGE_OK : MIDGE_E_NOMEM;
    for (int r = 0; r <= repetitions && s == MIDGE_OK; r++) {
        double start = now_ms();
        for (size_t i = 0; i < ROWS && s == MIDGE_OK; i += BLOCK) {
            size_t rows = ROWS - i < BLOCK ? ROWS - i : BLOCK;
            s = midge_net_run(net, rows, x + i * INPUTS, y, workspace);
        }
        if (r > 0) {
            printf("{\"engine\":\"midge\",\"what\":\"run\",\"ms\":%.3f}\n",
                   now_ms() - start);
        }
    }
    free(workspace);
    return s;
}

static midge_status measure(const char *trainer, int repetitions) {
    static const uint32_t sizes[] = {INPUTS, 128, CLASSES};
    midge_env env = midge_os_env();
    midge_net_options shape = {.n_layers = 2,
                               .sizes = sizes,
                               .hidden = MIDGE_ACT_RELU,
                               .output = MIDGE_ACT_SOFTMAX,
                               .seed = 1};
    struct clock_of_epochs clock = {trainer, 0};
    int sgd = strcmp(trainer, "sgd") == 0;
    midge_train_options o =
        midge_train_defaults(sgd ? MIDGE_TRAIN_SGD : MIDGE_TRAIN_ADAMW);
    o.loss = MIDGE_LOSS_CROSS_ENTROPY;
    o.learning_rate = sgd ? 0.01f : 0.001f;
    o.momentum = 0.9f;
    o.max_epochs = (uint32_t)repetitions + 1;
    o.on_epoch = on_epoch;
    o.ctx = &clock;
    midge_error err = {.text = "no memory"};
    midge_net *net = NULL;
    float *x = malloc(sizeof(float) * ROWS * INPUTS);
    float *t = malloc(sizeof(float) * ROWS * CLASSES);
    midge_status s = MIDGE_E_NOMEM;
    if (!x || !t) {
        goto done;
    }
    fill(x, t);
    s = midge_net_new(&env, &shape, &net, &err);
    if (s == MIDGE_OK) {
        midge_net_data data = {ROWS, x, t};
        s = midge_net_train(net, &data, NULL, &o, NULL, &err);
    }
    if (s == MIDGE_OK) {
        s = measure_runs(net, x, repetitions);
    }
done:
    if (s != MIDGE_OK) {
        fprintf(stderr, "nn_bench: %s\n", err.text);
    }
    midge_net_free(net);
    free(x);
    free(t);
    return s;
}

int main(int argc, char **argv) {
    int repetitions = argc == 3 ? atoi(argv[2]) : 0;
    if (repetitions < 1 ||
        (strcmp(argv[1], "adam") != 0 && strcmp(argv[1], "sgd") != 0)) {
        fprintf(stderr, "usage: nn_bench adam|sgd REPETITIONS\n");
        return 2;
    }
    return measure(argv[1], repetitions) == MIDGE_OK ? 0 : 1;
}
