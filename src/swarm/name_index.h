/* name_index.h: hash -> ids, 8 bytes a place. The caller knows what an id's
 * name is and compares; so the index holds no text and costs little. */
#ifndef MDG_NAME_INDEX_H
#define MDG_NAME_INDEX_H

#include "midge/env.h"

typedef struct mdg_index_place {
    uint32_t hash;
    uint32_t id; /* 0: free */
} mdg_index_place;

typedef struct mdg_name_index {
    mdg_index_place *places;
    uint32_t capacity; /* 0 or a power of two */
    uint32_t count;
} mdg_name_index;

midge_status mdg_name_index_reserve(mdg_name_index *index, const midge_env *env,
                                    uint32_t more);
void mdg_name_index_release(mdg_name_index *index, const midge_env *env);
void mdg_name_index_clear(mdg_name_index *index);
/* Room was reserved. */
void mdg_name_index_put(mdg_name_index *index, uint32_t hash, uint32_t id);
void mdg_name_index_remove(mdg_name_index *index, uint32_t hash, uint32_t id);
/* Walks the ids with this hash: start with *cursor 0, ends with 0. */
uint32_t mdg_name_index_next(const mdg_name_index *index, uint32_t hash,
                             uint32_t *cursor);

#endif
