/* nn_rows.h: rows for a network, out of a table by an encoder or out of FANN's
 * training data, with what is true of them. */
#ifndef MDG_NN_ROWS_H
#define MDG_NN_ROWS_H

#include "midge/nn_data.h"
#include "midge/ops.h"

/* Data as they were given: one of the two is set. */
typedef struct mdg_nn_source {
    midge_table *table;
    midge_dataset *plain; /* FANN's .data */
} mdg_nn_source;

midge_status mdg_nn_source_read(const midge_env *env, const midge_op_host *host,
                                const char *ref, mdg_nn_source *out,
                                midge_error *err);
void mdg_nn_source_deinit(mdg_nn_source *source);
size_t mdg_nn_source_n_rows(const mdg_nn_source *source);

/* What outputs mean. A class is the output that is `high`; with one output the
 * second of two classes is. Outputs of a regression have no such values. */
typedef struct mdg_nn_meaning {
    midge_problem problem;
    uint32_t n_outputs;
    uint32_t n_classes; /* 0 for a regression */
    float low, high;
} mdg_nn_meaning;

mdg_nn_meaning mdg_nn_meaning_of_encoder(const midge_encoder *encoder);
/* Classes, when all outputs are one of two values (0 and 1, or -1 and 1) and,
 * with several outputs, just one of a row is the higher; else a regression. */
mdg_nn_meaning mdg_nn_meaning_of_plain(midge_dataset *plain);
/* The class of a row of targets. */
int32_t mdg_nn_class(const mdg_nn_meaning *meaning, const float *t);
/* Outputs in place as probabilities: from low..high to 0..1, and several of
 * them to a sum of 1. */
void mdg_nn_probabilities(const mdg_nn_meaning *meaning, size_t n_rows,
                          float *y);

/* Rows as a network takes them, and the truth. */
typedef struct mdg_nn_rows {
    const midge_env *env;
    midge_dataset *data; /* encoded, scaled */
    int32_t *label;      /* (n_rows); NULL for a regression; -1: a new class */
    float *truth; /* (n_rows, n_outputs) in their own unit; NULL for classes */
    size_t n_truth;
} mdg_nn_rows;

/* How rows become what a network takes: the encoder of a table, or the scalings
 * of plain numbers (NULL: none). */
typedef struct mdg_nn_coding {
    const midge_encoder *encoder;
    const midge_scaling *inputs;
    const midge_scaling *outputs;
    mdg_nn_meaning meaning;
} mdg_nn_coding;

/* Rows `chosen` of the source. */
midge_status mdg_nn_rows_make(const midge_env *env, const mdg_nn_source *source,
                              const mdg_nn_coding *coding,
                              const uint32_t *chosen, size_t n,
                              mdg_nn_rows *out, midge_error *err);
void mdg_nn_rows_deinit(mdg_nn_rows *rows);
/* Outputs of a network in place as the truth is: probabilities, or numbers in
 * their own unit. */
void mdg_nn_decode(const mdg_nn_coding *coding, size_t n_rows, float *y);

#endif
