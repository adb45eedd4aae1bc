/* nn_fann.c: C FANN as a side (nn_side.h). Its library has floats, one thread,
 * and takes rows one by one. */
#include "nn_side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <floatfann.h>

/* Ours are (n_in, n_out), then the biases; FANN has those of a unit after each
 * other, its bias last. */
static void set_weights(struct fann *ann, const side_work *w) {
    float *weights = side_weights(w), *from = weights;
    fann_type *to = ann->weights;
    for (uint32_t l = 0; l < w->n_layers; l++) {
        uint32_t n_in = w->sizes[l], n_out = w->sizes[l + 1];
        for (uint32_t j = 0; j < n_out; j++) {
            for (uint32_t i = 0; i <= n_in; i++) {
                *to++ = from[(size_t)i * n_out + j];
            }
        }
        from += (size_t)(n_in + 1) * n_out;
    }
    free(weights);
}

static struct fann *make(const side_work *w) {
    struct fann *ann = fann_create_standard_array(w->n_layers + 1, w->sizes);
    enum fann_activationfunc_enum f = FANN_SIGMOID;
    if (strcmp(w->net, "stepwise") == 0) {
        f = FANN_SIGMOID_STEPWISE;
    } else if (strcmp(w->net, "tanh") == 0) {
        f = FANN_SIGMOID_SYMMETRIC;
    } else if (strcmp(w->net, "sigmoid") != 0) {
        side_fail("FANN has no", w->net);
    }
    if (ann == NULL) {
        side_fail("FANN made no", "network");
    }
    fann_set_activation_function_hidden(ann, f);
    fann_set_activation_function_output(ann, f);
    set_weights(ann, w);
    return ann;
}

/* ---- Running ---------------------------------------------------------------
 */

static void run_rows(struct fann *ann, const side_work *w, size_t n_rows,
                     float *y) {
    size_t n_in = w->sizes[0], n_out = w->sizes[w->n_layers];
    const float *x = side_test_x(w);
    for (size_t i = 0; i < n_rows; i++) {
        size_t row = i % w->n_test;
        const fann_type *found = fann_run(ann, (fann_type *)x + row * n_in);
        memcpy(y + row * n_out, found, n_out * sizeof *y);
    }
}

static void runs(const side_work *w, float *y) {
    struct fann *ann = make(w);
    size_t n_rows = side_is(w, "one") ? w->n_test : SIDE_BATCH;
    run_rows(ann, w, n_rows, y);
    while (side_asked()) {
        size_t done = 0;
        do {
            run_rows(ann, w, n_rows, y);
            done += n_rows;
        } while (side_ms() < SIDE_MS);
        side_took((double)done, "");
    }
    fann_destroy(ann);
}

/* ---- Training --------------------------------------------------------------
 */

static struct fann_train_data *rows_of(const side_work *w) {
    size_t n_in = w->sizes[0], n_out = w->sizes[w->n_layers];
    struct fann_train_data *data = fann_create_train(
        (unsigned)w->n_train, (unsigned)n_in, (unsigned)n_out);
    if (data == NULL) {
        side_fail("FANN has no memory for", "the rows");
    }
    for (size_t i = 0; i < w->n_train; i++) {
        memcpy(data->input[i], w->x + i * n_in, n_in * sizeof(float));
        memcpy(data->output[i], w->t + i * n_out, n_out * sizeof(float));
    }
    return data;
}

static enum fann_train_enum trainer_of(const side_work *w) {
    return side_is(w, "rprop")   ? FANN_TRAIN_RPROP
           : side_is(w, "batch") ? FANN_TRAIN_BATCH
                                 : FANN_TRAIN_INCREMENTAL;
}

/* One epoch after the other of many rows; of few each time from the start. */
static void trains(const side_work *w, float *y) {
    char about[64];
    struct fann *ann = make(w);
    struct fann_train_data *data = rows_of(w);
    fann_set_training_algorithm(ann, trainer_of(w));
    if (w->epochs == 1) {
        fann_train_epoch(ann, data); /* makes room and warms up */
    }
    while (side_asked()) {
        double done = 0;
        do {
            if (w->epochs > 1) {
                fann_randomize_weights(ann, 0, 0); /* forgets old slopes */
                set_weights(ann, w);
                fann_train_on_data(ann, data, w->epochs, 0, -1.0f);
            } else {
                fann_train_epoch(ann, data);
            }
            done += w->epochs;
        } while (w->epochs > 1 && side_ms() < SIDE_MS);
        snprintf(about, sizeof about, ",\"mse\":%.6g",
                 (double)fann_get_MSE(ann));
        side_took(done, about);
    }
    run_rows(ann, w, w->n_test, y);
    fann_destroy_train(data);
    fann_destroy(ann);
}

/* FANN's own defaults but for the activation of the output, which must reach
 * both -1 and 1. */
static void cascades(const side_work *w) {
    struct fann_train_data *data = rows_of(w);
    unsigned seed = 0;
    while (side_asked()) {
        char about[96];
        struct fann *ann = fann_create_shortcut(2, 2, 1);
        fann_set_activation_function_output(ann, FANN_SIGMOID_SYMMETRIC);
        srand(++seed);
        fann_randomize_weights(ann, -0.1f, 0.1f);
        fann_cascadetrain_on_data(ann, data, SIDE_UNITS, 0, 0.001f);
        fann_test_data(ann, data);
        snprintf(about, sizeof about,
                 ",\"units\":%u,\"mse\":%.6g,\"bit_fail\":%u",
                 fann_get_total_neurons(ann) - 4, (double)fann_get_MSE(ann),
                 fann_get_bit_fail(ann));
        side_took(1, about);
        fann_destroy(ann);
    }
    fann_destroy_train(data);
}

int main(int argc, char **argv) {
    side_work w = side_begin(argc, argv);
    float *y = side_new((w.n_test + 1) * w.sizes[w.n_layers], sizeof *y);
    if (side_is(&w, "cascade")) {
        cascades(&w);
    } else if (side_is_run(&w)) {
        runs(&w, y);
    } else {
        trains(&w, y);
    }
    side_score(&w, y);
    return 0;
}
