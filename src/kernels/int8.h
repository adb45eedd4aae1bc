/* int8.h: vectors of bytes, signed and unsigned. The results are exact
 * integers: any order of the sums gives them. */
#ifndef MDG_KERNELS_INT8_H
#define MDG_KERNELS_INT8_H

#include <stddef.h>
#include <stdint.h>

/* Elements of a vector, at most: then no result leaves its type. */
#define MDG_INT8_MAX 65536

/* n, cols <= MDG_INT8_MAX. Every byte is allowed, -128 too.
 *
 * dot: sum of a_i b_i. l2sq: sum of (a_i - b_i)^2. A squared norm is dot(a, a).
 * cosine: out = {dot(a, b), dot(a, a), dot(b, b)} in one pass.
 *
 * gather_<op>: out_i = op(row r_i of A, x) for i < count, where r_i = index[i],
 * or r_i = i if index is NULL; A has rows of cols elements, row stride lda.
 * Rows come in any order, repeated or not; those ahead are fetched early.
 *
 * f32_to_i8: out_i = x_i * factor, rounded to the nearest integer (halves to
 * the even one), then limited to [-127, 127]; 0 where the product is a NaN.
 * i8_to_f32: out_i = (float)x_i * factor. With m the largest |x_i|, factors
 * 127 / m there and m / 127 back. */
/* clang-format off */
#define MDG_INT8_OPS(X, isa)                                                   \
    X(isa, int32_t, dot_i8, (size_t n, const int8_t *a, const int8_t *b))      \
    X(isa, uint32_t, dot_u8, (size_t n, const uint8_t *a, const uint8_t *b))   \
    X(isa, uint32_t, l2sq_i8, (size_t n, const int8_t *a, const int8_t *b))    \
    X(isa, uint32_t, l2sq_u8, (size_t n, const uint8_t *a, const uint8_t *b))  \
    X(isa, void, cosine_i8, (size_t n, const int8_t *a, const int8_t *b,       \
                             int32_t *out))                                    \
    X(isa, void, gather_dot_i8, (size_t count, const uint32_t *index,          \
                                 size_t cols, const int8_t *a, size_t lda,     \
                                 const int8_t *x, int32_t *out))               \
    X(isa, void, gather_dot_u8, (size_t count, const uint32_t *index,          \
                                 size_t cols, const uint8_t *a, size_t lda,    \
                                 const uint8_t *x, uint32_t *out))             \
    X(isa, void, gather_l2sq_i8, (size_t count, const uint32_t *index,         \
                                  size_t cols, const int8_t *a, size_t lda,    \
                                  const int8_t *x, uint32_t *out))             \
    X(isa, void, gather_l2sq_u8, (size_t count, const uint32_t *index,         \
                                  size_t cols, const uint8_t *a, size_t lda,   \
                                  const uint8_t *x, uint32_t *out))            \
    X(isa, void, f32_to_i8, (size_t n, float factor, const float *x,           \
                             int8_t *out))                                     \
    X(isa, void, i8_to_f32, (size_t n, float factor, const int8_t *x,          \
                             float *out))
/* clang-format on */

#endif
