/* ids.c: numbers and keys of rows, and an open-addressed table over them, as in
 * base/map.c but four bytes a place: the id itself stands in the arrays.
 */
#include "index/ids.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/mdg_assert.h"
#include "index/sorted.h"

#define TABLE_MIN 16u

void mdg_ids_init(mdg_ids *ids, const midge_env *env, midge_id_type type,
                  uint64_t seed) {
    memset(ids, 0, sizeof *ids);
    ids->env = env;
    ids->type = type;
    ids->seed = seed;
}

/* Borrowed arrays have no capacity, and are left alone. */
static void release_rows(mdg_ids *ids) {
    if (ids->capacity == 0) {
        return;
    }
    mdg_release(ids->env, ids->numbers, ids->capacity, sizeof *ids->numbers);
    mdg_release(ids->env, ids->text_at, ids->capacity, sizeof *ids->text_at);
    mdg_release(ids->env, ids->text_size, ids->capacity,
                sizeof *ids->text_size);
}

static void release_texts(mdg_ids *ids) {
    if (ids->texts_capacity != 0) {
        mdg_release(ids->env, ids->texts, (size_t)ids->texts_capacity, 1);
    }
}

static void release_table(mdg_ids *ids) {
    mdg_release(ids->env, ids->table, ids->table_size, sizeof *ids->table);
    ids->table = NULL;
    ids->table_size = 0;
    ids->table_used = 0;
}

void mdg_ids_deinit(mdg_ids *ids) {
    release_rows(ids);
    release_texts(ids);
    release_table(ids);
    mdg_ids_init(ids, ids->env, ids->type, ids->seed);
}

uint64_t mdg_ids_number(const mdg_ids *ids, uint32_t row) {
    mdg_assert(ids->type == MIDGE_ID_U64);
    return ids->numbers ? ids->numbers[row] : row;
}

midge_text mdg_ids_key(const mdg_ids *ids, uint32_t row) {
    mdg_assert(ids->type == MIDGE_ID_TEXT);
    midge_text key = {ids->texts + ids->text_at[row], ids->text_size[row]};
    return key;
}

/* ---- The table ----------------------------------------------------------- */

static uint32_t mix(uint64_t h) {
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return (uint32_t)(h >> 32);
}

static uint32_t hash_number(const mdg_ids *ids, uint64_t id) {
    return mix(id ^ ids->seed);
}

static uint32_t hash_key(const mdg_ids *ids, midge_text key) {
    return mdg_hash_bytes(ids->seed, key.data, key.size);
}

static uint32_t hash_row(const mdg_ids *ids, uint32_t row) {
    return ids->type == MIDGE_ID_TEXT
               ? hash_key(ids, mdg_ids_key(ids, row))
               : hash_number(ids, mdg_ids_number(ids, row));
}

static void table_put(mdg_ids *ids, uint32_t row) {
    uint32_t mask = ids->table_size - 1;
    uint32_t at = hash_row(ids, row) & mask;
    while (ids->table[at] != 0) {
        at = (at + 1) & mask;
    }
    ids->table[at] = row + 1;
    ids->table_used++;
    mdg_assert(ids->table_used < ids->table_size);
}

/* Later entries of the same probe run move back into the hole. */
static void table_close(mdg_ids *ids, uint32_t hole) {
    uint32_t mask = ids->table_size - 1;
    for (uint32_t at = (hole + 1) & mask; ids->table[at] != 0;
         at = (at + 1) & mask) {
        uint32_t home = hash_row(ids, ids->table[at] - 1) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            ids->table[hole] = ids->table[at];
            hole = at;
        }
    }
    ids->table[hole] = 0;
    ids->table_used--;
}

/* Takes the row out, if it is in; its id must still be the one it went in by.
 */
static void table_remove(mdg_ids *ids, uint32_t row) {
    if (!ids->table) {
        return;
    }
    uint32_t mask = ids->table_size - 1;
    uint32_t at = hash_row(ids, row) & mask;
    while (ids->table[at] != 0) {
        if (ids->table[at] == row + 1) {
            table_close(ids, at);
            return;
        }
        at = (at + 1) & mask;
    }
}

static int is_dead(const uint8_t *dead, uint32_t row) {
    return dead && (dead[row >> 3] >> (row & 7) & 1);
}

