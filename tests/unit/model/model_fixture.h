/* model_fixture.h: small problems to learn, and one model of each family. */
#ifndef MODEL_FIXTURE_H
#define MODEL_FIXTURE_H

#include <math.h>

#include "base/rng.h"
#include "midge/model.h"
#include "test_env.h"

enum { MOONS = 400 };

struct moons {
    float x[MOONS * 2];
    float t[MOONS * 2];   /* one-hot */
    midge_net_data train; /* the first half */
    midge_net_data test;
};

/* Two half circles that reach into each other (or, as `circles`, one circle
 * within another), with noise. */
static inline void make_moons(struct moons *m, int circles, uint64_t seed) {
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (int i = 0; i < MOONS; i++) {
        int c = i % 2;
        double a = mdg_rng_double(&rng) * (circles ? 6.2831853 : 3.14159265);
        double r = circles && c ? 0.4 : 1.0;
        double across = r * cos(a), up = r * sin(a);
        if (!circles && c) {
            across = 1.0 - across;
            up = 0.5 - up;
        }
        m->x[2 * i] = (float)across + 0.1f * mdg_rng_normal(&rng);
        m->x[2 * i + 1] = (float)up + 0.1f * mdg_rng_normal(&rng);
        m->t[2 * i + c] = 1.0f;
        m->t[2 * i + 1 - c] = 0.0f;
    }
    m->train = (midge_net_data){MOONS / 2, m->x, m->t};
    m->test = (midge_net_data){MOONS / 2, m->x + MOONS, m->t + MOONS};
}

static inline midge_status fit_net(const midge_env *env, const struct moons *m,
                                   uint32_t epochs, midge_model **out) {
    static const uint32_t sizes[] = {2, 24, 2};
    midge_net_options shape = {.n_layers = 2,
                               .sizes = sizes,
                               .hidden = MIDGE_ACT_TANH,
                               .output = MIDGE_ACT_SOFTMAX,
                               .seed = 3};
    midge_net *net;
    *out = NULL;
    MIDGE_TRY(midge_net_new(env, &shape, &net, NULL));
    midge_train_options o = midge_train_defaults(MIDGE_TRAIN_ADAMW);
    o.loss = MIDGE_LOSS_CROSS_ENTROPY;
    o.max_epochs = epochs;
    o.learning_rate = 0.02f;
    o.seed = 4;
    midge_status s = midge_net_train(net, &m->train, NULL, &o, NULL, NULL);
    if (s != MIDGE_OK) {
        midge_net_free(net);
        return s;
    }
    return midge_model_from_net_take(env, MIDGE_PROBLEM_CLASSIFY, net, out);
}

static inline midge_status fit_knn(const midge_env *env, const struct moons *m,
                                   int cosine, int weighted,
                                   midge_model **out) {
    midge_knn_options o = {5, cosine, weighted};
    return midge_model_fit_knn(env, MIDGE_PROBLEM_CLASSIFY, 2, 2, &m->train, &o,
                               out, NULL);
}

static inline midge_status
fit_features(const midge_env *env, const struct moons *m, midge_model **out) {
    midge_features_options o = {100, 4.0f, 1e-4f, 9};
    return midge_model_fit_features(env, MIDGE_PROBLEM_CLASSIFY, 2, 2,
                                    &m->train, &o, out, NULL);
}

/* A net in small integers. */
static inline midge_status fit_int8(const midge_env *env, const struct moons *m,
                                    uint32_t epochs, midge_model **out) {
    midge_model *whole;
    midge_net_int8 *net;
    *out = NULL;
    MIDGE_TRY(fit_net(env, m, epochs, &whole));
    midge_status s = midge_net_quantise(midge_model_net(whole), m->train.n_rows,
                                        m->train.x, 0.0f, &net, NULL);
    midge_model_free(whole);
    return s == MIDGE_OK ? midge_model_from_int8_take(
                               env, MIDGE_PROBLEM_CLASSIFY, net, out)
                         : s;
}

enum { FAMILIES = 6 };

/* 0 net, 1 knn, 2 knn by cosine and weight, 3 features, 4 int8, 5 all of them.
 */
static inline midge_status fit_family(const midge_env *env,
                                      const struct moons *m, int family,
                                      midge_model **out) {
    midge_model *members[5] = {NULL};
    const float weights[] = {0.5f, 1.0f, 0.25f, 1.0f, 0.5f};
    switch (family) {
    case 0:
        return fit_net(env, m, 40, out);
    case 1:
        return fit_knn(env, m, 0, 0, out);
    case 2:
        return fit_knn(env, m, 1, 1, out);
    case 3:
        return fit_features(env, m, out);
    case 4:
        return fit_int8(env, m, 40, out);
    default:
        break;
    }
    *out = NULL;
    for (int i = 0; i < 5; i++) {
        midge_status s = fit_family(env, m, i, &members[i]);
        if (s != MIDGE_OK) {
            while (i > 0) {
                midge_model_free(members[--i]);
            }
            return s;
        }
    }
    return midge_model_ensemble_take(env, MIDGE_PROBLEM_CLASSIFY, members,
                                     weights, 5, out, NULL);
}

#endif
