/* half_vec.c: vectors of 16-bit floats. Where the CPU has instructions that
 * convert binary16 they give the same bits as the integer steps. */
#include "kernels/half_bits.h"
#include "kernels/rows.h"

typedef uint16_t vh __attribute__((vector_size(2 * VW)));
typedef int16_t vh_signed __attribute__((vector_size(2 * VW)));
typedef uint16_t vh_any
    __attribute__((vector_size(2 * VW), aligned(2), may_alias));

typedef uint32_t vu_pairs
    __attribute__((vector_size(4 * VW), aligned(2), may_alias));

#define LOAD_PAIRS(p)      ((vu) * (const vu_pairs *)(p))
#define LOAD_HALVES(p)     ((vh) * (const vh_any *)(p))
#define STORE_HALVES(p, v) (*(vh_any *)(p) = (v))
#define CHOOSE(mask, a, b) (((vu)(a) & (vu)(mask)) | ((vu)(b) & ~(vu)(mask)))

/* The lower halves of words that have no upper halves. */
INLINE vh narrow(vu v) {
#if defined(__SSE4_1__) && VW == 4
    vh low;
    __m128i packed = _mm_packus_epi32((__m128i)v, (__m128i)v);
    memcpy(&low, &packed, sizeof low);
    return low;
#elif defined(__wasm__)
    vh low;
    vu packed = (vu)__builtin_wasm_narrow_u_i16x8_i32x4((vi)v, (vi)v);
    memcpy(&low, &packed, sizeof low);
    return low;
#elif VW == 8
    __m256i packed = _mm256_packus_epi32((__m256i)v, (__m256i)v);
    return (vh)_mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
#else
    return __builtin_convertvector(v, vh);
#endif
}

/* gcc-12 widens by halves and puts them together again. */
INLINE vu widen(const uint16_t *p) {
#if VW == 16
    return (vu)_mm512_cvtepu16_epi32((__m256i)LOAD_HALVES(p));
#elif VW == 8
    return (vu)_mm256_cvtepu16_epi32((__m128i)LOAD_HALVES(p));
#else
    return __builtin_convertvector(LOAD_HALVES(p), vu);
#endif
}

INLINE vf load_bf16(const uint16_t *p) {
    return (vf)(widen(p) << 16);
}

INLINE vh bf16_lanes(vf x) {
    vu bits = (vu)x;
    vu rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    vu nan = bits >> 16 | 0x40u;
    return narrow(CHOOSE(x == x, rounded, nan));
}

#if defined(__aarch64__)
#define HAS_F16
INLINE vf load_f16(const uint16_t *p) {
    return (vf)vcvt_f32_f16((float16x4_t)LOAD_HALVES(p));
}

INLINE vh f16_lanes(vf x) {
    return (vh)vcvt_f16_f32((float32x4_t)x);
}
#elif VW == 16
#define HAS_F16
INLINE vf load_f16(const uint16_t *p) {
    return (vf)_mm512_cvtph_ps((__m256i)LOAD_HALVES(p));
}

INLINE vh f16_lanes(vf x) {
    return (vh)_mm512_cvtps_ph((__m512)x, 0);
}
#elif VW == 8
#define HAS_F16
INLINE vf load_f16(const uint16_t *p) {
    return (vf)_mm256_cvtph_ps((__m128i)LOAD_HALVES(p));
}

INLINE vh f16_lanes(vf x) {
    return (vh)_mm256_cvtps_ph((__m256)x, 0);
}
#else
/* Sign, exponent and fraction to their places: a float that is 2^112 times too
 * small, denormal when the half is. (An Intel CPU takes 150 cycles for a
 * denormal; one in 400 registers of a unit vector's halves has one.) */
INLINE vf load_f16(const uint16_t *p) {
    vi h = __builtin_convertvector((vh_signed)LOAD_HALVES(p), vi);
    vu bits = (vu)h << 13 & 0x8fffe000u;
    vu large = (vu)((bits & 0x0f800000u) == 0x0f800000u) & 0x7f800000u;
    return (vf)((vu)((vf)bits * 0x1p112f) | large);
}

