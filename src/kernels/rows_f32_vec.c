/* rows_f32_vec.c: one vector against several rows at once.
 *
 * The order of lanes leaves one row only REGS sums, each waiting for the one
 * before it; several rows side by side fill the pipeline and share the loads
 * of x. Rows are addressed from one base and a stride (fewer live pointers).
 */
#include "kernels/lanes.h"

/* Rows at once: as many as leave sums and loads within the registers. A wasm
 * engine hoists the loads of a block, so that one row there is best. */
#if VW == 16
#define ROWS 8
#elif VW == 8
#define ROWS 4
#elif defined(__wasm__)
#define ROWS 1
#else
#define ROWS 2
#endif

INLINE void dot_rows(size_t cols, const float *a, size_t lda, const float *x,
                     float *y) {
    vf s[ROWS][REGS] = {{{0}}};
    const float *end = x + (cols - cols % LANES);
    for (; x != end; x += LANES, a += LANES) {
#pragma GCC unroll 4
        for (int j = 0; j < REGS; j++) {
            vf v = LOAD(x + j * VW);
#pragma GCC unroll 8
            for (size_t r = 0; r < ROWS; r++) {
                s[r][j] += LOAD(a + r * lda + (size_t)j * VW) * v;
            }
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < ROWS; r++) {
        float total = sum_of_lanes(s[r]);
        for (size_t i = 0; i < cols % LANES; i++) {
            total += a[r * lda + i] * x[i];
        }
        y[r] = total;
    }
}

INLINE void l2sq_rows(size_t cols, const float *a, size_t lda, const float *x,
                      float *out) {
    vf s[ROWS][REGS] = {{{0}}};
    const float *end = x + (cols - cols % LANES);
    for (; x != end; x += LANES, a += LANES) {
#pragma GCC unroll 4
        for (int j = 0; j < REGS; j++) {
            vf v = LOAD(x + j * VW);
#pragma GCC unroll 8
            for (size_t r = 0; r < ROWS; r++) {
                vf d = LOAD(a + r * lda + (size_t)j * VW) - v;
                s[r][j] += d * d;
            }
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < ROWS; r++) {
        float total = sum_of_lanes(s[r]);
        for (size_t i = 0; i < cols % LANES; i++) {
            float d = a[r * lda + i] - x[i];
            total += d * d;
        }
        out[r] = total;
    }
}

void NAME(gemv_f32)(size_t rows, size_t cols, const float *a, size_t lda,
                    const float *x, float *y) {
    size_t i = 0;
    for (; rows - i >= ROWS; i += ROWS) {
        dot_rows(cols, a + i * lda, lda, x, y + i);
    }
    for (; i < rows; i++) {
        y[i] = NAME(dot_f32)(cols, a + i * lda, x);
    }
}

void NAME(l2sq_rows_f32)(size_t rows, size_t cols, const float *a, size_t lda,
                         const float *x, float *out) {
    size_t i = 0;
    for (; rows - i >= ROWS; i += ROWS) {
        l2sq_rows(cols, a + i * lda, lda, x, out + i);
    }
    for (; i < rows; i++) {
        out[i] = NAME(l2sq_f32)(cols, a + i * lda, x);
    }
}
