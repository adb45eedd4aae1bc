/* rows.h: one vector of floats against several rows at once.
 *
 * The order of lanes leaves one row only REGS sums, each waiting for the one
 * before it; several rows side by side fill the pipeline and share the loads of
 * the vector. Rows may be stored as floats or as halves: `load` makes a
 * register of floats from where it points.
 */
#ifndef MDG_KERNELS_ROWS_H
#define MDG_KERNELS_ROWS_H

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

#define ROW_PRODUCT(x, y) ((x) * (y))
#define ROW_SQUARE(x, y)  (((x) - (y)) * ((x) - (y)))

/* out_r = sum of term(row_r[i], x[i]) over i < cols. */
#define ROWS_OF(name, type, load, load_one, term)                              \
    INLINE void name(size_t cols, const type *const *row, const float *x,      \
                     float *out) {                                             \
        vf s[ROWS][REGS] = {{{0}}};                                            \
        size_t i = 0;                                                          \
        for (; i != cols - cols % LANES; i += LANES) {                         \
            _Pragma("GCC unroll 4") for (size_t j = 0; j < REGS; j++) {        \
                vf v = LOAD(x + i + j * VW);                                   \
                _Pragma("GCC unroll 8") for (int r = 0; r < ROWS; r++) {       \
                    vf u = load(row[r] + i + j * VW);                          \
                    s[r][j] += term(u, v);                                     \
                }                                                              \
            }                                                                  \
        }                                                                      \
        _Pragma("GCC unroll 8") for (int r = 0; r < ROWS; r++) {               \
            float total = sum_of_lanes(s[r]);                                  \
            for (size_t k = i; k < cols; k++) {                                \
                float u = load_one(row[r][k]);                                 \
                total += term(u, x[k]);                                        \
            }                                                                  \
            out[r] = total;                                                    \
        }                                                                      \
    }

/* The rows of a matrix that `index` names, ROWS at a time; the last of a call
 * that has no more are computed again for nothing. Those after them are fetched
 * in the meantime. */
#define FETCH_BYTES 512
#define GATHER_OF(name, type, rows_of)                                         \
    void NAME(name)(size_t count, const uint32_t *index, size_t cols,          \
                    const type *a, size_t lda, const float *x, float *out) {   \
        const size_t fetched =                                                 \
            cols * sizeof *a < FETCH_BYTES ? cols * sizeof *a : FETCH_BYTES;   \
        for (size_t i = 0; i < count; i += ROWS) {                             \
            const type *row[ROWS];                                             \
            float result[ROWS];                                                \
            _Pragma("GCC unroll 8") for (size_t r = 0; r < ROWS; r++) {        \
                size_t at = i + r < count ? i + r : count - 1;                 \
                row[r] = a + index[at] * lda;                                  \
                if (at + ROWS < count) {                                       \
                    const char *next =                                         \
                        (const char *)(a + index[at + ROWS] * lda);            \
                    for (size_t k = 0; k < fetched; k += 64) {                 \
                        __builtin_prefetch(next + k);                          \
                    }                                                          \
                }                                                              \
            }                                                                  \
            rows_of(cols, row, x, result);                                     \
            for (size_t r = 0; r < ROWS && i + r < count; r++) {               \
                out[i + r] = result[r];                                        \
            }                                                                  \
        }                                                                      \
    }

#endif
