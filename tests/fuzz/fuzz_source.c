/* fuzz_source.c: any bytes as a file of vectors in any format: the first byte
 * says which. What is taken is read in batches and put into an index. */
#include "fuzz_support.h"

#include "midge/vector_source.h"

enum { DIM_MAX = 64, ROWS_MAX = 64 };

static void add(const midge_env *env, const midge_source_rows *batch,
                const midge_vector_source *source, int bits) {
    midge_index_options options = MIDGE_INDEX_DEFAULTS;
    midge_index *index;
    options.dim = midge_vector_source_dim(source);
    options.kind = MIDGE_INDEX_FLAT;
    if (bits) {
        options.metric = MIDGE_METRIC_HAMMING;
        options.storage = MIDGE_STORAGE_BINARY;
    }
    (void)midge_vector_source_has_ids(source, &options.id_type);
    FUZZ_CHECK(midge_index_new(env, &options, &index, NULL) == MIDGE_OK);
    for (uint32_t i = 0; i < midge_vector_source_n_columns(source); i++) {
        midge_column_kind kind;
        const char *name = midge_vector_source_column(source, i, &kind);
        (void)!midge_index_column_add(index, name, kind, NULL);
    }
    midge_error err = {0};
    fuzz_check_error(midge_index_add(index, &batch->rows, NULL, &err), &err);
    midge_index_free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_error err = {0};
    midge_vector_source *source = NULL;
    if (size == 0) {
        return 0;
    }
    const midge_source_options options = {
        .format = (midge_vector_format)(data[0] % 7),
        .bits = data[0] / 7 % 2,
        .text = data[0] / 14 % 3 == 2 ? "text" : NULL};
    midge_status status = midge_vector_source_new(&env, data + 1, size - 1,
                                                  &options, &source, &err);
    fuzz_check_error(status, &err);
    FUZZ_CHECK((status == MIDGE_OK) == (source != NULL));
    uint64_t rows = 0;
    while (source && rows < ROWS_MAX) {
        midge_source_rows batch;
        status =
            midge_vector_source_next(source, 1 + data[0] % 5, &batch, &err);
        fuzz_check_error(status, &err);
        if (status != MIDGE_OK || batch.rows.count == 0) {
            break;
        }
        FUZZ_CHECK(batch.first == rows);
        rows += batch.rows.count;
        FUZZ_CHECK(rows <= midge_vector_source_count(source));
        if (!options.text && midge_vector_source_dim(source) <= DIM_MAX) {
            add(&env, &batch, source, options.bits);
        }
    }
    midge_vector_source_free(source);
    return 0;
}
