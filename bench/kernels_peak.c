/* kernels_peak.c: how fast this machine multiplies, adds, reads and writes with
 * the registers of one instruction set; compiled once for each, as the kernels
 * are. Twelve independent chains hide the latency of every CPU of today and fit
 * into sixteen registers. */
#include "kernels_work.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

extern const bench_peaks BENCH_PEAKS_OF(MDG_ISA);

#if defined(BENCH_SCALAR)
typedef float vf;
#define VW       1
#define LOAD(p)  (*(p))
#define LANE0(v) (v)
#else
#if defined(__AVX512F__)
#define VW 16
#elif defined(__AVX2__)
#define VW 8
#else
#define VW 4
#endif
typedef float vf __attribute__((vector_size(4 * VW)));
typedef float vf_any
    __attribute__((vector_size(4 * VW), aligned(4), may_alias));
#define LOAD(p)  ((vf) * (const vf_any *)(p))
#define LANE0(v) ((v)[0])
#endif

#define CHAINS BENCH_PEAK_CHAINS

/* Hides a value's origin, so that no loop is folded. */
static vf opaque(vf v) {
#if defined(__x86_64__)
    __asm__("" : "+x"(v));
#elif defined(__aarch64__)
    __asm__("" : "+w"(v));
#endif
    return v;
}

#define EACH_CHAIN(x, step)                                                    \
    x(0, step) x(1, step) x(2, step) x(3, step) x(4, step) x(5, step)          \
        x(6, step) x(7, step) x(8, step) x(9, step) x(10, step) x(11, step)
#define START(i, step)  vf s##i = opaque(one * (1.0f + i));
#define MOVE(i, step)   s##i = step(s##i);
#define FINISH(i, step) total += LANE0(s##i);

/* x a + b with a near 1 keeps every chain finite and normal. */
#define CHAIN_LOOP(step)                                                       \
    static volatile float given[2] = {0.999999f, 1e-6f};                       \
    const vf one = (vf){0} + 1.0f;                                             \
    const vf a = one * given[0];                                               \
    const vf b = one * given[1];                                               \
    float total = 0;                                                           \
    EACH_CHAIN(START, )                                                        \
    for (size_t i = 0; i < n; i++) {                                           \
        EACH_CHAIN(MOVE, step)                                                 \
    }                                                                          \
    EACH_CHAIN(FINISH, )                                                       \
    return total;

static float mul_add(size_t n) {
#define MUL_ADD(x) ((x) * a + b)
    CHAIN_LOOP(MUL_ADD)
}

#if defined(__wasm_relaxed_simd__)
#define FMA(x) ((vf)__builtin_wasm_relaxed_madd_f32x4(x, a, b))
#elif defined(__FMA__) && defined(__AVX512F__)
#define FMA(x) ((vf)_mm512_fmadd_ps((__m512)(x), (__m512)a, (__m512)b))
#elif defined(__FMA__) && VW == 8
#define FMA(x) ((vf)_mm256_fmadd_ps((__m256)(x), (__m256)a, (__m256)b))
#endif

#if defined(FMA)
static float fma_only(size_t n) {
    CHAIN_LOOP(FMA)
}
#endif

/* As it reads only, it adds: four chains are enough for what comes from
 * memory. n is a multiple of 64. */
static float read_all(size_t n, const float *x) {
    vf s[4] = {(vf){0}, (vf){0}, (vf){0}, (vf){0}};
    for (const float *end = x + n; x != end; x += 4 * VW) {
        s[0] += LOAD(x);
        s[1] += LOAD(x + VW);
        s[2] += LOAD(x + 2 * VW);
        s[3] += LOAD(x + 3 * VW);
    }
    vf all = (s[0] + s[1]) + (s[2] + s[3]);
    return LANE0(all);
}

static void triad(size_t n, const float *x, const float *y, float *out) {
    const vf scale = (vf){0} + 3.0f;
    for (size_t i = 0; i < n; i += VW) {
#if VW == 1
        out[i] = x[i] + scale * y[i];
#else
        *(vf_any *)(out + i) = LOAD(x + i) + scale * LOAD(y + i);
#endif
    }
}

const bench_peaks BENCH_PEAKS_OF(MDG_ISA) = {mul_add,
#if defined(FMA)
                                             fma_only,
#else
                                             NULL,
#endif
                                             read_all, triad};
