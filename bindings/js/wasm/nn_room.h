/* nn_room.h: the memory that running a network needs: places for rows of inputs
 * and outputs and a workspace. JavaScript writes and reads the rows there. */
#ifndef MIDGE_WASM_NN_ROOM_H
#define MIDGE_WASM_NN_ROOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct nn_room {
    uint8_t *block;
    size_t bytes;
    float *x; /* (rows, n_inputs) */
    float *y; /* (rows, n_outputs) */
    void *workspace;
} nn_room;

/* Room for so many rows; what lay there before is lost. Returns a midge_status.
 */
int nn_room_reserve(nn_room *room, size_t n_rows, uint32_t n_inputs,
                    uint32_t n_outputs, size_t workspace_bytes);
void nn_room_release(nn_room *room);

#endif
