/* rows.h: one vector of floats against several rows at once.
 *
 * The order of lanes leaves one row only REGS sums, each waiting for the one
 * before it; several rows side by side fill the pipeline and share the loads of
 * the vector. Rows may be stored as floats or as halves: `load` makes a
 * register of floats from where it points.
 */
#ifndef MDG_KERNELS_ROWS_H
#define MDG_KERNELS_ROWS_H

#include "kernels/few.h"
#include "kernels/lanes.h"

/* Rows at once, and registers of their lanes in one pass over them: as many as
 * leave sums and loads within the registers. A wasm engine hoists the loads of
 * a block, so that its passes are over a quarter of the lanes, two blocks a
 * round, or four where a block is so little work that the loop's own
 * instructions count; it has no way to fetch ahead, and adds to pointers for
 * less than it computes indices. */
#if VW == 16
#define ROWS 8
#elif VW == 8 || defined(__wasm__)
#define ROWS 4
#else
#define ROWS 2
#endif

#if defined(__wasm__)
#define PART       1
#define FETCH      0
#define TWICE      _Pragma("clang loop unroll_count(2)")
#define FOUR_TIMES _Pragma("clang loop unroll_count(4)")
#define LOOP(size, unroll)                                                     \
    const float *end = y + (size);                                             \
    unroll for (; y != end; y += LANES)
#define AT(p, j)  ((p) + (j) * VW)
#define NEXT(p)   ((p) += LANES)
#define FOLD_ROWS EVERY_ROW
#else
#define PART  REGS
#define FETCH 1
#define TWICE
#define FOUR_TIMES
#define LOOP(size, unroll) for (size_t i = 0; i != (size); i += LANES)
#define AT(p, j)           ((p) + i + (j) * VW)
#define NEXT(p)            (p)
#define FOLD_ROWS          EACH_ROW
#endif

#define EVERY_ROW for (size_t r = 0; r < ROWS; r++)
#define EACH_ROW  _Pragma("GCC unroll 8") EVERY_ROW

#define ROW_PRODUCT(x, y) ((x) * (y))
#define ROW_SQUARE(x, y)  (((x) - (y)) * ((x) - (y)))

/* out_r = sum of term(row_r[i], x[i]) over i < cols. */
#define ROWS_OF(name, type, load, load_one, term, unroll)                      \
    SHARED void name(size_t cols, const type *const *row, const float *x,      \
                     float *out) {                                             \
        vf lanes[ROWS][REGS];                                                  \
        for (size_t part = 0; part < REGS; part += PART) {                     \
            vf s[ROWS][PART] = {{{0}}};                                        \
            const type *p[ROWS];                                               \
            const float *y = x + part * VW;                                    \
            EACH_ROW {                                                         \
                p[r] = row[r] + part * VW;                                     \
            }                                                                  \
            LOOP(cols - cols % LANES, unroll) {                                \
                _Pragma("GCC unroll 4") for (size_t j = 0; j < PART; j++) {    \
                    vf v = LOAD(AT(y, j));                                     \
                    EACH_ROW {                                                 \
                        vf u = load(AT(p[r], j));                              \
                        s[r][j] += term(u, v);                                 \
                    }                                                          \
                }                                                              \
                EACH_ROW {                                                     \
                    (void)NEXT(p[r]);                                          \
                }                                                              \
            }                                                                  \
            EACH_ROW {                                                         \
                memcpy(lanes[r] + part, s[r], sizeof s[r]);                    \
            }                                                                  \
        }                                                                      \
        FOLD_ROWS {                                                            \
            float total = sum_of_lanes(lanes[r]);                              \
            for (size_t k = cols - cols % LANES; k < cols; k++) {              \
                float u = load_one(row[r][k]);                                 \
                total += term(u, x[k]);                                        \
            }                                                                  \
            out[r] = total;                                                    \
        }                                                                      \
    }

/* The rows of a matrix that `index` names, ROWS at a time; the last of a call
 * that has no more are computed again for nothing. The first lines of the rows
 * after them are fetched in the meantime; the others come by themselves. */
#define GATHER_OF(name, type, rows_of)                                         \
    void NAME(name)(size_t count, const uint32_t *index, size_t cols,          \
                    const type *a, size_t lda, const float *x, float *out) {   \
        const size_t second = cols * sizeof *a > 64 ? 64 / sizeof *a : 0;      \
        for (size_t i = 0; i < count; i += ROWS) {                             \
            const type *row[ROWS];                                             \
            float result[ROWS];                                                \
            EACH_ROW {                                                         \
                size_t at = i + r < count ? i + r : count - 1;                 \
                row[r] = a + index[at] * lda;                                  \
                if (FETCH && at + ROWS < count) {                              \
                    const type *next = a + index[at + ROWS] * lda;             \
                    __builtin_prefetch(next);                                  \
                    __builtin_prefetch(next + second);                         \
                }                                                              \
            }                                                                  \
            rows_of(cols, row, x, result);                                     \
            for (size_t r = 0; r < ROWS && i + r < count; r++) {               \
                out[i + r] = result[r];                                        \
            }                                                                  \
        }                                                                      \
    }

#endif
