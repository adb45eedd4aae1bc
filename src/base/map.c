/* map.c: linear probing with backward-shift removal, so that there are no
 * tombstones. At most three quarters of the places are taken. */
#include "base/map.h"

#include <string.h>

#include "base/alloc.h"
#include "base/mdg_assert.h"

uint32_t mdg_hash_bytes(uint64_t seed, const char *bytes, size_t size) {
    uint64_t h = seed ^ size;
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word;
        memcpy(&word, bytes + at, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    for (; at < size; at++) {
        h = (h ^ (unsigned char)bytes[at]) * 0x100000001b3u;
    }
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return (uint32_t)(h >> 32);
}

void mdg_map_init(mdg_map *map, const midge_env *env, uint64_t seed) {
    memset(map, 0, sizeof *map);
    map->env = env;
    map->seed = seed;
}

void mdg_map_deinit(mdg_map *map) {
    mdg_release(map->env, map->entries, map->capacity, sizeof *map->entries);
    mdg_map_init(map, map->env, map->seed);
}

/* The place of the key, or the free place where it would go. */
static uint32_t find_place(const mdg_map *map, const char *key, uint32_t size,
                           uint32_t hash) {
    uint32_t mask = map->capacity - 1;
    uint32_t at = hash & mask;
    while (map->entries[at].value != 0) {
        const mdg_map_entry *e = &map->entries[at];
        if (e->hash == hash && e->key_size == size &&
            memcmp(e->key, key, size) == 0) {
            return at;
        }
        at = (at + 1) & mask;
    }
    return at;
}

static midge_status grow(mdg_map *map, uint32_t capacity) {
    mdg_map_entry *entries =
        mdg_alloc_zero(map->env, capacity, sizeof *entries);
    if (!entries) {
        return MIDGE_E_NOMEM;
    }
    mdg_map old = *map;
    map->entries = entries;
    map->capacity = capacity;
    for (uint32_t i = 0; i < old.capacity; i++) {
        const mdg_map_entry *e = &old.entries[i];
        if (e->value != 0) {
            map->entries[find_place(map, e->key, e->key_size, e->hash)] = *e;
        }
    }
    mdg_release(old.env, old.entries, old.capacity, sizeof *old.entries);
    return MIDGE_OK;
}

midge_status mdg_map_reserve(mdg_map *map, uint32_t more) {
    uint64_t wanted = ((uint64_t)map->count + more) * 4 / 3 + 1;
    uint64_t capacity = map->capacity ? map->capacity : 16;
    while (capacity < wanted) {
        capacity *= 2;
    }
    if (capacity > UINT32_MAX / 2) {
        return MIDGE_E_LIMIT;
    }
    return capacity == map->capacity ? MIDGE_OK : grow(map, (uint32_t)capacity);
}

midge_status mdg_map_put(mdg_map *map, const char *key, uint32_t key_size,
                         uint32_t value) {
    mdg_assert(value != 0);
    uint32_t hash = mdg_hash_bytes(map->seed, key, key_size);
    uint32_t at = map->capacity ? find_place(map, key, key_size, hash) : 0;
    if (map->capacity == 0 || map->entries[at].value == 0) {
        uint32_t capacity = map->capacity;
        MIDGE_TRY(mdg_map_reserve(map, 1));
        if (map->capacity != capacity) {
            at = find_place(map, key, key_size, hash);
        }
        map->count++;
    }
    map->entries[at] = (mdg_map_entry){key, key_size, value, hash};
    return MIDGE_OK;
}

uint32_t mdg_map_get(const mdg_map *map, const char *key, uint32_t key_size) {
    if (map->count == 0) {
        return 0;
    }
    uint32_t hash = mdg_hash_bytes(map->seed, key, key_size);
    return map->entries[find_place(map, key, key_size, hash)].value;
}

int mdg_map_remove(mdg_map *map, const char *key, uint32_t key_size) {
    if (map->count == 0) {
        return 0;
    }
    uint32_t mask = map->capacity - 1;
    uint32_t hash = mdg_hash_bytes(map->seed, key, key_size);
    uint32_t hole = find_place(map, key, key_size, hash);
    if (map->entries[hole].value == 0) {
        return 0;
    }
    /* Later entries of the same probe run move back into the hole. */
    for (uint32_t at = (hole + 1) & mask; map->entries[at].value != 0;
         at = (at + 1) & mask) {
        uint32_t home = map->entries[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->entries[hole] = map->entries[at];
            hole = at;
        }
    }
    map->entries[hole].value = 0;
    map->count--;
    return 1;
}
