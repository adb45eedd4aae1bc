/* fann_format.h: FANN's .net file (spec/formats/fann_net.md), as its reader,
 * its writer and the fixed-point network see it: the header's keys in their
 * order, and a file taken apart.
 *
 * A file is read in two steps. fann_parse.c takes the text apart and asks for
 * no more memory than the text is long, whatever its numbers say; fann_read.c
 * and fixed_read.c then judge the network and make one. */
#ifndef MDG_FANN_FORMAT_H
#define MDG_FANN_FORMAT_H

#include "midge/nn_exchange.h"

#define MDG_FANN_ACTIVATIONS       18 /* activations that FANN 2.2 has */
#define MDG_FANN_ACTIVATIONS_MAX   MIDGE_ACT_COUNT /* of the cascade's list */
#define MDG_FANN_STEEPNESSES_MAX   16
#define MDG_FANN_DECIMAL_POINT_MAX 30

/* Between num_layers and the lists, every key and where its value belongs. */
typedef struct mdg_fann_header {
    float connection_rate;
    uint32_t network_type; /* 0 layers, 1 shortcuts */
    uint32_t training_algorithm;
    uint32_t train_error_function; /* 0 linear, 1 tanh */
    uint32_t train_stop_function;  /* 0 MSE, 1 bit fail */
    midge_fann_settings settings;
} mdg_fann_header;

typedef enum mdg_fann_kind {
    MDG_FANN_UINT,
    MDG_FANN_FLOAT,
    MDG_FANN_VALUE /* a float, in fixed-point files times the multiplier */
} mdg_fann_kind;

typedef struct mdg_fann_key {
    const char *name;
    mdg_fann_kind kind;
    uint32_t max;  /* of a UINT */
    size_t offset; /* in mdg_fann_header */
} mdg_fann_key;

#define MDG_FANN_KEYS 26
extern const mdg_fann_key mdg_fann_keys[MDG_FANN_KEYS];

/* Whether FANN can run it, in fixed point when `is_fixed`. */
int mdg_fann_has(midge_activation activation, int is_fixed);

/* The eight lines of scaling, those of the inputs first: the float of
 * midge_scaling that each holds. */
typedef struct mdg_fann_scale_key {
    const char *name;
    size_t offset;
} mdg_fann_scale_key;

#define MDG_FANN_SCALE_KEYS 8
extern const mdg_fann_scale_key mdg_fann_scale_keys[MDG_FANN_SCALE_KEYS];

/* What the header says; and the other way, where MIDGE_E_UNSUPPORTED names what
 * FANN does not have. The lists of both are their own. */
void mdg_fann_header_to_settings(const mdg_fann_header *header,
                                 midge_fann_settings *settings);
midge_status mdg_fann_header_from_settings(const midge_fann_settings *settings,
                                           mdg_fann_header *header,
                                           midge_error *err);

/* ---- A file taken apart. */
typedef struct mdg_fann_neuron {
    uint32_t n_from; /* connections that end here; 0: it is a bias */
    uint32_t activation;
    double steepness;
} mdg_fann_neuron;

typedef struct mdg_fann_connection {
    double weight;
    uint32_t from; /* a neuron, below n_neurons */
} mdg_fann_connection;

typedef struct mdg_fann_file {
    midge_arena arena; /* of all arrays */
    int is_fixed; /* weights and steepnesses of neurons are as they stand in the
                     file: whole numbers */
    uint32_t decimal_point;
    mdg_fann_header header; /* values divided by the multiplier */
    uint32_t n_layers;      /* that of the inputs is one of them */
    uint32_t *sizes;        /* biases included */
    size_t n_neurons;
    mdg_fann_neuron *neurons;
    size_t n_connections;
    mdg_fann_connection *connections;
    midge_scaling *inputs, *outputs; /* NULL: scale_included is not 1 */
} mdg_fann_file;

/* Of the layer of inputs, and of the last: the sizes without their bias. */
uint32_t mdg_fann_n_inputs(const mdg_fann_file *file);
uint32_t mdg_fann_n_outputs(const mdg_fann_file *file);

/* `file` is to be deinitialised whatever is returned. */
midge_status mdg_fann_parse(const midge_env *env, const void *bytes,
                            size_t size, mdg_fann_file *file, midge_error *err);
void mdg_fann_file_deinit(mdg_fann_file *file);

/* ---- The network in it. ----------------------------------------------------
 * Neurons that are no bias have a value; values are numbered in the order of
 * the neurons, inputs first. */
#define MDG_FANN_BIAS UINT32_MAX

typedef struct mdg_fann_map {
    uint32_t *value; /* of a neuron: its value, or MDG_FANN_BIAS */
    uint32_t *first; /* of a layer: its first value; n_layers + 1 of them */
    int shortcut;    /* some layer reads more than the one before it */
} mdg_fann_map;

/* Judges what the file says of neurons and connections, so that who builds a
 * network of it need not look again. The map is in the file's arena.
 * MIDGE_E_PARSE for what is no feed-forward network, MIDGE_E_UNSUPPORTED for
 * what FANN computes and Midge has no way of saying. */
midge_status mdg_fann_map_make(mdg_fann_file *file, mdg_fann_map *map,
                               midge_error *err);

#endif
