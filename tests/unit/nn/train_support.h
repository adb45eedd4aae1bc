/* train_support.h: networks and rows for the tests of the trainers. */
#ifndef TRAIN_SUPPORT_H
#define TRAIN_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "midge/nn_train.h"
#include "test_env.h"

#define PI 3.14159265358979323846

static const float xor_x[] = {0, 0, 0, 1, 1, 0, 1, 1};
static const float xor_t[] = {0, 1, 1, 0};
static const midge_net_data xor_data = {4, xor_x, xor_t};

/* With kernels that are quick where there are such: the bits are the same. */
static inline void quick_env_init(struct test_env *t) {
    test_env_init(t);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        t->env.cpu = MIDGE_CPU_V2 | MIDGE_CPU_AVX2;
    }
#elif defined(__aarch64__)
    t->env.cpu = MIDGE_CPU_NEON;
#endif
}

static inline midge_net *make_net(const midge_env *env, uint32_t n_layers,
                                  const uint32_t *sizes,
                                  midge_activation output, uint64_t seed) {
    midge_net *net = NULL;
    const midge_net_options o = {.n_layers = n_layers,
                                 .sizes = sizes,
                                 .hidden = MIDGE_ACT_TANH,
                                 .output = output,
                                 .seed = seed};
    midge_error err = {.text = ""};
    if (midge_net_new(env, &o, &net, &err) != MIDGE_OK) {
        fail_msg("a network: %s", err.text);
    }
    return net;
}

static inline midge_train_result train_net(midge_net *net,
                                           const midge_net_data *data,
                                           const midge_train_options *o) {
    midge_error err = {.text = ""};
    midge_train_result r;
    if (midge_net_train(net, data, NULL, o, &r, &err) != MIDGE_OK) {
        fail_msg("%s: %s", midge_trainer_name(o->trainer), err.text);
    }
    return r;
}

static inline double worst_error(const midge_net *net,
                                 const midge_net_data *d) {
    size_t n = d->n_rows * midge_net_n_outputs(net);
    size_t bytes = (midge_net_workspace_bytes(net, d->n_rows) + 63) / 64 * 64;
    void *workspace = aligned_alloc(64, bytes + 64);
    float *y = malloc(n * sizeof *y);
    double worst = 0;
    assert_int_equal(midge_net_run(net, d->n_rows, d->x, y, workspace),
                     MIDGE_OK);
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs((double)y[i] - (double)d->t[i]));
    }
    free(y);
    free(workspace);
    return worst;
}

/* Numbers in [-1, 1) from a generator that is not ours. */
static inline float noise_next(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

static inline void fill_noise(uint32_t seed, size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = noise_next(&seed);
    }
}

/* Two noisy classes that a line separates but for the noise. */
static inline void fill_two_classes(uint32_t seed, size_t rows, float *x,
                                    float *t) {
    for (size_t i = 0; i < rows; i++) {
        float side = i % 2 ? 1.0f : -1.0f;
        for (size_t j = 0; j < 6; j++) {
            x[i * 6 + j] = 0.35f * side + noise_next(&seed);
        }
        t[i] = (float)(i % 2);
    }
}

/* Lang & Witbrock 1988: two spirals of three turns, 97 points each, here within
 * [-2, 2]; the targets are `low` and 1. */
#define SPIRAL_ROWS 194
static inline void fill_spirals(float low, float *x, float *t) {
    for (int i = 0; i < SPIRAL_ROWS / 2; i++) {
        double angle = i * PI / 16;
        double radius = 2.0 * (104 - i) / 104;
        for (int side = 0; side < 2; side++) {
            double sign = side ? -1 : 1;
            x[4 * i + 2 * side] = (float)(sign * radius * sin(angle));
            x[4 * i + 2 * side + 1] = (float)(sign * radius * cos(angle));
            t[2 * i + side] = side ? low : 1.0f;
        }
    }
}

#endif
