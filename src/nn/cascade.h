/* cascade.h: the state of cascade-correlation.
 *
 * Nothing that is installed ever changes but the weights of the outputs. So
 * what a unit says to each row is computed once and kept: one long row of
 * `values` for each unit, over which products run without a gap. Unit 0 is 1
 * for every row: a bias is the first of a unit's weights. */
#ifndef MDG_CASCADE_H
#define MDG_CASCADE_H

#include "nn/train.h"

/* Rows that the candidates go through at a time, at most. */
#define MDG_CASCADE_ROWS 512

typedef struct mdg_candidate {
    midge_activation activation;
    float steepness;
    double score;  /* the squared error that it takes away */
    double square; /* sum of f^2 over rows */
    mdg_rng noise;
} mdg_candidate;

typedef struct mdg_cascade {
    const midge_cascade_options *o;
    midge_net *net;
    const midge_net_data *data;
    const mdg_kernels *kernels;
    mdg_objective objective;
    double deadline_ms;
    uint32_t epoch; /* of the outputs, in all: SARPROP's clock */
    uint32_t units; /* that were added */

    size_t n_rows;
    size_t n_out;
    size_t stride;     /* n_rows, up to whole lines of memory */
    size_t n_values;   /* 1, the inputs and the hidden units */
    size_t max_values; /* and those that may come */
    float *values;     /* (max_values, stride) */
    float *targets;    /* (n_out, stride) */

    mdg_update update; /* the outputs: weights (n_out, n_values) */
    float *y;          /* (n_out, stride) */
    float *z;
    float *slope;
    float *error;    /* targets - y, as FANN halves it */
    mdg_tally tally; /* of `error` */
    mdg_rng noise;

    /* Candidate c has a run of `span` weights: those of the n_values, then one
     * to each output. */
    size_t n_candidates;
    size_t span;
    mdg_candidate *candidate;
    mdg_update candidates; /* runs of all of them */
    size_t chunk;          /* rows at a time, a whole number of lines */
    float *f;              /* (n_candidates, chunk) */
    float *sum;
    float *back;
    float *turned;       /* the rows of `back` as columns, share by share */
    float *side_by_side; /* likewise, gradients */
    double *follows;     /* (n_candidates, n_out): sum of f error over rows */
    size_t best;

    void *block;
    size_t block_floats;
} mdg_cascade;

/* cascade_output.c: trains the outputs until they are good enough
 * (MIDGE_STOP_REACHED), do not get better (MIDGE_STOP_EPOCHS), or the run must
 * end; leaves `error` and `tally` of the weights they then have. */
midge_stop mdg_cascade_outputs(mdg_cascade *c);

/* cascade_candidates.c: trains new candidates, and sets `best`. */
midge_stop mdg_cascade_candidates(mdg_cascade *c);

/* What is so small that its square is no normal number becomes 0: it is nothing
 * beside the rest, and arithmetic with such numbers takes a hundred times as
 * long. */
void mdg_cascade_flush(float *x, size_t n);

/* Is there no use in going on? FANN's rule for both phases: a change by
 * `fraction` gives it `patience` more epochs. */
typedef struct mdg_stagnation {
    double target;
    double backslide;
    uint32_t end;
} mdg_stagnation;
int mdg_stagnates(mdg_stagnation *s, double value, double fraction,
                  uint32_t patience, uint32_t epoch);

#endif
