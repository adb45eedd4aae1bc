/* gemm_tiles.h: matrix times matrix by register tiles (Goto and van de Geijn
 * 2008, without their heap: the only buffers are a panel and a tile here).
 * The body of gemm_f32_vec.c and gemm_fast_f32_vec.c, which say before:
 *
 *     ROWS           the height of a tile
 *     K_BLOCK        how much of k one panel holds
 *     MADD(s, x, b)  s + x * b for registers
 *
 * C is cut into tiles of ROWS x 2 registers that stay in registers while k
 * runs. Strips of B are copied into a contiguous panel when enough rows use
 * them. Invariants:
 * 1. An element of C is one chain of MADDs in the order of k. Blocks of k hand
 *    their sums on through C, which changes no bit.
 * 2. Nothing outside of A, B, C is read: a partial strip is padded in the panel
 *    and its tiles of C go through a buffer.
 * 3. bias and then `activate` reach an element once, after its last product. */
#ifndef MDG_KERNELS_GEMM_TILES_H
#define MDG_KERNELS_GEMM_TILES_H

#include "kernels/few.h"

#define STRIP     (2 * VW)
#define M_BLOCK   256 /* this many rows of a block of A stay in L2 */
#define AHEAD     12  /* steps of k: a transposed A has a line of cache each */
#define B_AHEAD   8   /* steps of k, where B is read once */
#define PACK_ROWS (2 * ROWS)

/* In wasm every byte is loaded by somebody: tiles of two heights, which only
 * add to C; what comes before and after has a loop of its own. */
#if defined(__wasm__)
#define SMALL 1
#define WIDE  (6 * VW) /* columns of a tile that has one row */
#define FEW   3        /* rows for which such tiles are best */
#else
#define SMALL 0
#define WIDE  (8 * VW)
#define FEW   3
#endif

/* Fetches what lies `step` floats behind p. As an address, because there may be
 * no such element, and then a pointer to it may not even be computed. */
INLINE void fetch(const float *p, size_t step) {
    __builtin_prefetch((const void *)((uintptr_t)p + step * sizeof *p));
}

/* What the next tile adds to would be waited for at its start, one row of C per
 * page of memory. */
INLINE void fetch_next(const mdg_gemm *t, size_t rows, size_t regs) {
#if !SMALL
#pragma GCC unroll 16
    for (size_t r = 0; r < rows; r++) {
        for (size_t v = 0; v < regs * VW; v += 16) {
            fetch(t->c, (rows + r) * t->ldc + v);
        }
    }
#endif
}

/* One tile: t->c gets t->k more products; rows and regs are constants at each
 * call, so that the sums become registers. */
INLINE void tile(const mdg_gemm *t, size_t rows, size_t regs) {
    vf s[ROWS > 4 ? ROWS * 2 : 8] = {{0}};
    fetch_next(t, rows, regs);
    if (SMALL || t->accumulate != 0) {
#pragma GCC unroll 32
        for (size_t i = 0; i < rows * regs; i++) {
            s[i] = LOAD(t->c + i / regs * t->ldc + i % regs * VW);
        }
    }
    const float *a = t->a;
    const float *b = t->b;
    const size_t a_row = t->a_row, a_col = t->a_col, ldb = t->ldb;
    for (size_t k = t->k; k > 0; k--, a += a_col, b += ldb) {
        vf piece[8];
        fetch(a, AHEAD * a_col);
#pragma GCC unroll 8
        for (size_t v = 0; v < regs; v++) {
            piece[v] = LOAD(b + v * VW);
        }
#pragma GCC unroll 32
        for (size_t i = 0; i < rows * regs; i++) {
            s[i] = MADD(s[i], SPLAT(a[i / regs * a_row]), piece[i % regs]);
        }
    }
    if (!SMALL && t->bias != NULL) {
#pragma GCC unroll 32
        for (size_t i = 0; i < rows * regs; i++) {
            s[i] += LOAD(t->bias + i % regs * VW);
        }
    }
#pragma GCC unroll 32
    for (size_t i = 0; i < rows * regs; i++) {
        STORE(t->c + i / regs * t->ldc + i % regs * VW, s[i]);
    }
}

