/* int8_vec.c: dot, l2sq and cosine of bytes; the steps are int8_steps.h. */
#include "kernels/int8_steps.h"

/* Steps at once with sums of their own. Those of VNNI wait for each other. */
#if defined(__AVX512VNNI__)
#define CHAINS 4
#else
#define CHAINS 2
#endif

/* Rows of a gather side by side: they share the loads of x. A wasm engine
 * hoists the loads of a block: one row there. */
#if defined(__wasm__)
#define ROWS 1
#else
#define ROWS 4
#endif

#define PRODUCT(x, y) ((x) * (y))
#define SQUARE(x, y)  (((x) - (y)) * ((x) - (y)))

INLINE uint32_t total(sums p, int scale) {
    return sum_of_words(p.s + p.t * (uint32_t)scale);
}

/* Less than a register, which only AVX-512 loads: zeros add nothing. */
#if VW == 16
#define LAST_STEP(op, p, a, b, n)                                              \
    if ((n) > 0) {                                                             \
        vb x_part = load_part(a, n), y_part = load_part(b, n);                 \
        (p) = step_##op(p, (const void *)&x_part, (const void *)&y_part);      \
    }
#define REST(n) ((void)(n), (size_t)0)
#else
#define LAST_STEP(op, p, a, b, n)
#define REST(n) (n)
#endif

/* One vector and another. */
#define PAIR(op, type, result, scale, TERM)                                    \
    result NAME(op)(size_t n, const type *a, const type *b) {                  \
        sums p[CHAINS] = {{{0}, {0}}};                                         \
        for (; n >= CHAINS * VB;                                               \
             n -= CHAINS * VB, a += CHAINS * VB, b += CHAINS * VB) {           \
            _Pragma("GCC unroll 4") for (size_t j = 0; j < CHAINS; j++) {      \
                p[j] = step_##op(p[j], a + j * VB, b + j * VB);                \
            }                                                                  \
        }                                                                      \
        for (; n >= VB; n -= VB, a += VB, b += VB) {                           \
            p[0] = step_##op(p[0], a, b);                                      \
        }                                                                      \
        LAST_STEP(op, p[0], a, b, n)                                           \
        _Pragma("GCC unroll 4") for (size_t j = 1; j < CHAINS; j++) {          \
            p[0].s += p[j].s;                                                  \
            p[0].t += p[j].t;                                                  \
        }                                                                      \
        uint32_t sum = total(p[0], scale);                                     \
        for (size_t i = 0; i < REST(n); i++) {                                 \
            sum += (uint32_t)TERM(a[i], b[i]);                                 \
        }                                                                      \
        return (result)sum;                                                    \
    }
PAIR(dot_i8, int8_t, int32_t, DOT_I8_SCALE, PRODUCT)
PAIR(dot_u8, uint8_t, uint32_t, DOT_U8_SCALE, PRODUCT)
PAIR(l2sq_i8, int8_t, uint32_t, L2SQ_SCALE, SQUARE)
PAIR(l2sq_u8, uint8_t, uint32_t, L2SQ_SCALE, SQUARE)

void NAME(cosine_i8)(size_t n, const int8_t *a, const int8_t *b, int32_t *out) {
    sums p[3] = {{{0}, {0}}};
    for (; n >= VB; n -= VB, a += VB, b += VB) {
        p[0] = step_dot_i8(p[0], a, b);
        p[1] = step_dot_i8(p[1], a, a);
        p[2] = step_dot_i8(p[2], b, b);
    }
    LAST_STEP(dot_i8, p[0], a, b, n)
    LAST_STEP(dot_i8, p[1], a, a, n)
    LAST_STEP(dot_i8, p[2], b, b, n)
    uint32_t sum[3] = {total(p[0], DOT_I8_SCALE), total(p[1], DOT_I8_SCALE),
                       total(p[2], DOT_I8_SCALE)};
    for (size_t i = 0; i < REST(n); i++) {
        sum[0] += (uint32_t)(a[i] * b[i]);
        sum[1] += (uint32_t)(a[i] * a[i]);
        sum[2] += (uint32_t)(b[i] * b[i]);
    }
    memcpy(out, sum, sizeof sum);
}

/* ROWS rows against x. All t are that of the first row where `shared`. */
#define SIDE_BY_SIDE(op, type, result, scale, shared, TERM)                    \
    INLINE void rows_##op(size_t n, const type *const *row, const type *x,     \
                          result *out) {                                       \
        sums p[ROWS] = {{{0}, {0}}};                                           \
        size_t i = 0;                                                          \
        for (; i + VB <= n; i += VB) {                                         \
            _Pragma("GCC unroll 4") for (size_t r = 0; r < ROWS; r++) {        \
                p[r] = step_##op(p[r], row[r] + i, x + i);                     \
            }                                                                  \
        }                                                                      \
        _Pragma("GCC unroll 4") for (size_t r = 0; r < ROWS; r++) {            \
            LAST_STEP(op, p[r], row[r] + i, x + i, n - i)                      \
            sums q = {p[r].s, p[shared ? 0 : r].t};                            \
            uint32_t sum = total(q, scale);                                    \
            for (size_t j = 0; j < REST(n - i); j++) {                         \
                sum += (uint32_t)TERM(row[r][i + j], x[i + j]);                \
            }                                                                  \
            out[r] = (result)sum;                                              \
        }                                                                      \
    }

#define GATHER(op, type, result)                                               \
    void NAME(gather_##op)(size_t count, const uint32_t *index, size_t cols,   \
                           const type *a, size_t lda, const type *x,           \
                           result *out) {                                      \
        size_t i = 0;                                                          \
        for (; ROWS > 1 && count - i >= ROWS; i += ROWS) {                     \
            const type *row[ROWS];                                             \
            _Pragma("GCC unroll 4") for (size_t r = 0; r < ROWS; r++) {        \
                row[r] = a + row_of(index, i + r) * lda;                       \
                if (index && i + r + ROWS < count) {                           \
                    fetch_row(a + index[i + r + ROWS] * lda, cols);            \
                }                                                              \
            }                                                                  \
            rows_##op(cols, row, x, out + i);                                  \
        }                                                                      \
        for (; i < count; i++) {                                               \
            out[i] = NAME(op)(cols, a + row_of(index, i) * lda, x);            \
        }                                                                      \
    }

SIDE_BY_SIDE(dot_i8, int8_t, int32_t, DOT_I8_SCALE, 1, PRODUCT)
SIDE_BY_SIDE(dot_u8, uint8_t, uint32_t, DOT_U8_SCALE, 1, PRODUCT)
SIDE_BY_SIDE(l2sq_i8, int8_t, uint32_t, L2SQ_SCALE, 0, SQUARE)
SIDE_BY_SIDE(l2sq_u8, uint8_t, uint32_t, L2SQ_SCALE, 0, SQUARE)
GATHER(dot_i8, int8_t, int32_t)
GATHER(dot_u8, uint8_t, uint32_t)
GATHER(l2sq_i8, int8_t, uint32_t)
GATHER(l2sq_u8, uint8_t, uint32_t)
