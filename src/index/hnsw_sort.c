/* hnsw_sort.c: keys and edges in order. */
#include "index/hnsw.h"

/* Shell sort (gaps of Ciura): lists are short, and often nearly in order. */
void mdg_sort_keys(uint64_t *keys, uint32_t n) {
    static const uint32_t gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        for (uint32_t i = gaps[g]; i < n; i++) {
            uint64_t key = keys[i];
            uint32_t at = i;
            for (; at >= gaps[g] && keys[at - gaps[g]] > key; at -= gaps[g]) {
                keys[at] = keys[at - gaps[g]];
            }
            keys[at] = key;
        }
    }
}

/* By a byte at a time, from the lowest on. */
mdg_edge *mdg_sort_edges(mdg_edge *edges, mdg_edge *room, uint32_t n) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        uint32_t start[257] = {0};
        for (uint32_t i = 0; i < n; i++) {
            start[(edges[i].to >> shift & 255) + 1]++;
        }
        for (uint32_t i = 0; i < 256; i++) {
            start[i + 1] += start[i];
        }
        for (uint32_t i = 0; i < n; i++) {
            room[start[edges[i].to >> shift & 255]++] = edges[i];
        }
        mdg_edge *swap = edges;
        edges = room;
        room = swap;
    }
    return edges;
}
