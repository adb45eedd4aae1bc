/* sparse_f32_vec.c: sparse rows. A tile is one row of C and up to eight
 * registers of its columns, which stay in registers while the elements of the
 * row pass; rows of B are read where they lie, only those that an element
 * names. */
#include "kernels/few.h"
#include "kernels/lanes.h"

#if defined(__wasm__)
#include <wasm_simd128.h>
#endif

#define WIDE   8  /* registers of a tile, at most */
#define M_ROWS 64 /* rows of C that stay in cache until they are activated */

#if VW == 16
/* x[0..15], or the first n of them: those that are not zero, in order. */
INLINE size_t keep(size_t n, const float *x, uint32_t at, uint32_t *column,
                   float *value) {
    const vu lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const __mmask16 there = (__mmask16)(n < 16 ? (1u << n) - 1u : 0xffffu);
    const __m512 v = _mm512_maskz_loadu_ps(there, x);
    const __mmask16 kept =
        _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    _mm512_storeu_ps(value, _mm512_maskz_compress_ps(kept, v));
    _mm512_storeu_si512(
        column, _mm512_maskz_compress_epi32(kept, (__m512i)(lane + at)));
    return (size_t)__builtin_popcount(kept);
}
#else
typedef uint32_t vu4 __attribute__((vector_size(16)));
typedef uint32_t vu4_any
    __attribute__((vector_size(16), aligned(4), may_alias));
typedef uint8_t vb16 __attribute__((vector_size(16)));

/* By the bits of which lanes of four are kept: their bytes, moved together; the
 * lanes behind them are free. */
#define LANE(i) 4 * (i), 4 * (i) + 1, 4 * (i) + 2, 4 * (i) + 3
#define FREE2   0, 0, 0, 0, 0, 0, 0, 0
#define FREE1   0, 0, 0, 0
static const vb16 together[16] = {
    {FREE2, FREE2},
    {LANE(0), FREE1, FREE2},
    {LANE(1), FREE1, FREE2},
    {LANE(0), LANE(1), FREE2},
    {LANE(2), FREE1, FREE2},
    {LANE(0), LANE(2), FREE2},
    {LANE(1), LANE(2), FREE2},
    {LANE(0), LANE(1), LANE(2), FREE1},
    {LANE(3), FREE1, FREE2},
    {LANE(0), LANE(3), FREE2},
    {LANE(1), LANE(3), FREE2},
    {LANE(0), LANE(1), LANE(3), FREE1},
    {LANE(2), LANE(3), FREE2},
    {LANE(0), LANE(2), LANE(3), FREE1},
    {LANE(1), LANE(2), LANE(3), FREE1},
    {LANE(0), LANE(1), LANE(2), LANE(3)},
};

#if defined(__wasm__)
#define LANES_NOT_ZERO(v)                                                      \
    wasm_i32x4_bitmask(wasm_f32x4_ne((v128_t)(v), wasm_f32x4_const_splat(0)))
#define MOVE(v, order) wasm_i8x16_swizzle((v128_t)(v), (v128_t)(order))
#elif defined(__aarch64__)
INLINE unsigned lanes_not_zero(vu4 zero) {
    const uint32x4_t bit = {1, 2, 4, 8};
    return 15 - vaddvq_u32(vandq_u32((uint32x4_t)zero, bit));
}
#define LANES_NOT_ZERO(v) lanes_not_zero((vu4)((v) == 0))
#define MOVE(v, order)    vqtbl1q_u8((uint8x16_t)(v), (uint8x16_t)(order))
#else
#define LANES_NOT_ZERO(v)                                                      \
    (unsigned)_mm_movemask_ps(_mm_cmpneq_ps((__m128)(v), _mm_setzero_ps()))
#define MOVE(v, order) _mm_shuffle_epi8((__m128i)(v), (__m128i)(order))
#endif

INLINE size_t keep_four(const float *x, uint32_t at, uint32_t *column,
                        float *value) {
    const vf4 v = *(const vf4_any *)x;
    const vu4 lane = {0, 1, 2, 3};
    const unsigned kept = (unsigned)LANES_NOT_ZERO(v);
    *(vf4_any *)value = (vf4)MOVE(v, together[kept]);
    *(vu4_any *)column = (vu4)MOVE(lane + at, together[kept]);
    return (size_t)__builtin_popcount(kept);
}

