/* reduce_f32_vec.c: from vectors to a number over sixteen virtual lanes.
 *
 * The sums of one register wait for each other, so that wide registers (of
 * which the lanes fill two or one) wait most: several rows at once do not
 * (rows.h). */
#include "base/fmath.h"
#include "kernels/lanes.h"

/* LARGER and SMALLER of four lanes, and of the eight that are half of a
 * register of sixteen. */
#if VW == 4
#define LARGER_4  LARGER
#define SMALLER_4 SMALLER
#else
#define LARGER_4(x, y)  ((vf4)_mm_max_ps((__m128)(y), (__m128)(x)))
#define SMALLER_4(x, y) ((vf4)_mm_min_ps((__m128)(y), (__m128)(x)))
#endif
#if VW == 16
#define LARGER_8(x, y)  ((vf8)_mm256_max_ps((__m256)(y), (__m256)(x)))
#define SMALLER_8(x, y) ((vf8)_mm256_min_ps((__m256)(y), (__m256)(x)))
#endif

#define ABS(v) ((vf)((vi)(v) & 0x7fffffff))

/* Blocks of lanes in one round. With wide registers the additions wait for each
 * other, one or two chains of them; fewer instructions around them let more of
 * the next call run meanwhile. */
#if VW >= 8
#define AHEAD 4
#else
#define AHEAD 1
#endif

/* The sum over i of term(a_i, b_i). */
#define SUM_OF_TWO(name, term, term_of_one)                                    \
    float NAME(name)(size_t n, const float *a, const float *b) {               \
        vf s[REGS] = {{0}};                                                    \
        const float *end = a + (n - n % LANES);                                \
        const float *far = a + (AHEAD > 1 ? n - n % (AHEAD * LANES) : 0);      \
        for (; a != far; a += AHEAD * LANES, b += AHEAD * LANES) {             \
            _Pragma("GCC unroll 16") for (int j = 0; j < AHEAD * REGS; j++) {  \
                s[j % REGS] += term(LOAD(a + j * VW), LOAD(b + j * VW));       \
            }                                                                  \
        }                                                                      \
        for (; a != end; a += LANES, b += LANES) {                             \
            _Pragma("GCC unroll 4") for (int j = 0; j < REGS; j++) {           \
                s[j] += term(LOAD(a + j * VW), LOAD(b + j * VW));              \
            }                                                                  \
        }                                                                      \
        float total = sum_of_lanes(s);                                         \
        for (size_t i = 0; i < n % LANES; i++) {                               \
            total += term_of_one(a[i], b[i]);                                  \
        }                                                                      \
        return total;                                                          \
    }
#define PRODUCT(x, y)      ((x) * (y))
#define SQUARE(x, y)       (((x) - (y)) * ((x) - (y)))
#define DISTANCE(x, y)     ABS((x) - (y))
#define DISTANCE_ONE(x, y) __builtin_fabsf((x) - (y))
SUM_OF_TWO(dot_f32, PRODUCT, PRODUCT)
SUM_OF_TWO(l2sq_f32, SQUARE, SQUARE)
SUM_OF_TWO(l1_f32, DISTANCE, DISTANCE_ONE)

/* A wasm engine hoists the loads of a block: three sums of all lanes would not
 * stay in its registers, those of half of them do. */
#if defined(__wasm__)
#define PASS (REGS / 2)
#else
#define PASS REGS
#endif

void NAME(cosine_f32)(size_t n, const float *a, const float *b, float *out) {
    vf s[3][REGS];
    const size_t blocks = n - n % LANES;
    for (int pass = 0; pass < REGS; pass += PASS) {
        vf ab[PASS] = {{0}}, aa[PASS] = {{0}}, bb[PASS] = {{0}};
        const float *x = a + pass * VW, *y = b + pass * VW;
        for (const float *end = x + blocks; x != end; x += LANES, y += LANES) {
#pragma GCC unroll 4
            for (int j = 0; j < PASS; j++) {
                vf u = LOAD(x + j * VW), v = LOAD(y + j * VW);
                ab[j] += u * v;
                aa[j] += u * u;
                bb[j] += v * v;
            }
        }
#pragma GCC unroll 4
        for (int j = 0; j < PASS; j++) {
            s[0][pass + j] = ab[j];
            s[1][pass + j] = aa[j];
            s[2][pass + j] = bb[j];
        }
    }
    for (int i = 0; i < 3; i++) {
        out[i] = sum_of_lanes(s[i]);
    }
    for (size_t i = blocks; i < n; i++) {
        out[0] += a[i] * b[i];
        out[1] += a[i] * a[i];
        out[2] += b[i] * b[i];
    }
}

