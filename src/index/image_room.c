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

/* Blocks of packed codes are not zero where there are no neighbours: they are
 * not mapped with room. */
static int array_of(midge_index *index, uint32_t lazy, array *out) {
    switch (lazy + MDG_LAZY_FIRST) {
    case MDG_SECTION_ROWS:
        *out =
            (array){(void **)(void *)&index->rows.data, &index->rows.capacity};
        return 1;
    case MDG_SECTION_CODES:
        *out = (array){(void **)(void *)&index->codes.data,
                       &index->codes.capacity};
        return 1;
    case MDG_SECTION_LINKS:
        *out = (array){(void **)(void *)&index->graph.links,
                       &index->graph.capacity};
        return 1;
    default:
        return 0;
    }
}

void mdg_image_map_rooms(midge_index *index, uint32_t capacity) {
    mdg_image *image = index->image;
    const midge_index_bytes *bytes = &image->bytes;
    for (uint32_t i = 0; bytes->map_fn && i < MDG_LAZY_COUNT; i++) {
        mdg_section *section = image->lazy[i];
        array a;
        const uint64_t room = (uint64_t)capacity * section->record_bytes;
        if (section->count == 0 || room > SIZE_MAX / 2 ||
            !array_of(index, i, &a)) {
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
        array a;
        if (image->rooms[i].memory && array_of(index, i, &a) &&
            *a.data == image->rooms[i].memory && *a.capacity < capacity) {
            *a.capacity = 0;
        }
    }
}
