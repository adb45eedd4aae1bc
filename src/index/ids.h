/* ids.h: the ids of rows, numbers or texts, and rows by their ids.
 *
 * Numbers that were never given (row i has id i) take no memory. The table from
 * ids to rows is made when it is first asked for.
 *
 * Arrays may be borrowed (they lie in a file's bytes): `capacity` 0 with
 * n_rows > 0 says so for numbers, text_at and text_size, `texts_capacity` 0
 * with texts_size > 0 for texts. They are only read then and not given back;
 * mdg_ids_reserve copies them first.
 *
 * 1. The key of row r is texts[text_at[r]] and text_size[r] bytes on; size 0:
 * it was dropped.
 * 2. A row is in the table at most once. Rows that were dropped may be in it
 *    (they were, when it was made without knowing the dead), and are told by
 *    `dead`: whoever drops a row marks it dead as well.
 */
#ifndef MDG_IDS_H
#define MDG_IDS_H

#include "index/place.h"

typedef struct mdg_ids {
    const midge_env *env;
    midge_id_type type;
    uint32_t n_rows; /* rows that have an id */
    uint32_t capacity;
    uint64_t next;     /* the smallest number above all that were used;
                          UINT64_MAX: none is left */
    uint64_t *numbers; /* (capacity), or NULL: row i has id i */
    uint64_t
        *text_at; /* (capacity): where the key of a row begins in `texts` */
    uint32_t *text_size; /* (capacity) */
    char *texts;
    uint64_t texts_size, texts_capacity;
    uint64_t texts_dropped; /* bytes of dropped keys among texts_size */
    uint32_t n_dropped;     /* rows that were dropped, ever: with one of them,
                               row i may not have id i any longer */
    uint32_t *table;     /* (table_size): row + 1 by hash of its id; or NULL */
    uint32_t table_size; /* a power of two */
    uint32_t table_used;
    uint64_t seed;
} mdg_ids;

void mdg_ids_init(mdg_ids *ids, const midge_env *env, midge_id_type type,
                  uint64_t seed);
void mdg_ids_deinit(mdg_ids *ids);
/* An array of numbers, of which the first `used` are there already; all others
 * of n_rows are those of their rows. */
midge_status mdg_ids_reserve_numbers(mdg_ids *ids, uint32_t capacity,
                                     uint32_t used);
/* Room for `capacity` rows, `more_text` bytes of new keys and, if `with_table`,
 * the table for all of them: then mdg_ids_set and _drop cannot fail. Without it
 * numbers must be given in order, from `next` on. Texts that drops left behind
 * are given up here when they are half of all. On failure nothing changed but
 * the room. */
midge_status mdg_ids_reserve(mdg_ids *ids, uint32_t capacity,
                             uint64_t more_text, int with_table);
/* Gives `row` (a new one, or one that was dropped) its id, which no other row
 * has. New rows before it that were left out have none: they must be dead. */
void mdg_ids_set_number(mdg_ids *ids, uint32_t row, uint64_t id);
void mdg_ids_set_key(mdg_ids *ids, uint32_t row, midge_text key);
/* New rows below n_rows, for which there is room, stay without an id: they are
 * dead. */
void mdg_ids_skip(mdg_ids *ids, uint32_t n_rows);
/* The row's id is no longer found. */
void mdg_ids_drop(mdg_ids *ids, uint32_t row);
/* The id of a row; also of one that was dropped, but a dropped key is empty. */
uint64_t mdg_ids_number(const mdg_ids *ids, uint32_t row);
midge_text mdg_ids_key(const mdg_ids *ids, uint32_t row);
/* MIDGE_INDEX_NO_ROW when it is not there. Rows marked in `dead` (bits, as in
 * the index; NULL: none are dead) are not found. MIDGE_E_NOMEM of the table. */
midge_status mdg_ids_find_number(mdg_ids *ids, const uint8_t *dead, uint64_t id,
                                 uint32_t *row);
midge_status mdg_ids_find_key(mdg_ids *ids, const uint8_t *dead, midge_text key,
                              uint32_t *row);
/* Makes what mdg_ids_renumber of n_rows rows needs. */
midge_status mdg_ids_movable(mdg_ids *ids, uint32_t n_rows);
/* As mdg_index_renumber; the texts of rows that go are given up. */
void mdg_ids_renumber(mdg_ids *ids, mdg_mover *mover, uint32_t n_left);
uint64_t mdg_ids_bytes(const mdg_ids *ids);

#endif
