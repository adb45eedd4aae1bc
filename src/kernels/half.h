/* half.h: vectors of 16-bit floats, IEEE binary16 and bfloat16. */
#ifndef MDG_KERNELS_HALF_H
#define MDG_KERNELS_HALF_H

#include <stddef.h>
#include <stdint.h>

/* Both formats are stored as uint16_t. To f32 every value is exact. From f32:
 * rounded to the nearest, ties to even; denormal results are exact to their
 * last bit; what is too large becomes infinity; a NaN keeps its sign and the
 * upper bits of its payload and is quiet.
 *
 * dot, l2sq: of two stored vectors, the bits of dot_f32 and l2sq_f32 of their
 * values. gather_dot, gather_l2sq: as in gather.h, of stored rows with a vector
 * of floats. */
/* clang-format off */
#define MDG_HALF_OPS(X, isa)                                                   \
    X(isa, void, f32_to_f16, (size_t n, const float *x, uint16_t *out))        \
    X(isa, void, f16_to_f32, (size_t n, const uint16_t *x, float *out))        \
    X(isa, void, f32_to_bf16, (size_t n, const float *x, uint16_t *out))       \
    X(isa, void, bf16_to_f32, (size_t n, const uint16_t *x, float *out))       \
    X(isa, float, dot_f16, (size_t n, const uint16_t *a, const uint16_t *b))   \
    X(isa, float, l2sq_f16, (size_t n, const uint16_t *a, const uint16_t *b))  \
    X(isa, float, dot_bf16, (size_t n, const uint16_t *a, const uint16_t *b))  \
    X(isa, float, l2sq_bf16, (size_t n, const uint16_t *a, const uint16_t *b)) \
    X(isa, void, gather_dot_f16, (size_t count, const uint32_t *index,         \
                                  size_t cols, const uint16_t *a, size_t lda,  \
                                  const float *x, float *out))                 \
    X(isa, void, gather_l2sq_f16, (size_t count, const uint32_t *index,        \
                                   size_t cols, const uint16_t *a, size_t lda, \
                                   const float *x, float *out))
/* clang-format on */

#endif
