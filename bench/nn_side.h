/* nn_side.h: what the sides of the benchmark of networks written in C share:
 * they read the same rows, start from the same weights, answer the same
 * questions and measure themselves alike.
 *
 *   SIDE WORK NET SET THREADS FOLDER
 *
 * makes everything ready and answers each line "go" with one measurement and,
 * at the end, "score" with how good the network is, each a line of JSON.
 *
 * SET    digits, dense: 784-128-10, the files of nn_data.py in FOLDER
 *        small: 16-32-4, xor: 2-3-1, spirals: 2-1 with shortcuts; made here
 * NET    relu: ReLU, then softmax and cross-entropy; sigmoid, stepwise:
 *        everywhere, with FANN's error; tanh likewise
 * WORK   one, many, int8: runs the rows for testing, one by one or 1,024 at a
 *        time; a name of a trainer: trains (sgd, momentum, adam: batches of
 * 32); cascade: grows a network, each "go" with another seed */
#ifndef BENCH_NN_SIDE_H
#define BENCH_NN_SIDE_H

#include <stddef.h>
#include <stdint.h>

#define SIDE_BATCH 1024
#define SIDE_MS    200 /* what is over sooner is done again until then */
#define SIDE_UNITS 60  /* that a cascade may add */

typedef struct side_work {
    const char *work, *net, *set, *folder;
    unsigned threads;
    uint32_t sizes[4];
    uint32_t n_layers; /* of weights */
    size_t n_train;    /* the first rows; those to run come after them */
    size_t n_test;
    float *x, *t;    /* (n_train + n_test) rows; targets are one-hot */
    unsigned epochs; /* 1: each measurement is the next epoch; more: it is that
                        many from the start, again and again */
} side_work;

/* Reads the rows, or ends with a message. */
side_work side_begin(int argc, char **argv);
int side_is(const side_work *w, const char *work);
int side_is_run(const side_work *w); /* one, many, int8 */
const float *side_test_x(const side_work *w);

size_t side_n_weights(const side_work *w);
/* W (n_in, n_out) and the biases of layer after layer. To run: as nn_midge has
 * trained them, from FOLDER; to train: drawn from [-0.1, 0.1). */
float *side_weights(const side_work *w);

/* Waits to be asked; 1: for a measurement, whose clock runs from now on. */
int side_asked(void);
double side_ms(void); /* of this clock */
/* The measurement is over: n rows, epochs or networks were done. `about` is
 * more JSON, beginning with a comma, or "". */
void side_took(double n, const char *about);
/* What "score" is answered with: the share of the test rows whose largest
 * output is at the class; y is (n_test, outputs). */
void side_score(const side_work *w, const float *y);

_Noreturn void side_fail(const char *what, const char *name);
void *side_new(size_t count, size_t size); /* never NULL */

#endif
