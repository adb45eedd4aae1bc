/* gemv_fast_f32_vec.c: matrix times vector, where a product need not be rounded
 * before it is added and sums have no order to keep: what does not fill the
 * lanes is added to them too. Several rows at once are chains that do not wait
 * for each other. */
#include "kernels/fused.h"
#include "kernels/lanes.h"

#if !defined(MADD)
void NAME(gemv_fast_f32)(size_t rows, size_t cols, const float *a, size_t lda,
                         const float *x, float *y) {
    NAME(gemv_f32)(rows, cols, a, lda, x, y);
}
#else
#include "kernels/few.h"

#if VW == 16
#define ROWS 8
#elif VW == 8 || defined(__aarch64__)
#define ROWS 4
#else
#define ROWS 1
#endif

INLINE void some_rows(size_t rows, size_t cols, const float *a, size_t lda,
                      const float *x, float *y) {
    vf s[ROWS][REGS] = {{{0}}};
    const float *end = x + cols;
    for (; end - x >= LANES; x += LANES, a += LANES) {
#pragma GCC unroll 4
        for (int j = 0; j < REGS; j++) {
            vf v = LOAD(x + j * VW);
#pragma GCC unroll 8
            for (size_t r = 0; r < rows; r++) {
                s[r][j] = MADD(s[r][j], LOAD(a + r * lda + (size_t)j * VW), v);
            }
        }
    }
    for (; end - x >= VW; x += VW, a += VW) {
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            s[r][0] = MADD(s[r][0], LOAD(a + r * lda), LOAD(x));
        }
    }
    if (end != x) {
        const size_t n = (size_t)(end - x);
        vf v = load_few(n, x, NONE);
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            s[r][0] = MADD(s[r][0], load_few(n, a + r * lda, NONE), v);
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) {
        y[r] = sum_of_lanes(s[r]);
    }
}

void NAME(gemv_fast_f32)(size_t rows, size_t cols, const float *a, size_t lda,
                         const float *x, float *y) {
    size_t i = 0;
    for (; rows - i >= ROWS; i += ROWS) {
        some_rows(ROWS, cols, a + i * lda, lda, x, y + i);
    }
#if ROWS > 4
    if (rows - i >= 4) {
        some_rows(4, cols, a + i * lda, lda, x, y + i);
        i += 4;
    }
#endif
#if ROWS > 2
    if (rows - i >= 2) {
        some_rows(2, cols, a + i * lda, lda, x, y + i);
        i += 2;
    }
    if (rows - i == 1) {
        some_rows(1, cols, a + i * lda, lda, x, y + i);
    }
#endif
}
#endif
