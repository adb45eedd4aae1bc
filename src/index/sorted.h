/* sorted.h: lists of numbers, words or texts in order, each once. */
#ifndef MDG_SORTED_H
#define MDG_SORTED_H

#include "midge/index.h"

/* Below 0, 0 or above 0, as memcmp says it; texts by their bytes. */
typedef int (*mdg_order_fn)(const void *a, const void *b);
int mdg_order_u32(const void *a, const void *b);
int mdg_order_i64(const void *a, const void *b);
int mdg_order_f64(const void *a, const void *b);
int mdg_order_text(const void *a, const void *b);

int mdg_text_is(midge_text a, midge_text b);

/* Sorts items of `size` bytes, at most those of a midge_text, and leaves each
 * of them once; returns how many are left. */
uint32_t mdg_sort_distinct(void *items, uint32_t count, size_t size,
                           mdg_order_fn order);

#endif
