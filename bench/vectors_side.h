/* vectors_side.h: what the sides of the benchmark of vector search share: they
 * read the same data, answer the same questions and measure themselves alike.
 *
 *   SIDE METRIC BASE QUERIES TRUTH ROWS
 *
 * answers each line of words with a line of JSON:
 *
 *   build MODE THREADS M EF_CONSTRUCTION   ms, and by how much the memory of
 * the process grew (see README.md) search EF BATCH                        one
 * pass over all queries: seconds, queries/s, recall@10. BATCH 1: in one call
 *   save FILE                              ms, bytes
 *   open MODE M FILE                       ms until the first answer, and
 * growth
 *
 * With cosine the data are given to sides that do not know it at length 1. */
#ifndef BENCH_VECTORS_SIDE_H
#define BENCH_VECTORS_SIDE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIDE_K 10

typedef struct side_data {
    int cosine;         /* else squared L2 */
    uint32_t rows, dim; /* of base */
    uint32_t n_queries;
    const float *base; /* (rows, dim), mapped */
    const float *queries;
    const uint32_t *truth; /* (n_queries, SIDE_K) */
} side_data;

typedef struct side_setting {
    char mode[32];
    int threads, m, ef_construction;
} side_setting;

/* Each returns 0, or tells on stderr why not. `ids` are (count, SIDE_K). */
typedef struct side {
    int normalise; /* 1: cosine is the inner product of vectors of length 1 */
    int (*build)(const side_data *data, const side_setting *setting);
    void (*drop)(void); /* what is built, if anything */
    int (*search)(const float *queries, size_t count, int ef, uint32_t *ids);
    int (*save)(const char *path);
    int (*open)(const side_data *data, const side_setting *setting,
                const char *path);
} side;

int side_main(int argc, char **argv, const side *side);

#ifdef __cplusplus
}
#endif
#endif
