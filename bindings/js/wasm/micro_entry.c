/* micro_entry.c: what JavaScript calls in midge-hnsw-micro.wasm: of the doors
 * of index_entry.c those that a small graph has, alike. */
#include <string.h>

#include "entry.h"
#include "index_numbers.h"
#include "micro.h"

static void *answer;
static size_t answer_bytes;

EXPORT(index_new) micro *entry_index_new(const index_numbers *numbers);
EXPORT(index_open)
micro *entry_index_open(uint8_t *file, size_t size, int track);
EXPORT(index_free) void entry_index_free(micro *o);
EXPORT(index_add)
int entry_index_add(micro *o, size_t count, const float *vectors,
                    const uint64_t *ids, const void *keys, const void *metadata,
                    int upsert);
EXPORT(index_delete)
int entry_index_delete(micro *o, size_t count, const uint64_t *ids,
                       const void *keys);
EXPORT(index_info) int entry_index_info(const micro *o);
EXPORT(index_find)
uint32_t entry_index_find(const micro *o, uint64_t id, const char *key,
                          size_t key_size);
EXPORT(index_vector)
int entry_index_vector(const micro *o, uint32_t row, float *out);
EXPORT(index_search)
int entry_index_search(micro *o, const search_numbers *numbers,
                       const float *queries, const void *filter, int ids);
EXPORT(index_save) int entry_index_save(micro *o);
EXPORT(answer_data) const void *entry_answer_data(void);
EXPORT(answer_size) size_t entry_answer_size(void);
EXPORT(answer_release) void entry_answer_release(void);

/* ---- Answers ------------------------------------------------------------- */

const void *entry_answer_data(void) {
    return answer;
}

size_t entry_answer_size(void) {
    return answer_bytes;
}

void entry_answer_release(void) {
    entry_release(answer, answer_bytes);
    answer = NULL;
    answer_bytes = 0;
}

midge_status micro_fail(midge_status status, const char *text) {
    entry_error.status = status;
    memcpy(entry_error.text, text, strlen(text) + 1);
    return status;
}

static int no_memory(void) {
    return (int)micro_fail(MIDGE_E_NOMEM, "out of memory");
}

static int check_finite(const float *x, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (x[i] - x[i] != 0.0f) {
            return (int)micro_fail(MIDGE_E_INVALID, "a value is not finite");
        }
    }
    return 0;
}

static void *answer_room(uint64_t bytes) {
    if (bytes != answer_bytes) {
        entry_answer_release();
        answer = bytes < SIZE_MAX / 2 ? entry_alloc((size_t)bytes) : NULL;
        answer_bytes = answer ? (size_t)bytes : 0;
    }
    return answer;
}

/* ---- Objects ------------------------------------------------------------- */

static micro *make(void) {
    micro *o = entry_alloc(sizeof *o);
    if (!o) {
        (void)no_memory();
        return NULL;
    }
    memset(o, 0, sizeof *o);
    o->entry = MDG_NO_NODE;
    return o;
}

void entry_index_free(micro *o) {
    micro_free(o);
}

micro *entry_index_new(const index_numbers *n) {
    if (n->dim - 1 >= MIDGE_INDEX_DIM_MAX || n->m > MIDGE_INDEX_M_MAX ||
        n->m == 1 || n->ef_construction > MIDGE_INDEX_EF_MAX ||
        n->ef > MIDGE_INDEX_EF_MAX) {
        (void)micro_fail(MIDGE_E_INVALID, "dim, m or ef is out of bounds");
        return NULL;
    }
    micro *o = make();
    if (o) {
        o->dim = n->dim;
        o->metric = n->metric;
        o->kind = n->kind;
        o->m = n->m ? n->m : 16;
        o->ef_construction = n->ef_construction ? n->ef_construction : 128;
        o->ef = n->ef ? n->ef : 64;
        o->seed = (uint64_t)n->seed_high << 32 | n->seed_low;
        o->stride = o->dim + (o->metric == MIDGE_METRIC_COSINE);
    }
    return o;
}

micro *entry_index_open(uint8_t *file, size_t size, int track) {
    (void)track;
    micro *o = make();
    if (o && micro_read(o, file, size)) {
        micro_free(o);
        o = NULL;
    }
    entry_release(file, size);
    return o;
}

/* ---- Changes ------------------------------------------------------------- */

static void kill(micro *o, uint32_t row) {
    o->dead[row >> 3] |= (uint8_t)(1 << (row & 7));
    o->n_dead++;
}

static int add_one(micro *o, const float *vector, uint64_t id) {
    const uint32_t row = o->n;
    memcpy(o->rows + (size_t)row * o->stride, vector, o->dim * sizeof *vector);
    o->ids[row] = id;
    o->dead[row >> 3] &= (uint8_t)~(1 << (row & 7));
    micro_prepare(o, row);
    if (!micro_link(o, row)) {
        return no_memory();
    }
    micro_remember(o, row);
    o->n++;
    o->next_id = id >= o->next_id ? id + 1 : o->next_id;
    return 0;
}

