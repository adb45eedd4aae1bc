/* dataset.c: rows to learn from, and datasets out of others. */
#include "data/dataset.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

midge_status mdg_dataset_make(const midge_env *env, size_t n_rows,
                              uint32_t n_inputs, uint32_t n_outputs,
                              midge_dataset **out, midge_error *err) {
    size_t width = (size_t)n_inputs + n_outputs, floats;
    *out = NULL;
    if (n_rows == 0 || n_inputs == 0 || n_rows > UINT32_MAX) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a dataset has 1 to 2^32 - 1 rows and 1 input or "
                          "more");
    }
    if (width < n_inputs || !mdg_multiply_size(n_rows, width, &floats) ||
        floats > MIDGE_DATASET_FLOATS_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "%zu rows of %u inputs and %u outputs are more than "
                          "2^31 numbers",
                          n_rows, n_inputs, n_outputs);
    }
    midge_dataset *data = mdg_alloc_zero(env, 1, sizeof *data);
    if (!data) {
        return mdg_no_memory("a dataset", err);
    }
    data->env = env;
    data->n_rows = n_rows;
    data->n_inputs = n_inputs;
    data->n_outputs = n_outputs;
    data->x = mdg_alloc(env, n_rows * n_inputs, sizeof *data->x);
    data->t = mdg_alloc(env, n_rows * n_outputs, sizeof *data->t);
    if (!data->x || (n_outputs > 0 && !data->t)) {
        midge_dataset_free(data);
        return mdg_no_memory("a dataset", err);
    }
    *out = data;
    return MIDGE_OK;
}

void midge_dataset_free(midge_dataset *data) {
    if (data) {
        mdg_release(data->env, data->x, data->n_rows * data->n_inputs,
                    sizeof *data->x);
        mdg_release(data->env, data->t, data->n_rows * data->n_outputs,
                    sizeof *data->t);
        mdg_release(data->env, data, 1, sizeof *data);
    }
}

/* Into `to`, (n_rows, width); NULL: zeros. */
static midge_status fill(float *to, const float *from, size_t n_rows,
                         size_t width, const char *what, midge_error *err) {
    for (size_t i = 0; i < n_rows * width; i++) {
        to[i] = from ? from[i] : 0.0f;
        if (!(to[i] - to[i] == 0.0f)) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "%s %zu of row %zu is not finite", what,
                              i % width + 1, i / width + 1);
        }
    }
    return MIDGE_OK;
}

midge_status midge_dataset_new(const midge_env *env, size_t n_rows,
                               uint32_t n_inputs, uint32_t n_outputs,
                               const float *x, const float *t,
                               midge_dataset **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn) {
        return midge_fail(err, MIDGE_E_INVALID, "env is missing");
    }
    midge_dataset *data;
    MIDGE_TRY(mdg_dataset_make(env, n_rows, n_inputs, n_outputs, &data, err));
    midge_status status = fill(data->x, x, n_rows, n_inputs, "input", err);
    if (status == MIDGE_OK) {
        status = fill(data->t, t, n_rows, n_outputs, "output", err);
    }
    if (status != MIDGE_OK) {
        midge_dataset_free(data);
        return status;
    }
    *out = data;
    return MIDGE_OK;
}

size_t midge_dataset_n_rows(const midge_dataset *data) {
    return data->n_rows;
}

uint32_t midge_dataset_n_inputs(const midge_dataset *data) {
    return data->n_inputs;
}

uint32_t midge_dataset_n_outputs(const midge_dataset *data) {
    return data->n_outputs;
}

float *midge_dataset_x(midge_dataset *data) {
    return data->x;
}

float *midge_dataset_t(midge_dataset *data) {
    return data->t;
}

midge_net_data midge_dataset_view(const midge_dataset *data) {
    return (midge_net_data){data->n_rows, data->x, data->t};
}

/* ---- Out of others ------------------------------------------------------- */

static void put_rows(midge_dataset *to, size_t at, const midge_dataset *from,
                     size_t first, size_t n_rows) {
    const size_t n_in = to->n_inputs, n_out = to->n_outputs;
    memcpy(to->x + at * n_in, from->x + first * n_in,
           n_rows * n_in * sizeof *to->x);
    if (n_out > 0) {
        memcpy(to->t + at * n_out, from->t + first * n_out,
               n_rows * n_out * sizeof *to->t);
    }
}

midge_status midge_dataset_pick(const midge_dataset *data, const uint32_t *rows,
                                size_t n_rows, midge_dataset **out,
                                midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!data || !rows) {
        return midge_fail(err, MIDGE_E_INVALID, "an argument is NULL");
    }
    for (size_t i = 0; i < n_rows; i++) {
        if (rows[i] >= data->n_rows) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "no row %u: there are %zu, counted from 0",
                              rows[i], data->n_rows);
        }
    }
    MIDGE_TRY(mdg_dataset_make(data->env, n_rows, data->n_inputs,
                               data->n_outputs, out, err));
    for (size_t i = 0; i < n_rows; i++) {
        put_rows(*out, i, data, rows[i], 1);
    }
    return MIDGE_OK;
}

midge_status midge_dataset_subset(const midge_dataset *data, size_t first,
                                  size_t n_rows, midge_dataset **out,
                                  midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!data || first > data->n_rows || n_rows > data->n_rows - first) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "no %zu rows from row %zu on, counted from 0", n_rows,
                          first);
    }
    MIDGE_TRY(mdg_dataset_make(data->env, n_rows, data->n_inputs,
                               data->n_outputs, out, err));
    put_rows(*out, 0, data, first, n_rows);
    return MIDGE_OK;
}

midge_status midge_dataset_copy(const midge_dataset *data,
                                midge_dataset **out) {
    return midge_dataset_subset(data, 0, data ? data->n_rows : 0, out, NULL);
}

midge_status midge_dataset_merge(const midge_dataset *a, const midge_dataset *b,
                                 midge_dataset **out, midge_error *err) {
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!a || !b) {
        return midge_fail(err, MIDGE_E_INVALID, "an argument is NULL");
    }
    if (a->n_inputs != b->n_inputs || a->n_outputs != b->n_outputs) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "rows of %u inputs and %u outputs do not go with "
                          "rows of %u and %u",
                          a->n_inputs, a->n_outputs, b->n_inputs, b->n_outputs);
    }
    MIDGE_TRY(mdg_dataset_make(a->env, a->n_rows + b->n_rows, a->n_inputs,
                               a->n_outputs, out, err));
    put_rows(*out, 0, a, 0, a->n_rows);
    put_rows(*out, a->n_rows, b, 0, b->n_rows);
    return MIDGE_OK;
}

static void swap_floats(float *a, float *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

/* Fisher-Yates, row by row: no memory, so it cannot fail. */
void midge_dataset_shuffle(midge_dataset *data, uint64_t seed) {
    const size_t n_in = data->n_inputs, n_out = data->n_outputs;
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (size_t i = data->n_rows; i > 1; i--) {
        size_t j = mdg_rng_below(&rng, (uint32_t)i);
        swap_floats(data->x + (i - 1) * n_in, data->x + j * n_in, n_in);
        if (n_out > 0) {
            swap_floats(data->t + (i - 1) * n_out, data->t + j * n_out, n_out);
        }
    }
}
