/* map.h: a hash map from byte strings to 32-bit values: open addressing with
 * linear probing, seeded hash, keys borrowed (they must outlive the entry). */
#ifndef MDG_MAP_H
#define MDG_MAP_H

#include "midge/env.h"

typedef struct mdg_map_entry {
    const char *key;
    uint32_t key_size;
    uint32_t value; /* 0 marks a free place: values are at least 1 */
    uint32_t hash;
} mdg_map_entry;

typedef struct mdg_map {
    const midge_env *env;
    mdg_map_entry *entries;
    uint32_t capacity; /* 0 or a power of two */
    uint32_t count;
    uint64_t seed;
} mdg_map;

/* Of any bytes: words at a time, finished by a 64-bit mix; enough to make probe
 * lengths short for keys not chosen by someone who knows the seed. */
uint32_t mdg_hash_bytes(uint64_t seed, const char *bytes, size_t size);

void mdg_map_init(mdg_map *map, const midge_env *env, uint64_t seed);
void mdg_map_deinit(mdg_map *map);
/* Makes room for `more` puts, which then cannot fail. */
midge_status mdg_map_reserve(mdg_map *map, uint32_t more);
/* Puts or replaces; value >= 1. Replacing cannot fail, and takes the new
 * pointer to the key. */
midge_status mdg_map_put(mdg_map *map, const char *key, uint32_t key_size,
                         uint32_t value);
/* 0 when absent. */
uint32_t mdg_map_get(const mdg_map *map, const char *key, uint32_t key_size);
/* 1 when it was there. */
int mdg_map_remove(mdg_map *map, const char *key, uint32_t key_size);

#endif
