/* scan_f32_vec.c: rows by absolute differences, and the few numbers of many
 * that reach their limits. */
#include "kernels/rows.h"

#define SAME(x) (x)

INLINE vf apart(vf x, vf y) {
    return (vf)((vi)(x - y) & 0x7fffffff);
}

INLINE float apart_one(float x, float y) {
    return __builtin_fabsf(x - y);
}

/* Of registers, and of what is left of a row. */
#define ROW_APART(x, y)                                                        \
    _Generic((x), float: apart_one, default: apart)((x), (y))
ROWS_OF(l1_rows, float, LOAD, SAME, ROW_APART, TWICE)
GATHER_OF(gather_l1_f32, float, l1_rows)

void NAME(l1_rows_f32)(size_t rows, size_t cols, const float *a, size_t lda,
                       const float *x, float *out) {
    size_t i = 0;
    for (; rows - i >= ROWS; i += ROWS) {
        const float *row[ROWS];
        EACH_ROW {
            row[r] = a + (i + r) * lda;
        }
        l1_rows(cols, row, x, out + i);
    }
    for (; i < rows; i++) {
        out[i] = NAME(l1_f32)(cols, a + i * lda, x);
    }
}

/* Lanes of a block that do not reach their limits, all bits set. */
INLINE vi below_limit(const float *x, vf scale, vf bias, const float *limit) {
    vi below = ~(vi){0};
#pragma GCC unroll 4
    for (int j = 0; j < REGS; j++) {
        below &= LOAD(x + j * VW) * scale + bias < LOAD(limit + j * VW);
    }
    return below;
}

/* Blocks that are passed over by one branch. */
#if defined(__wasm__)
#define BLOCKS 1
#else
#define BLOCKS 4
#endif

size_t NAME(pick_f32)(size_t n, const float *x, float scale, float bias,
                      const float *limit, uint32_t *index) {
    const vf scales = SPLAT(scale), biases = SPLAT(bias);
    size_t count = 0, i = 0;
    while (i < n) {
        size_t end = n;
        for (; n - i >= BLOCKS * LANES; i += BLOCKS * LANES) {
            vi below = below_limit(x + i, scales, biases, limit + i);
#pragma GCC unroll 4
            for (size_t b = 1; b < BLOCKS; b++) {
                below &= below_limit(x + i + b * LANES, scales, biases,
                                     limit + i + b * LANES);
            }
            if (any_lane(~below)) {
                end = i + BLOCKS * LANES;
                break;
            }
        }
        for (; i < end; i++) {
            if (!(x[i] * scale + bias < limit[i])) {
                index[count++] = (uint32_t)i;
            }
        }
    }
    return count;
}
