/* gemm_f32_vec.c: matrix times matrix by register tiles (Goto and van de Geijn
 * 2008, without their heap: the only buffers are a panel and a tile here).
 *
 * C is cut into tiles of ROWS x 2 registers that stay in registers while k
 * runs. Strips of B are copied into a contiguous panel when enough rows use
 * them. Invariants:
 * 1. An element of C is one chain of additions in the order of k. Blocks of k
 *    hand their sums on through C, which changes no bit.
 * 2. Products and sums are rounded separately: no fused multiply-add.
 * 3. Nothing outside of A, B, C is read: a partial strip is padded in the panel
 *    and its tiles of C go through a buffer.
 */
#include "kernels/vec.h"

/* Sums, loads of B, one splat and one product must fit the registers; two
 * operations per sum and step hide the latency from eight sums on. */
#if VW == 16
#define ROWS 8
#else
#define ROWS 4
#endif
#define STRIP     (2 * VW)
#define K_BLOCK   256 /* the panel, 256 x STRIP floats, stays in L1 */
#define M_BLOCK   512 /* 512 x 256 floats of A stay in L2 */
#define PACK_ROWS (2 * ROWS)
#define WIDE      (8 * VW) /* columns of a tile that has one row */

/* One tile: t->c gets t->k more products; rows and regs are constants at each
 * call, so that the sums become registers. */
INLINE void tile(const mdg_gemm *t, size_t rows, size_t regs) {
    vf s[ROWS][2] = {{{0}}};
    if (t->accumulate != 0) {
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
#pragma GCC unroll 2
            for (size_t v = 0; v < regs; v++) {
                s[r][v] = LOAD(t->c + r * t->ldc + v * VW);
            }
        }
    }
    const float *a = t->a;
    const float *b = t->b;
    const size_t a_row = t->a_row, a_col = t->a_col, ldb = t->ldb;
    for (size_t k = t->k; k > 0; k--, a += a_col, b += ldb) {
        vf b0 = LOAD(b);
        vf b1 = regs == 2 ? LOAD(b + VW) : b0;
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            vf x = SPLAT(a[r * a_row]);
            s[r][0] += x * b0;
            if (regs == 2) {
                s[r][1] += x * b1;
            }
        }
    }
    if (t->bias != NULL) {
        vf bias0 = LOAD(t->bias);
        vf bias1 = regs == 2 ? LOAD(t->bias + VW) : bias0;
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            s[r][0] += bias0;
            if (regs == 2) {
                s[r][1] += bias1;
            }
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) {
#pragma GCC unroll 2
        for (size_t v = 0; v < regs; v++) {
            STORE(t->c + r * t->ldc + v * VW, s[r][v]);
        }
    }
}

/* A row alone: two sums would wait for each other, eight do not, and B is read
 * in longer pieces. */
static void wide_row(const mdg_gemm *t) {
    vf s[WIDE / VW] = {{0}};
    if (t->accumulate != 0) {
#pragma GCC unroll 8
        for (size_t v = 0; v < WIDE / VW; v++) {
            s[v] = LOAD(t->c + v * VW);
        }
    }
    const float *a = t->a;
    const float *b = t->b;
    const size_t a_col = t->a_col, ldb = t->ldb;
    for (size_t k = t->k; k > 0; k--, a += a_col, b += ldb) {
        vf x = SPLAT(*a);
#pragma GCC unroll 8
        for (size_t v = 0; v < WIDE / VW; v++) {
            s[v] += x * LOAD(b + v * VW);
        }
    }
    if (t->bias != NULL) {
#pragma GCC unroll 8
        for (size_t v = 0; v < WIDE / VW; v++) {
            s[v] += LOAD(t->bias + v * VW);
        }
    }
#pragma GCC unroll 8
    for (size_t v = 0; v < WIDE / VW; v++) {
        STORE(t->c + v * VW, s[v]);
    }
}

