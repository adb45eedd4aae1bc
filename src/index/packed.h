/* packed.h: walking by one-bit codes of the neighbours, beside their numbers.
 *
 * Gou, Gao, Xu and Long, "SymphonyQG", SIGMOD 2025, on codes of Gao and Long,
 * "RaBitQ", SIGMOD 2024. Every row has a block with its links and, for each, a
 * code: the signs of r = R(x) - R(c), where R rotates (rotate.h), x is the
 * neighbour and c the row itself. With s the signs as numbers 1 and -1, and
 * f = |r|^2 / (s.r), the estimate f s.R(q) of r.R(q) has no bias, and an error
 * that falls with the square root of the dimension. From it, with two factors
 * for each neighbour and the distance of c, measured exactly, follow the
 * distances of all neighbours; a query needs one set of tables for all rows:
 *
 *   l2sq    |q - x|^2 = |q - c|^2 + (|r|^2 + 2 f s.R(c)) - 2 f s.R(q)
 *   cosine  half of that, with all vectors at length 1
 *   ip      -q.x = -q.c + t (f s.R(c) - c.r) - f s.R(q), for any t: t c is
 *           taken off the query, t = q.c / |c|^2
 *
 * The walk takes the node with the smallest estimate, measures it exactly, and
 * estimates its neighbours. A node may be estimated several times and lie in
 * the buffer more than once; it is looked at once. Links that a list has room
 * for are filled up with the nearest neighbours of neighbours: they cost
 * nothing here. Those are in the blocks only, and no other list knows of them.
 *
 * A block is `groups` groups of 32 neighbours, each:
 *
 *   u32 link[32]      rows
 *   f32 first[32]     what is in parentheses above; infinite: no neighbour
 *   f32 second[32]    -2 f or -f
 *   u8  codes[4 size] 32 vectors of size / 4 parts as in kernels/pq4.h; bit j
 *                     of part p is 1 where element 4 p + j of r is not negative
 *
 * little-endian in files, where a block is a record as it is here.
 *
 * Where it pays: nowhere before the walk by int8 codes, which is the one to
 * choose; before the walk by rows where vectors are long or near ones hard to
 * tell. Queries/s, packed : int8 : rows, one thread, AVX-512, m = 16, recall@10
 * as given, all on one graph and a busy machine (measured 2026-11):
 *
 *   340 k words x 100, cosine     0.95   0.69 : 1 : 0.51
 *   100 k clusters x 128, l2sq    0.95   0.67 : 1 : 0.87
 *                                 0.99   0.68 : 1 : 0.73
 *   10 k digits x 784, l2sq       0.99   1.0  : 1 : 0.6
 *
 * A step costs about as much as one by int8 codes, but estimates are off by
 * some 6 % of 2 |r| |q - c| at 128 dimensions (0.72 / sqrt(size)), and more
 * steps are needed. The blocks take 384 + 4 size bytes a group: for m = 16 and
 * 100 or 128 dimensions 896 bytes a row, int8 codes 104 and 132. */
#ifndef MDG_PACKED_H
#define MDG_PACKED_H

#include "index/index_internal.h"
#include "index/rotate.h"

#define MDG_PACKED_GROUP 32u

/* Room to make a block in; one of them for each worker. */
typedef struct mdg_packer {
    int busy;
    float *vector, *centre, *other, *residual, *signs; /* (size) each */
    uint8_t *block;
    void *room;     /* of a scorer */
    uint64_t *keys; /* (slots) */
} mdg_packer;

typedef struct mdg_packed {
    mdg_rotation rotation;
    uint32_t groups;
    uint32_t slots; /* in a block: groups * 32, at least m0 of the graph */
    size_t group_bytes;
    size_t block_bytes; /* a multiple of 64 */
    uint8_t *blocks;    /* (capacity, block_bytes) */
    uint32_t capacity;  /* 0 with blocks: they lie in a file's bytes */
    mdg_packer *packers;
    unsigned n_packers;
    size_t room_bytes;
} mdg_packed;

typedef struct mdg_packed_group {
    uint32_t *link;
    float *factors; /* (2, 32) */
    uint8_t *codes;
} mdg_packed_group;

/* 1 / sqrt(norm2), or 0 where there is no direction. */
float mdg_packed_inverse_norm(float norm2);

static inline uint8_t *mdg_packed_block(const mdg_packed *p, uint32_t row) {
    return p->blocks + (size_t)row * p->block_bytes;
}

static inline mdg_packed_group
mdg_packed_group_of(const mdg_packed *p, uint8_t *block, uint32_t group) {
    uint8_t *at = block + group * p->group_bytes;
    return (mdg_packed_group){
        (uint32_t *)(void *)at,
        (float *)(void *)(at + MDG_PACKED_GROUP * sizeof(uint32_t)),
        at + 3 * MDG_PACKED_GROUP * sizeof(uint32_t)};
}

/* The parts of an index that has no blocks yet (index->packed is NULL): for
 * mdg_packed_build, and for blocks that lie in a file. */
midge_status mdg_packed_new(midge_index *index);
/* Room for `capacity` blocks of the index; new ones are without neighbours.
 * Blocks of a file are copied. */
midge_status mdg_packed_reserve(midge_index *index, uint32_t capacity);

/* ---- packed_walk.c ------------------------------------------------------- */

struct mdg_walk;

/* A query made ready. */
typedef struct mdg_packed_query {
    const mdg_packed *packed; /* NULL: the walk is by rows */
    float *rotated;           /* (size) */
    uint8_t *lut;             /* (4 size) */
    size_t size;
    float scale;
    float shift;
    uint32_t node; /* fetched, to be looked at next */
} mdg_packed_query;

midge_status mdg_packed_query_reserve(mdg_packed_query *query,
                                      const midge_index *index);
void mdg_packed_query_deinit(mdg_packed_query *query, const midge_env *env);
void mdg_packed_query_set(mdg_packed_query *query, const midge_index *index,
                          const float *vector);
/* The estimated distances of the neighbours in one group of c's block, c being
 * at `distance` from the query: bit i tells if out[i] < limit. */
uint32_t mdg_packed_estimate(const mdg_packed_query *query,
                             const midge_index *index, uint32_t c,
                             float distance, uint32_t group, float limit,
                             float out[MDG_PACKED_GROUP]);
/* To the lowest level, from the nearest nodes found on an upper one. */
void mdg_packed_enter(struct mdg_walk *walk, uint32_t ef);
/* A step on the lowest level (walk.h): what it finds is in walk->found. */
int mdg_packed_step(struct mdg_walk *walk);

#endif
