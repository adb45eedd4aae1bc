/* core_entry.c: what JavaScript calls in the core module.
 *
 * A wasm instance is one thread with one memory, so this door, unlike the core
 * behind it, may hold an env and the last error. Handles are pointers; sizes
 * and counts are 32-bit. A function that can fail returns a midge_status, or a
 * handle that is 0; error_text then says why.
 */
#include "heap.h"
#include "midge/model.h"
#include "midge/selftest.h"
#include "midge/swarm.h"
#include "midge/version.h"

#define EXPORT(name) __attribute__((export_name(#name)))

#ifdef __wasm_simd128__
#define CPU_BITS MIDGE_CPU_SIMD128
#else
#define CPU_BITS 0
#endif

typedef struct bundle {
    midge_encoder *encoder;
    midge_model *model;
} bundle;

/* The outputs of one prediction over a table: (n_rows, n_outputs). */
typedef struct prediction {
    size_t n_rows;
    size_t bytes;
    float *y;
} prediction;

static const midge_env env = {heap_realloc, NULL, NULL, NULL, CPU_BITS};
static midge_error error;
static prediction last;

EXPORT(alloc) void *entry_alloc(size_t size);
EXPORT(release) void entry_release(void *block, size_t size);
EXPORT(heap_used) size_t entry_heap_used(void);
EXPORT(error_text) const char *entry_error_text(void);
EXPORT(error_status) int entry_error_status(void);
EXPORT(version) const char *entry_version(void);
EXPORT(selftest) uint32_t entry_selftest(void);
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
const float *entry_bundle_predict_table(const bundle *b, const void *bytes,
                                        size_t size);
EXPORT(predicted_rows) size_t entry_predicted_rows(void);
EXPORT(swarm_open) midge_swarm *entry_swarm_open(void);
EXPORT(swarm_close) void entry_swarm_close(midge_swarm *swarm);
EXPORT(swarm_replay)
int entry_swarm_replay(midge_swarm *swarm, const char *text, size_t size);
EXPORT(swarm_last_seq) uint32_t entry_swarm_last_seq(const midge_swarm *swarm);
EXPORT(swarm_n_tasks) uint32_t entry_swarm_n_tasks(const midge_swarm *swarm);
EXPORT(swarm_hash) int entry_swarm_hash(const midge_swarm *swarm, char *hex);

void *entry_alloc(size_t size) {
    return heap_realloc(NULL, NULL, 0, size);
}

void entry_release(void *block, size_t size) {
    heap_realloc(NULL, block, size, 0);
}

size_t entry_heap_used(void) {
    return heap_used_bytes();
}
const char *entry_error_text(void) {
    return error.text;
}
int entry_error_status(void) {
    return (int)error.status;
}
const char *entry_version(void) {
    return MIDGE_VERSION;
}

uint32_t entry_selftest(void) {
    void *scratch = entry_alloc(MIDGE_SELFTEST_BYTES);
    if (!scratch) {
        return 0;
    }
    uint32_t result = midge_selftest(&env, scratch, NULL);
    entry_release(scratch, MIDGE_SELFTEST_BYTES);
    return result;
}

bundle *entry_bundle_open(const void *bytes, size_t size) {
    bundle *b = entry_alloc(sizeof *b);
    if (!b) {
        (void)midge_fail(&error, MIDGE_E_NOMEM, "no memory for a model");
        return NULL;
    }
    if (midge_bundle_read(&env, bytes, size, &b->encoder, &b->model, &error)) {
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
    return (int)midge_model_predict(b->model, n_rows, x, y, &error);
}

static void forget_last(void) {
    entry_release(last.y, last.bytes);
    last = (prediction){0};
}

/* Encodes all rows of the table and predicts them into `last`. */
static midge_status predict_rows(const bundle *b, const midge_table *table,
                                 float *x, uint32_t *rows, size_t n_rows) {
    for (size_t i = 0; i < n_rows; i++) {
        rows[i] = (uint32_t)i;
    }
    MIDGE_TRY(
        midge_encoder_features(b->encoder, table, rows, n_rows, x, &error));
    return midge_model_predict(b->model, n_rows, x, last.y, &error);
}

const float *entry_bundle_predict_table(const bundle *b, const void *bytes,
                                        size_t size) {
    forget_last();
    midge_table *table = NULL;
    if (midge_table_read(&env, bytes, size, &table, &error)) {
        return NULL;
    }
    size_t n_rows = midge_table_n_rows(table);
    size_t widest = midge_model_n_inputs(b->model);
    if (widest < midge_model_n_outputs(b->model)) {
        widest = midge_model_n_outputs(b->model);
    }
    if (n_rows > SIZE_MAX / sizeof(float) / widest) {
        midge_table_free(table);
        (void)midge_fail(&error, MIDGE_E_LIMIT, "too many rows for one call");
        return NULL;
    }
    size_t x_bytes = n_rows * midge_model_n_inputs(b->model) * sizeof(float);
    size_t row_bytes = n_rows * sizeof(uint32_t);
    last.n_rows = n_rows;
    last.bytes = n_rows * midge_model_n_outputs(b->model) * sizeof(float);
    last.y = entry_alloc(last.bytes);
    float *x = entry_alloc(x_bytes);
    uint32_t *rows = entry_alloc(row_bytes);
    midge_status status =
        x && rows && last.y
            ? predict_rows(b, table, x, rows, n_rows)
            : midge_fail(&error, MIDGE_E_NOMEM, "no memory for %u rows",
                         (unsigned)n_rows);
    entry_release(x, x ? x_bytes : 0);
    entry_release(rows, rows ? row_bytes : 0);
    midge_table_free(table);
    if (status != MIDGE_OK) {
        forget_last();
    }
    return last.y;
}

size_t entry_predicted_rows(void) {
    return last.n_rows;
}

midge_swarm *entry_swarm_open(void) {
    midge_swarm *swarm = NULL;
    if (midge_swarm_new(&env, &swarm) != MIDGE_OK) {
        (void)midge_fail(&error, MIDGE_E_NOMEM, "no memory for a swarm");
    }
    return swarm;
}

void entry_swarm_close(midge_swarm *swarm) {
    midge_swarm_free(swarm);
}

int entry_swarm_replay(midge_swarm *swarm, const char *text, size_t size) {
    midge_arena arena;
    midge_arena_init(&arena, &env, 0);
    midge_event event;
    midge_status status = midge_event_read(&arena, text, size, &event, &error);
    if (status == MIDGE_OK) {
        status = midge_swarm_replay(swarm, &event, &error);
    }
    midge_arena_deinit(&arena);
    return (int)status;
}

uint32_t entry_swarm_last_seq(const midge_swarm *swarm) {
    return (uint32_t)midge_swarm_last_seq(swarm);
}

uint32_t entry_swarm_n_tasks(const midge_swarm *swarm) {
    return midge_swarm_n_tasks(swarm);
}

int entry_swarm_hash(const midge_swarm *swarm, char *hex) {
    return (int)midge_swarm_hash(swarm, hex);
}
