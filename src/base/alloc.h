/* alloc.h: memory from a midge_env, with sizes that cannot overflow. */
#ifndef MDG_ALLOC_H
#define MDG_ALLOC_H

#include "midge/env.h"

/* count * size bytes, not zeroed / zeroed; NULL without memory or when the
 * product overflows. count 0 gives NULL. */
void *mdg_alloc(const midge_env *env, size_t count, size_t size);
void *mdg_alloc_zero(const midge_env *env, size_t count, size_t size);
/* Resizes from old_count to new_count elements; NULL leaves the block valid. */
void *mdg_resize(const midge_env *env, void *block, size_t old_count,
                 size_t new_count, size_t size);
/* `count` and `size` as at allocation; NULL is fine. */
void mdg_release(const midge_env *env, void *block, size_t count, size_t size);

/* Fills err with "no memory for ..."; returns MIDGE_E_NOMEM. */
midge_status mdg_no_memory(const char *what, midge_error *err);

/* 1 and the product, or 0 when it does not fit. */
int mdg_multiply_size(size_t a, size_t b, size_t *product);

#endif
