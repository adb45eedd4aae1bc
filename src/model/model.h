/* model.h (model room): what a model is inside. */
#ifndef MDG_MODEL_H
#define MDG_MODEL_H

#include "kernels/kernels.h"
#include "midge/index.h"
#include "midge/model.h"

#define MDG_MEMBERS_MAX     64
#define MDG_DEPTH_MAX       4 /* of ensembles in ensembles */
#define MDG_RUN_ROWS        256
#define MDG_FEATURES_MAX    16384
#define MDG_MODEL_UNITS_MAX 65536
#define MDG_KNN_K_MAX       1024

typedef struct mdg_knn {
    midge_knn_options options;
    midge_index *index;
    float *t; /* (rows of index, n_outputs) */
} mdg_knn;

typedef struct mdg_features {
    uint32_t n; /* random features; one more is the constant 1 */
    uint64_t seed;
    float w_scale;   /* sqrt(2 gamma / mean squared distance) */
    float *w;        /* (n_inputs, n), drawn from the seed */
    float *b;        /* (n), drawn from the seed */
    float *solution; /* (n + 1, n_outputs) */
} mdg_features;

typedef struct mdg_ensemble {
    uint32_t n, depth;
    midge_model **members;
    float *weights;
} mdg_ensemble;

struct midge_model {
    const midge_env *env;
    const mdg_kernels *kernels;
    midge_family family;
    midge_problem problem;
    uint32_t n_inputs, n_outputs;
    midge_net *net;
    mdg_knn knn;
    mdg_features features;
    mdg_ensemble ensemble;
};

/* An empty model; checks the sizes (a failing status is `bad`). */
midge_status mdg_model_make(const midge_env *env, midge_problem problem,
                            uint32_t n_inputs, uint32_t n_outputs,
                            midge_status bad, midge_model **out,
                            midge_error *err);
midge_status mdg_model_no_memory(midge_error *err);
/* The parts of a knn model, from rows x and t. */
midge_status mdg_knn_fill(midge_model *model, const midge_knn_options *options,
                          size_t n_rows, const float *x, const float *t,
                          midge_error *err);
/* Draws w and b, makes room for the solution. */
midge_status mdg_features_draw(midge_model *model, uint32_t n, uint64_t seed,
                               float w_scale, midge_error *err);
/* z (n_rows, n + 1): the random features of rows x. */
void mdg_features_of(const midge_model *model, size_t n_rows, const float *x,
                     float *z);
/* y = z solution, into y (n_rows, n_outputs). */
midge_status mdg_features_run(const midge_model *model, size_t n_rows,
                              const float *x, float *y);

/* A (n, n) in its lower triangle -> L with A = L L'. 0 when not positive
 * definite. `panel` has mdg_cholesky_panel(n) floats. */
int mdg_cholesky(const mdg_kernels *k, size_t n, float *a, float *panel);
size_t mdg_cholesky_panel(size_t n);
/* Solves L L' x = r in place. */
void mdg_cholesky_solve(const mdg_kernels *k, size_t n, const float *l,
                        float *r);

#endif
