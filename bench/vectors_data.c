/* vectors_data.c: the data of the benchmark of vector search, and its truth.
 *
 *   vectors_data split IN QUERIES SEED BASE OUT    draws QUERIES rows into OUT,
 *                                        the others go to BASE in drawn order
 *   vectors_data clusters ROWS COLUMNS QUERIES SEED BASE OUT
 *   vectors_data nearest l2|cosine BASE IN OUT ROWS...   for each ROWS the file
 *                                        OUT.ROWS: the K nearest of each row of
 *                                        IN among the first ROWS of BASE
 *
 * Files are u32 rows, u32 columns and then the rows, of float or u32. This
 * program has nothing of the library in it: what it finds is what all sides are
 * measured by. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define K 10

/* ---- Files -----------------------------------------------------------------
 */

typedef struct matrix {
    uint32_t rows, columns;
    float *data;
} matrix;

static void fail(const char *what, const char *name) {
    fprintf(stderr, "vectors_data: %s %s\n", what, name);
    exit(1);
}

static matrix matrix_new(uint32_t rows, uint32_t columns) {
    matrix m = {rows, columns, NULL};
    m.data = malloc((size_t)rows * columns * sizeof(float));
    if (m.data == NULL) {
        fail("no memory for", "an array");
    }
    return m;
}

static float *row_of(matrix m, size_t row) {
    return m.data + row * m.columns;
}

static matrix matrix_read(const char *name) {
    uint32_t head[2];
    FILE *file = fopen(name, "rb");
    if (file == NULL || fread(head, sizeof head, 1, file) != 1) {
        fail("cannot read", name);
    }
    matrix m = matrix_new(head[0], head[1]);
    size_t count = (size_t)m.rows * m.columns;
    if (fread(m.data, sizeof(float), count, file) != count) {
        fail("too short:", name);
    }
    fclose(file);
    return m;
}

static void write_array(const char *name, uint32_t rows, uint32_t columns,
                        const void *data) {
    uint32_t head[2] = {rows, columns};
    size_t count = (size_t)rows * columns;
    FILE *file = fopen(name, "wb");
    if (file == NULL || fwrite(head, sizeof head, 1, file) != 1 ||
        fwrite(data, 4, count, file) != count || fclose(file) != 0) {
        fail("cannot write", name);
    }
}

/* ---- Random numbers (splitmix64) -------------------------------------------
 */

static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Above 0, at most 1. */
static double uniform(uint64_t *state) {
    return ((double)(next(state) >> 11) + 1) * 0x1p-53;
}

static double gaussian(uint64_t *state) {
    double radius = sqrt(-2 * log(uniform(state)));
    return radius * cos(6.283185307179586 * uniform(state));
}

static void shuffle(uint32_t *order, uint32_t n, uint64_t *state) {
    for (uint32_t i = 0; i < n; i++) {
        order[i] = i;
    }
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (uint32_t)(next(state) % i), other = order[j];
        order[j] = order[i - 1];
        order[i - 1] = other;
    }
}

/* ---- split -----------------------------------------------------------------
 */

static void split(char **argv) {
    matrix all = matrix_read(argv[0]);
    uint32_t n_queries = (uint32_t)strtoul(argv[1], NULL, 10);
    uint64_t state = strtoull(argv[2], NULL, 10);
    if (n_queries >= all.rows) {
        fail("too many queries for", argv[0]);
    }
    uint32_t *order = malloc(all.rows * sizeof *order);
    if (order == NULL) {
        fail("no memory for", argv[0]);
    }
    shuffle(order, all.rows, &state);
    matrix drawn = matrix_new(all.rows, all.columns);
    for (uint32_t i = 0; i < all.rows; i++) {
        memcpy(row_of(drawn, i), row_of(all, order[i]),
               all.columns * sizeof(float));
    }
    write_array(argv[4], n_queries, all.columns, drawn.data);
    write_array(argv[3], all.rows - n_queries, all.columns,
                row_of(drawn, n_queries));
}

/* ---- clusters --------------------------------------------------------------
 */

#define CLUSTERS 1000

/* A mixture of Gaussians: each has a weight, a middle and a spread of its own,
 * which falls from one of its axes to the next. */
typedef struct mixture {
    double until[CLUSTERS]; /* the weights, summed up */
    matrix middle, spread;  /* (CLUSTERS, columns) */
} mixture;

static void mixture_init(mixture *m, uint32_t columns, uint64_t *state) {
    uint32_t *axes = malloc(columns * sizeof *axes);
    double sum = 0;
    if (axes == NULL) {
        fail("no memory for", "the clusters");
    }
    m->middle = matrix_new(CLUSTERS, columns);
    m->spread = matrix_new(CLUSTERS, columns);
    for (uint32_t c = 0; c < CLUSTERS; c++) {
        m->until[c] = sum += 0.2 + uniform(state);
        double wide = 0.5 + uniform(state);
        shuffle(axes, columns, state);
        for (uint32_t i = 0; i < columns; i++) {
            row_of(m->middle, c)[i] = (float)(0.6 * gaussian(state));
            row_of(m->spread, c)[i] = (float)(wide / (1 + axes[i] / 24.0));
        }
    }
    free(axes);
}

