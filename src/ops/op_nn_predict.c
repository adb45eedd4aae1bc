/* op_nn_predict.c: nn.predict: outputs for rows. A bundle answers as
 * model.predict does; a network by itself gives all of its outputs. */
#include "base/alloc.h"
#include "ops/nn_file.h"
#include "ops/ops_table.h"

static void write_outputs(const float *y, size_t n_rows, uint32_t n_out,
                          midge_buf *result, midge_json_writer *w) {
    midge_json_writer_init(w, result, 0);
    midge_json_begin_object(w);
    midge_json_key(w, "problem");
    midge_json_null(w);
    midge_json_key(w, "rows");
    midge_json_int(w, (int64_t)n_rows);
    midge_json_key(w, "outputs");
    midge_json_begin_array(w);
    for (size_t i = 0; i < n_rows; i++) {
        midge_json_begin_array(w);
        for (uint32_t j = 0; j < n_out; j++) {
            midge_json_float(w, y[i * n_out + j]);
        }
        midge_json_end_array(w);
    }
    midge_json_end_array(w);
    midge_json_end_object(w);
}

static midge_status predict(const mdg_nn_file *file, mdg_nn_source *source,
                            midge_buf *result, midge_error *err) {
    mdg_nn_coding coding;
    midge_json_writer w;
    MIDGE_TRY(mdg_nn_file_coding(file, source, 0, &coding, err));
    const size_t n = midge_dataset_n_rows(source->plain);
    const uint32_t n_out = mdg_nn_file_n_outputs(file);
    float *y = mdg_alloc(file->env, n * n_out, sizeof *y);
    if (!y) {
        return mdg_no_memory("outputs", err);
    }
    float *x = midge_dataset_x(source->plain); /* nobody needs it as it was */
    midge_scaling_apply(coding.inputs, mdg_nn_file_n_inputs(file), n, x);
    midge_status status = mdg_nn_file_run(file, n, x, y, err);
    if (status == MIDGE_OK) {
        mdg_nn_decode(&coding, n, y);
        write_outputs(y, n, n_out, result, &w);
        status = midge_json_writer_end(&w);
    }
    mdg_release(file->env, y, n * n_out, sizeof *y);
    return status;
}

MDG_OP_FN(nn_predict) {
    mdg_nn_file file;
    mdg_nn_source source = {0};
    MIDGE_TRY(mdg_nn_file_read(
        env, host, midge_json_get_string(args, "model", ""), &file, err));
    if (file.encoder) {
        mdg_nn_file_deinit(&file);
        return mdg_op_model_predict(env, host, args, result, err);
    }
    midge_status status = mdg_nn_source_read(
        env, host, midge_json_get_string(args, "data", ""), &source, err);
    if (status == MIDGE_OK) {
        status = predict(&file, &source, result, err);
    }
    mdg_nn_source_deinit(&source);
    mdg_nn_file_deinit(&file);
    return status;
}
