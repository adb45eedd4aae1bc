/* onebit_vec.c: vectors by one bit a dimension (onebit.h). */
#include "kernels/pq4_sums.h"

#define GROUP MDG_ONEBIT_GROUP
#define CHUNK ((size_t)256) /* parts whose sums fit in 16 bits */

/* ---- Rotation ------------------------------------------------------------ */

void NAME(butterfly_f32)(size_t n, float *a, float *b) {
    size_t i = 0;
    for (; n - i >= VW; i += VW) {
        vf x = LOAD(a + i);
        vf y = LOAD(b + i);
        STORE(a + i, x + y);
        STORE(b + i, x - y);
    }
    for (; i < n; i++) {
        float x = a[i];
        float y = b[i];
        a[i] = x + y;
        b[i] = x - y;
    }
}

/* x with the elements that are h apart exchanged. */
#if VW == 16
#define APART(x, h)                                                            \
    __builtin_shufflevector(x, x, 0 ^ (h), 1 ^ (h), 2 ^ (h), 3 ^ (h), 4 ^ (h), \
                            5 ^ (h), 6 ^ (h), 7 ^ (h), 8 ^ (h), 9 ^ (h),       \
                            10 ^ (h), 11 ^ (h), 12 ^ (h), 13 ^ (h), 14 ^ (h),  \
                            15 ^ (h))
#define LANES ((vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
#elif VW == 8
#define APART(x, h)                                                            \
    __builtin_shufflevector(x, x, 0 ^ (h), 1 ^ (h), 2 ^ (h), 3 ^ (h), 4 ^ (h), \
                            5 ^ (h), 6 ^ (h), 7 ^ (h))
#define LANES ((vi){0, 1, 2, 3, 4, 5, 6, 7})
#else
#define APART(x, h)                                                            \
    __builtin_shufflevector(x, x, 0 ^ (h), 1 ^ (h), 2 ^ (h), 3 ^ (h))
#define LANES ((vi){0, 1, 2, 3})
#endif

/* The sum where lane & h is 0, else the difference: y + (-x) is y - x. */
#define WITHIN(x, h)                                                           \
    (APART(x, h) +                                                             \
     (vf)((vi)(x) ^ (((LANES & (h)) != 0) & (vi)((vu){0} + 0x80000000u))))

INLINE vf hadamard_register(vf x) {
    x = WITHIN(x, 1);
    x = WITHIN(x, 2);
#if VW >= 8
    x = WITHIN(x, 4);
#endif
#if VW >= 16
    x = WITHIN(x, 8);
#endif
    return x;
}

void NAME(hadamard_f32)(size_t n, float *x) {
    if (n < VW) {
        for (size_t h = 1; h < n; h *= 2) {
            for (size_t i = 0; i < n; i += 2 * h) {
                NAME(butterfly_f32)(h, x + i, x + i + h);
            }
        }
        return;
    }
    for (size_t i = 0; i < n; i += VW) {
        STORE(x + i, hadamard_register(LOAD(x + i)));
    }
    for (size_t h = VW; h < n; h *= 2) {
        for (size_t i = 0; i < n; i += 2 * h) {
            NAME(butterfly_f32)(h, x + i, x + i + h);
        }
    }
}

/* ---- Tables -------------------------------------------------------------- */

typedef uint16_t vh16 __attribute__((vector_size(32)));
typedef uint8_t vb16_of_16 __attribute__((vector_size(16)));

/* All ones where bit j of the place is set. */
#define BIT_OF(c, j) ((c) >> (j) & 1 ? 0xffff : 0)
#define PLACES(j)                                                              \
    ((vh16){BIT_OF(0, j), BIT_OF(1, j), BIT_OF(2, j), BIT_OF(3, j),            \
            BIT_OF(4, j), BIT_OF(5, j), BIT_OF(6, j), BIT_OF(7, j),            \
            BIT_OF(8, j), BIT_OF(9, j), BIT_OF(10, j), BIT_OF(11, j),          \
            BIT_OF(12, j), BIT_OF(13, j), BIT_OF(14, j), BIT_OF(15, j)})

void NAME(onebit_tables)(size_t n, const float *x, float scale, uint8_t *lut) {
    for (size_t i = 0; i + 4 <= n; i += 4, lut += 16) {
        uint16_t w[4];
        unsigned at_0 = 64; /* what entry 0 has: of the negative ones */
        for (size_t j = 0; j < 4; j++) {
            int32_t of_j = (int32_t)(x[i + j] * scale);
            w[j] = (uint16_t)of_j;
            at_0 += of_j < 0 ? (unsigned)-of_j : 0;
        }
        /* Setting bit j adds w_j, whatever its sign. */
        vh16 sum = (vh16){0} + (uint16_t)at_0;
        sum += (PLACES(0) & w[0]) + (PLACES(1) & w[1]);
        sum += (PLACES(2) & w[2]) + (PLACES(3) & w[3]);
        vb16_of_16 entries = __builtin_convertvector(sum >> 7, vb16_of_16);
        memcpy(lut, &entries, sizeof entries);
    }
}

/* ---- Scanning ------------------------------------------------------------ */

typedef uint16_t vh_half __attribute__((vector_size(2 * VW)));

INLINE vi widen(const uint16_t *sums) {
    vh_half half;
    memcpy(&half, sums, sizeof half);
    return __builtin_convertvector(half, vi);
}

/* The lanes of a mask as bits, lane 0 the lowest. */
INLINE uint32_t bits_of(vi mask) {
#if defined(__wasm__)
    return (uint32_t)wasm_i32x4_bitmask((v128_t)mask);
#elif defined(__aarch64__)
    return vaddvq_u32(vandq_u32((uint32x4_t)mask, (uint32x4_t){1, 2, 4, 8}));
#elif VW == 16
    return _mm512_movepi32_mask((__m512i)mask);
#elif VW == 8
    return (uint32_t)_mm256_movemask_ps((__m256)mask);
#else
    return (uint32_t)_mm_movemask_ps((__m128)mask);
#endif
}

INLINE uint32_t estimate(const vi *sums, const float *factors,
                         const mdg_onebit_terms *t, float *out) {
    uint32_t below = 0;
#pragma GCC unroll 8
    for (size_t j = 0; j < GROUP; j += VW) {
        vf sum = __builtin_convertvector(sums[j / VW], vf);
        vf known = t->base + t->tilt * LOAD(factors + j);
        vf found = t->scale * sum + t->shift;
        vf x = known + LOAD(factors + GROUP + j) * found;
        STORE(out + j, x);
        below |= bits_of((vi)(x < t->limit)) << j;
    }
    return below;
}

uint32_t NAME(onebit_scan)(size_t m, const uint8_t *codes, const uint8_t *lut,
                           const float *factors, const mdg_onebit_terms *terms,
                           float *out) {
    vi total[GROUP / VW] = {{0}};
    for (size_t first = 0; first < m; first += CHUNK) {
        uint16_t sums[GROUP];
        block_sums(m - first < CHUNK ? m - first : CHUNK, codes + first * 16,
                   lut + first * 16, sums);
#pragma GCC unroll 8
        for (size_t j = 0; j < GROUP; j += VW) {
            total[j / VW] += widen(sums + j);
        }
    }
    return estimate(total, factors, terms, out);
}
