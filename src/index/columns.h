/* columns.h: typed metadata of rows, a column at a time.
 *
 * Strings are numbers into a dictionary of the column; a set is a run of such
 * numbers, ascending, in `elements`. A row without a value has its bit in
 * `missing`. */
#ifndef MDG_COLUMNS_H
#define MDG_COLUMNS_H

#include "index/place.h"

typedef struct mdg_dictionary {
    uint32_t count;
    uint32_t capacity;
    uint64_t *at; /* (capacity + 1): string i is texts[at[i]] to at[i + 1] */
    char *texts;
    uint64_t texts_capacity;
    uint32_t *table; /* number + 1 by hash; made when first needed */
    uint32_t table_size;
} mdg_dictionary;

typedef struct mdg_column {
    char name[65];
    midge_column_kind kind;
    uint8_t *missing; /* bits, (capacity + 7) / 8 */
    union {
        int64_t *ints;     /* INT */
        double *floats;    /* FLOAT */
        uint32_t *strings; /* STRING: numbers into words */
        uint8_t *bools;    /* BOOL: 0 or 1 */
        uint64_t *sets;    /* SET: where in elements, << 16 | how many */
    } of;
    mdg_dictionary words;
    uint32_t *elements; /* of all sets; what upserts leave behind goes with
                           renumber */
    uint64_t elements_size, elements_capacity;
} mdg_column;

typedef struct mdg_columns {
    const midge_env *env;
    uint32_t count;
    uint32_t n_rows;
    uint32_t capacity; /* rows */
    mdg_column *columns;
    uint64_t seed;
} mdg_columns;

void mdg_columns_init(mdg_columns *columns, const midge_env *env,
                      uint64_t seed);
void mdg_columns_deinit(mdg_columns *columns);
midge_status mdg_columns_add(mdg_columns *columns, const char *name,
                             midge_column_kind kind, midge_error *err);
/* UINT32_MAX when there is none. */
uint32_t mdg_columns_find(const mdg_columns *columns, const char *name,
                          size_t size);
midge_status mdg_columns_reserve(mdg_columns *columns, uint32_t capacity);
/* Checks that an object fits, and makes room for its words and elements: then
 * mdg_columns_set of it cannot fail. Errors name the member; `object` may be
 * NULL (no values). */
midge_status mdg_columns_prepare(mdg_columns *columns, const midge_json *object,
                                 midge_error *err);
/* `row` is below the capacity; rows between n_rows and it have no values. */
void mdg_columns_set(mdg_columns *columns, uint32_t row,
                     const midge_json *object);
void mdg_columns_write(const mdg_columns *columns, uint32_t row,
                       midge_json_writer *w);
void mdg_columns_renumber(mdg_columns *columns, mdg_mover *mover,
                          uint32_t n_left);
uint64_t mdg_columns_bytes(const mdg_columns *columns);

/* Filters are bound to columns; the struct is in filter.h. `n` rows drawn with
 * a fixed seed: the share that passes, among those that live. */
double mdg_filter_estimate(const midge_filter *filter, uint32_t n);

#endif
