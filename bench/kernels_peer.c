/* kernels_peer.c: the operations as one writes them for speed alone, with fused
 * multiply-add and four accumulators of full width; compiled with AVX2 and
 * again with AVX-512. The order of the sums, and so the last digits, are not
 * those of the kernels. */
#include "kernels_peer.h"

#include <immintrin.h>

#if defined(__AVX512F__)
#define VW       16
#define PEER(op) op##_avx512
#else
#define VW       8
#define PEER(op) op##_avx2
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(4 * VW)));
typedef float vf_any
    __attribute__((vector_size(4 * VW), aligned(4), may_alias));
#define LOAD(p)     ((vf) * (const vf_any *)(p))
#define STORE(p, v) (*(vf_any *)(p) = (v))

INLINE float sum_of(vf v) {
    float total = 0;
    for (int i = 0; i < VW; i++) {
        total += v[i];
    }
    return total;
}

/* sum of term(a_i, b_i), four accumulators. */
#define SUM_OF(name, term)                                                     \
    static float name(size_t n, const float *a, const float *b) {              \
        vf s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                             \
        size_t i = 0;                                                          \
        for (; i + 4 * VW <= n; i += 4 * VW) {                                 \
            s0 += term(LOAD(a + i), LOAD(b + i));                              \
            s1 += term(LOAD(a + i + VW), LOAD(b + i + VW));                    \
            s2 += term(LOAD(a + i + 2 * VW), LOAD(b + i + 2 * VW));            \
            s3 += term(LOAD(a + i + 3 * VW), LOAD(b + i + 3 * VW));            \
        }                                                                      \
        float total = sum_of((s0 + s1) + (s2 + s3));                           \
        for (; i < n; i++) {                                                   \
            total += term(a[i], b[i]);                                         \
        }                                                                      \
        return total;                                                          \
    }
#define PRODUCT(x, y)    ((x) * (y))
#define DIFFERENCE(x, y) (((x) - (y)) * ((x) - (y)))
SUM_OF(dot_f32, PRODUCT)
SUM_OF(l2sq_f32, DIFFERENCE)

/* The same of four rows at a time, each with an accumulator of its own. */
#define ROWS_OF(name, one, term)                                               \
    static void name(size_t rows, size_t cols, const float *m, size_t lda,     \
                     const float *x, float *y) {                               \
        size_t r = 0;                                                          \
        for (; r + 4 <= rows; r += 4, m += 4 * lda) {                          \
            vf s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                         \
            size_t i = 0;                                                      \
            for (; i + VW <= cols; i += VW) {                                  \
                const vf v = LOAD(x + i);                                      \
                s0 += term(LOAD(m + i), v);                                    \
                s1 += term(LOAD(m + lda + i), v);                              \
                s2 += term(LOAD(m + 2 * lda + i), v);                          \
                s3 += term(LOAD(m + 3 * lda + i), v);                          \
            }                                                                  \
            y[r] = sum_of(s0) + one(cols - i, m + i, x + i);                   \
            y[r + 1] = sum_of(s1) + one(cols - i, m + lda + i, x + i);         \
            y[r + 2] = sum_of(s2) + one(cols - i, m + 2 * lda + i, x + i);     \
            y[r + 3] = sum_of(s3) + one(cols - i, m + 3 * lda + i, x + i);     \
        }                                                                      \
        for (; r < rows; r++, m += lda) {                                      \
            y[r] = one(cols, m, x);                                            \
        }                                                                      \
    }
ROWS_OF(gemv_f32, dot_f32, PRODUCT)
ROWS_OF(l2sq_rows_f32, l2sq_f32, DIFFERENCE)

static void axpy_f32(size_t n, float a, const float *x, float *y) {
    size_t i = 0;
    for (; i + 2 * VW <= n; i += 2 * VW) {
        STORE(y + i, LOAD(y + i) + a * LOAD(x + i));
        STORE(y + i + VW, LOAD(y + i + VW) + a * LOAD(x + i + VW));
    }
    for (; i < n; i++) {
        y[i] += a * x[i];
    }
}

