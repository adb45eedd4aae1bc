/* gemm_i8.h: matrix times matrix of bytes, exact, and floats to the unsigned
 * bytes that it multiplies (affine quantisation: Jacob et al. 2018). */
#ifndef MDG_KERNELS_GEMM_I8_H
#define MDG_KERNELS_GEMM_I8_H

#include <stddef.h>
#include <stdint.h>

/* k, at most: then no sum leaves 32 bits. */
#define MDG_GEMM_I8_MAX 65536
/* Columns of C come in strips of so many, and k in groups. */
#define MDG_GEMM_I8_STRIP 16
#define MDG_GEMM_I8_GROUP 4

/* n columns, or k, with padding. */
#define MDG_GEMM_I8_COLS(n)                                                    \
    (((n) + MDG_GEMM_I8_STRIP - 1) / MDG_GEMM_I8_STRIP * MDG_GEMM_I8_STRIP)
#define MDG_GEMM_I8_DEPTH(k)                                                   \
    (((k) + MDG_GEMM_I8_GROUP - 1) / MDG_GEMM_I8_GROUP * MDG_GEMM_I8_GROUP)

/* B (k, n) is packed: MDG_GEMM_I8_DEPTH(k) MDG_GEMM_I8_COLS(n) bytes, strip
 * after strip; of a strip group after group of k; of a group 16 times the 4
 * bytes of a column. b_ij is at the index below; padding is 0. */
static inline size_t mdg_gemm_i8_at(size_t k, size_t i, size_t j) {
    return j / 16 * (MDG_GEMM_I8_DEPTH(k) * 16) + i / 4 * 64 + j % 16 * 4 +
           i % 4;
}

/* C (m, n), c_ij = (float)(offset_j + sum of a_ik b_kj) * factor_j + bias_j,
 * the sum an exact integer, each operation on floats rounded. A is row-major
 * with row stride lda, at least MDG_GEMM_I8_DEPTH(k): bytes behind a row's k
 * may hold anything, but are read. C is row-major with row stride ldc. offset,
 * factor and bias have MDG_GEMM_I8_COLS(n) entries, and offset + sum must fit
 * 32 bits. With a_ik = x_ik / s + z, b_kj = w_kj / t_j, offset_j = - z sum of
 * b_kj and factor_j = s t_j that is x w + bias. */
typedef struct mdg_gemm_i8 {
    size_t m, n, k;
    const uint8_t *a;
    size_t lda;
    const int8_t *b;
    const int32_t *offset;
    const float *factor, *bias;
    float *c;
    size_t ldc;
} mdg_gemm_i8;

/* f32_to_u8: out_i = x_i * factor, rounded to the nearest integer (halves to
 * the even one), plus zero, limited to [0, 255]; zero (0..255) where the
 * product is a NaN. */
/* clang-format off */
#define MDG_GEMM_I8_OPS(X, isa)                                                \
    X(isa, void, gemm_i8, (const mdg_gemm_i8 *g))                              \
    X(isa, void, f32_to_u8, (size_t n, float factor, uint8_t zero,             \
                             const float *x, uint8_t *out))
/* clang-format on */

#endif