/* A few rows: two sums each would wait for each other, eight do not, and B is
 * read in longer pieces; once, where there are registers for all rows. */
static void wide_rows(mdg_gemm t) {
#if VW == 16
    if (t.m == 3) {
        tile(&t, 3, WIDE / VW);
        return;
    }
    if (t.m == 2) {
        tile(&t, 2, WIDE / VW);
        return;
    }
#endif
    for (; t.m > 0; t.m--, t.a += t.a_row, t.c += t.ldc) {
        tile(&t, 1, WIDE / VW);
    }
}

/* The tallest tile of `regs` registers that fits t->m rows; returns its
 * height. */
INLINE size_t tallest_tile(const mdg_gemm *t, size_t regs) {
    if (t->m >= ROWS) {
        tile(t, ROWS, regs);
        return ROWS;
    }
#if ROWS > 8
    if (t->m >= 8) {
        tile(t, 8, regs);
        return 8;
    }
#endif
#if ROWS > 4
    if (t->m >= 4) {
        tile(t, 4, regs);
        return 4;
    }
#endif
#if !SMALL
    if (t->m >= 2) {
        tile(t, 2, regs);
        return 2;
    }
#endif
    tile(t, 1, regs);
    return 1;
}

static size_t tile_wide(const mdg_gemm *t) {
    return tallest_tile(t, 2);
}

static size_t tile_narrow(const mdg_gemm *t) {
    return tallest_tile(t, 1);
}

/* A strip of B with full registers, all rows of t. */
static void full_strip(mdg_gemm t) {
    while (t.m > 0) {
        size_t rows = t.n == STRIP ? tile_wide(&t) : tile_narrow(&t);
        t.m -= rows;
        t.a += rows * t.a_row;
        t.c += rows * t.ldc;
    }
}

/* `cols` floats, a strip or less, into whole registers, zeros behind them; and
 * back. */
INLINE void widen(size_t cols, const float *from, float *to) {
    const size_t rest = cols % VW, whole = cols - rest;
    if (whole > 0) {
        STORE(to, LOAD(from));
    }
    if (whole > VW) {
        STORE(to + VW, LOAD(from + VW));
    }
    if (rest > 0) {
        STORE(to + whole, load_few(rest, from + whole, NONE));
    }
}

/* Fewer than a strip. */
INLINE void narrow(size_t cols, const float *from, float *to) {
    const size_t rest = cols % VW, whole = cols - rest;
    if (whole > 0) {
        STORE(to, LOAD(from));
    }
    if (rest > 0) {
        store_few(rest, to + whole, LOAD(from + whole));
    }
}

/* A strip of `cols` columns that do not fill the t.n lanes of its panel: up to
 * ROWS rows of C at a time go through a buffer. */
static void partial_strip(mdg_gemm t, size_t cols) {
    float part[ROWS * STRIP] = {0}, bias[STRIP] = {0};
    const size_t m = t.m;
    float *c = t.c;
    if (!SMALL && t.bias != NULL) {
        widen(cols, t.bias, bias);
        t.bias = bias;
    }
    t.c = part;
    const size_t ldc = t.ldc;
    t.ldc = t.n;
    for (size_t i = 0; i < m; i += ROWS) {
        t.m = m - i < ROWS ? m - i : ROWS;
        for (size_t r = 0; (SMALL || t.accumulate != 0) && r < t.m; r++) {
            widen(cols, c + r * ldc, part + r * t.n);
        }
        full_strip(t);
        for (size_t r = 0; r < t.m; r++) {
            narrow(cols, part + r * t.n, c + r * ldc);
        }
        t.a += ROWS * t.a_row;
        c += ROWS * ldc;
    }
}

