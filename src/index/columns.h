/* columns.h: typed metadata of rows, a column at a time.
 *
 * Strings are numbers into a dictionary of the column; a set is a run of such
 * numbers, ascending, in `elements`. A row without a value has its bit in
 * `missing`.
 *
 * Arrays may be borrowed (they lie in a file's bytes): a capacity of 0 with
 * something in the array says so, for each array by its own capacity. They are
 * only read then and not given back; mdg_columns_reserve copies those of rows,
 * mdg_columns_prepare those of words and elements before they change.
 *
 * 1. Rows from n_rows on are missing, as are their bits up to the capacity.
 * 2. The value of a missing row is 0.
 * 3. Numbers of words and places of elements that are in use stay what they are
 *    but in mdg_columns_renumber, which raises `epoch` of a dictionary whose
 *    numbers changed, and (elements only) when prepare needs room and half of
 *    them are left over.
 */
#ifndef MDG_COLUMNS_H
#define MDG_COLUMNS_H

#include "index/place.h"

#define MDG_COLUMN_NAME_MAX   64u
#define MDG_COLUMN_STRING_MAX 65536u /* bytes */
#define MDG_COLUMN_SET_MAX    1024u  /* elements */
#define MDG_NO_COLUMN         UINT32_MAX
#define MDG_NO_WORD           UINT32_MAX

typedef struct mdg_dictionary {
    uint32_t count;
    uint32_t capacity;
    uint64_t *at; /* (capacity + 1): string i is texts[at[i]] to at[i + 1];
                     NULL while there are none */
    char *texts;
    uint64_t texts_capacity;
    uint32_t *table; /* number + 1 by hash; made when first needed */
    uint32_t table_size;
    uint32_t epoch;
} mdg_dictionary;

typedef struct mdg_column {
    char name[MDG_COLUMN_NAME_MAX + 1];
    midge_column_kind kind;
    uint32_t capacity;         /* of the values */
    uint32_t missing_capacity; /* bytes */
    uint8_t *missing;          /* bits: bit row % 8 of byte row / 8 */
    union {
        void *any;
        int64_t *ints;     /* INT */
        double *floats;    /* FLOAT */
        uint32_t *strings; /* STRING: numbers into words */
        uint8_t *bools;    /* BOOL: 0 or 1 */
        uint64_t *sets;    /* SET: where in elements, << 16 | how many */
    } of;
    mdg_dictionary words;
    uint32_t *elements; /* of all sets */
    uint64_t elements_size, elements_capacity;
    uint64_t elements_left;   /* of them: of no row any longer */
    uint64_t elements_wanted; /* prepared and not yet set */
} mdg_column;

typedef struct mdg_columns {
    const midge_env *env;
    uint32_t count;
    uint32_t n_rows;
    uint32_t capacity; /* rows, of every column */
    mdg_column *columns;
    uint64_t seed;
} mdg_columns;

void mdg_columns_init(mdg_columns *columns, const midge_env *env,
                      uint64_t seed);
void mdg_columns_deinit(mdg_columns *columns);
midge_status mdg_columns_add(mdg_columns *columns, const char *name,
                             midge_column_kind kind, midge_error *err);
/* Bytes of names, in an index and in filters. Beyond ASCII everything counts as
 * a letter. */
int mdg_name_begins(char c);
int mdg_name_goes_on(char c);
/* MDG_NO_COLUMN when there is none. */
uint32_t mdg_columns_find(const mdg_columns *columns, const char *name,
                          size_t size);
/* The column whose name is nearest to a mistyped one; MDG_NO_COLUMN when none
 * is near. */
uint32_t mdg_columns_nearest(const mdg_columns *columns, const char *name,
                             size_t size);
/* Room for rows. Begins a change: mdg_columns_prepare for every object of it
 * and then mdg_columns_set. What an earlier change prepared and did not set is
 * forgotten. */
midge_status mdg_columns_reserve(mdg_columns *columns, uint32_t capacity);
/* Checks that an object fits, and makes room for its words and elements: then
 * mdg_columns_set of it cannot fail. Errors name the member; `object` may be
 * NULL (no values). */
midge_status mdg_columns_prepare(mdg_columns *columns, const midge_json *object,
                                 midge_error *err);
/* Replaces all values of the row by those of the object. `row` is below the
 * capacity; rows between n_rows and it have no values. */
void mdg_columns_set(mdg_columns *columns, uint32_t row,
                     const midge_json *object);
/* One object: values in the order of the columns, none for missing ones, the
 * elements of a set in the order of their bytes. */
void mdg_columns_write(const mdg_columns *columns, uint32_t row,
                       midge_json_writer *w);
/* Makes what mdg_columns_renumber of n_rows rows needs. */
midge_status mdg_columns_movable(mdg_columns *columns, uint32_t n_rows);
/* As mdg_index_renumber. Words and elements that no row has any longer are
 * given up, if there is memory for that. */
void mdg_columns_renumber(mdg_columns *columns, mdg_mover *mover,
                          uint32_t n_left);
uint64_t mdg_columns_bytes(const mdg_columns *columns);

/* Moves the elements to where there are `more` places, with some to spare;
 * without those that are left over when these are half of all. `tight`: without
 * them in any case, and nothing to spare. */
midge_status mdg_column_reserve_elements(const mdg_columns *columns,
                                         mdg_column *column, uint64_t more,
                                         int tight);
/* Bytes of a value, in the array of its kind. */
size_t mdg_column_stride(midge_column_kind kind);
/* "an integer", ... */
const char *mdg_column_kind_text(midge_column_kind kind);

static inline int mdg_column_missing(const mdg_column *column, uint32_t row) {
    return column->missing[row >> 3] >> (row & 7) & 1;
}

/* ---- columns_dictionary.c ------------------------------------------------ */

static inline midge_text mdg_dictionary_text(const mdg_dictionary *words,
                                             uint32_t number) {
    uint64_t at = words->at[number];
    midge_text text = {words->texts + at, (size_t)(words->at[number + 1] - at)};
    return text;
}

void mdg_dictionary_deinit(mdg_dictionary *words, const midge_env *env);
/* MDG_NO_WORD when it is not there. Without a table every word is looked at. */
uint32_t mdg_dictionary_find(const mdg_dictionary *words, uint64_t seed,
                             midge_text text);
/* The number of the word, a new one if need be. */
midge_status mdg_dictionary_put(mdg_dictionary *words, const midge_env *env,
                                uint64_t seed, midge_text text);
/* Makes all arrays the dictionary's own. */
midge_status mdg_dictionary_own(mdg_dictionary *words, const midge_env *env);
/* Keeps the words that have an entry in new_of other than MDG_NO_WORD, under
 * these numbers, which ascend from 0. All arrays are its own. Cannot fail. */
void mdg_dictionary_keep(mdg_dictionary *words, const midge_env *env,
                         const uint32_t *new_of);

/* ---- filter_*.c; see filter.h -------------------------------------------- */

/* `n` rows drawn with a fixed seed: the share that passes, among those that
 * live; of all rows when there are no more than n. */
double mdg_filter_estimate(const midge_filter *filter, uint32_t n);

#endif
