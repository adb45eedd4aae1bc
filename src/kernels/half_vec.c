/* half_vec.c: vectors of 16-bit floats. Where the CPU has instructions that
 * convert binary16 they give the same bits as the integer steps. */
#include "kernels/half_bits.h"
#include "kernels/rows.h"

typedef uint16_t vh __attribute__((vector_size(2 * VW)));
typedef uint16_t vh_any
    __attribute__((vector_size(2 * VW), aligned(2), may_alias));

#define LOAD_HALVES(p)     ((vh) * (const vh_any *)(p))
#define STORE_HALVES(p, v) (*(vh_any *)(p) = (v))
#define CHOOSE(mask, a, b) (((vu)(a) & (vu)(mask)) | ((vu)(b) & ~(vu)(mask)))

INLINE vf load_bf16(const uint16_t *p) {
    return (vf)(__builtin_convertvector(LOAD_HALVES(p), vu) << 16);
}

INLINE vh bf16_lanes(vf x) {
    vu bits = (vu)x;
    vu rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    vu nan = bits >> 16 | 0x40u;
    return __builtin_convertvector(CHOOSE(x == x, rounded, nan), vh);
}

#if defined(__aarch64__)
INLINE vf load_f16(const uint16_t *p) {
    return (vf)vcvt_f32_f16((float16x4_t)LOAD_HALVES(p));
}

INLINE vh f16_lanes(vf x) {
    return (vh)vcvt_f16_f32((float32x4_t)x);
}
#elif VW == 16
INLINE vf load_f16(const uint16_t *p) {
    return (vf)_mm512_cvtph_ps((__m256i)LOAD_HALVES(p));
}

INLINE vh f16_lanes(vf x) {
    return (vh)_mm512_cvtps_ph((__m512)x, 0);
}
#elif VW == 8
INLINE vf load_f16(const uint16_t *p) {
    return (vf)_mm256_cvtph_ps((__m128i)LOAD_HALVES(p));
}

INLINE vh f16_lanes(vf x) {
    return (vh)_mm256_cvtps_ph((__m256)x, 0);
}
#else
/* half_bits.h, lane by lane, with selects where that has conditions. A denormal
 * is exact as 2^-14 (1 + fraction) - 2^-14. */
INLINE vf load_f16(const uint16_t *p) {
    vu h = __builtin_convertvector(LOAD_HALVES(p), vu);
    vu sign = (h & 0x8000u) << 16;
    vu size = (h & 0x7fffu) << 13;
    vu normal = size + 0x38000000u;
    vu large = (vu)((vi)size > 0x0f7fffff) & 0x38000000u;
    vu quiet = (vu)((vi)size > 0x0f800000) & 0x00400000u;
    vf denormal = (vf)(size + 0x38800000u) - 0x1p-14f;
    vu y = CHOOSE((vi)size < 0x00800000, denormal, (normal + large) | quiet);
    return (vf)(y | sign);
}

/* 0.5 + x leaves a denormal result in the lowest bits, rounded. */
INLINE vh f16_lanes(vf x) {
    vu sign = (vu)x >> 16 & 0x8000u;
    vu size = (vu)x & 0x7fffffffu;
    vu most = CHOOSE((vi)size > 0x47800000, (vu){0} + 0x47800000u, size);
    vu normal = (most - 0x38000000u + 0xfffu + (size >> 13 & 1u)) >> 13;
    vu denormal = (vu)((vf)size + 0.5f) - 0x3f000000u;
    vu y = CHOOSE((vi)size < 0x38800000, denormal, normal);
    vu nan = (size >> 13 & 0x1ffu) | 0x7e00u;
    y = CHOOSE((vi)size > 0x7f800000, nan, y);
    return __builtin_convertvector(y | sign, vh);
}
#endif

/* out_i = convert(x_i): full registers, then the rest padded to one. */
#define CONVERT(name, from, to, load, convert, store)                          \
    void NAME(name)(size_t n, const from *x, to *out) {                        \
        size_t i = 0;                                                          \
        for (; n - i >= VW; i += VW) {                                         \
            store(out + i, convert(load(x + i)));                              \
        }                                                                      \
        if (i < n) {                                                           \
            from rest[VW] = {0};                                               \
            to done[VW];                                                       \
            memcpy(rest, x + i, (n - i) * sizeof *rest);                       \
            store(done, convert(load(rest)));                                  \
            memcpy(out + i, done, (n - i) * sizeof *done);                     \
        }                                                                      \
    }
#define SAME(v) (v)
CONVERT(f32_to_f16, float, uint16_t, LOAD, f16_lanes, STORE_HALVES)
CONVERT(f32_to_bf16, float, uint16_t, LOAD, bf16_lanes, STORE_HALVES)
CONVERT(f16_to_f32, uint16_t, float, load_f16, SAME, STORE)
CONVERT(bf16_to_f32, uint16_t, float, load_bf16, SAME, STORE)

#define SUM_OF_HALVES(name, load, load_one, term)                              \
    float NAME(name)(size_t n, const uint16_t *a, const uint16_t *b) {         \
        vf s[REGS] = {{0}};                                                    \
        const uint16_t *end = a + (n - n % LANES);                             \
        for (; a != end; a += LANES, b += LANES) {                             \
            _Pragma("GCC unroll 4") for (int j = 0; j < REGS; j++) {           \
                vf u = load(a + j * VW), v = load(b + j * VW);                 \
                s[j] += term(u, v);                                            \
            }                                                                  \
        }                                                                      \
        float total = sum_of_lanes(s);                                         \
        for (size_t i = 0; i < n % LANES; i++) {                               \
            float u = load_one(a[i]), v = load_one(b[i]);                      \
            total += term(u, v);                                               \
        }                                                                      \
        return total;                                                          \
    }
SUM_OF_HALVES(dot_f16, load_f16, f32_of_f16, ROW_PRODUCT)
SUM_OF_HALVES(l2sq_f16, load_f16, f32_of_f16, ROW_SQUARE)
SUM_OF_HALVES(dot_bf16, load_bf16, f32_of_bf16, ROW_PRODUCT)
SUM_OF_HALVES(l2sq_bf16, load_bf16, f32_of_bf16, ROW_SQUARE)

ROWS_OF(dot_rows, uint16_t, load_f16, f32_of_f16, ROW_PRODUCT)
ROWS_OF(l2sq_rows, uint16_t, load_f16, f32_of_f16, ROW_SQUARE)
GATHER_OF(gather_dot_f16, uint16_t, dot_rows)
GATHER_OF(gather_l2sq_f16, uint16_t, l2sq_rows)
