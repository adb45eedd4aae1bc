/* kernels_work.h: what the benchmark of the kernels runs: works, each a call of
 * an operation on data of a certain shape. One source for native programs and
 * wasm modules (kernels_work.c), so that both do the same. No libc.
 */
#ifndef BENCH_KERNELS_WORK_H
#define BENCH_KERNELS_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

enum {
    WORK_FAST = 1,  /* may differ in the last digits among variants */
    WORK_BYTES = 2, /* has the variant avx512icl */
    WORK_PEAK = 4   /* measures the machine, not an operation of the kernels */
};

/* What the machine can, measured by the instructions of one variant. */
typedef struct bench_peaks {
    /* n steps, each of BENCH_PEAK_OPS operations */
    float (*mul_add)(size_t n);
    float (*fma)(size_t n); /* NULL where there is no such instruction */
    float (*read)(size_t n, const float *x);
    void (*triad)(size_t n, const float *x, const float *y, float *out);
} bench_peaks;

#define BENCH_PEAK_CHAINS 12

typedef struct work work;
typedef void work_run_fn(const mdg_kernels *k, const bench_peaks *p,
                         const work *w, size_t calls);
struct work {
    const char *name;
    work_run_fn *run;
    size_t op; /* the offset of its operation in a mdg_kernels, natively */
    size_t m, n, k;
    double flops; /* operations of one call, 0: not counted in these */
    double bytes; /* that a call must read and write at least */
    double items; /* elements, rows or codes of one call */
    uint32_t flags;
};

/* Sum and scale (the sum of magnitudes) of all outputs, and a hash of their
 * bits, after a single call on fresh inputs. */
typedef struct work_result {
    double sum, scale;
    uint32_t hash;
} work_result;

size_t work_count(void);
const work *work_at(size_t index);
/* Fresh inputs; the same every time and everywhere. */
void work_prepare(size_t index);
work_result work_check(const mdg_kernels *k, const bench_peaks *p,
                       size_t index);

/* The peaks of one variant, kernels_peak.c. */
#define BENCH_PEAKS_OF(isa)    BENCH_PEAKS_PASTE(isa)
#define BENCH_PEAKS_PASTE(isa) bench_peaks_##isa

#endif
