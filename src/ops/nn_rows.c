/* nn_rows.c: two kinds of data, one kind of rows. */
#include "ops/nn_rows.h"

#include <string.h>

#include "base/alloc.h"

/* ---- Reading ------------------------------------------------------------- */

/* FANN's training data begin with a line of three whole numbers with spaces
 * between, which as the header of CSV would be one strange name. */
static int is_fann(const char *text, size_t size) {
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        size_t start = at;
        while (at < size && text[at] >= '0' && text[at] <= '9') {
            at++;
        }
        if (at == start) {
            return 0;
        }
        while (at < size && (text[at] == ' ' || text[at] == '\r')) {
            at++;
        }
    }
    return at == size || text[at] == '\n';
}

midge_status mdg_nn_source_read(const midge_env *env, const midge_op_host *host,
                                const char *ref, mdg_nn_source *out,
                                midge_error *err) {
    midge_buf bytes;
    memset(out, 0, sizeof *out);
    midge_buf_init(&bytes, env, MIDGE_TABLE_BYTES_MAX);
    midge_status status = host->get_blob(host->ctx, ref, &bytes, err);
    if (status == MIDGE_OK) {
        status = is_fann(bytes.data, bytes.size)
                     ? midge_dataset_read_fann(env, bytes.data, bytes.size,
                                               &out->plain, err)
                     : midge_table_read(env, bytes.data, bytes.size,
                                        &out->table, err);
    }
    midge_buf_deinit(&bytes);
    return status;
}

void mdg_nn_source_deinit(mdg_nn_source *source) {
    midge_table_free(source->table);
    midge_dataset_free(source->plain);
    memset(source, 0, sizeof *source);
}

size_t mdg_nn_source_n_rows(const mdg_nn_source *source) {
    return source->table ? midge_table_n_rows(source->table)
                         : midge_dataset_n_rows(source->plain);
}

/* ---- What outputs mean --------------------------------------------------- */

mdg_nn_meaning mdg_nn_meaning_of_encoder(const midge_encoder *encoder) {
    midge_problem problem = midge_encoder_problem(encoder);
    uint32_t n = midge_encoder_n_outputs(encoder);
    return (mdg_nn_meaning){
        problem, n, problem == MIDGE_PROBLEM_CLASSIFY ? n : 0, 0.0f, 1.0f};
}

mdg_nn_meaning mdg_nn_meaning_of_plain(midge_dataset *plain) {
    const uint32_t n_out = midge_dataset_n_outputs(plain);
    const size_t n = midge_dataset_n_rows(plain) * n_out;
    const float *t = midge_dataset_t(plain);
    mdg_nn_meaning m = {MIDGE_PROBLEM_REGRESS, n_out, 0, 0.0f, 0.0f};
    size_t n_high = 0;
    float low = 0.0f;
    for (size_t i = 0; i < n; i++) {
        low = t[i] < low ? -1.0f : low;
    }
    for (size_t i = 0; i < n; i++) {
        n_high += t[i] == 1.0f;
        if ((t[i] != low && t[i] != 1.0f) ||
            (n_out > 1 && (i + 1) % n_out == 0 && n_high != (i + 1) / n_out)) {
            return m;
        }
    }
    if (n_high == 0 || n_high == n) {
        return m;
    }
    m.problem = MIDGE_PROBLEM_CLASSIFY;
    m.n_classes = n_out == 1 ? 2 : n_out;
    m.low = low;
    m.high = 1.0f;
    return m;
}

int32_t mdg_nn_class(const mdg_nn_meaning *meaning, const float *t) {
    if (meaning->n_outputs == 1) {
        return t[0] == meaning->high;
    }
    for (uint32_t j = 0; j < meaning->n_outputs; j++) {
        if (t[j] == meaning->high) {
            return (int32_t)j;
        }
    }
    return -1;
}

void mdg_nn_probabilities(const mdg_nn_meaning *meaning, size_t n_rows,
                          float *y) {
    const uint32_t n = meaning->n_outputs;
    const float width = meaning->high - meaning->low;
    for (size_t i = 0; i < n_rows; i++, y += n) {
        float sum = 0.0f;
        for (uint32_t j = 0; j < n; j++) {
            float p = (y[j] - meaning->low) / width;
            y[j] = p > 1e30f ? 1e30f : p > 0.0f ? p : 0.0f;
            sum += y[j];
        }
        if (n == 1) {
            y[0] = y[0] > 1.0f ? 1.0f : y[0];
            continue;
        }
        for (uint32_t j = 0; j < n; j++) {
            y[j] = sum > 0.0f ? y[j] / sum : 1.0f / (float)n;
        }
    }
}

