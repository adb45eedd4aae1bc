/* nn_file.c: files are told apart by how they begin. */
#include "ops/nn_file.h"

#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"

#define BLOCK_ROWS 256u

const char *mdg_nn_kind_name(mdg_nn_kind kind) {
    static const char *const names[] = {"bundle", "net", "fann", "json",
                                        "int8"};
    return names[kind];
}

/* ---- Reading ------------------------------------------------------------- */

static int begins_with(const midge_buf *bytes, const char *magic) {
    size_t size = strlen(magic);
    return bytes->size >= size && memcmp(bytes->data, magic, size) == 0;
}

static midge_status read_fann(mdg_nn_file *f, const midge_buf *b,
                              midge_error *err) {
    f->settings = mdg_alloc(f->env, 1, sizeof *f->settings);
    if (!f->settings) {
        return mdg_no_memory("a network", err);
    }
    MIDGE_TRY(midge_net_read_fann(f->env, b->data, b->size, &f->own,
                                  f->settings, err));
    f->net = f->own;
    return MIDGE_OK;
}

static midge_status read_bytes(mdg_nn_file *f, const midge_buf *b,
                               midge_error *err) {
    f->bytes = b->size;
    if (begins_with(b, "MIDGEBUN")) {
        f->kind = MDG_NN_BUNDLE;
        MIDGE_TRY(midge_bundle_read(f->env, b->data, b->size, &f->encoder,
                                    &f->model, err));
        f->net = midge_model_net(f->model);
        return MIDGE_OK;
    }
    if (begins_with(b, "MIDGENET")) {
        f->kind = MDG_NN_NET;
        MIDGE_TRY(midge_net_read(f->env, b->data, b->size, &f->own, err));
        f->net = f->own;
        return MIDGE_OK;
    }
    if (begins_with(b, "MIDGENI8")) {
        f->kind = MDG_NN_INT8;
        return midge_net_int8_read(f->env, b->data, b->size, &f->int8, err);
    }
    if (begins_with(b, "{")) {
        f->kind = MDG_NN_JSON;
        MIDGE_TRY(midge_net_read_json(f->env, b->data, b->size, &f->own, err));
        f->net = f->own;
        return MIDGE_OK;
    }
    if (begins_with(b, "FANN_F")) {
        f->kind = MDG_NN_FANN;
        return read_fann(f, b, err);
    }
    return midge_fail(err, MIDGE_E_PARSE,
                      "this is no network: neither a model of midge train or "
                      "learn, nor .mnet, .json, int8 or FANN's .net");
}

midge_status mdg_nn_file_read(const midge_env *env, const midge_op_host *host,
                              const char *ref, mdg_nn_file *out,
                              midge_error *err) {
    midge_buf bytes;
    memset(out, 0, sizeof *out);
    out->env = env;
    midge_buf_init(&bytes, env, 0);
    midge_status status = host->get_blob(host->ctx, ref, &bytes, err);
    if (status == MIDGE_OK) {
        status = read_bytes(out, &bytes, err);
    }
    midge_buf_deinit(&bytes);
    if (status != MIDGE_OK) {
        mdg_nn_file_deinit(out);
    }
    return status;
}

void mdg_nn_file_deinit(mdg_nn_file *file) {
    midge_encoder_free(file->encoder);
    midge_model_free(file->model);
    midge_net_free(file->own);
    midge_net_int8_free(file->int8);
    mdg_release(file->env, file->settings, 1, sizeof *file->settings);
    memset(file, 0, sizeof *file);
}

uint32_t mdg_nn_file_n_inputs(const mdg_nn_file *file) {
    return file->model  ? midge_model_n_inputs(file->model)
           : file->int8 ? midge_net_int8_n_inputs(file->int8)
                        : midge_net_n_inputs(file->net);
}

uint32_t mdg_nn_file_n_outputs(const mdg_nn_file *file) {
    return file->model  ? midge_model_n_outputs(file->model)
           : file->int8 ? midge_net_int8_n_outputs(file->int8)
                        : midge_net_n_outputs(file->net);
}

const midge_scaling *mdg_nn_file_inputs(const mdg_nn_file *file) {
    return file->int8 ? midge_net_int8_input_scaling(file->int8)
                      : midge_net_input_scaling(file->net);
}

const midge_scaling *mdg_nn_file_outputs(const mdg_nn_file *file) {
    return file->int8 ? midge_net_int8_output_scaling(file->int8)
                      : midge_net_output_scaling(file->net);
}

/* ---- Rows for it --------------------------------------------------------- */

static midge_status copy_column(const midge_table *table, size_t column,
                                float *to, size_t stride, midge_error *err) {
    const float *numbers = midge_table_numbers(table, column);
    const char *name = midge_table_column_name(table, column);
    if (!numbers) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "column '%.*s' is text, and this network takes "
                          "numbers only",
                          80, name);
    }
    for (size_t r = 0; r < midge_table_n_rows(table); r++) {
        if (numbers[r] != numbers[r]) {
            return midge_fail(err, MIDGE_E_MISMATCH,
                              "row %zu of the data has no '%.*s', and this "
                              "network cannot do without",
                              r + 1, 80, name);
        }
        to[r * stride] = numbers[r];
    }
    return MIDGE_OK;
}

/* The table as plain rows; columns beyond the inputs are the outputs, when
 * there are as many as that. */
