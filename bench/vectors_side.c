/* vectors_side.c: see vectors_side.h. The base is mapped, so that the anonymous
 * memory of the process is what a side made of it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "vectors_side.h"

#include <fcntl.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double clock_of(clockid_t which) {
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(void) {
    return clock_of(CLOCK_MONOTONIC);
}

/* Of all threads: says how much of the time the side was kept waiting. */
static double spent(void) {
    return clock_of(CLOCK_PROCESS_CPUTIME_ID);
}

/* ---- Data ------------------------------------------------------------------
 */

static _Noreturn void fail(const char *what, const char *name) {
    fprintf(stderr, "%s %s\n", what, name);
    exit(1);
}

static const uint32_t *map_array(const char *name) {
    struct stat about;
    int fd = open(name, O_RDONLY);
    if (fd < 0 || fstat(fd, &about) != 0) {
        fail("cannot read", name);
    }
    /* Read whole, now: not while something is measured. */
    void *data = mmap(NULL, (size_t)about.st_size, PROT_READ,
                      MAP_PRIVATE | MAP_POPULATE, fd, 0);
    const uint32_t *head = data;
    if (data == MAP_FAILED ||
        (size_t)about.st_size != 8 + (size_t)head[0] * head[1] * 4) {
        fail("not an array:", name);
    }
    close(fd);
    return head;
}

static const float *normalised(const float *from, size_t rows, size_t dim) {
    float *to = malloc(rows * dim * sizeof *to);
    if (to == NULL) {
        fail("no memory for", "the vectors");
    }
    for (size_t row = 0; row < rows; row++) {
        double sum = 0;
        for (size_t i = 0; i < dim; i++) {
            sum += (double)from[row * dim + i] * from[row * dim + i];
        }
        double by = sum > 0 ? 1 / sqrt(sum) : 0;
        for (size_t i = 0; i < dim; i++) {
            to[row * dim + i] = (float)(from[row * dim + i] * by);
        }
    }
    return to;
}

static side_data data_read(char **argv, int normalise) {
    side_data data = {.cosine = strcmp(argv[1], "cosine") == 0};
    const uint32_t *base = map_array(argv[2]), *queries = map_array(argv[3]);
    const uint32_t *truth = map_array(argv[4]);
    data.rows = (uint32_t)strtoul(argv[5], NULL, 10);
    data.dim = base[1];
    data.n_queries = queries[0];
    if (data.rows > base[0] || queries[1] != data.dim ||
        truth[0] != data.n_queries || truth[1] != SIDE_K) {
        fail("do not go together:", argv[2]);
    }
    data.base = (const float *)(base + 2);
    data.queries = (const float *)(queries + 2);
    data.truth = truth + 2;
    if (data.cosine && normalise) {
        data.base = normalised(data.base, data.rows, data.dim);
        data.queries = normalised(data.queries, data.n_queries, data.dim);
    }
    return data;
}

/* ---- Measuring -------------------------------------------------------------
 */

/* Bytes of the process that are no mapped file. */
static long long anonymous_bytes(void) {
    char line[256];
    long long kib = 0;
    malloc_trim(0);
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL) {
        fail("cannot read", "/proc/self/status");
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "RssAnon: %lld", &kib) == 1) {
            break;
        }
    }
    fclose(file);
    return kib * 1024;
}

static double recall(const side_data *data, const uint32_t *ids) {
    size_t hits = 0, count = (size_t)data->n_queries * SIDE_K;
    for (size_t i = 0; i < count; i++) {
        const uint32_t *truth = data->truth + i / SIDE_K * SIDE_K;
        for (size_t j = 0; j < SIDE_K; j++) {
            hits += truth[j] == ids[i];
        }
    }
    return (double)hits / (double)count;
}

