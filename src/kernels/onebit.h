/* onebit.h: vectors by the signs of their rotated differences, one bit a
 * dimension (Gao and Long, "RaBitQ", SIGMOD 2024), 32 at a time by the tables
 * of pq4.h: what src/index/rotate.c and packed*.c are made of. */
#ifndef MDG_KERNELS_ONEBIT_H
#define MDG_KERNELS_ONEBIT_H

#include <stddef.h>
#include <stdint.h>

#define MDG_ONEBIT_GROUP 32 /* vectors of a block of codes (MDG_PQ4_BLOCK) */
#define MDG_ONEBIT_TOP   32640.0f /* of four |x_i| scale, added: 255 * 128 */

/* What a query brings to a block. */
typedef struct mdg_onebit_terms {
    float base;
    float tilt;
    float scale;
    float shift;
    float limit;
} mdg_onebit_terms;

/* butterfly: a_i and b_i become a_i + b_i and a_i - b_i.
 * hadamard: x (n, a power of two) becomes its Walsh-Hadamard transform, not
 * scaled: butterflies of the elements 1 apart, then 2, 4 up to n / 2.
 * onebit_tables: for each four of the n elements (n a multiple of 4) sixteen
 * bytes of lut: with w_j = trunc(x_j scale), entry c is
 * floor((64 + sum over j < 4 of (bit j of c ? max(w_j, 0) : max(-w_j, 0)))
 * / 128). Added up, |x_j| scale of any four is at most MDG_ONEBIT_TOP.
 * onebit_scan: one block of 32 vectors, m parts, as pq4_sums has them, any m up
 * to 65536: with s_j the sum of vector j and (2, 32) factors f and g,
 * out_j = (base + tilt f_j) + g_j (scale s_j + shift); bit j of the result
 * tells whether out_j < limit. */
/* clang-format off */
#define MDG_ONEBIT_OPS(X, isa)                                                 \
    X(isa, void, butterfly_f32, (size_t n, float *a, float *b))                \
    X(isa, void, hadamard_f32, (size_t n, float *x))                           \
    X(isa, void, onebit_tables, (size_t n, const float *x, float scale,        \
                                 uint8_t *lut))                                \
    X(isa, uint32_t, onebit_scan, (size_t m, const uint8_t *codes,             \
                                   const uint8_t *lut, const float *factors,   \
                                   const mdg_onebit_terms *terms, float *out))
/* clang-format on */

#endif
