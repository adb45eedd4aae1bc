/* ensemble.c: several models as one, their outputs weighted and added. Making
 * one also checks one: files are read through it. */
#include "model/predictor.h"

#include "base/alloc.h"

static int fits(const midge_model *member, const midge_model *first,
                midge_problem problem) {
    return member && member->problem == problem &&
           member->n_inputs == first->n_inputs &&
           member->n_outputs == first->n_outputs;
}

static midge_status check(midge_problem problem, midge_model *const *members,
                          const float *weights, size_t n, float *sum,
                          midge_error *err) {
    *sum = 0.0f;
    if (n == 0 || n > MDG_MEMBERS_MAX || !members || !weights) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "an ensemble has 1 to %u members with weights, "
                          "not %zu",
                          MDG_MEMBERS_MAX, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (!fits(members[i], members[0], problem)) {
            return midge_fail(err, MIDGE_E_MISMATCH,
                              "member %zu has another problem or shape", i);
        }
        if (!(weights[i] >= 0.0f) || weights[i] - weights[i] != 0.0f) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "weight %zu is negative or not finite", i);
        }
        if (mdg_model_nesting(members[i]) >= MDG_NESTING_MAX) {
            return midge_fail(err, MIDGE_E_LIMIT,
                              "ensembles are nested more than %u deep",
                              MDG_NESTING_MAX);
        }
        *sum += weights[i];
    }
    return *sum > 0.0f && *sum - *sum == 0.0f
               ? MIDGE_OK
               : midge_fail(err, MIDGE_E_INVALID, "the weights sum to %g",
                            (double)*sum);
}

static midge_status make(const midge_env *env, midge_problem problem,
                         midge_model **members, const float *weights, size_t n,
                         midge_model **out, midge_error *err) {
    float sum;
    midge_model *model;
    MIDGE_TRY(check(problem, members, weights, n, &sum, err));
    if (mdg_model_make(env, MIDGE_FAMILY_ENSEMBLE, problem,
                       members[0]->n_inputs, members[0]->n_outputs, &model)) {
        return mdg_no_memory("an ensemble", err);
    }
    midge_model **kept = mdg_alloc(env, n, sizeof(midge_model *));
    float *scaled = mdg_alloc(env, n, sizeof *scaled);
    if (!kept || !scaled) {
        mdg_release(env, kept, n, sizeof(midge_model *));
        mdg_release(env, scaled, n, sizeof *scaled);
        midge_model_free(model);
        return mdg_no_memory("an ensemble", err);
    }
    for (size_t i = 0; i < n; i++) {
        kept[i] = members[i];
        scaled[i] = weights[i] / sum;
    }
    model->ensemble = (mdg_ensemble){kept, scaled, (uint32_t)n};
    *out = model;
    return MIDGE_OK;
}

midge_status midge_model_ensemble_take(const midge_env *env,
                                       midge_problem problem,
                                       midge_model **members,
                                       const float *weights, size_t n_members,
                                       midge_model **out, midge_error *err) {
    *out = NULL;
    midge_status status =
        make(env, problem, members, weights, n_members, out, err);
    for (size_t i = 0; members && i < n_members && status != MIDGE_OK; i++) {
        midge_model_free(members[i]);
    }
    return status;
}