/* All or none, but for the ids that stand twice in `ids`. */
static int check_rows(const micro *o, size_t count, const float *vectors,
                      const uint64_t *ids, int upsert) {
    MIDGE_TRY(check_finite(vectors, count * o->dim));
    for (size_t i = 0; ids && !upsert && i < count; i++) {
        if (micro_find(o, ids[i]) != MDG_NO_NODE) {
            return (int)micro_fail(MIDGE_E_EXISTS,
                                   "an id is in the index already");
        }
    }
    return 0;
}

int entry_index_add(micro *o, size_t count, const float *vectors,
                    const uint64_t *ids, const void *keys, const void *metadata,
                    int upsert) {
    (void)keys;
    (void)metadata;
    int status = check_rows(o, count, vectors, ids, upsert);
    if (status == 0 && (count >= MIDGE_INDEX_ROWS_MAX - o->n ||
                        !micro_reserve(o, o->n + (uint32_t)count))) {
        status = no_memory();
    }
    for (size_t i = 0; status == 0 && i < count; i++) {
        const uint64_t id = ids ? ids[i] : o->next_id;
        const uint32_t old = micro_find(o, id);
        if (old != MDG_NO_NODE) {
            kill(o, old);
        }
        status = add_one(o, vectors + i * o->dim, id);
    }
    return status;
}

int entry_index_delete(micro *o, size_t count, const uint64_t *ids,
                       const void *keys) {
    uint32_t deleted = 0;
    (void)keys;
    for (size_t i = 0; i < count; i++) {
        const uint32_t row = micro_find(o, ids[i]);
        if (row != MDG_NO_NODE) {
            kill(o, row);
            deleted++;
        }
    }
    uint32_t *out = answer_room(sizeof *out);
    if (!out) {
        return no_memory();
    }
    *out = deleted;
    return 0;
}

/* ---- Looking ------------------------------------------------------------- */

int entry_index_info(const micro *o) {
    const double numbers[21] = {o->dim,
                                o->metric,
                                o->kind,
                                MIDGE_STORAGE_F32,
                                MIDGE_WALK_ROWS,
                                MIDGE_ID_U64,
                                o->m,
                                o->ef_construction,
                                o->ef,
                                o->n - o->n_dead,
                                o->n_dead,
                                o->entry != MDG_NO_NODE,
                                4.0 * o->n * o->stride,
                                0,
                                4.0 * o->n * (1 + 2 * o->m),
                                8.0 * o->n};
    if (!answer_room(sizeof numbers)) {
        return no_memory();
    }
    memcpy(answer, numbers, sizeof numbers);
    return 0;
}

uint32_t entry_index_find(const micro *o, uint64_t id, const char *key,
                          size_t key_size) {
    (void)key;
    (void)key_size;
    return micro_find(o, id);
}

int entry_index_vector(const micro *o, uint32_t row, float *out) {
    memcpy(out, o->rows + (size_t)row * o->stride, o->dim * sizeof *out);
    return 0;
}

/* ---- Searching ----------------------------------------------------------- */

/* As answer_results of index_entry.c lays them out. */
int entry_index_search(micro *o, const search_numbers *n, const float *queries,
                       const void *filter, int ids) {
    (void)filter;
    const size_t places = (size_t)n->k * n->count;
    uint64_t *out = answer_room(((uint64_t)n->k * 16 + 4) * n->count);
    if (!out && n->count > 0) {
        return no_memory();
    }
    float *distances = (float *)(void *)(out + places);
    uint32_t *rows = (uint32_t *)(void *)(distances + places);
    uint32_t *counts = rows + places;
    MIDGE_TRY(check_finite(queries, n->count * o->dim));
    for (size_t q = 0; q < n->count; q++) {
        const uint32_t found =
            micro_search(o, queries + q * o->dim, n->k, n->ef ? n->ef : o->ef,
                         (int)n->exact);
        if (found == MDG_NO_NODE) {
            return no_memory();
        }
        counts[q] = 0;
        for (size_t i = 0; i < n->k; i++) {
            const size_t at = q * n->k + i;
            const uint32_t row = i < found ? mdg_key_node(o->keys[i]) : 0;
            const uint64_t id = i < found ? o->ids[row] : 0;
            const double number = (double)id;
            float distance =
                i < found ? mdg_key_distance(o->keys[i]) : __builtin_inff();
            counts[q] += i < found && !(n->within && distance > n->radius);
            distances[at] = i < counts[q] ? distance : __builtin_inff();
            rows[at] = row;
            memcpy(&out[at], ids ? (const void *)&id : &number, sizeof id);
            if (!ids && id >= ID_EXACT) {
                return (int)micro_fail(MIDGE_E_LIMIT,
                                       "an id is 2^53 or more: ask for ids: "
                                       "\"bigint\"");
            }
        }
    }
    return 0;
}

/* ---- The file ------------------------------------------------------------ */

int entry_index_save(micro *o) {
    entry_answer_release();
    answer = micro_write(o, &answer_bytes);
    return answer ? 0 : no_memory();
}