#if !SMALL
/* One or two rows of fewer columns than a register has lanes, where packing B
 * would take longer than multiplying by it. */
INLINE void few_tile(const mdg_gemm *t, size_t cols, size_t rows) {
    vf s[2] = {{0}};
    for (size_t r = 0; t->accumulate != 0 && r < rows; r++) {
        s[r] = load_few(cols, t->c + r * t->ldc, NONE);
    }
    const float *a = t->a;
    const float *b = t->b;
    for (size_t k = t->k; k > 0; k--, a += t->a_col, b += t->ldb) {
        const vf piece = load_few(cols, b, NONE);
#pragma GCC unroll 2
        for (size_t r = 0; r < rows; r++) {
            s[r] = MADD(s[r], SPLAT(a[r * t->a_row]), piece);
        }
    }
    for (size_t r = 0; r < rows; r++) {
        if (t->bias != NULL) {
            s[r] += load_few(cols, t->bias, NONE);
        }
        store_few(cols, t->c + r * t->ldc, s[r]);
    }
}

static void few_columns(mdg_gemm t, size_t cols) {
    for (; t.m >= 2; t.m -= 2, t.a += 2 * t.a_row, t.c += 2 * t.ldc) {
        few_tile(&t, cols, 2);
    }
    if (t.m > 0) {
        few_tile(&t, cols, 1);
    }
}
#endif

/* Copies t's strip of B into the panel, rows of t->n lanes, zeros behind the
 * columns there are, and lets t read it there. */
static void pack(mdg_gemm *t, size_t cols, float *panel) {
    const float *b = t->b;
    float *p = panel;
    const size_t width = t->n;
    for (size_t k = 0; k < t->k; k++, p += width, b += t->ldb) {
        widen(cols, b, p);
    }
    t->b = panel;
    t->ldb = width;
}

/* The strips of one block: what is multiplied there, and its part of C. */
static void strips(const mdg_gemm *block, float *panel) {
    size_t cols = 0;
    for (size_t j = 0; j < block->n; j += cols) {
        mdg_gemm t = *block;
        t.b += j;
        t.c += j;
        t.bias = t.bias != NULL ? t.bias + j : NULL;
        if (t.m <= FEW && block->n - j >= WIDE) {
            cols = WIDE;
            wide_rows(t);
            continue;
        }
        cols = block->n - j < STRIP ? block->n - j : STRIP;
#if !SMALL
        if (t.m <= FEW && cols < VW) {
            few_columns(t, cols);
            continue;
        }
        if (t.m <= FEW && cols < STRIP) {
            cols = VW; /* and then the few behind them */
        }
#endif
        t.n = cols > VW ? STRIP : VW;
        if (cols != t.n) {
            pack(&t, cols, panel);
            partial_strip(t, cols);
            continue;
        }
        if (t.m >= PACK_ROWS) {
            pack(&t, cols, panel);
        }
        full_strip(t);
    }
}

/* Before the first block of k, where tiles only add. */
static void start(const mdg_gemm *g) {
    for (size_t i = 0; SMALL && g->accumulate == 0 && i < g->m; i++) {
        memset(g->c + i * g->ldc, 0, g->n * sizeof *g->c);
    }
}

/* After the last. */
static void finish(const mdg_gemm *g) {
    for (size_t i = 0; SMALL && g->bias != NULL && i < g->m; i++) {
        NAME(axpy_f32)(g->n, 1.0f, g->bias, g->c + i * g->ldc);
    }
    /* Short rows would be ends and no middle: all at once where they touch. */
    const int dense = g->ldc == g->n;
    const size_t n = dense ? g->m * g->n : g->n;
    const size_t rows = dense ? 1 : g->m;
    for (size_t i = 0; g->activate != NULL && i < rows; i++) {
        g->activate(n, g->c + i * g->ldc);
    }
}

