/* gemv_fast_f32_vec.c: matrix times vector, where a product need not be rounded
 * before it is added. The sums are those of gemv_f32 but for that, and so is
 * the reason for several rows at once: chains that do not wait for each other.
 */
#include "kernels/fused.h"
#include "kernels/lanes.h"

#if !defined(MADD)
void NAME(gemv_fast_f32)(size_t rows, size_t cols, const float *a, size_t lda,
                         const float *x, float *y) {
    NAME(gemv_f32)(rows, cols, a, lda, x, y);
}
#else

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
    const float *end = x + (cols - cols % LANES);
    for (; x != end; x += LANES, a += LANES) {
#pragma GCC unroll 4
        for (int j = 0; j < REGS; j++) {
            vf v = LOAD(x + j * VW);
#pragma GCC unroll 8
            for (size_t r = 0; r < rows; r++) {
                s[r][j] = MADD(s[r][j], LOAD(a + r * lda + (size_t)j * VW), v);
            }
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) {
        float total = sum_of_lanes(s[r]);
        for (size_t i = 0; i < cols % LANES; i++) {
            total += a[r * lda + i] * x[i];
        }
        y[r] = total;
    }
}

void NAME(gemv_fast_f32)(size_t rows, size_t cols, const float *a, size_t lda,
                         const float *x, float *y) {
    size_t i = 0;
    for (; rows - i >= ROWS; i += ROWS) {
        some_rows(ROWS, cols, a + i * lda, lda, x, y + i);
    }
#if ROWS > 1
    for (; i < rows; i++) {
        some_rows(1, cols, a + i * lda, lda, x, y + i);
    }
#endif
}
#endif