/* As above. Zeros come in long runs. */
INLINE size_t keep(size_t n, const float *x, uint32_t at, uint32_t *column,
                   float *value) {
    size_t kept = 0;
    if (n >= 16) {
        vi any = (vi)(LOAD(x) != 0);
        for (size_t j = VW; j < 16; j += VW) {
            any |= (vi)(LOAD(x + j) != 0);
        }
        if (!any_lane(any)) {
            return 0;
        }
        for (size_t j = 0; j < 16; j += 4) {
            kept +=
                keep_four(x + j, at + (uint32_t)j, column + kept, value + kept);
        }
        return kept;
    }
    for (size_t j = 0; j < n; j++) {
        column[kept] = at + (uint32_t)j;
        value[kept] = x[j];
        kept += x[j] != 0;
    }
    return kept;
}
#endif

size_t NAME(compress_f32)(size_t rows, size_t cols, const float *x,
                          size_t stride, size_t limit, uint32_t *row_start,
                          uint32_t *column, float *value) {
    size_t n = 0;
    row_start[0] = 0;
    for (size_t i = 0; i < rows; i++, x += stride) {
        for (size_t j = 0; j < cols; j += 16) {
            n += keep(cols - j, x + j, (uint32_t)j, column + n, value + n);
            if (n > limit) {
                return SIZE_MAX;
            }
        }
        row_start[i + 1] = (uint32_t)n;
    }
    return n;
}

/* Columns j, j + 1, ... of row i, `regs` registers: a constant at each call. */
INLINE void tile(const mdg_spmm *p, size_t i, size_t j, size_t regs) {
    vf s[WIDE] = {{0}};
    const float *b = p->b + j;
    const size_t ldb = p->ldb;
    const uint32_t *column = p->column + p->row_start[i];
    const float *value = p->value + p->row_start[i];
    const float *end = p->value + p->row_start[i + 1];
    for (; value != end; value++, column++) {
        const vf x = SPLAT(*value);
        const float *row = b + *column * ldb;
#pragma GCC unroll 8
        for (size_t v = 0; v < regs; v++) {
            s[v] += x * LOAD(row + v * VW);
        }
    }
#pragma GCC unroll 8
    for (size_t v = 0; v < regs; v++) {
        if (p->bias != NULL) {
            s[v] += LOAD(p->bias + j + v * VW);
        }
        STORE(p->c + i * p->ldc + j + v * VW, s[v]);
    }
}

/* Fewer columns than a register has lanes. */
static void few_columns(const mdg_spmm *p) {
    for (size_t i = 0; i < p->m; i++) {
        vf s = {0};
        for (size_t e = p->row_start[i]; e < p->row_start[i + 1]; e++) {
            const float *row = p->b + p->column[e] * p->ldb;
            s += SPLAT(p->value[e]) * load_few(p->n, row, NONE);
        }
        if (p->bias != NULL) {
            s += load_few(p->n, p->bias, NONE);
        }
        store_few(p->n, p->c + i * p->ldc, s);
    }
}

/* The last register begins where it fits: what it computes again comes out
 * the same. */
static void all_columns(const mdg_spmm *p) {
    size_t j = 0;
    for (; p->n - j >= 8 * VW; j += 8 * VW) {
        for (size_t i = 0; i < p->m; i++) {
            tile(p, i, j, 8);
        }
    }
#if !defined(__wasm__) /* 1 KB of a module */
    for (; p->n - j >= 4 * VW; j += 4 * VW) {
        for (size_t i = 0; i < p->m; i++) {
            tile(p, i, j, 4);
        }
    }
    for (; p->n - j >= 2 * VW; j += 2 * VW) {
        for (size_t i = 0; i < p->m; i++) {
            tile(p, i, j, 2);
        }
    }
#endif
    for (; j < p->n; j += VW) {
        const size_t from = j + VW <= p->n ? j : p->n - VW;
        for (size_t i = 0; i < p->m; i++) {
            tile(p, i, from, 1);
        }
    }
}

/* Short rows would be ends and no middle: all at once where they touch. */
static void activate(const mdg_spmm *p) {
    const int dense = p->ldc == p->n;
    const size_t n = dense ? p->m * p->n : p->n;
    const size_t rows = dense ? 1 : p->m;
    for (size_t i = 0; p->activate != NULL && i < rows; i++) {
        p->activate(n, p->c + i * p->ldc);
    }
}

void NAME(spmm_csr_f32)(const mdg_spmm *p) {
    for (size_t i = 0; p->n > 0 && i < p->m; i += M_ROWS) {
        mdg_spmm t = *p;
        t.m = p->m - i < M_ROWS ? p->m - i : M_ROWS;
        t.row_start += i;
        t.c += i * p->ldc;
        if (p->n < VW) {
            few_columns(&t);
        } else {
            all_columns(&t);
        }
        activate(&t);
    }
}
