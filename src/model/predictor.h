/* predictor.h (internal): a model of any family. */
#ifndef MDG_PREDICTOR_H
#define MDG_PREDICTOR_H

#include "base/bytes.h"
#include "kernels/kernels.h"
#include "midge/model.h"
#include "vec/nearest.h"

#define MDG_MEMBERS_MAX         4096u
#define MDG_NESTING_MAX         4u
#define MDG_RANDOM_FEATURES_MAX 16384u
#define MDG_DRAWN_MAX           (1u << 26) /* numbers in W */
#define MDG_INPUTS_MAX          1048576u
#define MDG_OUTPUTS_MAX         65536u
#define MDG_BLOCK_ROWS          256u /* rows predicted at a time: bounds the memory */

typedef struct mdg_knn {
    mdg_nearest *index;
    float *targets; /* (index count, n_outputs) */
    uint32_t k;
    int weighted;
} mdg_knn;

/* z = sqrt(2 / n) cos(x W + b), y = [z 1] solution */
typedef struct mdg_features {
    uint32_t n;
    float spread;    /* standard deviation of the entries of W */
    uint64_t seed;   /* W and b are drawn from it again when a file is read */
    float *w;        /* (n_inputs, n) */
    float *b;        /* (n) */
    float *solution; /* (n + 1, n_outputs) */
} mdg_features;

typedef struct mdg_ensemble {
    midge_model **members;
    float *weights; /* sum to 1 */
    uint32_t n;
} mdg_ensemble;

struct midge_model {
    const midge_env *env;
    const mdg_kernels *kernels;
    midge_family family;
    midge_problem problem;
    uint32_t n_inputs;
    uint32_t n_outputs;
    midge_net *net;
    midge_net_int8 *int8;
    mdg_knn knn;
    mdg_features features;
    mdg_ensemble ensemble;
};

midge_status mdg_model_make(const midge_env *env, midge_family family,
                            midge_problem problem, uint32_t n_inputs,
                            uint32_t n_outputs, midge_model **out);
/* How a fit ends: with MIDGE_OK the model is handed over, else it is freed. */
midge_status mdg_model_finish(midge_model *model, midge_status status,
                              midge_model **out, midge_error *err);
uint32_t mdg_model_nesting(const midge_model *model);
/* What every fit asks of its rows: there are some, all of it is finite, and the
 * sizes are such as a file may have. */
midge_status mdg_model_check(const midge_env *env, uint32_t n_inputs,
                             uint32_t n_outputs, const midge_net_data *data,
                             midge_error *err);

/* Draws W and b from the seed; all of model->features but them and the solution
 * is set. */
midge_status mdg_features_draw(midge_model *model);
/* Features of n_rows rows into z (n_rows, n + 1), the last one 1. */
void mdg_features_map(const midge_model *model, size_t n_rows, const float *x,
                      float *z);

/* Class outputs made probabilities: negatives and NaN count as 0, what is above
 * 1e30 as 1e30, each row is scaled to sum to 1 (all equal when nothing is
 * left). Regression stays as it is. */
void mdg_normalise(const midge_model *model, size_t n_rows, float *y);

/* Solves (A + penalty I) X = B for a symmetric positive definite A (n, n), of
 * which the lower triangle is used, and B (n, m); the last row and column of A
 * get no penalty. A is overwritten, B becomes X. `scratch` has n * 64 floats.
 * MIDGE_E_STATE when A is not positive definite. */
midge_status mdg_ridge_solve(const mdg_kernels *kernels, size_t n, float *a,
                             size_t m, float *b, float penalty, float *scratch);

/* The content of a model file without its frame. */
midge_status mdg_model_put(const midge_model *model, midge_buf *out);
midge_status mdg_model_get(const midge_env *env, mdg_reader *r,
                           uint32_t nesting, midge_model **out,
                           midge_error *err);

#endif
