/* nn_midge.c: Midge as a side (nn_side.h); MIDGE_CPU lowers its instruction
 * set, NN_FAST asks for fused products. The work "weights" makes a network for
 * the other sides and leaves it in FOLDER: its first weights and those after an
 * epoch as raw floats, then also as our own file and as ONNX. */
#include "nn_side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midge/nn_exchange.h"
#include "midge/nn_quant.h"
#include "midge/os.h"

static midge_env env;
static midge_os_pool *pool;
static midge_error err = {.text = "no memory"};

static void must(midge_status status) {
    if (status != MIDGE_OK) {
        side_fail(midge_status_text(status), err.text);
    }
}

static void begin(const side_work *w) {
    env = midge_os_env();
    if (w->threads > 1) {
        must(midge_os_pool_new(w->threads, &pool, &err));
        midge_os_pool_attach(pool, &env);
    }
}

static midge_net *make(const side_work *w) {
    midge_net_options o = {.n_layers = w->n_layers, .sizes = w->sizes};
    midge_net *net = NULL;
    o.seed = 1;
    o.hidden = o.output = MIDGE_ACT_SIGMOID;
    if (strcmp(w->net, "relu") == 0) {
        o.hidden = MIDGE_ACT_RELU;
        o.output = MIDGE_ACT_SOFTMAX;
    } else if (strcmp(w->net, "stepwise") == 0) {
        o.hidden = o.output = MIDGE_ACT_SIGMOID_STEPWISE;
    } else if (strcmp(w->net, "tanh") == 0) {
        o.hidden = o.output = MIDGE_ACT_TANH;
        o.hidden_steepness = o.output_steepness = 0.5f; /* as FANN's */
    }
    o.shortcut = side_is(w, "cascade");
    must(midge_net_new(&env, &o, &net, &err));
    midge_net_set_fast(net, getenv("NN_FAST") != NULL);
    return net;
}

static void set_weights(midge_net *net, const side_work *w) {
    float *weights = side_weights(w);
    must(midge_net_set_weights(net, weights, side_n_weights(w)));
    free(weights);
}

static void run_all(const midge_net *net, const side_work *w, float *y) {
    void *workspace = side_new(midge_net_workspace_bytes(net, w->n_test), 1);
    must(midge_net_run(net, w->n_test, side_test_x(w), y, workspace));
    free(workspace);
}

/* ---- Running ---------------------------------------------------------------
 */

typedef struct runner {
    const midge_net *net;
    midge_net_int8 *int8; /* NULL: the network itself */
    const float *x;
    float *y;
    void *workspace;
    size_t n_in, n_out;
} runner;

static void run_rows(const runner *r, size_t first, size_t n_rows) {
    const float *x = r->x + first * r->n_in;
    float *y = r->y + first * r->n_out;
    must(r->int8 ? midge_net_int8_run(r->int8, n_rows, x, y, r->workspace)
                 : midge_net_run(r->net, n_rows, x, y, r->workspace));
}

/* All rows one by one, or in one call. */
static void pass(const runner *r, const side_work *w, size_t n_rows) {
    if (!side_is(w, "one")) {
        run_rows(r, 0, n_rows);
        return;
    }
    for (size_t i = 0; i < n_rows; i++) {
        run_rows(r, i, 1);
    }
}

static void runs(const side_work *w, float *y) {
    midge_net *net = make(w);
    set_weights(net, w);
    size_t n_in = w->sizes[0], n_out = w->sizes[w->n_layers];
    size_t n_rows = side_is(w, "one") ? w->n_test : SIDE_BATCH;
    float *x = side_new(n_rows * n_in, sizeof *x);
    runner r = {net,  NULL, x,    side_new(n_rows * n_out, sizeof *x),
                NULL, n_in, n_out};
    for (size_t i = 0; i < n_rows; i++) {
        memcpy(x + i * n_in, side_test_x(w) + i % w->n_test * n_in,
               n_in * sizeof *x);
    }
    if (side_is(w, "int8")) {
        must(midge_net_quantise(net, SIDE_BATCH, w->x, 0, &r.int8, &err));
    }
    size_t bytes = r.int8 ? midge_net_int8_workspace_bytes(r.int8, n_rows)
                          : midge_net_workspace_bytes(net, n_rows);
    r.workspace = side_new(bytes, 1);
    pass(&r, w, n_rows);
    while (side_asked()) {
        size_t done = 0;
        do {
            pass(&r, w, n_rows);
            done += n_rows;
        } while (side_ms() < SIDE_MS);
        side_took((double)done, "");
    }
    memcpy(y, r.y, w->n_test * n_out * sizeof *y);
    midge_net_int8_free(r.int8);
    midge_net_free(net);
    free(r.workspace);
    free(r.y);
    free(x);
}

/* ---- Training --------------------------------------------------------------
 */

static midge_net_data rows_of(const side_work *w) {
    return (midge_net_data){w->n_train, w->x, w->t};
}

