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

void PEER(bench_peer)(mdg_kernels *k) {
    *k = (mdg_kernels){.dot_f32 = dot_f32,
                       .l2sq_f32 = l2sq_f32,
                       .axpy_f32 = axpy_f32,
                       .gemv_f32 = gemv_f32,
                       .l2sq_rows_f32 = l2sq_rows_f32};
}