/* 0.5 + x leaves a denormal result in the lowest bits, rounded. */
INLINE vh f16_lanes(vf x) {
    vu size = (vu)x & 0x7fffffffu;
    vu normal = (size - 0x37fff001u + (size >> 13 & 1u)) >> 13;
    vu denormal = (vu)((vf)size + 0.5f) - 0x3f000000u;
    vu nan = ((size >> 13 & 0x1ffu) | 0x200u) & (vu)(x != x);
    vu y = CHOOSE((vi)size < 0x38800000, denormal, normal);
    y = CHOOSE((vi)size > 0x477fffff, nan | 0x7c00u, y);
    return narrow(y | ((vu)x >> 16 & 0x8000u));
}
#endif

/* out_i = convert(x_i): full registers, then the rest padded to one. */
#define CONVERT(name, from, to, load, convert, store)                          \
    SHARED void name##_full(size_t n, const from *x, to *out) {                \
        for (size_t i = 0; i < n; i += VW) {                                   \
            store(out + i, convert(load(x + i)));                              \
        }                                                                      \
    }                                                                          \
    void NAME(name)(size_t n, const from *x, to *out) {                        \
        const size_t rest = n % VW;                                            \
        name##_full(n - rest, x, out);                                         \
        if (rest > 0) {                                                        \
            from few[VW] = {0};                                                \
            to done[VW];                                                       \
            memcpy(few, x + n - rest, rest * sizeof *few);                     \
            name##_full(VW, few, done);                                        \
            memcpy(out + n - rest, done, rest * sizeof *done);                 \
        }                                                                      \
    }
#define SAME(v) (v)
CONVERT(f32_to_f16, float, uint16_t, LOAD, f16_lanes, STORE_HALVES)
CONVERT(f32_to_bf16, float, uint16_t, LOAD, bf16_lanes, STORE_HALVES)
CONVERT(f16_to_f32, uint16_t, float, load_f16, SAME, STORE)
CONVERT(bf16_to_f32, uint16_t, float, load_bf16, SAME, STORE)

/* ---- Sums of bfloat16 -----------------------------------------------------
 *
 * A register of words holds pairs: the first of a pair is a float after a
 * shift, the second after a mask. So the lanes are those of even elements and
 * those of odd ones, put in order only at the end. */
#if VW < 16
INLINE void in_order(vf *even, vf *odd) {
    vf e = *even, o = *odd;
#if VW == 8
    *even = __builtin_shufflevector(e, o, 0, 8, 1, 9, 2, 10, 3, 11);
    *odd = __builtin_shufflevector(e, o, 4, 12, 5, 13, 6, 14, 7, 15);
#else
    *even = __builtin_shufflevector(e, o, 0, 4, 1, 5);
    *odd = __builtin_shufflevector(e, o, 2, 6, 3, 7);
#endif
}

#define ADD_BLOCK(s, a, b, term)                                               \
    _Pragma("GCC unroll 2") for (int j = 0; j < REGS; j += 2) {                \
        vu u = LOAD_PAIRS(a + j * VW), v = LOAD_PAIRS(b + j * VW);             \
        s[j] += term((vf)(u << 16), (vf)(v << 16));                            \
        s[j + 1] += term((vf)(u & 0xffff0000u), (vf)(v & 0xffff0000u));        \
    }
#define FINISH(s)                                                              \
    _Pragma("GCC unroll 2") for (int j = 0; j < REGS; j += 2) {                \
        in_order(s + j, s + j + 1);                                            \
    }
#else
#define ADD_BLOCK(s, a, b, term)                                               \
    do {                                                                       \
        vf u = load_bf16(a), v = load_bf16(b);                                 \
        s[0] += term(u, v);                                                    \
    } while (0)
#define FINISH(s)
#endif

#define SUM_OF_BF16(name, term)                                                \
    float NAME(name)(size_t n, const uint16_t *a, const uint16_t *b) {         \
        vf s[REGS] = {{0}};                                                    \
        const uint16_t *end = a + (n - n % LANES);                             \
        for (; a != end; a += LANES, b += LANES) {                             \
            ADD_BLOCK(s, a, b, term);                                          \
        }                                                                      \
        FINISH(s);                                                             \
        float total = sum_of_lanes(s);                                         \
        for (size_t i = 0; i < n % LANES; i++) {                               \
            float u = f32_of_bf16(a[i]), v = f32_of_bf16(b[i]);                \
            total += term(u, v);                                               \
        }                                                                      \
        return total;                                                          \
    }