/* Two of our names are one trainer, with other options. */
static midge_train_options options_of(const side_work *w) {
    int plain = side_is(w, "sgd"), momentum = side_is(w, "momentum");
    int trainer = midge_trainer_find(plain || momentum ? "sgd" : w->work);
    if (trainer < 0) {
        side_fail("no trainer", w->work);
    }
    midge_train_options o = midge_train_defaults((midge_trainer)trainer);
    o.max_epochs = UINT32_MAX;
    o.stop_value = -1.0f;
    if (strcmp(w->net, "relu") == 0) {
        o.loss = MIDGE_LOSS_CROSS_ENTROPY;
    } else {
        o.loss = MIDGE_LOSS_TANH; /* FANN's default */
    }
    o.momentum = momentum ? 0.9f : 0.0f;
    o.learning_rate = plain ? 0.1f : o.learning_rate;
    return o;
}

/* An epoch is over: tells of it and waits for the next question. The first
 * epoch warms up. */
static int on_epoch(void *ctx, const midge_net_progress *p) {
    const side_work *w = ctx;
    char about[64];
    if (p->epoch > 1) {
        int classes = strcmp(w->net, "relu") == 0;
        snprintf(about, sizeof about, ",\"%s\":%.9g", classes ? "loss" : "mse",
                 classes ? p->train_loss : p->train_mse);
        side_took(1, about);
    }
    return !side_asked();
}

static void trains(side_work *w, float *y) {
    midge_net *net = make(w);
    midge_net_data rows = rows_of(w);
    midge_train_options o = options_of(w);
    if (strcmp(w->net, "relu") != 0) {
        set_weights(net, w);
    }
    o.on_epoch = on_epoch;
    o.ctx = w;
    must(midge_net_train(net, &rows, NULL, &o, NULL, &err));
    run_all(net, w, y);
    midge_net_free(net);
}

/* Of few rows: all epochs from the start, again and again. */
static void trains_anew(const side_work *w, float *y) {
    midge_net *net = make(w);
    midge_net_data rows = rows_of(w);
    midge_train_options o = options_of(w);
    midge_train_result result = {0};
    o.max_epochs = w->epochs;
    while (side_asked()) {
        char about[64];
        double done = 0;
        do {
            set_weights(net, w);
            must(midge_net_train(net, &rows, NULL, &o, &result, &err));
            done += result.epochs;
        } while (side_ms() < SIDE_MS);
        snprintf(about, sizeof about, ",\"mse\":%.6g", result.train_mse);
        side_took(done, about);
    }
    if (w->n_test > 0) {
        run_all(net, w, y);
    }
    midge_net_free(net);
}

static void cascades(const side_work *w) {
    midge_net_data rows = rows_of(w);
    midge_cascade_options o = midge_cascade_defaults();
    midge_cascade_result result = {0};
    o.max_units = SIDE_UNITS;
    o.train.stop_value = 0.001f;
    for (uint64_t seed = 1; side_asked(); seed++) {
        char about[96];
        midge_net *net = make(w);
        must(midge_net_init_weights(net, MIDGE_INIT_UNIFORM, 0.1f, seed));
        o.train.seed = seed;
        must(midge_net_cascade(net, &rows, &o, &result, &err));
        snprintf(about, sizeof about,
                 ",\"units\":%u,\"mse\":%.6g,\"bit_fail\":%zu", result.units,
                 result.mse, result.bit_fail);
        side_took(1, about);
        midge_net_free(net);
    }
}

/* ---- A network for all that run one ----------------------------------------
 */

static void write_file(const side_work *w, const char *ending,
                       const void *bytes, size_t size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s.%s", w->folder, w->net, w->set,
             ending);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, size, 1, file) != 1 ||
        fclose(file) != 0) {
        side_fail("cannot write", path);
    }
}

static void leaves_weights(const side_work *w, float *y) {
    midge_net *net = make(w);
    midge_net_data rows = rows_of(w);
    midge_train_options o = midge_train_defaults(MIDGE_TRAIN_SGD);
    midge_buf buf;
    o.max_epochs = 1;
    o.loss = MIDGE_LOSS_CROSS_ENTROPY;
    write_file(w, "start", midge_net_weights(net),
               midge_net_n_weights(net) * sizeof(float));
    must(midge_net_train(net, &rows, NULL, &o, NULL, &err));
    write_file(w, "weights", midge_net_weights(net),
               midge_net_n_weights(net) * sizeof(float));
    midge_buf_init(&buf, &env, 0);
    must(midge_net_write(net, &buf));
    write_file(w, "midge", buf.data, buf.size);
    midge_buf_clear(&buf);
    must(midge_net_write_onnx(net, "bench", &buf, &err));
    write_file(w, "onnx", buf.data, buf.size);
    midge_buf_deinit(&buf);
    run_all(net, w, y);
    midge_net_free(net);
    side_asked();
}

int main(int argc, char **argv) {
    side_work w = side_begin(argc, argv);
    float *y = side_new((w.n_test + 1) * w.sizes[w.n_layers], sizeof *y);
    begin(&w);
    if (side_is(&w, "weights")) {
        leaves_weights(&w, y);
    } else if (side_is(&w, "cascade")) {
        cascades(&w);
    } else if (side_is_run(&w)) {
        runs(&w, y);
    } else if (w.epochs > 1) {
        trains_anew(&w, y);
    } else {
        trains(&w, y);
    }
    side_score(&w, y);
    midge_os_pool_free(pool);
    free(w.x);
    free(w.t);
    free(y);
    return 0;
}