static midge_status plain_of_table(const mdg_nn_file *f, mdg_nn_source *source,
                                   int targets, midge_error *err) {
    const midge_table *table = source->table;
    const uint32_t n_in = mdg_nn_file_n_inputs(f);
    const uint32_t n_out = mdg_nn_file_n_outputs(f);
    const size_t n = midge_table_n_columns(table);
    if (n != (size_t)n_in + n_out && (targets || n != n_in)) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "the data have %zu columns; the network has %u "
                          "inputs and %u outputs",
                          n, n_in, n_out);
    }
    midge_dataset *plain;
    MIDGE_TRY(midge_dataset_new(f->env, midge_table_n_rows(table), n_in,
                                n == n_in ? 0 : n_out, NULL, NULL, &plain,
                                err));
    midge_status status = MIDGE_OK;
    for (size_t c = 0; c < n && status == MIDGE_OK; c++) {
        status =
            c < n_in
                ? copy_column(table, c, midge_dataset_x(plain) + c, n_in, err)
                : copy_column(table, c, midge_dataset_t(plain) + (c - n_in),
                              n_out, err);
    }
    if (status != MIDGE_OK) {
        midge_dataset_free(plain);
        return status;
    }
    mdg_nn_source_deinit(source);
    source->plain = plain;
    return MIDGE_OK;
}

midge_status mdg_nn_file_coding(const mdg_nn_file *file, mdg_nn_source *source,
                                int targets, mdg_nn_coding *out,
                                midge_error *err) {
    memset(out, 0, sizeof *out);
    if (file->encoder) {
        if (!source->table) {
            return midge_fail(err, MIDGE_E_MISMATCH,
                              "this model was learned from a table: it takes "
                              "CSV or .npy with the same columns");
        }
        out->encoder = file->encoder;
        out->meaning = mdg_nn_meaning_of_encoder(file->encoder);
        return MIDGE_OK;
    }
    if (source->table) {
        MIDGE_TRY(plain_of_table(file, source, targets, err));
    }
    const uint32_t n_in = midge_dataset_n_inputs(source->plain);
    const uint32_t n_out = midge_dataset_n_outputs(source->plain);
    if (n_in != mdg_nn_file_n_inputs(file) ||
        (targets && n_out != mdg_nn_file_n_outputs(file))) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "the data have %u inputs and %u outputs; the network "
                          "has %u and %u",
                          n_in, n_out, mdg_nn_file_n_inputs(file),
                          mdg_nn_file_n_outputs(file));
    }
    out->inputs = mdg_nn_file_inputs(file);
    out->outputs = mdg_nn_file_outputs(file);
    out->meaning = mdg_nn_meaning_of_plain(source->plain);
    if (!targets) { /* outputs as they are */
        out->meaning = (mdg_nn_meaning){MIDGE_PROBLEM_REGRESS,
                                        mdg_nn_file_n_outputs(file), 0, 0, 0};
    }
    return MIDGE_OK;
}

/* ---- Running ------------------------------------------------------------- */

typedef struct job {
    const midge_net *net;
    const float *x;
    float *y;
    char *workspace;
    size_t workspace_bytes; /* of one worker */
} job;

static void run_share(void *arg, size_t begin, size_t end, unsigned worker) {
    const job *j = arg;
    const size_t n_in = midge_net_n_inputs(j->net);
    const size_t n_out = midge_net_n_outputs(j->net);
    while (begin < end) {
        size_t n = end - begin < BLOCK_ROWS ? end - begin : BLOCK_ROWS;
        /* All arguments are there: it cannot fail. */
        (void)!midge_net_run(j->net, n, j->x + begin * n_in,
                             j->y + begin * n_out,
                             j->workspace + worker * j->workspace_bytes);
        begin += n;
    }
}

midge_status mdg_nn_run(const midge_env *env, const midge_net *net,
                        size_t n_rows, const float *x, float *y,
                        midge_error *err) {
    const unsigned workers = mdg_workers(env);
    job j = {net, x, y, NULL, midge_net_workspace_bytes(net, BLOCK_ROWS)};
    j.workspace_bytes = (j.workspace_bytes + 63) / 64 * 64 + 64;
    j.workspace = mdg_alloc(env, workers, j.workspace_bytes);
    if (!j.workspace) {
        return mdg_no_memory("running a network", err);
    }
    mdg_parallel_for(env, n_rows, BLOCK_ROWS, run_share, &j);
    mdg_release(env, j.workspace, workers, j.workspace_bytes);
    return MIDGE_OK;
}

/* It shares rows among threads by itself. */
midge_status mdg_nn_run_int8(const midge_env *env, const midge_net_int8 *net,
                             size_t n_rows, const float *x, float *y,
                             midge_error *err) {
    size_t bytes = midge_net_int8_workspace_bytes(net, n_rows);
    void *workspace = mdg_alloc(env, bytes, 1);
    if (!workspace) {
        return mdg_no_memory("running a network", err);
    }
    midge_status status = midge_net_int8_run(net, n_rows, x, y, workspace);
    mdg_release(env, workspace, bytes, 1);
    return status == MIDGE_OK
               ? MIDGE_OK
               : midge_fail(err, status, "the network could not be run");
}

midge_status mdg_nn_file_run(const mdg_nn_file *file, size_t n_rows,
                             const float *x, float *y, midge_error *err) {
    if (file->model) {
        return midge_model_predict(file->model, n_rows, x, y, err);
    }
    return file->int8
               ? mdg_nn_run_int8(file->env, file->int8, n_rows, x, y, err)
               : mdg_nn_run(file->env, file->net, n_rows, x, y, err);
}
