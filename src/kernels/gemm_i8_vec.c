/* gemm_i8_vec.c: matrix times matrix of bytes. A tile of C stays in registers
 * while k runs: a register holds the sums of VW columns, and a step of four k
 * multiplies four bytes of each column by the same four of A. Where no
 * instruction does that, bytes at even and at odd places become 16 bits:
 * nothing saturates. */
#include "kernels/bytes_vec.h"

/* Rows and registers of a tile: its sums, what is loaded of B, and two for A
 * must fit the registers. */
#if defined(__AVX512VNNI__)
#define ROWS 6
#define REGS 4
#elif VW == 16
#define ROWS 4
#define REGS 4
#else
#define ROWS 4
#define REGS 2
#endif
/* One row alone passes strip by strip, which lie one after the other in memory,
 * with sums of several k: those of VNNI wait for each other. */
#define STRIP_REGS (MDG_GEMM_I8_STRIP / VW)
#if defined(__AVX512VNNI__)
#define CHAINS 4
#else
#define CHAINS 1
#endif

typedef uint32_t vu_any
    __attribute__((vector_size(4 * VW), aligned(4), may_alias));

#if defined(__wasm_simd128__)
#define MADD(v, w) ((vu)wasm_i32x4_dot_i16x8((v128_t)(v), (v128_t)(w)))
#elif defined(__aarch64__)
INLINE vu madd(int16x8_t v, int16x8_t w) {
    return (vu)vpaddq_s32(vmull_s16(vget_low_s16(v), vget_low_s16(w)),
                          vmull_high_s16(v, w));
}
#define MADD(v, w) madd((int16x8_t)(v), (int16x8_t)(w))
#else
#define MADD(v, w) ((vu)X86(madd_epi16)((vx)(v), (vx)(w)))
#endif

/* Four bytes of each lane as the steps want them. */
#if defined(__AVX512VNNI__)
typedef struct fours {
    vu all;
} fours;

INLINE fours signed_fours(const int8_t *b) {
    return (fours){(vu)LOAD_BYTES(b)};
}

INLINE fours unsigned_fours(uint32_t a) {
    return (fours){(vu){0} + a};
}

INLINE vu step(vu sum, fours a, fours b) {
    return (vu)_mm512_dpbusd_epi32((vx)sum, (vx)a.all, (vx)b.all);
}
#else
typedef struct fours {
    vh_signed even, odd;
} fours;

INLINE fours signed_fours(const int8_t *b) {
    const vh_signed v = (vh_signed)LOAD_BYTES(b);
    return (fours){(vh_signed)((vh)v << 8) >> 8, v >> 8};
}

INLINE fours unsigned_fours(uint32_t a) {
    const vh v = (vh)((vu){0} + a);
    return (fours){(vh_signed)(v & 0xff), (vh_signed)(v >> 8)};
}

INLINE vu step(vu sum, fours a, fours b) {
    return sum + (MADD(a.even, b.even) + MADD(a.odd, b.odd));
}
#endif

INLINE uint32_t four_of(const uint8_t *a) {
    uint32_t word;
    memcpy(&word, a, sizeof word);
    return word;
}

/* The sums of columns j, ... to floats in c. */
INLINE void store_sums(const mdg_gemm_i8 *g, size_t j, vu sum, float *c) {
    const vi all = (vi)(sum + *(const vu_any *)(g->offset + j));
    STORE(c, __builtin_convertvector(all, vf) * LOAD(g->factor + j) +
                 LOAD(g->bias + j));
}

/* `rows` rows and `regs` registers of columns from j, both constants at each
 * call. */
INLINE void tile(const mdg_gemm_i8 *g, const uint8_t *a, size_t j, size_t rows,
                 size_t regs, float *c, size_t ldc) {
    const size_t depth = MDG_GEMM_I8_DEPTH(g->k), lda = g->lda;
    const int8_t *b = g->b + mdg_gemm_i8_at(depth, 0, j);
    /* Registers of a strip lie side by side, strips apart. */
    const size_t apart = VW == MDG_GEMM_I8_STRIP ? 16 * depth : VB;
    vu s[ROWS * REGS] = {{0}};
    for (size_t k = 0; k < depth; k += 4, b += 64) {
        fours y[REGS];
#pragma GCC unroll 4
        for (size_t v = 0; v < regs; v++) {
            y[v] = signed_fours(b + v * apart);
        }
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            const fours x = unsigned_fours(four_of(a + r * lda + k));
#pragma GCC unroll 4
            for (size_t v = 0; v < regs; v++) {
                s[r * regs + v] = step(s[r * regs + v], x, y[v]);
            }
        }
    }
