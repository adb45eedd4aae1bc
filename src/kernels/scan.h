/* scan.h: what a search that looks at every row adds to gather.h. */
#ifndef MDG_KERNELS_SCAN_H
#define MDG_KERNELS_SCAN_H

#include <stddef.h>
#include <stdint.h>

/* l1_rows: out_i = l1(row i of A, x), for `rows` rows of `cols` elements, lda
 * elements apart.
 * gather_l1: out_i = l1(row index_i of A, x), as in gather.h.
 * pick: the i, in increasing order, for which x_i scale + bias < limit_i is not
 * true (so where one of them is a NaN too); the product is rounded before the
 * sum. Returns how many; index has room for n < 2^32. Cost: little more than
 * reading x and limit while there are few. */
/* clang-format off */
#define MDG_SCAN_OPS(X, isa)                                                   \
    X(isa, void, l1_rows_f32, (size_t rows, size_t cols, const float *a,       \
                               size_t lda, const float *x, float *out))        \
    X(isa, void, gather_l1_f32, (size_t count, const uint32_t *index,          \
                                 size_t cols, const float *a, size_t lda,      \
                                 const float *x, float *out))                  \
    X(isa, size_t, pick_f32, (size_t n, const float *x, float scale,           \
                              float bias, const float *limit,                  \
                              uint32_t *index))
/* clang-format on */

#endif
