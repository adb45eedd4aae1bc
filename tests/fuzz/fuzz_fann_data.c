/* fuzz_fann_data.c: any bytes as FANN's training data; what is taken is written
 * and read back with the same bits. */
#include "fuzz_support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_error err = {0};
    midge_dataset *rows = NULL, *again = NULL;
    midge_status status =
        midge_dataset_read_fann(&env, data, size, &rows, &err);
    fuzz_check_error(status, &err);
    FUZZ_CHECK((status == MIDGE_OK) == (rows != NULL));
    if (!rows) {
        return 0;
    }
    size_t n = midge_dataset_n_rows(rows);
    midge_buf out;
    midge_buf_init(&out, &env, 0);
    FUZZ_CHECK(midge_dataset_write_fann(rows, &out) == MIDGE_OK);
    FUZZ_CHECK(midge_dataset_read_fann(&env, out.data, out.size, &again,
                                       NULL) == MIDGE_OK);
    FUZZ_CHECK(midge_dataset_n_rows(again) == n);
    FUZZ_CHECK(memcmp(midge_dataset_x(rows), midge_dataset_x(again),
                      n * midge_dataset_n_inputs(rows) * sizeof(float)) == 0);
    FUZZ_CHECK(midge_dataset_n_outputs(rows) == 0 ||
               memcmp(midge_dataset_t(rows), midge_dataset_t(again),
                      n * midge_dataset_n_outputs(rows) * sizeof(float)) == 0);
    midge_buf_deinit(&out);
    midge_dataset_free(again);
    midge_dataset_free(rows);
    return 0;
}