static int is_dropped_key(const mdg_ids *ids, uint32_t row) {
    return ids->type == MIDGE_ID_TEXT && ids->text_size[row] == 0;
}

/* A table in which `rows` rows fill at most three quarters. */
static midge_status table_make(mdg_ids *ids, const uint8_t *dead,
                               uint32_t rows) {
    uint32_t size = TABLE_MIN;
    while (size / 4 * 3 < rows) {
        if (size > UINT32_MAX / 2) {
            return MIDGE_E_LIMIT;
        }
        size *= 2;
    }
    if (size <= ids->table_size) {
        return MIDGE_OK;
    }
    uint32_t *table = mdg_alloc_zero(ids->env, size, sizeof *table);
    if (!table) {
        return MIDGE_E_NOMEM;
    }
    mdg_ids old = *ids;
    ids->table = table;
    ids->table_size = size;
    ids->table_used = 0;
    for (uint32_t i = 0; i < old.table_size; i++) {
        if (old.table[i] != 0) {
            table_put(ids, old.table[i] - 1);
        }
    }
    for (uint32_t row = 0; !old.table && row < ids->n_rows; row++) {
        if (!is_dead(dead, row) && !is_dropped_key(ids, row)) {
            table_put(ids, row);
        }
    }
    mdg_release(ids->env, old.table, old.table_size, sizeof *old.table);
    return MIDGE_OK;
}

/* ---- Room ---------------------------------------------------------------- */

midge_status mdg_ids_reserve_numbers(mdg_ids *ids, uint32_t capacity,
                                     uint32_t used) {
    void *numbers = ids->numbers;
    used = numbers ? used : 0;
    MIDGE_TRY(mdg_place_grow(ids->env, &numbers, &ids->capacity, used, capacity,
                             sizeof *ids->numbers, 0));
    ids->numbers = numbers;
    for (uint32_t row = used; row < ids->n_rows; row++) {
        ids->numbers[row] = row;
    }
    return MIDGE_OK;
}

/* Both arrays or none, since they share their capacity. */
static midge_status reserve_keys(mdg_ids *ids, uint32_t capacity) {
    uint64_t *at = mdg_alloc(ids->env, capacity, sizeof *at);
    uint32_t *size = mdg_alloc(ids->env, capacity, sizeof *size);
    if (!at || !size) {
        mdg_release(ids->env, at, capacity, sizeof *at);
        mdg_release(ids->env, size, capacity, sizeof *size);
        return MIDGE_E_NOMEM;
    }
    if (ids->n_rows != 0) {
        memcpy(at, ids->text_at, ids->n_rows * sizeof *at);
        memcpy(size, ids->text_size, ids->n_rows * sizeof *size);
    }
    release_rows(ids);
    ids->text_at = at;
    ids->text_size = size;
    ids->capacity = capacity;
    return MIDGE_OK;
}

/* The keys that are left, one behind the other. */
static uint64_t gather_texts(mdg_ids *ids, char *texts) {
    uint64_t used = 0;
    for (uint32_t row = 0; row < ids->n_rows; row++) {
        uint32_t size = ids->text_size[row];
        memcpy(texts + used, ids->texts + ids->text_at[row], size);
        ids->text_at[row] = used;
        used += size;
    }
    return used;
}

/* The heap moves to where there is room for `more`. */
static midge_status move_texts(mdg_ids *ids, uint64_t more, int gather) {
    uint64_t keep = ids->texts_size - ids->texts_dropped;
    uint64_t wanted = (gather ? keep : ids->texts_size) + more;
    uint64_t capacity = wanted + (more ? wanted / 2 : 0) + 64;
    if (capacity > PTRDIFF_MAX) {
        return MIDGE_E_NOMEM;
    }
    char *texts = mdg_alloc(ids->env, (size_t)capacity, 1);
    if (!texts) {
        return MIDGE_E_NOMEM;
    }
    if (gather && ids->text_size) {
        ids->texts_size = gather_texts(ids, texts);
        ids->texts_dropped = 0;
    } else if (ids->texts_size != 0) {
        memcpy(texts, ids->texts, (size_t)ids->texts_size);
    }
    release_texts(ids);
    ids->texts = texts;
    ids->texts_capacity = capacity;
    return MIDGE_OK;
}

