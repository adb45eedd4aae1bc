/* vectors_midge.c: Midge as a side (vectors_side.h). A mode is STORAGE_WALK:
 * f32, f16 or int8; then rows or int8, or flat for the exact index. */
#include "vectors_side.h"

#include <stdio.h>
#include <string.h>

#include "midge/index.h"
#include "midge/index_file.h"
#include "midge/os.h"

static midge_env env;
static midge_os_pool *pool;
static midge_index *built;
static midge_index_file *file;
static const midge_index *index_in_use;
static midge_searcher *searcher;

static int fails(midge_status status, const midge_error *err) {
    if (status != MIDGE_OK) {
        fprintf(stderr, "vectors_midge: %s: %s\n", midge_status_text(status),
                err->text);
    }
    return status != MIDGE_OK;
}

static void drop(void) {
    midge_searcher_free(searcher);
    midge_index_free(built);
    midge_index_file_close(file);
    midge_os_pool_free(pool);
    searcher = NULL;
    built = NULL;
    file = NULL;
    pool = NULL;
}

static int start_searcher(const midge_index *index) {
    midge_error err = {0};
    index_in_use = index;
    return fails(midge_searcher_new(index, &searcher, &err), &err);
}

/* Place of `word` in a list, or -1. */
static int place_of(const char *word, const char *const *list) {
    for (int i = 0; list[i] != NULL; i++) {
        if (strcmp(word, list[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static int options_of(const side_data *data, const side_setting *setting,
                      midge_index_options *o) {
    /* In the order of the enums, walks from ROWS on; then the exact index. */
    static const char *const storages[] = {"f32", "f16", "int8", NULL};
    static const char *const walks[] = {"rows", "int8", "flat", NULL};
    char storage[8], walk[8];
    if (sscanf(setting->mode, "%7[^_]_%7s", storage, walk) != 2) {
        return 1;
    }
    int s = place_of(storage, storages), w = place_of(walk, walks);
    if (s < 0 || w < 0) {
        return 1;
    }
    o->dim = data->dim;
    o->metric = data->cosine ? MIDGE_METRIC_COSINE : MIDGE_METRIC_L2SQ;
    o->kind = w == 2 ? MIDGE_INDEX_FLAT : MIDGE_INDEX_HNSW;
    o->storage = (midge_storage)s;
    o->walk = w == 1 ? MIDGE_WALK_INT8 : MIDGE_WALK_ROWS;
    o->m = (uint32_t)setting->m;
    o->ef_construction = (uint32_t)setting->ef_construction;
    return 0;
}

static int build(const side_data *data, const side_setting *setting) {
    midge_error err = {0};
    midge_index_options options = MIDGE_INDEX_DEFAULTS;
    midge_rows rows = {.count = data->rows, .vectors = data->base};
    env = midge_os_env();
    if (options_of(data, setting, &options) != 0) {
        fprintf(stderr, "vectors_midge: no mode '%s'\n", setting->mode);
        return 1;
    }
    if (setting->threads > 1) {
        if (fails(midge_os_pool_new((unsigned)setting->threads, &pool, &err),
                  &err)) {
            return 1;
        }
        midge_os_pool_attach(pool, &env);
    }
    if (fails(midge_index_new(&env, &options, &built, &err), &err) ||
        fails(midge_index_add(built, &rows, NULL, &err), &err)) {
        return 1;
    }
    /* Searches run on one thread. */
    env = midge_os_env();
    return start_searcher(built);
}

static int search(const float *queries, size_t count, int ef, uint32_t *ids) {
    midge_error err = {0};
    midge_query query = {
        .count = count, .vectors = queries, .k = SIDE_K, .ef = (uint32_t)ef};
    if (fails(midge_searcher_run(searcher, &query, &err), &err)) {
        return 1;
    }
    for (size_t q = 0; q < count; q++) {
        size_t n = 0;
        const midge_neighbour *found = midge_searcher_found(searcher, q, &n);
        for (size_t i = 0; i < SIDE_K; i++) {
            ids[q * SIDE_K + i] =
                i < n ? (uint32_t)midge_index_id(index_in_use, found[i].row)
                      : UINT32_MAX;
        }
    }
    return 0;
}

static int save(const char *path) {
    midge_error err = {0};
    return fails(midge_index_file_save(index_in_use, path, 1, NULL, &err),
                 &err);
}

static int open_file(const side_data *data, const side_setting *setting,
                     const char *path) {
    midge_error err = {0};
    const midge_index_file_options options = {.read_only = 1};
    (void)data;
    (void)setting; /* the file knows them */
    env = midge_os_env();
    return fails(midge_index_file_open(&env, path, &options, &file, &err),
                 &err) ||
           start_searcher(midge_index_file_index(file));
}

int main(int argc, char **argv) {
    const side midge = {0, build, drop, search, save, open_file};
    return side_main(argc, argv, &midge);
}
