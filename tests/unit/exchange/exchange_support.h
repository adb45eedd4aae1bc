/* exchange_support.h: networks of many kinds for the tests of this room. */
#ifndef EXCHANGE_SUPPORT_H
#define EXCHANGE_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "midge/nn_exchange.h"
#include "nn/net.h"
#include "test_env.h"
#include "test_share.h"

enum net_kind { NET_LAYERS, NET_SPARSE, NET_SHORTCUT, NET_SPARSE_SHORTCUT };
#define NET_KINDS 4

static inline float between(mdg_rng *rng, float least, float most) {
    return least + (most - least) * mdg_rng_float(rng);
}

/* 5-7-4-3 of one activation, weights and biases in [-1, 1). */
static inline midge_net *make_net(const midge_env *env, enum net_kind kind,
                                  midge_activation hidden,
                                  midge_activation output, uint64_t seed) {
    static const uint32_t sizes[] = {5, 7, 4, 3};
    const int sparse = kind == NET_SPARSE || kind == NET_SPARSE_SHORTCUT;
    const midge_net_options options = {
        .n_layers = 3,
        .sizes = sizes,
        .hidden = hidden,
        .output = output,
        .hidden_steepness = 0.75f,
        .output_steepness = 0.5f,
        .shortcut = kind == NET_SHORTCUT || kind == NET_SPARSE_SHORTCUT,
        .connection_rate = sparse ? 0.6f : 1.0f,
        .seed = seed,
    };
    midge_net *net;
    midge_error err = {.status = MIDGE_OK};
    if (midge_net_new(env, &options, &net, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(
        midge_net_init_weights(net, MIDGE_INIT_UNIFORM, 1.0f, seed + 1),
        MIDGE_OK);
    return net;
}

/* A row of inputs in [-2, 2) through the network. */
static inline void run_row(const midge_net *net, const float *x, float *y) {
    const size_t bytes = midge_net_workspace_bytes(net, 1);
    void *workspace = aligned_alloc(64, (bytes + 64) / 64 * 64);
    assert_int_equal(midge_net_run(net, 1, x, y, workspace), MIDGE_OK);
    free(workspace);
}

static inline void assert_same_net(const midge_net *a, const midge_net *b) {
    assert_int_equal(a->n_layers, b->n_layers);
    assert_int_equal(a->shortcut != 0, b->shortcut != 0);
    assert_int_equal(a->n_weights, b->n_weights);
    assert_memory_equal(a->weights, b->weights, a->n_weights * sizeof(float));
    assert_int_equal(a->mask != NULL, b->mask != NULL);
    if (a->mask) {
        assert_memory_equal(a->mask, b->mask, a->n_weights);
    }
    assert_int_equal(a->n_units, b->n_units);
    for (uint32_t i = 0; i < a->n_units; i++) {
        assert_int_equal(a->units[i].activation, b->units[i].activation);
        assert_int_equal(a->units[i].first, b->units[i].first);
        assert_int_equal(a->units[i].count, b->units[i].count);
        assert_memory_equal(&a->units[i].steepness, &b->units[i].steepness,
                            sizeof(float));
    }
    for (uint32_t l = 0; l < a->n_layers; l++) {
        assert_int_equal(a->layers[l].n_in, b->layers[l].n_in);
        assert_int_equal(a->layers[l].n_out, b->layers[l].n_out);
    }
}

static inline void assert_same_scaling(const midge_scaling *a,
                                       const midge_scaling *b, uint32_t n) {
    assert_int_equal(a != NULL, b != NULL);
    if (a) {
        assert_memory_equal(a, b, n * sizeof *a);
    }
}

static inline void random_scaling(mdg_rng *rng, midge_scaling *s, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        s[i].mean = between(rng, -3.0f, 3.0f);
        s[i].deviation = between(rng, 0.1f, 5.0f);
        s[i].new_min = between(rng, -1.0f, 0.0f);
        s[i].factor = between(rng, 0.2f, 2.0f);
    }
}

static inline void *read_whole(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const long end = ftell(file);
    assert_true(end >= 0);
    rewind(file);
    char *bytes = malloc((size_t)end + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)end, file), (size_t)end);
    bytes[end] = '\0';
    fclose(file);
    *size = (size_t)end;
    return bytes;
}

static inline void write_whole(const char *path, const void *bytes,
                               size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

#endif