/* Dropped keys are left behind when they are half of all: the heap never is
 * more than some four times what is in use. */
static midge_status reserve_texts(mdg_ids *ids, uint64_t more) {
    if (ids->texts_capacity != 0 &&
        more <= ids->texts_capacity - ids->texts_size) {
        return MIDGE_OK;
    }
    if (more >> 47 != 0 || ids->texts_size >> 47 != 0) {
        return MIDGE_E_LIMIT;
    }
    return move_texts(ids, more, ids->texts_dropped > ids->texts_size / 2);
}

midge_status mdg_ids_reserve(mdg_ids *ids, uint32_t capacity,
                             uint64_t more_text, int with_table) {
    mdg_assert(capacity >= ids->n_rows);
    if (ids->type == MIDGE_ID_TEXT) {
        if (capacity > ids->capacity) {
            MIDGE_TRY(reserve_keys(ids, capacity));
        }
        if (capacity != 0) {
            MIDGE_TRY(reserve_texts(ids, more_text));
        }
    } else if (ids->numbers || with_table || ids->n_dropped != 0 ||
               ids->next != ids->n_rows) {
        if (capacity > ids->capacity) {
            MIDGE_TRY(mdg_ids_reserve_numbers(ids, capacity, ids->n_rows));
        }
    }
    if (with_table || ids->table) {
        MIDGE_TRY(table_make(ids, NULL, capacity));
    }
    return MIDGE_OK;
}

/* ---- Changes ------------------------------------------------------------- */

/* Rows without an id: numbers that differ, lest they crowd the table. */
static void fill_gap(mdg_ids *ids, uint32_t end) {
    for (uint32_t row = ids->n_rows; row < end; row++) {
        if (ids->type == MIDGE_ID_TEXT) {
            ids->text_at[row] = 0;
            ids->text_size[row] = 0;
        } else if (ids->numbers) {
            ids->numbers[row] = row;
        }
    }
    ids->n_rows = end > ids->n_rows ? end : ids->n_rows;
}

void mdg_ids_skip(mdg_ids *ids, uint32_t n_rows) {
    mdg_assert(n_rows <= ids->capacity || ids->type == MIDGE_ID_U64);
    fill_gap(ids, n_rows);
}

/* Before a row gets an id: an earlier one of it may still be in the table. */
static void make_row(mdg_ids *ids, uint32_t row) {
    if (row < ids->n_rows) {
        table_remove(ids, row);
        return;
    }
    if (row > ids->n_rows) {
        fill_gap(ids, row);
    }
    ids->n_rows++;
}

void mdg_ids_set_number(mdg_ids *ids, uint32_t row, uint64_t id) {
    mdg_assert(ids->type == MIDGE_ID_U64);
    make_row(ids, row);
    if (id >= ids->next) {
        ids->next = id == UINT64_MAX ? id : id + 1;
    }
    if (ids->numbers) {
        ids->numbers[row] = id;
    } else {
        mdg_assert(id == row);
    }
    if (ids->table) {
        table_put(ids, row);
    }
}

void mdg_ids_set_key(mdg_ids *ids, uint32_t row, midge_text key) {
    mdg_assert(ids->type == MIDGE_ID_TEXT && key.size > 0);
    mdg_assert(key.size <= ids->texts_capacity - ids->texts_size);
    /* Not 0 when it was dropped while the arrays were borrowed. */
    ids->texts_dropped += row < ids->n_rows ? ids->text_size[row] : 0;
    make_row(ids, row);
    ids->text_at[row] = ids->texts_size;
    ids->text_size[row] = (uint32_t)key.size;
    memcpy(ids->texts + ids->texts_size, key.data, key.size);
    ids->texts_size += key.size;
    if (ids->table) {
        table_put(ids, row);
    }
}

void mdg_ids_drop(mdg_ids *ids, uint32_t row) {
    mdg_assert(row < ids->n_rows);
    table_remove(ids, row);
    ids->n_dropped++;
    if (ids->type == MIDGE_ID_TEXT && ids->capacity != 0) {
        ids->texts_dropped += ids->text_size[row];
        ids->text_size[row] = 0;
    }
}

