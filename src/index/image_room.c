/* image_room.c: large sections that grow where they are mapped.
 *
 * Adding one row to an index of gigabytes must not copy it. So its rows, codes
 * and links are mapped with zeros behind them, for more rows than there are;
 * their arrays then have a capacity, but memory that the env does not know.
 * Before such an array is grown further or given back, mdg_image_let_go makes
 * it a borrowed one: those are copied, and never given back.
 */
#include "index/image.h"

typedef struct array {
    void **data;
    uint32_t *capacity;
} array;

static array array_of(midge_index *index, uint32_t lazy) {
    switch (lazy + MDG_LAZY_FIRST) {
    case MDG_SECTION_ROWS:
        return (array){(void **)(void *)&index->rows.data,
                       &index->rows.capacity};
    case MDG_SECTION_CODES:
        return (array){(void **)(void *)&index->codes.data,
                       &index->codes.capacity};
    default:
        return (array){(void **)(void *)&index->graph.links,
                       &index->graph.capacity};
    }
}

void mdg_image_map_rooms(midge_index *index, uint32_t capacity) {
    mdg_image *image = index->image;
    const midge_index_bytes *bytes = &image->bytes;
    for (uint32_t i = 0; bytes->map_fn && i < MDG_LAZY_COUNT; i++) {
        mdg_section *section = image->lazy[i];
        const array a = array_of(index, i);
        const uint64_t room = (uint64_t)capacity * section->record_bytes;
        if (section->count == 0 || room > SIZE_MAX / 2) {
            continue;
        }
        void *memory =
            bytes->map_fn(bytes->ctx, section->at,
                          (size_t)mdg_section_bytes(section), (size_t)room);
        if (memory) {
            image->rooms[i].memory = memory;
            image->rooms[i].bytes = (size_t)room;
            section->memory = memory;
            *a.data = memory;
            *a.capacity = capacity;
        }
    }
}

void mdg_image_let_go(midge_index *index, uint32_t capacity) {
    const mdg_image *image = index->image;
    for (uint32_t i = 0; image && i < MDG_LAZY_COUNT; i++) {
        const array a = array_of(index, i);
        if (image->rooms[i].memory && *a.data == image->rooms[i].memory &&
            *a.capacity < capacity) {
            *a.capacity = 0;
        }
    }
}
