/* model.h: a learned predictor of any family behind one interface, and the
 * weighted ensemble of several; the file that `midge learn` writes and
 * `midge predict`, Node and the browser read.
 *
 * Families: net (nn.h), int8 (a net in small integers, nn_quant.h), knn (k
 * nearest neighbours over index.h) and features (random Fourier features with a
 * ridge solution; Rahimi & Recht 2007). Outputs are (n_rows, n_outputs): class
 * probabilities (non-negative, each row sums to 1), or one standardised value
 * for regression.
 */
#ifndef MIDGE_MODEL_H
#define MIDGE_MODEL_H

#include "midge/buf.h"
#include "midge/nn_quant.h"
#include "midge/nn_train.h"
#include "midge/table.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midge_model midge_model;

typedef enum midge_family { /* stored in files: frozen */
                            MIDGE_FAMILY_NET = 0,
                            MIDGE_FAMILY_KNN = 1,
                            MIDGE_FAMILY_FEATURES = 2,
                            MIDGE_FAMILY_ENSEMBLE = 3,
                            MIDGE_FAMILY_INT8 = 4
} midge_family;

typedef struct midge_knn_options {
    uint32_t k;
    int cosine;   /* 0: squared Euclidean distance */
    int weighted; /* vote by 1 / (distance + epsilon) instead of equally;
                     epsilon is 0.001 of the k-th distance */
} midge_knn_options;

typedef struct midge_features_options {
    uint32_t n_features; /* random features, 1..16384 */
    float gamma;  /* kernel exp(-gamma |x - y|^2 / mean squared distance) */
    float lambda; /* ridge penalty, per row */
    uint64_t seed;
} midge_features_options;

/* Each maker copies what it needs. Targets t: (n_rows, n_outputs), one-hot or
 * standardised. For classification the outputs of every family are made
 * probabilities: negatives count as 0, and each row is divided by its sum.
 * MIDGE_E_INVALID for rows that are not finite, k above the number of rows,
 * options out of bounds; MIDGE_E_STATE when the ridge equations are singular in
 * single precision; MIDGE_E_LIMIT when n_inputs times n_features is above 2^26.
 * A net is taken, also on failure; its own scaling is not applied: encoders
 * scale. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_model_from_net_take(const midge_env *env, midge_problem problem,
                          midge_net *net, midge_model **out);
MIDGE_API MIDGE_NODISCARD midge_status
midge_model_from_int8_take(const midge_env *env, midge_problem problem,
                           midge_net_int8 *net, midge_model **out);
MIDGE_API MIDGE_NODISCARD midge_status midge_model_fit_knn(
    const midge_env *env, midge_problem problem, uint32_t n_inputs,
    uint32_t n_outputs, const midge_net_data *data,
    const midge_knn_options *options, midge_model **out, midge_error *err);
MIDGE_API MIDGE_NODISCARD midge_status midge_model_fit_features(
    const midge_env *env, midge_problem problem, uint32_t n_inputs,
    uint32_t n_outputs, const midge_net_data *data,
    const midge_features_options *options, midge_model **out, midge_error *err);
/* Takes the members (frees them with the model, also on failure); the array
 * stays yours. 1 to 4096 members of the given problem and of one shape, else
 * MIDGE_E_MISMATCH. Weights are non-negative and are scaled to sum to 1.
 * Members may be ensembles, 4 deep in all, else MIDGE_E_LIMIT. */
MIDGE_API MIDGE_NODISCARD midge_status midge_model_ensemble_take(
    const midge_env *env, midge_problem problem, midge_model **members,
    const float *weights, size_t n_members, midge_model **out,
    midge_error *err);
MIDGE_API void midge_model_free(midge_model *model);

MIDGE_API midge_family midge_model_family(const midge_model *model);
MIDGE_API midge_problem midge_model_problem(const midge_model *model);
/* The network of a model of that family; NULL for others. */
MIDGE_API const midge_net *midge_model_net(const midge_model *model);
MIDGE_API uint32_t midge_model_n_inputs(const midge_model *model);
MIDGE_API uint32_t midge_model_n_outputs(const midge_model *model);

/* x (n_rows, n_inputs) encoded features -> y (n_rows, n_outputs). Allocates
 * working memory from the model's env; rows are independent: one row gives the
 * same bits as in a batch. MIDGE_E_INVALID when x is not finite, and names the
 * row. Threads may share a model when its env's allocator allows it. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_model_predict(const midge_model *model, size_t n_rows, const float *x,
                    float *y, midge_error *err);

/* Model bytes (spec/formats/model.md), without an encoder. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_model_write(const midge_model *model, midge_buf *out);
MIDGE_API MIDGE_NODISCARD midge_status midge_model_read(const midge_env *env,
                                                        const void *bytes,
                                                        size_t size,
                                                        midge_model **out,
                                                        midge_error *err);

/* A bundle is what `midge learn` writes: encoder and model in one file
 * (spec/formats/bundle.md). On success both are yours. */
MIDGE_API MIDGE_NODISCARD midge_status midge_bundle_write(
    const midge_encoder *encoder, const midge_model *model, midge_buf *out);
MIDGE_API MIDGE_NODISCARD midge_status midge_bundle_read(
    const midge_env *env, const void *bytes, size_t size,
    midge_encoder **encoder, midge_model **model, midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