/* ---- Finding ------------------------------------------------------------- */

/* Without numbers there is nothing to look up. */
static uint32_t find_given(const mdg_ids *ids, const uint8_t *dead,
                           uint64_t id) {
    if (id >= ids->n_rows || is_dead(dead, (uint32_t)id)) {
        return MIDGE_INDEX_NO_ROW;
    }
    return (uint32_t)id;
}

midge_status mdg_ids_find_number(mdg_ids *ids, const uint8_t *dead, uint64_t id,
                                 uint32_t *row) {
    *row = MIDGE_INDEX_NO_ROW;
    if (ids->type != MIDGE_ID_U64 || ids->n_rows == 0) {
        return MIDGE_OK;
    }
    if (!ids->numbers) {
        *row = find_given(ids, dead, id);
        return MIDGE_OK;
    }
    if (!ids->table) {
        MIDGE_TRY(table_make(ids, dead, ids->n_rows));
    }
    uint32_t mask = ids->table_size - 1;
    for (uint32_t at = hash_number(ids, id) & mask; ids->table[at] != 0;
         at = (at + 1) & mask) {
        uint32_t candidate = ids->table[at] - 1;
        if (ids->numbers[candidate] == id && !is_dead(dead, candidate)) {
            *row = candidate;
            return MIDGE_OK;
        }
    }
    return MIDGE_OK;
}

midge_status mdg_ids_find_key(mdg_ids *ids, const uint8_t *dead, midge_text key,
                              uint32_t *row) {
    *row = MIDGE_INDEX_NO_ROW;
    if (ids->type != MIDGE_ID_TEXT || ids->n_rows == 0 || key.size == 0) {
        return MIDGE_OK;
    }
    if (!ids->table) {
        MIDGE_TRY(table_make(ids, dead, ids->n_rows));
    }
    uint32_t mask = ids->table_size - 1;
    for (uint32_t at = hash_key(ids, key) & mask; ids->table[at] != 0;
         at = (at + 1) & mask) {
        uint32_t candidate = ids->table[at] - 1;
        if (mdg_text_is(mdg_ids_key(ids, candidate), key) &&
            !is_dead(dead, candidate)) {
            *row = candidate;
            return MIDGE_OK;
        }
    }
    return MIDGE_OK;
}

/* ---- Renumbering --------------------------------------------------------- */

midge_status mdg_ids_movable(mdg_ids *ids, uint32_t n_rows) {
    if (n_rows == 0) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_ids_reserve(ids, n_rows, 0, 0));
    if (ids->type == MIDGE_ID_U64 && !ids->numbers) {
        MIDGE_TRY(mdg_ids_reserve_numbers(ids, n_rows, n_rows));
    }
    fill_gap(ids, n_rows);
    return MIDGE_OK;
}

/* The table is of old rows; the next search for an id makes another. */
void mdg_ids_renumber(mdg_ids *ids, mdg_mover *mover, uint32_t n_left) {
    mdg_assert(mover->n_rows == ids->n_rows);
    for (uint32_t row = 0; ids->text_size && row < ids->n_rows; row++) {
        if (mover->new_of[row] == UINT32_MAX) {
            ids->texts_dropped += ids->text_size[row];
        }
    }
    mdg_mover_apply(mover, ids->numbers, sizeof *ids->numbers);
    mdg_mover_apply(mover, ids->text_at, sizeof *ids->text_at);
    mdg_mover_apply(mover, ids->text_size, sizeof *ids->text_size);
    release_table(ids);
    ids->n_rows = n_left;
    if (ids->texts_dropped > 0) {
        (void)move_texts(ids, 0, 1); /* without memory: another time */
    }
}

uint64_t mdg_ids_bytes(const mdg_ids *ids) {
    uint64_t rows = ids->capacity ? ids->capacity : ids->n_rows;
    uint64_t bytes = (uint64_t)ids->table_size * sizeof *ids->table;
    bytes += ids->numbers ? rows * sizeof *ids->numbers : 0;
    if (ids->type == MIDGE_ID_TEXT) {
        bytes += rows * (sizeof *ids->text_at + sizeof *ids->text_size);
        bytes += ids->texts_capacity ? ids->texts_capacity : ids->texts_size;
    }
    return bytes;
}
