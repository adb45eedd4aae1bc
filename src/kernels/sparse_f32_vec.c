/* sparse_f32_vec.c: sparse rows. A tile is one row of C and up to eight
 * registers of its columns, which stay in registers while the elements of the
 * row pass; rows of B are read where they lie, only those that an element
 * names. */
#include "kernels/few.h"
#include "kernels/lanes.h"

#define WIDE   8  /* registers of a tile, at most */
#define M_ROWS 64 /* rows of C that stay in cache until they are activated */

#if VW == 16
/* A register at a time; what is behind x[n - 1] is not read. */
INLINE size_t keep(size_t n, const float *x, size_t at, uint32_t *column,
                   float *value) {
    const vu lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const __mmask16 there = (__mmask16)(n < VW ? (1u << n) - 1u : 0xffffu);
    const __m512 v = _mm512_maskz_loadu_ps(there, x);
    const __mmask16 kept =
        _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    _mm512_storeu_ps(value, _mm512_maskz_compress_ps(kept, v));
    _mm512_storeu_si512(column, _mm512_maskz_compress_epi32(
                                    kept, (__m512i)(lane + (uint32_t)at)));
    return (size_t)__builtin_popcount(kept);
}
#else
INLINE size_t keep(size_t n, const float *x, size_t at, uint32_t *column,
                   float *value) {
    size_t kept = 0;
    if (n >= VW && !any_lane((vi)(LOAD(x) != 0))) {
        return 0;
    }
    for (size_t j = 0; j < (n < VW ? n : VW); j++) {
        column[kept] = (uint32_t)(at + j);
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
        for (size_t j = 0; j < cols; j += VW) {
            n += keep(cols - j, x + j, j, column + n, value + n);
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