static int build(const side *own, const side_data *data, const char *words) {
    side_setting setting;
    if (sscanf(words, "%31s %d %d %d", setting.mode, &setting.threads,
               &setting.m, &setting.ef_construction) != 4) {
        return 1;
    }
    own->drop();
    long long before = anonymous_bytes();
    double start = now(), cpu = spent();
    if (own->build(data, &setting) != 0) {
        return 1;
    }
    double ms = (now() - start) * 1e3;
    cpu = spent() - cpu;
    printf("{\"ms\": %.1f, \"cpu_ms\": %.1f, \"grown_bytes\": %lld}\n", ms,
           cpu * 1e3, anonymous_bytes() - before);
    return 0;
}

static int search(const side *own, const side_data *data, const char *words) {
    static uint32_t *ids;
    int ef, batch, code = 0;
    if (sscanf(words, "%d %d", &ef, &batch) != 2) {
        return 1;
    }
    size_t n = data->n_queries;
    if (ids == NULL && (ids = malloc(n * SIDE_K * sizeof *ids)) == NULL) {
        return 1;
    }
    double start = now(), cpu = spent();
    if (batch) {
        code = own->search(data->queries, n, ef, ids);
    } else {
        for (size_t i = 0; i < n && code == 0; i++) {
            code = own->search(data->queries + i * data->dim, 1, ef,
                               ids + i * SIDE_K);
        }
    }
    double seconds = now() - start;
    cpu = spent() - cpu;
    if (code != 0) {
        return code;
    }
    printf("{\"ef\": %d, \"seconds\": %.6f, \"cpu_seconds\": %.6f, "
           "\"recall\": %.5f}\n",
           ef, seconds, cpu, recall(data, ids));
    return 0;
}

static int save(const side *own, const char *words) {
    char path[4096];
    struct stat about;
    if (own->save == NULL || sscanf(words, "%4095s", path) != 1) {
        return 1;
    }
    double start = now();
    if (own->save(path) != 0 || stat(path, &about) != 0) {
        return 1;
    }
    printf("{\"ms\": %.3f, \"bytes\": %lld}\n", (now() - start) * 1e3,
           (long long)about.st_size);
    return 0;
}

static int open_file(const side *own, const side_data *data,
                     const char *words) {
    side_setting setting = {.threads = 1};
    char path[4096];
    uint32_t ids[SIDE_K];
    if (own->open == NULL ||
        sscanf(words, "%31s %d %4095s", setting.mode, &setting.m, path) != 3) {
        return 1;
    }
    own->drop();
    long long before = anonymous_bytes();
    double start = now();
    if (own->open(data, &setting, path) != 0) {
        return 1;
    }
    double opened = now();
    if (own->search(data->queries, 1, 64, ids) != 0) {
        return 1;
    }
    double answered = now();
    printf("{\"open_ms\": %.3f, \"first_answer_ms\": %.3f, "
           "\"grown_bytes\": %lld}\n",
           (opened - start) * 1e3, (answered - start) * 1e3,
           anonymous_bytes() - before);
    return 0;
}

int side_main(int argc, char **argv, const side *own) {
    char line[8192];
    if (argc != 6) {
        fputs("usage: SIDE METRIC BASE QUERIES TRUTH ROWS\n", stderr);
        return 2;
    }
    side_data data = data_read(argv, own->normalise);
    while (fgets(line, sizeof line, stdin) != NULL) {
        int length = 0, code = 1;
        char what[16] = "";
        sscanf(line, "%15s %n", what, &length);
        const char *words = line + length;
        if (strcmp(what, "build") == 0) {
            code = build(own, &data, words);
        } else if (strcmp(what, "search") == 0) {
            code = search(own, &data, words);
        } else if (strcmp(what, "save") == 0) {
            code = save(own, words);
        } else if (strcmp(what, "open") == 0) {
            code = open_file(own, &data, words);
        }
        if (code != 0) {
            printf("{\"error\": \"could not: %s\"}\n", what);
        }
        fflush(stdout);
    }
    own->drop();
    return 0;
}
