/* ids.h: the ids of rows, numbers or texts, and rows by their ids.
 *
 * Numbers that were never given (row i has id i) take no memory. The table from
 * ids to rows is made when it is first asked for. */
#ifndef MDG_IDS_H
#define MDG_IDS_H

#include "midge/index.h"

typedef struct mdg_ids {
    const midge_env *env;
    midge_id_type type;
    uint32_t n_rows; /* rows that have an id */
    uint32_t capacity;
    uint64_t next;     /* the smallest number above all that were used */
    uint64_t *numbers; /* (capacity), or NULL: row i has id i */
    uint64_t
        *text_at; /* (capacity): where the key of a row begins in `texts` */
    uint32_t *text_size; /* (capacity) */
    char *texts;
    uint64_t texts_size, texts_capacity;
    uint32_t *table;     /* (table_size): row + 1 by hash of its id; or NULL */
    uint32_t table_size; /* a power of two */
    uint32_t table_used;
    uint64_t seed;
} mdg_ids;

void mdg_ids_init(mdg_ids *ids, const midge_env *env, midge_id_type type,
                  uint64_t seed);
void mdg_ids_deinit(mdg_ids *ids);
/* Room for `capacity` rows, `more_text` bytes of new keys and, if `with_table`,
 * the table for all of them: then mdg_ids_set and _drop cannot fail. */
midge_status mdg_ids_reserve(mdg_ids *ids, uint32_t capacity,
                             uint64_t more_text, int with_table);
/* Gives `row` (the next one, or one that was dropped) its id. */
void mdg_ids_set_number(mdg_ids *ids, uint32_t row, uint64_t id);
void mdg_ids_set_key(mdg_ids *ids, uint32_t row, midge_text key);
/* The row's id is no longer found. */
void mdg_ids_drop(mdg_ids *ids, uint32_t row);
uint64_t mdg_ids_number(const mdg_ids *ids, uint32_t row);
midge_text mdg_ids_key(const mdg_ids *ids, uint32_t row);
/* MIDGE_INDEX_NO_ROW when it is not there. `dead` (bits, as in the index) rows
 * are left out when the table is made; NULL: none. MIDGE_E_NOMEM of the table.
 */
midge_status mdg_ids_find_number(mdg_ids *ids, const uint8_t *dead, uint64_t id,
                                 uint32_t *row);
midge_status mdg_ids_find_key(mdg_ids *ids, const uint8_t *dead, midge_text key,
                              uint32_t *row);
/* As mdg_index_renumber; the texts of rows that go are given up. */
midge_status mdg_ids_renumber(mdg_ids *ids, const uint32_t *new_of,
                              uint32_t n_left);
uint64_t mdg_ids_bytes(const mdg_ids *ids);

#endif
