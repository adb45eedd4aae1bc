/* kernels_module.c: the works as exports of a wasm module, for
 * kernels_side.mjs. There is no table of kernels: calls are direct. */
#include "kernels_work.h"

#define EXPORT(name) __attribute__((export_name(name)))

extern const bench_peaks BENCH_PEAKS_OF(MDG_ISA);

EXPORT("count") size_t bench_count(void) {
    return work_count();
}

EXPORT("name") const char *bench_name(size_t index) {
    return work_at(index)->name;
}

EXPORT("flops") double bench_flops(size_t index) {
    return work_at(index)->flops;
}

EXPORT("bytes") double bench_bytes(size_t index) {
    return work_at(index)->bytes;
}

EXPORT("items") double bench_items(size_t index) {
    return work_at(index)->items;
}

EXPORT("flags") uint32_t bench_flags(size_t index) {
    return work_at(index)->flags;
}

EXPORT("has_fma") int bench_has_fma(void) {
    return BENCH_PEAKS_OF(MDG_ISA).fma != NULL;
}

EXPORT("prepare") void bench_prepare(size_t index) {
    work_prepare(index);
}

EXPORT("run") void bench_run(size_t index, size_t calls) {
    const work *w = work_at(index);
    w->run(NULL, &BENCH_PEAKS_OF(MDG_ISA), w, calls);
}

static work_result result;

EXPORT("check") uint32_t bench_check(size_t index) {
    result = work_check(NULL, &BENCH_PEAKS_OF(MDG_ISA), index);
    return result.hash;
}

EXPORT("sum") double bench_sum(void) {
    return result.sum;
}

EXPORT("scale") double bench_scale(void) {
    return result.scale;
}
