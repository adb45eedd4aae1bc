/* model_entry.c: what JavaScript calls in midge-core-*.wasm: models with their
 * encoders, as `midge learn` writes them. */
#include "base/alloc.h"
#include "entry.h"
#include "midge/model.h"

#define BLOCK_ROWS 512u /* predicted at once: bounds the working memory */

typedef struct bundle {
    midge_encoder *encoder;
    midge_model *model;
} bundle;

/* The outputs of one prediction over a table: (n_rows, n_outputs). They stay
 * until prediction_release; JavaScript copies and releases at once. */
typedef struct prediction {
    size_t n_rows;
    size_t bytes;
    float *y;
} prediction;

static prediction last;

EXPORT(bundle_open) bundle *entry_bundle_open(const void *bytes, size_t size);
EXPORT(bundle_close) void entry_bundle_close(bundle *b);
EXPORT(bundle_n_inputs) uint32_t entry_bundle_n_inputs(const bundle *b);
EXPORT(bundle_n_outputs) uint32_t entry_bundle_n_outputs(const bundle *b);
EXPORT(bundle_problem) int entry_bundle_problem(const bundle *b);
EXPORT(bundle_target) const char *entry_bundle_target(const bundle *b);
EXPORT(bundle_class)
const char *entry_bundle_class(const bundle *b, uint32_t index);
EXPORT(bundle_unscale) float entry_bundle_unscale(const bundle *b, float y);
EXPORT(bundle_predict)
int entry_bundle_predict(const bundle *b, size_t n_rows, const float *x,
                         float *y);
EXPORT(bundle_predict_table)
int entry_bundle_predict_table(const bundle *b, const void *bytes, size_t size);
EXPORT(prediction_rows) size_t entry_prediction_rows(void);
EXPORT(prediction_outputs) const float *entry_prediction_outputs(void);
EXPORT(prediction_release) void entry_prediction_release(void);

bundle *entry_bundle_open(const void *bytes, size_t size) {
    bundle *b = entry_alloc(sizeof *b);
    if (!b) {
        (void)mdg_no_memory("a model", &entry_error);
        return NULL;
    }
    if (midge_bundle_read(&entry_env, bytes, size, &b->encoder, &b->model,
                          &entry_error)) {
        entry_release(b, sizeof *b);
        return NULL;
    }
    return b;
}

void entry_bundle_close(bundle *b) {
    midge_encoder_free(b->encoder);
    midge_model_free(b->model);
    entry_release(b, sizeof *b);
}

uint32_t entry_bundle_n_inputs(const bundle *b) {
    return midge_model_n_inputs(b->model);
}

uint32_t entry_bundle_n_outputs(const bundle *b) {
    return midge_model_n_outputs(b->model);
}

int entry_bundle_problem(const bundle *b) {
    return (int)midge_encoder_problem(b->encoder);
}

const char *entry_bundle_target(const bundle *b) {
    return midge_encoder_target(b->encoder);
}

const char *entry_bundle_class(const bundle *b, uint32_t index) {
    return midge_encoder_class(b->encoder, index);
}

float entry_bundle_unscale(const bundle *b, float y) {
    return midge_encoder_unscale(b->encoder, y);
}

int entry_bundle_predict(const bundle *b, size_t n_rows, const float *x,
                         float *y) {
    return (int)midge_model_predict(b->model, n_rows, x, y, &entry_error);
}

void entry_prediction_release(void) {
    entry_release(last.y, last.bytes);
    last = (prediction){0};
}

size_t entry_prediction_rows(void) {
    return last.n_rows;
}

const float *entry_prediction_outputs(void) {
    return last.y;
}

/* Encodes and predicts `last` in blocks; x holds one block of features. */
static midge_status predict_blocks(const bundle *b, const midge_table *table,
                                   float *x) {
    uint32_t rows[BLOCK_ROWS];
    size_t n_outputs = midge_model_n_outputs(b->model);
    for (size_t first = 0; first < last.n_rows; first += BLOCK_ROWS) {
        size_t left = last.n_rows - first;
        size_t n = left < BLOCK_ROWS ? left : BLOCK_ROWS;
        for (size_t i = 0; i < n; i++) {
            rows[i] = (uint32_t)(first + i);
        }
        MIDGE_TRY(midge_encoder_features(b->encoder, table, rows, n, x,
                                         &entry_error));
        MIDGE_TRY(midge_model_predict(
            b->model, n, x, last.y + first * n_outputs, &entry_error));
    }
    return MIDGE_OK;
}

/* 64-bit products: inputs and outputs are limited, rows by the memory that
 * the table fills already. heap_realloc refuses what is too large. */
static midge_status predict_table(const bundle *b, const midge_table *table) {
    uint64_t n_rows = midge_table_n_rows(table);
    uint64_t block = n_rows < BLOCK_ROWS ? n_rows : BLOCK_ROWS;
    uint64_t y_bytes = n_rows * midge_model_n_outputs(b->model) * sizeof(float);
    size_t x_bytes =
        (size_t)(block * midge_model_n_inputs(b->model) * sizeof(float));
    float *x = entry_alloc(x_bytes);
    if (x && y_bytes <= SIZE_MAX) {
        last.n_rows = (size_t)n_rows;
        last.bytes = (size_t)y_bytes;
        last.y = entry_alloc(last.bytes);
    }
    midge_status status =
        x && last.y ? predict_blocks(b, table, x)
                    : midge_fail(&entry_error, MIDGE_E_NOMEM,
                                 "no memory for %zu rows", (size_t)n_rows);
    entry_release(x, x ? x_bytes : 0);
    return status;
}

int entry_bundle_predict_table(const bundle *b, const void *bytes,
                               size_t size) {
    midge_table *table = NULL;
    entry_prediction_release();
    midge_status status =
        midge_table_read(&entry_env, bytes, size, &table, &entry_error);
    if (status == MIDGE_OK) {
        status = predict_table(b, table);
    }
    midge_table_free(table);
    if (status != MIDGE_OK) {
        entry_prediction_release();
    }
    return (int)status;
}