/* ---- Bytes ----------------------------------------------------------------
 */

/* n is a multiple of the bytes of a step, as in all works. */
#if defined(__AVX512F__)
/* a + 128 is unsigned, as the instruction wants it; 128 b is taken off again.
 */
static int32_t dot_i8(size_t n, const int8_t *a, const int8_t *b) {
    const __m512i half = _mm512_set1_epi8((char)0x80);
    __m512i s[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    __m512i more[2] = {s[0], s[0]};
    for (size_t i = 0; i < n; i += 128) {
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            __m512i x = _mm512_loadu_si512(a + i + 64 * j);
            __m512i y = _mm512_loadu_si512(b + i + 64 * j);
            s[j] = _mm512_dpbusd_epi32(s[j], _mm512_xor_si512(x, half), y);
            more[j] = _mm512_dpbusd_epi32(more[j], half, y);
        }
    }
    return _mm512_reduce_add_epi32(_mm512_sub_epi32(
        _mm512_add_epi32(s[0], s[1]), _mm512_add_epi32(more[0], more[1])));
}

static uint32_t l2sq_i8(size_t n, const int8_t *a, const int8_t *b) {
    __m512i s[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(),
                    _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (size_t i = 0; i < n; i += 128) {
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            __m512i x = _mm512_cvtepi8_epi16(
                _mm256_loadu_si256((const __m256i *)(a + i + 32 * j)));
            __m512i y = _mm512_cvtepi8_epi16(
                _mm256_loadu_si256((const __m256i *)(b + i + 32 * j)));
            __m512i d = _mm512_sub_epi16(x, y);
            s[j] = _mm512_dpwssd_epi32(s[j], d, d);
        }
    }
    return (uint32_t)_mm512_reduce_add_epi32(_mm512_add_epi32(
        _mm512_add_epi32(s[0], s[1]), _mm512_add_epi32(s[2], s[3])));
}
#else
INLINE int32_t sum_of_words(__m256i v) {
    int32_t word[8];
    int32_t total = 0;
    _mm256_storeu_si256((__m256i *)word, v);
    for (int i = 0; i < 8; i++) {
        total += word[i];
    }
    return total;
}

INLINE __m256i sixteen(const int8_t *p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p));
}

/* Sums of pairs of term(a_i, b_i) of sixteen bits. */
#define BYTES_OF(name, result, term)                                           \
    static result name(size_t n, const int8_t *a, const int8_t *b) {           \
        __m256i s[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(),        \
                        _mm256_setzero_si256(), _mm256_setzero_si256()};       \
        for (size_t i = 0; i < n; i += 64) {                                   \
            _Pragma("GCC unroll 4") for (int j = 0; j < 4; j++) {              \
                __m256i x = sixteen(a + i + 16 * j);                           \
                __m256i y = sixteen(b + i + 16 * j);                           \
                s[j] = _mm256_add_epi32(s[j], term);                           \
            }                                                                  \
        }                                                                      \
        return (result)sum_of_words(_mm256_add_epi32(                          \
            _mm256_add_epi32(s[0], s[1]), _mm256_add_epi32(s[2], s[3])));      \
    }
BYTES_OF(dot_i8, int32_t, _mm256_madd_epi16(x, y))
BYTES_OF(l2sq_i8, uint32_t,
         _mm256_madd_epi16(_mm256_sub_epi16(x, y), _mm256_sub_epi16(x, y)))
#endif

void PEER(bench_peer)(mdg_kernels *k) {
    *k = (mdg_kernels){.dot_f32 = dot_f32,
                       .l2sq_f32 = l2sq_f32,
                       .axpy_f32 = axpy_f32,
                       .gemv_f32 = gemv_f32,
                       .l2sq_rows_f32 = l2sq_rows_f32,
                       .dot_i8 = dot_i8,
                       .l2sq_i8 = l2sq_i8};
}
