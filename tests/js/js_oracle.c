/* js_oracle.c: the native side of the tests and benchmarks of the wasm modules,
 * over the public headers. All outputs as the floats they are, not as text.
 *
 *     js_oracle fit FAMILY DATA TARGET ROWS MODEL  learns ROWS rows (0: all)
 *     js_oracle features MODEL DATA                encoded rows, raw floats
 *     js_oracle outputs MODEL DATA                 outputs of them, raw floats
 *     js_oracle replay EVENTS                      "SEQ HASH" of lines of JSON
 *     js_oracle time MODEL DATA ROWS ROUNDS        JSON: ms of each prediction
 *
 * FAMILY: net (one hidden layer of 128 ReLU), knn, features, ensemble (of these
 * and two nets with other activations). Exit code 1 and a line when it fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midge/model.h"
#include "midge/os.h"
#include "midge/swarm.h"

#define HIDDEN   128
#define FILE_MAX ((size_t)1 << 30)

static midge_env env;
static midge_error error;

typedef struct problem {
    midge_table *table;
    midge_encoder *encoder;
    midge_problem kind;
    uint32_t n_in, n_out;
    size_t n_rows;
    float *x, *t;
} problem;

static void stop(const char *what) {
    fprintf(stderr, "js_oracle: %s: %s\n", what, error.text);
    exit(1);
}

static void must(midge_status status, const char *what) {
    if (status != MIDGE_OK) {
        stop(what);
    }
}

static float *floats(size_t count) {
    float *x = calloc(count + 1, sizeof *x);
    if (!x) {
        stop("no memory");
    }
    return x;
}

static midge_buf read_file(const char *path) {
    midge_buf buf;
    midge_buf_init(&buf, &env, 0);
    must(midge_os_read_file(path, FILE_MAX, &buf, &error), path);
    return buf;
}

static midge_table *read_table(const char *path) {
    midge_table *table = NULL;
    midge_buf file = read_file(path);
    must(midge_table_read(&env, file.data, file.size, &table, &error), path);
    midge_buf_deinit(&file);
    return table;
}

/* The rows of a table that have a target, at most `limit` (0: all). */
static uint32_t *choose_rows(const midge_table *table, size_t target,
                             size_t limit, size_t *n_rows) {
    size_t all = midge_table_n_rows(table);
    const float *numbers = midge_table_numbers(table, target);
    const int32_t *texts = midge_table_categories(table, target);
    uint32_t *rows = calloc(all + 1, sizeof *rows);
    *n_rows = 0;
    for (size_t i = 0; rows && i < all; i++) {
        int has = numbers ? numbers[i] - numbers[i] == 0.0f : texts[i] >= 0;
        if (has && (limit == 0 || *n_rows < limit)) {
            rows[(*n_rows)++] = (uint32_t)i;
        }
    }
    return rows;
}

static problem load_problem(const char *data, const char *name, size_t limit) {
    problem p = {.table = read_table(data)};
    int64_t target = midge_table_find_column(p.table, name);
    if (target < 0) {
        stop("no such column");
    }
    uint32_t *rows = choose_rows(p.table, (size_t)target, limit, &p.n_rows);
    must(midge_encoder_fit(&env, p.table, (size_t)target, rows, p.n_rows, NULL,
                           &p.encoder, &error),
         "fit the encoder");
    p.kind = midge_encoder_problem(p.encoder);
    p.n_in = midge_encoder_n_features(p.encoder);
    p.n_out = midge_encoder_n_outputs(p.encoder);
    p.x = floats(p.n_rows * p.n_in);
    p.t = floats(p.n_rows * p.n_out);
    must(
        midge_encoder_features(p.encoder, p.table, rows, p.n_rows, p.x, &error),
        "encode");
    must(midge_encoder_targets(p.encoder, p.table, rows, p.n_rows, p.t, NULL,
                               &error),
         "encode");
    free(rows);
    return p;
}

static midge_model *fit_net(const problem *p, midge_activation hidden) {
    int classify = p->kind == MIDGE_PROBLEM_CLASSIFY;
    const uint32_t sizes[] = {p->n_in, HIDDEN, p->n_out};
    midge_net_options shape = {.n_layers = 2,
                               .sizes = sizes,
                               .hidden = hidden,
                               .output = classify ? MIDGE_ACT_SOFTMAX
                                                  : MIDGE_ACT_LINEAR,
                               .seed = 7};
    midge_train_options how = midge_train_defaults(MIDGE_TRAIN_ADAMW);
    how.loss = classify ? MIDGE_LOSS_CROSS_ENTROPY : MIDGE_LOSS_MSE;
    how.max_epochs = 3;
    const midge_net_data data = {p->n_rows, p->x, p->t};
    midge_train_result result;
    midge_net *net = NULL;
    midge_model *model = NULL;
    must(midge_net_new(&env, &shape, &net, &error), "make a net");
    must(midge_net_train(net, &data, NULL, &how, &result, &error), "train");
    must(midge_model_from_net_take(&env, p->kind, net, &model), "net");
    return model;
}

static midge_model *fit_knn(const problem *p, int cosine) {
    const midge_net_data data = {p->n_rows, p->x, p->t};
    const midge_knn_options options = {5, cosine, 1};
    midge_model *model = NULL;
    must(midge_model_fit_knn(&env, p->kind, p->n_in, p->n_out, &data, &options,
                             &model, &error),
         "knn");
    return model;
}

