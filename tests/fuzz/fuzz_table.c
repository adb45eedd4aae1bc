/* fuzz_table.c: any bytes as a CSV or .npy file; of what is taken every cell is
 * looked at, and an encoder of the last column is fitted, written, read back.
 */
#include "fuzz_support.h"

enum { ROWS_MAX = 64 };

static void look_at_cells(const midge_table *table) {
    size_t n_rows = midge_table_n_rows(table);
    FUZZ_CHECK(n_rows > 0);
    for (size_t c = 0; c < midge_table_n_columns(table); c++) {
        FUZZ_CHECK(midge_table_column_name(table, c) != NULL);
        const float *numbers = midge_table_numbers(table, c);
        const int32_t *categories = midge_table_categories(table, c);
        FUZZ_CHECK((numbers != NULL) != (categories != NULL));
        int64_t n = (int64_t)midge_table_n_categories(table, c);
        for (size_t r = 0; r < n_rows && categories; r++) {
            FUZZ_CHECK(categories[r] >= -1 && categories[r] < n);
        }
        for (size_t r = 0; r < n_rows && numbers; r++) {
            FUZZ_CHECK(numbers[r] - numbers[r] == 0 ||
                       numbers[r] != numbers[r]);
        }
    }
}

/* Rows among the first ROWS_MAX whose target is there. */
static size_t rows_with(const midge_table *table, size_t target,
                        uint32_t rows[ROWS_MAX]) {
    const float *numbers = midge_table_numbers(table, target);
    const int32_t *categories = midge_table_categories(table, target);
    size_t n = 0;
    size_t n_rows = midge_table_n_rows(table);
    for (uint32_t r = 0; r < n_rows && r < ROWS_MAX; r++) {
        if (numbers ? numbers[r] == numbers[r] : categories[r] >= 0) {
            rows[n++] = r;
        }
    }
    return n;
}

static void round_trip(const midge_env *env, const midge_encoder *encoder) {
    midge_buf bytes;
    midge_buf_init(&bytes, env, 0);
    FUZZ_CHECK(midge_encoder_write(encoder, &bytes) == MIDGE_OK);
    midge_encoder *again = NULL;
    FUZZ_CHECK(midge_encoder_read(env, bytes.data, bytes.size, &again, NULL) ==
               MIDGE_OK);
    FUZZ_CHECK(midge_encoder_n_features(again) ==
               midge_encoder_n_features(encoder));
    midge_encoder_free(again);
    midge_buf_deinit(&bytes);
}

static void encode(const midge_env *env, const midge_table *table) {
    uint32_t rows[ROWS_MAX];
    size_t target = midge_table_n_columns(table) - 1;
    size_t n_rows = rows_with(table, target, rows);
    midge_encoder *encoder = NULL;
    midge_error err = {0};
    midge_status status = midge_encoder_fit(env, table, target, rows, n_rows,
                                            NULL, &encoder, &err);
    fuzz_check_error(status, &err);
    size_t width = encoder ? midge_encoder_n_features(encoder) : 0;
    if (encoder && width < 4096) {
        float *x = malloc(n_rows * width * sizeof *x);
        FUZZ_CHECK(x != NULL);
        FUZZ_CHECK(midge_encoder_features(encoder, table, rows, n_rows, x,
                                          &err) == MIDGE_OK);
        free(x);
        round_trip(env, encoder);
    }
    midge_encoder_free(encoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_error err = {0};
    midge_table *table = NULL;
    midge_status status = midge_table_read(&env, data, size, &table, &err);
    fuzz_check_error(status, &err);
    FUZZ_CHECK((status == MIDGE_OK) == (table != NULL));
    if (table) {
        look_at_cells(table);
        encode(&env, table);
    }
    midge_table_free(table);
    return 0;
}