float NAME(sum_f32)(size_t n, const float *x) {
    vf s[REGS] = {{0}};
    const float *end = x + (n - n % LANES);
    for (; x != end; x += LANES) {
#pragma GCC unroll 4
        for (int j = 0; j < REGS; j++) {
            s[j] += LOAD(x + j * VW);
        }
    }
    float total = sum_of_lanes(s);
    for (size_t i = 0; i < n % LANES; i++) {
        total += x[i];
    }
    return total;
}

float NAME(norm_f32)(size_t n, const float *x) {
    return mdg_sqrt_f32(NAME(dot_f32)(n, x, x));
}

/* Four lanes of sixteen, folded as lanes.h folds sums. */
#if VW == 16
#define LOW_8(s) __builtin_shufflevector(s[0], s[0], 0, 1, 2, 3, 4, 5, 6, 7)
#define HIGH_8(s)                                                              \
    __builtin_shufflevector(s[0], s[0], 8, 9, 10, 11, 12, 13, 14, 15)
#define FOUR_OF(better, s) HALVES(better, better##_8(LOW_8(s), HIGH_8(s)))
#elif VW == 8
#define FOUR_OF(better, s) HALVES(better, better(s[0], s[1]))
#else
#define FOUR_OF(better, s) better(better(s[0], s[2]), better(s[1], s[3]))
#endif
/* Eight lanes to four. */
#define HALVES(better, h)                                                      \
    better##_4(__builtin_shufflevector(h, h, 0, 1, 2, 3),                      \
               __builtin_shufflevector(h, h, 4, 5, 6, 7))

/* The last of x_i in an order, from `start`; `better` of lanes and `sign` of
 * one. */
#define BEST_OF(name, start, better, sign, term, term_of_one)                  \
    float NAME(name)(size_t n, const float *x) {                               \
        vf s[REGS];                                                            \
        _Pragma("GCC unroll 4") for (int j = 0; j < REGS; j++) {               \
            s[j] = SPLAT(start);                                               \
        }                                                                      \
        const float *end = x + (n - n % LANES);                                \
        for (; x != end; x += LANES) {                                         \
            _Pragma("GCC unroll 4") for (int j = 0; j < REGS; j++) {           \
                s[j] = better(s[j], term(LOAD(x + j * VW)));                   \
            }                                                                  \
        }                                                                      \
        const vf4 four = FOUR_OF(better, s);                                   \
        const vf4 two =                                                        \
            better##_4(four, __builtin_shufflevector(four, four, 2, 3, 2, 3)); \
        float best = two[1] sign two[0] ? two[1] : two[0];                     \
        for (size_t i = 0; i < n % LANES; i++) {                               \
            const float one = term_of_one(x[i]);                               \
            best = one sign best ? one : best;                                 \
        }                                                                      \
        return best;                                                           \
    }
#define SAME(x) (x)
BEST_OF(max_f32, -__builtin_inff(), LARGER, >, SAME, SAME)
BEST_OF(min_f32, __builtin_inff(), SMALLER, <, SAME, SAME)
BEST_OF(absmax_f32, 0.0f, LARGER, >, ABS, __builtin_fabsf)

/* Elements that are looked at twice: first for the largest, then for where it
 * is. */
#define ARGMAX_CHUNK 4096

size_t NAME(argmax_f32)(size_t n, const float *x) {
    float best = -__builtin_inff();
    size_t from = 0;
    for (size_t i = 0; i < n; i += ARGMAX_CHUNK) {
        size_t count = n - i < ARGMAX_CHUNK ? n - i : ARGMAX_CHUNK;
        float largest = NAME(max_f32)(count, x + i);
        if (largest > best) {
            best = largest;
            from = i;
        }
    }
    for (; n - from >= LANES; from += LANES) {
        vi found = {0};
#pragma GCC unroll 4
        for (int j = 0; j < REGS; j++) {
            found |= LOAD(x + from + j * VW) == SPLAT(best);
        }
        if (any_lane(found)) {
            break;
        }
    }
    while (from < n && x[from] != best) {
        from++;
    }
    return from;
}