static midge_model *fit_features(const problem *p) {
    const midge_net_data data = {p->n_rows, p->x, p->t};
    const midge_features_options options = {200, 1.0f, 1e-4f, 7};
    midge_model *model = NULL;
    must(midge_model_fit_features(&env, p->kind, p->n_in, p->n_out, &data,
                                  &options, &model, &error),
         "features");
    return model;
}

static midge_model *fit_ensemble(const problem *p) {
    midge_model *members[] = {fit_net(p, MIDGE_ACT_TANH),
                              fit_net(p, MIDGE_ACT_SIGMOID), fit_knn(p, 1),
                              fit_features(p)};
    const float weights[] = {1.0f, 2.0f, 3.0f, 0.7f};
    midge_model *model = NULL;
    must(midge_model_ensemble_take(&env, p->kind, members, weights, 4, &model,
                                   &error),
         "ensemble");
    return model;
}

static void fit(char **args) {
    problem p = load_problem(args[1], args[2], strtoul(args[3], NULL, 10));
    midge_model *model = strcmp(args[0], "net") == 0
                             ? fit_net(&p, MIDGE_ACT_RELU)
                         : strcmp(args[0], "knn") == 0      ? fit_knn(&p, 0)
                         : strcmp(args[0], "features") == 0 ? fit_features(&p)
                         : strcmp(args[0], "ensemble") == 0 ? fit_ensemble(&p)
                                                            : NULL;
    midge_buf out;
    midge_buf_init(&out, &env, 0);
    if (!model) {
        stop("no such family");
    }
    must(midge_bundle_write(p.encoder, model, &out), "write");
    must(midge_os_write_file(args[4], out.data, out.size, &error), args[4]);
    midge_buf_deinit(&out);
    midge_model_free(model);
    midge_encoder_free(p.encoder);
    midge_table_free(p.table);
    free(p.x);
    free(p.t);
}

/* A model and the encoded rows it shall predict. */
typedef struct work {
    midge_encoder *encoder;
    midge_model *model;
    size_t n_rows, n_x, n_y;
    float *x, *y;
} work;

static work load_work(const char *model, const char *data) {
    work w = {0};
    midge_buf file = read_file(model);
    must(midge_bundle_read(&env, file.data, file.size, &w.encoder, &w.model,
                           &error),
         model);
    midge_buf_deinit(&file);
    midge_table *table = read_table(data);
    w.n_rows = midge_table_n_rows(table);
    w.n_x = w.n_rows * midge_model_n_inputs(w.model);
    w.n_y = w.n_rows * midge_model_n_outputs(w.model);
    w.x = floats(w.n_x);
    w.y = floats(w.n_y);
    uint32_t *rows = calloc(w.n_rows, sizeof *rows);
    for (size_t i = 0; rows && i < w.n_rows; i++) {
        rows[i] = (uint32_t)i;
    }
    must(midge_encoder_features(w.encoder, table, rows, w.n_rows, w.x, &error),
         "encode");
    free(rows);
    midge_table_free(table);
    return w;
}

static void predict(work *w) {
    must(midge_model_predict(w->model, w->n_rows, w->x, w->y, &error),
         "predict");
}

static void free_work(work *w) {
    midge_encoder_free(w->encoder);
    midge_model_free(w->model);
    free(w->x);
    free(w->y);
}

static void put_floats(const float *x, size_t count) {
    if (fwrite(x, sizeof *x, count, stdout) != count) {
        stop("cannot write");
    }
}

static void time_rounds(work *w, size_t n_rows, int rounds) {
    if (n_rows == 0 || n_rows > w->n_rows) {
        stop("there are not so many rows");
    }
    w->n_rows = n_rows;
    predict(w); /* caches and pages */
    for (int i = 0; i < rounds; i++) {
        double start = midge_os_monotonic_ms();
        predict(w);
        double ms = midge_os_monotonic_ms() - start;
        printf("%s%.6f", i == 0 ? "[" : ", ", ms);
    }
    puts("]");
}

static void replay(const char *path) {
    char hex[MIDGE_SHA256_HEX];
    midge_swarm *swarm = NULL;
    midge_buf file = read_file(path);
    must(midge_swarm_new(&env, &swarm), "make a swarm");
    const char *at = file.data;
    const char *end = at + file.size;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((line_end ? line_end : end) - at);
        midge_arena arena;
        midge_event event;
        midge_arena_init(&arena, &env, 0);
        must(midge_event_read(&arena, at, size, &event, &error), "read");
        must(midge_swarm_replay(swarm, &event, &error), "replay");
        midge_arena_deinit(&arena);
        at += size + 1;
    }
    must(midge_swarm_hash(swarm, hex), "hash");
    printf("%llu %s\n", (unsigned long long)midge_swarm_last_seq(swarm), hex);
    midge_swarm_free(swarm);
    midge_buf_deinit(&file);
}

int main(int argc, char **argv) {
    env = midge_os_env();
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "fit") == 0 && argc == 7) {
        fit(argv + 2);
    } else if (strcmp(what, "replay") == 0 && argc == 3) {
        replay(argv[2]);
    } else if (argc >= 4) {
        work w = load_work(argv[2], argv[3]);
        if (strcmp(what, "features") == 0) {
            put_floats(w.x, w.n_x);
        } else if (strcmp(what, "outputs") == 0) {
            predict(&w);
            put_floats(w.y, w.n_y);
        } else if (strcmp(what, "time") == 0 && argc == 6) {
            time_rounds(&w, strtoul(argv[4], NULL, 10), atoi(argv[5]));
        }
        free_work(&w);
    } else {
        fputs("usage: see the head of js_oracle.c\n", stderr);
        return 2;
    }
    return 0;
}