#pragma GCC unroll 32
    for (size_t i = 0; i < rows * regs; i++) {
        store_sums(g, j + i % regs * VW, s[i],
                   c + i / regs * ldc + i % regs * VW);
    }
}

/* One row and one strip. */
static void row_tile(const mdg_gemm_i8 *g, const uint8_t *a, size_t j,
                     float *c) {
    const size_t depth = MDG_GEMM_I8_DEPTH(g->k);
    const int8_t *b = g->b + mdg_gemm_i8_at(depth, 0, j);
    vu s[CHAINS * STRIP_REGS] = {{0}};
    size_t k = 0;
    for (; depth - k >= 4 * CHAINS; k += 4 * CHAINS, b += 64 * CHAINS) {
#pragma GCC unroll 4
        for (size_t i = 0; i < CHAINS * STRIP_REGS; i++) {
            const fours x = unsigned_fours(four_of(a + k + i / STRIP_REGS * 4));
            s[i] = step(s[i], x, signed_fours(b + i * VB));
        }
    }
    for (; k < depth; k += 4, b += 64) {
#pragma GCC unroll 4
        for (size_t i = 0; i < STRIP_REGS; i++) {
            s[i] = step(s[i], unsigned_fours(four_of(a + k)),
                        signed_fours(b + i * VB));
        }
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < STRIP_REGS; i++) {
#pragma GCC unroll 4
        for (size_t chain = 1; chain < CHAINS; chain++) {
            s[i] += s[chain * STRIP_REGS + i];
        }
        store_sums(g, j + i * VW, s[i], c + i * VW);
    }
}

/* What of a tile of `cols` columns is in C. */
static void copy_tile(const float *tile, size_t rows, size_t cols, size_t there,
                      float *c, size_t ldc) {
    for (size_t r = 0; r < rows; r++) {
        memcpy(c + r * ldc, tile + r * cols, there * sizeof *c);
    }
}

/* ROWS rows of A from row i on. */
INLINE void tiles(const mdg_gemm_i8 *g, size_t i, size_t j, size_t regs) {
    const uint8_t *a = g->a + i * g->lda;
    float *c = g->c + i * g->ldc + j;
    if (g->n - j >= regs * VW) {
        tile(g, a, j, ROWS, regs, c, g->ldc);
    } else {
        float part[ROWS * REGS * VW];
        tile(g, a, j, ROWS, regs, part, regs * VW);
        copy_tile(part, ROWS, regs * VW, g->n - j, c, g->ldc);
    }
}

static void row(const mdg_gemm_i8 *g, size_t i) {
    const uint8_t *a = g->a + i * g->lda;
    for (size_t j = 0; j < g->n; j += MDG_GEMM_I8_STRIP) {
        float *c = g->c + i * g->ldc + j;
        if (g->n - j >= MDG_GEMM_I8_STRIP) {
            row_tile(g, a, j, c);
        } else {
            float part[MDG_GEMM_I8_STRIP];
            row_tile(g, a, j, part);
            copy_tile(part, 1, MDG_GEMM_I8_STRIP, g->n - j, c, g->ldc);
        }
    }
}

/* All rows pass over a tile's columns of B, which stay near. A last tile may
 * reach into the padding, but not behind it: with VW = 16 a strip is one
 * register, else REGS of them divide it. */
void NAME(gemm_i8)(const mdg_gemm_i8 *g) {
    const size_t cols = MDG_GEMM_I8_COLS(g->n), m = g->m / ROWS * ROWS;
    size_t j = 0;
    for (; cols - j >= REGS * VW; j += REGS * VW) {
        for (size_t i = 0; i < m && j < g->n; i += ROWS) {
            tiles(g, i, j, REGS);
        }
    }
#if VW == 16
    for (; j < cols; j += VW) {
        for (size_t i = 0; i < m; i += ROWS) {
            tiles(g, i, j, 1);
        }
    }
#endif
    for (size_t i = m; i < g->m; i++) {
        row(g, i);
    }
}
