/* nn_side.c: see nn_side.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "nn_side.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEST_ROWS 1000
#define SPIRAL    97 /* points of each of both: Lang & Witbrock 1988 */

static double asked_at;
static int asked_for_score;

_Noreturn void side_fail(const char *what, const char *name) {
    fprintf(stderr, "%s %s\n", what, name);
    exit(1);
}

void *side_new(size_t count, size_t size) {
    void *made = aligned_alloc(64, (count * size + 63) / 64 * 64);
    if (made == NULL) {
        side_fail("no memory for", "the rows");
    }
    memset(made, 0, count * size);
    return made;
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static double draw(uint64_t *state) { /* splitmix64, in [0, 1) */
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* ---- Rows ------------------------------------------------------------------
 */

static uint32_t n_in(const side_work *w) {
    return w->sizes[0];
}

static uint32_t n_out(const side_work *w) {
    return w->sizes[w->n_layers];
}

static void room(side_work *w) {
    w->x = side_new((w->n_train + w->n_test) * n_in(w), sizeof(float));
    w->t = side_new((w->n_train + w->n_test) * n_out(w), sizeof(float));
}

static void from_file(side_work *w) {
    char path[4096];
    uint8_t row[785];
    snprintf(path, sizeof path, "%s/%s", w->folder, w->set);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        side_fail("cannot read", path);
    }
    w->sizes[0] = 784;
    w->sizes[1] = 128;
    w->sizes[2] = 10;
    w->n_layers = 2;
    w->n_train = 60000;
    w->n_test = TEST_ROWS;
    w->epochs = 1;
    room(w);
    for (size_t i = 0; i < w->n_train + w->n_test; i++) {
        if (fread(row, sizeof row, 1, file) != 1 || row[784] > 9) {
            side_fail("not the rows of nn_data.py:", path);
        }
        for (size_t j = 0; j < 784; j++) {
            w->x[i * 784 + j] = (float)row[j] / 255.0f;
        }
        w->t[i * 10 + row[784]] = 1.0f;
    }
    fclose(file);
}

/* The class is the quarter of the inputs with the largest sum. */
static void small(side_work *w) {
    uint64_t state = 1;
    w->sizes[0] = 16;
    w->sizes[1] = 32;
    w->sizes[2] = 4;
    w->n_layers = 2;
    w->n_train = w->n_test = TEST_ROWS;
    w->epochs = 100;
    room(w);
    for (size_t i = 0; i < w->n_train + w->n_test; i++) {
        float sums[4] = {0};
        size_t best = 0;
        for (size_t j = 0; j < 16; j++) {
            w->x[i * 16 + j] = (float)draw(&state);
            sums[j / 4] += w->x[i * 16 + j];
        }
        for (size_t c = 1; c < 4; c++) {
            best = sums[c] > sums[best] ? c : best;
        }
        w->t[i * 4 + best] = 1.0f;
    }
}

static void xor
    (side_work * w) {
        w->sizes[0] = 2;
        w->sizes[1] = 3;
        w->sizes[2] = 1;
        w->n_layers = 2;
        w->n_train = 4;
        w->epochs = 1000;
        room(w);
        for (int i = 0; i < 4; i++) {
            w->x[2 * i] = i & 1 ? 1.0f : -1.0f;
            w->x[2 * i + 1] = i & 2 ? 1.0f : -1.0f;
            w->t[i] = (i & 1) != i >> 1 ? 1.0f : -1.0f;
        }
    }

    static void spirals(side_work *w) {
    w->sizes[0] = 2;
    w->sizes[1] = 1;
    w->n_layers = 1;
    w->n_train = 2 * SPIRAL;
    w->epochs = 1;
    room(w);
    for (int i = 0; i < SPIRAL; i++) {
        double angle = i * 3.14159265358979323846 / 16;
        double radius = 6.5 * (104 - i) / 104;
        for (int k = 0; k < 2; k++) {
            float *x = w->x + 4 * i + 2 * k, side = k ? -1.0f : 1.0f;
            x[0] = side * (float)(radius * sin(angle));
            x[1] = side * (float)(radius * cos(angle));
            w->t[2 * i + k] = side;
        }
    }
}

side_work side_begin(int argc, char **argv) {
    if (argc != 6) {
        side_fail("usage:", "SIDE WORK NET SET THREADS FOLDER");
    }
    side_work w = {.work = argv[1],
                   .net = argv[2],
                   .set = argv[3],
                   .threads = (unsigned)atoi(argv[4]),
                   .folder = argv[5]};
    if (strcmp(w.set, "small") == 0) {
        small(&w);
    } else if (strcmp(w.set, "xor") == 0) {
        xor(&w);
    } else if (strcmp(w.set, "spirals") == 0) {
        spirals(&w);
    } else {
        from_file(&w);
    }
    return w;
}

int side_is(const side_work *w, const char *work) {
    return strcmp(w->work, work) == 0;
}

int side_is_run(const side_work *w) {
    return side_is(w, "one") || side_is(w, "many") || side_is(w, "int8");
}

const float *side_test_x(const side_work *w) {
    return w->x + w->n_train * n_in(w);
}

/* ---- Weights ---------------------------------------------------------------
 */

size_t side_n_weights(const side_work *w) {
    size_t n = 0;
    for (uint32_t l = 0; l < w->n_layers; l++) {
        n += (size_t)(w->sizes[l] + 1) * w->sizes[l + 1];
    }
    return n;
}

float *side_weights(const side_work *w) {
    size_t n = side_n_weights(w);
    float *weights = side_new(n, sizeof *weights);
    char path[4096];
    uint64_t state = 2;
    for (size_t i = 0; i < n; i++) {
        weights[i] = (float)(0.2 * draw(&state) - 0.1);
    }
    if (side_is_run(w) && n_in(w) == 784) {
        /* Those of sigmoids do for straight lines in their place. */
        snprintf(path, sizeof path, "%s/%s.%s.weights", w->folder,
                 strcmp(w->net, "relu") == 0 ? "relu" : "sigmoid", w->set);
        FILE *file = fopen(path, "rb");
        if (file == NULL || fread(weights, sizeof *weights, n, file) != n) {
            side_fail("cannot read", path);
        }
        fclose(file);
    }
    return weights;
}

/* ---- Questions -------------------------------------------------------------
 */

int side_asked(void) {
    char line[64];
    if (fgets(line, sizeof line, stdin) == NULL) {
        return 0;
    }
    asked_for_score = strcmp(line, "score\n") == 0;
    asked_at = now_ms();
    return !asked_for_score;
}

double side_ms(void) {
    return now_ms() - asked_at;
}

void side_took(double n, const char *about) {
    double ms = side_ms();
    printf("{\"ms\":%.4f,\"n\":%.0f%s}\n", ms, n, about);
    fflush(stdout);
}

void side_score(const side_work *w, const float *y) {
    const float *t = w->t + w->n_train * n_out(w);
    size_t hits = 0;
    for (size_t i = 0; i < w->n_test; i++) {
        const float *row = y + i * n_out(w);
        size_t best = 0;
        for (size_t j = 1; j < n_out(w); j++) {
            best = row[j] > row[best] ? j : best;
        }
        hits += t[i * n_out(w) + best] > 0.5f;
    }
    if (asked_for_score && w->n_test > 0) {
        printf("{\"accuracy\":%.4f}\n", (double)hits / (double)w->n_test);
        fflush(stdout);
    }
}
