/* nn_room.c: places for rows, each from 64 bytes on. */
#include "nn_room.h"

#include "answer.h"
#include "base/alloc.h"
#include "entry.h"

static uint64_t lines(uint64_t bytes) {
    return (bytes + 63) & ~(uint64_t)63;
}

int nn_room_reserve(nn_room *room, size_t n_rows, uint32_t n_inputs,
                    uint32_t n_outputs, size_t workspace_bytes) {
    const uint64_t x = lines((uint64_t)n_rows * n_inputs * sizeof(float));
    const uint64_t y = lines((uint64_t)n_rows * n_outputs * sizeof(float));
    const uint64_t bytes = x + y + workspace_bytes;
    nn_room_release(room);
    room->block = bytes < ANSWER_BYTES_MAX ? entry_alloc((size_t)bytes) : NULL;
    if (!room->block) {
        return (int)mdg_no_memory("rows", &entry_error);
    }
    room->bytes = (size_t)bytes;
    room->x = (float *)(void *)room->block;
    room->y = (float *)(void *)(room->block + x);
    room->workspace = room->block + x + y;
    return 0;
}

void nn_room_release(nn_room *room) {
    entry_release(room->block, room->bytes);
    *room = (nn_room){.block = NULL};
}