/* ---- Rows ---------------------------------------------------------------- */

void mdg_nn_rows_deinit(mdg_nn_rows *rows) {
    if (rows->data) {
        mdg_release(rows->env, rows->label, midge_dataset_n_rows(rows->data),
                    sizeof *rows->label);
    }
    mdg_release(rows->env, rows->truth, rows->n_truth, sizeof *rows->truth);
    midge_dataset_free(rows->data);
    memset(rows, 0, sizeof *rows);
}

/* Room for labels or for the truth. */
static midge_status make_room(mdg_nn_rows *rows, const mdg_nn_meaning *meaning,
                              midge_error *err) {
    const size_t n = midge_dataset_n_rows(rows->data);
    if (meaning->n_classes > 0) {
        rows->label = mdg_alloc(rows->env, n, sizeof *rows->label);
    } else {
        rows->n_truth = n * meaning->n_outputs;
        rows->truth = mdg_alloc(rows->env, rows->n_truth, sizeof *rows->truth);
    }
    return rows->label || rows->truth ? MIDGE_OK
                                      : mdg_no_memory("what is true", err);
}

static midge_status from_table(const mdg_nn_source *source,
                               const mdg_nn_coding *coding,
                               const uint32_t *chosen, size_t n,
                               mdg_nn_rows *out, midge_error *err) {
    MIDGE_TRY(midge_dataset_from_table(out->env, coding->encoder, source->table,
                                       chosen, n, &out->data, err));
    MIDGE_TRY(make_room(out, &coding->meaning, err));
    if (out->truth) {
        return midge_encoder_targets(coding->encoder, source->table, chosen, n,
                                     NULL, out->truth, err);
    }
    const float *t = midge_dataset_t(out->data);
    for (size_t i = 0; i < n; i++) {
        out->label[i] =
            mdg_nn_class(&coding->meaning, t + i * coding->meaning.n_outputs);
    }
    return MIDGE_OK;
}

static midge_status from_plain(const mdg_nn_source *source,
                               const mdg_nn_coding *coding,
                               const uint32_t *chosen, size_t n,
                               mdg_nn_rows *out, midge_error *err) {
    const uint32_t n_out = coding->meaning.n_outputs;
    MIDGE_TRY(midge_dataset_pick(source->plain, chosen, n, &out->data, err));
    MIDGE_TRY(make_room(out, &coding->meaning, err));
    float *t = midge_dataset_t(out->data);
    for (size_t i = 0; i < n && out->label; i++) {
        out->label[i] = mdg_nn_class(&coding->meaning, t + i * n_out);
    }
    if (out->truth) {
        memcpy(out->truth, t, n * n_out * sizeof *t);
    }
    midge_scaling_apply(coding->inputs, midge_dataset_n_inputs(out->data), n,
                        midge_dataset_x(out->data));
    midge_scaling_apply(coding->outputs, n_out, n, t);
    return MIDGE_OK;
}

midge_status mdg_nn_rows_make(const midge_env *env, const mdg_nn_source *source,
                              const mdg_nn_coding *coding,
                              const uint32_t *chosen, size_t n,
                              mdg_nn_rows *out, midge_error *err) {
    memset(out, 0, sizeof *out);
    out->env = env;
    midge_status status = source->table
                              ? from_table(source, coding, chosen, n, out, err)
                              : from_plain(source, coding, chosen, n, out, err);
    if (status != MIDGE_OK) {
        mdg_nn_rows_deinit(out);
    }
    return status;
}

void mdg_nn_decode(const mdg_nn_coding *coding, size_t n_rows, float *y) {
    const mdg_nn_meaning *m = &coding->meaning;
    if (m->n_classes > 0) {
        midge_scaling_undo(coding->outputs, m->n_outputs, n_rows, y);
        mdg_nn_probabilities(m, n_rows, y);
    } else if (coding->encoder) {
        for (size_t i = 0; i < n_rows; i++) {
            y[i] = midge_encoder_unscale(coding->encoder, y[i]);
        }
    } else {
        midge_scaling_undo(coding->outputs, m->n_outputs, n_rows, y);
    }
}
