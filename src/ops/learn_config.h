/* learn_config.h: what a candidate is: a family and its numbers. Sound
 * defaults, small steps, random draws, and how far two networks are apart. */
#ifndef MDG_LEARN_CONFIG_H
#define MDG_LEARN_CONFIG_H

#include "base/rng.h"
#include "midge/json.h"
#include "midge/model.h"

#define MDG_HIDDEN_MAX 3u

/* Only the numbers of its family count. */
typedef struct mdg_config {
    midge_family family;
    /* net */
    uint32_t n_hidden; /* hidden layers */
    uint32_t hidden[MDG_HIDDEN_MAX];
    midge_activation activation;
    uint32_t epochs;
    uint32_t batch;
    float rate;
    float dropout;
    float input_dropout;
    float decay;
    /* knn */
    uint32_t k;
    int cosine;
    int weighted;
    /* features */
    uint32_t n_features;
    float gamma;
    float lambda;
} mdg_config;

/* What is to be learned, as far as a configuration depends on it. */
typedef struct mdg_shape {
    midge_problem problem;
    size_t n_rows;
    uint32_t n_inputs;
    uint32_t n_outputs;
} mdg_shape;

const char *mdg_family_name(midge_family family);
/* "classification", "regression" */
const char *mdg_problem_name(midge_problem problem);
midge_status mdg_problem_read(const char *name, midge_problem *out,
                              midge_error *err);

/* A network that does well on most data of this shape. */
mdg_config mdg_config_net(const mdg_shape *shape);
mdg_config mdg_config_knn(void);
/* 0 when comparing every row with every other would take minutes. */
int mdg_config_knn_is_bearable(const mdg_shape *shape);
mdg_config mdg_config_features(const mdg_shape *shape);

/* Two small steps away from `config`, whatever its family. */
mdg_config mdg_config_step(const mdg_config *config, const mdg_shape *shape,
                           mdg_rng *rng);
/* Any network of the space that is searched. */
mdg_config mdg_config_draw(const mdg_shape *shape, mdg_rng *rng);
/* Mean difference of the two networks' numbers, each scaled to 0..1; 1 between
 * families. Symmetric, 0 for equal ones. */
double mdg_config_distance(const mdg_config *a, const mdg_config *b);

/* {"hidden":[256],"activation":"relu",...}: the numbers of its family. */
void mdg_config_write(const mdg_config *config, midge_json_writer *w);
midge_status mdg_config_read(const midge_json *value, const char *family,
                             mdg_config *out, midge_error *err);

#endif