static void draw(const mixture *m, matrix out, uint64_t *state) {
    for (uint32_t row = 0; row < out.rows; row++) {
        double at = uniform(state) * m->until[CLUSTERS - 1];
        uint32_t c = 0;
        while (m->until[c] < at) {
            c++;
        }
        for (uint32_t i = 0; i < out.columns; i++) {
            row_of(out, row)[i] =
                row_of(m->middle, c)[i] +
                row_of(m->spread, c)[i] * (float)gaussian(state);
        }
    }
}

static void clusters(char **argv) {
    uint32_t rows = (uint32_t)strtoul(argv[0], NULL, 10);
    uint32_t columns = (uint32_t)strtoul(argv[1], NULL, 10);
    uint32_t n_queries = (uint32_t)strtoul(argv[2], NULL, 10);
    uint64_t state = strtoull(argv[3], NULL, 10);
    static mixture m;
    mixture_init(&m, columns, &state);
    matrix queries = matrix_new(n_queries, columns);
    matrix base = matrix_new(rows, columns);
    draw(&m, queries, &state);
    draw(&m, base, &state);
    write_array(argv[4], rows, columns, base.data);
    write_array(argv[5], n_queries, columns, queries.data);
}

/* ---- nearest ---------------------------------------------------------------
 */

typedef struct best {
    float distance[K];
    uint32_t row[K];
} best;

/* Keeps the K smallest, sorted; the first of equal ones stays. */
static void keep(best *b, float distance, uint32_t row) {
    if (!(distance < b->distance[K - 1])) {
        return;
    }
    int at = K - 1;
    for (; at > 0 && b->distance[at - 1] > distance; at--) {
        b->distance[at] = b->distance[at - 1];
        b->row[at] = b->row[at - 1];
    }
    b->distance[at] = distance;
    b->row[at] = row;
}

static float l2sq(const float *a, const float *b, uint32_t n) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (uint32_t i = 0; i < n; i++) {
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum;
}

/* Cosine is the order of squared distances of vectors of length 1. */
static void normalise(matrix m) {
    for (uint32_t row = 0; row < m.rows; row++) {
        float *x = row_of(m, row);
        double sum = 0;
        for (uint32_t i = 0; i < m.columns; i++) {
            sum += (double)x[i] * x[i];
        }
        for (uint32_t i = 0; i < m.columns && sum > 0; i++) {
            x[i] = (float)(x[i] / sqrt(sum));
        }
    }
}

static void write_best(const char *out, uint32_t rows, uint32_t n_queries,
                       const best *found) {
    char name[4096];
    uint32_t *ids = malloc((size_t)n_queries * K * sizeof *ids);
    if (ids == NULL) {
        fail("no memory for", out);
    }
    for (uint32_t q = 0; q < n_queries; q++) {
        memcpy(ids + (size_t)q * K, found[q].row, sizeof found[q].row);
    }
    snprintf(name, sizeof name, "%s.%u", out, rows);
    write_array(name, n_queries, K, ids);
    free(ids);
}

/* Rows past `rows` come after those before: one pass serves all prefixes. */
static void nearest(int argc, char **argv) {
    enum { BLOCK = 64 };
    matrix base = matrix_read(argv[1]), queries = matrix_read(argv[2]);
    if (strcmp(argv[0], "cosine") == 0) {
        normalise(base);
        normalise(queries);
    }
    best *found = malloc(queries.rows * sizeof *found);
    if (found == NULL) {
        fail("no memory for", argv[3]);
    }
    for (uint32_t q = 0; q < queries.rows; q++) {
        for (int i = 0; i < K; i++) {
            found[q] = (best){{0}, {0}};
        }
        for (int i = 0; i < K; i++) {
            found[q].distance[i] = FLT_MAX;
        }
    }
    uint32_t from = 0;
    for (int arg = 4; arg < argc; arg++) {
        uint32_t until = (uint32_t)strtoul(argv[arg], NULL, 10);
        for (; from < until && from < base.rows; from += BLOCK) {
            uint32_t end = from + BLOCK < until ? from + BLOCK : until;
            for (uint32_t q = 0; q < queries.rows; q++) {
                for (uint32_t row = from; row < end && row < base.rows; row++) {
                    keep(found + q,
                         l2sq(row_of(base, row), row_of(queries, q),
                              base.columns),
                         row);
                }
            }
        }
        from = until;
        write_best(argv[3], until, queries.rows, found);
    }
}

int main(int argc, char **argv) {
    if (argc == 7 && strcmp(argv[1], "split") == 0) {
        split(argv + 2);
    } else if (argc == 8 && strcmp(argv[1], "clusters") == 0) {
        clusters(argv + 2);
    } else if (argc >= 7 && strcmp(argv[1], "nearest") == 0) {
        nearest(argc - 2, argv + 2);
    } else {
        fputs("usage: see the top of vectors_data.c\n", stderr);
        return 2;
    }
    return 0;
}
