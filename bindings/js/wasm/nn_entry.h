/* nn_entry.h: a network as the doors of midge-nn and midge-nn-full have it. */
#ifndef MIDGE_WASM_NN_ENTRY_H
#define MIDGE_WASM_NN_ENTRY_H

#include "midge/nn_train.h"
#include "nn_room.h"

typedef struct network {
    midge_net *net;
    nn_room room;
} network;

/* Sets what training asks between batches: what the module imports. */
void nn_ask_the_caller(midge_train_options *options);

#endif
