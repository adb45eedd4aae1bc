/* index_oracle.c: the native side of tests/js/index_store.test.mjs: makes,
 * changes and searches files of indexes.
 *
 *   index_oracle build ROWS DIM FILE      raw floats as an index
 *   index_oracle change FROM TO           a copy, with a commit behind it
 *   index_oracle search FILE QUERIES K EF what is found, as JSON
 *   index_oracle verify FILE              silent when all is well
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midge/index_file.h"
#include "midge/os.h"

static midge_error error;

static void must(midge_status status) {
    if (status != MIDGE_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
}

static char *read_all(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

static void build(const midge_env *env, char **args) {
    size_t size;
    char *rows = read_all(args[0], &size);
    midge_index_options options = MIDGE_INDEX_DEFAULTS;
    options.dim = (uint32_t)atoi(args[1]);
    options.kind = MIDGE_INDEX_HNSW;
    options.m = 8;
    options.ef_construction = 40;
    options.seed = 5;
    midge_index *index;
    must(midge_index_new(env, &options, &index, &error));
    const midge_rows added = {.count = size / (options.dim * sizeof(float)),
                              .vectors = rows};
    must(midge_index_add(index, &added, NULL, &error));
    must(midge_index_file_save(index, args[2], 1, NULL, &error));
    midge_index_free(index);
    free(rows);
}

static void copy(const char *from, const char *to) {
    size_t size;
    char *bytes = read_all(from, &size);
    FILE *file = fopen(to, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(to);
        exit(1);
    }
    free(bytes);
}

static void change(const midge_env *env, char **args) {
    static const char text[] = "{\"n\": 900000, \"word\": \"native\"}";
    const uint64_t gone = 7;
    const uint64_t fresh = 900000;
    midge_index_file *file;
    copy(args[0], args[1]);
    must(midge_index_file_open(env, args[1], NULL, &file, &error));
    midge_index *index = midge_index_file_index(file);
    midge_index_info info;
    midge_index_info_get(index, &info);
    float *row = calloc(info.options.dim, sizeof *row);
    midge_arena arena;
    const midge_json *metadata;
    midge_arena_init(&arena, env, 0);
    must(midge_json_read(&arena, text, sizeof text - 1, &metadata, &error));
    size_t n_deleted;
    must(midge_index_delete(index, 1, &gone, NULL, &n_deleted, &error));
    const midge_rows added = {
        .count = 1, .vectors = row, .ids = &fresh, .metadata = &metadata};
    must(midge_index_add(index, &added, NULL, &error));
    must(midge_index_file_commit(file, &error));
    midge_index_file_close(file);
    midge_arena_deinit(&arena);
    free(row);
}

static void print_list(const midge_index *index, midge_searcher *searcher,
                       size_t count, int ids) {
    int first = 1;
    for (size_t i = 0; i < count; i++) {
        size_t n;
        const midge_neighbour *found = midge_searcher_found(searcher, i, &n);
        for (size_t j = 0; j < n; j++, first = 0) {
            printf("%s", first ? "" : ",");
            if (ids) {
                printf("%llu",
                       (unsigned long long)midge_index_id(index, found[j].row));
            } else {
                printf("%.17g", (double)found[j].distance);
            }
        }
    }
}

static void search(const midge_env *env, char **args) {
    const midge_index_file_options read_only = {.read_only = 1};
    midge_index_file *file;
    must(midge_index_file_open(env, args[0], &read_only, &file, &error));
    midge_index *index = midge_index_file_index(file);
    midge_index_info info;
    midge_index_info_get(index, &info);
    size_t size;
    char *queries = read_all(args[1], &size);
    const midge_query query = {.count =
                                   size / (info.options.dim * sizeof(float)),
                               .vectors = queries,
                               .k = (uint32_t)atoi(args[2]),
                               .ef = (uint32_t)atoi(args[3])};
    midge_searcher *searcher;
    must(midge_searcher_new(index, &searcher, &error));
    must(midge_searcher_run(searcher, &query, &error));
    printf("{\"ids\":[");
    print_list(index, searcher, query.count, 1);
    printf("],\"distances\":[");
    print_list(index, searcher, query.count, 0);
    printf("]}\n");
    midge_searcher_free(searcher);
    midge_index_file_close(file);
    free(queries);
}

static void verify(const midge_env *env, char **args) {
    must(midge_index_file_verify(env, args[0], NULL, NULL, NULL, &error));
}

int main(int count, char **args) {
    const midge_env env = midge_os_env();
    const struct {
        const char *name;
        int args;
        void (*run)(const midge_env *env, char **args);
    } commands[] = {{"build", 3, build},
                    {"change", 2, change},
                    {"search", 4, search},
                    {"verify", 1, verify}};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (count > 1 && strcmp(args[1], commands[i].name) == 0 &&
            count == commands[i].args + 2) {
            commands[i].run(&env, args + 2);
            return 0;
        }
    }
    fprintf(stderr, "usage: see the top of index_oracle.c\n");
    return 2;
}