/* Runs the tallest tile that fits t->m rows; returns its height. */
static size_t tile_wide(const mdg_gemm *t) {
#if ROWS == 8
    if (t->m >= 8) {
        tile(t, 8, 2);
        return 8;
    }
#endif
    if (t->m >= 4) {
        tile(t, 4, 2);
        return 4;
    }
    if (t->m >= 2) {
        tile(t, 2, 2);
        return 2;
    }
    tile(t, 1, 2);
    return 1;
}

static size_t tile_narrow(const mdg_gemm *t) {
#if ROWS == 8
    if (t->m >= 8) {
        tile(t, 8, 1);
        return 8;
    }
#endif
    if (t->m >= 4) {
        tile(t, 4, 1);
        return 4;
    }
    if (t->m >= 2) {
        tile(t, 2, 1);
        return 2;
    }
    tile(t, 1, 1);
    return 1;
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

/* A strip of `cols` columns that do not fill the t.n lanes of its panel: up to
 * ROWS rows of C at a time go through a buffer. */
static void partial_strip(mdg_gemm t, size_t cols) {
    float part[ROWS * STRIP] = {0}, bias[STRIP] = {0};
    const size_t m = t.m;
    float *c = t.c;
    if (t.bias != NULL) {
        memcpy(bias, t.bias, cols * sizeof *bias);
        t.bias = bias;
    }
    t.c = part;
    const size_t ldc = t.ldc;
    t.ldc = t.n;
    for (size_t i = 0; i < m; i += ROWS) {
        t.m = m - i < ROWS ? m - i : ROWS;
        for (size_t r = 0; t.accumulate != 0 && r < t.m; r++) {
            memcpy(part + r * t.n, c + r * ldc, cols * sizeof *part);
        }
        full_strip(t);
        for (size_t r = 0; r < t.m; r++) {
            memcpy(c + r * ldc, part + r * t.n, cols * sizeof *part);
        }
        t.a += ROWS * t.a_row;
        c += ROWS * ldc;
    }
}

/* Copies t's strip of B into the panel, rows of t->n lanes, zeros behind the
 * columns there are, and lets t read it there. */
static void pack(mdg_gemm *t, size_t cols, float *panel) {
    const float *b = t->b;
    float *p = panel;
    const size_t width = t->n;
    for (size_t k = 0; k < t->k; k++, p += width, b += t->ldb) {
        if (cols == STRIP) {
            STORE(p, LOAD(b));
            STORE(p + VW, LOAD(b + VW));
        } else {
            for (size_t j = 0; j < width; j++) {
                p[j] = j < cols ? b[j] : 0.0f;
            }
        }
    }
    t->b = panel;
    t->ldb = width;
}

/* The strips of one block: t is the block of C and what is multiplied for it.
 */
static void strips(const mdg_gemm *block, float *panel) {
    size_t cols = 0;
    for (size_t j = 0; j < block->n; j += cols) {
        mdg_gemm t = *block;
        t.b += j;
        t.c += j;
        t.bias = t.bias != NULL ? t.bias + j : NULL;
        if (t.m == 1 && block->n - j >= WIDE) {
            cols = WIDE;
            wide_row(&t);
            continue;
        }
        cols = block->n - j < STRIP ? block->n - j : STRIP;
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

void NAME(gemm_f32)(const mdg_gemm *g) {
    float panel[K_BLOCK * STRIP] __attribute__((aligned(64)));
    size_t k_blocks = (g->k + K_BLOCK - 1) / K_BLOCK;
    k_blocks = k_blocks == 0 ? 1 : k_blocks;
    const size_t k_step = (g->k + k_blocks - 1) / k_blocks;
    for (size_t i = 0; i < g->m; i += M_BLOCK) {
        size_t k = 0;
        for (size_t block = 0; block < k_blocks; block++, k += k_step) {
            mdg_gemm t = *g;
            t.m = g->m - i < M_BLOCK ? g->m - i : M_BLOCK;
            t.k = g->k - k < k_step ? g->k - k : k_step;
            t.a += i * g->a_row + k * g->a_col;
            t.b += k * g->ldb;
            t.c += i * g->ldc;
            t.accumulate = block > 0 ? 1 : g->accumulate;
            t.bias = block + 1 == k_blocks ? g->bias : NULL;
            strips(&t, panel);
        }
    }
}
