/* gather.h: one vector against many rows, and the best of many numbers. */
#ifndef MDG_KERNELS_GATHER_H
#define MDG_KERNELS_GATHER_H

#include <stddef.h>
#include <stdint.h>

/* A has rows of `cols` elements, lda elements apart.
 * l2sq_rows: out_i = l2sq(row i of A, x), for `rows` rows.
 * gather_dot, gather_l2sq: out_i = dot or l2sq(row index_i of A, x), for the
 * `count` rows in `index`, in any order and as often as they stand there. Rows
 * are fetched ahead of their use: A may be far larger than the caches.
 *
 * top_k: the k smallest of the n numbers (n <= 2^32), in increasing order; of
 * equal ones (0 and -0 are) that with the smaller index comes first, and is
 * chosen first. A NaN is never chosen. value_i is x[index_i]; both have room
 * for k; the result is how many were found: k, or as many as are no NaN. Cost:
 * one fast look at each number, and O(log k) for each that is among the k
 * smallest so far: k (1 + ln(n / k)) of them in a random order. */
/* clang-format off */
#define MDG_GATHER_OPS(X, isa)                                                 \
    X(isa, void, l2sq_rows_f32, (size_t rows, size_t cols, const float *a,     \
                                 size_t lda, const float *x, float *out))      \
    X(isa, void, gather_dot_f32, (size_t count, const uint32_t *index,         \
                                  size_t cols, const float *a, size_t lda,     \
                                  const float *x, float *out))                 \
    X(isa, void, gather_l2sq_f32, (size_t count, const uint32_t *index,        \
                                   size_t cols, const float *a, size_t lda,    \
                                   const float *x, float *out))                \
    X(isa, size_t, top_k_f32, (size_t n, const float *x, size_t k,             \
                               float *value, uint32_t *index))
/* clang-format on */

#endif