/* Some rows of C, from the first product to the last. */
static void rows_of_c(const mdg_gemm *g, float *panel) {
    size_t blocks = (g->k + K_BLOCK - 1) / K_BLOCK;
    blocks = blocks == 0 ? 1 : blocks;
    const size_t k_step = (g->k + blocks - 1) / blocks;
    size_t k = 0;
    start(g);
    for (size_t block = 0; block < blocks; block++, k += k_step) {
        mdg_gemm t = *g;
        t.k = g->k - k < k_step ? g->k - k : k_step;
        t.a += k * g->a_col;
        t.b += k * g->ldb;
        t.accumulate = block > 0 ? 1 : g->accumulate;
        t.bias = block + 1 == blocks ? g->bias : NULL;
        strips(&t, panel);
    }
    finish(g);
}

#if !SMALL
/* Columns of a C that has one row: `regs` registers and, if not 0, `few` more.
 * Nothing of B is used twice: no panel, no blocks, and no copies of *g, which
 * would take as long as a small product. */
INLINE void row_piece(const mdg_gemm *g, size_t j, size_t regs, size_t few) {
    vf s[9] = {{0}};
    float *c = g->c + j;
    if (g->accumulate != 0) {
#pragma GCC unroll 8
        for (size_t v = 0; v < regs; v++) {
            s[v] = LOAD(c + v * VW);
        }
        s[regs] = few > 0 ? load_few(few, c + regs * VW, NONE) : NONE;
    }
    const float *a = g->a, *b = g->b + j;
    const size_t a_col = g->a_col, ldb = g->ldb;
    for (size_t k = g->k; k > 0; k--, a += a_col, b += ldb) {
        const vf x = SPLAT(*a);
        /* What the processor fetches by itself comes late: a fifth. */
#pragma GCC unroll 8
        for (size_t v = 0; regs == 8 && v < 8 * VW; v += 16) {
            fetch(b + v, B_AHEAD * ldb);
        }
#pragma GCC unroll 8
        for (size_t v = 0; v < regs; v++) {
            s[v] = MADD(s[v], x, LOAD(b + v * VW));
        }
        if (few > 0) {
            s[regs] = MADD(s[regs], x, load_few(few, b + regs * VW, NONE));
        }
    }
    const float *bias = g->bias != NULL ? g->bias + j : NULL;
#pragma GCC unroll 8
    for (size_t v = 0; v < regs; v++) {
        STORE(c + v * VW, bias != NULL ? s[v] + LOAD(bias + v * VW) : s[v]);
    }
    if (few > 0) {
        const vf end = bias != NULL
                           ? s[regs] + load_few(few, bias + regs * VW, NONE)
                           : s[regs];
        store_few(few, c + regs * VW, end);
    }
}

static void one_row(const mdg_gemm *g) {
    size_t j = 0;
    for (; g->n - j >= 8 * VW; j += 8 * VW) {
        row_piece(g, j, 8, 0);
    }
    if (g->n - j >= 4 * VW) {
        row_piece(g, j, 4, 0);
        j += 4 * VW;
    }
    if (g->n - j >= 2 * VW) {
        row_piece(g, j, 2, 0);
        j += 2 * VW;
    }
    if (g->n - j > VW) {
        row_piece(g, j, 1, g->n - j - VW);
    } else if (g->n - j == VW) {
        row_piece(g, j, 1, 0);
    } else if (g->n > j) {
        row_piece(g, j, 0, g->n - j);
    }
    if (g->activate != NULL) {
        g->activate(g->n, g->c);
    }
}
#endif

INLINE void gemm(const mdg_gemm *g) {
#if !SMALL
    if (g->m == 1) {
        one_row(g);
        return;
    }
#endif
    float panel[K_BLOCK * STRIP] __attribute__((aligned(64)));
    for (size_t i = 0; i < g->m; i += M_BLOCK) {
        mdg_gemm t = *g;
        t.m = g->m - i < M_BLOCK ? g->m - i : M_BLOCK;
        t.a += i * g->a_row;
        t.c += i * g->ldc;
        rows_of_c(&t, panel);
    }
}

#endif