SUM_OF_BF16(dot_bf16, ROW_PRODUCT)
SUM_OF_BF16(l2sq_bf16, ROW_SQUARE)

/* ---- Sums of binary16 -----------------------------------------------------
 */

#if defined(HAS_F16)
#define SUM_OF_F16(name, term)                                                 \
    float NAME(name)(size_t n, const uint16_t *a, const uint16_t *b) {         \
        vf s[REGS] = {{0}};                                                    \
        const uint16_t *end = a + (n - n % LANES);                             \
        for (; a != end; a += LANES, b += LANES) {                             \
            _Pragma("GCC unroll 4") for (int j = 0; j < REGS; j++) {           \
                vf u = load_f16(a + j * VW), v = load_f16(b + j * VW);         \
                s[j] += term(u, v);                                            \
            }                                                                  \
        }                                                                      \
        float total = sum_of_lanes(s);                                         \
        for (size_t i = 0; i < n % LANES; i++) {                               \
            float u = f32_of_f16(a[i]), v = f32_of_f16(b[i]);                  \
            total += term(u, v);                                               \
        }                                                                      \
        return total;                                                          \
    }
SUM_OF_F16(dot_f16, ROW_PRODUCT)
SUM_OF_F16(l2sq_f16, ROW_SQUARE)

ROWS_OF(dot_rows, uint16_t, load_f16, f32_of_f16, ROW_PRODUCT, TWICE)
ROWS_OF(l2sq_rows, uint16_t, load_f16, f32_of_f16, ROW_SQUARE, TWICE)
GATHER_OF(gather_dot_f16, uint16_t, dot_rows)
GATHER_OF(gather_l2sq_f16, uint16_t, l2sq_rows)
#else
/* Without instructions for it a conversion is long: it stands once, and fills
 * pieces of floats on the stack that are multiplied from there. */
#define PIECE 256 /* a multiple of LANES */

enum { SQUARES = 1, FLOATS = 2 };

/* The sum of the products of a and b, or of the squares of their differences;
 * b is halves or floats. */
SHARED float sum_of_f16(size_t n, const uint16_t *a, const void *b, int how) {
    float x[PIECE], room[PIECE];
    vf s[REGS] = {{0}};
    for (;;) {
        const size_t count = n < PIECE ? n : PIECE;
        const float *y = b;
        NAME(f16_to_f32)(count, a, x);
        if ((how & FLOATS) == 0) {
            NAME(f16_to_f32)(count, b, room);
            y = room;
        }
        if ((how & SQUARES) != 0) {
            NAME(sub_f32)(count, x, y, x);
            y = x;
        }
        for (size_t i = 0; i < count - count % LANES; i += LANES) {
#pragma GCC unroll 4
            for (int j = 0; j < REGS; j++) {
                s[j] += LOAD(x + i + j * VW) * LOAD(y + i + j * VW);
            }
        }
        if (n <= PIECE) {
            float total = sum_of_lanes(s);
            for (size_t i = n - n % LANES; i < n; i++) {
                total += x[i] * y[i];
            }
            return total;
        }
        n -= PIECE;
        a += PIECE;
        b = (const char *)b + PIECE * ((how & FLOATS) != 0 ? 4 : 2);
    }
}

float NAME(dot_f16)(size_t n, const uint16_t *a, const uint16_t *b) {
    return sum_of_f16(n, a, b, 0);
}

float NAME(l2sq_f16)(size_t n, const uint16_t *a, const uint16_t *b) {
    return sum_of_f16(n, a, b, SQUARES);
}

void NAME(gather_dot_f16)(size_t count, const uint32_t *index, size_t cols,
                          const uint16_t *a, size_t lda, const float *x,
                          float *out) {
    for (size_t i = 0; i < count; i++) {
        out[i] = sum_of_f16(cols, a + index[i] * lda, x, FLOATS);
    }
}

void NAME(gather_l2sq_f16)(size_t count, const uint32_t *index, size_t cols,
                           const uint16_t *a, size_t lda, const float *x,
                           float *out) {
    for (size_t i = 0; i < count; i++) {
        out[i] = sum_of_f16(cols, a + index[i] * lda, x, FLOATS | SQUARES);
    }
}
#endif
